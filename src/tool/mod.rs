//! Tools: what a call may name.
//!
//! Owns the built-in tools' names and argument types, the [`Call`] that every part shares, and the
//! user's own tools (`tools/NAME.toml`, docs/tools.md): [`ToolFile`] as written, [`UserTool`] checked,
//! [`find()`] by name, [`UserTool::run`] in the [`sandbox`](crate::sandbox).

mod call;
mod error;
mod file;
mod find;
mod notes;
pub mod own;
mod parameters;
mod place;
mod quantity;
mod run;
mod sysinfo;

pub use call::{Blink, Builtin, Call, ChangeLevel, DEFAULT_CHANGE, Devices, List, SetLevel, SetValue, Wait};
pub use error::ToolError;
pub use file::{Command, LimitsFile, Permissions, Piece, ToolFile, UserTool, check_name};
pub use find::{embedded, find, names, search_path};
pub use parameters::{Parameter, Parameters, Scalar, Shape};
pub use run::{RunContext, ToolOutput};
