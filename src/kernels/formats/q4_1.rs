//! Q4_1: an f16 scale, an f16 minimum that is added, and 32 nibbles as in Q4_0.

use crate::kernels::block::{Block, Group, SIGN, bits_at, half_at, nibbles};

pub struct Q4_1;

impl Block for Q4_1 {
    const GROUPS: usize = 1;
    const BYTES: usize = 20;
    const OFFSET: i32 = 0;
    const MINS: bool = true;
    const BITS: usize = 4;

    #[inline(always)]
    fn group(block: &[u8], _: usize) -> Group {
        Group::affine(half_at(block, 0), -half_at(block, 2), nibbles(&block[4..]))
    }

    fn woven_head(block: &[u8]) -> [u16; 2] {
        [bits_at(block, 0), bits_at(block, 2) ^ SIGN]
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::*;

    use crate::kernels::x86::{Lanes, halves, negated, nibbles, two_nibbles};

    impl Lanes for super::Q4_1 {
        /// Scales and minima of four rows.
        type Head = (__m128, __m128);

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn head(blocks: [*const u8; 4]) -> (__m128, __m128) {
            // SAFETY: the caller's promise: four whole blocks.
            unsafe { (halves(blocks), negated(halves(blocks.map(|at| at.add(2))))) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn codes(block: *const u8, _: usize) -> __m256i {
            // SAFETY: the caller's promise: a whole block.
            unsafe { nibbles(block.add(4)) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn pair(blocks: [*const u8; 2], _: usize) -> [__m256i; 2] {
            // SAFETY: the caller's promise: whole blocks.
            unsafe { two_nibbles(blocks.map(|block| block.add(4))) }
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn scales(head: &(__m128, __m128), _: usize) -> __m128 {
            head.0
        }

        #[inline]
        #[target_feature(enable = "avx2,f16c")]
        unsafe fn mins(head: &(__m128, __m128), _: usize) -> __m128 {
            head.1
        }
    }
}
