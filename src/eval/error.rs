//! What can be wrong with cases.

use std::path::PathBuf;

use super::case::{MAX_BYTES, Origin};

/// Why cases cannot be read, or do not fit their agent.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The file cannot be read.
    #[error("{}: cannot read the cases: {source}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is too big to be one.
    #[error("{}: a file of cases has at most {MAX_BYTES} bytes", file.display())]
    TooBig {
        /// Which.
        file: PathBuf,
    },
    /// A line is no case.
    #[error("{place}:{column}: not a case: {message}")]
    Syntax {
        /// File and line.
        place: Origin,
        /// The column, from 1, in bytes.
        column: usize,
        /// What was found and what is expected.
        message: String,
    },
    /// A case does not fit the agent: it could never be answered as it expects.
    #[error("{place}: {at}: {message}")]
    Misfit {
        /// File and line.
        place: Origin,
        /// JSON pointer into the case.
        at: String,
        /// What was found, and what was meant, if that can be guessed.
        message: String,
    },
    /// The simulated board on which calls are checked does not take the agent's devices.
    #[error(transparent)]
    Board(#[from] crate::board::BoardError),
}
