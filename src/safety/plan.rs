//! From a call to what it would do: every check, and no line moved.

use std::collections::HashSet;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::board::{Device, Direction, Number, State};
use crate::tool::{Blink, Builtin, Call, ChangeLevel, Devices, SetLevel, SetValue, Wait};

use super::SafetyError;

/// What a state lets happen: its tools and its devices, by name.
#[derive(Clone, Debug, Default)]
pub struct Legal {
    tools: Option<HashSet<String>>,
    devices: Option<HashSet<String>>,
    /// The agent's own transitions, which may make safe what otherwise needs a person's yes.
    author: bool,
}

impl Legal {
    /// Everything that the agent has (a person at the REPL, an agent without states).
    pub fn everything() -> Self {
        Self::default()
    }

    /// What the agent's file may do in its transitions, entries and exits: everything, and without a yes what only
    /// brings a device with `confirm` to its safe state. An emergency stop must work when nobody is there to ask.
    pub fn by_author() -> Self {
        Legal { author: true, ..Self::default() }
    }

    /// These tools on these devices and nothing else.
    pub fn only<T, D>(tools: T, devices: D) -> Self
    where
        T: IntoIterator<Item: Into<String>>,
        D: IntoIterator<Item: Into<String>>,
    {
        Legal {
            tools: Some(tools.into_iter().map(Into::into).collect()),
            devices: Some(devices.into_iter().map(Into::into).collect()),
            author: false,
        }
    }

    /// Whether a tool may be called.
    pub fn tool(&self, name: &str) -> bool {
        self.tools.as_ref().is_none_or(|tools| tools.contains(name))
    }

    fn device(&self, name: &str) -> bool {
        self.devices.as_ref().is_none_or(|devices| devices.contains(name))
    }
}

/// A person's yes to one call, and to no other. Made only where a person has been asked; not kept, not cloned.
#[derive(Debug)]
pub struct Confirmed(Call);

impl Confirmed {
    /// To be called right after a person, shown the call, said yes to it.
    pub fn by_person(call: &Call) -> Self {
        Confirmed(call.clone())
    }
}

/// What a checked call does.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Outputs to drive, by place in the device list, in the order of the call.
    pub set: Vec<(usize, State)>,
    /// Devices to read.
    pub read: Vec<usize>,
    /// Times and interval of a blink of the devices in `set`, whose states are then the "other" half.
    pub blink: Option<(u32, Duration)>,
    /// Time to let pass.
    pub wait: Option<Duration>,
    /// What a person should hear.
    pub notes: Vec<String>,
}

/// The part of the kernel that checking looks at.
pub(super) struct Bench<'a> {
    pub devices: &'a [Device],
    pub states: &'a [State],
    pub present: &'a [bool],
    pub board: &'a str,
}

impl Bench<'_> {
    /// Checks a call whole.
    pub fn plan(
        &self,
        call: &Call,
        legal: &Legal,
        confirmed: Option<&Confirmed>,
    ) -> Result<Plan, SafetyError> {
        let tool = match Builtin::from_name(&call.tool) {
            Some(tool) if tool != Builtin::List => tool,
            _ => return Err(SafetyError::UnknownTool { tool: call.tool.clone() }),
        };
        if !legal.tool(tool.name()) {
            return Err(SafetyError::ToolNotLegal { tool: call.tool.clone() });
        }
        // A yes to another call is none.
        let confirmed = confirmed.filter(|yes| yes.0 == *call);
        let mut plan = Plan::default();
        match tool {
            Builtin::Wait => {
                let args: Wait = arguments(call)?;
                in_range(tool, None, "seconds", args.seconds, [0.0, 600.0])?;
                plan.wait = Some(Duration::from_secs_f64(args.seconds));
            }
            Builtin::Read => {
                let args: Devices = arguments(call)?;
                plan.read = self.devices(tool, &args.devices, legal, confirmed)?;
            }
            Builtin::Blink => {
                let args: Blink = arguments(call)?;
                in_range(tool, None, "times", f64::from(args.times), [1.0, 100.0])?;
                in_range(tool, None, "interval", args.interval, [0.05, 60.0])?;
                let devices = self.devices(tool, &args.devices, legal, confirmed)?;
                plan.set = self.each(devices, |device, now| toggled(tool, device, now))?;
                plan.blink = Some((args.times, Duration::from_secs_f64(args.interval)));
            }
            Builtin::SetLevel => {
                let args: SetLevel = arguments(call)?;
                let devices = self.devices(tool, &args.devices, legal, confirmed)?;
                in_range(tool, None, "percent", args.percent, [0.0, 100.0])?;
                plan.set = self.each(devices, |device, _| {
                    in_range(tool, Some(device), "percent", args.percent, device.level_limits())?;
                    Ok(at_level(args.percent))
                })?;
            }
            Builtin::ChangeLevel => {
                let args: ChangeLevel = arguments(call)?;
                let devices = self.devices(tool, &args.devices, legal, confirmed)?;
                in_range(tool, None, "percent", args.percent, [-100.0, 100.0])?;
                let mut notes = Vec::new();
                plan.set =
                    self.each(devices, |device, now| changed(device, now, args.percent, &mut notes))?;
                plan.notes = notes;
            }
            Builtin::SetValue => {
                let args: SetValue = arguments(call)?;
                let devices = self.devices(tool, &args.devices, legal, confirmed)?;
                plan.set = self.each(devices, |device, _| {
                    in_range(tool, Some(device), "value", args.value, device.limits())?;
                    Ok(State::Value { value: args.value })
                })?;
            }
            Builtin::On | Builtin::Off | Builtin::Toggle | Builtin::Open | Builtin::Close | Builtin::Stop => {
                let args: Devices = arguments(call)?;
                let devices = self.devices(tool, &args.devices, legal, confirmed)?;
                plan.set = self.each(devices, |device, now| match tool {
                    Builtin::On => Ok(device.full_on()),
                    Builtin::Off => Ok(State::Off),
                    Builtin::Open => Ok(State::Open),
                    Builtin::Close => Ok(State::Closed),
                    Builtin::Stop => Ok(State::Stopped),
                    _ => toggled(tool, device, now),
                })?;
            }
            Builtin::List => unreachable!("refused above"),
        }
        Ok(plan)
    }

    /// Resolves and checks the devices of a call.
    fn devices(
        &self,
        tool: Builtin,
        names: &[String],
        legal: &Legal,
        confirmed: Option<&Confirmed>,
    ) -> Result<Vec<usize>, SafetyError> {
        let name_of = || tool.name().to_owned();
        if names.is_empty() {
            return Err(SafetyError::Arguments { tool: name_of(), reason: "`devices` is empty".to_owned() });
        }
        let mut places = Vec::with_capacity(names.len());
        let mut unconfirmed = Vec::new();
        for name in names {
            let Some(place) = self.devices.iter().position(|device| device.name == *name) else {
                let (device, suggestion) = (name.clone(), self.suggestion(name));
                return Err(SafetyError::UnknownDevice { tool: name_of(), device, suggestion });
            };
            let device = &self.devices[place];
            if places.contains(&place) {
                let reason = format!("device `{name}` is named twice");
                return Err(SafetyError::Arguments { tool: name_of(), reason });
            }
            if !legal.device(name) {
                return Err(SafetyError::DeviceNotLegal { tool: name_of(), device: name.clone() });
            }
            let reads = tool == Builtin::Read;
            let able = tool.needs().is_some_and(|needs| device.can.has(needs));
            if !able || (!reads && device.direction == Direction::In) {
                let (device, kind) = (name.clone(), device.kind.clone());
                return Err(SafetyError::CannotDo { tool: name_of(), device, kind });
            }
            if !self.present[place] {
                let (device, board) = (name.clone(), self.board.to_owned());
                return Err(SafetyError::NotOnBoard { tool: name_of(), device, board });
            }
            let made_safe = legal.author && tool.makes(device.safe);
            if device.confirm && !reads && !made_safe && confirmed.is_none() {
                unconfirmed.push(name.clone());
            }
            places.push(place);
        }
        if !unconfirmed.is_empty() {
            return Err(SafetyError::NeedsConfirmation { tool: name_of(), devices: unconfirmed });
        }
        Ok(places)
    }

    fn suggestion(&self, name: &str) -> String {
        let nearest = self
            .devices
            .iter()
            .map(|device| (strsim::damerau_levenshtein(&device.name, name), &device.name))
            .min_by_key(|(distance, _)| *distance);
        match nearest {
            Some((distance, nearest)) if distance <= 1 + name.len() / 4 => {
                format!("; did you mean `{nearest}`?")
            }
            _ => String::new(),
        }
    }

    fn each(
        &self,
        places: Vec<usize>,
        mut target: impl FnMut(&Device, State) -> Result<State, SafetyError>,
    ) -> Result<Vec<(usize, State)>, SafetyError> {
        places
            .into_iter()
            .map(|place| Ok((place, target(&self.devices[place], self.states[place])?)))
            .collect()
    }
}

fn arguments<T: DeserializeOwned>(call: &Call) -> Result<T, SafetyError> {
    serde_json::from_value(serde_json::Value::Object(call.arguments.clone()))
        .map_err(|error| SafetyError::Arguments { tool: call.tool.clone(), reason: error.to_string() })
}

fn in_range(
    tool: Builtin,
    device: Option<&Device>,
    what: &'static str,
    found: f64,
    [least, most]: [f64; 2],
) -> Result<(), SafetyError> {
    // Also false for a NaN, which no range holds.
    if found >= least && found <= most {
        return Ok(());
    }
    let device = device.map(|device| device.name.clone());
    Err(SafetyError::OutOfRange { tool: tool.name().to_owned(), device, what, found, least, most })
}

fn at_level(percent: f64) -> State {
    if percent > 0.0 { State::On { level: Some(percent) } } else { State::Off }
}

fn toggled(tool: Builtin, device: &Device, now: State) -> Result<State, SafetyError> {
    match now {
        State::On { .. } => Ok(State::Off),
        State::Off => Ok(device.full_on()),
        _ => Err(SafetyError::StateUnknown { tool: tool.name().to_owned(), device: device.name.clone() }),
    }
}

/// A level raised or lowered, held at the device's limits, which is said and not done silently.
fn changed(device: &Device, now: State, by: f64, notes: &mut Vec<String>) -> Result<State, SafetyError> {
    let Some(level) = now.level() else {
        let tool = Builtin::ChangeLevel.name().to_owned();
        return Err(SafetyError::StateUnknown { tool, device: device.name.clone() });
    };
    if now == State::Off && by <= 0.0 {
        notes.push(format!("{} is already off", device.name));
        return Ok(State::Off);
    }
    let [least, most] = device.level_limits();
    let wanted = level + by;
    let level = wanted.clamp(least, most);
    if level != wanted {
        let limit = if wanted > most { "most" } else { "least" };
        notes.push(format!("{} is held at its {limit}, {} %", device.name, Number(level)));
    }
    Ok(at_level(level))
}
