//! Agents: TOML files, checked, run as state machines by a pure core.
//!
//! An agent file goes through three stages, each a type: text, `AgentFile` (as written, every value
//! with its place) and [`Agent`] (every name resolved; it cannot be wrong, and only it runs). The
//! format is described in `docs/agents.md`. [`step`] is the state machine: no input or output, no clock.

mod check;
mod checked;
mod file;
mod finding;
mod load;
pub mod machine;
mod read;

pub use check::{Checked, check};
pub use checked::{Agent, ModelRef, State, ToolRef, Transition, Trigger};
pub use file::{AgentFile, When};
pub use finding::{Finding, Report, Severity};
pub use load::{AgentError, DEFAULT, EMBEDDED, MAX_BYTES, check_file, load};
pub use machine::{Action, By, Event, MachineState, TimerId, start, step};
