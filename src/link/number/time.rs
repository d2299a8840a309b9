//! Lengths of time among the numbers of a request: units, parts, rates, and what is added behind a unit.

use super::read::{Found, Place};
use super::words::{cardinal, seconds};
use super::{Number, Unit};

pub(super) fn duration(said: f64, scale: f64, used: usize) -> Option<Found> {
    let value = (said * scale * 1000.0).round() / 1000.0;
    Some((Number { said, ..Number::new(value, Unit::Seconds) }, used))
}

impl<'w> Place<'w> {
    /// A unit of time `k` on: its seconds, and how many words it takes; none where it hints at a tool, which is a mention of its own.
    pub(super) fn time(&self, k: usize) -> Option<(f64, usize)> {
        let word = self.unit_at(k)?;
        let free = usize::from(self.next(k).is_some());
        (free == 1 || word.len() > 3).then(|| seconds(word)).flatten().map(|unit| (unit, free))
    }

    /// "a second", "per minute": how often in this time; "of an hour": a part of it. With the words it takes, and whether one of `ways`
    /// stands before it.
    pub(super) fn span(&self, at: usize, ways: &[&str]) -> Option<(f64, usize, bool)> {
        let way = usize::from(self.next(at).is_some_and(|word| ways.contains(&word)));
        let article = usize::from(way > 0 && matches!(self.next(at + 1), Some("a" | "an" | "one")));
        let unit = self.next(at + way + article).filter(|word| word.len() > 1).and_then(seconds)?;
        Some((unit, way + article + 1, way > 0))
    }

    pub(super) fn part_of(&self, part: f64, at: usize) -> Option<Found> {
        let (unit, used, _) = self.span(at, &["of", "a", "an"])?;
        duration(part, unit, at + used)
    }

    /// "three times a second", but not "three times, a second each".
    pub(super) fn rate(&self, count: f64, k: usize) -> Option<Found> {
        let runs_on = self.words.get(self.at + k).is_some_and(|word| !word.begins);
        let (unit, used, _) =
            self.span(k, &["a", "an", "per"]).filter(|(.., by)| *by && count > 0.0 && runs_on)?;
        // "twice a second apart" says how often and at what interval.
        if matches!(self.next(k + used), Some("apart" | "each" | "between")) {
            return None;
        }
        duration(1.0 / count, unit, k + used)
    }

    /// What is added to a time behind its unit, in that unit, and the words of it: "and a half", "and a quarter", "thirty" of "four minutes
    /// thirty", "and ten minutes".
    pub(super) fn more_time(&self, unit: f64, k: usize) -> Option<(f64, usize)> {
        if let Some(part) = self.and_part(k) {
            return Some(part);
        }
        if self.parts && unit == 3600.0 {
            return None;
        }
        let and = usize::from(self.next(k) == Some("and"));
        let at = k + and;
        self.next(at)?;
        let (value, used) = cardinal(self.words, self.at + at).filter(|_| !self.begins(at))?;
        // "1h 30m": metres elsewhere.
        let smaller = |word: &str| if word == "m" && unit == 3600.0 { Some(60.0) } else { seconds(word) };
        let smaller = self.next(at + used).and_then(smaller);
        let fits = (1.0..60.0).contains(&value) && value.fract() == 0.0 && unit >= 60.0;
        match smaller {
            Some(smaller) if fits && smaller == unit / 60.0 => Some((value / 60.0, and + used + 1)),
            // "An hour and ten".
            None if fits && (and == 0 || unit == 3600.0) && value % 5.0 == 0.0 && self.ends(at + used) => {
                Some((value / 60.0, and + used))
            }
            _ => None,
        }
    }
}
