//! Sets of tokens.

/// A set of tokens: one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenMask {
    words: Vec<u64>,
    count: usize,
}

impl TokenMask {
    /// The empty set over a vocabulary.
    pub fn new(vocab_size: usize) -> TokenMask {
        TokenMask { words: vec![0; vocab_size.div_ceil(64)], count: 0 }
    }

    /// How many tokens are in it.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether the token is in it.
    pub fn contains(&self, token: u32) -> bool {
        self.words.get(token as usize / 64).is_some_and(|word| word >> (token % 64) & 1 == 1)
    }

    /// Its tokens in order of id.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        tokens(self.words.iter().copied())
    }

    /// Its tokens that are not in another set over the same vocabulary.
    pub(super) fn besides(&self, other: &TokenMask) -> impl Iterator<Item = u32> {
        tokens(self.words.iter().zip(&other.words).map(|(word, other)| word & !other))
    }

    /// The only token in it.
    pub fn only(&self) -> Option<u32> {
        if self.count == 1 { self.iter().next() } else { None }
    }

    /// The bits, 64 tokens a word, lowest id in the lowest bit.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    pub(super) fn insert(&mut self, token: u32) {
        if let Some(word) = self.words.get_mut(token as usize / 64) {
            let bit = 1 << (token % 64);
            self.count += usize::from(*word & bit == 0);
            *word |= bit;
        }
    }

    pub(super) fn remove(&mut self, token: u32) {
        if let Some(word) = self.words.get_mut(token as usize / 64) {
            let bit = 1 << (token % 64);
            self.count -= usize::from(*word & bit != 0);
            *word &= !bit;
        }
    }

    /// Takes in all of a set that is stored, little-endian.
    pub(super) fn add_all(&mut self, bits: &[[u8; 8]]) {
        self.count = 0;
        for (word, more) in self.words.iter_mut().zip(bits) {
            *word |= u64::from_le_bytes(*more);
            self.count += word.count_ones() as usize;
        }
    }

    /// Becomes the set with these bits.
    pub(super) fn set_all(&mut self, words: &[u64]) {
        self.words.copy_from_slice(words);
        self.count = words.iter().map(|word| word.count_ones() as usize).sum();
    }

    pub(super) fn clear(&mut self) {
        self.words.fill(0);
        self.count = 0;
    }
}

/// The tokens of words of 64 bits.
fn tokens(words: impl Iterator<Item = u64>) -> impl Iterator<Item = u32> {
    words.enumerate().flat_map(|(i, word)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros();
            left &= left.checked_sub(1)?;
            Some(i as u32 * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::TokenMask;

    #[test]
    fn masks_count_and_list() {
        let mut mask = TokenMask::new(130);
        for token in [0, 63, 64, 129, 129] {
            mask.insert(token);
        }
        assert_eq!((mask.count(), mask.iter().collect::<Vec<_>>()), (4, vec![0, 63, 64, 129]));
        assert!(mask.contains(63) && !mask.contains(62) && mask.only().is_none());
        mask.remove(63);
        mask.remove(62);
        assert_eq!((mask.count(), mask.contains(63)), (3, false));
        mask.add_all(&[7u64, 0, 2].map(u64::to_le_bytes));
        assert_eq!(mask.iter().collect::<Vec<_>>(), [0, 1, 2, 64, 129]);
        assert_eq!(mask.count(), 5);
    }
}
