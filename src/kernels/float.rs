//! Float formats: F32, F16 and BF16, times float activations. One dot product; a format says only how an element is read.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;
use std::marker::PhantomData;

use super::{Cpu, Input, Isa, Rows, both_fours};

/// Partial sums of a dot product: element `i` goes to sum `i % 16`, what is over is added last.
const LANES: usize = 16;

/// How a format stores a float.
pub(crate) trait Float {
    /// Bytes of an element.
    const BYTES: usize;

    /// The element in `Self::BYTES` bytes.
    fn element(bytes: &[u8]) -> f32;

    /// Eight elements.
    ///
    /// # Safety
    /// AVX2 and F16C must be there, and `8 * Self::BYTES` bytes readable at `at`.
    #[cfg(target_arch = "x86_64")]
    unsafe fn eight(at: *const u8) -> __m256;
}

/// 32-bit floats.
pub(crate) struct F32;
/// 16-bit floats of IEEE 754.
pub(crate) struct F16;
/// The upper half of a 32-bit float.
pub(crate) struct BF16;

impl Float for F32 {
    const BYTES: usize = 4;

    #[inline(always)]
    fn element(bytes: &[u8]) -> f32 {
        f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn eight(at: *const u8) -> __m256 {
        // SAFETY: the caller's promise; an unaligned load.
        unsafe { _mm256_loadu_ps(at.cast()) }
    }
}

impl Float for F16 {
    const BYTES: usize = 2;

    #[inline(always)]
    fn element(bytes: &[u8]) -> f32 {
        half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn eight(at: *const u8) -> __m256 {
        // SAFETY: the caller's promise; an unaligned load.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(at.cast())) }
    }
}

impl Float for BF16 {
    const BYTES: usize = 2;

    #[inline(always)]
    fn element(bytes: &[u8]) -> f32 {
        f32::from_bits(u32::from(u16::from_le_bytes([bytes[0], bytes[1]])) << 16)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn eight(at: *const u8) -> __m256 {
        // SAFETY: the caller's promise; an unaligned load.
        let wide = unsafe { _mm256_cvtepu16_epi32(_mm_loadu_si128(at.cast())) };
        _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
    }
}

/// A [`Float`] with the vector forms that this architecture has.
#[cfg(target_arch = "aarch64")]
pub(crate) trait Stored: Float + super::aarch64::Quads {}
#[cfg(target_arch = "aarch64")]
impl<F: Float + super::aarch64::Quads> Stored for F {}
/// A [`Float`] with the vector forms that this architecture has.
#[cfg(not(target_arch = "aarch64"))]
pub(crate) trait Stored: Float {}
#[cfg(not(target_arch = "aarch64"))]
impl<F: Float> Stored for F {}

/// Rows of a float format.
pub(crate) struct Floats<F>(PhantomData<F>);

impl<F: Stored> Floats<F> {
    /// Four rows with one token.
    #[inline]
    pub fn rows4(cpu: Cpu, rows: [&[u8]; 4], x: &[f32]) -> [f32; 4] {
        match cpu.isa() {
            Isa::Scalar => rows.map(|row| dot::<F>(row, x)),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: these exist only where `Cpu` found AVX2, FMA and F16C.
            Isa::Avx2 | Isa::AvxVnni | Isa::Avx512 => unsafe { dot4::<F>(rows, [x; 4]) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: every aarch64 that this is compiled for has NEON.
            Isa::Neon | Isa::DotProd => unsafe { super::aarch64::float_dot4::<F>(rows, [x; 4]) },
        }
    }
}

impl<F: Stored> Rows for Floats<F> {
    type Token<'a> = &'a [f32];

    fn token<'a>(input: &Input<'a>, t: usize) -> &'a [f32] {
        input.float_row(t)
    }

    #[inline]
    fn rows8(cpu: Cpu, rows: [&[u8]; 8], x: &[f32], _ahead: usize) -> [f32; 8] {
        both_fours(rows, |four| Self::rows4(cpu, four, x))
    }

    #[inline]
    fn tokens4(cpu: Cpu, row: &[u8], x: [&[f32]; 4]) -> [f32; 4] {
        match cpu.isa() {
            Isa::Scalar => x.map(|x| dot::<F>(row, x)),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: these exist only where `Cpu` found AVX2, FMA and F16C.
            Isa::Avx2 | Isa::AvxVnni | Isa::Avx512 => unsafe { dot4::<F>([row; 4], x) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: every aarch64 that this is compiled for has NEON.
            Isa::Neon | Isa::DotProd => unsafe { super::aarch64::float_dot4::<F>([row; 4], x) },
        }
    }

    fn dequantize(row: &[u8], out: &mut [f32]) {
        for (out, w) in out.iter_mut().zip(row.chunks_exact(F::BYTES)) {
            *out = F::element(w);
        }
    }
}

/// The definition: sixteen interleaved sums, folded in halves.
fn dot<F: Float>(row: &[u8], x: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (rows, xs) = (row.chunks_exact(LANES * F::BYTES), x.chunks_exact(LANES));
    let over = rows.remainder().chunks_exact(F::BYTES).zip(xs.remainder());
    for (row, x) in rows.zip(xs) {
        for ((sum, w), x) in sums.iter_mut().zip(row.chunks_exact(F::BYTES)).zip(x) {
            *sum += F::element(w) * x;
        }
    }
    let tail: f32 = over.map(|(w, x)| F::element(w) * x).sum();
    let mut width = LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            sums[i] += sums[i + width];
        }
    }
    sums[0] + tail
}

/// Four dot products, two sums of eight lanes each: eight chains keep both multipliers busy. Four rows with one token
/// and one row with four tokens are the same loop; the repeated loads come from the first cache.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn dot4<F: Float>(rows: [&[u8]; 4], x: [&[f32]; 4]) -> [f32; 4] {
    let n = x[0].len();
    assert!(rows.iter().all(|row| row.len() == n * F::BYTES) && x.iter().all(|x| x.len() == n));
    let whole = n - n % LANES;
    let mut low = [_mm256_setzero_ps(); 4];
    let mut high = low;
    for i in (0..whole).step_by(LANES) {
        for k in 0..4 {
            // SAFETY: elements `i` to `i + 15` of row and input exist: `i + 16 <= whole <= n`, checked above.
            unsafe {
                let (row, x) = (rows[k].as_ptr().add(i * F::BYTES), x[k].as_ptr().add(i));
                low[k] = _mm256_fmadd_ps(F::eight(row), _mm256_loadu_ps(x), low[k]);
                high[k] =
                    _mm256_fmadd_ps(F::eight(row.add(8 * F::BYTES)), _mm256_loadu_ps(x.add(8)), high[k]);
            }
        }
    }
    let mut out = super::x86::sum4_f32(std::array::from_fn(|k| _mm256_add_ps(low[k], high[k])));
    for k in 0..4 {
        let over = rows[k][whole * F::BYTES..].chunks_exact(F::BYTES).zip(&x[k][whole..]);
        out[k] += over.map(|(w, x)| F::element(w) * x).sum::<f32>();
    }
    out
}
