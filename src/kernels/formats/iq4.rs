//! IQ4_NL and IQ4_XS: nibbles that name one of sixteen unevenly spaced values.
//!
//! IQ4_NL lies as Q4_0. IQ4_XS is eight such groups under one f16 scale, each with a 6-bit step less 32: its low four bits
//! in the nibbles of bytes 4 to 7, its high two in the 16 bits at 2.

use crate::kernels::BLOCK;
use crate::kernels::block::{Block, Group, half_at, nibbles};

/// The values, by nibble.
pub(crate) const IQ4_VALUES: [i8; 16] =
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

#[allow(non_camel_case_types)]
pub struct IQ4_NL;
#[allow(non_camel_case_types)]
pub struct IQ4_XS;

#[inline(always)]
fn values(packed: &[u8]) -> [u8; BLOCK] {
    nibbles(packed).map(|n| IQ4_VALUES[usize::from(n)] as u8 ^ 0x80)
}

impl Block for IQ4_NL {
    const GROUPS: usize = 1;
    const BYTES: usize = 18;
    const OFFSET: i32 = 128;

    #[inline(always)]
    fn group(block: &[u8], _: usize) -> Group {
        Group::plain(half_at(block, 0), values(&block[2..]))
    }
}

impl Block for IQ4_XS {
    const GROUPS: usize = 8;
    const BYTES: usize = 136;
    const OFFSET: i32 = 128;

    #[inline(always)]
    fn group(block: &[u8], g: usize) -> Group {
        let low = block[4 + g / 2] >> (g % 2 * 4) & 15;
        let high = block[2 + g / 4] >> (g % 4 * 2) & 3;
        let step = f32::from((low | high << 4) as i8 - 32);
        Group::plain(half_at(block, 0) * step, values(&block[8 + 16 * g..]))
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::*;

    use super::IQ4_VALUES;
    use crate::kernels::x86::{Lanes, halves, nibbles, two_nibbles, words};

    /// # Safety
    /// AVX2 must be there, and 16 bytes readable at `at`.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn values(at: *const u8) -> __m256i {
        // SAFETY: the caller's promise; the table has 16 bytes.
        unsafe {
            let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(IQ4_VALUES.as_ptr().cast()));
            _mm256_shuffle_epi8(table, nibbles(at))
        }
    }

    /// The same of 16 bytes at each of two places: the low nibbles of both, then the high ones.
    ///
    /// # Safety
    /// They must be readable.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn two_values(at: [*const u8; 2]) -> [__m256i; 2] {
        // SAFETY: the caller's promise, and the table has 16 bytes.
        unsafe {
            let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(IQ4_VALUES.as_ptr().cast()));
            two_nibbles(at).map(|nibbles| _mm256_shuffle_epi8(table, nibbles))
        }
    }

    impl Lanes for super::IQ4_NL {
        type Head = __m128;

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn head(blocks: [*const u8; 4]) -> __m128 {
            // SAFETY: the caller's promise: four whole blocks.
            unsafe { halves(blocks) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn codes(block: *const u8, _: usize) -> __m256i {
            // SAFETY: the caller's promise: a whole block.
            unsafe { values(block.add(2)) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn pair(blocks: [*const u8; 2], _: usize) -> [__m256i; 2] {
            // SAFETY: the caller's promise: whole blocks.
            unsafe { two_values(blocks.map(|block| block.add(2))) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn scales(head: &__m128, _: usize) -> __m128 {
            *head
        }
    }

    pub struct Head {
        scale: __m128,
        low: __m128i,
        /// The 16 bits at 2 in the upper half of a lane.
        high: __m128i,
    }

    impl Lanes for super::IQ4_XS {
        type Head = Head;

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn head(blocks: [*const u8; 4]) -> Head {
            // SAFETY: the caller's promise: four whole blocks.
            unsafe { Head { scale: halves(blocks), low: words(blocks, 4), high: words(blocks, 0) } }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn codes(block: *const u8, g: usize) -> __m256i {
            // SAFETY: the caller's promise: a whole block.
            unsafe { values(block.add(8 + 16 * g)) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn pair(blocks: [*const u8; 2], g: usize) -> [__m256i; 2] {
            // SAFETY: the caller's promise: whole blocks.
            unsafe { two_values(blocks.map(|block| block.add(8 + 16 * g))) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn scales(head: &Head, g: usize) -> __m128 {
            let shift = |v, by: usize| _mm_srl_epi32(v, _mm_cvtsi32_si128(by as i32));
            let low = _mm_and_si128(shift(head.low, 4 * g), _mm_set1_epi32(15));
            let high = _mm_and_si128(shift(head.high, 16 + 2 * g), _mm_set1_epi32(3));
            let step = _mm_or_si128(low, _mm_slli_epi32::<4>(high));
            _mm_mul_ps(head.scale, _mm_cvtepi32_ps(_mm_sub_epi32(step, _mm_set1_epi32(32))))
        }
    }
}
