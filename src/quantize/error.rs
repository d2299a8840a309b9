//! Why a model could not be quantised.

use std::io;

use crate::gguf::{GgmlType, GgufError};

/// What stopped a [`Job`](super::Job).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuantizeError {
    /// A key or tensor of the new file.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The source is quantised already: doing it twice adds both errors.
    #[error(
        "tensor {name} is {from} already; quantise from the F32, F16 or BF16 file, or allow it (--allow-requantize)"
    )]
    Requantize {
        /// The tensor.
        name: String,
        /// Its type in the source.
        from: GgmlType,
    },
    /// A file without tensors.
    #[error("the file holds a vocabulary and no tensors: there is nothing to write in fewer bits")]
    Empty,
    /// A source type whose floats this program cannot compute.
    #[error("tensor {name} is {from}, which cannot be read as floats")]
    Source {
        /// The tensor.
        name: String,
        /// Its type in the source.
        from: GgmlType,
    },
    /// A weight that no type can hold.
    #[error("tensor {name}: element {element} is {value}; a model with such weights is broken")]
    Weight {
        /// The tensor.
        name: String,
        /// Its place in the tensor.
        element: usize,
        /// The weight.
        value: f32,
    },
    /// The output could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
