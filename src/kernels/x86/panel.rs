//! Sixteen rows with many tokens: the matrix product of a prompt. Here is what all instruction sets share, and the products in
//! AVX-512 VNNI; `panel256` has them in registers of half that size.
//!
//! Rows are unpacked once, a stretch of columns at a time, into bytes that stay in the first cache: four columns of all
//! sixteen rows in one register, so that a multiply-add takes them with four codes of a token, repeated, and lane `r` holds row
//! `r`'s exact sum after eight of them. No sums across lanes are needed, and scales are applied to sixteen rows at once.

use std::arch::x86_64::*;
use std::ops::Range;

use super::super::input::{Codes, Input};
use super::Lanes;
use crate::kernels::{BLOCK, PANEL};

/// Groups of 32 columns that are unpacked together: 16 KiB of codes.
pub(super) const STRETCH: usize = 32;

/// A stretch of sixteen rows, unpacked. `[group][...][row]`.
#[repr(C, align(64))]
pub(super) struct Packed {
    pub(super) codes: [[[i32; PANEL]; 8]; STRETCH],
    pub(super) scales: [[f32; PANEL]; STRETCH],
    pub(super) mins: [[f32; PANEL]; STRETCH],
    pub(super) steps: [[[i32; PANEL]; 2]; STRETCH],
    pub(super) min_steps: [[[i32; PANEL]; 2]; STRETCH],
}

/// An instruction set's products of a stretch, groups so many of the rows, with as many tokens as it likes, from the numbered one
/// on: added to these sums, one to a token left, and the number of tokens returned.
///
/// # Safety
/// The machine must have the instructions, the groups must have been packed for this format, and the tokens have them all.
pub(super) type Tile =
    unsafe fn(*const Packed, &Input<'_>, usize, Range<usize>, &mut [[f32; PANEL]]) -> usize;

/// Products of sixteen rows with all tokens of `input` by `tile`; `put` takes a token's number and its sixteen. `FLIP`: signed
/// codes are packed as unsigned bytes, moved up by 128.
///
/// # Safety
/// The machine must have AVX2, F16C and what `tile` needs, and `tile` must be made for the format and for `FLIP`.
///
/// # Panics
/// If rows and tokens differ in length.
pub(super) unsafe fn products<B: Lanes, const FLIP: bool>(
    rows: [&[u8]; PANEL],
    input: &Input<'_>,
    tile: Tile,
    put: &mut dyn FnMut(usize, &[f32; PANEL]),
) {
    let groups = input.n() / BLOCK;
    assert!(
        rows.iter().all(|row| row.len() == groups / B::GROUPS * B::BYTES) && groups.is_multiple_of(B::GROUPS)
    );
    // Sums go from stretch to stretch here; a prompt longer than this goes over the rows again.
    const MOST: usize = 128;
    let mut packed = std::mem::MaybeUninit::<Packed>::uninit();
    let mut sums = [[0.0f32; PANEL]; MOST];
    for first in (0..input.tokens()).step_by(MOST) {
        let count = MOST.min(input.tokens() - first);
        sums[..count].fill([0.0; PANEL]);
        for start in (0..groups).step_by(STRETCH) {
            let stretch = STRETCH.min(groups - start);
            // SAFETY: blocks `start / GROUPS` to `(start + stretch) / GROUPS` are in the rows, by the check above; what is
            // packed for this format and stretch is what `tile` reads of it; the rest is the caller's promise.
            unsafe {
                pack::<B, FLIP>(&rows, start / B::GROUPS, stretch, packed.as_mut_ptr());
                let mut t = 0;
                while t < count {
                    let groups = start..start + stretch;
                    t += tile(packed.as_ptr(), input, first + t, groups, &mut sums[t..count]);
                }
            }
        }
        for (t, sums) in sums[..count].iter().enumerate() {
            put(first + t, sums);
        }
    }
}

/// Unpacks `stretch` groups from block `start` on, signed codes as unsigned bytes if `FLIP` says so.
///
/// # Safety
/// They must be in every row; `out` must be writable.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(super) unsafe fn pack<B: Lanes, const FLIP: bool>(
    rows: &[&[u8]; PANEL],
    start: usize,
    stretch: usize,
    out: *mut Packed,
) {
    for b in 0..stretch / B::GROUPS {
        for four in 0..PANEL / 4 {
            // SAFETY: the caller's promise: the blocks are in the rows, and the groups in `out`.
            unsafe {
                let at = std::array::from_fn(|k| rows[4 * four + k].as_ptr().add((start + b) * B::BYTES));
                let head = B::head(at);
                for g in 0..B::GROUPS {
                    let i = b * B::GROUPS + g;
                    let put = |to: *mut i32, both: __m256i| {
                        _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(both));
                        _mm_storeu_si128(to.add(PANEL).cast(), _mm256_extracti128_si256::<1>(both));
                    };
                    let lane = 4 * four;
                    _mm_storeu_ps((&raw mut (*out).scales[i][lane]).cast(), B::scales(&head, g));
                    if B::MINS {
                        _mm_storeu_ps((&raw mut (*out).mins[i][lane]).cast(), B::mins(&head, g));
                    }
                    if B::HALVES {
                        put((&raw mut (*out).steps[i][0][lane]).cast(), B::steps(&head, g));
                    }
                    if B::HALVES && B::MINS {
                        put((&raw mut (*out).min_steps[i][0][lane]).cast(), B::min_steps(&head, g));
                    }
                    // Four rows of eight words to eight columns of four.
                    let flip = if FLIP && B::OFFSET == 128 { -128 } else { 0 };
                    let word = at.map(|at| _mm256_xor_si256(B::codes(at, g), _mm256_set1_epi8(flip)));
                    let (ab, cd) =
                        (_mm256_unpacklo_epi32(word[0], word[1]), _mm256_unpacklo_epi32(word[2], word[3]));
                    let (ab_high, cd_high) =
                        (_mm256_unpackhi_epi32(word[0], word[1]), _mm256_unpackhi_epi32(word[2], word[3]));
                    let columns = [
                        _mm256_unpacklo_epi64(ab, cd),
                        _mm256_unpackhi_epi64(ab, cd),
                        _mm256_unpacklo_epi64(ab_high, cd_high),
                        _mm256_unpackhi_epi64(ab_high, cd_high),
                    ];
                    for (j, column) in columns.into_iter().enumerate() {
                        let to: *mut i32 = (&raw mut (*out).codes[i][j][lane]).cast();
                        _mm_storeu_si128(to.cast(), _mm256_castsi256_si128(column));
                        _mm_storeu_si128(to.add(4 * PANEL).cast(), _mm256_extracti128_si256::<1>(column));
                    }
                }
            }
        }
    }
}

/// Products of sixteen rows with all tokens of `input`; `put` takes a token's number and its sixteen.
///
/// # Panics
/// If rows and tokens differ in length.
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
pub fn panel<B: Lanes>(rows: [&[u8]; PANEL], input: &Input<'_>, put: &mut dyn FnMut(usize, &[f32; PANEL])) {
    // SAFETY: these are the instructions that `tile` needs; it is made for this format and unsigned codes.
    unsafe { products::<B, true>(rows, input, tile::<B>, put) }
}

/// A [`Tile`]: eight tokens together while there are as many; their sums and the products in the making stay in registers.
///
/// # Safety
/// As [`Tile`] says.
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn tile<B: Lanes>(
    packed: *const Packed,
    input: &Input<'_>,
    first: usize,
    groups: Range<usize>,
    out: &mut [[f32; PANEL]],
) -> usize {
    let code = |k: usize| input.code_row(first + k);
    // SAFETY: the caller's promise.
    unsafe {
        match out.len() {
            8.. => tokens::<B, 8>(packed, std::array::from_fn(code), groups, out),
            4.. => tokens::<B, 4>(packed, std::array::from_fn(code), groups, out),
            _ => tokens::<B, 1>(packed, [code(0)], groups, out),
        }
    }
}

/// Adds a stretch's part to the sums of `T` tokens, and returns `T`.
///
/// # Safety
/// `groups` of this format must have been packed and be in every token.
#[target_feature(enable = "avx2,f16c,avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn tokens<B: Lanes, const T: usize>(
    packed: *const Packed,
    x: [Codes<'_>; T],
    groups: Range<usize>,
    out: &mut [[f32; PANEL]],
) -> usize {
    let (start, stretch) = (groups.start, groups.len());
    assert!(out.len() >= T && x.iter().all(|x| x.scales.len() >= start + stretch));
    // What the offset of the codes adds to each sum, ready to be subtracted.
    let mut less = [[[0i32; 2]; STRETCH]; T];
    for (less, x) in less.iter_mut().zip(&x) {
        for (less, &[a, b]) in less.iter_mut().zip(&x.halves[start..start + stretch]) {
            *less = if B::HALVES { [B::OFFSET * a, B::OFFSET * b] } else { [B::OFFSET * (a + b), a + b] };
        }
    }
    // SAFETY: the caller's promise, and the check above: everything read is in the packed stretch or the tokens' rows.
    unsafe {
        let mut sums: [__m512; T] = std::array::from_fn(|t| _mm512_loadu_ps(out[t].as_ptr()));
        #[allow(clippy::needless_range_loop)] // `g` counts groups in five arrays; none of them leads
        for g in 0..stretch {
            let mut exact = [[_mm512_setzero_si512(); 2]; T];
            for j in 0..8 {
                let w = _mm512_load_si512((&raw const (*packed).codes[g][j]).cast());
                let half = if B::HALVES { j / 4 } else { 0 };
                for t in 0..T {
                    let at = x[t].codes.as_ptr().add((start + g) * BLOCK + 4 * j).cast::<i32>();
                    let four = _mm512_set1_epi32(at.read_unaligned());
                    exact[t][half] = _mm512_dpbusd_epi32(exact[t][half], w, four);
                }
            }
            let scale = _mm512_load_ps((&raw const (*packed).scales[g]).cast());
            for t in 0..T {
                let [a, b] = less[t][g];
                let whole = if B::HALVES {
                    let step = |h: usize| _mm512_load_si512((&raw const (*packed).steps[g][h]).cast());
                    let a = _mm512_sub_epi32(exact[t][0], _mm512_set1_epi32(a));
                    let b = _mm512_sub_epi32(exact[t][1], _mm512_set1_epi32(b));
                    _mm512_add_epi32(_mm512_mullo_epi32(a, step(0)), _mm512_mullo_epi32(b, step(1)))
                } else if B::OFFSET == 0 {
                    exact[t][0]
                } else {
                    _mm512_sub_epi32(exact[t][0], _mm512_set1_epi32(a))
                };
                let d = _mm512_set1_ps(*x[t].scales.get_unchecked(start + g));
                let part = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), _mm512_mul_ps(scale, d));
                sums[t] = _mm512_add_ps(sums[t], part);
                if B::MINS {
                    let min = _mm512_load_ps((&raw const (*packed).mins[g]).cast());
                    let [first, second] = *x[t].halves.get_unchecked(start + g);
                    let whole = if B::HALVES {
                        let step =
                            |h: usize| _mm512_load_si512((&raw const (*packed).min_steps[g][h]).cast());
                        let a = _mm512_mullo_epi32(_mm512_set1_epi32(first), step(0));
                        _mm512_add_epi32(a, _mm512_mullo_epi32(_mm512_set1_epi32(second), step(1)))
                    } else {
                        _mm512_set1_epi32(b)
                    };
                    let part = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), _mm512_mul_ps(min, d));
                    sums[t] = _mm512_sub_ps(sums[t], part);
                }
            }
        }
        for (sums, out) in sums.into_iter().zip(out) {
            _mm512_storeu_ps(out.as_mut_ptr(), sums);
        }
    }
    T
}
