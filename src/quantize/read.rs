//! Rows of any readable type as floats.

use half::bf16;

use crate::gguf::GgmlType;
use crate::kernels::Format;

/// Whether [`floats`] reads this type.
pub(super) fn is_readable(ty: GgmlType) -> bool {
    ty == GgmlType::BF16 || format(ty).is_some()
}

/// Writes the floats of a row. `false`, and nothing written, for a type that is not readable.
pub(super) fn floats(ty: GgmlType, row: &[u8], out: &mut [f32]) -> bool {
    if ty == GgmlType::BF16 {
        let (pairs, _) = row.as_chunks::<2>();
        out.iter_mut().zip(pairs).for_each(|(out, pair)| *out = bf16::from_le_bytes(*pair).to_f32());
        return true;
    }
    let Some(format) = format(ty) else { return false };
    format.dequantize(row, out);
    true
}

fn format(ty: GgmlType) -> Option<Format> {
    Some(match ty {
        GgmlType::F32 => Format::F32,
        GgmlType::F16 => Format::F16,
        GgmlType::Q8_0 => Format::Q8_0,
        GgmlType::Q4_0 => Format::Q4_0,
        _ => return None,
    })
}
