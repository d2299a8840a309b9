//! Weights of named features, searched where they stand in the program.

use std::cmp::Ordering;

/// A feature's name, a tab and its weight a line, in the order of the names' bytes.
pub(crate) struct Weights(&'static str);

impl Weights {
    /// A table of the program.
    pub const fn new(rows: &'static str) -> Weights {
        Weights(rows)
    }

    /// The weight of a feature, 0 of an unknown one: searched where it stands, so that the table costs no memory beside the program.
    pub fn of(&self, feature: &str) -> f32 {
        let rows = self.0;
        let (mut from, mut to) = (0, rows.len());
        while from < to {
            let middle = from + (to - from) / 2;
            let begin = rows.as_bytes()[from..middle]
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(from, |at| from + at + 1);
            let end = rows[begin..to].find('\n').map_or(to, |at| begin + at);
            let Some((name, weight)) = rows[begin..end].split_once('\t') else { return 0.0 };
            match name.cmp(feature) {
                Ordering::Equal => return weight.parse().unwrap_or(0.0),
                Ordering::Less => from = (end + 1).min(to),
                Ordering::Greater => to = begin,
            }
        }
        0.0
    }
}

#[cfg(test)]
impl Weights {
    /// Asserts that the table has so many rows at least, in order, and that each is found and nothing else.
    pub fn check(&self, least: usize) {
        let rows: Vec<(&str, f32)> = self
            .0
            .lines()
            .map(|row| row.split_once('\t').expect("a name and a weight"))
            .map(|(name, weight)| (name, weight.parse().expect("a number")))
            .collect();
        assert!(rows.len() >= least, "{}", rows.len());
        for pair in rows.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{:?}", pair);
        }
        assert!(rows.iter().all(|(name, known)| self.of(name) == *known));
        for unknown in ["", "B", "B=", "~", "zzz", "B=é"] {
            assert!(rows.iter().any(|(name, _)| *name == unknown) || self.of(unknown) == 0.0, "{unknown}");
        }
    }
}
