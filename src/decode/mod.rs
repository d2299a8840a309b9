//! Decoding under a grammar: sampler, forced text, budget.
//!
//! [`feed_prompt`] brings a model to the end of a prompt and computes only what it does not hold yet;
//! [`run`] goes on from there, token by token, under a grammar or freely. What the grammar makes certain
//! is appended without asking the model; under a grammar the text is complete when `run` returns, also
//! when the token limit struck. Nothing here reads files, clocks or random sources.

mod prompt;
mod run;
pub mod sampler;

pub use prompt::{PromptFed, feed_prompt};
pub use run::{DecodeError, Decoded, Ending, Guide, Settings, Step, run};
pub use sampler::{Sampled, Sampler, Sampling};
