//! What can go wrong with a user's tool.

use std::path::PathBuf;
use std::time::Duration;

use crate::sandbox::SandboxError;

/// Why a tool cannot be read, found or run.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The file cannot be read.
    #[error("{}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is not TOML, or has a key or a type that a tool file does not have.
    #[error("{}:{line}:{column}: {message}", file.display())]
    Syntax {
        /// Which file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
        /// What was found, and what was meant, if that can be guessed.
        message: String,
    },
    /// A key has a value that makes no sense.
    #[error("{}: {key}: {message}", place(file, *at))]
    Invalid {
        /// Which file.
        file: PathBuf,
        /// Line and column from 1, when the tool has a file of its own.
        at: Option<(usize, usize)>,
        /// The key, dotted: `limits.time`.
        key: String,
        /// What was found and what is expected.
        message: String,
    },
    /// No tool of that name.
    #[error("no tool `{name}`: looked for {}{}", searched(looked_in, name), suggestion(near))]
    NotFound {
        /// The name.
        name: String,
        /// Directories that were searched, in this order.
        looked_in: Vec<PathBuf>,
        /// A tool that exists and has nearly this name.
        near: Option<String>,
    },
    /// The tool has no command.
    #[error("tool `{tool}` is only declared: its file has no `command`, so it cannot be run")]
    Declared {
        /// The tool.
        tool: String,
    },
    /// An argument does not fit the tool's parameters.
    #[error("tool `{tool}`: argument {pointer}: {message}")]
    Argument {
        /// The tool.
        tool: String,
        /// JSON pointer into the arguments.
        pointer: String,
        /// What was found and what is expected.
        message: String,
    },
    /// The cage could not be built; the tool did not run.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The tool's private folder cannot be made.
    #[error("tool `{tool}`: private folder {}: {source}", path.display())]
    State {
        /// The tool.
        tool: String,
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The tool ran and failed.
    #[error("tool `{tool}` failed ({}){}", exit(*code), after_colon(complaint))]
    Failed {
        /// The tool.
        tool: String,
        /// Exit code; 128 and more: ended by that signal.
        code: i32,
        /// The beginning of its standard error. Untrusted text.
        complaint: String,
    },
    /// The tool ran for too long and was killed.
    #[error("tool `{tool}` was killed after {limit:?} (its limits.time)")]
    TimedOut {
        /// The tool.
        tool: String,
        /// The limit.
        limit: Duration,
    },
    /// The caller asked for its end.
    #[error("tool `{tool}` was stopped")]
    Cancelled {
        /// The tool.
        tool: String,
    },
    /// The reply template failed on this result.
    #[error("tool `{tool}`: reply template: {message}")]
    Reply {
        /// The tool.
        tool: String,
        /// What the template engine said.
        message: String,
    },
}

fn place(file: &std::path::Path, at: Option<(usize, usize)>) -> String {
    match at {
        Some((line, column)) => format!("{}:{line}:{column}", file.display()),
        None => file.display().to_string(),
    }
}

fn searched(directories: &[PathBuf], name: &str) -> String {
    let mut list: Vec<String> =
        directories.iter().map(|path| path.join(format!("{name}.toml")).display().to_string()).collect();
    list.push("the tools inside pintail".to_owned());
    list.join(", ")
}

fn suggestion(near: &Option<String>) -> String {
    near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

fn exit(code: i32) -> String {
    match code {
        129.. => {
            let name = match code - 128 {
                libc::SIGXCPU => " (processor time limit)",
                libc::SIGXFSZ => " (file size limit)",
                libc::SIGSYS => " (forbidden system call)",
                libc::SIGABRT => " (aborted: often the memory limit)",
                libc::SIGSEGV => " (memory fault)",
                libc::SIGKILL => " (killed)",
                _ => "",
            };
            format!("signal {}{name}", code - 128)
        }
        _ => format!("exit code {code}"),
    }
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}
