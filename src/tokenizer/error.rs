//! Why a file's tokenizer could not be built.

use crate::gguf::GgufError;

/// What is wrong with the tokenizer in a model file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenizerError {
    /// A key is missing or of the wrong type.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// A kind of tokenizer that this program does not have.
    #[error("{key} is {found:?}, which is not supported (known: {known})")]
    Unsupported {
        /// The key.
        key: &'static str,
        /// Its value.
        found: String,
        /// The values that are supported.
        known: &'static str,
    },
    /// A key whose value does not fit the others.
    #[error("{key}: {problem}")]
    Key {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// An entry of the vocabulary that cannot be.
    #[error("token {id} of tokenizer.ggml.tokens: {problem}")]
    Token {
        /// Its id.
        id: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A merge that cannot be.
    #[error("merge {index} of tokenizer.ggml.merges ({text:?}): {problem}")]
    Merge {
        /// Its place in the list.
        index: usize,
        /// The merge as it stands there, shortened.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}
