//! What happens to activations between products: norm, softmax, gate, sum.
//!
//! Each is one piece of portable source, compiled twice: plainly, and with AVX2. Sums are made in eight fixed lanes and
//! nothing is fused, so both give the same bits.

use super::{Cpu, Isa};

/// Defines `pub fn $name(cpu, ...)` that runs `$body` plainly or compiled with AVX2.
macro_rules! twice {
    ($(#[$doc:meta])* $name:ident, $avx2:ident, $body:ident, ($($arg:ident: $type:ty),*)) => {
        $(#[$doc])*
        pub fn $name(cpu: Cpu, $($arg: $type),*) {
            match cpu.isa() {
                Isa::Scalar => $body($($arg),*),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: these exist only where `Cpu` found AVX2.
                Isa::Avx2 | Isa::AvxVnni | Isa::Avx512 => unsafe { $avx2($($arg),*) },
                #[cfg(target_arch = "aarch64")]
                // Compiled for NEON as it is.
                Isa::Neon | Isa::DotProd => $body($($arg),*),
            }
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        fn $avx2($($arg: $type),*) {
            $body($($arg),*)
        }
    };
}

twice!(
    /// `out = x / sqrt(mean(x²) + eps) * weight`, row by row of `weight`'s length.
    ///
    /// # Panics
    /// If `x` and `out` differ in length.
    rmsnorm, rmsnorm_avx2, rmsnorm_body, (x: &[f32], weight: &[f32], eps: f32, out: &mut [f32])
);
twice!(
    /// Replaces scores by `exp(score - max)` over their sum. No score at all is no work.
    softmax, softmax_avx2, softmax_body, (scores: &mut [f32])
);
twice!(
    /// `gate = silu(gate) * up`, where `silu(x) = x / (1 + exp(-x))`.
    ///
    /// # Panics
    /// If the lengths differ.
    silu_mul, silu_mul_avx2, silu_mul_body, (gate: &mut [f32], up: &[f32])
);
twice!(
    /// The same in place: `x = x / sqrt(mean(x²) + eps) * weight`, row by row of `weight`'s length.
    rmsnorm_in_place, rmsnorm_in_place_avx2, rmsnorm_in_place_body, (x: &mut [f32], weight: &[f32], eps: f32)
);
twice!(
    /// `gate = gelu(gate) * up` in the approximation `gelu(x) = x / 2 * (1 + tanh(√(2/π) (x + 0.044715 x³)))`.
    ///
    /// # Panics
    /// If the lengths differ.
    gelu_mul, gelu_mul_avx2, gelu_mul_body, (gate: &mut [f32], up: &[f32])
);
twice!(
    /// `x += y`.
    ///
    /// # Panics
    /// If the lengths differ.
    add, add_avx2, add_body, (x: &mut [f32], y: &[f32])
);

/// Folds `x` into eight lanes, then the lanes in order.
#[inline(always)]
fn fold(x: &[f32], start: f32, f: impl Fn(f32, f32) -> f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; 8];
    let chunks = x.chunks_exact(8);
    let over = chunks.remainder();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = f(*lane, x);
        }
    }
    let all = lanes.into_iter().fold(start, join);
    over.iter().fold(all, |sum, &x| f(sum, x))
}

#[inline(always)]
fn rmsnorm_body(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "norm of rows of different lengths");
    for (x, out) in x.chunks_exact(weight.len()).zip(out.chunks_exact_mut(weight.len())) {
        let squares = fold(x, 0.0, |sum, x| sum + x * x, |a, b| a + b);
        let scale = 1.0 / (squares / weight.len() as f32 + eps).sqrt();
        for ((out, x), w) in out.iter_mut().zip(x).zip(weight) {
            *out = x * scale * w;
        }
    }
}

#[inline(always)]
fn rmsnorm_in_place_body(x: &mut [f32], weight: &[f32], eps: f32) {
    for x in x.chunks_exact_mut(weight.len()) {
        let squares = fold(x, 0.0, |sum, x| sum + x * x, |a, b| a + b);
        let scale = 1.0 / (squares / weight.len() as f32 + eps).sqrt();
        for (x, w) in x.iter_mut().zip(weight) {
            *x = *x * scale * w;
        }
    }
}

#[inline(always)]
fn softmax_body(scores: &mut [f32]) {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let most = fold(scores, f32::NEG_INFINITY, larger, larger);
    for score in scores.iter_mut() {
        *score = exp(*score - most);
    }
    let inverse = 1.0 / fold(scores, 0.0, |a, b| a + b, |a, b| a + b);
    for score in scores {
        *score *= inverse;
    }
}

#[inline(always)]
fn silu_mul_body(gate: &mut [f32], up: &[f32]) {
    assert_eq!(gate.len(), up.len(), "gate and up differ in length");
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = *gate / (1.0 + exp(-*gate)) * up;
    }
}

#[inline(always)]
fn gelu_mul_body(gate: &mut [f32], up: &[f32]) {
    assert_eq!(gate.len(), up.len(), "gate and up differ in length");
    // (1 + tanh(u)) / 2 = 1 / (1 + exp(-2u))
    let twice_root = 2.0 * (2.0 * std::f32::consts::FRAC_1_PI).sqrt();
    for (gate, up) in gate.iter_mut().zip(up) {
        let x = *gate;
        *gate = x / (1.0 + exp(-twice_root * (x + 0.044715 * x * x * x))) * up;
    }
}

#[inline(always)]
fn add_body(x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len(), "sum of rows of different lengths");
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// `e^x` within 2 units in the last place between -87 and 88, clamped outside; without branches, so that loops over
/// it become vector code. `x = n ln 2 + r`, a polynomial for `e^r` (Cephes' `expf`), and `n` added to the exponent.
#[inline(always)]
fn exp(x: f32) -> f32 {
    const MAGIC: f32 = 12_582_912.0; // 1.5 * 2^23: its low bits hold the rounded integer
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_6e-1;
    p = p * r + 0.5;
    let e = p * r * r + r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    e * power
}

#[cfg(test)]
mod tests {
    use super::super::testing::floats;
    use super::*;

    const LENGTHS: [usize; 9] = [1, 7, 8, 9, 31, 32, 33, 64, 577];

    #[test]
    fn exp_is_close_and_clamped() {
        let mut x = -86.9f32;
        while x < 87.9 {
            let (ours, theirs) = (exp(x), f64::from(x).exp());
            assert!(((f64::from(ours) - theirs) / theirs).abs() < 3e-7, "exp({x}) = {ours}, not {theirs}");
            x += 0.0137;
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(1e9).is_finite() && exp(f32::NAN).is_nan());
    }

    #[test]
    fn both_paths_give_the_same_bits() {
        let Some(fast) = Cpu::fastest() else { return eprintln!("SKIPPED: no vector path here") };
        for n in LENGTHS {
            let (x, w) = (floats(n, 1), floats(n, 2));
            let both = |f: &dyn Fn(Cpu, &mut [f32])| {
                let (mut a, mut b) = (x.clone(), x.clone());
                f(Cpu::scalar(), &mut a);
                f(fast, &mut b);
                assert_eq!(
                    a.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
                    b.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
                    "length {n}"
                );
            };
            both(&|cpu, out| rmsnorm(cpu, &x, &w, 1e-5, out));
            both(&|cpu, out| softmax(cpu, out));
            both(&|cpu, out| rmsnorm_in_place(cpu, out, &w, 1e-5));
            both(&|cpu, out| silu_mul(cpu, out, &w));
            both(&|cpu, out| gelu_mul(cpu, out, &w));
            both(&|cpu, out| add(cpu, out, &w));
        }
    }

    #[test]
    fn they_compute_what_their_names_say() {
        let cpu = Cpu::best();
        for n in LENGTHS {
            let (x, w) = (floats(n, 3), floats(n, 4));
            let mut out = vec![0.0; n];
            rmsnorm(cpu, &x, &w, 1e-5, &mut out);
            let mean = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / n as f64;
            for ((out, x), w) in out.iter().zip(&x).zip(&w) {
                assert!((f64::from(*out) - f64::from(x * w) / (mean + 1e-5).sqrt()).abs() < 1e-5);
            }
            let mut same = x.clone();
            rmsnorm_in_place(cpu, &mut same, &w, 1e-5);
            assert_eq!(same, out);
            out.copy_from_slice(&x);
            softmax(cpu, &mut out);
            assert!((out.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let total = x.iter().map(|x| f64::from(*x).exp()).sum::<f64>();
            for (out, x) in out.iter().zip(&x) {
                assert!((f64::from(*out) - f64::from(*x).exp() / total).abs() < 1e-6);
            }
            out.copy_from_slice(&x);
            silu_mul(cpu, &mut out, &w);
            for ((out, x), w) in out.iter().zip(&x).zip(&w) {
                assert!((out - x / (1.0 + (-x).exp()) * w).abs() < 1e-6);
            }
            out.copy_from_slice(&x);
            gelu_mul(cpu, &mut out, &w);
            for ((out, x), w) in out.iter().zip(&x).zip(&w) {
                let (x, w) = (f64::from(*x), f64::from(*w));
                let tanh = ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh();
                assert!((f64::from(*out) - x / 2.0 * (1.0 + tanh) * w).abs() < 1e-6);
            }
        }
        softmax(cpu, &mut []);
    }
}
