//! The woven form in AVX-512 VNNI: sixteen rows with one token, a lane a row.
//!
//! A panel is its heads, a block after the other, then its codes, a group after the other; both start on a multiple of 64 bytes.
//!
//! ```text
//! head    scales of sixteen rows (f16), their minima where there are any (f16), and for blocks of eight groups
//!         for each group steps and minima, or first and second steps, of sixteen rows (bytes)
//! codes   four columns of sixteen rows are 64 bytes, words 0 to 7 of the group:
//!         the low four bits of words j and j + 4 in the low and high nibbles of 64 bytes j; after these,
//!         of 5 bits: bit j of each byte is the fifth bit of word j;
//!         of 6 bits: twice 64 bytes, the upper two bits of words 0 to 3, then of 4 to 7;
//!         of 8 bits: the words themselves, signed bytes moved up by 128
//! ```

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::Lanes;
use super::panel::{Packed, STRETCH, pack};
use crate::kernels::block::Block;
use crate::kernels::input::Codes;
use crate::kernels::{BLOCK, PANEL};

/// Bytes before their use that codes are fetched into the second cache (into the first, decoding took half as long again on a
/// Zen 4; 4 to 32 KiB made no difference).
const AHEAD: usize = 8 * 1024;

/// Bytes of a block's head.
const fn head_bytes<B: Block>() -> usize {
    let scales = if B::MINS { 4 * PANEL } else { 2 * PANEL };
    if B::GROUPS == 1 { scales } else { scales + B::GROUPS * 2 * PANEL }
}

/// Bytes of all heads of a row of `groups` groups.
const fn heads_bytes<B: Block>(groups: usize) -> usize {
    (groups / B::GROUPS * head_bytes::<B>()).next_multiple_of(64)
}

/// Bytes of sixteen rows of `groups` groups.
pub const fn panel_bytes<B: Block>(groups: usize) -> usize {
    heads_bytes::<B>(groups) + groups * B::BITS * 64
}

/// Weaves sixteen rows.
///
/// # Panics
/// If rows differ in length or `out` is not [`panel_bytes`] long.
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
pub fn weave<B: Lanes>(rows: [&[u8]; PANEL], out: &mut [u8]) {
    let blocks = rows[0].len() / B::BYTES;
    let groups = blocks * B::GROUPS;
    assert!(rows.iter().all(|row| row.len() == blocks * B::BYTES) && out.len() == panel_bytes::<B>(groups));
    let (heads, codes) = out.split_at_mut(heads_bytes::<B>(groups));
    for (b, head) in heads.chunks_exact_mut(head_bytes::<B>()).enumerate().take(blocks) {
        for (k, row) in rows.iter().enumerate() {
            let block = &row[b * B::BYTES..(b + 1) * B::BYTES];
            let scales = if B::MINS { 2 } else { 1 };
            for (i, bits) in B::woven_head(block).into_iter().enumerate().take(scales) {
                head[2 * (i * PANEL + k)..][..2].copy_from_slice(&bits.to_le_bytes());
            }
            if B::GROUPS > 1 {
                for g in 0..B::GROUPS {
                    let at = 2 * PANEL * (scales + g) + k;
                    [head[at], head[at + PANEL]] = B::woven_steps(block, g);
                }
            }
        }
    }
    let mut packed = MaybeUninit::<Packed>::uninit();
    for start in (0..groups).step_by(STRETCH) {
        let stretch = STRETCH.min(groups - start);
        // SAFETY: the blocks are in the rows by the check above, and `pack` writes the codes that are read after it.
        unsafe { pack::<B>(&rows, start / B::GROUPS, stretch, packed.as_mut_ptr()) };
        for g in 0..stretch {
            // SAFETY: as above.
            let words: &[[i32; PANEL]; 8] = unsafe { &(*packed.as_ptr()).codes[g] };
            let to = &mut codes[(start + g) * B::BITS * 64..][..B::BITS * 64];
            let mut put = |line: usize, r: usize, word: u32| {
                to[64 * line + 4 * r..][..4].copy_from_slice(&word.to_le_bytes());
            };
            #[allow(clippy::needless_range_loop)] // `r` counts rows in eight arrays; none of them leads
            for r in 0..PANEL {
                let word = |j: usize| words[j][r] as u32;
                let upper = |j: usize, mask: u32| word(j) >> 4 & mask;
                match B::BITS {
                    8 => (0..8).for_each(|j| put(j, r, word(j))),
                    _ => (0..4)
                        .for_each(|j| put(j, r, word(j) & 0x0f0f_0f0f | (word(j + 4) & 0x0f0f_0f0f) << 4)),
                }
                match B::BITS {
                    5 => put(4, r, (0..8).fold(0, |all, j| all | upper(j, 0x0101_0101) << j)),
                    6 => (0..2).for_each(|h| {
                        put(
                            4 + h,
                            r,
                            (0..4).fold(0, |all, j| all | upper(4 * h + j, 0x0303_0303) << (2 * j)),
                        );
                    }),
                    _ => {}
                }
            }
        }
    }
}

/// The words of a group: unsigned bytes, four columns of sixteen rows each.
///
/// # Safety
/// `B::BITS * 64` bytes must be readable at `at`.
#[inline]
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn words<B: Block>(at: *const u8) -> [__m512i; 8] {
    // SAFETY: the caller's promise; unaligned loads.
    let line = |j: usize| unsafe { _mm512_loadu_si512(at.add(64 * j).cast()) };
    if B::BITS == 8 {
        return std::array::from_fn(line);
    }
    let low = _mm512_set1_epi8(15);
    let nibbles: [_; 4] = std::array::from_fn(line);
    let [a, b, c, d] = nibbles.map(|v| _mm512_and_si512(v, low));
    let [e, f, g, h] = nibbles.map(|v| _mm512_and_si512(_mm512_srli_epi16::<4>(v), low));
    /// `a | b & c`, as a truth table.
    const JOIN: i32 = 0xf8;
    match B::BITS {
        5 => {
            let (v, bit) = (line(4), _mm512_set1_epi8(16));
            [
                _mm512_ternarylogic_epi32::<JOIN>(a, _mm512_slli_epi16::<4>(v), bit),
                _mm512_ternarylogic_epi32::<JOIN>(b, _mm512_slli_epi16::<3>(v), bit),
                _mm512_ternarylogic_epi32::<JOIN>(c, _mm512_slli_epi16::<2>(v), bit),
                _mm512_ternarylogic_epi32::<JOIN>(d, _mm512_slli_epi16::<1>(v), bit),
                _mm512_ternarylogic_epi32::<JOIN>(e, v, bit),
                _mm512_ternarylogic_epi32::<JOIN>(f, _mm512_srli_epi16::<1>(v), bit),
                _mm512_ternarylogic_epi32::<JOIN>(g, _mm512_srli_epi16::<2>(v), bit),
                _mm512_ternarylogic_epi32::<JOIN>(h, _mm512_srli_epi16::<3>(v), bit),
            ]
        }
        6 => {
            let bits = _mm512_set1_epi8(48);
            let four = |low: [__m512i; 4], v: __m512i| {
                [
                    _mm512_ternarylogic_epi32::<JOIN>(low[0], _mm512_slli_epi16::<4>(v), bits),
                    _mm512_ternarylogic_epi32::<JOIN>(low[1], _mm512_slli_epi16::<2>(v), bits),
                    _mm512_ternarylogic_epi32::<JOIN>(low[2], v, bits),
                    _mm512_ternarylogic_epi32::<JOIN>(low[3], _mm512_srli_epi16::<2>(v), bits),
                ]
            };
            let ([a, b, c, d], [e, f, g, h]) = (four([a, b, c, d], line(4)), four([e, f, g, h], line(5)));
            [a, b, c, d, e, f, g, h]
        }
        _ => [a, b, c, d, e, f, g, h],
    }
}

/// Sixteen woven rows, at the start of `panel`, with one token, in the order of the definition. What lies behind them is
/// fetched into the cache, as much as they are long.
///
/// # Panics
/// If the panel is shorter than the token's rows are.
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
pub fn product<B: Block>(panel: &[u8], x: Codes<'_>) -> [f32; PANEL] {
    let groups = x.scales.len();
    assert!(panel.len() >= panel_bytes::<B>(groups) && groups.is_multiple_of(B::GROUPS));
    assert!(x.codes.len() == groups * BLOCK && x.halves.len() == groups);
    let heads = panel.as_ptr();
    let codes = heads.wrapping_add(heads_bytes::<B>(groups));
    let mut sums = _mm512_setzero_ps();
    for b in 0..groups / B::GROUPS {
        // SAFETY: head `b` and the codes of its groups are in the panel by the check above, as are, for group `i`, 32 codes, a
        // scale and two sums of the token. A prefetch may name any address.
        unsafe {
            let head = heads.add(b * head_bytes::<B>());
            // Heads and codes lie in one piece, panel after panel: with both fetched the same way ahead, nothing is left out.
            for line in 0..head_bytes::<B>().div_ceil(64) {
                _mm_prefetch::<_MM_HINT_T1>(head.wrapping_add(AHEAD + 64 * line).cast());
            }
            let sixteen = |at: usize| _mm512_cvtph_ps(_mm256_loadu_si256(head.add(at).cast()));
            let scale = sixteen(0);
            let min = if B::MINS { sixteen(2 * PANEL) } else { scale };
            for g in 0..B::GROUPS {
                let i = b * B::GROUPS + g;
                let at = codes.add(i * B::BITS * 64);
                for line in 0..B::BITS {
                    _mm_prefetch::<_MM_HINT_T1>(at.wrapping_add(AHEAD + 64 * line).cast());
                }
                let beside =
                    head.add(head_bytes::<B>() - (B::GROUPS - g) * 2 * PANEL * (B::GROUPS > 1) as usize);
                let byte = |h: usize| _mm_loadu_si128(beside.add(h * PANEL).cast());
                let w = words::<B>(at);
                let four = |j: usize| {
                    _mm512_set1_epi32(x.codes.as_ptr().add(i * BLOCK + 4 * j).cast::<i32>().read_unaligned())
                };
                let mut exact = [_mm512_setzero_si512(); 2];
                for j in 0..4 {
                    exact[0] = _mm512_dpbusd_epi32(exact[0], w[j], four(j));
                    exact[1] = _mm512_dpbusd_epi32(exact[1], w[j + 4], four(j + 4));
                }
                let [s0, s1] = *x.halves.get_unchecked(i);
                let whole = if B::HALVES {
                    let half = |h: usize, sum: i32| {
                        let less = _mm512_sub_epi32(exact[h], _mm512_set1_epi32(B::OFFSET * sum));
                        _mm512_mullo_epi32(less, _mm512_cvtepi8_epi32(byte(h)))
                    };
                    _mm512_add_epi32(half(0, s0), half(1, s1))
                } else {
                    let both = _mm512_add_epi32(exact[0], exact[1]);
                    if B::OFFSET == 0 {
                        both
                    } else {
                        _mm512_sub_epi32(both, _mm512_set1_epi32(B::OFFSET * (s0 + s1)))
                    }
                };
                let step = |h: usize, of: __m512| {
                    if B::GROUPS == 1 || B::HALVES {
                        of
                    } else {
                        _mm512_mul_ps(of, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(byte(h))))
                    }
                };
                let dx = _mm512_set1_ps(*x.scales.get_unchecked(i));
                let part = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), _mm512_mul_ps(step(0, scale), dx));
                sums = _mm512_add_ps(sums, part);
                if B::MINS {
                    let part =
                        _mm512_mul_ps(_mm512_set1_ps((s0 + s1) as f32), _mm512_mul_ps(step(1, min), dx));
                    sums = _mm512_sub_ps(sums, part);
                }
            }
        }
    }
    let mut out = [0.0; PANEL];
    // SAFETY: `out` has room for sixteen floats; the store needs no alignment.
    unsafe { _mm512_storeu_ps(out.as_mut_ptr(), sums) };
    out
}
