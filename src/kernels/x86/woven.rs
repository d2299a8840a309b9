//! The woven form in registers of x86-64: weaving for all instruction sets, and sixteen rows with one token in AVX-512 VNNI, a lane a
//! row. `woven256` has the product in registers of half that size.

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use super::Lanes;
use super::panel::{Packed, STRETCH, pack};
use crate::kernels::block::Block;
use crate::kernels::input::Codes;
use crate::kernels::woven::{
    PIECE, codes_bytes, head_bytes, heads_bytes, panel_bytes, piece_bytes, places, weave_codes, weave_heads,
};
use crate::kernels::{BLOCK, PANEL};

/// Bytes before their use that weights are fetched into the second cache. On a Zen 4 the processor's own prefetching of one stream
/// reads as fast as memory gives (31 GB/s a core), and this only helps it over the ends of pages: from 4 KiB on the two get in each
/// other's way (20 GB/s), and so does a fetch into the first cache (26). In blocks of eight groups, whose long heads are read
/// beside the codes, there are two streams all the same, and only fetching far ahead helps (28 GB/s of both cores; 20 with 1 KiB).
pub(super) const fn ahead<B: Block>() -> usize {
    if B::GROUPS == 1 { 1024 } else { 8 * 1024 }
}

/// Weaves sixteen rows, as [`crate::kernels::woven`] defines it.
///
/// # Panics
/// If rows differ in length or `out` is not [`panel_bytes`] long.
#[target_feature(enable = "avx2,f16c")]
pub fn weave<B: Lanes>(rows: [&[u8]; PANEL], out: &mut [u8]) {
    let groups = rows[0].len() / B::BYTES * B::GROUPS;
    weave_heads::<B>(&rows, out);
    let mut packed = MaybeUninit::<Packed>::uninit();
    for start in (0..groups).step_by(STRETCH) {
        let stretch = STRETCH.min(groups - start);
        // SAFETY: the blocks are in the rows, which `weave_heads` found to be of one length, and `pack` writes the codes that are
        // read after it.
        unsafe { pack::<B, true>(&rows, start / B::GROUPS, stretch, packed.as_mut_ptr()) };
        for g in 0..stretch {
            // SAFETY: as above.
            let words = unsafe { &(*packed.as_ptr()).codes[g] };
            let (b, group) = ((start + g) / B::GROUPS, (start + g) % B::GROUPS);
            let at = places::<B>(b, groups / B::GROUPS)[1] + group * B::BITS * 64;
            weave_codes::<B>(words, &mut out[at..][..B::BITS * 64]);
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
    let blocks = groups / B::GROUPS;
    let mut sums = _mm512_setzero_ps();
    for b in 0..blocks {
        let piece = panel.as_ptr().wrapping_add(b / PIECE * piece_bytes::<B>(PIECE));
        let heads = heads_bytes::<B>(PIECE.min(blocks - b / PIECE * PIECE));
        // SAFETY: head `b` and the codes of its groups are in the panel by the check above, as are, for group `i`, 32 codes, a
        // scale and two sums of the token. A prefetch may name any address.
        unsafe {
            let head = piece.add(b % PIECE * head_bytes::<B>());
            let codes = piece.add(heads + b % PIECE * codes_bytes::<B>());
            // Heads and codes lie one behind the other: with both fetched the same way ahead, nothing is left out.
            for line in 0..(heads / 64) * usize::from(b % PIECE == 0) {
                _mm_prefetch::<_MM_HINT_T1>(head.wrapping_add(ahead::<B>() + 64 * line).cast());
            }
            let sixteen = |at: usize| _mm512_cvtph_ps(_mm256_loadu_si256(head.add(at).cast()));
            let scale = sixteen(0);
            let min = if B::MINS { sixteen(2 * PANEL) } else { scale };
            for g in 0..B::GROUPS {
                let i = b * B::GROUPS + g;
                let at = codes.add(g * B::BITS * 64);
                for line in 0..B::BITS {
                    _mm_prefetch::<_MM_HINT_T1>(at.wrapping_add(ahead::<B>() + 64 * line).cast());
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
