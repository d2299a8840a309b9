//! Q4_K, Q5_K and Q6_K back to floats, by the layout's definition: the tests' yardstick.

use half::f16;

use crate::gguf::GgmlType;

pub fn floats(ty: GgmlType, bytes: &[u8]) -> Vec<f32> {
    let blocks = bytes.chunks_exact(ty.block_bytes());
    match ty {
        GgmlType::Q4_K | GgmlType::Q5_K => blocks.flat_map(|block| affine(ty, block)).collect(),
        GgmlType::Q6_K => blocks.flat_map(symmetric).collect(),
        other => panic!("{other}"),
    }
}

fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

fn affine(ty: GgmlType, block: &[u8]) -> Vec<f32> {
    let (d, dmin, six) = (half(block), half(&block[2..]), &block[4..16]);
    let (high, low) = match ty {
        GgmlType::Q5_K => (&block[16..48], &block[48..]),
        _ => (&[0u8; 32][..], &block[16..]),
    };
    let weight = |i: usize| {
        let (sub, j) = (i / 32, i % 32);
        let (scale, min) = match sub {
            0..4 => (six[sub] & 63, six[sub + 4] & 63),
            _ => (six[sub + 4] & 15 | six[sub - 4] >> 6 << 4, six[sub + 4] >> 4 | six[sub] >> 6 << 4),
        };
        let nibble = low[sub / 2 * 32 + j] >> (4 * (sub % 2)) & 15;
        let code = nibble | (high[j] >> sub & 1) << 4;
        d * f32::from(scale) * f32::from(code) - dmin * f32::from(min)
    };
    (0..256).map(weight).collect()
}

fn symmetric(block: &[u8]) -> Vec<f32> {
    let (low, high, scales, d) = (&block[..128], &block[128..192], &block[192..208], half(&block[208..]));
    let weight = |i: usize| {
        let (part, j) = (i / 128, i % 128);
        let nibble = low[part * 64 + j % 64] >> (4 * (j / 64)) & 15;
        let code = nibble | (high[part * 32 + j % 32] >> (2 * (j / 32)) & 3) << 4;
        d * f32::from(scales[i / 16] as i8) * (f32::from(code) - 32.0)
    };
    (0..256).map(weight).collect()
}
