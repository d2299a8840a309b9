//! Activations as the kernels take them: floats, and the same quantised to 8 bits in blocks of 32.

use super::{BLOCK, Cpu, Isa};

/// Activations of a tile of tokens in 8 bits: per block of 32 codes `round(x / d)` (ties to even) with `d = max|x| / 127`,
/// the scale `d` rounded to f16 (as Q8_0 stores it, so that codes and scales are those of llama.cpp), and the sums of
/// the block's two halves, which formats with offsets and minima need. Reused from product to product; it only grows.
#[derive(Debug, Default)]
pub struct Quantized {
    codes: Vec<i8>,
    scales: Vec<f32>,
    halves: Vec<[i32; 2]>,
}

/// One token of a [`Quantized`].
#[derive(Clone, Copy)]
pub(crate) struct Codes<'a> {
    pub codes: &'a [i8],
    pub scales: &'a [f32],
    pub halves: &'a [[i32; 2]],
}

impl Quantized {
    /// Room for `elements` activations (a byte each and 12 bytes a block).
    pub fn with_capacity(elements: usize) -> Self {
        let blocks = elements.div_ceil(BLOCK);
        Self {
            codes: Vec::with_capacity(elements),
            scales: Vec::with_capacity(blocks),
            halves: Vec::with_capacity(blocks),
        }
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        self.codes.capacity() + 4 * self.scales.capacity() + 8 * self.halves.capacity()
    }

    fn fill(&mut self, cpu: Cpu, x: &[f32]) {
        let blocks = x.len() / BLOCK;
        self.codes.resize(x.len(), 0);
        self.scales.resize(blocks, 0.0);
        self.halves.resize(blocks, [0; 2]);
        match cpu.isa() {
            Isa::Scalar => quantize(x, &mut self.codes, &mut self.scales, &mut self.halves),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: these exist only where `Cpu` found AVX2, FMA and F16C.
            Isa::Avx2 | Isa::AvxVnni | Isa::Avx512 => unsafe {
                avx2(x, &mut self.codes, &mut self.scales, &mut self.halves)
            },
            #[cfg(target_arch = "aarch64")]
            // Compiled for NEON as it is.
            Isa::Neon | Isa::DotProd => quantize(x, &mut self.codes, &mut self.scales, &mut self.halves),
        }
    }
}

/// Rounds to the nearest integer, ties to even, for |x| below 2^22; plain additions, so every path agrees.
#[inline(always)]
fn round(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 * 2^23
    (x + MAGIC) - MAGIC
}

#[inline(always)]
fn quantize(x: &[f32], codes: &mut [i8], scales: &mut [f32], halves: &mut [[i32; 2]]) {
    for (((x, codes), scale), sums) in
        x.chunks_exact(BLOCK).zip(codes.chunks_exact_mut(BLOCK)).zip(scales).zip(halves)
    {
        let mut lanes = [0.0f32; 8];
        for eight in x.chunks_exact(8) {
            for (lane, x) in lanes.iter_mut().zip(eight) {
                let x = x.abs();
                *lane = if x > *lane { x } else { *lane };
            }
        }
        let most = lanes.iter().fold(0.0f32, |a, &b| if b > a { b } else { a });
        let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
        *scale = half::f16::from_f32(most / 127.0).to_f32();
        let halves = codes.chunks_exact_mut(BLOCK / 2).zip(x.chunks_exact(BLOCK / 2));
        for ((codes, x), sum) in halves.zip(sums) {
            let mut total = 0i32;
            for (code, x) in codes.iter_mut().zip(x) {
                let rounded = round(x * inverse) as i32;
                *code = rounded as i8;
                total += i32::from(*code);
            }
            *sum = total;
        }
    }
}

/// The same source, compiled with AVX2: no fused or reordered arithmetic, hence the same codes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(x: &[f32], codes: &mut [i8], scales: &mut [f32], halves: &mut [[i32; 2]]) {
    quantize(x, codes, scales, halves);
}

/// The input of a product: `tokens` rows of `n` activations.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    n: usize,
    tokens: usize,
    floats: &'a [f32],
    quantized: Option<&'a Quantized>,
}

impl<'a> Input<'a> {
    /// Floats only; for matrices of a float format.
    ///
    /// # Panics
    /// If `floats` is not a whole number of rows of `n`.
    pub fn floats(floats: &'a [f32], n: usize) -> Self {
        assert!(n > 0 && floats.len().is_multiple_of(n), "{} floats are no rows of {n}", floats.len());
        Self { n, tokens: floats.len() / n, floats, quantized: None }
    }

    /// Floats and, in `room`, their 8-bit codes; for matrices of any format. A row that is no multiple of 32 gets no
    /// codes: no integer matrix has that length either.
    ///
    /// # Panics
    /// If `floats` is not a whole number of rows of `n`.
    pub fn quantized(cpu: Cpu, floats: &'a [f32], n: usize, room: &'a mut Quantized) -> Self {
        let input = Self::floats(floats, n);
        if !n.is_multiple_of(BLOCK) {
            return input;
        }
        room.fill(cpu, floats);
        Self { quantized: Some(room), ..input }
    }

    /// Number of tokens in the tile.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Activations of a token.
    pub fn n(&self) -> usize {
        self.n
    }

    pub(crate) fn has_codes(&self) -> bool {
        self.quantized.is_some()
    }

    pub(crate) fn float_row(&self, t: usize) -> &'a [f32] {
        &self.floats[t * self.n..(t + 1) * self.n]
    }

    pub(crate) fn code_row(&self, t: usize) -> Codes<'a> {
        let q = self.quantized.expect("an integer matrix was given an input without codes");
        let blocks = self.n / BLOCK;
        Codes {
            codes: &q.codes[t * self.n..(t + 1) * self.n],
            scales: &q.scales[t * blocks..(t + 1) * blocks],
            halves: &q.halves[t * blocks..(t + 1) * blocks],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::floats;
    use super::*;

    #[test]
    fn codes_are_within_half_a_step_and_sums_are_exact() {
        for n in [32, 64, 96, 320] {
            let x = floats(n, n as u64);
            let mut q = Quantized::default();
            q.fill(Cpu::scalar(), &x);
            for (b, block) in x.chunks(BLOCK).enumerate() {
                let codes = &q.codes[b * BLOCK..][..BLOCK];
                let sum = |half: &[i8]| half.iter().map(|&c| i32::from(c)).sum::<i32>();
                assert_eq!([sum(&codes[..16]), sum(&codes[16..])], q.halves[b]);
                assert!(codes.iter().any(|c| c.unsigned_abs() == 127));
                for (x, &c) in block.iter().zip(codes) {
                    assert!((x - f32::from(c) * q.scales[b]).abs() <= q.scales[b] * 0.57);
                }
            }
        }
    }

    #[test]
    fn both_paths_give_the_same_codes() {
        let Some(fast) = Cpu::fastest() else { return eprintln!("SKIPPED: no vector path here") };
        for n in [32, 64, 224, 1024] {
            let mut x = floats(n, 7 + n as u64);
            x[3] = 0.5;
            x[n / 2..n / 2 + 16].fill(0.0);
            let (mut a, mut b) = (Quantized::default(), Quantized::default());
            a.fill(Cpu::scalar(), &x);
            b.fill(fast, &x);
            assert_eq!((a.codes, a.halves), (b.codes, b.halves));
            assert_eq!(a.scales, b.scales);
        }
    }

    #[test]
    fn zeros_infinities_and_nans_do_not_panic() {
        let mut x = vec![0.0; 96];
        x[40] = f32::INFINITY;
        x[70] = f32::NAN;
        for cpu in [Cpu::scalar(), Cpu::best()] {
            let mut q = Quantized::default();
            q.fill(cpu, &x);
            assert!(q.codes[..32].iter().all(|&c| c == 0) && q.scales[0] == 0.0);
        }
    }
}
