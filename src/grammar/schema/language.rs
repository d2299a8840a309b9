//! Strings that several expressions agree on: the product of their deterministic automata, made as far
//! as it is reached.
//!
//! Conditions on places (`^`, `$`, `\b`) are decided when the next character is known: a state holds
//! what was reached before them, and what kind of character stood before.

use std::collections::HashMap;

use super::pattern::{Assert, Pattern, Regex, WORD, is_word};
use crate::grammar::utf8;

/// Most states of one expression's automaton before it is made deterministic.
const MAX_PLACES: usize = 20_000;
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
    let mut ids: HashMap<(Vec<u32>, u64), u32> = HashMap::new();
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
        let mut by_target: HashMap<u32, usize> = HashMap::new();
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

/// Characters that all expressions treat alike.
struct Classes {
    cuts: Vec<u32>,
    of_cut: Vec<usize>,
    ranges: Vec<Vec<(u32, u32)>>,
    word: Vec<bool>,
}

impl Classes {
    fn new<'r>(regexes: impl Iterator<Item = &'r Regex>) -> Classes {
        let mut sets: Vec<Vec<(u32, u32)>> = vec![vec![(0, 0x10FFFF)]];
        let mut asserts = false;
        for regex in regexes {
            collect(regex, &mut sets, &mut asserts);
        }
        if asserts {
            sets.push(WORD.to_vec());
        }
        sets.sort();
        sets.dedup();
        let mut cuts: Vec<u32> = sets.iter().flatten().flat_map(|&(lo, hi)| [lo, hi + 1]).collect();
        cuts.retain(|cut| *cut <= 0x10FFFF);
        cuts.extend([0, 0xD800, 0xE000]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut known: HashMap<Vec<bool>, usize> = HashMap::new();
        let mut classes =
            Classes { cuts: Vec::new(), of_cut: Vec::new(), ranges: Vec::new(), word: Vec::new() };
        for (i, &cut) in cuts.iter().enumerate() {
            let last = cuts.get(i + 1).map_or(0x10FFFF, |next| next - 1);
            // Surrogates are no characters.
            if cut == 0xD800 {
                classes.cuts.push(cut);
                classes.of_cut.push(usize::MAX);
                continue;
            }
            let key: Vec<bool> =
                sets.iter().map(|set| set.iter().any(|(lo, hi)| (lo..=hi).contains(&&cut))).collect();
            let class = *known.entry(key).or_insert_with(|| {
                classes.ranges.push(Vec::new());
                classes.word.push(asserts && is_word(cut));
                classes.ranges.len() - 1
            });
            classes.ranges[class].push((cut, last));
            classes.cuts.push(cut);
            classes.of_cut.push(class);
        }
        classes
    }

    /// The classes of a set of characters.
    fn of(&self, ranges: &[(u32, u32)]) -> Vec<usize> {
        let mut all = Vec::new();
        for &(lo, hi) in ranges {
            let mut i = self.cuts.partition_point(|cut| *cut < lo);
            while self.cuts.get(i).is_some_and(|cut| *cut <= hi) {
                if self.of_cut[i] != usize::MAX {
                    all.push(self.of_cut[i]);
                }
                i += 1;
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn collect(regex: &Regex, sets: &mut Vec<Vec<(u32, u32)>>, asserts: &mut bool) {
    match regex {
        Regex::Class(ranges) => sets.push(utf8::normalise(ranges)),
        Regex::Assert(_) => *asserts = true,
        Regex::Seq(parts) | Regex::Alt(parts) => {
            parts.iter().for_each(|part| collect(part, sets, asserts));
        }
        Regex::Repeat(inner, ..) => collect(inner, sets, asserts),
    }
}

enum Place {
    Class(Vec<usize>, u32),
    Split(Vec<u32>),
    Assert(Assert, u32),
    Accept,
}

/// What stood before.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Before {
    Nothing,
    Word,
    Other,
}

/// One expression's automaton, made deterministic as it is asked.
struct Run {
    places: Vec<Place>,
    asserts: bool,
    sets: Vec<(Vec<u32>, Before)>,
    ids: HashMap<(Vec<u32>, Before), u32>,
    next: HashMap<(u32, usize), u32>,
    accepts: HashMap<u32, bool>,
}

impl Run {
    /// The set of nothing.
    const DEAD: u32 = 0;

    fn new(regex: &Regex, classes: &mut Classes) -> Option<Run> {
        let mut run = Run {
            places: vec![Place::Accept],
            asserts: false,
            sets: Vec::new(),
            ids: HashMap::new(),
            next: HashMap::new(),
            accepts: HashMap::new(),
        };
        let start = run.add(regex, 0, classes)?;
        run.intern(Vec::new(), Before::Other);
        run.intern(vec![start], Before::Nothing);
        Some(run)
    }

    /// A place from which the expression leads to `to`.
    fn add(&mut self, regex: &Regex, to: u32, classes: &Classes) -> Option<u32> {
        if self.places.len() > MAX_PLACES {
            return None;
        }
        let place = match regex {
            Regex::Class(ranges) => Place::Class(classes.of(&utf8::normalise(ranges)), to),
            Regex::Assert(assert) => {
                self.asserts = true;
                Place::Assert(*assert, to)
            }
            Regex::Seq(parts) => {
                let mut to = to;
                for part in parts.iter().rev() {
                    to = self.add(part, to, classes)?;
                }
                return Some(to);
            }
            Regex::Alt(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.push(self.add(part, to, classes)?);
                }
                Place::Split(all)
            }
            Regex::Repeat(inner, min, max) => {
                let mut to = to;
                match max {
                    Some(max) => {
                        let end = to;
                        for _ in *min..*max {
                            let more = self.add(inner, to, classes)?;
                            self.places.push(Place::Split(vec![more, end]));
                            to = self.places.len() as u32 - 1;
                        }
                    }
                    None => {
                        let hub = self.places.len() as u32;
                        self.places.push(Place::Split(vec![to]));
                        let more = self.add(inner, hub, classes)?;
                        self.places[hub as usize] = Place::Split(vec![more, to]);
                        to = hub;
                    }
                }
                for _ in 0..*min {
                    to = self.add(inner, to, classes)?;
                }
                return Some(to);
            }
        };
        self.places.push(place);
        Some(self.places.len() as u32 - 1)
    }

    fn intern(&mut self, mut places: Vec<u32>, mut before: Before) -> u32 {
        places.sort_unstable();
        places.dedup();
        if places.is_empty() || !self.asserts {
            before = Before::Other;
        }
        let key = (places, before);
        if let Some(&id) = self.ids.get(&key) {
            return id;
        }
        let id = self.sets.len() as u32;
        self.sets.push(key.clone());
        self.ids.insert(key, id);
        id
    }

    /// All places that are reached with nothing, where `next` says whether a word character comes
    /// (`None` at the end).
    fn reach(&self, set: u32, next: Option<bool>, steps: &mut usize) -> Vec<u32> {
        let (start, before) = &self.sets[set as usize];
        let mut seen = vec![false; self.places.len()];
        let mut work = start.clone();
        let mut all = Vec::new();
        while let Some(place) = work.pop() {
            if std::mem::replace(&mut seen[place as usize], true) {
                continue;
            }
            *steps += 1;
            match &self.places[place as usize] {
                Place::Split(to) => work.extend(to),
                Place::Assert(assert, to) => {
                    let holds = match assert {
                        Assert::Start => *before == Before::Nothing,
                        Assert::End => next.is_none(),
                        Assert::Boundary(wanted) => {
                            ((*before == Before::Word) != next.unwrap_or(false)) == *wanted
                        }
                    };
                    if holds {
                        work.push(*to);
                    }
                }
                Place::Class(..) | Place::Accept => all.push(place),
            }
        }
        all
    }

    fn accepts(&mut self, set: u32) -> bool {
        if let Some(&known) = self.accepts.get(&set) {
            return known;
        }
        let found = self.reach(set, None, &mut 0).contains(&0);
        self.accepts.insert(set, found);
        found
    }

    fn step(&mut self, set: u32, class: usize, classes: &Classes, steps: &mut usize) -> u32 {
        if set == Run::DEAD {
            return Run::DEAD;
        }
        if let Some(&known) = self.next.get(&(set, class)) {
            return known;
        }
        let word = classes.word[class];
        let mut next = Vec::new();
        for place in self.reach(set, Some(word), steps) {
            if let Place::Class(of, to) = &self.places[place as usize]
                && of.binary_search(&class).is_ok()
            {
                next.push(*to);
            }
        }
        let to = self.intern(next, if word { Before::Word } else { Before::Other });
        self.next.insert((set, class), to);
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::schema::pattern::parse;

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
