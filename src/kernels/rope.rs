//! Rotary position embedding: pairs of a head's elements turned by an angle that grows with the position.

/// Which elements make a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RopeStyle {
    /// `(2i, 2i + 1)`. GGUF files of the llama architecture have their rows permuted for it.
    Interleaved,
    /// `(i, i + n/2)`, as in NeoX and most models but Llama.
    Halves,
}

/// Cosines and sines for a run of positions.
#[derive(Debug)]
pub struct RopeTable {
    style: RopeStyle,
    frequencies: Vec<f64>,
    /// `(cos, sin)` of each frequency, position by position.
    turns: Vec<(f32, f32)>,
}

impl RopeTable {
    /// For the first `dims` (even) elements of a head: frequency `i` is `base^(-2i / dims) / scale`, divided by
    /// `factors[i]` where the model has them (Llama 3's `rope_freqs.weight`). `positions` is the longest run that will be asked for.
    ///
    /// # Panics
    /// If `factors` are there and are fewer than `dims / 2`.
    pub fn new(
        style: RopeStyle,
        base: f64,
        scale: f64,
        dims: usize,
        factors: Option<&[f32]>,
        positions: usize,
    ) -> Self {
        let frequency = |i: usize| {
            let plain = base.powf(-2.0 * i as f64 / dims as f64) / scale;
            factors.map_or(plain, |f| plain / f64::from(f[i]))
        };
        let frequencies: Vec<f64> = (0..dims / 2).map(frequency).collect();
        Self { style, turns: Vec::with_capacity(positions * frequencies.len()), frequencies }
    }

    /// Fills the table for positions `first..first + count`.
    pub fn prepare(&mut self, first: usize, count: usize) {
        self.turns.clear();
        for position in first..first + count {
            self.turns.extend(self.frequencies.iter().map(|frequency| {
                let (sin, cos) = (position as f64 * frequency).sin_cos();
                (cos as f32, sin as f32)
            }));
        }
    }

    /// Turns one head's elements for the `i`-th prepared position; elements beyond the table's dimensions stay.
    ///
    /// # Panics
    /// If position `i` was not prepared or the head is shorter than the table's dimensions.
    pub fn turn(&self, i: usize, head: &mut [f32]) {
        let half = self.frequencies.len();
        let turns = &self.turns[i * half..(i + 1) * half];
        match self.style {
            RopeStyle::Interleaved => {
                for (pair, &(cos, sin)) in head[..2 * half].chunks_exact_mut(2).zip(turns) {
                    (pair[0], pair[1]) = (pair[0] * cos - pair[1] * sin, pair[0] * sin + pair[1] * cos);
                }
            }
            RopeStyle::Halves => {
                let (low, high) = head[..2 * half].split_at_mut(half);
                for ((a, b), &(cos, sin)) in low.iter_mut().zip(high).zip(turns) {
                    (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::floats;
    use super::*;

    #[test]
    fn halves_and_interleaved_differ_by_a_permutation() {
        let x = floats(16, 1);
        let mut a = RopeTable::new(RopeStyle::Interleaved, 1e4, 1.0, 16, None, 4);
        let mut b = RopeTable::new(RopeStyle::Halves, 1e4, 1.0, 16, None, 4);
        a.prepare(3, 4);
        b.prepare(3, 4);
        let mut interleaved: Vec<f32> = (0..16).map(|i| x[i / 2 + i % 2 * 8]).collect();
        let mut halves = x.clone();
        a.turn(2, &mut interleaved);
        b.turn(2, &mut halves);
        for i in 0..16 {
            assert_eq!(interleaved[i], halves[i / 2 + i % 2 * 8]);
        }
        // Position 5, slowest pair but one of the definition.
        let angle = 5.0 * 1e4f64.powf(-2.0 / 16.0);
        let want = f64::from(x[1]) * angle.cos() - f64::from(x[9]) * angle.sin();
        assert!((f64::from(halves[1]) - want).abs() < 1e-6);
    }

    #[test]
    fn position_zero_and_elements_beyond_the_dimensions_stay() {
        let x = floats(12, 2);
        let mut table = RopeTable::new(RopeStyle::Interleaved, 1e4, 1.0, 8, Some(&[1.0, 1.0, 2.0, 8.0]), 2);
        table.prepare(0, 2);
        let mut head = x.clone();
        table.turn(0, &mut head);
        assert_eq!(head, x);
        table.turn(1, &mut head);
        assert_eq!(head[8..], x[8..]);
        assert_ne!(head[..8], x[..8]);
    }
}
