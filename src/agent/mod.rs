//! Agents: TOML files, checked, run as state machines by a pure core.
//!
//! An agent file goes through three stages, each a type: text, `AgentFile` (as written, every value
//! with its place) and [`Agent`] (every name resolved; it cannot be wrong, and only it runs). The
//! format is described in `docs/agents.md`. [`chart`] is the statechart that runs it: no input or output, no clock.

pub mod chart;
mod chart_file;
mod check;
mod checked;
mod file;
mod finding;
pub mod graph;
mod load;
mod read;

pub use chart::{Action, By, Event, MachineState, Surroundings, TimerId, start, step};
pub use chart_file::When;
pub use check::{Checked, check};
pub use checked::{
    ACT, ASK, Agent, Flush, Initial, Kind, ModelRef, Resume, Scope, State, Threshold, ToolRef, Transition,
    Trigger, Variable,
};
pub use file::AgentFile;
pub use finding::{Finding, Report, Severity};
pub use load::{AgentError, DEFAULT, EMBEDDED, MAX_BYTES, check_file, load};
