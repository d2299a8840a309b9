//! Q5_K: Q4_K with the fifth bits of 256 weights before the nibbles: bit `g` of byte `i` is weight `i`'s in group `g`.

use super::q4_k::step_and_min;
use crate::kernels::block::{Block, Group, bits_at, half_at};

#[allow(non_camel_case_types)]
pub struct Q5_K;

impl Block for Q5_K {
    const GROUPS: usize = 8;
    const BYTES: usize = 176;
    const OFFSET: i32 = 0;
    const MINS: bool = true;
    const BITS: usize = 5;

    #[inline(always)]
    fn group(block: &[u8], g: usize) -> Group {
        let (step, min) = step_and_min(block, g);
        let code = |i: usize| {
            let low = block[48 + g / 2 * 32 + i] >> (g % 2 * 4) & 15;
            low | (block[16 + i] >> g & 1) << 4
        };
        let (scale, min) = (half_at(block, 0) * f32::from(step), half_at(block, 2) * f32::from(min));
        Group::affine(scale, min, std::array::from_fn(code))
    }

    fn woven_head(block: &[u8]) -> [u16; 2] {
        [bits_at(block, 0), bits_at(block, 2)]
    }

    fn woven_steps(block: &[u8], g: usize) -> [u8; 2] {
        step_and_min(block, g).into()
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::*;

    use super::super::q4_k::lanes::Head;
    use crate::kernels::x86::{Lanes, joined, shifted, two_shifted};

    impl Lanes for super::Q5_K {
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
            unsafe {
                let fifth = _mm256_slli_epi16::<4>(shifted(block.add(16), g, 1));
                _mm256_or_si256(shifted(block.add(48 + g / 2 * 32), g % 2 * 4, 15), fifth)
            }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn pair(blocks: [*const u8; 2], g: usize) -> [__m256i; 2] {
            // SAFETY: the caller's promise: whole blocks.
            unsafe {
                joined::<4>(
                    two_shifted(blocks.map(|block| block.add(48 + g / 2 * 32)), g % 2 * 4, 15),
                    two_shifted(blocks.map(|block| block.add(16)), g, 1),
                )
            }
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
