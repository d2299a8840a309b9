//! Products of floats.

use std::arch::aarch64::*;

use crate::kernels::float::{BF16, F16, F32, Float};

/// The vector form of a [`Float`].
pub(crate) trait Quads: Float {
    /// Four elements.
    ///
    /// # Safety
    /// `4 * Self::BYTES` bytes must be readable at `at`.
    unsafe fn four(at: *const u8) -> float32x4_t;
}

impl Quads for F32 {
    #[inline(always)]
    unsafe fn four(at: *const u8) -> float32x4_t {
        // SAFETY: the caller's promise; bytes have no alignment, so they are loaded as bytes.
        unsafe { vreinterpretq_f32_u8(vld1q_u8(at)) }
    }
}

impl Quads for F16 {
    #[inline(always)]
    unsafe fn four(at: *const u8) -> float32x4_t {
        let floats: float32x4_t;
        // The intrinsic for it is not stable; the instruction is in every aarch64.
        // SAFETY: the caller's promise; arithmetic on registers.
        unsafe {
            std::arch::asm!(
                "fcvtl {floats:v}.4s, {halves:v}.4h",
                floats = lateout(vreg) floats, halves = in(vreg) vld1_u8(at),
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        floats
    }
}

impl Quads for BF16 {
    #[inline(always)]
    unsafe fn four(at: *const u8) -> float32x4_t {
        // SAFETY: the caller's promise.
        unsafe { vreinterpretq_f32_u32(vshll_n_u16::<16>(vreinterpret_u16_u8(vld1_u8(at)))) }
    }
}

/// Four dot products, four sums of four lanes each, of `rows` with `x`, pair by pair.
///
/// # Panics
/// If rows and tokens differ in length.
#[target_feature(enable = "neon")]
pub fn dot4<F: Quads>(rows: [&[u8]; 4], x: [&[f32]; 4]) -> [f32; 4] {
    const LANES: usize = 8;
    let n = x[0].len();
    assert!(rows.iter().all(|row| row.len() == n * F::BYTES) && x.iter().all(|x| x.len() == n));
    let whole = n - n % LANES;
    let mut sums = [[vdupq_n_f32(0.0); 2]; 4];
    for i in (0..whole).step_by(LANES) {
        for (k, sums) in sums.iter_mut().enumerate() {
            for (half, sum) in sums.iter_mut().enumerate() {
                let at = i + 4 * half;
                // SAFETY: elements `at` to `at + 3` of row and input exist: `i + 8 <= whole <= n`, checked above.
                unsafe {
                    let w = F::four(rows[k].as_ptr().add(at * F::BYTES));
                    *sum = vfmaq_f32(*sum, w, vld1q_f32(x[k].as_ptr().add(at)));
                }
            }
        }
    }
    std::array::from_fn(|k| {
        let over = rows[k][whole * F::BYTES..].chunks_exact(F::BYTES).zip(&x[k][whole..]);
        let tail: f32 = over.map(|(w, x)| F::element(w) * x).sum();
        vaddvq_f32(vaddq_f32(sums[k][0], sums[k][1])) + tail
    })
}

/// `out = Σ weight * row` of rows of f16, `out.len()` long, positions in order.
///
/// # Panics
/// If there are not as many rows as weights.
#[target_feature(enable = "neon")]
pub fn weighted_sum(weights: &[f32], values: &[u16], out: &mut [f32]) {
    let n = out.len();
    assert!(values.len() == weights.len() * n);
    let mut at = 0;
    while at + 32 <= n {
        columns::<8>(weights, values, out, at);
        at += 32;
    }
    while at + 4 <= n {
        columns::<1>(weights, values, out, at);
        at += 4;
    }
    for (c, out) in out.iter_mut().enumerate().skip(at) {
        let column = values[c..].iter().step_by(n);
        *out = weights
            .iter()
            .zip(column)
            .fold(0.0, |sum, (w, &v)| w.mul_add(half::f16::from_bits(v).to_f32(), sum));
    }
}

/// Columns `at` to `at + 4 W`, whose sums stay in registers over all positions.
#[inline]
#[target_feature(enable = "neon")]
fn columns<const W: usize>(weights: &[f32], values: &[u16], out: &mut [f32], at: usize) {
    let n = out.len();
    assert!(at + 4 * W <= n && values.len() == weights.len() * n);
    let mut sums = [vdupq_n_f32(0.0); W];
    for (p, &weight) in weights.iter().enumerate() {
        for (k, sum) in sums.iter_mut().enumerate() {
            // SAFETY: columns `at..at + 4 W` of row `p` exist by the check above.
            let v = unsafe { F16::four(values.as_ptr().add(p * n + at + 4 * k).cast()) };
            *sum = vfmaq_n_f32(*sum, v, weight);
        }
    }
    for (k, sum) in sums.into_iter().enumerate() {
        // SAFETY: columns `at..at + 4 W` of `out` exist by the check above.
        unsafe { vst1q_f32(out.as_mut_ptr().add(at + 4 * k), sum) };
    }
}
