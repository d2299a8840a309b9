//! Q4_K and Q5_K: 8 sub-blocks of 32 weights, each with a 6-bit scale and a 6-bit minimum, under two f16 super-scales.
//! A weight is `d scale code - dmin minimum`.
//!
//! The search minimises the squared error in three steps: every sub-block alone finds real-valued scale and minimum
//! (codes from a guess, least squares from the codes, in turn, from several guesses); then scale and minimum take the
//! 6-bit values around these that fit best under the super-scales; then the super-scales are fitted by least squares to
//! all 256 codes and the second step is done again. The last two repeat while the error falls.

use half::f16;

/// Weights of a sub-block.
const SUB: usize = 32;
/// The largest 6-bit number.
const SIX_BITS: f32 = 63.0;
/// How often super-scales are fitted again, at most.
const ROUNDS: usize = 4;

/// 256 weights, quantised.
struct SuperBlock {
    d: f16,
    dmin: f16,
    scales: [u8; 8],
    mins: [u8; 8],
    codes: [[f32; SUB]; 8],
    error: f32,
}

pub(super) fn q4_k(x: &[f32; 256], out: &mut Vec<u8>) {
    let block = search(x, 15.0);
    put_head(&block, out);
    for pair in block.codes.chunks_exact(2) {
        out.extend(pair[0].iter().zip(&pair[1]).map(|(low, high)| *low as u8 | (*high as u8) << 4));
    }
}

pub(super) fn q5_k(x: &[f32; 256], out: &mut Vec<u8>) {
    let block = search(x, 31.0);
    put_head(&block, out);
    out.extend((0..SUB).map(|j| {
        let bits = block.codes.iter().enumerate();
        bits.fold(0, |byte, (sub, codes)| byte | (codes[j] as u8 >> 4) << sub)
    }));
    for pair in block.codes.chunks_exact(2) {
        out.extend(pair[0].iter().zip(&pair[1]).map(|(low, high)| *low as u8 & 15 | (*high as u8) << 4));
    }
}

/// Super-scales, then 6-bit scales and minimums: the first four of each whole, the others' high bits above those.
fn put_head(block: &SuperBlock, out: &mut Vec<u8>) {
    out.extend(block.d.to_le_bytes());
    out.extend(block.dmin.to_le_bytes());
    for six in [&block.scales, &block.mins] {
        out.extend((0..4).map(|j| six[j] | six[j + 4] >> 4 << 6));
    }
    out.extend((4..8).map(|j| block.scales[j] & 15 | block.mins[j] << 4));
}

fn search(x: &[f32; 256], most: f32) -> SuperBlock {
    let (subs, _) = x.as_chunks::<SUB>();
    let fits: [(f32, f32); 8] = std::array::from_fn(|j| fit(&subs[j], most));
    let widest = fits.iter().fold(0.0f32, |widest, fit| widest.max(fit.0));
    let deepest = fits.iter().fold(0.0f32, |deepest, fit| deepest.max(fit.1));
    let mut best = settle(subs, &fits, widest / SIX_BITS, deepest / SIX_BITS, most);
    for _ in 0..ROUNDS {
        let Some((d, dmin)) = refit(subs, &best) else { break };
        let next = settle(subs, &fits, d, dmin, most);
        if next.error >= best.error {
            break;
        }
        best = next;
    }
    best
}

/// Adding and taking away 1.5 * 2^23 rounds to a whole number; it needs no instruction beyond the oldest vector sets.
#[inline]
fn round(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}

/// The best codes for a scale (given as its inverse) and a minimum.
#[inline]
fn assign(x: &[f32; SUB], inverse: f32, min: f32, most: f32) -> [f32; SUB] {
    x.map(|x| round(((x + min) * inverse).clamp(0.0, most)))
}

#[inline]
fn error(x: &[f32; SUB], codes: &[f32; SUB], scale: f32, min: f32) -> f32 {
    let mut sums = [0.0f32; 8];
    for j in 0..SUB {
        let miss = scale * codes[j] - min - x[j];
        sums[j % 8] += miss * miss;
    }
    sums.iter().sum()
}

/// Scale and minimum (both at least 0) of a sub-block on its own.
fn fit(x: &[f32; SUB], most: f32) -> (f32, f32) {
    let (low, high) = x.iter().fold((0.0f32, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    let range = high - low;
    if range <= f32::MIN_POSITIVE {
        return (0.0, -low);
    }
    let mut best = (range / most, -low);
    let mut least = f32::INFINITY;
    for step in 0..=20 {
        let (mut scale, mut min) = (range / (most - 1.0 + 0.1 * step as f32), -low);
        for _ in 0..2 {
            let codes = assign(x, 1.0 / scale, min, most);
            let Some(line) = least_squares(x, &codes) else { break };
            (scale, min) = line;
            let error = error(x, &codes, scale, min);
            if error < least {
                (least, best) = (error, line);
            }
        }
    }
    best
}

/// The line `scale code - min` through a sub-block's weights; `None` where the codes say nothing.
fn least_squares(x: &[f32; SUB], codes: &[f32; SUB]) -> Option<(f32, f32)> {
    let n = SUB as f32;
    let (mut c, mut cc, mut xs, mut xc) = (0.0, 0.0, 0.0, 0.0);
    for (x, code) in x.iter().zip(codes) {
        c += code;
        cc += code * code;
        xs += x;
        xc += x * code;
    }
    let spread = n * cc - c * c;
    if spread <= 0.0 {
        return None;
    }
    let mut scale = (n * xc - xs * c) / spread;
    let mut min = (scale * c - xs) / n;
    if min < 0.0 {
        (scale, min) = (xc / cc, 0.0);
    }
    (scale > f32::MIN_POSITIVE).then_some((scale, min))
}

/// Scales and minimums in 6 bits under given super-scales, and the codes.
fn settle(x: &[[f32; SUB]], fits: &[(f32, f32); 8], d: f32, dmin: f32, most: f32) -> SuperBlock {
    let (d, dmin) = (f16::from_f32(d), f16::from_f32(dmin));
    let mut out = SuperBlock { d, dmin, scales: [0; 8], mins: [0; 8], codes: [[0.0; SUB]; 8], error: 0.0 };
    let (d, dmin) = (d.to_f32(), dmin.to_f32());
    let near = |value: f32, unit: f32| {
        let nearest = if unit > 0.0 { (value / unit).clamp(0.0, SIX_BITS).round() } else { 0.0 };
        let last = if unit > 0.0 { SIX_BITS } else { 0.0 };
        [nearest, (nearest - 1.0).max(0.0), (nearest + 1.0).min(last)]
    };
    for (j, x) in x.iter().enumerate() {
        let mut least = f32::INFINITY;
        for scale in near(fits[j].0, d) {
            for min in near(fits[j].1, dmin) {
                let (s, m) = (d * scale, dmin * min);
                let inverse = if s > 0.0 { 1.0 / s } else { 0.0 };
                let codes = assign(x, inverse, m, most);
                let error = error(x, &codes, s, m);
                if error < least {
                    least = error;
                    (out.scales[j], out.mins[j], out.codes[j]) = (scale as u8, min as u8, codes);
                }
            }
        }
        out.error += least;
    }
    out
}

/// The super-scales that fit the codes of all sub-blocks best.
fn refit(x: &[[f32; SUB]], block: &SuperBlock) -> Option<(f32, f32)> {
    let (mut aa, mut ab, mut bb, mut ax, mut bx) = (0.0f64, 0.0, 0.0, 0.0, 0.0);
    for (j, x) in x.iter().enumerate() {
        let (scale, b) = (f64::from(block.scales[j]), -f64::from(block.mins[j]));
        for (x, code) in x.iter().zip(&block.codes[j]) {
            let (a, x) = (scale * f64::from(*code), f64::from(*x));
            aa += a * a;
            ab += a * b;
            bb += b * b;
            ax += a * x;
            bx += b * x;
        }
    }
    let (mut d, mut dmin) = (ax / aa, 0.0);
    let spread = aa * bb - ab * ab;
    if spread > 0.0 {
        (d, dmin) = ((ax * bb - bx * ab) / spread, (bx * aa - ax * ab) / spread);
        if dmin < 0.0 {
            (d, dmin) = (ax / aa, 0.0);
        }
    }
    (d.is_finite() && d > 0.0).then_some((d as f32, dmin as f32))
}
