//! What can go wrong with a board, said so that a person knows what to do about it.

use std::path::PathBuf;

/// An error of a board. Every message names the chip or the device, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// There is nothing at the chip's path.
    #[error("no GPIO chip at {}: {hint}", path.display())]
    ChipMissing {
        /// The path that was asked for.
        path: PathBuf,
        /// Which chips there are instead.
        hint: String,
    },
    /// The chip may not be opened.
    #[error(
        "no permission to open {}: add your user to the group that owns it (`sudo usermod -aG gpio $USER`, then log in again)",
        path.display()
    )]
    ChipDenied {
        /// The chip's path.
        path: PathBuf,
    },
    /// The path is not a GPIO chip.
    #[error("{} is not a usable GPIO chip ({reason}): `--board` takes `sim` or a chip such as /dev/gpiochip0", path.display())]
    NotAChip {
        /// The path that was asked for.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The chip has no such line.
    #[error("device `{device}`: {} has no line {line} ({hint})", chip.display())]
    LineMissing {
        /// The device.
        device: String,
        /// The chip.
        chip: PathBuf,
        /// Offset or name that was asked for.
        line: String,
        /// What the chip has.
        hint: String,
    },
    /// Someone else holds the line.
    #[error("device `{device}`: line {line} of {} is held by `{consumer}`: end that program, or use another line", chip.display())]
    LineBusy {
        /// The device.
        device: String,
        /// The chip.
        chip: PathBuf,
        /// The line's offset.
        line: u32,
        /// Who holds it.
        consumer: String,
    },
    /// Two devices, or both lines of one cover, name the same line.
    #[error("devices `{first}` and `{second}` both use line {line} of {}: give each its own", chip.display())]
    LineShared {
        /// The device that came first in the file.
        first: String,
        /// The one after it.
        second: String,
        /// The chip.
        chip: PathBuf,
        /// The line's offset.
        line: u32,
    },
    /// A digital line cannot do what the device's kind needs.
    #[error(
        "device `{device}`: a GPIO line cannot {what}: leave its `line` out (it then exists on the simulated board only)"
    )]
    NotDigital {
        /// The device.
        device: String,
        /// What is asked of the line.
        what: &'static str,
    },
    /// The device cannot take this state, or there is no such device on the board.
    #[error("device `{device}` on the {board} board cannot be driven to `{state}`")]
    CannotDrive {
        /// The device.
        device: String,
        /// The board's name.
        board: String,
        /// The state that was asked for.
        state: String,
    },
    /// The device has no line on this board.
    #[error(
        "device `{device}` has no line on {board}: give it a `line` in the agent file, or use the simulated board"
    )]
    NoLine {
        /// The device.
        device: String,
        /// The board's name.
        board: String,
    },
    /// The operating system refused.
    #[error("device `{device}`: cannot {doing} line {line} of {}: {reason}", chip.display())]
    Line {
        /// The device.
        device: String,
        /// What was tried.
        doing: &'static str,
        /// The chip.
        chip: PathBuf,
        /// The line's offset.
        line: u32,
        /// The system's words.
        reason: String,
    },
    /// Waiting for edges failed.
    #[error("cannot wait for input edges: {0}")]
    Edges(String),
    /// A line's PWM thread could not be started.
    #[error("device `{device}`: cannot start its PWM thread: {reason}")]
    Pwm {
        /// The device.
        device: String,
        /// The system's words.
        reason: String,
    },
    /// This build has no real boards.
    #[error("{}: real boards need Linux; use `--board sim`", path.display())]
    NotLinux {
        /// The path that was asked for.
        path: PathBuf,
    },
}
