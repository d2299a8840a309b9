//! Hash tables with a quick hash, for keys that nobody chooses to collide.
//!
//! All of them stand on one [`Table`], which knows numbers and hashes only: the code is there once, not for
//! each type of key, and a value that lies in a list anyway need not be kept in a table a second time.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

#[derive(Default)]
struct Fx(u64);

impl Hasher for Fx {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        let last = rest.iter().fold(0, |last, byte| last << 8 | u64::from(*byte));
        self.write_u64(last << 3 | rest.len() as u64);
    }
    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
}

/// The hash of a key. Multiplication leaves the low bits poor; these are the high ones.
pub(super) fn hash_of(key: &(impl Hash + ?Sized)) -> u32 {
    let mut state = Fx::default();
    key.hash(&mut state);
    (state.finish() >> 32) as u32
}

/// Numbers by the hashes of what they stand for (open addressing, at most three quarters full). What that is
/// the owner knows, and what it is like.
#[derive(Clone, Default)]
pub(super) struct Table {
    /// A hash and its number + 1; 0 is a free place.
    places: Vec<(u32, u32)>,
    used: usize,
}

impl Table {
    /// The number with this hash for which `is` holds.
    pub(super) fn find(&self, hash: u32, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        let mask = self.places.len().checked_sub(1)?;
        let mut at = hash as usize & mask;
        loop {
            let (known, number) = self.places[at];
            let number = number.checked_sub(1)?;
            if known == hash && is(number) {
                return Some(number);
            }
            at = (at + 1) & mask;
        }
    }

    /// Takes a number in; that it is not there yet is the caller's promise.
    pub(super) fn insert(&mut self, hash: u32, number: u32) {
        if (self.used + 1) * 4 > self.places.len() * 3 {
            let more = vec![(0, 0); (self.places.len() * 2).max(4)];
            for (hash, number) in std::mem::replace(&mut self.places, more) {
                if number != 0 {
                    self.put(hash, number);
                }
            }
        }
        self.put(hash, number + 1);
        self.used += 1;
    }

    fn put(&mut self, hash: u32, number: u32) {
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        while self.places[at].1 != 0 {
            at = (at + 1) & mask;
        }
        self.places[at] = (hash, number);
    }

    /// Forgets all numbers and keeps the room for them.
    pub(super) fn clear(&mut self) {
        self.places.fill((0, 0));
        self.used = 0;
    }

    /// Bytes that it holds.
    pub(super) fn memory(&self) -> usize {
        self.places.capacity() * size_of::<(u32, u32)>()
    }
}

/// Lists of numbers, equal ones once.
#[derive(Default)]
pub(super) struct Rows {
    /// Where each begins, and the end of the last.
    first: Vec<u32>,
    all: Vec<u32>,
    ids: Table,
}

impl Rows {
    pub(super) fn get(&self, row: u32) -> &[u32] {
        let end = self.first.get(row as usize + 1).map_or(self.all.len(), |end| *end as usize);
        &self.all[self.first[row as usize] as usize..end]
    }

    pub(super) fn len(&self) -> usize {
        self.first.len()
    }

    /// The number of a list, and whether it is a new one.
    pub(super) fn number(&mut self, row: &[u32]) -> (u32, bool) {
        let hash = hash_of(row);
        if let Some(known) = self.ids.find(hash, |known| self.get(known) == row) {
            return (known, false);
        }
        let number = self.first.len() as u32;
        self.first.push(self.all.len() as u32);
        self.all.extend_from_slice(row);
        self.ids.insert(hash, number);
        (number, true)
    }
}

/// A map that keeps its entries in the order in which they came.
#[derive(Clone)]
pub(super) struct FxMap<K, V> {
    table: Table,
    entries: Vec<(K, V)>,
}

impl<K, V> Default for FxMap<K, V> {
    fn default() -> FxMap<K, V> {
        FxMap { table: Table::default(), entries: Vec::new() }
    }
}

impl<K: Hash + Eq, V> FxMap<K, V> {
    fn at<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        let known = |number: u32| self.entries[number as usize].0.borrow() == key;
        self.table.find(hash_of(key), known).map(|number| number as usize)
    }

    pub(super) fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.at(key).map(|at| &self.entries[at].1)
    }

    pub(super) fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.at(key).map(|at| &mut self.entries[at].1)
    }

    pub(super) fn contains_key<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.at(key).is_some()
    }

    /// Puts a value in; gives the one that was there.
    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.at(&key) {
            Some(at) => Some(std::mem::replace(&mut self.entries[at].1, value)),
            None => {
                self.push(key, value);
                None
            }
        }
    }

    /// The value of a key, made if it is not there.
    pub(super) fn or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let at = self.at(&key).unwrap_or_else(|| {
            self.push(key, make());
            self.entries.len() - 1
        });
        &mut self.entries[at].1
    }

    fn push(&mut self, key: K, value: V) {
        self.table.insert(hash_of(&key), self.entries.len() as u32);
        self.entries.push((key, value));
    }
}

impl<K, V> FxMap<K, V> {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.entries.iter()
    }

    /// All entries; it is empty afterwards.
    pub(super) fn take(&mut self) -> Vec<(K, V)> {
        self.table = Table::default();
        std::mem::take(&mut self.entries)
    }
}

impl<K: Hash + Eq, V> FromIterator<(K, V)> for FxMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> FxMap<K, V> {
        let mut map = FxMap::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

/// A set that keeps its values in the order in which they came.
#[derive(Clone)]
pub(super) struct FxSet<K>(FxMap<K, ()>);

impl<K> Default for FxSet<K> {
    fn default() -> FxSet<K> {
        FxSet(FxMap::default())
    }
}

impl<K: Hash + Eq> FxSet<K> {
    /// Whether it was not there yet.
    pub(super) fn insert(&mut self, key: K) -> bool {
        self.0.insert(key, ()).is_none()
    }

    pub(super) fn contains<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &K> {
        self.0.entries.iter().map(|(key, ())| key)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many it has room for.
    pub(super) fn capacity(&self) -> usize {
        self.0.table.places.len()
    }

    pub(super) fn clear(&mut self) {
        self.0.table.clear();
        self.0.entries.clear();
    }
}

impl<K: Hash + Eq> FromIterator<K> for FxSet<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> FxSet<K> {
        FxSet(keys.into_iter().map(|key| (key, ())).collect())
    }
}

/// Sorts in place, in any order among equals. The sorts of the standard library are quicker on long lists and six kilobytes of
/// code for each type; lists here are short, or sorted already.
pub(super) fn sort<T: Ord>(list: &mut [T]) {
    sort_by(list, &mut |a, b| a < b);
}

/// As [`sort`], by an order of the caller's: whether the first of two comes first.
pub(super) fn sort_by<T>(list: &mut [T], before: &mut dyn FnMut(&T, &T) -> bool) {
    const SHORT: usize = 20;
    if list.len() <= SHORT || list.windows(2).all(|pair| !before(&pair[1], &pair[0])) {
        for end in 1..list.len().min(SHORT + 1) {
            let mut at = end;
            while at > 0 && before(&list[at], &list[at - 1]) {
                list.swap(at, at - 1);
                at -= 1;
            }
        }
        return;
    }
    // A heap (Williams, 1964; built from below, Floyd): no recursion, no list beside it.
    let mut sink = |list: &mut [T], mut at: usize| loop {
        let mut below = 2 * at + 1;
        if below >= list.len() {
            return;
        }
        if below + 1 < list.len() && before(&list[below], &list[below + 1]) {
            below += 1;
        }
        if !before(&list[at], &list[below]) {
            return;
        }
        list.swap(at, below);
        at = below;
    };
    (0..list.len() / 2).rev().for_each(|at| sink(list, at));
    for end in (1..list.len()).rev() {
        list.swap(0, end);
        sink(&mut list[..end], 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_find_what_they_hold_and_nothing_else() {
        let mut map: FxMap<String, usize> = FxMap::default();
        for n in 0..1000 {
            assert_eq!(map.insert(n.to_string(), n), None);
            assert_eq!(*map.or_insert_with((n / 2).to_string(), || unreachable!()), n / 2);
        }
        assert!((0..1000).all(|n| map.get(n.to_string().as_str()) == Some(&n)));
        assert!((1000..2000).all(|n| !map.contains_key(&n.to_string())));
        assert_eq!(
            (map.insert("7".to_owned(), 8), map.get("7").copied(), map.len()),
            (Some(7), Some(8), 1000)
        );
        let mut set: FxSet<u32> = [3, 1, 3].into_iter().collect();
        assert_eq!(set.iter().copied().collect::<Vec<_>>(), [3, 1]);
        set.clear();
        assert!(set.len() == 0 && !set.contains(&3) && set.insert(3) && !set.insert(3));
    }

    #[test]
    fn lists_are_sorted() {
        let mut seed = 1u32;
        for len in (0..60).chain([1000]) {
            for most in [2, 10, 5000] {
                let random = || {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    seed / 65536 % most
                };
                let mut list: Vec<u32> = std::iter::repeat_with(random).take(len).collect();
                let mut sorted = list.clone();
                sorted.sort_unstable();
                sort(&mut list);
                assert_eq!(list, sorted);
                sort(&mut list);
                assert_eq!(list, sorted);
            }
        }
    }
}
