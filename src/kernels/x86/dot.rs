//! Four dot products at a time, of four rows with one token or of one row with four tokens.

use std::arch::x86_64::*;

use super::super::block::Block;
use super::super::input::Codes;
use super::{Lanes, array, folded, half_sums};
use crate::kernels::BLOCK;

/// Repeats `$body` for every group below `$count` (1 or 8) with its number as a constant.
macro_rules! each_group {
    ($count:expr, $g:ident => $body:block) => {{
        {
            const $g: usize = 0;
            $body
        }
        if $count == 8 {
            each_group!(@ $g => $body, 1 2 3 4 5 6 7);
        }
    }};
    (@ $g:ident => $body:block, $($number:literal)*) => {
        $({
            const $g: usize = $number;
            $body
        })*
    };
}

/// Defines `dot4` for an instruction set that has `$products`.
macro_rules! dot4 {
    ($features:literal, $products:ident, $offset:ident) => {
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
            let mut sums = _mm_setzero_ps();
            for b in 0..blocks {
                // The next four rows: they lie behind these, and the machine's own prefetch stops at every row's end.
                let at = rows.map(|row| row.as_ptr().wrapping_add(b * B::BYTES));
                if ROWS {
                    for at in at {
                        _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(4 * rows[0].len()).cast());
                        if B::BYTES > 64 {
                            _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(4 * rows[0].len() + 64).cast());
                            _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(4 * rows[0].len() + 128).cast());
                        }
                    }
                }
                // SAFETY: block `b` of each row is `B::BYTES` long and in bounds by the checks above, as are, for group `i`,
                // 32 codes, a scale and two sums of every token.
                unsafe {
                    let head = B::head(at);
                    each_group!(B::GROUPS, G => {
                        let i = b * B::GROUPS + G;
                        let code = |k: usize| _mm256_loadu_si256(x[k].codes.as_ptr().add(i * BLOCK).cast());
                        let products = if ROWS {
                            let x = code(0);
                            half_sums([
                                $products::<B>(B::codes(at[0], G), x),
                                $products::<B>(B::codes(at[1], G), x),
                                $products::<B>(B::codes(at[2], G), x),
                                $products::<B>(B::codes(at[3], G), x),
                            ])
                        } else {
                            let w = B::codes(at[0], G);
                            half_sums([
                                $products::<B>(w, code(0)),
                                $products::<B>(w, code(1)),
                                $products::<B>(w, code(2)),
                                $products::<B>(w, code(3)),
                            ])
                        };
                        let scale = if ROWS {
                            _mm_set1_ps(*x[0].scales.get_unchecked(i))
                        } else {
                            let [a, b, c, d] = x.map(|x| *x.scales.get_unchecked(i));
                            _mm_setr_ps(a, b, c, d)
                        };
                        let offset = $offset::<B>();
                        // Sums of the codes, by halves; LLVM drops what a format does not use.
                        let exact = if B::HALVES {
                            let sums = code_sums::<ROWS>(&x, i);
                            let less = _mm256_sub_epi32(
                                products, _mm256_mullo_epi32(sums, _mm256_set1_epi32(offset)));
                            let less = if offset == 0 { products } else { less };
                            folded(_mm256_mullo_epi32(less, B::steps(&head, G)))
                        } else if offset == 0 {
                            folded(products)
                        } else {
                            let sums = folded_sums::<ROWS>(&x, i);
                            let by = _mm_cvtsi32_si128(offset.trailing_zeros() as i32);
                            _mm_sub_epi32(folded(products), _mm_sll_epi32(sums, by))
                        };
                        let part = _mm_mul_ps(_mm_cvtepi32_ps(exact), _mm_mul_ps(B::scales(&head, G), scale));
                        sums = _mm_add_ps(sums, part);
                        if B::MINS {
                            let exact = if B::HALVES {
                                folded(_mm256_mullo_epi32(code_sums::<ROWS>(&x, i), B::min_steps(&head, G)))
                            } else {
                                folded_sums::<ROWS>(&x, i)
                            };
                            let part = _mm_mul_ps(_mm_cvtepi32_ps(exact), _mm_mul_ps(B::mins(&head, G), scale));
                            sums = _mm_sub_ps(sums, part);
                        }
                    });
                }
            }
            array(sums)
        }
    };
}

/// Sums of the codes of group `i`: of the first halves, then of the second, a lane a token (or all of token 0).
///
/// # Safety
/// Group `i` must be one of every token.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn code_sums<const ROWS: bool>(x: &[Codes<'_>; 4], i: usize) -> __m256i {
    // SAFETY: the caller's promise.
    let half = |k: usize, h: usize| unsafe { x[k].halves.get_unchecked(i)[h] };
    if ROWS {
        _mm256_set_m128i(_mm_set1_epi32(half(0, 1)), _mm_set1_epi32(half(0, 0)))
    } else {
        let of = |h| _mm_setr_epi32(half(0, h), half(1, h), half(2, h), half(3, h));
        _mm256_set_m128i(of(1), of(0))
    }
}

/// Sums of all codes of group `i`, a lane a token (or all of token 0).
///
/// # Safety
/// Group `i` must be one of every token.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn folded_sums<const ROWS: bool>(x: &[Codes<'_>; 4], i: usize) -> __m128i {
    // SAFETY: the caller's promise.
    let sum = |k: usize| unsafe {
        let [a, b] = *x[k].halves.get_unchecked(i);
        a + b
    };
    if ROWS { _mm_set1_epi32(sum(0)) } else { _mm_setr_epi32(sum(0), sum(1), sum(2), sum(3)) }
}

/// AVX2.
pub(crate) mod avx2 {
    use super::*;

    /// 32 products, summed in fours. `|w| * (x with w's sign)` for signed codes: unsigned times signed is what the
    /// instruction takes. Sums of two stay below 2^15: codes of activations are at most 127 in size, 128 * 127 * 2 = 32512.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn products<B: Block>(w: __m256i, x: __m256i) -> __m256i {
        let pairs = if B::OFFSET == 128 {
            _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w))
        } else {
            _mm256_maddubs_epi16(w, x)
        };
        _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))
    }

    /// What is left to subtract from [`products`].
    const fn offset<B: Block>() -> i32 {
        if B::OFFSET == 128 { 0 } else { B::OFFSET }
    }

    dot4!("avx2,f16c", products, offset);
}

/// AVX-VNNI: VNNI without AVX-512, in laptops and small servers.
pub(crate) mod avx_vnni {
    use super::*;

    /// 32 products, summed in fours; signed codes are moved up by 128 first.
    #[inline]
    #[target_feature(enable = "avx2,avxvnni")]
    fn products<B: Block>(w: __m256i, x: __m256i) -> __m256i {
        let w = if B::OFFSET == 128 { _mm256_xor_si256(w, _mm256_set1_epi8(-128)) } else { w };
        _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), w, x)
    }

    /// What is left to subtract from [`products`].
    const fn offset<B: Block>() -> i32 {
        B::OFFSET
    }

    dot4!("avx2,f16c,avxvnni", products, offset);
}

/// AVX-512 VNNI, in registers of 256 bits.
pub(crate) mod avx512 {
    use super::*;

    /// 32 products, summed in fours; signed codes are moved up by 128 first.
    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vnni")]
    fn products<B: Block>(w: __m256i, x: __m256i) -> __m256i {
        let w = if B::OFFSET == 128 { _mm256_xor_si256(w, _mm256_set1_epi8(-128)) } else { w };
        _mm256_dpbusd_epi32(_mm256_setzero_si256(), w, x)
    }

    /// What is left to subtract from [`products`].
    const fn offset<B: Block>() -> i32 {
        B::OFFSET
    }

    dot4!("avx2,f16c,avx512f,avx512bw,avx512vl,avx512vnni", products, offset);
}
