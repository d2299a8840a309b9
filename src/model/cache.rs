//! The key-value cache: what attention remembers of every token, in f16.

use std::ops::Range;

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use memmap2::MmapMut;

use super::{Config, ModelError};

/// Keys and values of all layers, laid out `[layer][head][position][element]`, so that what one head reads is one run.
///
/// The memory is asked for at once, zeroed by the system, and becomes resident page by page as positions are used.
#[derive(Debug)]
pub(super) struct Cache {
    keys: Zeroes,
    values: Zeroes,
    kv_heads: usize,
    head_dim: usize,
    context: usize,
}

impl Cache {
    pub fn new(config: &Config, context: usize) -> Result<Self, ModelError> {
        let elements = config.layers.len() * config.kv_width();
        let elements = elements.checked_mul(context).filter(|n| *n < isize::MAX as usize / 8);
        let Some(elements) = elements else { return Err(ModelError::Memory { bytes: usize::MAX }) };
        Ok(Self {
            keys: Zeroes::new(elements)?,
            values: Zeroes::new(elements)?,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
            context,
        })
    }

    /// Bytes when every position is used.
    pub fn bytes(&self) -> usize {
        self.keys.0.len() + self.values.0.len()
    }

    fn layer(&self, layer: usize) -> Range<usize> {
        let size = self.kv_heads * self.context * self.head_dim;
        layer * size..(layer + 1) * size
    }

    /// All keys of a layer.
    pub fn keys(&self, layer: usize) -> &[u16] {
        &self.keys.get()[self.layer(layer)]
    }

    /// All values of a layer.
    pub fn values(&self, layer: usize) -> &[u16] {
        &self.values.get()[self.layer(layer)]
    }

    /// Stores keys and values (`[token][head][element]`) of tokens from position `first` on.
    pub fn store(&mut self, layer: usize, first: usize, k: &[f32], v: &[f32]) {
        let at = self.layer(layer).start;
        let n = self.head_dim;
        let rows = k.chunks_exact(n).zip(v.chunks_exact(n));
        for (i, (k, v)) in rows.enumerate() {
            let (token, head) = (i / self.kv_heads, i % self.kv_heads);
            let start = at + (head * self.context + first + token) * n;
            self.keys.get_mut()[start..start + n]
                .reinterpret_cast_mut::<half::f16>()
                .convert_from_f32_slice(k);
            self.values.get_mut()[start..start + n]
                .reinterpret_cast_mut::<half::f16>()
                .convert_from_f32_slice(v);
        }
    }
}

/// Zeroes from the system, two bytes each. Asked of it and not of the allocator, which may hand out used memory and then writes all
/// of the zeroes itself: a second cache of some MiB would be resident at once.
#[derive(Debug)]
struct Zeroes(MmapMut);

impl Zeroes {
    fn new(elements: usize) -> Result<Self, ModelError> {
        // No map is empty.
        let bytes = (elements * 2).max(1);
        MmapMut::map_anon(bytes).map(Zeroes).map_err(|_| ModelError::Memory { bytes: bytes * 2 })
    }

    fn get(&self) -> &[u16] {
        // SAFETY: a map begins at a page, so it is aligned for u16, of which every bit pattern is one; the slice borrows it.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() / 2) }
    }

    fn get_mut(&mut self) -> &mut [u16] {
        // SAFETY: as in `get`; the map is borrowed for itself.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() / 2) }
    }
}
