//! Why a folder could not be converted.

use std::io;
use std::path::PathBuf;

use crate::gguf::GgufError;
use crate::tokenizer::TokenizerError;

/// What is wrong with a Hugging Face folder, or with writing its conversion.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// A file that cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is not what it should be.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A setting that is missing, impossible or not supported.
    #[error("{}: {key}: {problem}", path.display())]
    Setting {
        /// The file.
        path: PathBuf,
        /// The setting.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A tensor that is missing, of another shape or type, or that has no place in the architecture.
    #[error("tensor {name}: {problem}")]
    Tensor {
        /// Its name in the folder.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The converted tokenizer is not the folder's.
    #[error(
        "the tokenizer would not be the same: {text:?} has the ids {expected:?} in tokenizer.json and {found:?} converted"
    )]
    Tokenizer {
        /// A text that shows it.
        text: String,
        /// The ids that are right.
        expected: Vec<u32>,
        /// The ids of the converted tokenizer.
        found: Vec<u32>,
    },
    /// The converted vocabulary does not load.
    #[error(transparent)]
    Vocabulary(#[from] TokenizerError),
    /// A key or tensor of the new file.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The output could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
