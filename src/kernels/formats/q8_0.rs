//! Q8_0: an f16 scale and 32 signed bytes.

use crate::kernels::block::{Block, Group, bits_at, half_at};

pub struct Q8_0;

impl Block for Q8_0 {
    const GROUPS: usize = 1;
    const BYTES: usize = 34;
    const OFFSET: i32 = 128;
    const BITS: usize = 8;

    #[inline(always)]
    fn group(block: &[u8], _: usize) -> Group {
        Group::plain(half_at(block, 0), std::array::from_fn(|i| block[2 + i] ^ 0x80))
    }

    fn woven_head(block: &[u8]) -> [u16; 2] {
        [bits_at(block, 0), 0]
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::*;

    use crate::kernels::x86::{Lanes, halves, two};

    impl Lanes for super::Q8_0 {
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
            unsafe { _mm256_loadu_si256(block.add(2).cast()) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn pair(blocks: [*const u8; 2], _: usize) -> [__m256i; 2] {
            // SAFETY: the caller's promise: whole blocks.
            unsafe { [two(blocks.map(|block| block.add(2))), two(blocks.map(|block| block.add(18)))] }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn scales(head: &__m128, _: usize) -> __m128 {
            *head
        }
    }
}
