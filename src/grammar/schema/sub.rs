//! Sets of schemas that must hold together.

use crate::grammar::RuleId;
use crate::grammar::fx::{Rows, sort};

/// A schema that must hold or, in the odd numbers, must not.
pub(super) type Lit = u32;

pub(super) fn not(lit: Lit) -> Lit {
    lit ^ 1
}

/// Schemas that must all hold, and choices among them that are made already.
#[derive(Clone, Debug)]
pub(super) struct Sub {
    pub(super) lits: Vec<Lit>,
    pub(super) made: Vec<u32>,
}

impl Sub {
    pub(super) fn of(lits: impl IntoIterator<Item = Lit>) -> Sub {
        let mut lits: Vec<Lit> = lits.into_iter().collect();
        sort(&mut lits);
        lits.dedup();
        Sub { lits, made: Vec::new() }
    }

    pub(super) fn with(&self, lits: &[Lit]) -> Sub {
        let all = Sub::of(self.lits.iter().chain(lits).copied());
        Sub { made: self.made.clone(), ..all }
    }

    pub(super) fn with_made(mut self, choice: u32) -> Sub {
        if let Err(at) = self.made.binary_search(&choice) {
            self.made.insert(at, choice);
        }
        self
    }
}

/// What is known of sets that were met, by their numbers.
#[derive(Default)]
pub(super) struct Subs {
    rows: Rows,
    row: Vec<u32>,
    known: Vec<Known>,
}

/// What is known of a set.
#[derive(Clone, Copy, Default)]
pub(super) struct Known {
    /// Whether it is certain that nothing fits, and how deep that was looked for.
    pub(super) empty: Option<(bool, u8)>,
    /// The rule of its texts.
    pub(super) rule: Option<RuleId>,
}

impl Subs {
    /// The number of a set.
    pub(super) fn number(&mut self, sub: &Sub) -> u32 {
        self.row.clear();
        self.row.push(sub.lits.len() as u32);
        self.row.extend_from_slice(&sub.lits);
        self.row.extend_from_slice(&sub.made);
        let (number, new) = self.rows.number(&self.row);
        if new {
            self.known.push(Known::default());
        }
        number
    }

    /// The set with this number.
    pub(super) fn get(&self, number: u32) -> Sub {
        let row = self.rows.get(number);
        let (lits, made) = row[1..].split_at(row[0] as usize);
        Sub { lits: lits.to_vec(), made: made.to_vec() }
    }

    pub(super) fn known(&mut self, number: u32) -> &mut Known {
        &mut self.known[number as usize]
    }
}
