//! Sums of vector lanes that several formats share, in AVX2.

use std::arch::x86_64::*;

/// The sums of four vectors of 32-bit integers.
#[inline]
#[target_feature(enable = "avx2")]
pub fn sum4_i32(v: [__m256i; 4]) -> __m128i {
    let pairs = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256::<1>(pairs))
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

/// Four f16 scales as floats.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub fn halves(d: [[u8; 2]; 4]) -> __m128 {
    let [a, b, c, d] = d.map(|d| i64::from(u16::from_le_bytes(d)));
    _mm_cvtph_ps(_mm_cvtsi64_si128(a | b << 16 | c << 32 | d << 48))
}
