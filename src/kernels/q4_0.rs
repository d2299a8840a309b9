//! Q4_0: blocks of 32 nibbles less 8 under an f16 scale, times 8-bit activations.

use half::f16;

use super::input::Codes;
use super::{BLOCK, Cpu, Input, Isa, Rows};

/// Bytes of a block: the scale, then 16 bytes of two nibbles.
pub const BYTES: usize = 2 + BLOCK / 2;

pub struct Q4_0;

impl Rows for Q4_0 {
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

/// The definition: `Σ (nibble - 8) x = Σ nibble x - 8 Σ x` in integers, blocks added in order.
fn dot(row: &[u8], x: Codes<'_>) -> f32 {
    let mut sum = 0.0;
    let blocks = row.chunks_exact(BYTES).zip(x.codes.chunks_exact(BLOCK));
    for ((block, codes), (scale, code_sum)) in blocks.zip(x.scales.iter().zip(x.sums)) {
        let d = f16::from_le_bytes([block[0], block[1]]).to_f32();
        let (low, high) = codes.split_at(BLOCK / 2);
        let mut exact = -8 * code_sum;
        for ((&w, &low), &high) in block[2..].iter().zip(low).zip(high) {
            exact += i32::from(w & 15) * i32::from(low) + i32::from(w >> 4) * i32::from(high);
        }
        sum += exact as f32 * (d * scale);
    }
    sum
}

pub fn dequantize(row: &[u8], out: &mut [f32]) {
    for (block, out) in row.chunks_exact(BYTES).zip(out.chunks_exact_mut(BLOCK)) {
        let d = f16::from_le_bytes([block[0], block[1]]).to_f32();
        let (low, high) = out.split_at_mut(BLOCK / 2);
        for ((&w, low), high) in block[2..].iter().zip(low).zip(high) {
            *low = d * (f32::from(w & 15) - 8.0);
            *high = d * (f32::from(w >> 4) - 8.0);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::super::x86::{array, halves, sum4_i32};
    use super::*;

    /// The 32 nibbles of a block as bytes, in element order.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn nibbles(packed: __m128i) -> __m256i {
        let both = _mm256_set_m128i(_mm_srli_epi16::<4>(packed), packed);
        _mm256_and_si256(both, _mm256_set1_epi8(15))
    }

    /// 32 products, summed in fours; 15 * 127 * 2 fits 16 bits.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn products(w: __m256i, x: __m256i) -> __m256i {
        _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1))
    }

    #[target_feature(enable = "avx2,f16c")]
    pub fn rows4(rows: [&[u8]; 4], x: Codes<'_>) -> [f32; 4] {
        let blocks = x.scales.len();
        assert!(x.codes.len() == blocks * BLOCK && rows.iter().all(|row| row.len() == blocks * BYTES));
        let mut sums = _mm_setzero_ps();
        for b in 0..blocks {
            // SAFETY: block `b` of each row is `BYTES` long and in bounds by the check above, as are 32 codes.
            let (packed, d, x_codes) = unsafe {
                let at = rows.map(|row| row.as_ptr().add(b * BYTES));
                (
                    at.map(|at| _mm_loadu_si128(at.add(2).cast())),
                    at.map(|at| at.cast::<[u8; 2]>().read()),
                    _mm256_loadu_si256(x.codes.as_ptr().add(b * BLOCK).cast()),
                )
            };
            let exact = sum4_i32([
                products(nibbles(packed[0]), x_codes),
                products(nibbles(packed[1]), x_codes),
                products(nibbles(packed[2]), x_codes),
                products(nibbles(packed[3]), x_codes),
            ]);
            let exact = _mm_sub_epi32(exact, _mm_set1_epi32(8 * x.sums[b]));
            let scale = _mm_mul_ps(halves(d), _mm_set1_ps(x.scales[b]));
            sums = _mm_add_ps(sums, _mm_mul_ps(_mm_cvtepi32_ps(exact), scale));
        }
        array(sums)
    }

    #[target_feature(enable = "avx2,f16c")]
    pub fn tokens4(row: &[u8], x: [Codes<'_>; 4]) -> [f32; 4] {
        let blocks = row.len() / BYTES;
        let fits = |x: &Codes<'_>| {
            x.codes.len() == blocks * BLOCK && x.scales.len() == blocks && x.sums.len() == blocks
        };
        assert!(x.iter().all(fits));
        let mut sums = _mm_setzero_ps();
        for b in 0..blocks {
            // SAFETY: block `b` of the row is in bounds by its length; 32 codes, a scale and a sum by the check above.
            let (packed, d, codes, scales, offsets) = unsafe {
                let at = row.as_ptr().add(b * BYTES);
                (
                    _mm_loadu_si128(at.add(2).cast()),
                    at.cast::<[u8; 2]>().read(),
                    x.map(|x| _mm256_loadu_si256(x.codes.as_ptr().add(b * BLOCK).cast())),
                    x.map(|x| *x.scales.get_unchecked(b)),
                    x.map(|x| *x.sums.get_unchecked(b)),
                )
            };
            let w = nibbles(packed);
            let exact = sum4_i32([
                products(w, codes[0]),
                products(w, codes[1]),
                products(w, codes[2]),
                products(w, codes[3]),
            ]);
            let offsets = _mm_setr_epi32(offsets[0], offsets[1], offsets[2], offsets[3]);
            let exact = _mm_sub_epi32(exact, _mm_slli_epi32::<3>(offsets));
            let scale = _mm_mul_ps(halves([d; 4]), _mm_setr_ps(scales[0], scales[1], scales[2], scales[3]));
            sums = _mm_add_ps(sums, _mm_mul_ps(_mm_cvtepi32_ps(exact), scale));
        }
        array(sums)
    }
}
