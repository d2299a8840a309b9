//! Attention of one query head over one key-value head's cache, kept in f16.

use super::f16::F16;
use super::{Cpu, Isa, Rows, softmax};

/// `out = Σ softmax(scale * q·k) v` over the positions in `keys` and `values` (position by position, f16 bits, `q.len()`
/// elements each). `scores` is scratch of at least one float a position.
///
/// # Panics
/// If the lengths do not fit each other.
pub fn attend(
    cpu: Cpu,
    q: &[f32],
    keys: &[u16],
    values: &[u16],
    scale: f32,
    scores: &mut [f32],
    out: &mut [f32],
) {
    let n = q.len();
    let positions = keys.len() / n;
    assert!(keys.len() == positions * n && values.len() == keys.len() && out.len() == n);
    let scores = &mut scores[..positions];
    let keys = bytes(keys);
    let row = |p: usize| &keys[p * n * 2..(p + 1) * n * 2];
    let mut p = 0;
    for four in scores.chunks_mut(4) {
        // Where fewer than four are left the last is computed again, and dropped.
        let dots = F16::rows4(cpu, std::array::from_fn(|k| row((p + k).min(positions - 1))), q);
        four.iter_mut().zip(dots).for_each(|(score, dot)| *score = dot * scale);
        p += 4;
    }
    softmax(cpu, scores);
    match cpu.isa() {
        Isa::Scalar => weighted_sum(scores, values, out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Isa::Avx2` exists only where `Cpu` found AVX2, FMA and F16C.
        Isa::Avx2 => unsafe { avx2::weighted_sum(scores, values, out) },
    }
}

fn bytes(halves: &[u16]) -> &[u8] {
    // SAFETY: the same memory, every byte of which is initialised; u8 needs no alignment and takes any value.
    unsafe { std::slice::from_raw_parts(halves.as_ptr().cast(), halves.len() * 2) }
}

/// The definition: positions in order.
fn weighted_sum(weights: &[f32], values: &[u16], out: &mut [f32]) {
    out.fill(0.0);
    for (weight, row) in weights.iter().zip(values.chunks_exact(out.len())) {
        for (out, &v) in out.iter_mut().zip(row) {
            *out += weight * half::f16::from_bits(v).to_f32();
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    /// Columns `W * 8` at a time, so that their sums stay in registers over all positions.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub fn weighted_sum(weights: &[f32], values: &[u16], out: &mut [f32]) {
        let n = out.len();
        assert!(values.len() == weights.len() * n);
        let mut at = 0;
        while at + 64 <= n {
            columns::<8>(weights, values, out, at);
            at += 64;
        }
        while at + 8 <= n {
            columns::<1>(weights, values, out, at);
            at += 8;
        }
        for (c, out) in out.iter_mut().enumerate().skip(at) {
            let column = values[c..].iter().step_by(n);
            *out = weights
                .iter()
                .zip(column)
                .fold(0.0, |sum, (w, &v)| w.mul_add(half::f16::from_bits(v).to_f32(), sum));
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn columns<const W: usize>(weights: &[f32], values: &[u16], out: &mut [f32], at: usize) {
        let n = out.len();
        assert!(at + 8 * W <= n && values.len() == weights.len() * n);
        let mut sums = [_mm256_setzero_ps(); W];
        for (p, &weight) in weights.iter().enumerate() {
            let weight = _mm256_set1_ps(weight);
            for (k, sum) in sums.iter_mut().enumerate() {
                // SAFETY: columns `at..at + 8 W` of row `p` exist by the check above.
                let v = unsafe { _mm_loadu_si128(values.as_ptr().add(p * n + at + 8 * k).cast()) };
                *sum = _mm256_fmadd_ps(weight, _mm256_cvtph_ps(v), *sum);
            }
        }
        for (k, sum) in sums.into_iter().enumerate() {
            // SAFETY: columns `at..at + 8 W` of `out` exist by the check above.
            unsafe { _mm256_storeu_ps(out.as_mut_ptr().add(at + 8 * k), sum) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::floats;
    use super::*;

    fn halves(n: usize, seed: u64) -> Vec<u16> {
        floats(n, seed).into_iter().map(|x| half::f16::from_f32(x).to_bits()).collect()
    }

    #[test]
    fn both_paths_match_attention_in_doubles() {
        for n in [2, 8, 16, 24, 32, 63, 64, 80, 128] {
            for positions in [1, 2, 3, 4, 5, 33] {
                let (q, k, v) = (floats(n, 1), halves(n * positions, 2), halves(n * positions, 3));
                let value = |h: u16| half::f16::from_bits(h).to_f64();
                let mut weights: Vec<f64> = (0..positions)
                    .map(|p| (0..n).map(|i| f64::from(q[i]) * value(k[p * n + i])).sum::<f64>() * 0.3)
                    .map(f64::exp)
                    .collect();
                let total: f64 = weights.iter().sum();
                weights.iter_mut().for_each(|w| *w /= total);
                for cpu in [Some(Cpu::scalar()), Cpu::fastest()].into_iter().flatten() {
                    let (mut scores, mut out) = (vec![0.0; positions + 3], vec![9.0; n]);
                    attend(cpu, &q, &k, &v, 0.3, &mut scores, &mut out);
                    for i in 0..n {
                        let want: f64 = (0..positions).map(|p| weights[p] * value(v[p * n + i])).sum();
                        assert!((f64::from(out[i]) - want).abs() < 1e-5, "{cpu:?} {n} {positions} {i}");
                    }
                }
            }
        }
    }
}
