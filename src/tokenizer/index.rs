//! A hash table of positions: it finds an entry that is kept elsewhere, at 4 bytes a slot.

use std::hash::{BuildHasher, Hash, RandomState};

const EMPTY: u32 = u32::MAX;

/// Open addressing, linear probing, at most three quarters full. The hash is seeded at random, so that a
/// hostile vocabulary cannot make every probe long.
pub(super) struct Index {
    slots: Box<[u32]>,
    seed: RandomState,
}

impl Index {
    /// An empty table for up to `count` entries.
    pub(super) fn with_room_for(count: usize) -> Index {
        // One slot stays empty, where probes for what is not there end.
        let slots = (count + count / 3).max(count + 1).next_power_of_two();
        Index { slots: vec![EMPTY; slots].into(), seed: RandomState::new() }
    }

    /// The entry with this key; `is` says whether an entry has it.
    pub(super) fn find<K: Hash + ?Sized>(&self, key: &K, is: impl Fn(u32) -> bool) -> Option<u32> {
        let slot = self.slots[self.probe(key, is)];
        (slot != EMPTY).then_some(slot)
    }

    /// Adds an entry unless one with this key is there; the first stays. Must not be called more often
    /// than there is room for.
    pub(super) fn insert<K: Hash + ?Sized>(&mut self, key: &K, entry: u32, is: impl Fn(u32) -> bool) {
        let slot = self.probe(key, is);
        if self.slots[slot] == EMPTY {
            self.slots[slot] = entry;
        }
    }

    /// Bytes on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }

    /// The slot that holds the key, or the empty one where it belongs.
    fn probe<K: Hash + ?Sized>(&self, key: &K, is: impl Fn(u32) -> bool) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = self.seed.hash_one(key) as usize & mask;
        while self.slots[slot] != EMPTY && !is(self.slots[slot]) {
            slot = (slot + 1) & mask;
        }
        slot
    }
}
