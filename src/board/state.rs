//! What a device is doing, and what it is to do when the agent ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Capabilities, Device, Direction, Safe};

/// What a device is doing, or is told to do. In JSON: `{"state": "on", "level": 50.0}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Nobody has said or measured it.
    #[default]
    Unknown,
    /// Switched off.
    Off,
    /// Switched on.
    On {
        /// Percent, more than 0 and at most 100; only for devices that can be dimmed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        level: Option<f64>,
    },
    /// Open or opening; unlocked.
    Open,
    /// Closed or closing; locked.
    Closed,
    /// Stopped where it is.
    Stopped,
    /// A number in the device's unit: a setting, or what a numeric sensor measures.
    Value {
        /// The number.
        value: f64,
    },
    /// An input line is active (a button is pressed, a contact closed).
    Active,
    /// An input line is inactive.
    Inactive,
}

impl State {
    /// The level in percent: 0 when off, 100 when on without a level, `None` for what has no level.
    pub fn level(self) -> Option<f64> {
        match self {
            State::Off => Some(0.0),
            State::On { level } => Some(level.unwrap_or(100.0)),
            _ => None,
        }
    }

    /// Which of the two lines of an output are active in this state: `line` and `close_line`. A
    /// level between 0 and 100 counts as active. `None` for states that no digital line can show.
    pub fn lines(self, has_close_line: bool) -> Option<(bool, bool)> {
        match self {
            State::On { .. } | State::Open => Some((true, false)),
            State::Off | State::Stopped => Some((false, false)),
            State::Closed => Some((false, has_close_line)),
            State::Unknown | State::Value { .. } | State::Active | State::Inactive => None,
        }
    }

    /// The state in words with a unit for values: `on 50 %`, `21.5 °C`.
    pub fn describe(self, unit: Option<&str>) -> String {
        match (self, unit) {
            (State::Value { value }, Some(unit)) => format!("{} {unit}", Number(value)),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Unknown => f.write_str("unknown"),
            State::Off => f.write_str("off"),
            State::On { level: None } => f.write_str("on"),
            State::On { level: Some(level) } => write!(f, "on {} %", Number(*level)),
            State::Open => f.write_str("open"),
            State::Closed => f.write_str("closed"),
            State::Stopped => f.write_str("stopped"),
            State::Value { value } => Number(*value).fmt(f),
            State::Active => f.write_str("active"),
            State::Inactive => f.write_str("inactive"),
        }
    }
}

/// A number as a person writes it: at most three decimals and no trailing zeros.
pub(crate) struct Number(pub f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.3}", self.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

impl Device {
    /// Least and most level in percent. A device that also takes values keeps its range for those.
    pub fn level_limits(&self) -> [f64; 2] {
        if self.can.has(Capabilities::VALUE) { [0.0, 100.0] } else { self.limits() }
    }

    /// What `on` does: full level where there are levels.
    pub fn full_on(&self) -> State {
        let dimmed = self.can.has(Capabilities::LEVEL);
        State::On { level: dimmed.then(|| self.level_limits()[1]) }
    }

    /// Whether it is an input that measures a number and not one that is active or inactive.
    pub fn measures(&self) -> bool {
        self.direction == Direction::In
            && (self.unit.is_some() || matches!(self.kind.as_str(), "thermometer" | "hygrometer" | "meter"))
    }

    /// What the device is told when the agent ends, coming from `now`; `None` when it is left alone.
    /// A cover on two lines never keeps its motor running: `keep` stops it.
    pub fn safe_state(&self, now: State) -> Option<State> {
        if self.direction == Direction::In {
            return None;
        }
        let cover = self.can.has(Capabilities::COVER);
        let switch = self.can.has(Capabilities::SWITCH);
        let target = match self.safe {
            Safe::Off | Safe::Close if cover => State::Closed,
            Safe::On | Safe::Open if cover => State::Open,
            Safe::Keep if self.close_line.is_some() => State::Stopped,
            Safe::Off | Safe::Close if switch => State::Off,
            Safe::On | Safe::Open if switch => self.full_on(),
            _ => return None,
        };
        (target != now).then_some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_said_as_people_say_them() {
        assert_eq!(State::On { level: Some(37.5) }.to_string(), "on 37.5 %");
        assert_eq!(State::Value { value: 21.0 }.describe(Some("°C")), "21 °C");
        assert_eq!(State::Value { value: -0.0001 }.to_string(), "0");
        let json = serde_json::to_string(&State::On { level: Some(50.0) }).unwrap();
        assert_eq!(json, r#"{"state":"on","level":50.0}"#);
        assert_eq!(serde_json::from_str::<State>(r#"{"state":"off"}"#).unwrap(), State::Off);
    }

    #[test]
    fn safe_states_follow_the_kind() {
        let mut light = Device::of_kind("lamp", "light", None);
        assert_eq!(light.safe_state(light.full_on()), Some(State::Off));
        assert_eq!(light.safe_state(State::Off), None);
        light.safe = Safe::On;
        assert_eq!(light.safe_state(State::Off), Some(State::On { level: Some(100.0) }));
        let mut gate = Device::of_kind("gate", "gate", None);
        assert_eq!(gate.safe_state(State::Open), None);
        gate.close_line = Some(super::super::LineRef { chip: None, line: super::super::LineId::Offset(2) });
        assert_eq!(gate.safe_state(State::Open), Some(State::Stopped));
        gate.safe = Safe::Off;
        assert_eq!(gate.safe_state(State::Open), Some(State::Closed));
        assert_eq!(Device::of_kind("t", "thermostat", None).safe_state(State::Value { value: 3.0 }), None);
        assert_eq!(Device::of_kind("b", "button", None).safe_state(State::Active), None);
    }

    #[test]
    fn no_state_asks_for_both_lines() {
        for state in [State::Off, State::On { level: None }, State::Open, State::Closed, State::Stopped] {
            assert_ne!(state.lines(true), Some((true, true)));
        }
    }
}
