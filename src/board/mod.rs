//! The board: named devices on lines, simulated or real.
//!
//! Owns [`Device`] (what a thing is and can do) and the `Board` trait with its two implementations,
//! the simulated board and the Linux GPIO character device. Nothing here decides whether a line *may*
//! move; that is `safety`, the only caller that drives lines.

mod device;

pub use device::{Capabilities, Device, Direction, KINDS, KindInfo, LineId, LineRef, Safe, kind_info};
