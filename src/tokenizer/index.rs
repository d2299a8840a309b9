//! A hash table of positions: it finds an entry that is kept elsewhere, at 4 bytes a slot.

use std::hash::{BuildHasher, RandomState};

const EMPTY: u32 = u32::MAX;

/// Open addressing, linear probing, at most three quarters full. The hash is seeded at random, so that a
/// hostile vocabulary cannot make every probe long. What an entry's number leaves free of a slot holds bits of its
/// hash, so that a probe seldom looks at an entry that is not the one.
pub(super) struct Index {
    slots: Box<[u32]>,
    /// Bits of a slot that are the entry's number; never all set.
    number: u32,
    seed: [u64; 2],
}

/// What entries are found by.
pub(super) trait Key {
    /// 64 bits, each of which depends on all of the key.
    fn hash(&self, seed: [u64; 2]) -> u64;
}

impl Key for [u8] {
    fn hash(&self, seed: [u64; 2]) -> u64 {
        let word = |bytes: &[u8]| u64::from_le_bytes(std::array::from_fn(|i| bytes[i]));
        let half = |bytes: &[u8]| u64::from(u32::from_le_bytes(std::array::from_fn(|i| bytes[i])));
        let (pairs, rest) = self.as_chunks::<16>();
        let mut state = seed[0];
        for pair in pairs {
            state = fold(word(&pair[..8]) ^ seed[1], word(&pair[8..]) ^ state);
        }
        // The ends of what is left, which overlap; the length tells apart what looks alike then.
        let [a, b] = match rest.len() {
            n @ 8.. => [word(rest), word(&rest[n - 8..])],
            n @ 4.. => [half(rest), half(&rest[n - 4..])],
            0 => [0; 2],
            n => [u64::from(rest[0]) | u64::from(rest[n / 2]) << 8, u64::from(rest[n - 1])],
        };
        fold(fold(a ^ seed[1], b ^ state), seed[0] ^ seed[1] ^ self.len() as u64)
    }
}

impl Key for (u32, u32) {
    fn hash(&self, seed: [u64; 2]) -> u64 {
        let both = u64::from(self.0) << 32 | u64::from(self.1);
        fold(fold(both ^ seed[0], seed[1]), seed[0] ^ seed[1])
    }
}

/// Both halves of the product (as in wyhash and its kin).
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

impl Index {
    /// An empty table for up to `count` entries, numbered from 0.
    pub(super) fn with_room_for(count: usize) -> Index {
        // One slot stays empty, where probes for what is not there end.
        let slots = (count + count / 3).max(count + 1).next_power_of_two();
        let random = RandomState::new();
        Index {
            slots: vec![EMPTY; slots].into(),
            number: u32::try_from((count + 1).next_power_of_two() - 1).unwrap_or(u32::MAX),
            seed: [random.hash_one(0), random.hash_one(1)],
        }
    }

    /// The entry with this key; `is` says whether an entry has it.
    pub(super) fn find<K: Key + ?Sized>(&self, key: &K, is: impl Fn(u32) -> bool) -> Option<u32> {
        let (slot, _) = self.probe(key, is);
        (self.slots[slot] != EMPTY).then(|| self.slots[slot] & self.number)
    }

    /// Adds an entry unless one with this key is there; the first stays, and `false` comes back. Must not be called
    /// more often than there is room for.
    pub(super) fn insert<K: Key + ?Sized>(&mut self, key: &K, entry: u32, is: impl Fn(u32) -> bool) -> bool {
        let (slot, tag) = self.probe(key, is);
        let free = self.slots[slot] == EMPTY;
        if free {
            self.slots[slot] = entry | tag;
        }
        free
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }

    /// The slot that holds the key, or the empty one where it belongs; and the bits of its hash that go there.
    fn probe<K: Key + ?Sized>(&self, key: &K, is: impl Fn(u32) -> bool) -> (usize, u32) {
        let mask = self.slots.len() - 1;
        let hash = key.hash(self.seed);
        // The slot's place comes of the low bits, so the tag is taken of the high ones.
        let tag = (hash >> 32) as u32 & !self.number;
        let mut slot = hash as usize & mask;
        loop {
            let found = self.slots[slot];
            if found == EMPTY || (found & !self.number == tag && is(found & self.number)) {
                return (slot, tag);
            }
            slot = (slot + 1) & mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_nothing_else() {
        for count in [0usize, 1, 2, 3, 4, 5, 7, 48, 100, 3000] {
            let texts: Vec<Vec<u8>> = (0..count)
                .map(|i| vec![i as u8; i % 41].into_iter().chain([(i >> 8) as u8]).collect())
                .collect();
            let mut index = Index::with_room_for(count);
            let mut first = std::collections::HashMap::new();
            for (i, text) in texts.iter().enumerate() {
                let new = index.insert(&text[..], i as u32, |other| texts[other as usize] == *text);
                assert_eq!(new, !first.contains_key(text));
                first.entry(text).or_insert(i as u32);
            }
            for text in &texts {
                let found = index.find(&text[..], |other| texts[other as usize] == *text);
                assert_eq!(found, first.get(text).copied());
            }
            assert_eq!(index.find(&b"not there"[..], |other| texts[other as usize] == b"not there"), None);
        }
        let pairs: Vec<(u32, u32)> = (0..500).map(|i| (i % 7, i / 7)).collect();
        let mut index = Index::with_room_for(pairs.len());
        for (i, pair) in pairs.iter().enumerate() {
            assert!(index.insert(pair, i as u32, |other| pairs[other as usize] == *pair));
        }
        for (i, pair) in pairs.iter().enumerate() {
            assert_eq!(index.find(pair, |other| pairs[other as usize] == *pair), Some(i as u32));
        }
        assert_eq!(index.find(&(7, 0), |other| pairs[other as usize] == (7, 0)), None);
    }

    #[test]
    fn hashes_hang_on_every_byte_and_the_length() {
        let seed = [0x1234_5678_9abc_def1, 0xfedc_ba98_7654_3211];
        let mut seen = std::collections::HashSet::new();
        for len in 0..40 {
            let zeroes = vec![0u8; len];
            assert!(seen.insert(zeroes[..].hash(seed)), "zeroes of length {len}");
            for at in 0..len {
                for bit in 0..8 {
                    let mut other = zeroes.clone();
                    other[at] |= 1 << bit;
                    assert!(seen.insert(other[..].hash(seed)), "bit {bit} of byte {at} of {len}");
                }
            }
        }
    }
}
