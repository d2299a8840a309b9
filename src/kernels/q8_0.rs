//! Q8_0: blocks of 32 signed bytes under an f16 scale, times 8-bit activations.

use half::f16;

use super::input::Codes;
use super::{BLOCK, Cpu, Input, Isa, Rows};

/// Bytes of a block: the scale, then the codes.
pub const BYTES: usize = 2 + BLOCK;

pub struct Q8_0;

impl Rows for Q8_0 {
    type Token<'a> = Codes<'a>;

    fn token<'a>(input: &Input<'a>, t: usize) -> Codes<'a> {
        input.code_row(t)
    }

    #[inline]
    fn rows4(cpu: Cpu, rows: [&[u8]; 4], x: Codes<'_>) -> [f32; 4] {
        match cpu.isa() {
            Isa::Scalar => rows.map(|row| dot(row, x)),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa::Avx2` exists only where `Cpu` found AVX2, FMA and F16C.
            Isa::Avx2 => unsafe { avx2::rows4(rows, x) },
        }
    }

    #[inline]
    fn tokens4(cpu: Cpu, row: &[u8], x: [Codes<'_>; 4]) -> [f32; 4] {
        match cpu.isa() {
            Isa::Scalar => x.map(|x| dot(row, x)),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa::Avx2` exists only where `Cpu` found AVX2, FMA and F16C.
            Isa::Avx2 => unsafe { avx2::tokens4(row, x) },
        }
    }
}

/// The definition: block sums in integers, blocks added in order.
fn dot(row: &[u8], x: Codes<'_>) -> f32 {
    let mut sum = 0.0;
    for ((block, codes), scale) in row.chunks_exact(BYTES).zip(x.codes.chunks_exact(BLOCK)).zip(x.scales) {
        let d = f16::from_le_bytes([block[0], block[1]]).to_f32();
        let products = block[2..].iter().zip(codes).map(|(&w, &x)| i32::from(w as i8) * i32::from(x));
        sum += products.sum::<i32>() as f32 * (d * scale);
    }
    sum
}

pub fn dequantize(row: &[u8], out: &mut [f32]) {
    for (block, out) in row.chunks_exact(BYTES).zip(out.chunks_exact_mut(BLOCK)) {
        let d = f16::from_le_bytes([block[0], block[1]]).to_f32();
        for (out, &code) in out.iter_mut().zip(&block[2..]) {
            *out = d * f32::from(code as i8);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::super::x86::{array, halves, sum4_i32};
    use super::*;

    /// 32 products, summed in fours. `|w| * (x with w's sign)`: unsigned times signed is what the instruction takes.
    /// Sums of two stay below 2^15 because codes of activations are at most 127 in size (128 * 127 * 2 = 32512).
    #[inline]
    #[target_feature(enable = "avx2")]
    fn products(w: __m256i, x: __m256i) -> __m256i {
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
        _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))
    }

    #[target_feature(enable = "avx2,f16c")]
    pub fn rows4(rows: [&[u8]; 4], x: Codes<'_>) -> [f32; 4] {
        let blocks = x.scales.len();
        assert!(x.codes.len() == blocks * BLOCK && rows.iter().all(|row| row.len() == blocks * BYTES));
        let mut sums = _mm_setzero_ps();
        for b in 0..blocks {
            // SAFETY: block `b` of each row is `BYTES` long and in bounds by the check above, as are 32 codes.
            let (w, d, x_codes) = unsafe {
                let at = rows.map(|row| row.as_ptr().add(b * BYTES));
                (
                    at.map(|at| _mm256_loadu_si256(at.add(2).cast())),
                    at.map(|at| at.cast::<[u8; 2]>().read()),
                    _mm256_loadu_si256(x.codes.as_ptr().add(b * BLOCK).cast()),
                )
            };
            let exact = sum4_i32([
                products(w[0], x_codes),
                products(w[1], x_codes),
                products(w[2], x_codes),
                products(w[3], x_codes),
            ]);
            let scale = _mm_mul_ps(halves(d), _mm_set1_ps(x.scales[b]));
            sums = _mm_add_ps(sums, _mm_mul_ps(_mm_cvtepi32_ps(exact), scale));
        }
        array(sums)
    }

    #[target_feature(enable = "avx2,f16c")]
    pub fn tokens4(row: &[u8], x: [Codes<'_>; 4]) -> [f32; 4] {
        let blocks = row.len() / BYTES;
        assert!(x.iter().all(|x| x.codes.len() == blocks * BLOCK && x.scales.len() == blocks));
        let mut sums = _mm_setzero_ps();
        for b in 0..blocks {
            // SAFETY: block `b` of the row is in bounds by its length, and 32 codes and a scale by the check above.
            let (w, d, codes, scales) = unsafe {
                let at = row.as_ptr().add(b * BYTES);
                (
                    _mm256_loadu_si256(at.add(2).cast()),
                    at.cast::<[u8; 2]>().read(),
                    x.map(|x| _mm256_loadu_si256(x.codes.as_ptr().add(b * BLOCK).cast())),
                    x.map(|x| *x.scales.get_unchecked(b)),
                )
            };
            let exact = sum4_i32([
                products(w, codes[0]),
                products(w, codes[1]),
                products(w, codes[2]),
                products(w, codes[3]),
            ]);
            let scale = _mm_mul_ps(halves([d; 4]), _mm_setr_ps(scales[0], scales[1], scales[2], scales[3]));
            sums = _mm_add_ps(sums, _mm_mul_ps(_mm_cvtepi32_ps(exact), scale));
        }
        array(sums)
    }
}
