//! The product of the woven form in registers of 256 bits: rows 0 to 7 of a panel in one, 8 to 15 in the other.

use std::arch::x86_64::*;

use super::woven::ahead;
use crate::kernels::block::Block;
use crate::kernels::input::Codes;
use crate::kernels::woven::{PIECE, codes_bytes, head_bytes, heads_bytes, panel_bytes, piece_bytes};
use crate::kernels::{BLOCK, PANEL};

/// The words of a group: unsigned bytes, four columns of eight rows each.
///
/// # Safety
/// 32 bytes must be readable at every 64th byte from `at` on, `B::BITS` times.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn words<B: Block>(at: *const u8) -> [__m256i; 8] {
    // SAFETY: the caller's promise; unaligned loads.
    let line = |j: usize| unsafe { _mm256_loadu_si256(at.add(64 * j).cast()) };
    if B::BITS == 8 {
        return std::array::from_fn(line);
    }
    let low = _mm256_set1_epi8(15);
    let nibbles: [_; 4] = std::array::from_fn(line);
    let [a, b, c, d] = nibbles.map(|v| _mm256_and_si256(v, low));
    let [e, f, g, h] = nibbles.map(|v| _mm256_and_si256(_mm256_srli_epi16::<4>(v), low));
    let join =
        |low: __m256i, upper: __m256i, mask: __m256i| _mm256_or_si256(low, _mm256_and_si256(upper, mask));
    match B::BITS {
        5 => {
            let (v, bit) = (line(4), _mm256_set1_epi8(16));
            [
                join(a, _mm256_slli_epi16::<4>(v), bit),
                join(b, _mm256_slli_epi16::<3>(v), bit),
                join(c, _mm256_slli_epi16::<2>(v), bit),
                join(d, _mm256_slli_epi16::<1>(v), bit),
                join(e, v, bit),
                join(f, _mm256_srli_epi16::<1>(v), bit),
                join(g, _mm256_srli_epi16::<2>(v), bit),
                join(h, _mm256_srli_epi16::<3>(v), bit),
            ]
        }
        6 => {
            let (v, w, bits) = (line(4), line(5), _mm256_set1_epi8(48));
            [
                join(a, _mm256_slli_epi16::<4>(v), bits),
                join(b, _mm256_slli_epi16::<2>(v), bits),
                join(c, v, bits),
                join(d, _mm256_srli_epi16::<2>(v), bits),
                join(e, _mm256_slli_epi16::<4>(w), bits),
                join(f, _mm256_slli_epi16::<2>(w), bits),
                join(g, w, bits),
                join(h, _mm256_srli_epi16::<2>(w), bits),
            ]
        }
        _ => [a, b, c, d, e, f, g, h],
    }
}

/// Defines `product` for an instruction set that has `$sums`, the products of a group's words with a token's codes, added up by
/// halves, and `$offset`, what is left to subtract from them a code.
macro_rules! product {
    ($features:literal, $sums:ident, $offset:ident) => {
        /// Sixteen woven rows, at the start of `panel`, with one token, in the order of the definition. What lies behind them is
        /// fetched into the cache, as much as they are long.
        ///
        /// # Panics
        /// If the panel is shorter than the token's rows are.
        #[target_feature(enable = $features)]
        pub fn product<B: Block>(panel: &[u8], x: Codes<'_>) -> [f32; PANEL] {
            let groups = x.scales.len();
            assert!(panel.len() >= panel_bytes::<B>(groups) && groups.is_multiple_of(B::GROUPS));
            assert!(x.codes.len() == groups * BLOCK && x.halves.len() == groups);
            let blocks = groups / B::GROUPS;
            let offset = $offset::<B>();
            let mut sums = [_mm256_setzero_ps(); 2];
            for b in 0..blocks {
                let piece = panel.as_ptr().wrapping_add(b / PIECE * piece_bytes::<B>(PIECE));
                let heads = heads_bytes::<B>(PIECE.min(blocks - b / PIECE * PIECE));
                // SAFETY: head `b` and the codes of its groups are in the panel by the check above, as are, for group `i`, 32
                // codes, a scale and two sums of the token. A prefetch may name any address.
                unsafe {
                    let head = piece.add(b % PIECE * head_bytes::<B>());
                    let codes = piece.add(heads + b % PIECE * codes_bytes::<B>());
                    for line in 0..(heads / 64) * usize::from(b % PIECE == 0) {
                        _mm_prefetch::<_MM_HINT_T1>(head.wrapping_add(ahead::<B>() + 64 * line).cast());
                    }
                    let eight = |at: usize| _mm256_cvtph_ps(_mm_loadu_si128(head.add(at).cast()));
                    let scale = [eight(0), eight(PANEL)];
                    let min = if B::MINS { [eight(2 * PANEL), eight(3 * PANEL)] } else { scale };
                    for g in 0..B::GROUPS {
                        let i = b * B::GROUPS + g;
                        let at = codes.add(g * B::BITS * 64);
                        for line in 0..B::BITS {
                            _mm_prefetch::<_MM_HINT_T1>(at.wrapping_add(ahead::<B>() + 64 * line).cast());
                        }
                        let beside = head.add(
                            head_bytes::<B>() - (B::GROUPS - g) * 2 * PANEL * usize::from(B::GROUPS > 1),
                        );
                        let [s0, s1] = *x.halves.get_unchecked(i);
                        let dx = _mm256_set1_ps(*x.scales.get_unchecked(i));
                        for side in 0..2 {
                            let byte =
                                |h: usize| _mm_loadl_epi64(beside.add(h * PANEL + side * PANEL / 2).cast());
                            let exact =
                                $sums::<B>(words::<B>(at.add(32 * side)), x.codes.as_ptr().add(i * BLOCK));
                            let whole = if B::HALVES {
                                let half = |h: usize, sum: i32| {
                                    let less = _mm256_sub_epi32(exact[h], _mm256_set1_epi32(offset * sum));
                                    _mm256_mullo_epi32(less, _mm256_cvtepi8_epi32(byte(h)))
                                };
                                _mm256_add_epi32(half(0, s0), half(1, s1))
                            } else {
                                let both = _mm256_add_epi32(exact[0], exact[1]);
                                if offset == 0 {
                                    both
                                } else {
                                    _mm256_sub_epi32(both, _mm256_set1_epi32(offset * (s0 + s1)))
                                }
                            };
                            let step = |h: usize, of: __m256| {
                                if B::GROUPS == 1 || B::HALVES {
                                    of
                                } else {
                                    _mm256_mul_ps(of, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(byte(h))))
                                }
                            };
                            let part = _mm256_mul_ps(
                                _mm256_cvtepi32_ps(whole),
                                _mm256_mul_ps(step(0, scale[side]), dx),
                            );
                            sums[side] = _mm256_add_ps(sums[side], part);
                            if B::MINS {
                                let part = _mm256_mul_ps(
                                    _mm256_set1_ps((s0 + s1) as f32),
                                    _mm256_mul_ps(step(1, min[side]), dx),
                                );
                                sums[side] = _mm256_sub_ps(sums[side], part);
                            }
                        }
                    }
                }
            }
            let mut out = [0.0; PANEL];
            let (first, second) = out.split_at_mut(PANEL / 2);
            // SAFETY: both halves have room for eight floats; the stores need no alignment.
            unsafe {
                _mm256_storeu_ps(first.as_mut_ptr(), sums[0]);
                _mm256_storeu_ps(second.as_mut_ptr(), sums[1]);
            }
            out
        }
    };
}

/// Four codes of a token, repeated.
///
/// # Safety
/// Four bytes must be readable at `x + 4 * j`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn four(x: *const i8, j: usize) -> __m256i {
    // SAFETY: the caller's promise; an unaligned read.
    _mm256_set1_epi32(unsafe { x.add(4 * j).cast::<i32>().read_unaligned() })
}

/// AVX2.
pub(crate) mod avx2 {
    use super::*;

    /// Products by halves of the group (in the first alone where nobody asks for halves). Sums of two products are 16 bits wide and
    /// at most `2 * 127` times the largest code, so that of 4, 5 and 6 bits eight, four and two of them fit (30480, 31496 and
    /// 32004, below 2^15). Codes of 8 bits are taken as they were before they were moved up: `|w| * (x with w's sign)`, at most 32512.
    ///
    /// # Safety
    /// 32 bytes must be readable at `x`.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn sums<B: Block>(w: [__m256i; 8], x: *const i8) -> [__m256i; 2] {
        let pairs = |j: usize| {
            // SAFETY: the caller's promise.
            let x = unsafe { four(x, j) };
            if B::BITS == 8 {
                let w = _mm256_xor_si256(w[j], _mm256_set1_epi8(-128));
                _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w))
            } else {
                _mm256_maddubs_epi16(w[j], x)
            }
        };
        let wide = |pairs: __m256i| _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
        let two = |j: usize| _mm256_add_epi16(pairs(j), pairs(j + 1));
        let four = |j: usize| _mm256_add_epi16(two(j), two(j + 2));
        match B::BITS {
            4 if !B::HALVES => [wide(_mm256_add_epi16(four(0), four(4))), _mm256_setzero_si256()],
            4 | 5 => [wide(four(0)), wide(four(4))],
            6 => [0, 4].map(|j| _mm256_add_epi32(wide(two(j)), wide(two(j + 2)))),
            _ => [0, 4].map(|j| {
                let both = |j: usize| _mm256_add_epi32(wide(pairs(j)), wide(pairs(j + 1)));
                _mm256_add_epi32(both(j), both(j + 2))
            }),
        }
    }

    /// What is left to subtract from [`sums`].
    const fn offset<B: Block>() -> i32 {
        if B::BITS == 8 { 0 } else { B::OFFSET }
    }

    product!("avx2,f16c", sums, offset);
}

/// AVX-VNNI.
pub(crate) mod avx_vnni {
    use super::*;

    /// Products by halves of the group.
    ///
    /// # Safety
    /// 32 bytes must be readable at `x`.
    #[inline]
    #[target_feature(enable = "avx2,avxvnni")]
    unsafe fn sums<B: Block>(w: [__m256i; 8], x: *const i8) -> [__m256i; 2] {
        [0, 4].map(|first| {
            (first..first + 4).fold(_mm256_setzero_si256(), |sum, j| {
                // SAFETY: the caller's promise.
                _mm256_dpbusd_avx_epi32(sum, w[j], unsafe { four(x, j) })
            })
        })
    }

    /// What is left to subtract from [`sums`].
    const fn offset<B: Block>() -> i32 {
        B::OFFSET
    }

    product!("avx2,f16c,avxvnni", sums, offset);
}

/// AVX-VNNI's shape by the instruction of AVX-512, which machines of tests have sooner.
#[cfg(test)]
pub(crate) mod avx512vl {
    use super::*;

    /// Products by halves of the group.
    ///
    /// # Safety
    /// 32 bytes must be readable at `x`.
    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512vl,avx512vnni")]
    unsafe fn sums<B: Block>(w: [__m256i; 8], x: *const i8) -> [__m256i; 2] {
        [0, 4].map(|first| {
            (first..first + 4).fold(_mm256_setzero_si256(), |sum, j| {
                // SAFETY: the caller's promise.
                _mm256_dpbusd_epi32(sum, w[j], unsafe { four(x, j) })
            })
        })
    }

    /// What is left to subtract from [`sums`].
    const fn offset<B: Block>() -> i32 {
        B::OFFSET
    }

    product!("avx2,f16c,avx512f,avx512vl,avx512vnni", sums, offset);
}

#[cfg(test)]
mod tests {
    use super::super::Lanes;
    use crate::kernels::testing::{floats, rows};
    use crate::kernels::{Cpu, Format, Input, PANEL, Quantized, formats, woven};

    fn compare<B: Lanes>(format: Format) {
        for blocks in [1, 3, 8] {
            let n = blocks * format.block_len();
            let bytes = rows(format, PANEL, n, 51);
            let rows: [&[u8]; PANEL] =
                std::array::from_fn(|k| &bytes[k * bytes.len() / PANEL..(k + 1) * bytes.len() / PANEL]);
            let size = woven::panel_bytes::<B>(n / 32);
            let (mut panel, mut other) = (vec![1; size], vec![1; size]);
            woven::weave_panel::<B>(rows, &mut panel);
            // SAFETY: the caller found AVX2 and F16C.
            unsafe { super::super::woven::weave::<B>(rows, &mut other) };
            assert_eq!(panel, other, "{format:?}");
            let x = floats(n, 52);
            let mut room = Quantized::default();
            let x = Input::quantized(Cpu::scalar(), &x, n, &mut room).code_row(0);
            let want = woven::product::<B>(&panel, x).map(f32::to_bits);
            // SAFETY: as above.
            assert_eq!(want, unsafe { super::avx2::product::<B>(&panel, x) }.map(f32::to_bits), "{format:?}");
            if is_x86_feature_detected!("avxvnni") {
                // SAFETY: just found.
                let got = unsafe { super::avx_vnni::product::<B>(&panel, x) };
                assert_eq!(want, got.map(f32::to_bits), "{format:?}");
            }
            if is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512vnni") {
                // SAFETY: just found; they bring AVX-512 F along.
                let got = unsafe { super::avx512vl::product::<B>(&panel, x) };
                assert_eq!(want, got.map(f32::to_bits), "{format:?}");
            }
        }
    }

    #[test]
    fn weaving_and_products_equal_the_definition() {
        if !is_x86_feature_detected!("avx2") || !is_x86_feature_detected!("f16c") {
            return eprintln!("SKIPPED: no AVX2 here");
        }
        compare::<formats::Q4_0>(Format::Q4_0);
        compare::<formats::Q4_1>(Format::Q4_1);
        compare::<formats::Q5_0>(Format::Q5_0);
        compare::<formats::Q5_1>(Format::Q5_1);
        compare::<formats::Q8_0>(Format::Q8_0);
        compare::<formats::Q4_K>(Format::Q4_K);
        compare::<formats::Q5_K>(Format::Q5_K);
        compare::<formats::Q6_K>(Format::Q6_K);
    }
}
