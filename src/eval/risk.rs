//! How well a confidence tells right from wrong.
//!
//! Whoever may leave the cases aside of which it is least sure answers a share of them, the *coverage*, with a *risk*, the share of
//! wrong ones among the answered (R. El-Yaniv and Y. Wiener 2010, selective classification).

/// Readings with their confidences. Equal confidences stand in the middle of each other: their order means nothing.
#[derive(Clone, Debug, Default)]
pub struct Risk {
    readings: Vec<(f64, bool)>,
}

impl Risk {
    /// Counts a reading in; a confidence that is no number is none.
    pub fn add(&mut self, confidence: f64, right: bool) {
        self.readings.push((if confidence.is_nan() { 0.0 } else { confidence }, right));
    }

    /// How many wrong ones are expected among the surest 1, 2, ... readings.
    fn wrong(&self) -> Vec<f64> {
        let mut readings = self.readings.clone();
        readings.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut wrong = Vec::with_capacity(readings.len());
        let mut before = 0.0;
        for equal in readings.chunk_by(|a, b| a.0 == b.0) {
            let share = equal.iter().filter(|(_, right)| !right).count() as f64 / equal.len() as f64;
            wrong.extend((1..=equal.len()).map(|count| before + share * count as f64));
            before += share * equal.len() as f64;
        }
        wrong
    }

    /// Share of right ones among this share of the surest, at least one; 1 of none.
    pub fn accuracy_at(&self, coverage: f64) -> f64 {
        let wrong = self.wrong();
        let count = ((coverage * wrong.len() as f64).ceil() as usize).clamp(1, wrong.len().max(1));
        wrong.get(count - 1).map_or(1.0, |wrong| 1.0 - wrong / count as f64)
    }

    /// The mean risk over all coverages; 0 of none.
    pub fn area(&self) -> f64 {
        let wrong = self.wrong();
        let risks = wrong.iter().enumerate().map(|(at, wrong)| wrong / (at + 1) as f64);
        risks.sum::<f64>() / wrong.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn risk(readings: &[(f64, bool)]) -> Risk {
        let mut risk = Risk::default();
        readings.iter().for_each(|&(confidence, right)| risk.add(confidence, right));
        risk
    }

    #[test]
    fn the_surest_come_first() {
        let sharp = risk(&[(0.2, false), (0.9, true), (0.8, true), (0.7, true)]);
        assert_eq!((sharp.accuracy_at(0.75), sharp.accuracy_at(1.0)), (1.0, 0.75));
        assert_eq!(sharp.area(), 0.25 / 4.0);
        let blunt = risk(&[(0.9, false), (0.2, true), (0.3, true), (0.4, true)]);
        assert_eq!((blunt.accuracy_at(0.01), blunt.accuracy_at(1.0)), (0.0, 0.75));
        assert!(blunt.area() > sharp.area());
    }

    #[test]
    fn the_order_of_equals_means_nothing() {
        let one = risk(&[(0.5, true), (0.5, false), (0.5, true), (f64::NAN, false)]);
        let other = risk(&[(f64::NAN, false), (0.5, false), (0.5, true), (0.5, true)]);
        assert_eq!((one.area(), one.accuracy_at(0.5)), (other.area(), other.accuracy_at(0.5)));
        assert!((one.accuracy_at(0.5) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!((risk(&[]).area(), risk(&[]).accuracy_at(0.9)), (0.0, 1.0));
    }
}
