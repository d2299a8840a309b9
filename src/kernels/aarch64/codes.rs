//! The weights of a group, format by format; layouts are told in `formats`.

use std::arch::aarch64::*;

use super::{Lanes, bits, joined, less, nibbles, shifted};
use crate::kernels::block::Block;
use crate::kernels::formats::*;

/// `$block` and `$g` are the block's address and the group's number in the expression that gives the codes.
macro_rules! codes {
    ($($format:ident: |$block:ident, $g:pat_param| $codes:expr;)*) => {
        $(impl Lanes for $format {
            #[inline(always)]
            unsafe fn weights($block: *const u8, $g: usize) -> [int8x16_t; 2] {
                // SAFETY: the caller's promise: a whole block; offsets are those of its layout.
                let codes = unsafe { $codes };
                less(codes, Self::OFFSET)
            }
        })*
    };
}

codes! {
    Q4_0: |block, _| nibbles(block.add(2));
    Q4_1: |block, _| nibbles(block.add(4));
    Q5_0: |block, _| joined::<0>(nibbles(block.add(6)), bits(block.add(2), 16));
    Q5_1: |block, _| joined::<0>(nibbles(block.add(8)), bits(block.add(4), 16));
    Q2_K: |block, g| shifted(block.add(16 + g / 4 * 32), g % 4 * 2, 3);
    Q3_K: |block, g| joined::<2>(shifted(block.add(32 + g / 4 * 32), g % 4 * 2, 3), shifted(block, g, 1));
    Q4_K: |block, g| shifted(block.add(16 + g / 2 * 32), g % 2 * 4, 15);
    Q5_K: |block, g| joined::<4>(shifted(block.add(48 + g / 2 * 32), g % 2 * 4, 15), shifted(block.add(16), g, 1));
    Q6_K: |block, g| joined::<4>(
        shifted(block.add(g / 4 * 64 + g % 2 * 32), g % 4 / 2 * 4, 15),
        shifted(block.add(128 + g / 4 * 32), g % 4 * 2, 3),
    );
}

impl Lanes for Q8_0 {
    #[inline(always)]
    unsafe fn weights(block: *const u8, _: usize) -> [int8x16_t; 2] {
        // SAFETY: the caller's promise: a whole block.
        unsafe { [vld1q_s8(block.add(2).cast()), vld1q_s8(block.add(18).cast())] }
    }
}

/// The values that nibbles name.
///
/// # Safety
/// 16 bytes must be readable at `at`.
#[inline(always)]
unsafe fn values(at: *const u8) -> [int8x16_t; 2] {
    // SAFETY: the caller's promise, and the table has 16 bytes.
    unsafe {
        let table = vld1q_s8(IQ4_VALUES.as_ptr());
        nibbles(at).map(|nibbles| vqtbl1q_s8(table, nibbles))
    }
}

impl Lanes for IQ4_NL {
    #[inline(always)]
    unsafe fn weights(block: *const u8, _: usize) -> [int8x16_t; 2] {
        // SAFETY: the caller's promise: a whole block.
        unsafe { values(block.add(2)) }
    }
}

impl Lanes for IQ4_XS {
    #[inline(always)]
    unsafe fn weights(block: *const u8, g: usize) -> [int8x16_t; 2] {
        // SAFETY: the caller's promise: a whole block.
        unsafe { values(block.add(8 + 16 * g)) }
    }
}
