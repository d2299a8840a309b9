//! Why a call was not carried out.

use crate::board::BoardError;

use super::Change;

/// Why the kernel did not carry out a call. For all variants but `Board` no line has moved.
#[derive(Debug, thiserror::Error)]
pub enum SafetyError {
    /// Not a built-in tool that drives or reads devices, or waits.
    #[error("`{tool}` is not a built-in tool that acts on the board")]
    UnknownTool {
        /// The tool's name.
        tool: String,
    },
    /// The tool is not legal in this state.
    #[error("`{tool}` is not allowed in this state")]
    ToolNotLegal {
        /// The tool's name.
        tool: String,
    },
    /// The arguments do not fit the tool's type.
    #[error("arguments of `{tool}`: {reason}")]
    Arguments {
        /// The tool's name.
        tool: String,
        /// What does not fit.
        reason: String,
    },
    /// The agent has no such device.
    #[error("`{tool}`: there is no device `{device}`{suggestion}")]
    UnknownDevice {
        /// The tool's name.
        tool: String,
        /// The name in the call.
        device: String,
        /// Empty, or the nearest name.
        suggestion: String,
    },
    /// The device may not be touched in this state.
    #[error("`{tool}`: device `{device}` is not allowed in this state")]
    DeviceNotLegal {
        /// The tool's name.
        tool: String,
        /// The device.
        device: String,
    },
    /// The device has no line on this board.
    #[error("`{tool}`: device `{device}` is not on the board {board}: it has no `line` in the agent file")]
    NotOnBoard {
        /// The tool's name.
        tool: String,
        /// The device.
        device: String,
        /// The board's name.
        board: String,
    },
    /// The device's kind cannot do this.
    #[error("`{tool}`: device `{device}` ({kind}) cannot do that")]
    CannotDo {
        /// The tool's name.
        tool: String,
        /// The device.
        device: String,
        /// Its kind.
        kind: String,
    },
    /// A number outside the limits.
    #[error("`{tool}`: {what} {found} is not between {least} and {most}{}", device.as_ref().map(|name| format!(" for device `{name}`")).unwrap_or_default())]
    OutOfRange {
        /// The tool's name.
        tool: String,
        /// The device whose limit it is; `None` when the limit is the tool's.
        device: Option<String>,
        /// Which argument.
        what: &'static str,
        /// The number in the call.
        found: f64,
        /// Least legal value.
        least: f64,
        /// Most legal value.
        most: f64,
    },
    /// The level of a device is not known, so it cannot be changed by a difference or switched over.
    #[error("`{tool}`: the state of device `{device}` is not known yet: set it first")]
    StateUnknown {
        /// The tool's name.
        tool: String,
        /// The device.
        device: String,
    },
    /// The devices need a person's yes, which was not handed in.
    #[error("`{tool}` needs confirmation for {}", list(devices))]
    NeedsConfirmation {
        /// The tool's name.
        tool: String,
        /// The devices with `confirm = true`.
        devices: Vec<String>,
    },
    /// The kernel has been shut down.
    #[error("the board has been released; no more calls are carried out")]
    ShutDown,
    /// The board failed while lines were moving.
    #[error("{source}{}", moved_before(moved))]
    Board {
        /// What failed.
        source: Box<BoardError>,
        /// What had already changed when it failed.
        moved: Vec<Change>,
    },
}

impl From<BoardError> for SafetyError {
    fn from(source: BoardError) -> Self {
        SafetyError::Board { source: Box::new(source), moved: Vec::new() }
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn moved_before(moved: &[Change]) -> String {
    if moved.is_empty() {
        return String::new();
    }
    let moved: Vec<String> = moved.iter().map(ToString::to_string).collect();
    format!(" (already done: {})", moved.join("; "))
}
