//! The formats of 32 weights a block: one scale (and for the `_1` types one minimum) in f16.
//!
//! Every rounding is that of the reference implementation, so that the same floats give the same bytes everywhere.

use half::f16;

/// Scale and codes 0 to `2 * half - 1`: the weight farthest from zero becomes code 0, zero is code `half`.
fn symmetric(x: &[f32; 32], half: f32) -> (f32, [u8; 32]) {
    let farthest = x.iter().fold(0.0f32, |far, &x| if x.abs() > far.abs() { x } else { far });
    let scale = farthest / -half;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    (scale, x.map(|x| (x * inverse + (half + 0.5)).clamp(0.0, 2.0 * half - 1.0) as u8))
}

/// Scale, minimum and codes 0 to `most`.
fn affine(x: &[f32; 32], most: f32) -> (f32, f32, [u8; 32]) {
    let (low, high) = x.iter().fold((x[0], x[0]), |(low, high), &x| (low.min(x), high.max(x)));
    let scale = (high - low) / most;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    (scale, low, x.map(|x| ((x - low) * inverse + 0.5).clamp(0.0, most) as u8))
}

fn put_half(out: &mut Vec<u8>, value: f32) {
    out.extend(f16::from_f32(value).to_le_bytes());
}

/// The low four bits: weight `j` in the low half of byte `j`, weight `j + 16` in the high half.
fn put_nibbles(out: &mut Vec<u8>, codes: &[u8; 32]) {
    out.extend((0..16).map(|j| codes[j] & 15 | codes[j + 16] << 4));
}

/// The fifth bits, weight `j` in bit `j`.
fn put_fifth_bits(out: &mut Vec<u8>, codes: &[u8; 32]) {
    let bits = codes.iter().enumerate().fold(0u32, |bits, (j, code)| bits | u32::from(code >> 4) << j);
    out.extend(bits.to_le_bytes());
}

pub(super) fn q4_0(x: &[f32; 32], out: &mut Vec<u8>) {
    let (scale, codes) = symmetric(x, 8.0);
    put_half(out, scale);
    put_nibbles(out, &codes);
}

pub(super) fn q4_1(x: &[f32; 32], out: &mut Vec<u8>) {
    let (scale, low, codes) = affine(x, 15.0);
    put_half(out, scale);
    put_half(out, low);
    put_nibbles(out, &codes);
}

pub(super) fn q5_0(x: &[f32; 32], out: &mut Vec<u8>) {
    let (scale, codes) = symmetric(x, 16.0);
    put_half(out, scale);
    put_fifth_bits(out, &codes);
    put_nibbles(out, &codes);
}

pub(super) fn q5_1(x: &[f32; 32], out: &mut Vec<u8>) {
    let (scale, low, codes) = affine(x, 31.0);
    put_half(out, scale);
    put_half(out, low);
    put_fifth_bits(out, &codes);
    put_nibbles(out, &codes);
}

pub(super) fn q8_0(x: &[f32; 32], out: &mut Vec<u8>) {
    let scale = x.iter().fold(0.0f32, |far, x| far.max(x.abs())) / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    put_half(out, scale);
    out.extend(x.map(|x| (x * inverse).round() as i8 as u8));
}
