//! aarch64: how NEON registers are filled from the integer and float formats, and the loops over them.
//!
//! NEON is part of every aarch64; what is asked for at run time is `dotprod`, the product of four bytes at a time. Headers
//! of blocks are read by the definition ([`Block::group`], whose codes the compiler drops here): one row at a time a vector
//! would hold only one number of them.

mod codes;
mod dot;
mod float;

use std::arch::aarch64::*;

pub(crate) use dot::{dotprod, neon};
pub(crate) use float::{Quads, dot4 as float_dot4, weighted_sum};

use super::block::Block;

/// The vector form of a [`Block`].
pub(crate) trait Lanes: Block {
    /// The weights of group `g` in steps (codes less [`Block::OFFSET`]), by halves.
    ///
    /// # Safety
    /// `Self::BYTES` bytes must be readable at `block`.
    unsafe fn weights(block: *const u8, g: usize) -> [int8x16_t; 2];
}

/// 16 bytes' low nibbles, then their high ones.
///
/// # Safety
/// 16 bytes must be readable at `at`.
#[inline(always)]
unsafe fn nibbles(at: *const u8) -> [uint8x16_t; 2] {
    // SAFETY: the caller's promise; NEON is always there.
    unsafe {
        let packed = vld1q_u8(at);
        [vandq_u8(packed, vdupq_n_u8(15)), vshrq_n_u8::<4>(packed)]
    }
}

/// 32 bytes, each shifted right by `by` and masked.
///
/// # Safety
/// 32 bytes must be readable at `at`.
#[inline(always)]
unsafe fn shifted(at: *const u8, by: usize, mask: u8) -> [uint8x16_t; 2] {
    // SAFETY: the caller's promise; NEON is always there. A shift to the left by a negative number is one to the right.
    unsafe {
        let (by, mask) = (vdupq_n_s8(-(by as i8)), vdupq_n_u8(mask));
        [0, 16].map(|half| vandq_u8(vshlq_u8(vld1q_u8(at.add(half)), by), mask))
    }
}

/// 32 bits, each as `value` in a byte of its own.
///
/// # Safety
/// Four bytes must be readable at `at`.
#[inline(always)]
unsafe fn bits(at: *const u8, value: u8) -> [uint8x16_t; 2] {
    // SAFETY: the caller's promise; NEON is always there.
    unsafe {
        let bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040_2010_0804_0201));
        [0, 2].map(|half| {
            let bytes = vcombine_u8(vdup_n_u8(*at.add(half)), vdup_n_u8(*at.add(half + 1)));
            vandq_u8(vtstq_u8(bytes, bit), vdupq_n_u8(value))
        })
    }
}

/// `low | high << by`, by halves.
#[inline(always)]
fn joined<const BY: i32>(low: [uint8x16_t; 2], high: [uint8x16_t; 2]) -> [uint8x16_t; 2] {
    // SAFETY: NEON is always there.
    unsafe { [0, 1].map(|half| vorrq_u8(low[half], vshlq_n_u8::<BY>(high[half]))) }
}

/// Unsigned codes less `offset`.
#[inline(always)]
fn less(codes: [uint8x16_t; 2], offset: i32) -> [int8x16_t; 2] {
    // SAFETY: NEON is always there.
    codes.map(|codes| unsafe { vsubq_s8(vreinterpretq_s8_u8(codes), vdupq_n_s8(offset as i8)) })
}
