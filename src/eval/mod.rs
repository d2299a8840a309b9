//! Scoring of recorded requests.
//!
//! A [`Case`] is a request with the calls that are expected of it; an [`Answer`] is what was understood.
//! [`score`] compares the two by what they would do (see [`Effects`]), [`Totals`] adds scores up, and
//! [`run`] goes through a set of cases. Nothing is executed, and nothing here knows of a model: whoever runs
//! cases hands in a function that understands a request. What the matcher alone finds of what a request needs is counted by
//! [`LinkTally`]; [`steps`] writes cases in the bundled model's notation, to learn from.

mod case;
mod error;
mod legal;
mod links;
mod recorded;
mod risk;
mod run;
mod score;
mod text;
mod totals;

pub use crate::turn::Effects;
pub use case::{Case, Earlier, MAX_BYTES, Origin, read_cases};
pub use error::EvalError;
pub use legal::check_cases;
pub use links::{Found, LinkTally, LinkTotals};
pub use recorded::steps;
pub use run::{run, state_of};
pub use score::{Answer, Score, judge, score};
pub use text::{Line, brief, describe};
pub use totals::{CategoryTotals, Latency, Tally, Totals};
