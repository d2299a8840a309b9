//! GGUF v2 and v3 files, read from a map: metadata, tensors, every offset and length checked before use.
//!
//! A byte of a model file becomes trusted in [`Gguf::parse`] and nowhere else: when it returns `Ok`,
//! every key, array and tensor lies inside the file, names are unique, and tensor data are aligned, of
//! the size that their type and shape ask for, and do not overlap. What the numbers *mean* (that an
//! array has as many scores as tokens, that a matrix fits the model) is for the reader of the key.
//!
//! Nothing is copied out of the file: [`Gguf`] holds an offset table of a few dozen bytes an entry, and
//! hands out slices of the [`Bytes`] below it. [`Writer`] makes such files.

mod atomic;
mod bytes;
mod error;
mod ggml_type;
mod parse;
mod value;
mod write;

pub use atomic::write_atomically;
pub use bytes::Bytes;
pub use error::GgufError;
pub use ggml_type::GgmlType;
pub use parse::{Gguf, TensorInfo};
pub use value::{Array, FromValue, Strings, Value, ValueType};
pub use write::{TensorStream, Writer};

#[cfg(test)]
mod tests;
