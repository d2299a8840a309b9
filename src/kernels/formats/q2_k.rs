//! Q2_K: 16 bytes of a 4-bit step (low) and a 4-bit minimum (high) a half group, 256 two-bit codes, and f16 scales of both.
//!
//! Bytes 16 to 47 hold groups 0 to 3, two bits each from the lowest on, bytes 48 to 79 groups 4 to 7.

use crate::kernels::block::{Block, Group, half_at};

#[allow(non_camel_case_types)]
pub struct Q2_K;

impl Block for Q2_K {
    const GROUPS: usize = 8;
    const BYTES: usize = 84;
    const OFFSET: i32 = 0;
    const MINS: bool = true;
    const HALVES: bool = true;

    #[inline(always)]
    fn group(block: &[u8], g: usize) -> Group {
        let both = [block[2 * g], block[2 * g + 1]];
        Group {
            codes: std::array::from_fn(|i| block[16 + g / 4 * 32 + i] >> (g % 4 * 2) & 3),
            scale: half_at(block, 80),
            steps: both.map(|b| i32::from(b & 15)),
            min: half_at(block, 82),
            mins: both.map(|b| i32::from(b >> 4)),
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::*;

    use crate::kernels::x86::{Lanes, halves, shifted, sixteen, two_bytes, two_shifted};

    pub struct Head {
        scale: __m128,
        min: __m128,
        both: [__m128i; 4],
    }

    impl Lanes for super::Q2_K {
        type Head = Head;

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn head(blocks: [*const u8; 4]) -> Head {
            // SAFETY: the caller's promise: four whole blocks.
            unsafe {
                Head {
                    scale: halves(blocks.map(|at| at.add(80))),
                    min: halves(blocks.map(|at| at.add(82))),
                    both: sixteen(blocks),
                }
            }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn codes(block: *const u8, g: usize) -> __m256i {
            // SAFETY: the caller's promise: a whole block.
            unsafe { shifted(block.add(16 + g / 4 * 32), g % 4 * 2, 3) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn pair(blocks: [*const u8; 2], g: usize) -> [__m256i; 2] {
            // SAFETY: the caller's promise: whole blocks.
            unsafe { two_shifted(blocks.map(|block| block.add(16 + g / 4 * 32)), g % 4 * 2, 3) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn scales(head: &Head, _: usize) -> __m128 {
            head.scale
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn mins(head: &Head, _: usize) -> __m128 {
            head.min
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn steps(head: &Head, g: usize) -> __m256i {
            _mm256_and_si256(two_bytes(&head.both, g), _mm256_set1_epi32(15))
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn min_steps(head: &Head, g: usize) -> __m256i {
            _mm256_and_si256(_mm256_srli_epi32::<4>(two_bytes(&head.both, g)), _mm256_set1_epi32(15))
        }
    }
}
