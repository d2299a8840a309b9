//! Integer formats: blocks of codes under scales, times 8-bit activations.
//!
//! All of them are one shape. A block is one group of 32 weights, or eight groups that share a header (the K-quants). In
//! a group, weight `i` of half `h` (16 weights) is
//!
//! ```text
//! w = scale * steps[h] * (code - OFFSET) - min * mins[h]
//! ```
//!
//! with small integers `steps` and `mins` (1 where a format has one scale a group), so a group's part in a dot product
//! with activations `x = dx * c` (their codes `c`, summed over half `h` in `S[h]`) is two exact integers and two products:
//!
//! ```text
//! dot += (Σ_h steps[h] * (Σ_i code * c - OFFSET * S[h])) * (scale * dx)
//! dot -= (Σ_h mins[h] * S[h]) * (min * dx)                                where the format has minima
//! ```
//!
//! Groups are added in order, nothing is fused: that is the definition which every vector path equals bit for bit. The
//! integers stay below 2^24 (at worst 128 * 63 * 127 * 32, Q6_K's), so they are exact as floats.

use std::marker::PhantomData;

#[cfg(target_arch = "aarch64")]
use super::both_fours;
use super::input::Codes;
use super::{BLOCK, Cpu, Input, Isa, Rows, woven};

/// What a group of 32 weights is made of; see the head of this file.
#[derive(Clone)]
pub(crate) struct Group {
    pub codes: [u8; BLOCK],
    pub scale: f32,
    pub steps: [i32; 2],
    pub min: f32,
    pub mins: [i32; 2],
}

impl Group {
    /// A group under one scale, without minima.
    pub fn plain(scale: f32, codes: [u8; BLOCK]) -> Self {
        Self { codes, scale, steps: [1; 2], min: 0.0, mins: [0; 2] }
    }

    /// A group under one scale, less one minimum.
    pub fn affine(scale: f32, min: f32, codes: [u8; BLOCK]) -> Self {
        Self { codes, scale, steps: [1; 2], min, mins: [1; 2] }
    }

    /// `sum` and this group's part in a dot product, in the order of the definition. `exact` are the products of weights (in
    /// steps) and activation codes, `sums` those of the codes alone, both by halves; `dx` is the activations' scale.
    #[inline(always)]
    pub fn added<B: Block>(&self, sum: f32, exact: [i32; 2], sums: [i32; 2], dx: f32) -> f32 {
        let both = |by: [i32; 2], of: [i32; 2]| (by[0] * of[0] + by[1] * of[1]) as f32;
        let sum = sum + both(self.steps, exact) * (self.scale * dx);
        if B::MINS { sum - both(self.mins, sums) * (self.min * dx) } else { sum }
    }
}

/// An integer format: the numbers of its layout and the definition of its groups.
pub(crate) trait Block {
    /// Groups of 32 weights in a block: 1 or 8.
    const GROUPS: usize;
    /// Bytes of a block.
    const BYTES: usize;
    /// Codes are stored more than the weights' integers by this; 128 for signed bytes.
    const OFFSET: i32;
    /// Whether there are minima to subtract.
    const MINS: bool = false;
    /// Whether the halves of a group have steps of their own.
    const HALVES: bool = false;

    /// Bits of a code in the woven form (see `woven`): 4, 5, 6 or 8; 0 for formats that have none.
    const BITS: usize = 0;

    /// Group `g` of a block of `Self::BYTES` bytes.
    fn group(block: &[u8], g: usize) -> Group;

    /// A block's f16 scale and minimum (0 where there are none), for the woven form.
    fn woven_head(_: &[u8]) -> [u16; 2] {
        unreachable!("a format without a woven form was asked for its head")
    }

    /// What stands beside group `g` of eight: its step and minimum, or its two steps. For the woven form.
    fn woven_steps(_: &[u8], _: usize) -> [u8; 2] {
        [0; 2]
    }
}

/// A [`Block`] with the vector forms that this architecture has.
#[cfg(target_arch = "x86_64")]
pub(crate) trait Integer: Block + super::x86::Lanes {}
#[cfg(target_arch = "x86_64")]
impl<B: Block + super::x86::Lanes> Integer for B {}
/// A [`Block`] with the vector forms that this architecture has.
#[cfg(target_arch = "aarch64")]
pub(crate) trait Integer: Block + super::aarch64::Lanes {}
#[cfg(target_arch = "aarch64")]
impl<B: Block + super::aarch64::Lanes> Integer for B {}
/// A [`Block`] with the vector forms that this architecture has.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) trait Integer: Block {}
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
impl<B: Block> Integer for B {}

/// Rows of an integer format.
pub(crate) struct Blocks<B>(PhantomData<B>);

impl<B: Integer> Rows for Blocks<B> {
    type Token<'a> = Codes<'a>;

    fn token<'a>(input: &Input<'a>, t: usize) -> Codes<'a> {
        input.code_row(t)
    }

    #[inline]
    fn rows8(cpu: Cpu, rows: [&[u8]; 8], x: Codes<'_>, ahead: usize) -> [f32; 8] {
        let _ = ahead; // used on x86-64 only
        match cpu.isa() {
            Isa::Scalar => rows.map(|row| dot::<B>(row, x)),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa::Avx2` exists only where `Cpu` found AVX2, FMA and F16C.
            Isa::Avx2 => unsafe { super::x86::avx2::rows8::<B>(rows, x, ahead) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa::AvxVnni` exists only where `Cpu` found these and AVX-VNNI.
            Isa::AvxVnni => unsafe { super::x86::avx_vnni::rows8::<B>(rows, x, ahead) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `Isa::Avx512` exists only where `Cpu` found these and AVX-512 F, BW, VL and VNNI.
            Isa::Avx512 => unsafe { super::x86::avx512::rows8::<B>(rows, x, ahead) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: every aarch64 that this is compiled for has NEON.
            Isa::Neon => unsafe {
                both_fours(rows, |four| super::aarch64::neon::dot4::<B, true>(four, [x; 4]))
            },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: `Isa::DotProd` exists only where `Cpu` found the dot product.
            Isa::DotProd => unsafe {
                both_fours(rows, |four| super::aarch64::dotprod::dot4::<B, true>(four, [x; 4]))
            },
        }
    }

    #[inline]
    fn tokens4(cpu: Cpu, row: &[u8], x: [Codes<'_>; 4]) -> [f32; 4] {
        match cpu.isa() {
            Isa::Scalar => x.map(|x| dot::<B>(row, x)),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `rows8`.
            Isa::Avx2 => unsafe { super::x86::avx2::tokens4::<B>(row, x) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `rows8`.
            Isa::AvxVnni => unsafe { super::x86::avx_vnni::tokens4::<B>(row, x) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `rows8`.
            Isa::Avx512 => unsafe { super::x86::avx512::tokens4::<B>(row, x) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as in `rows8`.
            Isa::Neon => unsafe { super::aarch64::neon::dot4::<B, false>([row; 4], x) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as in `rows8`.
            Isa::DotProd => unsafe { super::aarch64::dotprod::dot4::<B, false>([row; 4], x) },
        }
    }

    /// In the order of operations of the GGUF reference implementation.
    fn dequantize(row: &[u8], out: &mut [f32]) {
        for (b, out) in out.chunks_exact_mut(BLOCK).enumerate() {
            let block = &row[b / B::GROUPS * B::BYTES..][..B::BYTES];
            let group = B::group(block, b % B::GROUPS);
            for (i, (out, code)) in out.iter_mut().zip(group.codes).enumerate() {
                let half = i / (BLOCK / 2);
                let step = group.scale * group.steps[half] as f32;
                *out = step * (i32::from(code) - B::OFFSET) as f32;
                if B::MINS {
                    *out -= group.min * group.mins[half] as f32;
                }
            }
        }
    }

    fn woven_bytes(cols: usize) -> Option<usize> {
        (B::BITS > 0).then(|| woven::panel_bytes::<B>(cols / BLOCK))
    }

    fn weave(cpu: Cpu, rows: [&[u8]; super::PANEL], out: &mut [u8]) {
        match cpu.isa() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `rows8`.
            Isa::Avx2 | Isa::AvxVnni | Isa::Avx512 => unsafe { super::x86::woven::weave::<B>(rows, out) },
            _ => woven::weave_panel::<B>(rows, out),
        }
    }

    #[inline]
    fn woven(cpu: Cpu, panel: &[u8], x: Codes<'_>) -> [f32; super::PANEL] {
        match cpu.isa() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `rows8`.
            Isa::Avx2 => unsafe { super::x86::woven256::avx2::product::<B>(panel, x) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `rows8`.
            Isa::AvxVnni => unsafe { super::x86::woven256::avx_vnni::product::<B>(panel, x) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as in `rows8`.
            Isa::Avx512 => unsafe { super::x86::woven::product::<B>(panel, x) },
            _ => woven::product::<B>(panel, x),
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn panel(
        cpu: Cpu,
        rows: [&[u8]; super::PANEL],
        input: &Input<'_>,
        put: &mut dyn FnMut(usize, &[f32; super::PANEL]),
    ) -> bool {
        match cpu.isa() {
            Isa::Scalar => return false,
            // SAFETY: as in `rows8`.
            Isa::Avx2 => unsafe { super::x86::panel256::avx2::panel::<B>(rows, input, put) },
            // SAFETY: as in `rows8`.
            Isa::AvxVnni => unsafe { super::x86::panel256::avx_vnni::panel::<B>(rows, input, put) },
            // SAFETY: as in `rows8`.
            Isa::Avx512 => unsafe { super::x86::panel::panel::<B>(rows, input, put) },
        }
        true
    }
}

/// The definition of a dot product.
fn dot<B: Block>(row: &[u8], x: Codes<'_>) -> f32 {
    let mut sum = 0.0;
    for (b, block) in row.chunks_exact(B::BYTES).enumerate() {
        for g in 0..B::GROUPS {
            let i = b * B::GROUPS + g;
            let group = B::group(block, g);
            let (first, second) = x.codes[i * BLOCK..(i + 1) * BLOCK].split_at(BLOCK / 2);
            let products = |w: &[u8], x: &[i8]| -> i32 {
                w.iter().zip(x).map(|(&w, &x)| i32::from(w) * i32::from(x)).sum()
            };
            let [s0, s1] = x.halves[i];
            let exact = [
                products(&group.codes[..BLOCK / 2], first) - B::OFFSET * s0,
                products(&group.codes[BLOCK / 2..], second) - B::OFFSET * s1,
            ];
            sum = group.added::<B>(sum, exact, [s0, s1], x.scales[i]);
        }
    }
    sum
}

/// An f16 at `at`.
#[inline(always)]
pub(crate) fn half_at(block: &[u8], at: usize) -> f32 {
    half::f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// The bits of the f16 at `at`.
#[inline(always)]
pub(crate) fn bits_at(block: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([block[at], block[at + 1]])
}

/// The sign of an f16.
pub(crate) const SIGN: u16 = 0x8000;

/// 16 bytes' low nibbles, then their high ones.
#[inline(always)]
pub(crate) fn nibbles(packed: &[u8]) -> [u8; BLOCK] {
    std::array::from_fn(|i| (packed[i % 16] >> (i / 16 * 4)) & 15)
}
