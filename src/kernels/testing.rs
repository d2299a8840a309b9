//! Made-up rows for the kernels' tests.

use super::Format;

/// A small generator (SplitMix64), so that tests need no dependency and always see the same numbers.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Between -1 and 1.
    pub fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }
}

/// `n` floats between -1 and 1.
pub fn floats(n: usize, seed: u64) -> Vec<f32> {
    let mut random = Random(seed);
    (0..n).map(|_| random.float()).collect()
}

/// Rows in `format`: random bytes, so that integer codes and steps take every value, under scales that are small numbers.
pub fn rows(format: Format, rows: usize, cols: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let half = |random: &mut Random| half::f16::from_f32(random.float() / 64.0).to_le_bytes();
    // Where the f16 scales of a block stand.
    let scales: &[usize] = match format {
        Format::F32 | Format::F16 | Format::BF16 => &[],
        Format::Q8_0 | Format::Q4_0 | Format::Q5_0 | Format::IQ4_NL | Format::IQ4_XS => &[0],
        Format::Q4_1 | Format::Q5_1 | Format::Q4_K | Format::Q5_K => &[0, 2],
        Format::Q2_K => &[80, 82],
        Format::Q3_K => &[108],
        Format::Q6_K => &[208],
    };
    let mut out = Vec::new();
    for _ in 0..rows * cols / format.block_len() {
        match format {
            Format::F32 => out.extend(random.float().to_le_bytes()),
            Format::F16 => out.extend(half::f16::from_f32(random.float()).to_le_bytes()),
            Format::BF16 => out.extend(&random.float().to_le_bytes()[2..]),
            _ => {
                let start = out.len();
                out.extend((0..format.block_bytes()).map(|_| random.next() as u8));
                for &at in scales {
                    out[start + at..][..2].copy_from_slice(&half(&mut random));
                }
            }
        }
    }
    out
}
