//! Why a request could not be read.

use crate::decode::DecodeError;
use crate::gguf::GgufError;
use crate::grammar::{GrammarError, MatchError};
use crate::model::ModelError;
use crate::prompt::chat::ChatError;
use crate::prompt::pintail::{AnswerError, MOST_REQUEST};
use crate::tokenizer::TokenizerError;

/// Why a request could not be read.
#[derive(Debug, thiserror::Error)]
pub enum MindError {
    /// The model's file.
    #[error("model {name}: {source}")]
    File {
        /// The file, or `bundled`.
        name: String,
        /// What is wrong with it.
        source: GgufError,
    },
    /// The model's tokenizer.
    #[error("model {name}: {source}")]
    Tokenizer {
        /// The file, or `bundled`.
        name: String,
        /// What is wrong with it.
        source: TokenizerError,
    },
    /// The model's weights.
    #[error("model {name}: {source}")]
    Model {
        /// The file, or `bundled`.
        name: String,
        /// What is wrong with it.
        source: ModelError,
    },
    /// The model's chat template, when it is read or when a prompt is made with it.
    #[error("model {name}: {source}")]
    Chat {
        /// The file, or `bundled`.
        name: String,
        /// What is wrong with it.
        source: ChatError,
    },
    /// The model was made for another version of the rendering.
    #[error(
        "model {name}: key `pintail.rendering` is {found}, this program renders version {expected}: use a model made for it"
    )]
    Rendering {
        /// The file, or `bundled`.
        name: String,
        /// The file's version.
        found: u32,
        /// This program's.
        expected: u32,
    },
    /// The model's vocabulary lacks a control token of the rendering.
    #[error("model {name}: its vocabulary lacks the control token {token}")]
    Vocabulary {
        /// The file, or `bundled`.
        name: String,
        /// What it lacks.
        token: String,
    },
    /// The request is too long to be one.
    #[error("the request has {bytes} bytes; at most {MOST_REQUEST} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The turn's prompt is longer than the context.
    #[error(
        "the prompt of this state has {tokens} tokens, the model's context {context}: give the state fewer devices or tools"
    )]
    Context {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens that fit.
        context: usize,
    },
    /// The turn's grammar.
    #[error("the grammar of this state: {0}")]
    Grammar(#[from] GrammarError),
    /// Following the grammar.
    #[error(transparent)]
    Match(#[from] MatchError),
    /// Decoding.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The answer does not read back. A fault of this program.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The bundled model is asked for words.
    #[error(
        "the bundled model writes no words: give the question a `schema` with flat properties, or run another model with -m"
    )]
    Wordless,
    /// A schema that the bundled model cannot fill.
    #[error(
        "the bundled model cannot fill the property `{property}`: it fills strings, numbers, booleans and enums of strings"
    )]
    Unfillable {
        /// The property.
        property: String,
    },
    /// The model found no answer.
    #[error("the model has no answer")]
    Unanswered,
    /// What a trace says of a request that could not be read.
    #[error("{0}")]
    Replayed(String),
}
