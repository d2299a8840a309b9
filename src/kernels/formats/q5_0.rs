//! Q5_0: an f16 scale, the fifth bits of 32 weights in element order, and their nibbles as in Q4_0; less 16.

use crate::kernels::BLOCK;
use crate::kernels::block::{Block, Group, bits_at, half_at, nibbles};

pub struct Q5_0;

/// Nibbles at `at + 4` with the fifth bits at `at`.
#[inline(always)]
pub fn five_bits(block: &[u8], at: usize) -> [u8; BLOCK] {
    let low = nibbles(&block[at + 4..]);
    std::array::from_fn(|i| low[i] | (block[at + i / 8] >> (i % 8) & 1) << 4)
}

impl Block for Q5_0 {
    const GROUPS: usize = 1;
    const BYTES: usize = 22;
    const OFFSET: i32 = 16;
    const BITS: usize = 5;

    #[inline(always)]
    fn group(block: &[u8], _: usize) -> Group {
        Group::plain(half_at(block, 0), five_bits(block, 2))
    }

    fn woven_head(block: &[u8]) -> [u16; 2] {
        [bits_at(block, 0), 0]
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::*;

    use crate::kernels::x86::{Lanes, bits, halves, joined, nibbles, two_bits, two_nibbles};

    impl Lanes for super::Q5_0 {
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
            unsafe { _mm256_or_si256(nibbles(block.add(6)), bits(block.add(2), 16)) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn pair(blocks: [*const u8; 2], _: usize) -> [__m256i; 2] {
            // SAFETY: the caller's promise: whole blocks.
            unsafe {
                joined::<0>(
                    two_nibbles(blocks.map(|block| block.add(6))),
                    two_bits(blocks.map(|block| block.add(2)), 16),
                )
            }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn scales(head: &__m128, _: usize) -> __m128 {
            *head
        }
    }
}
