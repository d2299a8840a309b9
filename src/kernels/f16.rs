//! F16: 16-bit floats, times float activations.

use super::{Cpu, Input, Isa, Rows};

/// Bytes of an element.
const BYTES: usize = 2;
/// Partial sums of a dot product: element `i` goes to sum `i % 16`, what is over is added last.
const LANES: usize = 16;

pub struct F16;

impl Rows for F16 {
    type Token<'a> = &'a [f32];

    fn token<'a>(input: &Input<'a>, t: usize) -> &'a [f32] {
        input.float_row(t)
    }

    #[inline]
    fn rows4(cpu: Cpu, rows: [&[u8]; 4], x: &[f32]) -> [f32; 4] {
        match cpu.isa() {
            Isa::Scalar => rows.map(|row| dot(row, x)),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa::Avx2` exists only where `Cpu` found AVX2, FMA and F16C.
            Isa::Avx2 => unsafe { avx2::dot4(rows, [x; 4]) },
        }
    }

    #[inline]
    fn tokens4(cpu: Cpu, row: &[u8], x: [&[f32]; 4]) -> [f32; 4] {
        match cpu.isa() {
            Isa::Scalar => x.map(|x| dot(row, x)),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa::Avx2` exists only where `Cpu` found AVX2, FMA and F16C.
            Isa::Avx2 => unsafe { avx2::dot4([row; 4], x) },
        }
    }
}

#[inline(always)]
fn element(bytes: &[u8]) -> f32 {
    half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

/// The definition: sixteen interleaved sums, folded in halves.
fn dot(row: &[u8], x: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (rows, xs) = (row.chunks_exact(LANES * BYTES), x.chunks_exact(LANES));
    let over = rows.remainder().chunks_exact(BYTES).zip(xs.remainder());
    for (row, x) in rows.zip(xs) {
        for ((sum, w), x) in sums.iter_mut().zip(row.chunks_exact(BYTES)).zip(x) {
            *sum += element(w) * x;
        }
    }
    let tail: f32 = over.map(|(w, x)| element(w) * x).sum();
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    sums[0] + tail
}

pub fn dequantize(row: &[u8], out: &mut [f32]) {
    for (out, w) in out.iter_mut().zip(row.chunks_exact(BYTES)) {
        *out = element(w);
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::super::x86::sum4_f32;
    use super::*;

    /// Four dot products, two sums of eight lanes each: eight chains keep both multipliers busy. Four rows with one
    /// token and one row with four tokens are the same loop; the repeated loads come from the first cache.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub fn dot4(rows: [&[u8]; 4], x: [&[f32]; 4]) -> [f32; 4] {
        let n = x[0].len();
        assert!(rows.iter().all(|row| row.len() == n * BYTES) && x.iter().all(|x| x.len() == n));
        let whole = n - n % LANES;
        let mut low = [_mm256_setzero_ps(); 4];
        let mut high = low;
        for i in (0..whole).step_by(LANES) {
            for k in 0..4 {
                // SAFETY: elements `i` to `i + 15` of row and input exist: `i + 16 <= whole <= n`, checked above.
                unsafe {
                    let (row, x) = (rows[k].as_ptr().add(i * BYTES), x[k].as_ptr().add(i));
                    low[k] = _mm256_fmadd_ps(load(row), _mm256_loadu_ps(x), low[k]);
                    high[k] = _mm256_fmadd_ps(load(row.add(8 * BYTES)), _mm256_loadu_ps(x.add(8)), high[k]);
                }
            }
        }
        let mut out = sum4_f32(std::array::from_fn(|k| _mm256_add_ps(low[k], high[k])));
        for k in 0..4 {
            let over = rows[k][whole * BYTES..].chunks_exact(BYTES).zip(&x[k][whole..]);
            out[k] += over.map(|(w, x)| element(w) * x).sum::<f32>();
        }
        out
    }

    /// Eight elements.
    ///
    /// # Safety
    /// `8 * BYTES` bytes must be readable at `at`.
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn load(at: *const u8) -> __m256 {
        // SAFETY: the caller's promise; unaligned loads.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(at.cast())) }
    }
}
