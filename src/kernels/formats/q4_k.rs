//! Q4_K: f16 scales of steps and minima, eight 6-bit steps and minima in 12 bytes, 256 nibbles.
//!
//! Groups `2i` and `2i + 1` are the low and the high nibbles of 32 bytes. Step and minimum of group `g` are the low six
//! bits of bytes `g` and `4 + g` for `g < 4`; after that the low and the high nibble of byte `4 + g` under the two high
//! bits of bytes `g - 4` and `g`.

use crate::kernels::block::{Block, Group, bits_at, half_at};

#[allow(non_camel_case_types)]
pub struct Q4_K;

/// Step and minimum of group `g`, of the 12 bytes at 4.
#[inline(always)]
pub fn step_and_min(block: &[u8], g: usize) -> (u8, u8) {
    let s = &block[4..16];
    if g < 4 {
        (s[g] & 63, s[g + 4] & 63)
    } else {
        (s[g + 4] & 15 | s[g - 4] >> 6 << 4, s[g + 4] >> 4 | s[g] >> 6 << 4)
    }
}

impl Block for Q4_K {
    const GROUPS: usize = 8;
    const BYTES: usize = 144;
    const OFFSET: i32 = 0;
    const MINS: bool = true;
    const BITS: usize = 4;

    #[inline(always)]
    fn group(block: &[u8], g: usize) -> Group {
        let (step, min) = step_and_min(block, g);
        let codes = std::array::from_fn(|i| block[16 + g / 2 * 32 + i] >> (g % 2 * 4) & 15);
        Group::affine(half_at(block, 0) * f32::from(step), half_at(block, 2) * f32::from(min), codes)
    }

    fn woven_head(block: &[u8]) -> [u16; 2] {
        [bits_at(block, 0), bits_at(block, 2)]
    }

    fn woven_steps(block: &[u8], g: usize) -> [u8; 2] {
        step_and_min(block, g).into()
    }
}

#[cfg(target_arch = "x86_64")]
pub mod lanes {
    use std::arch::x86_64::*;

    use crate::kernels::x86::{Lanes, byte, halves, shifted, two_shifted, words};

    /// Steps and minima of four rows: byte `g % 4` of `[g / 4]`.
    pub struct Head {
        scale: __m128,
        min: __m128,
        steps: [__m128i; 2],
        mins: [__m128i; 2],
    }

    impl Head {
        /// # Safety
        /// AVX2 and F16C must be there, and 16 bytes readable at each of `blocks`.
        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        pub unsafe fn new(blocks: [*const u8; 4]) -> Head {
            let six = |v| _mm_and_si128(v, _mm_set1_epi8(63));
            let four = |v| _mm_and_si128(v, _mm_set1_epi8(15));
            let top = |v| _mm_and_si128(_mm_srli_epi32::<2>(v), _mm_set1_epi8(48));
            // SAFETY: the caller's promise.
            unsafe {
                let [s, m, both] = [4, 8, 12].map(|at| words(blocks, at));
                Head {
                    scale: halves(blocks),
                    min: halves(blocks.map(|at| at.add(2))),
                    steps: [six(s), _mm_or_si128(four(both), top(s))],
                    mins: [six(m), _mm_or_si128(four(_mm_srli_epi32::<4>(both)), top(m))],
                }
            }
        }

        /// Scales of group `g`.
        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        pub fn scales(&self, g: usize) -> __m128 {
            _mm_mul_ps(self.scale, _mm_cvtepi32_ps(byte(self.steps[g / 4], g % 4)))
        }

        /// Minima of group `g`.
        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        pub fn mins(&self, g: usize) -> __m128 {
            _mm_mul_ps(self.min, _mm_cvtepi32_ps(byte(self.mins[g / 4], g % 4)))
        }
    }

    impl Lanes for super::Q4_K {
        type Head = Head;

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn head(blocks: [*const u8; 4]) -> Head {
            // SAFETY: the caller's promise: four whole blocks.
            unsafe { Head::new(blocks) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn codes(block: *const u8, g: usize) -> __m256i {
            // SAFETY: the caller's promise: a whole block.
            unsafe { shifted(block.add(16 + g / 2 * 32), g % 2 * 4, 15) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn pair(blocks: [*const u8; 2], g: usize) -> [__m256i; 2] {
            // SAFETY: the caller's promise: whole blocks.
            unsafe { two_shifted(blocks.map(|block| block.add(16 + g / 2 * 32)), g % 2 * 4, 15) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn scales(head: &Head, g: usize) -> __m128 {
            head.scales(g)
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn mins(head: &Head, g: usize) -> __m128 {
            head.mins(g)
        }
    }
}
