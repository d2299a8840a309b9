//! What a turn did and what it cost, for people and for `--json`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tool::Call;

use super::choices::Choice;

/// A call and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallReport {
    /// The call.
    #[serde(flatten)]
    pub call: Call,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it was not carried out, or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Tokens of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCounts {
    /// Of the whole prompt.
    pub prompt: usize,
    /// Of the prompt, those the model still held from the turn before.
    pub cached: usize,
    /// Chosen by the model.
    pub sampled: usize,
    /// Certain without it.
    pub forced: usize,
}

/// A turn, whole.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The state it began in.
    pub state: String,
    /// The calls that were carried out or tried, in order.
    pub calls: Vec<CallReport>,
    /// Readings that a person is asked to choose among, or to say yes to; nothing of them was done.
    pub ask: Option<Vec<Choice>>,
    /// What the person is told.
    pub reply: String,
    /// The state it ended in.
    pub next_state: String,
    /// The probability of the reading among all legal ones, 0 to 1.
    pub confidence: f64,
    /// Tokens.
    pub tokens: TokenCounts,
    /// Milliseconds, from request to reply.
    pub ms: f64,
}
