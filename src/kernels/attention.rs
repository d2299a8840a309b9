//! Attention of a tile of tokens over the key-value cache of a layer, kept in f16.

use super::float::{F16, Floats};
use super::{Cpu, Isa, Pool, softmax};

/// Multiply-adds below which threads cost more than they give.
const WORTH_SPLITTING: usize = 128 * 1024;

/// How many heads there are, their size, and what they see.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; each serves `heads / kv_heads` query heads, in order.
    pub kv_heads: usize,
    /// Elements of a head.
    pub head_dim: usize,
    /// Products of queries and keys are multiplied by this before the softmax; `1 / √head_dim` as a rule.
    pub scale: f32,
    /// Positions that a token sees, its own included; `usize::MAX` for all before it.
    pub window: usize,
}

/// `out = Σ softmax(scale * q·k) v` for each query head of a tile of tokens.
///
/// `q` and `out` are `[token][head][element]`; the tile's first token stands at position `first` and sees positions
/// `0..=first` (the last `window` of them), the next one more. `keys` and `values` are `[kv head][position][element]` in f16 bits, the tile's own
/// already stored. `scores` is scratch: as many floats for each query head as `keys` has positions.
///
/// # Panics
/// If the sizes do not fit each other.
#[allow(clippy::too_many_arguments)] // one call, from the forward pass; a struct would only rename them
pub fn attend(
    pool: &Pool,
    cpu: Cpu,
    shape: Heads,
    q: &[f32],
    first: usize,
    keys: &[u16],
    values: &[u16],
    scores: &mut [f32],
    out: &mut [f32],
) {
    let Heads { heads, kv_heads, head_dim, scale, window } = shape;
    let width = heads * head_dim;
    let tokens = q.len() / width;
    let context = keys.len() / (kv_heads * head_dim);
    assert!(heads % kv_heads == 0 && q.len() == tokens * width && out.len() == q.len());
    assert!(keys.len() == kv_heads * context * head_dim && values.len() == keys.len());
    assert!(window > 0 && first + tokens <= context && scores.len() >= heads * context);
    let shared = (Shared(out.as_mut_ptr()), Shared(scores.as_mut_ptr()));
    let run = |head: usize| {
        let cached = head / (heads / kv_heads) * context * head_dim;
        // SAFETY: row `head` of `scores` is inside it by the check above, and only this call uses that head.
        let scores = unsafe { std::slice::from_raw_parts_mut(shared.1.at(head * context), context) };
        for token in 0..tokens {
            let at = token * width + head * head_dim;
            let end = first + token + 1;
            let seen = cached + end.saturating_sub(window) * head_dim..cached + end * head_dim;
            // SAFETY: this head of this token is inside `out` by the check above, and only this call uses it.
            let out = unsafe { std::slice::from_raw_parts_mut(shared.0.at(at), head_dim) };
            one(cpu, &q[at..at + head_dim], &keys[seen.clone()], &values[seen], scale, scores, out);
        }
    };
    let work = 2 * tokens * (first + tokens) * width;
    if work < WORTH_SPLITTING { (0..heads).for_each(run) } else { pool.run(heads, &run) }
}

/// A buffer of which each head uses its own part.
struct Shared(*mut f32);

// SAFETY: `attend` hands out parts that do not overlap, and its buffers outlive the pool's run.
unsafe impl Sync for Shared {}

impl Shared {
    fn at(&self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

/// One query head over the positions in `keys` and `values`.
fn one(cpu: Cpu, q: &[f32], keys: &[u16], values: &[u16], scale: f32, scores: &mut [f32], out: &mut [f32]) {
    let n = q.len();
    let positions = keys.len() / n;
    let scores = &mut scores[..positions];
    let keys = bytes(keys);
    let row = |p: usize| &keys[p * n * 2..(p + 1) * n * 2];
    for (i, four) in scores.chunks_mut(4).enumerate() {
        // Where fewer than four are left the last is computed again, and dropped.
        let dots = Floats::<F16>::rows4(cpu, std::array::from_fn(|k| row((4 * i + k).min(positions - 1))), q);
        four.iter_mut().zip(dots).for_each(|(score, dot)| *score = dot * scale);
    }
    softmax(cpu, scores);
    match cpu.isa() {
        Isa::Scalar => weighted_sum(scores, values, out),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: these exist only where `Cpu` found AVX2, FMA and F16C.
        Isa::Avx2 | Isa::AvxVnni | Isa::Avx512 => unsafe { avx2::weighted_sum(scores, values, out) },
        #[cfg(target_arch = "aarch64")]
        // SAFETY: every aarch64 that this is compiled for has NEON.
        Isa::Neon | Isa::DotProd => unsafe { super::aarch64::weighted_sum(scores, values, out) },
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
                    one(cpu, &q, &k, &v, 0.3, &mut scores, &mut out);
                    for i in 0..n {
                        let want: f64 = (0..positions).map(|p| weights[p] * value(v[p * n + i])).sum();
                        assert!((f64::from(out[i]) - want).abs() < 1e-5, "{cpu:?} {n} {positions} {i}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_tile_is_its_tokens_and_heads_one_by_one() {
        let (tokens, context, first) = (70, 160, 81);
        let (q, k, v) = (floats(tokens * 144, 1), halves(2 * context * 24, 2), halves(2 * context * 24, 3));
        let (mut a, mut b) = (vec![0.0; tokens * 144], vec![0.0; tokens * 144]);
        let mut scores = vec![0.0; 6 * context];
        for window in [usize::MAX, 1, 100] {
            let shape = Heads { heads: 6, kv_heads: 2, head_dim: 24, scale: 0.2, window };
            attend(&Pool::new(3), Cpu::best(), shape, &q, first, &k, &v, &mut scores, &mut a);
            for t in 0..tokens {
                for h in 0..6 {
                    let at = (t * 6 + h) * 24;
                    let (end, start) = (first + t + 1, (first + t + 1).saturating_sub(window));
                    let seen = (h / 3 * context + start) * 24..(h / 3 * context + end) * 24;
                    let (k, v) = (&k[seen.clone()], &v[seen]);
                    one(Cpu::best(), &q[at..at + 24], k, v, 0.2, &mut scores, &mut b[at..at + 24]);
                }
            }
            assert_eq!(a, b, "window {window}");
        }
    }
}
