//! Tools: what a call may name.
//!
//! Owns the built-in tools' names and argument types, the [`Call`] that every part shares, and the
//! user's own tools (`tools/NAME.toml`).

mod call;

pub use call::{Blink, Builtin, Call, ChangeLevel, DEFAULT_CHANGE, Devices, List, SetLevel, SetValue, Wait};
