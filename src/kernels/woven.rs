//! Matrices woven for decoding: a copy in the order in which a kernel wants its weights.
//!
//! In a file a row's codes lie together, so a product of eight rows spends more on bringing codes and scales of different rows into
//! one register, and on adding up across lanes, than on multiplying. In the woven form sixteen rows (a panel) are laid out as
//! registers want them: four columns of all sixteen in 64 bytes, codes still in their 4 to 8 bits, scales of the sixteen
//! side by side. It takes as many bytes as the file's form (up to 3 % more), and gives the same bits in the product, since a
//! group's sum is the same integer and groups are added in the same order.
//!
//! A panel is read from its beginning to its end, so that it is one stream of memory: pieces of two blocks (the last may be one), each
//! the heads of its blocks and then their codes, a group after the other; both start on a multiple of 64 bytes.
//!
//! ```text
//! head    scales of sixteen rows (f16), their minima where there are any (f16), and for blocks of eight groups
//!         for each group steps and minima, or first and second steps, of sixteen rows (bytes)
//! codes   four columns of sixteen rows are 64 bytes, words 0 to 7 of the group:
//!         the low four bits of words j and j + 4 in the low and high nibbles of 64 bytes j; after these,
//!         of 5 bits: bit j of each byte is the fifth bit of word j;
//!         of 6 bits: twice 64 bytes, the upper two bits of words 0 to 3, then of 4 to 7;
//!         of 8 bits: the words themselves, signed bytes moved up by 128
//! ```
//!
//! The functions of a panel here are the definition; `x86` has the same in registers. Other processors have no kernel for it, and
//! decode from the file's form.

use std::sync::{Mutex, PoisonError};

use super::block::{Block, half_at};
use super::input::Codes;
use super::{BLOCK, Cpu, Format, Matrix, PANEL, Pool, Rows, with_rows};

/// Bytes that the woven form of `matrix` takes; `None` if this machine has no kernel for its format that is worth it.
pub fn woven_bytes(cpu: Cpu, matrix: &Matrix<'_>) -> Option<usize> {
    room(matrix).filter(|_| pays(cpu, matrix.format()))
}

/// Whether products of the woven form are faster than those of the file's form. Measured from memory, two threads of a Zen 4: in
/// AVX-512 VNNI all are (1.1 to 1.3 times), in AVX2 those of 4 and 5 bits (1.2 to 1.3), not Q8_0 (0.95) and Q6_K (0.7).
fn pays(cpu: Cpu, format: Format) -> bool {
    let _ = format; // used on x86-64 only
    match cpu.isa() {
        #[cfg(target_arch = "x86_64")]
        super::Isa::Avx512 => true,
        #[cfg(target_arch = "x86_64")]
        super::Isa::Avx2 | super::Isa::AvxVnni => !matches!(format, Format::Q8_0 | Format::Q6_K),
        _ => false,
    }
}

/// Bytes that the woven form of `matrix` takes, worth it or not; `None` for a format without it.
pub(crate) fn room(matrix: &Matrix<'_>) -> Option<usize> {
    let panel = with_rows!(matrix.format(), R => R::woven_bytes(matrix.cols()))?;
    panel.checked_mul(matrix.rows().div_ceil(PANEL))
}

/// Weaves `matrix` into `out`, all threads of the pool taking part.
///
/// # Panics
/// If the matrix has no woven form or `out` is not as long as it.
pub fn weave(pool: &Pool, cpu: Cpu, matrix: &Matrix<'_>, out: &mut [u8]) {
    assert_eq!(Some(out.len()), room(matrix), "room for a woven matrix has another size");
    let panels = matrix.rows().div_ceil(PANEL);
    let bytes = out.len() / panels;
    let share = panels.div_ceil(pool.threads() * 4);
    // Each part's lock is taken once, by the thread that does it: a way to hand out a slice of the room without copies.
    let parts: Vec<_> = out.chunks_mut(share * bytes).map(Mutex::new).collect();
    pool.run(parts.len(), &|part| {
        let mut room = parts[part].lock().unwrap_or_else(PoisonError::into_inner);
        for (i, out) in room.chunks_exact_mut(bytes).enumerate() {
            let first = (part * share + i) * PANEL;
            // Where fewer than sixteen rows are left the last is repeated, and its products dropped.
            let rows = std::array::from_fn(|k| matrix.row((first + k).min(matrix.rows() - 1)));
            with_rows!(matrix.format(), R => R::weave(cpu, rows, out));
        }
    });
}

/// Bytes of a block's head.
pub(super) const fn head_bytes<B: Block>() -> usize {
    let scales = if B::MINS { 4 * PANEL } else { 2 * PANEL };
    if B::GROUPS == 1 { scales } else { scales + B::GROUPS * 2 * PANEL }
}

/// Blocks of a piece: with fewer, heads of 32 bytes would leave holes.
pub(super) const PIECE: usize = 2;

/// Bytes of the heads of a piece of so many blocks.
pub(super) const fn heads_bytes<B: Block>(blocks: usize) -> usize {
    (blocks * head_bytes::<B>()).next_multiple_of(64)
}

/// Bytes of a block's codes.
pub(super) const fn codes_bytes<B: Block>() -> usize {
    B::GROUPS * B::BITS * 64
}

/// Bytes of a piece of so many blocks.
pub(super) const fn piece_bytes<B: Block>(blocks: usize) -> usize {
    heads_bytes::<B>(blocks) + blocks * codes_bytes::<B>()
}

/// Bytes of sixteen rows of `groups` groups.
pub(super) const fn panel_bytes<B: Block>(groups: usize) -> usize {
    let blocks = groups / B::GROUPS;
    blocks / PIECE * piece_bytes::<B>(PIECE) + piece_bytes::<B>(blocks % PIECE)
}

/// Where head and codes of block `b` of `blocks` begin in a panel.
pub(super) const fn places<B: Block>(b: usize, blocks: usize) -> [usize; 2] {
    let (piece, place) = (b / PIECE, b % PIECE);
    let start = piece * piece_bytes::<B>(PIECE);
    let with = if blocks - piece * PIECE < PIECE { blocks % PIECE } else { PIECE };
    [start + place * head_bytes::<B>(), start + heads_bytes::<B>(with) + place * codes_bytes::<B>()]
}

/// Weaves sixteen rows.
///
/// # Panics
/// If rows differ in length or `out` is not [`panel_bytes`] long.
pub(super) fn weave_panel<B: Block>(rows: [&[u8]; PANEL], out: &mut [u8]) {
    weave_heads::<B>(&rows, out);
    let blocks = rows[0].len() / B::BYTES;
    for (b, g) in (0..blocks).flat_map(|b| (0..B::GROUPS).map(move |g| (b, g))) {
        let groups = rows.map(|row| B::group(&row[b * B::BYTES..(b + 1) * B::BYTES], g).codes);
        let word = |r: usize, j: usize| i32::from_le_bytes(std::array::from_fn(|k| groups[r][4 * j + k]));
        let to = &mut out[places::<B>(b, blocks)[1] + g * B::BITS * 64..][..B::BITS * 64];
        weave_codes::<B>(&std::array::from_fn(|j| std::array::from_fn(|r| word(r, j))), to);
    }
}

/// Writes the heads of sixteen rows.
///
/// # Panics
/// As [`weave_panel`].
pub(super) fn weave_heads<B: Block>(rows: &[&[u8]; PANEL], out: &mut [u8]) {
    let blocks = rows[0].len() / B::BYTES;
    let groups = blocks * B::GROUPS;
    assert!(rows.iter().all(|row| row.len() == blocks * B::BYTES) && out.len() == panel_bytes::<B>(groups));
    for b in 0..blocks {
        let head = &mut out[places::<B>(b, blocks)[0]..][..head_bytes::<B>()];
        for (k, row) in rows.iter().enumerate() {
            let block = &row[b * B::BYTES..(b + 1) * B::BYTES];
            let scales = if B::MINS { 2 } else { 1 };
            for (i, bits) in B::woven_head(block).into_iter().enumerate().take(scales) {
                head[2 * (i * PANEL + k)..][..2].copy_from_slice(&bits.to_le_bytes());
            }
            if B::GROUPS > 1 {
                for g in 0..B::GROUPS {
                    let at = 2 * PANEL * (scales + g) + k;
                    [head[at], head[at + PANEL]] = B::woven_steps(block, g);
                }
            }
        }
    }
}

/// Writes a group's codes: `words[j][r]` are columns `4 j` to `4 j + 3` of row `r`, a byte each.
pub(super) fn weave_codes<B: Block>(words: &[[i32; PANEL]; 8], to: &mut [u8]) {
    let mut put = |line: usize, r: usize, word: u32| {
        to[64 * line + 4 * r..][..4].copy_from_slice(&word.to_le_bytes());
    };
    #[allow(clippy::needless_range_loop)] // `r` counts rows in eight arrays; none of them leads
    for r in 0..PANEL {
        let word = |j: usize| words[j][r] as u32;
        let upper = |j: usize, mask: u32| word(j) >> 4 & mask;
        match B::BITS {
            8 => (0..8).for_each(|j| put(j, r, word(j))),
            _ => (0..4).for_each(|j| put(j, r, word(j) & 0x0f0f_0f0f | (word(j + 4) & 0x0f0f_0f0f) << 4)),
        }
        match B::BITS {
            5 => put(4, r, (0..8).fold(0, |all, j| all | upper(j, 0x0101_0101) << j)),
            6 => (0..2).for_each(|h| {
                put(4 + h, r, (0..4).fold(0, |all, j| all | upper(4 * h + j, 0x0303_0303) << (2 * j)));
            }),
            _ => {}
        }
    }
}

/// Column `i` of row `r` of a group.
fn code<B: Block>(codes: &[u8], r: usize, i: usize) -> i32 {
    let (j, k) = (i / 4, 4 * r + i % 4);
    if B::BITS == 8 {
        return codes[64 * j + k].into();
    }
    let upper = match B::BITS {
        5 => codes[64 * 4 + k] >> j & 1,
        6 => codes[64 * (4 + j / 4) + k] >> (2 * (j % 4)) & 3,
        _ => 0,
    };
    (codes[64 * (j % 4) + k] >> (4 * (j / 4)) & 15 | upper << 4).into()
}

/// Sixteen woven rows, at the start of `panel`, with one token, in the order of the definition of [`super::block`].
///
/// # Panics
/// If the panel is shorter than the token's rows are.
pub(super) fn product<B: Block>(panel: &[u8], x: Codes<'_>) -> [f32; PANEL] {
    let groups = x.scales.len();
    let mut sums = [0.0; PANEL];
    for i in 0..groups {
        let [head, codes] = places::<B>(i / B::GROUPS, groups / B::GROUPS);
        let head = &panel[head..][..head_bytes::<B>()];
        let codes = &panel[codes + i % B::GROUPS * B::BITS * 64..][..B::BITS * 64];
        let beside =
            &head[head_bytes::<B>() - (B::GROUPS - i % B::GROUPS) * 2 * PANEL * usize::from(B::GROUPS > 1)..];
        let x_codes = &x.codes[i * BLOCK..(i + 1) * BLOCK];
        let ([s0, s1], dx) = (x.halves[i], x.scales[i]);
        for (r, sum) in sums.iter_mut().enumerate() {
            let half = |h: usize| -> i32 {
                let products = (0..BLOCK / 2).map(|k| h * BLOCK / 2 + k);
                products.map(|k| code::<B>(codes, r, k) * i32::from(x_codes[k])).sum()
            };
            let exact = [half(0) - B::OFFSET * s0, half(1) - B::OFFSET * s1];
            let (mut scale, mut min) =
                (half_at(head, 2 * r), if B::MINS { half_at(head, 2 * (PANEL + r)) } else { 0.0 });
            let mut whole = exact[0] + exact[1];
            if B::HALVES {
                let step = |h: usize| i32::from(beside[h * PANEL + r] as i8);
                whole = step(0) * exact[0] + step(1) * exact[1];
            } else if B::GROUPS > 1 {
                (scale, min) = (scale * f32::from(beside[r]), min * f32::from(beside[PANEL + r]));
            }
            *sum += whole as f32 * (scale * dx);
            if B::MINS {
                *sum -= (s0 + s1) as f32 * (min * dx);
            }
        }
    }
    sums
}
