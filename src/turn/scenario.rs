//! A course of events, written down: what happens when, and what is expected of the agent. Runs on simulated time, a day
//! in seconds; the format is described in `docs/agents.md`.

use std::time::Duration;

use crate::board::{SimBoard, SimClock};
use crate::tool::Call;

use super::{Engine, MindError};

/// A scenario, checked against nothing yet but its own form.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What the wall clock shows at the beginning, in seconds since 1970; `None`: it is not set.
    pub clock: Option<u64>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
struct Step {
    at: Duration,
    line: usize,
    what: What,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Input { device: String, active: bool },
    Value { device: String, value: f64 },
    Press(String),
    Say(String),
    Call(Call),
    Send(String),
    Clock(u64),
    ExpectState { name: String, active: bool },
    ExpectDevice { device: String, state: String },
    ExpectSaid(String),
    End,
}

/// What is wrong with a scenario, or with the agent that went through it.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A line that cannot be read.
    #[error("line {line}: {message}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// Something else happened than what was expected.
    #[error("line {line}: expected {expected}, found {found}")]
    Unmet {
        /// Its number, from 1.
        line: usize,
        /// What should have been.
        expected: String,
        /// What was.
        found: String,
    },
    /// A request could not be read.
    #[error("line {line}: {source}")]
    Request {
        /// Its number, from 1.
        line: usize,
        /// Why.
        source: MindError,
    },
}

/// Something that was said, or done by the scenario, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Simulated time since the beginning.
    pub at: Duration,
    /// What the agent said, or `None` when the scenario itself did something.
    pub said: bool,
    /// The words.
    pub text: String,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// [`ScenarioError::Line`] for the first line that cannot be read.
    pub fn parse(text: &str) -> Result<Scenario, ScenarioError> {
        let mut scenario = Scenario { clock: None, steps: Vec::new() };
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim());
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fault = |message: String| ScenarioError::Line { line: number, message };
            let (time, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            if time == "clock" {
                scenario.clock = Some(wall(rest).map_err(fault)?);
                continue;
            }
            let at = time_of(time).ok_or_else(|| {
                fault(format!("`{time}` is no time: hours:minutes, or with seconds, since the beginning"))
            })?;
            if scenario.steps.last().is_some_and(|before| before.at > at) {
                return Err(fault(format!("`{time}` comes before the line above it")));
            }
            let what = what(rest.trim()).map_err(fault)?;
            scenario.steps.push(Step { at, line: number, what });
        }
        Ok(scenario)
    }

    /// Goes through it. `tell` hears everything; expectations that are not met are gathered, and do not stop it.
    ///
    /// # Errors
    /// What could not be done or was not as expected, in order.
    pub fn run(
        &self,
        engine: &mut Engine,
        board: &SimBoard,
        clock: &SimClock,
        tell: &mut dyn FnMut(&Told),
    ) -> Vec<ScenarioError> {
        use crate::board::Clock;
        engine.stay();
        let begin = clock.now();
        let mut errors = Vec::new();
        let mut heard: Vec<String> = Vec::new();
        let mut edges = match engine.edges() {
            Ok(edges) => edges,
            Err(error) => {
                errors.push(ScenarioError::Line { line: 0, message: error.to_string() });
                return errors;
            }
        };
        for step in &self.steps {
            let wait = (begin + step.at).saturating_sub(clock.now());
            for (at, text) in engine.pass(clock, wait) {
                tell(&Told { at: at - begin, said: true, text: text.clone() });
                heard.push(text);
            }
            let now = clock.now() - begin;
            if !matches!(step.what, What::End) {
                tell(&Told { at: now, said: false, text: step.what.to_string() });
            }
            match self.carry_out(step, engine, board, clock, &heard) {
                Ok(mut said) => {
                    for edge in edges.wait(Duration::ZERO).unwrap_or_default() {
                        said.extend(engine.edge(edge.device, edge.rising));
                    }
                    for text in said {
                        tell(&Told { at: now, said: true, text: text.clone() });
                        heard.push(text);
                    }
                }
                Err(error) => errors.push(error),
            }
            if matches!(step.what, What::ExpectSaid(_)) {
                heard.clear();
            }
        }
        errors
    }

    fn carry_out(
        &self,
        step: &Step,
        engine: &mut Engine,
        board: &SimBoard,
        clock: &SimClock,
        heard: &[String],
    ) -> Result<Vec<String>, ScenarioError> {
        let line = step.line;
        let fault = |message: String| ScenarioError::Line { line, message };
        let unmet = |expected: String, found: String| ScenarioError::Unmet { line, expected, found };
        let mut said = Vec::new();
        match &step.what {
            What::Input { device, active } if !board.set_input(device, *active) => {
                return Err(fault(format!("there is no digital input `{device}`")));
            }
            What::Value { device, value } if !board.set_value(device, *value) => {
                return Err(fault(format!("there is no sensor `{device}`")));
            }
            What::Press(device) if !board.press(device) => {
                return Err(fault(format!("there is no digital input `{device}`")));
            }
            What::Input { .. } | What::Value { .. } | What::Press(_) | What::End => {}
            What::Say(text) => {
                let report = engine.talk(text).map_err(|source| ScenarioError::Request { line, source })?;
                said.extend(report.reply.lines().map(str::to_owned));
            }
            What::Call(call) => said.extend(engine.call(call.clone()).reply.lines().map(str::to_owned)),
            What::Send(name) => said = engine.signal(name),
            What::Clock(seconds) => clock.set_local(Some(*seconds)),
            What::ExpectState { name, active } => {
                let agent = engine.agent();
                let Some(state) = agent.state(name) else {
                    return Err(fault(format!("the agent has no state `{name}`")));
                };
                if engine.active().contains(&state) != *active {
                    let expected = format!("{} state {name}", if *active { "the" } else { "not the" });
                    return Err(unmet(expected, engine.state_name()));
                }
            }
            What::ExpectDevice { device, state } => {
                let found = board.state(device).map(|state| state.to_string());
                match found {
                    None => return Err(fault(format!("the board has no device `{device}`"))),
                    Some(found) if found != *state => {
                        return Err(unmet(format!("{device} {state}"), found));
                    }
                    Some(_) => {}
                }
            }
            What::ExpectSaid(text) => {
                if !heard.iter().any(|heard| heard.contains(text.as_str())) {
                    return Err(unmet(format!("{text:?} to be said"), format!("{heard:?}")));
                }
            }
        }
        Ok(said)
    }
}

/// `h:mm`, `h:mm:ss`, with decimals of seconds if need be.
fn time_of(text: &str) -> Option<Duration> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (*hours, *minutes, "0"),
        [hours, minutes, seconds] => (*hours, *minutes, *seconds),
        _ => return None,
    };
    let whole = hours.parse::<u64>().ok()?.checked_mul(60)?.checked_add(minutes.parse().ok()?)?;
    let seconds = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
    Duration::from_secs(whole.checked_mul(60)?).checked_add(seconds)
}

/// `mon 06:30` as seconds since 1970: of the first week that began on a Monday.
fn wall(text: &str) -> Result<u64, String> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let fault = || format!("`{text}` is no day and time, as in \"mon 06:30\"");
    let (day, time) = text.trim().split_once(' ').ok_or_else(fault)?;
    let day = DAYS.iter().position(|known| *known == day.to_lowercase()).ok_or_else(fault)?;
    Ok((4 + day as u64) * 86_400 + time_of(time.trim()).ok_or_else(fault)?.as_secs())
}

fn what(text: &str) -> Result<What, String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim();
    Ok(match word {
        "press" => What::Press(rest.to_owned()),
        "say" => What::Say(rest.to_owned()),
        "send" => What::Send(rest.to_owned()),
        "clock" => What::Clock(wall(rest)?),
        "end" if rest.is_empty() => What::End,
        "call" => {
            What::Call(serde_json::from_str(rest).map_err(|error| format!("`{rest}` is no call: {error}"))?)
        }
        "expect" => expectation(rest)?,
        _ => {
            let (device, value) = text.rsplit_once(" = ").ok_or_else(|| {
                format!("`{text}`: DEVICE = VALUE, press, say, call, send, clock, expect or end is expected")
            })?;
            let device = device.trim().to_owned();
            match value.trim() {
                "on" => What::Input { device, active: true },
                "off" => What::Input { device, active: false },
                number => {
                    let value = number.parse::<f64>().ok().filter(|value| value.is_finite());
                    let value = value.ok_or_else(|| format!("`{number}` is neither on, off nor a number"))?;
                    What::Value { device, value }
                }
            }
        }
    })
}

fn expectation(text: &str) -> Result<What, String> {
    if let Some(name) = text.strip_prefix("state ") {
        return Ok(What::ExpectState { name: name.trim().to_owned(), active: true });
    }
    if let Some(name) = text.strip_prefix("not state ") {
        return Ok(What::ExpectState { name: name.trim().to_owned(), active: false });
    }
    if let Some(words) = text.strip_prefix("said ") {
        return Ok(What::ExpectSaid(words.trim().to_owned()));
    }
    let (device, state) = text
        .rsplit_once(" is ")
        .ok_or_else(|| format!("`{text}`: state NAME, said WORDS or DEVICE is STATE is expected"))?;
    Ok(What::ExpectDevice { device: device.trim().to_owned(), state: state.trim().to_owned() })
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            What::Input { device, active } => write!(f, "{device} = {}", if *active { "on" } else { "off" }),
            What::Value { device, value } => write!(f, "{device} = {value}"),
            What::Press(device) => write!(f, "press {device}"),
            What::Say(text) => write!(f, "say {text}"),
            What::Call(call) => write!(f, "call {}", crate::agent::graph::call(call)),
            What::Send(name) => write!(f, "send {name}"),
            What::Clock(_) => f.write_str("the clock is set"),
            What::ExpectState { name, active: true } => write!(f, "expect state {name}"),
            What::ExpectState { name, active: false } => write!(f, "expect not state {name}"),
            What::ExpectDevice { device, state } => write!(f, "expect {device} is {state}"),
            What::ExpectSaid(text) => write!(f, "expect said {text}"),
            What::End => f.write_str("end"),
        }
    }
}
