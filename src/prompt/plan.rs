//! An answer before it is resolved: steps that select devices and point at numbers, and their calls.

use serde_json::{Map, Number as JsonNumber, Value};

use crate::board::Device;
use crate::tool::{Blink, Builtin, Call, DEFAULT_CHANGE};

use super::Turn;
use super::scene::{Scene, Tool};
use super::trim::trimmed;

/// All devices of a kind, of an area, of both, or all, but for some.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Of this kind only.
    pub kind: Option<usize>,
    /// In this area only.
    pub area: Option<usize>,
    /// Less these.
    pub except: Vec<Selector>,
}

/// Which devices a step means; indices are the scene's.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// This one.
    Device(usize),
    /// A group; as an exception, only its kind or area counts.
    Group(Group),
}

impl Selector {
    /// Whether it is a group that leaves something out.
    pub fn excepts(&self) -> bool {
        matches!(self, Selector::Group(group) if !group.except.is_empty())
    }

    /// Whether it holds the device with this index.
    pub fn holds(&self, scene: &Scene, at: usize) -> bool {
        let device = &scene.devices[at];
        match self {
            Selector::Device(wanted) => *wanted == at,
            Selector::Group(group) => {
                group.kind.is_none_or(|kind| scene.kind_of(device) == Some(kind))
                    && group.area.is_none_or(|area| scene.area_of(device) == Some(area))
                    && !group.except.iter().any(|except| except.holds(scene, at))
            }
        }
    }
}

/// What fills a parameter of a user's tool.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// The choice with this index among the scene's values.
    Choice(usize),
    /// The number with this index among the turn's numbers.
    Number(usize),
    /// Words of the request, as said.
    Text(String),
    /// Yes or no.
    Flag(bool),
}

/// One action of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A built-in tool on devices.
    Devices {
        /// Which tool.
        tool: Builtin,
        /// For `change_level`: downwards.
        down: bool,
        /// The devices; all that any selector holds and that can do it.
        selectors: Vec<Selector>,
        /// Indices of numbers, as many as the tool takes; `None` is the tool's default.
        amounts: Vec<Option<usize>>,
    },
    /// `list`.
    List,
    /// `wait` for the number with this index.
    Wait(usize),
    /// The user's tool with this index among the user's tools, an entry a parameter.
    User {
        /// Which tool.
        tool: usize,
        /// Its arguments in the order of its parameters; `None` is left out.
        arguments: Vec<Option<Argument>>,
    },
}

impl Step {
    /// The devices that it acts on, as indices of the scene: those that it selects and that can do it. `None` for a step that takes none.
    pub fn devices(&self, scene: &Scene) -> Option<Vec<usize>> {
        let Step::Devices { tool, selectors, .. } = self else { return None };
        let meant = |at: &usize| {
            serves(&scene.devices[*at], *tool) && selectors.iter().any(|selector| selector.holds(scene, *at))
        };
        Some((0..scene.devices.len()).filter(meant).collect())
    }

    /// The step with its numbers' indices replaced.
    pub fn renumbered(mut self, place: impl Fn(usize) -> usize) -> Step {
        match &mut self {
            Step::List => {}
            Step::Wait(at) => *at = place(*at),
            Step::Devices { amounts, .. } => amounts.iter_mut().flatten().for_each(|at| *at = place(*at)),
            Step::User { arguments, .. } => {
                for argument in arguments.iter_mut().flatten() {
                    if let Argument::Number(at) = argument {
                        *at = place(*at);
                    }
                }
            }
        }
        self
    }
}

/// The steps with neighbours that do the same, with no amount, as one: "lamp on, fan on" is `on` of both.
pub fn merged(steps: Vec<Step>) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::new();
    for step in steps {
        if let Step::Devices { tool, selectors, amounts, .. } = &step
            && amounts.is_empty()
            && let Some(Step::Devices { tool: before, selectors: all, .. }) = out.last_mut()
            && before == tool
            && all.iter().chain(selectors).filter(|selector| selector.excepts()).count() < 2
        {
            for selector in selectors {
                if !all.contains(selector) {
                    all.push(selector.clone());
                }
            }
            continue;
        }
        out.push(step);
    }
    out
}

/// A number as JSON: whole ones without a fraction.
fn json_number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        Value::Number(JsonNumber::from(value as i64))
    } else {
        JsonNumber::from_f64(value).map_or(Value::Null, Value::Number)
    }
}

/// Whether a device can serve a tool at all.
pub(super) fn serves(device: &Device, tool: Builtin) -> bool {
    tool.needs().is_some_and(|needs| device.can.has(needs))
}

/// The calls of an answer. A step whose selection holds no device that can do it falls away.
pub fn resolve(turn: &Turn<'_>, steps: &[Step]) -> Vec<Call> {
    steps.iter().filter_map(|step| resolve_step(turn, step)).collect()
}

fn resolve_step(turn: &Turn<'_>, step: &Step) -> Option<Call> {
    let scene = turn.scene;
    let number = |at: usize| turn.numbers.get(at).map(|number| number.value);
    let mut arguments = Map::new();
    let tool = match step {
        Step::List => Builtin::List.name().to_owned(),
        Step::Wait(at) => {
            arguments.insert("seconds".to_owned(), json_number(number(*at)?));
            Builtin::Wait.name().to_owned()
        }
        Step::Devices { tool, down, amounts, .. } => {
            let devices = step.devices(scene)?.into_iter();
            let names: Vec<Value> = devices.map(|at| Value::from(scene.devices[at].name.as_str())).collect();
            if names.is_empty() {
                return None;
            }
            arguments.insert("devices".to_owned(), Value::Array(names));
            let amount = |at: usize| amounts.get(at).copied().flatten();
            match tool {
                Builtin::SetLevel => {
                    arguments.insert("percent".to_owned(), json_number(number(amount(0)?)?));
                }
                Builtin::SetValue => {
                    arguments.insert("value".to_owned(), json_number(number(amount(0)?)?));
                }
                Builtin::ChangeLevel => {
                    let change = match amount(0) {
                        Some(at) => number(at)?.abs(),
                        None => DEFAULT_CHANGE,
                    };
                    arguments.insert("percent".to_owned(), json_number(if *down { -change } else { change }));
                }
                Builtin::Blink => {
                    let times = match amount(0) {
                        Some(at) => number(at)?,
                        None => Blink::default_times().into(),
                    };
                    let interval = match amount(1) {
                        Some(at) => number(at)?,
                        None => Blink::default_interval(),
                    };
                    arguments.insert("times".to_owned(), json_number(times));
                    arguments.insert("interval".to_owned(), json_number(interval));
                }
                _ => {}
            }
            tool.name().to_owned()
        }
        Step::User { tool, arguments: given } => {
            let (name, _, parameters) = scene.user_tools().nth(*tool)?;
            for (param, argument) in parameters.iter().zip(given) {
                let value = match argument {
                    None => continue,
                    Some(Argument::Choice(at)) => Value::from(scene.values.get(*at)?.as_str()),
                    Some(Argument::Number(at)) => json_number(param.number(turn.numbers.get(*at)?)?),
                    Some(Argument::Text(text)) => Value::from(trimmed(&param.name, text, turn.request)),
                    Some(Argument::Flag(flag)) => Value::from(*flag),
                };
                arguments.insert(param.name.clone(), value);
            }
            name.to_owned()
        }
    };
    debug_assert!(scene.tools.iter().any(|known: &Tool| known.name() == tool));
    Some(Call { tool, arguments })
}
