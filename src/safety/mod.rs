//! The one way to the board: every call that moves a line passes here.
//!
//! Owns the [`Kernel`], which holds the board, checks each call again although the grammar has already
//! made illegal ones impossible to decode, and only then drives lines. Whatever wants to move a line (model,
//! transition, REPL) hands it a [`Call`](crate::tool::Call); nothing else in the program can reach a
//! board's driving methods. Dropping the kernel, also while a panic unwinds, puts the outputs into their
//! safe states.

mod error;
mod kernel;
mod outcome;
mod plan;

pub use error::SafetyError;
pub use kernel::{DeviceState, Kernel, Mode};
pub use outcome::{Change, Outcome, Reading};
pub use plan::{Confirmed, Legal};
