//! A call and the built-in tools' argument types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::board::{Capabilities, Safe};

/// A call: what people, files, traces and tests see, always with names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The tool's name.
    pub tool: String,
    /// Its arguments, defaults filled.
    #[serde(default)]
    pub arguments: serde_json::Map<String, serde_json::Value>,
}

/// The tools that every agent has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Builtin {
    /// Switch on.
    On,
    /// Switch off.
    Off,
    /// Switch over.
    Toggle,
    /// Set a level in percent.
    SetLevel,
    /// Change a level by a number of percent.
    ChangeLevel,
    /// Open a cover, a valve, a lock.
    Open,
    /// Close it.
    Close,
    /// Stop it where it is.
    Stop,
    /// Set a value in the device's unit.
    SetValue,
    /// Read a state or a measurement.
    Read,
    /// Switch on and off several times.
    Blink,
    /// Say which devices and tools there are.
    List,
    /// Wait before the next call.
    Wait,
}

/// Arguments of `on`, `off`, `toggle`, `open`, `close`, `stop` and `read`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Devices {
    /// The devices, by name.
    pub devices: Vec<String>,
}

/// Arguments of `set_level`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLevel {
    /// The devices, by name.
    pub devices: Vec<String>,
    /// The level, in percent.
    #[schemars(range(min = 0, max = 100))]
    pub percent: f64,
}

/// Arguments of `change_level`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeLevel {
    /// The devices, by name.
    pub devices: Vec<String>,
    /// By how many percent, up or (negative) down.
    #[schemars(range(min = -100, max = 100))]
    pub percent: f64,
}

/// Arguments of `set_value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetValue {
    /// The devices, by name.
    pub devices: Vec<String>,
    /// The value, in the device's unit.
    pub value: f64,
}

/// Arguments of `blink`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blink {
    /// The devices, by name.
    pub devices: Vec<String>,
    /// How often.
    #[serde(default = "Blink::default_times")]
    #[schemars(range(min = 1, max = 100))]
    pub times: u32,
    /// Seconds from one change to the next.
    #[serde(default = "Blink::default_interval")]
    #[schemars(range(min = 0.05, max = 60.0))]
    pub interval: f64,
}

impl Blink {
    /// Three times when nothing is said.
    pub const fn default_times() -> u32 {
        3
    }
    /// Half a second when nothing is said.
    pub const fn default_interval() -> f64 {
        0.5
    }
}

/// Arguments of `list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct List {}

/// Arguments of `wait`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// For how many seconds.
    #[schemars(range(min = 0, max = 600))]
    pub seconds: f64,
}

/// The change of `change_level` when no number is said.
pub const DEFAULT_CHANGE: f64 = 10.0;

impl Builtin {
    /// Whether this tool brings a device to the state that it is left in when the agent ends.
    pub fn makes(self, safe: Safe) -> bool {
        matches!(
            (self, safe),
            (Builtin::Off, Safe::Off)
                | (Builtin::On, Safe::On)
                | (Builtin::Open, Safe::Open)
                | (Builtin::Close, Safe::Close)
        )
    }

    /// All of them, in the order of the documentation.
    pub const ALL: [Builtin; 13] = [
        Builtin::On,
        Builtin::Off,
        Builtin::Toggle,
        Builtin::SetLevel,
        Builtin::ChangeLevel,
        Builtin::Open,
        Builtin::Close,
        Builtin::Stop,
        Builtin::SetValue,
        Builtin::Read,
        Builtin::Blink,
        Builtin::List,
        Builtin::Wait,
    ];

    /// The name in agent files and calls.
    pub const fn name(self) -> &'static str {
        match self {
            Builtin::On => "on",
            Builtin::Off => "off",
            Builtin::Toggle => "toggle",
            Builtin::SetLevel => "set_level",
            Builtin::ChangeLevel => "change_level",
            Builtin::Open => "open",
            Builtin::Close => "close",
            Builtin::Stop => "stop",
            Builtin::SetValue => "set_value",
            Builtin::Read => "read",
            Builtin::Blink => "blink",
            Builtin::List => "list",
            Builtin::Wait => "wait",
        }
    }

    /// The built-in tool of that name.
    pub fn from_name(name: &str) -> Option<Builtin> {
        Builtin::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// One line on what it does, for prompts of models that read prose and for `/tools`.
    pub const fn description(self) -> &'static str {
        match self {
            Builtin::On => "switch devices on",
            Builtin::Off => "switch devices off",
            Builtin::Toggle => "switch devices over",
            Builtin::SetLevel => "set a level in percent",
            Builtin::ChangeLevel => "raise or lower a level by percent",
            Builtin::Open => "open (or unlock) devices",
            Builtin::Close => "close (or lock) devices",
            Builtin::Stop => "stop moving devices",
            Builtin::SetValue => "set a value in the device's unit",
            Builtin::Read => "read states and measurements",
            Builtin::Blink => "blink devices a number of times",
            Builtin::List => "say which devices and tools there are",
            Builtin::Wait => "wait before the next call",
        }
    }

    /// What a device must be able to do for this tool; `None` when the tool takes no devices.
    pub const fn needs(self) -> Option<Capabilities> {
        Some(match self {
            Builtin::On | Builtin::Off | Builtin::Toggle => Capabilities::SWITCH,
            Builtin::SetLevel | Builtin::ChangeLevel => Capabilities::LEVEL,
            Builtin::Open | Builtin::Close => Capabilities::COVER,
            Builtin::Stop => Capabilities::STOP,
            Builtin::SetValue => Capabilities::VALUE,
            Builtin::Read => Capabilities::NONE,
            Builtin::Blink => Capabilities::BLINK,
            Builtin::List | Builtin::Wait => return None,
        })
    }

    /// The JSON Schema of its arguments, derived from the Rust type. `devices` is any list of
    /// strings here; a state's schema narrows it to the devices that are legal there.
    pub fn parameters(self) -> serde_json::Value {
        let schema = match self {
            Builtin::SetLevel => schemars::schema_for!(SetLevel),
            Builtin::ChangeLevel => schemars::schema_for!(ChangeLevel),
            Builtin::SetValue => schemars::schema_for!(SetValue),
            Builtin::Blink => schemars::schema_for!(Blink),
            Builtin::List => schemars::schema_for!(List),
            Builtin::Wait => schemars::schema_for!(Wait),
            _ => schemars::schema_for!(Devices),
        };
        schema.to_value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_schemas_are_closed() {
        for tool in Builtin::ALL {
            assert_eq!(Builtin::from_name(tool.name()), Some(tool));
            let schema = tool.parameters();
            assert_eq!(schema["additionalProperties"], false, "{}", tool.name());
            assert_eq!(tool.needs().is_some(), schema["properties"]["devices"].is_object());
        }
        assert_eq!(Builtin::from_name("schedule"), None);
    }
}
