//! Four dot products at a time, of four rows with one token or of one row with four tokens.

use std::arch::aarch64::*;

use super::super::input::Codes;
use super::Lanes;
use crate::kernels::BLOCK;

/// Defines `dot4` for an instruction set that has `$products`.
macro_rules! dot4 {
    ($features:literal, $products:ident) => {
        /// Four dot products in the order of the definition: of `rows` with `x[0]` if `ROWS`, else of `rows[0]` with `x`.
        ///
        /// # Panics
        /// If rows and tokens differ in length.
        #[target_feature(enable = $features)]
        pub fn dot4<B: Lanes, const ROWS: bool>(rows: [&[u8]; 4], x: [Codes<'_>; 4]) -> [f32; 4] {
            let blocks = rows[0].len() / B::BYTES;
            let groups = blocks * B::GROUPS;
            assert!(rows.iter().all(|row| row.len() == blocks * B::BYTES));
            assert!(x.iter().all(|x| {
                x.codes.len() == groups * BLOCK && x.scales.len() == groups && x.halves.len() == groups
            }));
            let mut sums = [0.0f32; 4];
            for i in 0..groups {
                let (b, g) = (i / B::GROUPS, i % B::GROUPS);
                let block = |k: usize| &rows[k][b * B::BYTES..(b + 1) * B::BYTES];
                // SAFETY: group `i` of every token is in bounds by the check above.
                let codes = |k: usize| unsafe {
                    let at = x[k].codes.as_ptr().add(i * BLOCK);
                    [vld1q_s8(at), vld1q_s8(at.add(16))]
                };
                // What is the same for all four, and what is not.
                // SAFETY: `block` is a slice of a whole block.
                let (first_weights, first_codes) = unsafe { (B::weights(block(0).as_ptr(), g), codes(0)) };
                let first_group = B::group(block(0), g);
                for (k, sum) in sums.iter_mut().enumerate() {
                    let (weights, codes, group, t) = if ROWS {
                        // SAFETY: as above.
                        let weights = unsafe { B::weights(block(k).as_ptr(), g) };
                        (weights, first_codes, B::group(block(k), g), 0)
                    } else {
                        (first_weights, codes(k), first_group.clone(), k)
                    };
                    let [a, b] = [0, 1].map(|half| $products(weights[half], codes[half]));
                    let exact = if B::HALVES {
                        [vaddvq_s32(a), vaddvq_s32(b)]
                    } else {
                        // One step for both halves, so one sum will do.
                        [vaddvq_s32(vaddq_s32(a, b)), 0]
                    };
                    *sum = group.added::<B>(*sum, exact, x[t].halves[i], x[t].scales[i]);
                }
            }
            sums
        }
    };
}

/// NEON as every aarch64 has it.
pub(crate) mod neon {
    use super::*;

    /// 16 products, summed in fours. Sums of two stay below 2^15: 128 * 127 * 2 = 32512.
    #[inline]
    #[target_feature(enable = "neon")]
    fn products(w: int8x16_t, x: int8x16_t) -> int32x4_t {
        let pairs = vmull_s8(vget_low_s8(w), vget_low_s8(x));
        vpaddlq_s16(vmlal_high_s8(pairs, w, x))
    }

    dot4!("neon", products);
}

/// With the dot product of four bytes (ARMv8.2, the Cortex-A76 of a Raspberry Pi 5; not the A53 and A72 of older ones).
pub(crate) mod dotprod {
    use super::*;

    /// 16 products, summed in fours.
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    fn products(w: int8x16_t, x: int8x16_t) -> int32x4_t {
        let mut sums = vdupq_n_s32(0);
        // The intrinsic for it is not stable.
        // SAFETY: arithmetic on registers; the function asks for the feature.
        unsafe {
            std::arch::asm!(
                "sdot {sums:v}.4s, {w:v}.16b, {x:v}.16b",
                sums = inout(vreg) sums, w = in(vreg) w, x = in(vreg) x,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sums
    }

    dot4!("neon,dotprod", products);
}
