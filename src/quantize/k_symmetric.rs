//! Q6_K: 16 sub-blocks of 16 weights with 8-bit scales under one f16 super-scale, codes of 6 bits less 32.
//!
//! The search is that of `k_affine` without minimums.

use half::f16;

/// Weights of a sub-block.
const SUB: usize = 16;
/// How often the super-scale is fitted again, at most.
const ROUNDS: usize = 4;

struct SuperBlock {
    d: f16,
    scales: [i8; 16],
    codes: [[f32; SUB]; 16],
    error: f32,
}

pub(super) fn q6_k(x: &[f32; 256], out: &mut Vec<u8>) {
    let block = search(x);
    let codes: Vec<u8> = block.codes.as_flattened().iter().map(|code| (code + 32.0) as u8).collect();
    // Halves of 128 weights: of each, weights 0 to 63 in low nibbles and 64 to 127 in high ones.
    for half in codes.chunks_exact(128) {
        out.extend((0..64).map(|j| half[j] & 15 | half[j + 64] << 4));
    }
    for half in codes.chunks_exact(128) {
        let high = |j: usize| (0..4).fold(0, |byte, part| byte | half[j + 32 * part] >> 4 << (2 * part));
        out.extend((0..32).map(high));
    }
    out.extend(block.scales.map(|scale| scale as u8));
    out.extend(block.d.to_le_bytes());
}

fn search(x: &[f32; 256]) -> SuperBlock {
    let (subs, _) = x.as_chunks::<SUB>();
    let fits: [f32; 16] = std::array::from_fn(|j| fit(&subs[j]));
    let widest = fits.iter().fold(0.0f32, |widest, &fit| if fit.abs() > widest.abs() { fit } else { widest });
    let mut best = settle(subs, &fits, widest / -128.0);
    for _ in 0..ROUNDS {
        let Some(d) = refit(subs, &best) else { break };
        let next = settle(subs, &fits, d);
        if next.error >= best.error {
            break;
        }
        best = next;
    }
    best
}

/// Rounds as in `k_affine`.
#[inline]
fn round(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}

#[inline]
fn assign(x: &[f32; SUB], inverse: f32) -> [f32; SUB] {
    x.map(|x| round((x * inverse).clamp(-32.0, 31.0)))
}

#[inline]
fn error(x: &[f32; SUB], codes: &[f32; SUB], scale: f32) -> f32 {
    let mut sums = [0.0f32; 8];
    for j in 0..SUB {
        let miss = scale * codes[j] - x[j];
        sums[j % 8] += miss * miss;
    }
    sums.iter().sum()
}

/// The scale of a sub-block on its own. It may be negative: code -32 lies farther out than 31.
fn fit(x: &[f32; SUB]) -> f32 {
    let farthest = x.iter().fold(0.0f32, |far, &x| if x.abs() > far.abs() { x } else { far });
    if farthest.abs() <= f32::MIN_POSITIVE {
        return 0.0;
    }
    let mut best = farthest / -32.0;
    let mut least = f32::INFINITY;
    for step in -9..=9 {
        let mut scale = farthest / -(32.0 + 0.1 * step as f32);
        for _ in 0..2 {
            let codes = assign(x, 1.0 / scale);
            let (mut cc, mut xc) = (0.0, 0.0);
            for (x, code) in x.iter().zip(&codes) {
                cc += code * code;
                xc += x * code;
            }
            if cc == 0.0 || xc == 0.0 {
                break;
            }
            scale = xc / cc;
            let error = error(x, &codes, scale);
            if error < least {
                (least, best) = (error, scale);
            }
        }
    }
    best
}

fn settle(x: &[[f32; SUB]], fits: &[f32; 16], d: f32) -> SuperBlock {
    let d = f16::from_f32(d);
    let mut out = SuperBlock { d, scales: [0; 16], codes: [[0.0; SUB]; 16], error: 0.0 };
    let d = d.to_f32();
    for (j, x) in x.iter().enumerate() {
        let nearest = if d == 0.0 { 0.0 } else { (fits[j] / d).round().clamp(-128.0, 127.0) };
        let mut least = f32::INFINITY;
        for step in [0.0, -1.0, 1.0] {
            let scale = (nearest + step).clamp(-128.0, 127.0);
            let s = d * scale;
            let codes = assign(x, if s == 0.0 { 0.0 } else { 1.0 / s });
            let error = error(x, &codes, s);
            if error < least {
                least = error;
                (out.scales[j], out.codes[j]) = (scale as i8, codes);
            }
        }
        out.error += least;
    }
    out
}

fn refit(x: &[[f32; SUB]], block: &SuperBlock) -> Option<f32> {
    let (mut aa, mut ax) = (0.0f64, 0.0);
    for (j, x) in x.iter().enumerate() {
        for (x, code) in x.iter().zip(&block.codes[j]) {
            let a = f64::from(block.scales[j]) * f64::from(*code);
            aa += a * a;
            ax += a * f64::from(*x);
        }
    }
    let d = ax / aa;
    (d.is_finite() && d != 0.0).then_some(d as f32)
}
