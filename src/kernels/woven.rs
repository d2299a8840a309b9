//! Matrices woven for decoding: a copy in the order in which a kernel wants its weights.
//!
//! In a file a row's codes lie together, so a product of eight rows spends more on bringing codes and scales of different rows into
//! one register, and on adding up across lanes, than on multiplying. In the woven form sixteen rows (a panel) are laid out as the
//! registers of `x86::panel` are: four columns of all sixteen in 64 bytes, codes still in their 4 to 8 bits, scales of the sixteen
//! side by side. It takes as many bytes as the file's form (up to 3 % more), and gives the same bits in the product, since a
//! group's sum is the same integer and groups are added in the same order.

use std::sync::{Mutex, PoisonError};

use super::{Cpu, Matrix, PANEL, Pool, Rows, with_rows};

/// Bytes that the woven form of `matrix` takes; `None` if this machine has no kernel for its format.
pub fn woven_bytes(cpu: Cpu, matrix: &Matrix<'_>) -> Option<usize> {
    let panel = with_rows!(matrix.format(), R => R::woven_bytes(cpu, matrix.cols()))?;
    panel.checked_mul(matrix.rows().div_ceil(PANEL))
}

/// Weaves `matrix` into `out`, all threads of the pool taking part.
///
/// # Panics
/// If `out` is not [`woven_bytes`] long.
pub fn weave(pool: &Pool, cpu: Cpu, matrix: &Matrix<'_>, out: &mut [u8]) {
    assert_eq!(Some(out.len()), woven_bytes(cpu, matrix), "room for a woven matrix has another size");
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
