//! Strings that several expressions agree on: the product of their deterministic automata, made as far
//! as it is reached.

use super::pattern::{Pattern, Regex};
use super::run::{Classes, Run};
use crate::grammar::fx::FxMap;
use crate::grammar::utf8;

/// Most states of a product.
const MAX_STATES: usize = 12_000;
/// Most steps to make one.
const MAX_STEPS: usize = 400_000;
/// Most expressions whose matches are told apart.
pub(super) const MAX_MARKS: usize = 16;

/// What is asked of strings.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted<'a> {
    pub(super) all: Vec<&'a Regex>,
    pub(super) none: Vec<&'a Regex>,
    /// Expressions that may match or not; which of them do is told by the label.
    pub(super) marks: Vec<&'a Regex>,
    /// Least and greatest length in characters.
    pub(super) min: u64,
    pub(super) max: Option<u64>,
}

impl<'a> Wanted<'a> {
    /// Asks that the pattern matches, or not; `false` where that cannot be said (the opposite of a
    /// pattern that looks ahead).
    pub(super) fn add(&mut self, pattern: &'a Pattern, matches: bool) -> bool {
        if !matches {
            if pattern.ahead.is_empty() {
                self.none.push(&pattern.main);
            }
            return pattern.ahead.is_empty();
        }
        self.all.push(&pattern.main);
        for (wanted, regex) in &pattern.ahead {
            if *wanted { self.all.push(regex) } else { self.none.push(regex) }
        }
        true
    }
}

/// A deterministic automaton over characters; state 0 is the start. From every state an accepting one
/// can be reached, except from the start when no string fits.
#[derive(Clone, Debug)]
pub(super) struct Dfa {
    pub(super) states: Vec<State>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Where it accepts, a bit for each mark that matches.
    pub(super) label: Option<u32>,
    pub(super) edges: Vec<(Vec<(u32, u32)>, u32)>,
}

impl Dfa {
    /// Whether no string fits.
    pub(super) fn is_empty(&self) -> bool {
        self.states.iter().all(|state| state.label.is_none())
    }

    /// The states from which each plain character leads to another one of them, if they are found soon.
    pub(super) fn free(&self) -> Option<Vec<bool>> {
        let rounds = if self.states.len() > 200 { 3 } else { 16 };
        let covers = |state: &State, free: &[bool]| {
            let inside = state.edges.iter().filter(|(_, to)| free[*to as usize]);
            let ranges: Vec<(u32, u32)> = inside.flat_map(|(ranges, _)| ranges).copied().collect();
            utf8::holds_plain(&utf8::normalise(&ranges))
        };
        let mut free = vec![true; self.states.len()];
        for _ in 0..rounds {
            let next: Vec<bool> =
                self.states.iter().zip(&free).map(|(state, known)| *known && covers(state, &free)).collect();
            if next == free {
                return free.contains(&true).then_some(free);
            }
            free = next;
        }
        None
    }

    /// The labels that occur.
    pub(super) fn labels(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.states.iter().filter_map(|state| state.label).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The part that accepts with just these labels.
    pub(super) fn only(&self, labels: &[u32]) -> Dfa {
        let mut states = self.states.clone();
        for state in &mut states {
            state.label = state.label.filter(|known| labels.contains(known));
        }
        Dfa { states }.trimmed()
    }

    /// Without the states from which nothing accepts.
    fn trimmed(self) -> Dfa {
        let mut before = vec![Vec::new(); self.states.len()];
        for (from, state) in self.states.iter().enumerate() {
            for (_, to) in &state.edges {
                before[*to as usize].push(from);
            }
        }
        let mut alive = vec![false; self.states.len()];
        let mut work: Vec<usize> =
            (0..self.states.len()).filter(|&at| self.states[at].label.is_some()).collect();
        while let Some(at) = work.pop() {
            if !std::mem::replace(&mut alive[at], true) {
                work.extend(&before[at]);
            }
        }
        let mut ids = vec![None; self.states.len()];
        let mut next = 0;
        for at in 0..self.states.len() {
            if alive[at] || at == 0 {
                ids[at] = Some(next);
                next += 1;
            }
        }
        let states = self
            .states
            .into_iter()
            .enumerate()
            .filter(|(at, _)| ids[*at].is_some())
            .map(|(_, state)| State {
                label: state.label,
                edges: state
                    .edges
                    .into_iter()
                    .filter(|(_, to)| alive[*to as usize])
                    .filter_map(|(ranges, to)| Some((ranges, ids[to as usize]?)))
                    .collect(),
            })
            .collect();
        Dfa { states }
    }
}

/// The strings that fit; `None` when the automaton is too large.
pub(super) fn product(wanted: &Wanted<'_>) -> Option<Dfa> {
    let roles: Vec<(Role, &Regex)> = wanted
        .all
        .iter()
        .map(|regex| (Role::All, *regex))
        .chain(wanted.none.iter().map(|regex| (Role::None, *regex)))
        .chain(wanted.marks.iter().map(|regex| (Role::Mark, *regex)))
        .collect();
    if wanted.marks.len() > MAX_MARKS {
        return None;
    }
    let mut classes = Classes::new(roles.iter().map(|(_, regex)| *regex));
    let mut runs = Vec::new();
    for (_, regex) in &roles {
        runs.push(Run::new(regex, &mut classes)?);
    }
    // The length matters up to its bounds; without an upper one, up to the lower one.
    let top = wanted.max.unwrap_or(wanted.min);
    let mut ids: FxMap<(Vec<u32>, u64), u32> = FxMap::default();
    let mut order: Vec<(Vec<u32>, u64)> = vec![(runs.iter().map(|_| 1).collect(), 0)];
    ids.insert(order[0].clone(), 0);
    let mut states: Vec<State> = Vec::new();
    let mut steps = 0;
    let mut at = 0;
    while at < order.len() {
        let (sets, length) = order[at].clone();
        at += 1;
        let mut label = Some(0);
        let mut marks = 0;
        for (run, (&set, (role, _))) in runs.iter_mut().zip(sets.iter().zip(&roles)) {
            let accepts = run.accepts(set);
            match role {
                Role::All if !accepts => label = None,
                Role::None if accepts => label = None,
                Role::Mark => {
                    label = label.map(|bits| bits | u32::from(accepts) << marks);
                    marks += 1;
                }
                _ => {}
            }
        }
        if length < wanted.min {
            label = None;
        }
        let mut edges: Vec<(Vec<(u32, u32)>, u32)> = Vec::new();
        let mut by_target: FxMap<u32, usize> = FxMap::default();
        if wanted.max.is_none_or(|max| length < max) {
            let next_length = if wanted.max.is_some() { length + 1 } else { (length + 1).min(top) };
            for class in 0..classes.ranges.len() {
                steps += 1 + roles.len();
                if steps > MAX_STEPS {
                    return None;
                }
                let mut next = Vec::with_capacity(sets.len());
                let mut dead = false;
                for (run, (&set, (role, _))) in runs.iter_mut().zip(sets.iter().zip(&roles)) {
                    let to = run.step(set, class, &classes, &mut steps);
                    dead |= to == Run::DEAD && *role == Role::All;
                    next.push(to);
                }
                if dead {
                    continue;
                }
                let key = (next, next_length);
                let target = match ids.get(&key) {
                    Some(&id) => id,
                    None => {
                        if order.len() >= MAX_STATES {
                            return None;
                        }
                        let id = order.len() as u32;
                        order.push(key.clone());
                        ids.insert(key, id);
                        id
                    }
                };
                let slot = *by_target.entry(target).or_insert_with(|| {
                    edges.push((Vec::new(), target));
                    edges.len() - 1
                });
                edges[slot].0.extend_from_slice(&classes.ranges[class]);
            }
        }
        for (ranges, _) in &mut edges {
            *ranges = utf8::normalise(ranges);
        }
        states.push(State { label, edges });
    }
    Some(Dfa { states }.trimmed())
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    All,
    None,
    Mark,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::schema::ecma::parse;

    fn runs(dfa: &Dfa, text: &str) -> Option<u32> {
        let mut at = 0;
        for c in text.chars() {
            let edges = &dfa.states[at as usize].edges;
            at = edges.iter().find(|(r, _)| r.iter().any(|(lo, hi)| (lo..=hi).contains(&&(c as u32))))?.1;
        }
        dfa.states[at as usize].label
    }

    #[test]
    fn products_agree_with_their_parts() {
        let patterns = ["^a+b?$", "b", "(^|x)ab", "^(ab|ba){1,2}$", "\\bab\\b", "a$|^b", "^.{2,3}$", "\\Ba"];
        let texts: Vec<String> = (0..4u32.pow(5))
            .flat_map(|n| {
                (0..=5).map(move |len| {
                    (0..len).map(|i| ['a', 'b', 'x', ' '][(n >> (2 * i) & 3) as usize]).collect()
                })
            })
            .collect();
        for yes in &patterns {
            for no in &patterns {
                let (yes, no) = (parse(yes).unwrap(), parse(no).unwrap());
                let wanted = Wanted {
                    all: vec![&yes.main],
                    none: vec![&no.main],
                    min: 1,
                    max: Some(4),
                    ..Wanted::default()
                };
                let dfa = product(&wanted).unwrap();
                for text in &texts {
                    let fits =
                        yes.matches(text) && !no.matches(text) && (1..=4).contains(&text.chars().count());
                    assert_eq!(runs(&dfa, text).is_some(), fits, "{text} {yes:?} {no:?}");
                }
            }
        }
        let (a, b) = (parse("a").unwrap(), parse("b").unwrap());
        let dfa = product(&Wanted { marks: vec![&a.main, &b.main], ..Wanted::default() }).unwrap();
        assert_eq!((runs(&dfa, "xay"), runs(&dfa, "ab"), runs(&dfa, "")), (Some(1), Some(3), Some(0)));
        assert_eq!(dfa.labels(), [0, 1, 2, 3]);
        assert_eq!(runs(&dfa.only(&[2]), "ab"), None);
        assert_eq!(runs(&dfa.only(&[2]), "bb"), Some(2));
    }
}
