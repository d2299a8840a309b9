//! The key-value cache: what attention remembers of every token, in f16.

use std::ops::Range;

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};

use super::{Config, ModelError};

/// Keys and values of all layers, laid out `[layer][head][position][element]`, so that what one head reads is one run.
///
/// The memory is asked for at once, zeroed by the system, and becomes resident page by page as positions are used.
#[derive(Debug)]
pub(super) struct Cache {
    keys: Vec<u16>,
    values: Vec<u16>,
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
            keys: zeroed(elements)?,
            values: zeroed(elements)?,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
            context,
        })
    }

    /// Bytes when every position is used.
    pub fn bytes(&self) -> usize {
        (self.keys.len() + self.values.len()) * 2
    }

    fn layer(&self, layer: usize) -> Range<usize> {
        let size = self.kv_heads * self.context * self.head_dim;
        layer * size..(layer + 1) * size
    }

    /// All keys of a layer.
    pub fn keys(&self, layer: usize) -> &[u16] {
        &self.keys[self.layer(layer)]
    }

    /// All values of a layer.
    pub fn values(&self, layer: usize) -> &[u16] {
        &self.values[self.layer(layer)]
    }

    /// Stores keys and values (`[token][head][element]`) of tokens from position `first` on.
    pub fn store(&mut self, layer: usize, first: usize, k: &[f32], v: &[f32]) {
        let at = self.layer(layer).start;
        let n = self.head_dim;
        let rows = k.chunks_exact(n).zip(v.chunks_exact(n));
        for (i, (k, v)) in rows.enumerate() {
            let (token, head) = (i / self.kv_heads, i % self.kv_heads);
            let start = at + (head * self.context + first + token) * n;
            self.keys[start..start + n].reinterpret_cast_mut::<half::f16>().convert_from_f32_slice(k);
            self.values[start..start + n].reinterpret_cast_mut::<half::f16>().convert_from_f32_slice(v);
        }
    }
}

/// Zeroes from the system, not written here, or an error instead of an abort.
fn zeroed(elements: usize) -> Result<Vec<u16>, ModelError> {
    // The probe tells whether the size can be had at all; it is given back untouched.
    let mut probe = Vec::<u16>::new();
    probe.try_reserve_exact(elements).map_err(|_| ModelError::Memory { bytes: elements * 4 })?;
    drop(probe);
    Ok(vec![0; elements])
}
