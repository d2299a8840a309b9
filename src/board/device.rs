//! A device: a named thing behind a line, and what can be done with it.
//!
//! The kinds and what they can do are the table of `docs/agents.md`.

use serde::{Deserialize, Serialize};

/// What can be done with a device, as a small set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capabilities(u8);

impl Capabilities {
    /// Nothing but reading, which every device can do.
    pub const NONE: Self = Self(0);
    /// `on`, `off`, `toggle`.
    pub const SWITCH: Self = Self(1);
    /// `blink`.
    pub const BLINK: Self = Self(2);
    /// `set_level`, `change_level`.
    pub const LEVEL: Self = Self(4);
    /// `open`, `close`.
    pub const COVER: Self = Self(8);
    /// `stop`.
    pub const STOP: Self = Self(16);
    /// `set_value`.
    pub const VALUE: Self = Self(32);

    /// Whether all of `other` is in this set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// Both sets together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// This set less `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// Which way a line goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Read by the agent.
    In,
    /// Driven by the agent.
    #[default]
    Out,
}

/// What a device does when the agent ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Safe {
    /// The line goes inactive.
    #[default]
    Off,
    /// The line goes active.
    On,
    /// As `on`, for covers.
    Open,
    /// As `off`, for covers.
    Close,
    /// The line stays as it is.
    Keep,
}

/// Where a line is found: by offset or name, on the board's chip or on a chip of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum LineId {
    /// Offset on the chip.
    Offset(u32),
    /// The line's name in the device tree.
    Name(String),
}

/// A line of a chip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LineRef {
    /// The chip's path; `None` is the chip that `--board` names.
    pub chip: Option<String>,
    /// The line on it.
    pub line: LineId,
}

/// A device as the checked agent holds it: every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Its name, unique in the agent.
    pub name: String,
    /// What it is (`light`, `pump`, or a word of the user's own).
    pub kind: String,
    /// The room or place.
    pub area: Option<String>,
    /// Other names people use.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What can be done with it.
    pub can: Capabilities,
    /// In or out.
    #[serde(default)]
    pub direction: Direction,
    /// Unit of its value.
    #[serde(default)]
    pub unit: Option<String>,
    /// Least and most value or level; levels default to 0 to 100.
    #[serde(default)]
    pub range: Option<[f64; 2]>,
    /// The line it hangs on; `None` for devices of the simulated board only.
    #[serde(default)]
    pub line: Option<LineRef>,
    /// Second line of a cover with two relays.
    #[serde(default)]
    pub close_line: Option<LineRef>,
    /// The line is low when the device is on.
    #[serde(default)]
    pub active_low: bool,
    /// What it does when the agent ends.
    #[serde(default)]
    pub safe: Safe,
    /// Only after the person says yes.
    #[serde(default)]
    pub confirm: bool,
    /// Software PWM frequency in hertz, for levels on a real line.
    #[serde(default)]
    pub pwm_hz: Option<u32>,
}

/// What a kind of device is by itself, before the agent file adds to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindInfo {
    /// What can be done with it.
    pub can: Capabilities,
    /// In or out.
    pub direction: Direction,
    /// Its safe state when the file names none.
    pub safe: Safe,
    /// Unit of its value, if it has one.
    pub unit: Option<&'static str>,
}

const SWITCH: Capabilities = Capabilities::SWITCH;
const SIGNAL: Capabilities = SWITCH.with(Capabilities::BLINK);
const DIMMED: Capabilities = SIGNAL.with(Capabilities::LEVEL);
const DRIVEN: Capabilities = SWITCH.with(Capabilities::LEVEL);
const MOVED: Capabilities = Capabilities::COVER.with(Capabilities::STOP);

/// The kinds that are known by name, with what they can do. `STOP` of a cover is taken away again
/// when it hangs on a single line (see [`kind_info`]'s caller in the agent's checker).
pub const KINDS: &[(&str, Capabilities)] = &[
    ("light", DIMMED),
    ("lamp", DIMMED),
    ("led", DIMMED),
    ("strip", DIMMED),
    ("switch", SIGNAL),
    ("outlet", SIGNAL),
    ("plug", SIGNAL),
    ("relay", SIGNAL),
    ("output", SIGNAL),
    ("buzzer", SIGNAL),
    ("siren", SIGNAL),
    ("bell", SIGNAL),
    ("alarm", SIGNAL),
    ("sign", SIGNAL),
    ("fan", DRIVEN),
    ("motor", DRIVEN),
    ("speaker", DRIVEN),
    ("dimmer", DRIVEN),
    ("heater", SWITCH),
    ("boiler", SWITCH),
    ("kettle", SWITCH),
    ("oven", SWITCH),
    ("cooler", SWITCH),
    ("pump", SWITCH),
    ("sprinkler", SWITCH),
    ("camera", SWITCH),
    ("tv", SWITCH),
    ("machine", SWITCH),
    ("laser", SWITCH),
    ("compressor", SWITCH),
    ("mixer", SWITCH),
    ("humidifier", SWITCH),
    ("dehumidifier", SWITCH),
    ("filter", SWITCH),
    ("feeder", SWITCH),
    ("vacuum", SWITCH),
    ("printer", SWITCH),
    ("blind", MOVED),
    ("curtain", MOVED),
    ("shutter", MOVED),
    ("awning", MOVED),
    ("garage", MOVED),
    ("gate", MOVED),
    ("door", MOVED),
    ("window", MOVED),
    ("hatch", MOVED),
    ("vent", MOVED),
    ("valve", Capabilities::COVER),
    ("lock", Capabilities::COVER),
    ("thermostat", Capabilities::VALUE),
    ("setpoint", Capabilities::VALUE),
    ("dial", Capabilities::VALUE),
    ("sensor", Capabilities::NONE),
    ("thermometer", Capabilities::NONE),
    ("hygrometer", Capabilities::NONE),
    ("button", Capabilities::NONE),
    ("contact", Capabilities::NONE),
    ("motion", Capabilities::NONE),
    ("input", Capabilities::NONE),
    ("meter", Capabilities::NONE),
];

/// What is known of a kind; `None` for a word that is not in the table.
pub fn kind_info(kind: &str) -> Option<KindInfo> {
    let (_, can) = *KINDS.iter().find(|(name, _)| *name == kind)?;
    let direction = if can == Capabilities::NONE { Direction::In } else { Direction::Out };
    let safe = match direction {
        Direction::In => Safe::Keep,
        Direction::Out if can.has(Capabilities::COVER) || can.has(Capabilities::VALUE) => Safe::Keep,
        Direction::Out => Safe::Off,
    };
    let unit = match kind {
        "thermostat" | "thermometer" => Some("°C"),
        "hygrometer" => Some("%"),
        _ => None,
    };
    Some(KindInfo { can, direction, safe, unit })
}

impl Device {
    /// A device of a kind with that kind's defaults; an unknown kind is a plain output.
    pub fn of_kind(name: &str, kind: &str, area: Option<&str>) -> Device {
        let info = kind_info(kind).unwrap_or(KindInfo {
            can: SIGNAL,
            direction: Direction::Out,
            safe: Safe::Off,
            unit: None,
        });
        Device {
            name: name.to_owned(),
            kind: kind.to_owned(),
            area: area.map(str::to_owned),
            aliases: Vec::new(),
            can: info.can,
            direction: info.direction,
            unit: info.unit.map(str::to_owned),
            range: None,
            line: None,
            close_line: None,
            active_low: false,
            safe: info.safe,
            confirm: false,
            pwm_hz: None,
        }
    }

    /// The legal values of `set_value`, or the legal levels: `range`, or 0 to 100 for levels.
    pub fn limits(&self) -> [f64; 2] {
        self.range.unwrap_or([0.0, 100.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_unique_and_inputs_cannot_be_driven() {
        for (i, (name, _)) in KINDS.iter().enumerate() {
            assert!(KINDS[..i].iter().all(|(other, _)| other != name), "{name} stands twice");
        }
        assert_eq!(kind_info("button").unwrap().direction, Direction::In);
        assert_eq!(kind_info("light").unwrap().direction, Direction::Out);
        assert!(kind_info("flux capacitor").is_none());
    }
}
