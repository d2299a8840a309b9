//! What can be wrong with a model or its use.

use crate::gguf::GgufError;

/// Why a file is no model that runs here, or why a session refused tokens.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file itself, or a key of it.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// A family of models that is not supported.
    #[error(
        "general.architecture is {found:?}, which is not supported (llama, qwen2, qwen3, gemma3 and smollm3 are)"
    )]
    Architecture {
        /// The value of `general.architecture`.
        found: String,
    },
    /// A key with an impossible or unsupported value.
    #[error("key {key}: {found} cannot be: {expected}")]
    Key {
        /// The key.
        key: String,
        /// Its value.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A tensor that the configuration asks for is not in the file.
    #[error("tensor {name} is missing: {expected} is needed")]
    MissingTensor {
        /// Its name.
        name: String,
        /// Type and shape it should have.
        expected: String,
    },
    /// A tensor of another type or shape than the configuration asks for.
    #[error("tensor {name} is {found}, but {expected} is needed")]
    Tensor {
        /// Its name.
        name: String,
        /// Type and shape in the file.
        found: String,
        /// What would be right.
        expected: String,
    },
    /// A tensor that the architecture does not have: leaving it out would compute something else.
    #[error("tensor {name} has no place in the {architecture} architecture as it runs here")]
    UnknownTensor {
        /// Its name.
        name: String,
        /// The family.
        architecture: &'static str,
    },
    /// A session was asked for with a context that is none.
    #[error(
        "a context of {asked} tokens is not possible: 1 to {most} are (the model was trained with that many)"
    )]
    Context {
        /// Tokens asked for.
        asked: usize,
        /// The model's own context.
        most: usize,
    },
    /// The system has no memory for the cache.
    #[error("no memory for a key-value cache of {bytes} bytes: ask for a smaller context")]
    Memory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// More tokens than the context takes. Nothing was fed.
    #[error("the context is full: {len} of {context} tokens are taken and {asked} more were given")]
    ContextFull {
        /// Tokens in the cache.
        len: usize,
        /// Tokens given.
        asked: usize,
        /// Most tokens.
        context: usize,
    },
    /// A token id that the vocabulary does not have. Nothing was fed.
    #[error("token {token} is not in the vocabulary of {vocab_size}")]
    Token {
        /// The id.
        token: u32,
        /// Ids below this are fine.
        vocab_size: usize,
    },
    /// The session's cancel flag was set; what was fed in whole steps before stays in the cache.
    #[error("cancelled")]
    Cancelled,
}
