//! The model inside the binary.

use crate::gguf::Bytes;

/// Puts the bytes where the map of a file would: on a cache line.
#[repr(C, align(64))]
struct Aligned<B: ?Sized>(B);

static MODEL: &Aligned<[u8]> = &Aligned(*include_bytes!("../../models/pintail.gguf"));

/// The bundled model's GGUF file, used where it stands in the program.
pub fn bundled() -> Bytes {
    Bytes::Static(&MODEL.0)
}
