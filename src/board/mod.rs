//! The board: named devices on lines, simulated or real.
//!
//! Owns [`Device`] (what a thing is and can do), [`State`] (what it is doing), [`Clock`] and the
//! [`Board`] trait with its two implementations, [`SimBoard`] and, on Linux, [`GpioBoard`] (the GPIO
//! character device). Nothing here decides whether a line *may* move; that is `safety`, the only
//! caller that drives lines: a board's driving half comes only in exchange for a key that cannot be
//! made outside the crate.

mod clock;
mod device;
mod error;
#[cfg(target_os = "linux")]
mod gpio;
#[cfg(target_os = "linux")]
mod line;
#[cfg(target_os = "linux")]
mod pwm;
mod sim;
mod state;

use std::time::Duration;

pub use clock::{Cancel, Clock, RealClock, SimClock};
pub use device::{Capabilities, Device, Direction, KINDS, KindInfo, LineId, LineRef, Safe, kind_info};
pub use error::BoardError;
#[cfg(target_os = "linux")]
pub use gpio::GpioBoard;
pub use sim::{SimBoard, SimChange};
pub use state::State;

pub(crate) use drive::Drive;
pub(crate) use state::Number;

/// A board: something with lines that devices hang on. Object safe; handed to the safety kernel,
/// which alone can drive it.
pub trait Board: Send {
    /// What it is, for people: `sim`, or the chip's path.
    fn name(&self) -> &str;

    /// The driving half. Nobody outside the crate can make the key, and inside it only the safety
    /// kernel does.
    #[doc(hidden)]
    fn lines(&mut self, key: Key) -> &mut dyn drive::Drive;
}

/// Opens a board's driving half.
#[doc(hidden)]
#[derive(Debug)]
pub struct Key(());

impl Key {
    /// For the safety kernel alone.
    pub(crate) fn of_the_kernel() -> Key {
        Key(())
    }
}

/// A change of an input line.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The device's place in the list that was claimed.
    pub device: usize,
    /// To active (`true`) or to inactive.
    pub rising: bool,
    /// Monotonic time stamp of the board (CLOCK_MONOTONIC on a real one), for differences only.
    pub at: Duration,
}

/// The edges of a board's inputs, in order. Can be waited on by a thread of its own while the board
/// is being driven; holds no line, so that nothing more comes once the board has been released.
pub trait Edges: Send {
    /// Waits for edges, `timeout` at most; an empty list when none came.
    ///
    /// # Errors
    /// [`BoardError::Edges`] when the system refuses to wait or to read.
    fn wait(&mut self, timeout: Duration) -> Result<Vec<Edge>, BoardError>;
}

mod drive {
    use super::{BoardError, Device, Edges, State};

    /// The driving half of a board; device numbers are places in the claimed list.
    pub trait Drive: Send {
        /// Takes the lines of all devices and holds them. Outputs start in their safe state, or,
        /// where that is `keep`, in the state they are found in.
        fn claim(&mut self, devices: &[Device]) -> Result<(), BoardError>;
        /// As [`Drive::claim`], but only looks: no line is taken, and none can be driven after.
        fn inspect(&mut self, devices: &[Device]) -> Result<(), BoardError>;
        /// Whether the board has the device (it may have no line here).
        fn present(&self, device: usize) -> bool;
        /// Drives an output.
        fn set(&mut self, device: usize, state: State) -> Result<(), BoardError>;
        /// What an output was told or an input says.
        fn read(&mut self, device: usize) -> Result<State, BoardError>;
        /// The edges of the inputs from now on.
        fn edges(&mut self) -> Result<Box<dyn Edges>, BoardError>;
        /// Puts every output into its safe state and lets all lines go; goes on after an error and
        /// returns the first. Does nothing when nothing is held.
        fn release(&mut self) -> Result<(), BoardError>;
    }
}

/// The board that `--board` names: `sim`, or the path of a GPIO chip. Opens nothing yet.
///
/// # Errors
/// [`BoardError::NotLinux`] for a path on a system without GPIO character devices.
pub fn board(name: &str) -> Result<Box<dyn Board>, BoardError> {
    if name == "sim" {
        return Ok(Box::new(SimBoard::new()));
    }
    #[cfg(target_os = "linux")]
    return Ok(Box::new(GpioBoard::new(name)));
    #[cfg(not(target_os = "linux"))]
    return Err(BoardError::NotLinux { path: name.into() });
}
