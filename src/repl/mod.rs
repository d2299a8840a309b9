//! The interactive session, and the shell that runs around an engine without one.
//!
//! [`Shell`] owns the engine and listens for what comes from outside while nobody types: signals, edges of
//! inputs, timers. [`interact`] is the terminal on top of it.

mod complete;
mod escape;
mod session;
mod shell;

pub use escape::escaped;
pub use session::interact;
pub use shell::Shell;
