//! What examples are drawn with: a small seeded generator of random numbers, and the words it picks from.

use super::lexicon::{Lexicon, Words};

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, good enough to draw sentences with. It goes to wherever something is
/// drawn, and so carries the lexicon that it is drawn from.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
    words: Words,
}

impl Rng {
    /// A generator with this seed, drawing from the words of training.
    pub fn new(seed: u64) -> Rng {
        Rng::of(Words::Training, seed)
    }

    /// A generator with this seed, drawing from these words.
    pub fn of(words: Words, seed: u64) -> Rng {
        Rng { state: seed, words }
    }

    /// Which words are drawn from.
    pub(super) fn words(&self) -> Words {
        self.words
    }

    /// The words and sentences to draw from.
    pub(super) fn lexicon(&self) -> &'static Lexicon {
        self.words.lexicon()
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.bits() % n as u64) as usize }
    }

    /// A number from `least` to `most`, both included.
    pub fn range(&mut self, least: usize, most: usize) -> usize {
        least + self.below(most - least + 1)
    }

    /// True in this share of draws.
    pub fn chance(&mut self, share: f64) -> bool {
        ((self.bits() >> 11) as f64) < share * (1u64 << 53) as f64
    }

    /// One of the items.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// An index drawn by weight.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut at = self.below(weights.iter().sum::<u32>() as usize) as u32;
        for (i, weight) in weights.iter().enumerate() {
            if at < *weight {
                return i;
            }
            at -= weight;
        }
        0
    }

    /// Puts the items in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}
