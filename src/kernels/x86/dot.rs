//! Dot products of eight rows with one token, and of one row with four tokens.
//!
//! A token alone is bound by memory, so rows are read as a stream: eight neighbours together, a block of each at a time, and
//! what comes next fetched ahead, into the second cache: fetches into the first one hold up the loads. A register takes half a group (16 weights) of two rows, so that the sums of eight rows need no
//! more shuffling than those of four.

use std::arch::x86_64::*;

use super::super::block::Block;
use super::super::input::Codes;
use super::{Lanes, array, eight_sums, folded, half_sums};
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

/// Defines `rows8` and `tokens4` for an instruction set that has `$products`, which adds 32 products, summed in fours.
macro_rules! dots {
    ($features:literal, $products:ident, $offset:ident) => {
        /// Eight rows with one token, in the order of the definition. What lies `ahead` bytes behind the first row is fetched
        /// into the cache, as much as the rows are long; 0 fetches nothing.
        ///
        /// # Panics
        /// If rows and token differ in length.
        #[target_feature(enable = $features)]
        pub fn rows8<B: Lanes>(rows: [&[u8]; 8], x: Codes<'_>, ahead: usize) -> [f32; 8] {
            let blocks = rows[0].len() / B::BYTES;
            let groups = blocks * B::GROUPS;
            assert!(rows.iter().all(|row| row.len() == blocks * B::BYTES));
            assert!(x.codes.len() == groups * BLOCK && x.scales.len() == groups && x.halves.len() == groups);
            let mut sums = _mm256_setzero_ps();
            for b in 0..blocks {
                let at = rows.map(|row| row.as_ptr().wrapping_add(b * B::BYTES));
                let next = rows[0].as_ptr().wrapping_add(ahead + b * 8 * B::BYTES);
                // SAFETY: block `b` of each row is `B::BYTES` long and in bounds by the checks above, as are, for group `i`,
                // 32 codes, a scale and two sums of the token. A prefetch may name any address.
                unsafe {
                    let (head, last) =
                        (B::head([at[0], at[1], at[2], at[3]]), B::head([at[4], at[5], at[6], at[7]]));
                    each_group!(B::GROUPS, G => {
                        let i = b * B::GROUPS + G;
                        let lines = (8 * B::BYTES).div_ceil(64);
                        if ahead > 0 {
                            for line in lines * G / B::GROUPS..lines * (G + 1) / B::GROUPS {
                                _mm_prefetch::<_MM_HINT_T1>(next.wrapping_add(64 * line).cast());
                            }
                        }
                        let codes = x.codes.as_ptr().add(i * BLOCK);
                        let half = |h: usize| _mm_loadu_si128(codes.add(h * BLOCK / 2).cast());
                        let (x0, x1) = (_mm256_broadcastsi128_si256(half(0)), _mm256_broadcastsi128_si256(half(1)));
                        let w = [
                            B::pair([at[0], at[4]], G),
                            B::pair([at[1], at[5]], G),
                            B::pair([at[2], at[6]], G),
                            B::pair([at[3], at[7]], G),
                        ];
                        let zero = _mm256_setzero_si256();
                        let offset = $offset::<B>();
                        let [s0, s1] = *x.halves.get_unchecked(i);
                        let both = |steps: __m256i, more: __m256i| (
                            _mm256_permute2x128_si256::<0x20>(steps, more),
                            _mm256_permute2x128_si256::<0x31>(steps, more),
                        );
                        let exact = if B::HALVES {
                            let first = eight_sums([
                                $products::<B>(zero, w[0][0], x0),
                                $products::<B>(zero, w[1][0], x0),
                                $products::<B>(zero, w[2][0], x0),
                                $products::<B>(zero, w[3][0], x0),
                            ]);
                            let second = eight_sums([
                                $products::<B>(zero, w[0][1], x1),
                                $products::<B>(zero, w[1][1], x1),
                                $products::<B>(zero, w[2][1], x1),
                                $products::<B>(zero, w[3][1], x1),
                            ]);
                            let first = _mm256_sub_epi32(first, _mm256_set1_epi32(offset * s0));
                            let second = _mm256_sub_epi32(second, _mm256_set1_epi32(offset * s1));
                            let (a, b) = both(B::steps(&head, G), B::steps(&last, G));
                            _mm256_add_epi32(_mm256_mullo_epi32(first, a), _mm256_mullo_epi32(second, b))
                        } else {
                            let sums = eight_sums([
                                $products::<B>($products::<B>(zero, w[0][0], x0), w[0][1], x1),
                                $products::<B>($products::<B>(zero, w[1][0], x0), w[1][1], x1),
                                $products::<B>($products::<B>(zero, w[2][0], x0), w[2][1], x1),
                                $products::<B>($products::<B>(zero, w[3][0], x0), w[3][1], x1),
                            ]);
                            _mm256_sub_epi32(sums, _mm256_set1_epi32(offset * (s0 + s1)))
                        };
                        let scale = _mm256_set1_ps(*x.scales.get_unchecked(i));
                        let scales = _mm256_set_m128(B::scales(&last, G), B::scales(&head, G));
                        let part = _mm256_mul_ps(_mm256_cvtepi32_ps(exact), _mm256_mul_ps(scales, scale));
                        sums = _mm256_add_ps(sums, part);
                        if B::MINS {
                            let exact = if B::HALVES {
                                let (a, b) = both(B::min_steps(&head, G), B::min_steps(&last, G));
                                _mm256_add_epi32(
                                    _mm256_mullo_epi32(a, _mm256_set1_epi32(s0)),
                                    _mm256_mullo_epi32(b, _mm256_set1_epi32(s1)),
                                )
                            } else {
                                _mm256_set1_epi32(s0 + s1)
                            };
                            let mins = _mm256_set_m128(B::mins(&last, G), B::mins(&head, G));
                            let part = _mm256_mul_ps(_mm256_cvtepi32_ps(exact), _mm256_mul_ps(mins, scale));
                            sums = _mm256_sub_ps(sums, part);
                        }
                    });
                }
            }
            let mut out = [0.0; 8];
            // SAFETY: `out` has room for eight floats; the store needs no alignment.
            unsafe { _mm256_storeu_ps(out.as_mut_ptr(), sums) };
            out
        }

        /// One row with four tokens, in the order of the definition.
        ///
        /// # Panics
        /// If row and tokens differ in length.
        #[target_feature(enable = $features)]
        pub fn tokens4<B: Lanes>(row: &[u8], x: [Codes<'_>; 4]) -> [f32; 4] {
            let blocks = row.len() / B::BYTES;
            let groups = blocks * B::GROUPS;
            assert!(row.len() == blocks * B::BYTES);
            assert!(x.iter().all(|x| {
                x.codes.len() == groups * BLOCK && x.scales.len() == groups && x.halves.len() == groups
            }));
            let mut sums = _mm_setzero_ps();
            for b in 0..blocks {
                let at = row.as_ptr().wrapping_add(b * B::BYTES);
                // SAFETY: block `b` is `B::BYTES` long and in bounds by the checks above, as are, for group `i`, 32 codes, a
                // scale and two sums of every token.
                unsafe {
                    let head = B::head([at; 4]);
                    each_group!(B::GROUPS, G => {
                        let i = b * B::GROUPS + G;
                        let code = |k: usize| _mm256_loadu_si256(x[k].codes.as_ptr().add(i * BLOCK).cast());
                        let (w, zero) = (B::codes(at, G), _mm256_setzero_si256());
                        let products = half_sums([
                            $products::<B>(zero, w, code(0)),
                            $products::<B>(zero, w, code(1)),
                            $products::<B>(zero, w, code(2)),
                            $products::<B>(zero, w, code(3)),
                        ]);
                        let [s, t, u, v] = x.map(|x| *x.scales.get_unchecked(i));
                        let scale = _mm_setr_ps(s, t, u, v);
                        let offset = $offset::<B>();
                        // Sums of the codes, by halves; LLVM drops what a format does not use.
                        let exact = if B::HALVES {
                            let sums = code_sums(&x, i);
                            let less = _mm256_sub_epi32(
                                products, _mm256_mullo_epi32(sums, _mm256_set1_epi32(offset)));
                            let less = if offset == 0 { products } else { less };
                            folded(_mm256_mullo_epi32(less, B::steps(&head, G)))
                        } else if offset == 0 {
                            folded(products)
                        } else {
                            let by = _mm_cvtsi32_si128(offset.trailing_zeros() as i32);
                            _mm_sub_epi32(folded(products), _mm_sll_epi32(folded(code_sums(&x, i)), by))
                        };
                        let part = _mm_mul_ps(_mm_cvtepi32_ps(exact), _mm_mul_ps(B::scales(&head, G), scale));
                        sums = _mm_add_ps(sums, part);
                        if B::MINS {
                            let exact = if B::HALVES {
                                folded(_mm256_mullo_epi32(code_sums(&x, i), B::min_steps(&head, G)))
                            } else {
                                folded(code_sums(&x, i))
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

/// Sums of the codes of group `i`: of the first halves, then of the second, a lane a token.
///
/// # Safety
/// Group `i` must be one of every token.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn code_sums(x: &[Codes<'_>; 4], i: usize) -> __m256i {
    // SAFETY: the caller's promise.
    let half = |k: usize, h: usize| unsafe { x[k].halves.get_unchecked(i)[h] };
    let of = |h| _mm_setr_epi32(half(0, h), half(1, h), half(2, h), half(3, h));
    _mm256_set_m128i(of(1), of(0))
}

/// AVX2.
pub(crate) mod avx2 {
    use super::*;

    /// Adds 32 products, summed in fours. `|w| * (x with w's sign)` for signed codes: unsigned times signed is what the
    /// instruction takes. Sums of two stay below 2^15: codes of activations are at most 127 in size, 128 * 127 * 2 = 32512.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn products<B: Block>(sums: __m256i, w: __m256i, x: __m256i) -> __m256i {
        let pairs = if B::OFFSET == 128 {
            _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w))
        } else {
            _mm256_maddubs_epi16(w, x)
        };
        _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }

    /// What is left to subtract from [`products`].
    const fn offset<B: Block>() -> i32 {
        if B::OFFSET == 128 { 0 } else { B::OFFSET }
    }

    dots!("avx2,f16c", products, offset);
}

/// AVX-VNNI: VNNI without AVX-512, in laptops and small servers.
pub(crate) mod avx_vnni {
    use super::*;

    /// Adds 32 products, summed in fours; signed codes are moved up by 128 first.
    #[inline]
    #[target_feature(enable = "avx2,avxvnni")]
    fn products<B: Block>(sums: __m256i, w: __m256i, x: __m256i) -> __m256i {
        let w = if B::OFFSET == 128 { _mm256_xor_si256(w, _mm256_set1_epi8(-128)) } else { w };
        _mm256_dpbusd_avx_epi32(sums, w, x)
    }

    /// What is left to subtract from [`products`].
    const fn offset<B: Block>() -> i32 {
        B::OFFSET
    }

    dots!("avx2,f16c,avxvnni", products, offset);
}

/// AVX-512 VNNI, in registers of 256 bits.
pub(crate) mod avx512 {
    use super::*;

    /// Adds 32 products, summed in fours; signed codes are moved up by 128 first.
    #[inline]
    #[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vnni")]
    fn products<B: Block>(sums: __m256i, w: __m256i, x: __m256i) -> __m256i {
        let w = if B::OFFSET == 128 { _mm256_xor_si256(w, _mm256_set1_epi8(-128)) } else { w };
        _mm256_dpbusd_epi32(sums, w, x)
    }

    /// What is left to subtract from [`products`].
    const fn offset<B: Block>() -> i32 {
        B::OFFSET
    }

    dots!("avx2,f16c,avx512f,avx512bw,avx512vl,avx512vnni", products, offset);
}
