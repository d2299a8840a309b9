//! Products of weight matrices with a tile of tokens, split by rows over the pool.

use std::ops::Range;

use super::{Cpu, Input, Matrix, PANEL, Pool, Rows, with_rows};

/// Multiply-adds below which threads cost more than they give (about 15 µs of one core's work).
const WORTH_SPLITTING: usize = 256 * 1024;
/// Tokens from which unpacking rows costs less than it saves.
const WORTH_UNPACKING: usize = 8;
/// Bytes of rows that stay in the first cache while all tokens pass over them.
const ROW_TILE: usize = 16 * 1024;
/// Bytes before their use that weights are fetched into the cache: less comes too late, more pushes out what is needed sooner
/// (4 to 8 KiB were best of 4 to 32 on a Zen 4).
const AHEAD: usize = 8 * 1024;
/// Parts of a thread's share of a matrix. At the end one thread waits for the other's last part, and no two threads are equally
/// fast: with 4 parts the caller waited a quarter of the time.
const PARTS: usize = 16;

/// One matrix to multiply the input with, and where the product goes: a row of `matrix.rows()` floats a token.
pub struct Product<'a> {
    /// The weights.
    pub matrix: Matrix<'a>,
    /// `tokens * matrix.rows()` floats.
    pub out: &'a mut [f32],
}

/// Where a product goes, shared by threads that each write other rows.
#[derive(Clone, Copy)]
struct Out {
    at: *mut f32,
    rows: usize,
}

// SAFETY: threads write disjoint rows (see `matmul`), and the slice behind the pointer outlives the pool's run.
unsafe impl Send for Out {}
// SAFETY: as above.
unsafe impl Sync for Out {}

impl Out {
    /// # Safety
    /// `row` and the token must be inside the slice that this was made from, and no other thread may use that place.
    unsafe fn set(&self, token: usize, row: usize, value: f32) {
        // SAFETY: the caller's promise.
        unsafe { self.at.add(token * self.rows + row).write(value) }
    }
}

/// Multiplies several matrices with one input, as one piece of work for the pool.
///
/// # Panics
/// If a matrix's columns are not the input's, an output has another length than `tokens * rows`, or an integer matrix
/// meets an input without codes.
pub fn matmul(pool: &Pool, cpu: Cpu, input: &Input<'_>, products: &mut [Product<'_>]) {
    let mut work = 0;
    for p in products.iter() {
        check(&p.matrix, input);
        assert_eq!(p.out.len(), input.tokens() * p.matrix.rows(), "output of a product has another size");
        work += p.matrix.rows() * p.matrix.cols() * input.tokens();
    }
    // Part `part` of `parts` of a matrix, in whole groups of rows.
    let run = |part: usize, parts: usize, (matrix, out): &(Matrix<'_>, Out)| {
        let few = input.tokens() < WORTH_UNPACKING && matrix.woven.is_none();
        let group = if few { 8 } else { PANEL };
        let groups = matrix.rows().div_ceil(group);
        let edge = |i: usize| (groups * i / parts * group).min(matrix.rows());
        range(cpu, matrix, input, edge(part)..edge(part + 1), *out);
    };
    // A handful of matrices share an input; the fixed room keeps this off the heap.
    for products in products.chunks_mut(4) {
        let mut shared = [const { None }; 4];
        for (slot, p) in shared.iter_mut().zip(products.iter_mut()) {
            *slot = Some((p.matrix, Out { at: p.out.as_mut_ptr(), rows: p.matrix.rows() }));
        }
        let count = shared.iter().flatten().count();
        let first = shared[0].expect("chunks are not empty");
        let shared = shared.map(|slot| slot.unwrap_or(first));
        let shared = &shared[..count];
        if work < WORTH_SPLITTING || pool.threads() == 1 {
            shared.iter().for_each(|product| run(0, 1, product));
        } else {
            // A thread reads its share of one matrix after its share of the other, each from its beginning to its end.
            let threads = pool.threads();
            pool.run(threads * count * PARTS, &|part| {
                let (thread, place) = (part / (count * PARTS), part % (count * PARTS));
                run(thread * PARTS + place % PARTS, threads * PARTS, &shared[place / PARTS]);
            });
        }
    }
}

/// Multiplies only the rows named in `ids`, in that order, with a single token's input; an id that the matrix does not
/// have gives negative infinity. For logits of the few tokens that a grammar allows.
///
/// # Panics
/// If the input is not one token of the matrix's columns, or `out` and `ids` differ in length.
pub fn matmul_rows(cpu: Cpu, matrix: &Matrix<'_>, input: &Input<'_>, ids: &[u32], out: &mut [f32]) {
    check(matrix, input);
    assert!(input.tokens() == 1 && ids.len() == out.len(), "one token and an output a row are needed");
    with_rows!(matrix.format(), R => picked::<R>(cpu, matrix, input, ids, out));
}

fn check(matrix: &Matrix<'_>, input: &Input<'_>) {
    assert_eq!(matrix.cols(), input.n(), "matrix and input differ in width");
    assert!(
        input.has_codes() || !matrix.format().is_integer(),
        "an integer matrix needs an input with codes"
    );
}

fn picked<R: Rows>(cpu: Cpu, matrix: &Matrix<'_>, input: &Input<'_>, ids: &[u32], out: &mut [f32]) {
    let x = R::token(input, 0);
    for (ids, out) in ids.chunks(8).zip(out.chunks_mut(8)) {
        let id = |k: usize| ids[k.min(ids.len() - 1)] as usize;
        let rows = std::array::from_fn(|k| matrix.row(if id(k) < matrix.rows() { id(k) } else { 0 }));
        for (k, (out, dot)) in out.iter_mut().zip(R::rows8(cpu, rows, x, 0)).enumerate() {
            *out = if id(k) < matrix.rows() { dot } else { f32::NEG_INFINITY };
        }
    }
}

fn range(cpu: Cpu, matrix: &Matrix<'_>, input: &Input<'_>, rows: Range<usize>, out: Out) {
    with_rows!(matrix.format(), R => {
        if let Some(all) = matrix.woven.filter(|_| input.tokens() < WORTH_UNPACKING) {
            woven::<R>(cpu, matrix, all, input, rows, out);
        } else if input.tokens() < WORTH_UNPACKING || !panels::<R>(cpu, matrix, input, rows.clone(), out) {
            tiles::<R>(cpu, matrix, input, rows, out);
        }
    });
}

/// Panels of rows with all tokens; `false` if this machine has no kernel for them.
fn panels<R: Rows>(cpu: Cpu, matrix: &Matrix<'_>, input: &Input<'_>, rows: Range<usize>, out: Out) -> bool {
    for start in rows.clone().step_by(PANEL) {
        let count = PANEL.min(rows.end - start);
        // Where fewer rows are left the last is computed again, and dropped.
        let panel = std::array::from_fn(|k| matrix.row(start + k.min(count - 1)));
        let done = R::panel(cpu, panel, input, &mut |t, dots| {
            for (k, &dot) in dots[..count].iter().enumerate() {
                // SAFETY: the token is the input's and the row in range (`matmul` checked the output's size), and this
                // range of rows is this thread's alone.
                unsafe { out.set(t, start + k, dot) };
            }
        });
        if !done {
            return false;
        }
    }
    true
}

/// Panels of woven rows, over each the tokens one by one.
fn woven<R: Rows>(
    cpu: Cpu,
    matrix: &Matrix<'_>,
    all: &[u8],
    input: &Input<'_>,
    rows: Range<usize>,
    out: Out,
) {
    let bytes = R::woven_bytes(matrix.cols()).expect("only formats that have the form are woven");
    for start in rows.clone().step_by(PANEL) {
        let panel = &all[start / PANEL * bytes..];
        for t in 0..input.tokens() {
            let dots = R::woven(cpu, panel, R::token(input, t));
            for (k, &dot) in dots.iter().enumerate().take(rows.end - start) {
                // SAFETY: as in `panels`.
                unsafe { out.set(t, start + k, dot) };
            }
        }
    }
}

/// Row tiles that fit the first cache, over them the tokens in fours, and the tokens left over one by one.
fn tiles<R: Rows>(cpu: Cpu, matrix: &Matrix<'_>, input: &Input<'_>, rows: Range<usize>, out: Out) {
    let tokens = input.tokens();
    let row = matrix.row(0).len();
    let tile = (ROW_TILE / row).max(8) & !7;
    // Eight rows are read at once, so what they will need next lies a multiple of eight rows behind.
    let ahead = 8 * row * AHEAD.div_ceil(8 * row);
    for start in rows.clone().step_by(tile) {
        let end = (start + tile).min(rows.end);
        let mut t = 0;
        while t + 4 <= tokens {
            let x = std::array::from_fn(|k| R::token(input, t + k));
            for row in start..end {
                for (k, dot) in R::tokens4(cpu, matrix.row(row), x).into_iter().enumerate() {
                    // SAFETY: `t + k` and `row` are in range (`matmul` checked the output's size), and this range of
                    // rows is this thread's alone.
                    unsafe { out.set(t + k, row, dot) };
                }
            }
            t += 4;
        }
        for t in t..tokens {
            let x = R::token(input, t);
            for first in (start..end).step_by(8) {
                let last = end - 1;
                let eight = std::array::from_fn(|k| matrix.row((first + k).min(last)));
                for (k, dot) in R::rows8(cpu, eight, x, ahead).into_iter().enumerate().take(end - first) {
                    // SAFETY: as above.
                    unsafe { out.set(t, first + k, dot) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{floats, rows};
    use super::super::{Format, Quantized, weave, woven};
    use super::*;

    fn multiply(pool: &Pool, cpu: Cpu, matrix: Matrix<'_>, x: &[f32]) -> Vec<f32> {
        let mut room = Quantized::default();
        let input = Input::quantized(cpu, x, matrix.cols(), &mut room);
        let mut out = vec![f32::NAN; input.tokens() * matrix.rows()];
        matmul(pool, cpu, &input, &mut [Product { matrix, out: &mut out }]);
        out
    }

    /// Row lengths around block and vector edges, in elements.
    fn lengths(format: Format) -> Vec<usize> {
        if format.is_integer() {
            let blocks: &[usize] =
                if format.block_len() == 32 { &[1, 2, 3, 7, 18, 33, 66] } else { &[1, 2, 5, 9] };
            blocks.iter().map(|b| b * format.block_len()).collect()
        } else {
            (1..=35).chain([63, 64, 65, 576]).collect()
        }
    }

    #[test]
    fn products_match_dequantised_weights_in_doubles() {
        for &format in Format::ALL {
            for n in lengths(format) {
                for (count, tokens) in [(1, 1), (3, 2), (4, 4), (5, 5), (7, 9), (18, 13)] {
                    let bytes = rows(format, count, n, n as u64);
                    let matrix = Matrix::new(format, count, n, &bytes).unwrap();
                    let x = floats(n * tokens, 5);
                    for cpu in Cpu::all() {
                        let out = multiply(&Pool::new(1), cpu, matrix, &x);
                        let mut w = vec![0.0; n];
                        for r in 0..count {
                            matrix.dequantize_row(r, &mut w);
                            for t in 0..tokens {
                                let pairs = w.iter().zip(&x[t * n..]);
                                let want: f64 =
                                    pairs.clone().map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
                                let size: f64 = pairs.map(|(w, x)| f64::from((w * x).abs())).sum();
                                // 8-bit activations are off by at most half a step of 1/127 of the largest.
                                let weights: f64 = w.iter().map(|w| f64::from(w.abs())).sum();
                                let slack = if format.is_integer() { weights * 0.5 / 127.0 } else { 0.0 };
                                let off = (f64::from(out[t * count + r]) - want).abs();
                                assert!(
                                    off <= 1e-5 * size + slack + 1e-9,
                                    "{format:?} {n} {count}x{tokens} {cpu:?}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_vector_path_equals_the_scalar_one() {
        for &format in Format::ALL {
            for n in lengths(format) {
                let bytes = rows(format, 22, n, 11);
                let matrix = Matrix::new(format, 22, n, &bytes).unwrap();
                for tokens in [1, 6, 21] {
                    let x = floats(n * tokens, 12);
                    let [scalar, vector @ ..] = &Cpu::all()[..] else { unreachable!() };
                    let want = multiply(&Pool::new(1), *scalar, matrix, &x);
                    for &cpu in vector {
                        for (a, b) in want.iter().zip(multiply(&Pool::new(1), cpu, matrix, &x)) {
                            if format.is_integer() {
                                assert_eq!(
                                    a.to_bits(),
                                    b.to_bits(),
                                    "{format:?} {n} {tokens} {cpu:?}: {a} {b}"
                                );
                            } else {
                                assert!((a - b).abs() <= 1e-5 * n as f32, "{format:?} {n}: {a} {b}");
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn woven_rows_give_the_same_bits() {
        for &format in Format::ALL {
            for n in lengths(format) {
                for count in [1, 16, 39] {
                    let bytes = rows(format, count, n, 41);
                    let matrix = Matrix::new(format, count, n, &bytes).unwrap();
                    for (cpu, tokens) in Cpu::all().into_iter().flat_map(|cpu| [(cpu, 1), (cpu, 7), (cpu, 9)])
                    {
                        let Some(size) = woven::room(&matrix) else { continue };
                        assert!(
                            size <= matrix.size().div_ceil(count) * count.next_multiple_of(16) * 21 / 20 + 64
                        );
                        let (mut one, mut three) = (vec![1; size], vec![2; size]);
                        weave(&Pool::new(1), cpu, &matrix, &mut one);
                        weave(&Pool::new(3), cpu, &matrix, &mut three);
                        let x = floats(n * tokens, 42);
                        let want = multiply(&Pool::new(1), Cpu::scalar(), matrix, &x);
                        for room in [&one, &three] {
                            let got = multiply(&Pool::new(2), cpu, matrix.with_woven(room), &x);
                            let bits = |of: &[f32]| of.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                            assert_eq!(bits(&want), bits(&got), "{format:?} {n} {count} {tokens}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn tiles_threads_and_offsets_change_no_bit() {
        let pools = [Pool::new(1), Pool::new(2), Pool::new(5)];
        for &format in Format::ALL {
            let (count, n, tokens) = (203, 256 * 3, 11);
            let bytes = rows(format, count, n, 21);
            let shifted = [&[0u8][..], &bytes].concat();
            let x = floats(n * tokens, 22);
            for cpu in Cpu::all() {
                let matrix = Matrix::new(format, count, n, &bytes).unwrap();
                let all = multiply(&pools[0], cpu, matrix, &x);
                for pool in &pools[1..] {
                    assert_eq!(all, multiply(pool, cpu, matrix, &x));
                }
                let matrix = Matrix::new(format, count, n, &shifted[1..]).unwrap();
                for t in 0..tokens {
                    let one = multiply(&pools[0], cpu, matrix, &x[t * n..(t + 1) * n]);
                    assert_eq!(all[t * count..(t + 1) * count], one, "{format:?} token {t}");
                }
            }
        }
    }

    #[test]
    fn picked_rows_are_the_rows() {
        for &format in Format::ALL {
            let bytes = rows(format, 9, 256, 31);
            let matrix = Matrix::new(format, 9, 256, &bytes).unwrap();
            let x = floats(256, 32);
            for cpu in Cpu::all() {
                let all = multiply(&Pool::new(1), cpu, matrix, &x);
                let mut room = Quantized::default();
                let input = Input::quantized(cpu, &x, 256, &mut room);
                let ids = [8, 0, 3, 3, 9, u32::MAX, 7];
                let mut out = [0.0; 7];
                matmul_rows(cpu, &matrix, &input, &ids, &mut out);
                for (id, out) in ids.into_iter().zip(out) {
                    assert_eq!(out, all.get(id as usize).copied().unwrap_or(f32::NEG_INFINITY));
                }
                matmul_rows(cpu, &matrix, &input, &[], &mut []);
            }
        }
    }
}
