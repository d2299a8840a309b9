//! Sixteen rows with many tokens in registers of 256 bits: rows 0 to 7 of a panel in one, 8 to 15 in the other.

use std::arch::x86_64::*;
use std::ops::Range;

use super::Lanes;
use super::panel::{Packed, STRETCH, products};
use super::woven256::four;
use crate::kernels::block::Block;
use crate::kernels::input::{Codes, Input};
use crate::kernels::{BLOCK, PANEL};

/// Tokens that go through a stretch together: with both sides of the panel eight sums, half of the registers.
const TOKENS: usize = 4;

/// What the codes of a token's group come to.
#[derive(Clone, Copy, Default)]
struct Sums {
    /// Their sum, times the offset of the weights' codes; or, for formats with steps a half, the sums of both halves in 16 bits
    /// each.
    exact: i32,
    /// Their sum.
    whole: f32,
}

/// Products of both sides of a panel with `T` tokens.
type Products<const T: usize> = [[__m256i; 2]; T];

/// A step a half, as two numbers of 16 bits in a row's lane, for both sides of the panel; `by` multiplies them.
///
/// # Safety
/// Steps must have been packed there.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn both_steps(steps: *const [[i32; PANEL]; 2], by: i16) -> [__m256i; 2] {
    [0, 8].map(|lane| {
        // SAFETY: the caller's promise; half a line of sixteen.
        let [a, b] = [0, 1].map(|h| unsafe { _mm256_loadu_si256((&raw const (*steps)[h][lane]).cast()) });
        let both = _mm256_blend_epi16::<0b1010_1010>(a, _mm256_slli_epi32::<16>(b));
        if by == 1 { both } else { _mm256_mullo_epi16(both, _mm256_set1_epi16(by)) }
    })
}

/// Defines `panel` for an instruction set that has `$exact`, the products of a packed group with the codes of some tokens, each
/// half times its step where a format has such, and `$offset`, what is left to subtract from them a code.
macro_rules! panel {
    ($features:literal, $exact:ident, $offset:ident, $flip:literal) => {
        /// Products of sixteen rows with all tokens of `input`; `put` takes a token's number and its sixteen.
        ///
        /// # Panics
        /// If rows and tokens differ in length.
        #[target_feature(enable = $features)]
        pub fn panel<B: Lanes>(
            rows: [&[u8]; PANEL],
            input: &Input<'_>,
            put: &mut dyn FnMut(usize, &[f32; PANEL]),
        ) {
            // SAFETY: these are the instructions that `tile` needs; it is made for this format and codes flipped so.
            unsafe { products::<B, $flip>(rows, input, tile::<B>, put) }
        }

        /// A [`super::super::panel::Tile`].
        ///
        /// # Safety
        /// As is said there.
        #[target_feature(enable = $features)]
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
                    TOKENS.. => tokens::<B, TOKENS>(packed, std::array::from_fn(code), groups, out),
                    _ => tokens::<B, 1>(packed, [code(0)], groups, out),
                }
            }
        }

        /// Adds a stretch's part to the sums of `T` tokens, and returns `T`.
        ///
        /// # Safety
        /// `groups` of this format must have been packed and be in every token.
        #[target_feature(enable = $features)]
        unsafe fn tokens<B: Lanes, const T: usize>(
            packed: *const Packed,
            x: [Codes<'_>; T],
            groups: Range<usize>,
            out: &mut [[f32; PANEL]],
        ) -> usize {
            assert!(out.len() >= T && groups.len() <= STRETCH);
            let offset = $offset::<B>();
            let mut of = [[Sums::default(); STRETCH]; T];
            for (of, x) in of.iter_mut().zip(&x) {
                for (of, &[a, b]) in of.iter_mut().zip(&x.halves[groups.clone()]) {
                    // Sixteen codes come to 2032 at most.
                    let exact = if B::HALVES { a & 0xffff | b << 16 } else { offset * (a + b) };
                    *of = Sums { exact, whole: (a + b) as f32 };
                }
            }
            let scales = x.map(|x| &x.scales[groups.clone()]);
            // SAFETY: the caller's promise, and the slices above: everything read is in the packed stretch or the tokens' rows.
            unsafe {
                for g in 0..groups.len() {
                    let at = x.map(|x| x.codes.as_ptr().add((groups.start + g) * BLOCK));
                    let exact = $exact::<B, T>(packed, g, at);
                    let eight = |of: &[f32; PANEL], side: usize| _mm256_loadu_ps(of[8 * side..].as_ptr());
                    let less = match B::HALVES && offset > 0 {
                        // Codes of up to 6 bits: an offset times a step stays below 2^15.
                        true => both_steps(&raw const (*packed).steps[g], offset as i16),
                        false => [_mm256_setzero_si256(); 2],
                    };
                    let mins = match B::HALVES && B::MINS {
                        true => both_steps(&raw const (*packed).min_steps[g], 1),
                        false => [_mm256_setzero_si256(); 2],
                    };
                    for t in 0..T {
                        let (of, d) = (of[t][g], _mm256_set1_ps(*scales[t].get_unchecked(g)));
                        let sums = _mm256_set1_epi32(of.exact);
                        for side in 0..2 {
                            let whole = if offset == 0 {
                                exact[t][side]
                            } else if B::HALVES {
                                _mm256_sub_epi32(exact[t][side], _mm256_madd_epi16(sums, less[side]))
                            } else {
                                _mm256_sub_epi32(exact[t][side], sums)
                            };
                            let to = out.get_unchecked_mut(t).as_mut_ptr().add(8 * side);
                            let scale = _mm256_mul_ps(eight(&(*packed).scales[g], side), d);
                            let part = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), scale);
                            let mut sum = _mm256_add_ps(_mm256_loadu_ps(to), part);
                            if B::MINS {
                                let whole = if B::HALVES {
                                    _mm256_cvtepi32_ps(_mm256_madd_epi16(sums, mins[side]))
                                } else {
                                    _mm256_set1_ps(of.whole)
                                };
                                let min = _mm256_mul_ps(eight(&(*packed).mins[g], side), d);
                                sum = _mm256_sub_ps(sum, _mm256_mul_ps(whole, min));
                            }
                            _mm256_storeu_ps(to, sum);
                        }
                    }
                }
            }
            T
        }
    };
}

/// AVX2.
pub(crate) mod avx2 {
    use super::*;

    /// Words of a group (four columns each) whose products may be added in 16 bits: a word gives sums of two products, at most
    /// `2 * 127` times the largest code. Of 8 bits one fits, of 6, 5 and 4 bits two, four and eight (32004, 31496 and 30480, below
    /// 2^15); of 2 and 3 bits, which have no woven form and so `BITS` of 0, all eight.
    const fn words<B: Block>() -> usize {
        match (B::OFFSET, B::BITS) {
            (128, _) => 1,
            (_, 6) => 2,
            (_, 5) => 4,
            _ => 8,
        }
    }

    /// Products of group `g` with `T` tokens' codes. Signed codes are taken as `|w| * (x with w's sign)`.
    ///
    /// # Safety
    /// The group must have been packed, signed codes as such, and 32 bytes be readable at each of `x`.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn exact<B: Block, const T: usize>(
        packed: *const Packed,
        g: usize,
        x: [*const i8; T],
    ) -> Products<T> {
        let run = if B::HALVES { words::<B>().min(4) } else { words::<B>() };
        let mut sums = [[_mm256_setzero_si256(); 2]; T];
        for first in (0..8).step_by(run) {
            // Steps multiply on the way from 16 to 32 bits.
            let factors = [0, 8].map(|lane| {
                // SAFETY: the caller's promise; half a line of sixteen.
                let step =
                    |h: usize| unsafe { _mm256_loadu_si256((&raw const (*packed).steps[g][h][lane]).cast()) };
                if B::HALVES {
                    let step = step(first / 4);
                    _mm256_blend_epi16::<0b1010_1010>(step, _mm256_slli_epi32::<16>(step))
                } else {
                    _mm256_set1_epi16(1)
                }
            });
            let mut pairs = [[_mm256_setzero_si256(); 2]; T];
            for j in first..first + run {
                // SAFETY: as above.
                let w = [0, 8].map(|lane| unsafe {
                    _mm256_loadu_si256((&raw const (*packed).codes[g][j][lane]).cast())
                });
                for t in 0..T {
                    // SAFETY: word `j` of eight is in the 32 bytes.
                    let four = unsafe { four(x[t], j) };
                    for side in 0..2 {
                        let two = if B::OFFSET == 128 {
                            _mm256_maddubs_epi16(_mm256_abs_epi8(w[side]), _mm256_sign_epi8(four, w[side]))
                        } else {
                            _mm256_maddubs_epi16(w[side], four)
                        };
                        pairs[t][side] = _mm256_add_epi16(pairs[t][side], two);
                    }
                }
            }
            for t in 0..T {
                for side in 0..2 {
                    let wide = _mm256_madd_epi16(pairs[t][side], factors[side]);
                    sums[t][side] = _mm256_add_epi32(sums[t][side], wide);
                }
            }
        }
        sums
    }

    /// What is left to subtract from [`exact`].
    const fn offset<B: Block>() -> i32 {
        if B::OFFSET == 128 { 0 } else { B::OFFSET }
    }

    panel!("avx2,f16c", exact, offset, false);
}

/// Defines `exact` for an instruction set whose `$add` adds products of unsigned and signed bytes to sums of four.
macro_rules! exact {
    ($features:literal, $add:ident) => {
        /// Products of group `g` with `T` tokens' codes.
        ///
        /// # Safety
        /// The group must have been packed, signed codes as unsigned ones, and 32 bytes be readable at each of `x`.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn exact<B: Block, const T: usize>(
            packed: *const Packed,
            g: usize,
            x: [*const i8; T],
        ) -> Products<T> {
            let mut sums = [[_mm256_setzero_si256(); 2]; T];
            for h in 0..2 {
                let mut half = if B::HALVES { [[_mm256_setzero_si256(); 2]; T] } else { sums };
                for j in 4 * h..4 * h + 4 {
                    // SAFETY: the caller's promise; half a line of sixteen.
                    let w = [0, 8].map(|lane| unsafe {
                        _mm256_loadu_si256((&raw const (*packed).codes[g][j][lane]).cast())
                    });
                    for t in 0..T {
                        // SAFETY: word `j` of eight is in the 32 bytes.
                        let four = unsafe { four(x[t], j) };
                        half[t] = [0, 1].map(|side| $add(half[t][side], w[side], four));
                    }
                }
                for t in 0..T {
                    for side in 0..2 {
                        sums[t][side] = if B::HALVES {
                            // SAFETY: as above.
                            let step = unsafe {
                                _mm256_loadu_si256((&raw const (*packed).steps[g][h][8 * side]).cast())
                            };
                            _mm256_add_epi32(sums[t][side], _mm256_mullo_epi32(half[t][side], step))
                        } else {
                            half[t][side]
                        };
                    }
                }
            }
            sums
        }

        /// What is left to subtract from [`exact`].
        const fn offset<B: Block>() -> i32 {
            B::OFFSET
        }
    };
}

/// AVX-VNNI.
pub(crate) mod avx_vnni {
    use super::*;

    exact!("avx2,avxvnni", _mm256_dpbusd_avx_epi32);
    panel!("avx2,f16c,avxvnni", exact, offset, true);
}

/// AVX-VNNI's shape by the instruction of AVX-512, which machines of tests have sooner.
#[cfg(test)]
pub(crate) mod avx512vl {
    use super::*;

    exact!("avx2,avx512f,avx512vl,avx512vnni", _mm256_dpbusd_epi32);
    panel!("avx2,f16c,avx512f,avx512vl,avx512vnni", exact, offset, true);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::block::Blocks;
    use crate::kernels::testing::{floats, rows};
    use crate::kernels::{Cpu, Format, Quantized, Rows, formats};

    type Panel = unsafe fn([&[u8]; PANEL], &Input<'_>, &mut dyn FnMut(usize, &[f32; PANEL]));

    fn compare<B: Lanes>(format: Format) {
        let mut panels: Vec<Panel> = vec![avx2::panel::<B>];
        if is_x86_feature_detected!("avxvnni") {
            panels.push(avx_vnni::panel::<B>);
        }
        if is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512vnni") {
            panels.push(avx512vl::panel::<B>);
        }
        // One stretch, and more than one.
        for (n, tokens) in [(256, 9), (256 * 5, 4), (256 * 9, 1), (256 * 9, 131)] {
            let bytes = rows(format, PANEL, n, 61);
            let rows: [&[u8]; PANEL] =
                std::array::from_fn(|k| &bytes[k * bytes.len() / PANEL..(k + 1) * bytes.len() / PANEL]);
            let x = floats(n * tokens, 62);
            let mut room = Quantized::default();
            let input = Input::quantized(Cpu::scalar(), &x, n, &mut room);
            for panel in &panels {
                let mut seen = 0;
                let mut put = |t: usize, dots: &[f32; PANEL]| {
                    let eight = |k: usize| {
                        Blocks::<B>::rows8(
                            Cpu::scalar(),
                            std::array::from_fn(|i| rows[k + i]),
                            input.code_row(t),
                            0,
                        )
                    };
                    let want = [eight(0), eight(8)].concat();
                    assert_eq!(want, dots, "{format:?} {n} {tokens}, token {t}");
                    seen += 1;
                };
                // SAFETY: the instructions were found, by the caller or above.
                unsafe { panel(rows, &input, &mut put) };
                assert_eq!(seen, tokens);
            }
        }
    }

    #[test]
    fn products_equal_the_definition() {
        if !is_x86_feature_detected!("avx2") || !is_x86_feature_detected!("f16c") {
            return eprintln!("SKIPPED: no AVX2 here");
        }
        compare::<formats::Q4_0>(Format::Q4_0);
        compare::<formats::Q4_1>(Format::Q4_1);
        compare::<formats::Q5_0>(Format::Q5_0);
        compare::<formats::Q5_1>(Format::Q5_1);
        compare::<formats::Q8_0>(Format::Q8_0);
        compare::<formats::Q2_K>(Format::Q2_K);
        compare::<formats::Q3_K>(Format::Q3_K);
        compare::<formats::Q4_K>(Format::Q4_K);
        compare::<formats::Q5_K>(Format::Q5_K);
        compare::<formats::Q6_K>(Format::Q6_K);
        compare::<formats::IQ4_NL>(Format::IQ4_NL);
        compare::<formats::IQ4_XS>(Format::IQ4_XS);
    }
}
