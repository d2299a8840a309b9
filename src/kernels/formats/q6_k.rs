//! Q6_K: low nibbles and high two bits of 256 weights less 32, sixteen signed steps, an f16 scale.
//!
//! Groups `4n` to `4n + 3`: the low nibbles of 64 bytes, then their high nibbles; the high bits of 32 bytes, two each.

use crate::kernels::block::{Block, Group, bits_at, half_at};

#[allow(non_camel_case_types)]
pub struct Q6_K;

impl Block for Q6_K {
    const GROUPS: usize = 8;
    const BYTES: usize = 210;
    const OFFSET: i32 = 32;
    const HALVES: bool = true;
    const BITS: usize = 6;

    #[inline(always)]
    fn group(block: &[u8], g: usize) -> Group {
        let code = |i: usize| {
            let low = block[g / 4 * 64 + g % 2 * 32 + i] >> (g % 4 / 2 * 4) & 15;
            low | (block[128 + g / 4 * 32 + i] >> (g % 4 * 2) & 3) << 4
        };
        Group {
            codes: std::array::from_fn(code),
            scale: half_at(block, 208),
            steps: [2 * g, 2 * g + 1].map(|j| i32::from(block[192 + j] as i8)),
            min: 0.0,
            mins: [0; 2],
        }
    }

    fn woven_head(block: &[u8]) -> [u16; 2] {
        [bits_at(block, 208), 0]
    }

    fn woven_steps(block: &[u8], g: usize) -> [u8; 2] {
        [block[192 + 2 * g], block[193 + 2 * g]]
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::*;

    use crate::kernels::x86::{Lanes, halves, joined, shifted, sixteen, two_bytes, two_shifted};

    pub struct Head {
        scale: __m128,
        steps: [__m128i; 4],
    }

    impl Lanes for super::Q6_K {
        type Head = Head;

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn head(blocks: [*const u8; 4]) -> Head {
            // SAFETY: the caller's promise: four whole blocks.
            unsafe {
                let (scale, steps) = (blocks.map(|at| at.add(208)), blocks.map(|at| at.add(192)));
                Head { scale: halves(scale), steps: sixteen(steps) }
            }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn codes(block: *const u8, g: usize) -> __m256i {
            // SAFETY: the caller's promise: a whole block.
            unsafe {
                let low = shifted(block.add(g / 4 * 64 + g % 2 * 32), g % 4 / 2 * 4, 15);
                let high = shifted(block.add(128 + g / 4 * 32), g % 4 * 2, 3);
                _mm256_or_si256(low, _mm256_slli_epi16::<4>(high))
            }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn pair(blocks: [*const u8; 2], g: usize) -> [__m256i; 2] {
            // SAFETY: the caller's promise: whole blocks.
            unsafe {
                joined::<4>(
                    two_shifted(blocks.map(|block| block.add(g / 4 * 64 + g % 2 * 32)), g % 4 / 2 * 4, 15),
                    two_shifted(blocks.map(|block| block.add(128 + g / 4 * 32)), g % 4 * 2, 3),
                )
            }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn scales(head: &Head, _: usize) -> __m128 {
            head.scale
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn steps(head: &Head, g: usize) -> __m256i {
            two_bytes(&head.steps, g)
        }
    }
}
