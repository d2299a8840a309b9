//! What came of a call: for replies, for `--json`, for the printed board.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::board::State;

/// One device that a call moved (or would move, in a dry run).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The device.
    pub device: String,
    /// Its line as the agent file names it (`17`, `GPIO17`, `/dev/gpiochip1:4`); `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Unit of its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Before the call.
    pub before: State,
    /// After it.
    pub after: State,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.device)?;
        if let Some(line) = &self.line {
            write!(f, " (line {line})")?;
        }
        let unit = self.unit.as_deref();
        write!(f, ": {} -> {}", self.before.describe(unit), self.after.describe(unit))
    }
}

/// What a device answered to `read`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The device.
    pub device: String,
    /// Unit of its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it is doing, or measures.
    #[serde(flatten)]
    pub state: State,
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.device, self.state.describe(self.unit.as_deref()))
    }
}

/// What came of a call that was carried out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Devices that are now in another state, in the order of the call. A blink leaves none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Answers to `read`, in the order of the call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Reading>,
    /// Devices that were already as the call wants them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<String>,
    /// What a person should hear about it (a level that met its limit).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// A wait or a blink was cut short.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Nothing moved: this is what would change.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}
