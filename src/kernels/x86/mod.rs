//! x86-64: how registers are filled from the integer formats, and the loops over them.

mod dot;
pub(crate) mod panel;
pub(crate) mod panel256;
pub(crate) mod woven;
pub(crate) mod woven256;

use std::arch::x86_64::*;

pub(crate) use dot::{avx_vnni, avx2, avx512};

use super::block::Block;

/// The vector form of a [`Block`]: the same numbers in registers. Where four rows go together, lane `k` of a scale belongs to row
/// `k`; steps are a lane a row for the first halves of a group, then the same for the second halves.
pub(crate) trait Lanes: Block {
    /// What is read once a block: scales of four rows.
    type Head;

    /// Reads it.
    ///
    /// # Safety
    /// AVX2 and F16C must be there (so for all that follow), and `Self::BYTES` bytes readable at each of `blocks`.
    unsafe fn head(blocks: [*const u8; 4]) -> Self::Head;

    /// The codes of group `g`; those of signed formats ([`Block::OFFSET`] of 128) as signed bytes.
    ///
    /// # Safety
    /// `Self::BYTES` bytes must be readable at `block`.
    unsafe fn codes(block: *const u8, g: usize) -> __m256i;

    /// The codes of group `g` of two blocks: the first halves of both, then the second halves.
    ///
    /// # Safety
    /// `Self::BYTES` bytes must be readable at each of `blocks`.
    unsafe fn pair(blocks: [*const u8; 2], g: usize) -> [__m256i; 2];

    /// Scales of group `g`.
    ///
    /// # Safety
    /// As [`Lanes::head`], without the bytes.
    unsafe fn scales(head: &Self::Head, g: usize) -> __m128;

    /// Minima of group `g`, for formats that have them.
    ///
    /// # Safety
    /// As [`Lanes::scales`].
    unsafe fn mins(_: &Self::Head, _: usize) -> __m128 {
        unreachable!("a format without minima was asked for them")
    }

    /// Steps of group `g`, for formats with steps a half.
    ///
    /// # Safety
    /// As [`Lanes::scales`].
    unsafe fn steps(_: &Self::Head, _: usize) -> __m256i {
        unreachable!("a format without steps was asked for them")
    }

    /// Factors of the minima of group `g`, for formats with both.
    ///
    /// # Safety
    /// As [`Lanes::scales`].
    unsafe fn min_steps(_: &Self::Head, _: usize) -> __m256i {
        unreachable!("a format without steps of minima was asked for them")
    }
}

/// The sums of four vectors of 32-bit integers, those of the lower halves, then those of the upper ones.
#[inline]
#[target_feature(enable = "avx2")]
pub fn half_sums(v: [__m256i; 4]) -> __m256i {
    _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]))
}

/// Lower half plus upper half.
#[inline]
#[target_feature(enable = "avx2")]
pub fn folded(v: __m256i) -> __m128i {
    _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v))
}

/// The sums of four vectors of floats, each made as `((l0+l4)+(l1+l5)) + ((l2+l6)+(l3+l7))`.
#[inline]
#[target_feature(enable = "avx2")]
pub fn sum4_f32(v: [__m256; 4]) -> [f32; 4] {
    let fold = |v: __m256| _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
    let [a, b, c, d] = v.map(fold);
    array(_mm_hadd_ps(_mm_hadd_ps(a, b), _mm_hadd_ps(c, d)))
}

/// Four floats out of their register.
#[inline]
#[target_feature(enable = "avx2")]
pub fn array(v: __m128) -> [f32; 4] {
    let mut out = [0.0; 4];
    // SAFETY: `out` has room for four floats; the store needs no alignment.
    unsafe { _mm_storeu_ps(out.as_mut_ptr(), v) };
    out
}

/// The f16 at each of four places, as floats.
///
/// # Safety
/// Two bytes must be readable at each.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub unsafe fn halves(at: [*const u8; 4]) -> __m128 {
    // SAFETY: the caller's promise; bytes have no alignment.
    let [a, b, c, d] = at.map(|at| i64::from(u16::from_le_bytes(unsafe { at.cast::<[u8; 2]>().read() })));
    _mm_cvtph_ps(_mm_cvtsi64_si128(a | b << 16 | c << 32 | d << 48))
}

/// The other sign.
#[inline]
#[target_feature(enable = "avx2")]
pub fn negated(v: __m128) -> __m128 {
    _mm_xor_ps(v, _mm_set1_ps(-0.0))
}

/// 16 bytes' low nibbles, then their high ones.
///
/// # Safety
/// 16 bytes must be readable at `at`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn nibbles(at: *const u8) -> __m256i {
    // SAFETY: the caller's promise; an unaligned load.
    let packed = unsafe { _mm_loadu_si128(at.cast()) };
    let both = _mm256_set_m128i(_mm_srli_epi16::<4>(packed), packed);
    _mm256_and_si256(both, _mm256_set1_epi8(15))
}

/// 16 bytes at each of two places.
///
/// # Safety
/// They must be readable.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn two(at: [*const u8; 2]) -> __m256i {
    // SAFETY: the caller's promise; unaligned loads.
    let [a, b] = at.map(|at| unsafe { _mm_loadu_si128(at.cast()) });
    _mm256_set_m128i(b, a)
}

/// The low nibbles of 16 bytes at each of two places, then the high ones.
///
/// # Safety
/// They must be readable.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn two_nibbles(at: [*const u8; 2]) -> [__m256i; 2] {
    // SAFETY: the caller's promise.
    let packed = unsafe { two(at) };
    let low = |v| _mm256_and_si256(v, _mm256_set1_epi8(15));
    [low(packed), low(_mm256_srli_epi16::<4>(packed))]
}

/// [`shifted`] at two places: the first 16 bytes of both, then the second.
///
/// # Safety
/// 32 bytes must be readable at each.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn two_shifted(at: [*const u8; 2], by: usize, mask: i8) -> [__m256i; 2] {
    // SAFETY: the caller's promise.
    let both = unsafe { [two(at), two(at.map(|at| at.add(16)))] };
    let by = _mm_cvtsi32_si128(by as i32);
    both.map(|bytes| _mm256_and_si256(_mm256_srl_epi16(bytes, by), _mm256_set1_epi8(mask)))
}

/// [`bits`] at two places: the first 16 of both, then the second.
///
/// # Safety
/// Four bytes must be readable at each.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn two_bits(at: [*const u8; 2], value: i8) -> [__m256i; 2] {
    // SAFETY: the caller's promise; unaligned reads.
    let [a, b] = at.map(|at| _mm_set1_epi32(unsafe { at.cast::<i32>().read_unaligned() }));
    let all = _mm256_set_m128i(b, a);
    let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201u64 as i64);
    [[0, 0x0101_0101_0101_0101], [0x0202_0202_0202_0202, 0x0303_0303_0303_0303]].map(|[low, high]| {
        let bytes = _mm256_shuffle_epi8(all, _mm256_setr_epi64x(low, high, low, high));
        let set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
        _mm256_and_si256(set, _mm256_set1_epi8(value))
    })
}

/// `low | high << BY` of both.
#[inline]
#[target_feature(enable = "avx2")]
pub fn joined<const BY: i32>(low: [__m256i; 2], high: [__m256i; 2]) -> [__m256i; 2] {
    [0, 1].map(|i| _mm256_or_si256(low[i], _mm256_slli_epi16::<BY>(high[i])))
}

/// Of four vectors `[a | b]` of four 32-bit integers each, the sums of all `a`, then those of all `b`.
#[inline]
#[target_feature(enable = "avx2")]
pub fn eight_sums(v: [__m256i; 4]) -> __m256i {
    let pairs = |a, b| _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (a, b) = (pairs(v[0], v[1]), pairs(v[2], v[3]));
    _mm256_add_epi32(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b))
}

/// 32 bits, each as `value` in a byte of its own.
///
/// # Safety
/// Four bytes must be readable at `at`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn bits(at: *const u8, value: i8) -> __m256i {
    // SAFETY: the caller's promise; an unaligned read.
    let all = _mm256_set1_epi32(unsafe { at.cast::<i32>().read_unaligned() });
    let bytes = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
    let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201u64 as i64);
    let set = _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(all, bytes), bit), bit);
    _mm256_and_si256(set, _mm256_set1_epi8(value))
}

/// 32 bytes, each shifted right by `by` (which should be known when compiling) and masked.
///
/// # Safety
/// 32 bytes must be readable at `at`.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn shifted(at: *const u8, by: usize, mask: i8) -> __m256i {
    // SAFETY: the caller's promise; an unaligned load.
    let bytes = unsafe { _mm256_loadu_si256(at.cast()) };
    // Bits that come over from a neighbour byte are masked away.
    let bytes = _mm256_srl_epi16(bytes, _mm_cvtsi32_si128(by as i32));
    _mm256_and_si256(bytes, _mm256_set1_epi8(mask))
}

/// The four bytes `offset` behind each of four places, a lane a place.
///
/// # Safety
/// They must be readable.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn words(at: [*const u8; 4], offset: usize) -> __m128i {
    // SAFETY: the caller's promise; unaligned reads.
    let [a, b, c, d] = at.map(|at| unsafe { at.add(offset).cast::<i32>().read_unaligned() });
    _mm_setr_epi32(a, b, c, d)
}

/// 16 bytes at each of four places: word `j` of place `k` in lane `k` of `[j]`.
///
/// # Safety
/// They must be readable.
#[inline]
#[target_feature(enable = "avx2")]
pub unsafe fn sixteen(at: [*const u8; 4]) -> [__m128i; 4] {
    // SAFETY: the caller's promise; unaligned loads.
    let [a, b, c, d] = at.map(|at| unsafe { _mm_loadu_si128(at.cast()) });
    let (ab, cd) = (_mm_unpacklo_epi32(a, b), _mm_unpacklo_epi32(c, d));
    let (ab_high, cd_high) = (_mm_unpackhi_epi32(a, b), _mm_unpackhi_epi32(c, d));
    [
        _mm_unpacklo_epi64(ab, cd),
        _mm_unpackhi_epi64(ab, cd),
        _mm_unpacklo_epi64(ab_high, cd_high),
        _mm_unpackhi_epi64(ab_high, cd_high),
    ]
}

/// Byte `i` of each lane, unsigned.
#[inline]
#[target_feature(enable = "avx2")]
pub fn byte(v: __m128i, i: usize) -> __m128i {
    _mm_and_si128(_mm_srl_epi32(v, _mm_cvtsi32_si128(8 * i as i32)), _mm_set1_epi32(255))
}

/// Of sixteen signed bytes a lane (four in each of `v`), numbers `2 g` (lower half of the result) and `2 g + 1`.
#[inline]
#[target_feature(enable = "avx2")]
pub fn two_bytes(v: &[__m128i; 4], g: usize) -> __m256i {
    let signed = |i: usize| {
        let left = _mm_cvtsi32_si128(24 - 8 * i as i32);
        _mm_srai_epi32::<24>(_mm_sll_epi32(v[g / 2], left))
    };
    _mm256_set_m128i(signed(g % 2 * 2 + 1), signed(g % 2 * 2))
}
