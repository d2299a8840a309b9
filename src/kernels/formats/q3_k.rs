//! Q3_K: the third bits of 256 weights, their two low bits, sixteen 6-bit steps less 32 in 12 bytes, an f16 scale.
//!
//! Bit `g` of byte `i` is the third of weight `i` in group `g`; the low bits lie as in Q2_K. Step `j` has its low four
//! bits in byte `j % 8` (high nibble from 8 on) and its high two in byte `8 + j % 4`, from bit `j / 4 * 2` on.

use crate::kernels::block::{Block, Group, half_at};

#[allow(non_camel_case_types)]
pub struct Q3_K;

impl Block for Q3_K {
    const GROUPS: usize = 8;
    const BYTES: usize = 110;
    const OFFSET: i32 = 4;
    const HALVES: bool = true;

    #[inline(always)]
    fn group(block: &[u8], g: usize) -> Group {
        let step = |j: usize| {
            let low = block[96 + j % 8] >> (j / 8 * 4) & 15;
            let high = block[104 + j % 4] >> (j / 4 * 2) & 3;
            i32::from(low | high << 4) - 32
        };
        let code = |i: usize| {
            let low = block[32 + g / 4 * 32 + i] >> (g % 4 * 2) & 3;
            low | (block[i] >> g & 1) << 2
        };
        Group {
            codes: std::array::from_fn(code),
            scale: half_at(block, 108),
            steps: [step(2 * g), step(2 * g + 1)],
            min: 0.0,
            mins: [0; 2],
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::*;

    use crate::kernels::x86::{Lanes, halves, joined, shifted, two_bytes, two_shifted, words};

    pub struct Head {
        scale: __m128,
        steps: [__m128i; 4],
    }

    impl Lanes for super::Q3_K {
        type Head = Head;

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn head(blocks: [*const u8; 4]) -> Head {
            let low = |v| _mm_and_si128(v, _mm_set1_epi8(15));
            // SAFETY: the caller's promise: four whole blocks.
            unsafe {
                let [a, b, c] = [96, 100, 104].map(|at| words(blocks, at));
                let high = |v| _mm_slli_epi32::<4>(_mm_and_si128(v, _mm_set1_epi8(3)));
                let step = |low, high| _mm_sub_epi8(_mm_or_si128(low, high), _mm_set1_epi8(32));
                Head {
                    scale: halves(blocks.map(|at| at.add(108))),
                    steps: [
                        step(low(a), high(c)),
                        step(low(b), high(_mm_srli_epi32::<2>(c))),
                        step(low(_mm_srli_epi32::<4>(a)), high(_mm_srli_epi32::<4>(c))),
                        step(low(_mm_srli_epi32::<4>(b)), high(_mm_srli_epi32::<6>(c))),
                    ],
                }
            }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn codes(block: *const u8, g: usize) -> __m256i {
            // SAFETY: the caller's promise: a whole block.
            unsafe {
                let third = _mm256_slli_epi16::<2>(shifted(block, g, 1));
                _mm256_or_si256(shifted(block.add(32 + g / 4 * 32), g % 4 * 2, 3), third)
            }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn pair(blocks: [*const u8; 2], g: usize) -> [__m256i; 2] {
            // SAFETY: the caller's promise: whole blocks.
            unsafe {
                joined::<2>(
                    two_shifted(blocks.map(|block| block.add(32 + g / 4 * 32)), g % 4 * 2, 3),
                    two_shifted(blocks, g, 1),
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
