//! Model files in fewer bits: block quantisers, the usual mixes of types, and the rewriting of a file.
//!
//! - [`quantize_row`] turns floats into blocks. F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0 give the bytes of the
//!   reference implementation (the `gguf` package for Python); Q4_K, Q5_K and Q6_K have a search of their own that
//!   minimises the squared error.
//! - [`Mix`] says which type a tensor gets, by the names that people know (`Q4_K_M`).
//! - [`Job`] reads a GGUF file, quantises tensor by tensor and hands the new file on as it comes: a few MiB of heap a
//!   thread, however large the model.

mod blocks;
mod error;
mod job;
mod k_affine;
mod k_symmetric;
mod mix;

pub use error::QuantizeError;
pub use job::{Job, Progress};
pub use mix::Mix;

use crate::gguf::GgmlType;
use half::{bf16, f16};

/// The types that [`quantize_row`] can write.
pub const WRITABLE: &[GgmlType] = &[
    GgmlType::F32,
    GgmlType::F16,
    GgmlType::BF16,
    GgmlType::Q4_0,
    GgmlType::Q4_1,
    GgmlType::Q5_0,
    GgmlType::Q5_1,
    GgmlType::Q8_0,
    GgmlType::Q4_K,
    GgmlType::Q5_K,
    GgmlType::Q6_K,
];

/// Appends a row as blocks of `ty` to `out`. Floats are expected to be finite; what is not becomes garbage of the right
/// size.
///
/// # Panics
/// If `ty` is not in [`WRITABLE`] or `row` is not a whole number of its blocks.
pub fn quantize_row(ty: GgmlType, row: &[f32], out: &mut Vec<u8>) {
    assert!(row.len().is_multiple_of(ty.block_len()), "{} elements are no whole blocks of {ty}", row.len());
    let (small, _) = row.as_chunks::<32>();
    let (large, _) = row.as_chunks::<256>();
    match ty {
        GgmlType::F32 => out.extend(row.iter().flat_map(|x| x.to_le_bytes())),
        GgmlType::F16 => out.extend(row.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes())),
        GgmlType::BF16 => out.extend(row.iter().flat_map(|x| bf16::from_f32(*x).to_le_bytes())),
        GgmlType::Q4_0 => small.iter().for_each(|x| blocks::q4_0(x, out)),
        GgmlType::Q4_1 => small.iter().for_each(|x| blocks::q4_1(x, out)),
        GgmlType::Q5_0 => small.iter().for_each(|x| blocks::q5_0(x, out)),
        GgmlType::Q5_1 => small.iter().for_each(|x| blocks::q5_1(x, out)),
        GgmlType::Q8_0 => small.iter().for_each(|x| blocks::q8_0(x, out)),
        GgmlType::Q4_K => large.iter().for_each(|x| k_affine::q4_k(x, out)),
        GgmlType::Q5_K => large.iter().for_each(|x| k_affine::q5_k(x, out)),
        GgmlType::Q6_K => large.iter().for_each(|x| k_symmetric::q6_k(x, out)),
        other => panic!("{other} is not written"),
    }
}

#[cfg(test)]
mod tests;
