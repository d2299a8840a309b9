//! Strings that several expressions agree on: the product of their deterministic automata, made as far
//! as it is reached.

use std::rc::Rc;

use super::pattern::{Pattern, Regex};
use super::run::{Classes, Run};
use crate::grammar::analysis::Lists;
use crate::grammar::fx::{Rows, sort};
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
    /// The sets of characters that edges are for.
    pub(super) sets: Rc<[Vec<(u32, u32)>]>,
    /// Of each state, where it accepts: a bit for each mark that matches.
    labels: Vec<Option<u16>>,
    /// `edges[first[s]..first[s + 1]]` leave state `s`, each for a set, to a state.
    first: Vec<u32>,
    edges: Vec<(u32, u32)>,
}

impl Dfa {
    /// Number of states.
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Where a state accepts, a bit for each mark that matches.
    pub(super) fn label(&self, state: usize) -> Option<u32> {
        self.labels[state].map(u32::from)
    }

    /// The sets of characters that leave a state, and where they lead.
    pub(super) fn edges(&self, state: usize) -> &[(u32, u32)] {
        &self.edges[self.first[state] as usize..self.first[state + 1] as usize]
    }

    /// Whether no string fits.
    pub(super) fn is_empty(&self) -> bool {
        self.labels.iter().all(Option::is_none)
    }

    /// The states from which each plain character leads to another one of them, if they are found soon.
    pub(super) fn free(&self) -> Option<Vec<bool>> {
        let rounds = if self.len() > 200 { 3 } else { 16 };
        let covers = |state: usize, free: &[bool]| {
            let inside = self.edges(state).iter().filter(|(_, to)| free[*to as usize]);
            let ranges: Vec<(u32, u32)> =
                inside.flat_map(|(set, _)| &self.sets[*set as usize]).copied().collect();
            utf8::holds_plain(&utf8::normalise(&ranges))
        };
        let mut free = vec![true; self.len()];
        for _ in 0..rounds {
            let next: Vec<bool> = (0..self.len()).map(|state| free[state] && covers(state, &free)).collect();
            if next == free {
                return free.contains(&true).then_some(free);
            }
            free = next;
        }
        None
    }

    /// The labels that occur.
    pub(super) fn labels(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.labels.iter().flatten().copied().map(u32::from).collect();
        sort(&mut all);
        all.dedup();
        all
    }

    /// The part that accepts with just these labels.
    pub(super) fn only(&self, labels: &[u32]) -> Dfa {
        let mut part = self.clone();
        for label in &mut part.labels {
            *label = label.filter(|known| labels.contains(&u32::from(*known)));
        }
        part.trim();
        part
    }

    /// Removes the states from which nothing accepts.
    fn trim(&mut self) {
        let count = self.len();
        let before: Lists<u32> = Lists::new(count, |entry| {
            for from in 0..count {
                self.edges(from).iter().for_each(|&(_, to)| entry(to, from as u32));
            }
        });
        let mut alive = vec![false; count];
        let mut work: Vec<u32> = (0..count as u32).filter(|&at| self.labels[at as usize].is_some()).collect();
        while let Some(at) = work.pop() {
            if !std::mem::replace(&mut alive[at as usize], true) {
                work.extend_from_slice(before.of(at));
            }
        }
        if !alive.contains(&false) {
            return;
        }
        let mut ids = vec![0; count];
        let (mut states, mut edges) = (0, 0);
        for at in 0..count {
            let range = self.first[at] as usize..self.first[at + 1] as usize;
            ids[at] = states;
            if !alive[at] && at > 0 {
                continue;
            }
            // What is kept moves to the front.
            self.labels[states as usize] = self.labels[at];
            self.first[states as usize] = edges;
            for edge in range {
                if alive[self.edges[edge].1 as usize] {
                    self.edges[edges as usize] = self.edges[edge];
                    edges += 1;
                }
            }
            states += 1;
        }
        self.labels.truncate(states as usize);
        self.first.truncate(states as usize);
        self.first.push(edges);
        self.edges.truncate(edges as usize);
        self.edges.iter_mut().for_each(|(_, to)| *to = ids[*to as usize]);
    }
}

/// The strings that fit; `None` when the automaton is too large.
pub(super) fn product(wanted: &Wanted<'_>) -> Option<Dfa> {
    let mut roles: Vec<(Role, &Regex)> = Vec::new();
    for (role, regexes) in [(Role::All, &wanted.all), (Role::None, &wanted.none), (Role::Mark, &wanted.marks)]
    {
        roles.extend(regexes.iter().map(|regex| (role, *regex)));
    }
    if wanted.marks.len() > MAX_MARKS {
        return None;
    }
    let classes = Classes::new(roles.iter().map(|(_, regex)| *regex));
    let mut runs = Vec::new();
    for (_, regex) in &roles {
        runs.push(Run::new(regex, &classes)?);
    }
    // The length matters up to its bounds; without an upper one, up to the lower one. It grows by one from a
    // state to the next, so that no more are reached than there may be states.
    let top = wanted.max.unwrap_or(wanted.min);
    // A state is a set of each run, and the length.
    let mut order = Rows::default();
    let mut now = vec![1; runs.len() + 1];
    now[runs.len()] = 0;
    order.number(&now);
    let mut next = now.clone();
    // The sets of characters of edges, as classes.
    let mut sets = Rows::default();
    let mut ranges = Vec::new();
    let mut dfa = Dfa { sets: Rc::from([]), labels: Vec::new(), first: vec![0], edges: Vec::new() };
    let (mut leads, mut of) = (Vec::new(), Vec::new());
    let mut steps = 0;
    while dfa.len() < order.len() {
        now.copy_from_slice(order.get(dfa.len() as u32));
        let length = u64::from(now[runs.len()]);
        let mut label = (length >= wanted.min).then_some(0);
        let mut marks = 0;
        for (run, (&set, (role, _))) in runs.iter_mut().zip(now.iter().zip(&roles)) {
            let accepts = run.accepts(set);
            match role {
                Role::All if !accepts => label = None,
                Role::None if accepts => label = None,
                Role::Mark => {
                    label = label.map(|bits: u16| bits | u16::from(accepts) << marks);
                    marks += 1;
                }
                _ => {}
            }
        }
        leads.clear();
        if wanted.max.is_none_or(|max| length < max) {
            let next_length = if wanted.max.is_some() { length + 1 } else { (length + 1).min(top) };
            next[runs.len()] = next_length as u32;
            for class in 0..classes.ranges.len() {
                steps += 1 + roles.len();
                if steps > MAX_STEPS {
                    return None;
                }
                let mut dead = false;
                for (i, (run, (role, _))) in runs.iter_mut().zip(&roles).enumerate() {
                    next[i] = run.step(now[i], class, &classes, &mut steps);
                    dead |= next[i] == Run::DEAD && *role == Role::All;
                }
                if !dead {
                    leads.push((order.number(&next).0, class as u32));
                }
            }
            if order.len() > MAX_STATES {
                return None;
            }
        }
        while let Some(&(target, _)) = leads.first() {
            of.clear();
            leads.retain(|&(to, class)| {
                if to == target {
                    of.push(class);
                }
                to != target
            });
            let (set, new) = sets.number(&of);
            if new {
                let all: Vec<(u32, u32)> =
                    of.iter().flat_map(|class| &classes.ranges[*class as usize]).copied().collect();
                ranges.push(utf8::normalise(&all));
            }
            dfa.edges.push((set, target));
        }
        dfa.labels.push(label);
        dfa.first.push(dfa.edges.len() as u32);
    }
    dfa.sets = ranges.into();
    dfa.trim();
    Some(dfa)
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
            let holds =
                |set: u32| dfa.sets[set as usize].iter().any(|(lo, hi)| (lo..=hi).contains(&&(c as u32)));
            at = dfa.edges(at as usize).iter().find(|(set, _)| holds(*set))?.1;
        }
        dfa.label(at as usize)
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
