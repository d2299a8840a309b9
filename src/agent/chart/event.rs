//! What happens to an agent, and what it asks its surroundings to do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::act::Form;
use super::cron::Cron;
use super::value::{MOST_TEXT, Value};
use crate::board;
use crate::tool::Call;

/// Data that an event may have at most; what a tool answers beyond it is left out.
const MOST_DATA: usize = 64;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A call was carried out, or failed.
    Called {
        /// The call.
        call: Call,
        /// What it gave (`event.result...`), or why it failed (`event.message`).
        result: Result<Json, String>,
        /// Who made it.
        by: By,
    },
    /// A person said something, whatever comes of it; idle times begin again.
    Activity,
    /// A request that no legal tool serves.
    Unserved {
        /// What was said.
        text: String,
    },
    /// An input changed.
    Edge {
        /// Index of the device.
        device: usize,
        /// From inactive to active, or the other way.
        rising: bool,
    },
    /// A sensor was read.
    Reading {
        /// Index of the device.
        device: usize,
        /// In its unit.
        value: f64,
    },
    /// A timer that was set has run out.
    Timer(TimerId),
    /// An event with a name, from outside.
    Named {
        /// Its name; parts are set off by points.
        name: String,
        /// Its data.
        data: BTreeMap<String, Value>,
    },
}

impl Event {
    /// What an answer of a form makes: its text, and what it holds when it is JSON; or why there is none.
    pub fn answer(form: &Form, answer: Result<&str, &str>) -> Event {
        let mut data = BTreeMap::new();
        match answer {
            Ok(text) => {
                if let Ok(Json::Object(object)) = serde_json::from_str::<Json>(text) {
                    object.iter().for_each(|(key, value)| flatten(key, value, &mut data));
                }
                data.insert("text".into(), Value::Text(cut(text)));
                Event::Named { name: form.event.clone(), data }
            }
            Err(message) => {
                data.insert("message".into(), Value::Text(cut(message)));
                Event::Named { name: "error.ask".into(), data }
            }
        }
    }
}

/// As much of a text as a value may have.
fn cut(text: &str) -> String {
    let end = (0..=MOST_TEXT.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    text[..end.unwrap_or_default()].to_owned()
}

/// Who made a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The model, or a person.
    Turn,
    /// A transition or the entry or exit of a state.
    Transition,
}

/// Names one timer of one machine; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimerId(pub u64);

/// What the caller is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Say this.
    Say(String),
    /// Make this call and report it back as [`Event::Called`] by [`By::Transition`].
    Do(Call),
    /// Ask the model this: in the state that the agent is in, as if a person had said it; or for an answer of a form, which
    /// is sent as [`Event::Named`] ([`Event::answer`]).
    Ask(String, Option<Form>),
    /// The state of this index is left.
    Exit(usize),
    /// The state of this index is entered.
    Enter(usize),
    /// Send [`Event::Timer`] after this time.
    SetTimer {
        /// From now.
        after: Duration,
        /// To be sent with the event.
        id: TimerId,
    },
    /// Send [`Event::Timer`] when the wall clock gets there, once; hold it until the clock is set.
    SetCron {
        /// When.
        cron: Cron,
        /// To be sent with the event.
        id: TimerId,
    },
    /// Forget this timer. One that has run out already may be named.
    CancelTimer(TimerId),
    /// A limit was met: the transition on this line of the file was not taken, and what was still waiting is dropped.
    Cut {
        /// Line in the agent file, from 1.
        line: usize,
        /// Which limit.
        why: &'static str,
    },
    /// An action could not be carried out; the event `error.execution` says so to the agent too.
    Failed {
        /// Line in the agent file, from 1.
        line: usize,
        /// Why.
        message: String,
    },
    /// The agent has come to its end; nothing moves it any more.
    Finished,
}

/// What guards and sentences can see besides variables: the board and the clock, read by the caller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surroundings {
    /// What devices do, by index; those that are missing are unknown. Only those that [`crate::agent::Agent::observed`]
    /// names are looked at.
    pub devices: BTreeMap<usize, board::State>,
    /// Local time in seconds since 1970; `None` while the clock is not set.
    pub clock: Option<u64>,
}

/// Where an event with a name comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Raised by an action.
    Internal,
    /// Made by the machine itself: `done.state...`, `error...`.
    Platform,
    /// Sent, or from outside.
    #[default]
    External,
}

impl Origin {
    /// As `event.type` has it.
    pub fn word(self) -> &'static str {
        match self {
            Origin::Internal => "internal",
            Origin::Platform => "platform",
            Origin::External => "external",
        }
    }
}

/// An event as guards see it: a name and flat data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Occurrence {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Its data; parts of what a tool answered have names with points (`result.temperature`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, Value>,
}

impl Occurrence {
    /// The event as guards see it.
    pub(super) fn of(event: &Event) -> Occurrence {
        let mut data = BTreeMap::new();
        let name = match event {
            Event::Called { call, result, .. } => {
                for (key, value) in &call.arguments {
                    flatten(key, value, &mut data);
                }
                match result {
                    Ok(result) => flatten("result", result, &mut data),
                    Err(message) => drop(data.insert("message".into(), Value::Text(message.clone()))),
                }
                format!("{}.{}", if result.is_ok() { "call" } else { "error.call" }, call.tool)
            }
            Event::Activity => "activity".into(),
            Event::Unserved { text } => {
                data.insert("text".into(), Value::Text(cut(text)));
                "unserved".into()
            }
            Event::Edge { rising, .. } => {
                data.insert("rising".into(), Value::Flag(*rising));
                "edge".into()
            }
            Event::Reading { value, .. } => {
                data.insert("value".into(), Value::Number(*value));
                "reading".into()
            }
            Event::Timer(_) => "timer".into(),
            Event::Named { name, data: given } => {
                data.clone_from(given);
                name.clone()
            }
        };
        Occurrence { name, origin: Origin::External, data }
    }

    /// Whether one of the descriptors names this event: the whole name, or its first parts, or `*`.
    pub(super) fn is(&self, descriptors: &[String]) -> bool {
        descriptors.iter().any(|descriptor| describes(descriptor, &self.name))
    }
}

/// Whether a descriptor names an event: the whole name, or its first parts (`.*` behind them is allowed), or `*`.
pub(in crate::agent) fn describes(descriptor: &str, name: &str) -> bool {
    let prefix = descriptor.strip_suffix('*').map_or(descriptor, |prefix| prefix.trim_end_matches('.'));
    prefix.is_empty()
        || name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Scalars of a JSON value by their path; a list of texts is one text.
fn flatten(path: &str, json: &Json, data: &mut BTreeMap<String, Value>) {
    if data.len() >= MOST_DATA || path.len() > 256 {
        return;
    }
    match json {
        Json::Object(map) => {
            map.iter().for_each(|(key, value)| flatten(&format!("{path}.{key}"), value, data))
        }
        Json::Array(items) if items.iter().all(Json::is_string) => {
            let joined = items.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", ");
            if let Some(value) = Value::from_json(&joined.into()) {
                data.insert(path.to_owned(), value);
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate().take(MOST_DATA) {
                flatten(&format!("{path}.{index}"), item, data);
            }
        }
        scalar => {
            if let Some(value) = Value::from_json(scalar) {
                data.insert(path.to_owned(), value);
            }
        }
    }
}
