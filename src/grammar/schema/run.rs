//! One expression's automaton, made deterministic as it is asked.
//!
//! Conditions on places (`^`, `$`, `\b`) are decided when the next character is known: a state holds
//! what was reached before them, and what kind of character stood before.

use super::pattern::{Assert, Regex, WORD, is_word};
use crate::grammar::fx::{FxMap, Table, hash_of, sort};
use crate::grammar::utf8;

/// Most states of an expression's automaton before it is made deterministic.
const MAX_PLACES: usize = 20_000;

/// Characters that all expressions treat alike.
pub(super) struct Classes {
    cuts: Vec<u32>,
    of_cut: Vec<usize>,
    pub(super) ranges: Vec<Vec<(u32, u32)>>,
    word: Vec<bool>,
}

impl Classes {
    pub(super) fn new<'r>(regexes: impl Iterator<Item = &'r Regex>) -> Classes {
        let mut sets: Vec<Vec<(u32, u32)>> = vec![vec![(0, 0x10FFFF)]];
        let mut asserts = false;
        for regex in regexes {
            collect(regex, &mut sets, &mut asserts);
        }
        if asserts {
            sets.push(WORD.to_vec());
        }
        sort(&mut sets);
        sets.dedup();
        let mut cuts: Vec<u32> = sets.iter().flatten().flat_map(|&(lo, hi)| [lo, hi + 1]).collect();
        cuts.retain(|cut| *cut <= 0x10FFFF);
        cuts.extend([0, 0xD800, 0xE000]);
        sort(&mut cuts);
        cuts.dedup();
        let mut known: FxMap<Vec<bool>, usize> = FxMap::default();
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
            let class = *known.or_insert_with(key, || {
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
        sort(&mut all);
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
pub(super) struct Run {
    places: Vec<Place>,
    asserts: bool,
    sets: Vec<Set>,
    /// The places of all sets, one set behind the other.
    members: Vec<u32>,
    ids: Table,
    /// Where each class leads from each set, as far as it was asked.
    next: Vec<u32>,
    // Room for one search, kept between them.
    seen: Vec<bool>,
    work: Vec<u32>,
}

/// Places that are reached together.
struct Set {
    /// Its part of the members.
    from: u32,
    to: u32,
    before: Before,
    accepts: Option<bool>,
}

const UNKNOWN: u32 = u32::MAX;

impl Run {
    /// The set of nothing.
    pub(super) const DEAD: u32 = 0;

    pub(super) fn new(regex: &Regex, classes: &Classes) -> Option<Run> {
        let mut run = Run {
            places: vec![Place::Accept],
            asserts: false,
            sets: Vec::new(),
            members: Vec::new(),
            ids: Table::default(),
            next: Vec::new(),
            seen: Vec::new(),
            work: Vec::new(),
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
        sort(&mut places);
        places.dedup();
        if places.is_empty() || !self.asserts {
            before = Before::Other;
        }
        let hash = hash_of(&(&places, before));
        let same = |known: u32| self.set(known) == &places[..] && self.sets[known as usize].before == before;
        if let Some(known) = self.ids.find(hash, same) {
            return known;
        }
        let id = self.sets.len() as u32;
        let from = self.members.len() as u32;
        self.members.extend_from_slice(&places);
        self.sets.push(Set { from, to: self.members.len() as u32, before, accepts: None });
        self.ids.insert(hash, id);
        id
    }

    fn set(&self, set: u32) -> &[u32] {
        let Set { from, to, .. } = self.sets[set as usize];
        &self.members[from as usize..to as usize]
    }

    /// All places that are reached with nothing, where `next` says whether a word character comes
    /// (`None` at the end).
    fn reach(&mut self, set: u32, next: Option<bool>, steps: &mut usize) -> Vec<u32> {
        let before = self.sets[set as usize].before;
        let mut work = std::mem::take(&mut self.work);
        work.extend_from_slice(self.set(set));
        self.seen.clear();
        self.seen.resize(self.places.len(), false);
        let mut all = Vec::new();
        while let Some(place) = work.pop() {
            if std::mem::replace(&mut self.seen[place as usize], true) {
                continue;
            }
            *steps += 1;
            match &self.places[place as usize] {
                Place::Split(to) => work.extend_from_slice(to),
                Place::Assert(assert, to) => {
                    let holds = match assert {
                        Assert::Start => before == Before::Nothing,
                        Assert::End => next.is_none(),
                        Assert::Boundary(wanted) => {
                            ((before == Before::Word) != next.unwrap_or(false)) == *wanted
                        }
                    };
                    if holds {
                        work.push(*to);
                    }
                }
                Place::Class(..) | Place::Accept => all.push(place),
            }
        }
        self.work = work;
        all
    }

    pub(super) fn accepts(&mut self, set: u32) -> bool {
        if let Some(known) = self.sets[set as usize].accepts {
            return known;
        }
        let found = self.reach(set, None, &mut 0).contains(&0);
        self.sets[set as usize].accepts = Some(found);
        found
    }

    pub(super) fn step(&mut self, set: u32, class: usize, classes: &Classes, steps: &mut usize) -> u32 {
        if set == Run::DEAD {
            return Run::DEAD;
        }
        let at = set as usize * classes.ranges.len() + class;
        if let Some(&known) = self.next.get(at)
            && known != UNKNOWN
        {
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
        if self.next.len() <= at {
            self.next.resize(self.sets.len() * classes.ranges.len(), UNKNOWN);
        }
        self.next[at] = to;
        to
    }
}
