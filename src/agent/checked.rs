//! The checked form of an agent: every name resolved to an index, every default filled in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chart::{Block, Cron, Expr, MachineState, Value};
use super::chart_file::When;
use super::load::AgentError;
use super::{Report, check};
use crate::board::Device;
use crate::tool::{Builtin, UserTool};

/// An agent that can run. Made by [`super::load`] and [`Agent::parse`] only from files without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// One line on what it is for.
    pub description: Option<String>,
    /// The file it came from; `None` when it is one of those inside the binary.
    pub path: Option<PathBuf>,
    /// The model it asks for.
    pub model: ModelRef,
    /// Index of the first state; where there are several, of the first of them.
    pub start: usize,
    /// Indices of the first states.
    pub initial: Vec<usize>,
    /// The devices, in the order of the file.
    pub devices: Vec<Device>,
    /// The declared tools, in the order of the file.
    pub tools: Vec<UserTool>,
    /// The context variables, in the order of the file.
    pub variables: Vec<Variable>,
    /// The states, in the order of the file; at least one.
    pub states: Vec<State>,
    /// What is written down of it, and what becomes of the outputs after a power cut; `None`: it begins anew.
    pub resume: Option<Resume>,
    /// When that is forced to the disk.
    pub sync: Flush,
    /// How long each device is left alone after an edge, in the order of the devices.
    pub debounce: Vec<Duration>,
    /// Devices that guards and sentences look at, ascending.
    pub observed: Vec<usize>,
    /// Sensors that thresholds look at, ascending.
    pub sampled: Vec<usize>,
}

/// What becomes of the outputs when an agent goes on where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resume {
    /// They are brought to what they did.
    Restore,
    /// They are left safe, as at every start.
    Safe,
}

/// When what was written down is forced to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flush {
    /// Whenever something is written.
    #[default]
    Always,
    /// When something was written and this time has gone by since the last time.
    Every(Duration),
    /// Whenever the system does it.
    Never,
}

/// Which model an agent asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub enum ModelRef {
    /// The one inside the binary.
    #[default]
    Bundled,
    /// A GGUF file.
    File(PathBuf),
}

/// A tool that is legal somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ToolRef {
    /// A built-in tool.
    Builtin(Builtin),
    /// Index into [`Agent::tools`].
    User(usize),
}

/// A state: what is legal in it and how it is left.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Its name.
    pub name: String,
    /// Told to models that read prose.
    pub prompt: Option<String>,
    /// The legal tools: built-in ones in the order of the documentation, then the user's in the
    /// order of the file. A device tool that no device of this state can serve is left out. Never more than what the
    /// state around allows.
    pub tools: Vec<ToolRef>,
    /// Indices into [`Agent::devices`] of the devices that may be touched, ascending.
    pub devices: Vec<usize>,
    /// Confidence from which a call is executed, 0 to 1.
    pub act: f64,
    /// Confidence below which a request is refused, 0 to `act`.
    pub ask: f64,
    /// Whether requests are carried out only after the person says yes.
    pub confirm: bool,
    /// Tokens that its prompt may have before anything is said.
    pub budget: Option<usize>,
    /// How many earlier turns stay in the prompt.
    pub carry: usize,
    /// Indices of the variables that the prompt shows, ascending.
    pub context: Vec<usize>,
    /// What kind of state it is.
    pub kind: Kind,
    /// The state around it.
    pub parent: Option<usize>,
    /// The states just inside of it, in the order of the file.
    pub children: Vec<usize>,
    /// Its place in document order: a state, then those inside of it, then the next one.
    pub order: usize,
    /// Where it begins: of a compound state, and of a history state while nothing is remembered.
    pub initial: Initial,
    /// Carried out when it is entered.
    pub entry: Block,
    /// Carried out when it is left.
    pub exit: Block,
    /// Data of the event that a final state makes.
    pub data: Vec<(String, Expr)>,
    /// The transitions; the first that matches is taken.
    pub transitions: Vec<Transition>,
    /// Line in the file, from 1.
    pub line: usize,
}

/// What kind of state one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Nothing inside.
    #[default]
    Atomic,
    /// One of the states inside is active with it.
    Compound,
    /// All of the states inside are active with it.
    Parallel,
    /// The state around, or the agent, comes to its end.
    Final,
    /// Never active: stands for what was last active beside it.
    History {
        /// All the way down, or just one level.
        deep: bool,
    },
}

/// Where a state begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Initial {
    /// Indices of the states.
    pub targets: Vec<usize>,
    /// Carried out on the way.
    pub actions: Block,
}

/// A context variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is when the agent starts; its type never changes.
    pub initial: Value,
}

/// What happens on a trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// What sets it off.
    pub trigger: Trigger,
    /// What has to hold.
    pub guard: Option<Expr>,
    /// Indices of the states to enter; without any the state stays, and timers go on.
    pub to: Vec<usize>,
    /// Targets inside of its own state are entered without leaving that state.
    pub internal: bool,
    /// What is done.
    pub actions: Block,
    /// Line in the file, from 1.
    pub line: usize,
}

/// What sets a transition off.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// The tool was called and succeeded; with a device, only when the call addresses it.
    Call {
        /// The tool.
        tool: ToolRef,
        /// Index of the device, if narrowed to one.
        device: Option<usize>,
    },
    /// The tool was called and failed; with a device, only when the call addresses it.
    Error {
        /// The tool.
        tool: ToolRef,
        /// Index of the device, if narrowed to one.
        device: Option<usize>,
    },
    /// A request that no legal tool serves.
    Unserved,
    /// An input changed.
    Edge {
        /// Index of the device.
        device: usize,
        /// Which change.
        when: When,
    },
    /// A sensor went past a value.
    Threshold(Threshold),
    /// This long after the state was entered, once.
    After(Duration),
    /// Again and again while the state is active.
    Every(Duration),
    /// A time of day.
    Cron(Cron),
    /// Nobody has said anything for this time.
    Idle(Duration),
    /// An event with one of these names.
    Event(Vec<String>),
    /// Nothing: as soon as the guard holds.
    Always,
}

/// A value of a sensor that matters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Index of the device.
    pub device: usize,
    /// Above it, or below.
    pub above: bool,
    /// The value, in the device's unit.
    pub value: f64,
    /// How far the value has to come back.
    pub hysteresis: f64,
}

impl Threshold {
    /// Whether `value` lies past it.
    pub fn crossed(&self, value: f64) -> bool {
        if self.above { value > self.value } else { value < self.value }
    }

    /// Whether `value` has come back.
    pub fn recovered(&self, value: f64) -> bool {
        match self.above {
            true => value <= self.value - self.hysteresis,
            false => value >= self.value + self.hysteresis,
        }
    }
}

/// What a configuration (the active states together) lets happen: what each of them allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// Told to models that read prose.
    pub prompt: Option<String>,
    /// The legal tools, in the order of [`State::tools`].
    pub tools: Vec<ToolRef>,
    /// Indices of the devices that may be touched, ascending.
    pub devices: Vec<usize>,
    /// Confidence from which a call is executed: that of the most careful state.
    pub act: f64,
    /// Confidence below which a request is refused.
    pub ask: f64,
    /// Whether requests are carried out only after the person says yes.
    pub confirm: bool,
    /// How many earlier turns stay in the prompt: as many as any of the states asks for.
    pub carry: usize,
    /// Indices of the variables that any of the states shows, ascending.
    pub context: Vec<usize>,
}

/// Confidence from which a call is executed when the file names none. Below it, of the requests of the sets for looking, more would be done wrongly
/// than rightly beside those that are done anyway (models/README.md, version 9).
pub const ACT: f64 = 0.6;
/// Confidence below which a request is refused when the file names none.
pub const ASK: f64 = 0.2;

impl Agent {
    /// Checks a file's text; `path` is where it stands, for relative names and for messages.
    ///
    /// # Errors
    /// [`AgentError::Unsound`] with all findings when there is an error among them.
    pub fn parse(source: &str, path: Option<&Path>) -> Result<Agent, AgentError> {
        let checked = check(source, path);
        checked.agent.ok_or_else(|| {
            let file = path.map_or("agent".into(), |path| path.display().to_string());
            AgentError::Unsound(Box::new(Report { file, findings: checked.findings }))
        })
    }

    /// The name of a tool.
    ///
    /// # Panics
    /// When `tool` is another agent's.
    pub fn tool_name(&self, tool: ToolRef) -> &str {
        match tool {
            ToolRef::Builtin(tool) => tool.name(),
            ToolRef::User(index) => &self.tools[index].name,
        }
    }

    /// The tool of that name, legal anywhere or not.
    pub fn tool(&self, name: &str) -> Option<ToolRef> {
        match Builtin::from_name(name) {
            Some(tool) => Some(ToolRef::Builtin(tool)),
            None => self.tools.iter().position(|tool| tool.name == name).map(ToolRef::User),
        }
    }

    /// Index of the device of that name (names only, not aliases).
    pub fn device(&self, name: &str) -> Option<usize> {
        self.devices.iter().position(|device| device.name == name)
    }

    /// The first value that a transition waits for at a sensor: to be gone above, or below.
    pub fn threshold(&self, device: usize, above: bool) -> Option<f64> {
        self.states.iter().flat_map(|state| &state.transitions).find_map(|transition| {
            match transition.trigger {
                Trigger::Threshold(known) if known.device == device && known.above == above => {
                    Some(known.value)
                }
                _ => None,
            }
        })
    }

    /// Index of the state of that name.
    pub fn state(&self, name: &str) -> Option<usize> {
        self.states.iter().position(|state| state.name == name)
    }

    /// The devices that `tool` may address in `state`: those of the state that can do it, ascending.
    /// Empty for tools that take no devices.
    pub fn devices_for(&self, state: &State, tool: Builtin) -> Vec<usize> {
        let Some(needs) = tool.needs() else { return Vec::new() };
        state.devices.iter().copied().filter(|&index| self.devices[index].can.has(needs)).collect()
    }

    /// Variables by name, with what they are in the machine, or at first.
    ///
    /// # Panics
    /// When `context` holds an index that is none of the variables'.
    pub fn shown(&self, context: &[usize], machine: Option<&MachineState>) -> Vec<(String, Value)> {
        let value = |at: usize| match machine.and_then(|machine| machine.variables.get(at)) {
            Some(value) => value.clone(),
            None => self.variables[at].initial.clone(),
        };
        context.iter().map(|&at| (self.variables[at].name.clone(), value(at))).collect()
    }

    /// Whether a transition of an active state waits for a call of this tool.
    pub fn awaits(&self, active: &[usize], tool: ToolRef) -> bool {
        let waits =
            |trigger: &Trigger| matches!(trigger, Trigger::Call { tool: known, .. } if *known == tool);
        active
            .iter()
            .any(|&at| self.states[at].transitions.iter().any(|transition| waits(&transition.trigger)))
    }

    /// The states as an indented list, those that are active marked with `*`.
    pub fn outline(&self, active: &[usize]) -> Vec<String> {
        let mut inner: Vec<usize> = (0..self.states.len()).collect();
        inner.sort_by_key(|&at| self.states[at].order);
        let depth =
            |at: usize| std::iter::successors(self.states[at].parent, |&at| self.states[at].parent).count();
        let line = |at: usize| {
            let mark = if active.contains(&at) { '*' } else { ' ' };
            let state = &self.states[at];
            let kind = match state.kind {
                Kind::Parallel => " (all at once)",
                Kind::Final => " (end)",
                Kind::History { .. } => " (history)",
                Kind::Atomic | Kind::Compound => "",
            };
            format!("{mark} {}{}{kind}", "  ".repeat(depth(at)), state.name)
        };
        inner.into_iter().map(line).collect()
    }

    /// What the active states let happen together: the tools and devices that all of them allow.
    pub fn scope(&self, active: &[usize]) -> Scope {
        let leaves = active.iter().map(|&at| &self.states[at]).filter(|state| state.children.is_empty());
        let mut leaves = leaves.peekable();
        let first = *leaves.peek().unwrap_or(&&self.states[self.start]);
        let (mut tools, mut devices) = (first.tools.clone(), first.devices.clone());
        let (mut act, mut ask) = (first.act, first.ask);
        let mut confirm = false;
        let (mut carry, mut context) = (0, std::collections::BTreeSet::new());
        let mut prompts: Vec<&str> = Vec::new();
        for state in leaves {
            confirm |= state.confirm;
            carry = carry.max(state.carry);
            context.extend(state.context.iter().copied());
            tools.retain(|tool| state.tools.contains(tool));
            devices.retain(|device| state.devices.binary_search(device).is_ok());
            (act, ask) = (act.max(state.act), ask.max(state.ask));
            if let Some(prompt) = state.prompt.as_deref().filter(|prompt| !prompts.contains(prompt)) {
                prompts.push(prompt);
            }
        }
        tools.retain(|tool| match tool {
            ToolRef::Builtin(tool) => tool
                .needs()
                .is_none_or(|needs| devices.iter().any(|&index| self.devices[index].can.has(needs))),
            ToolRef::User(_) => true,
        });
        let prompt = (!prompts.is_empty()).then(|| prompts.join(" "));
        let context = context.into_iter().collect();
        Scope { prompt, tools, devices, act, ask: ask.min(act), confirm, carry, context }
    }
}
