//! The checked form of an agent: every name resolved to an index, every default filled in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::file::When;
use super::load::AgentError;
use super::{Report, check};
use crate::board::Device;
use crate::tool::{Builtin, Call, UserTool};

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
    /// Index of the first state.
    pub start: usize,
    /// The devices, in the order of the file.
    pub devices: Vec<Device>,
    /// The declared tools, in the order of the file.
    pub tools: Vec<UserTool>,
    /// The states, in the order of the file; at least one.
    pub states: Vec<State>,
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
    /// order of the file. A device tool that no device of this state can serve is left out.
    pub tools: Vec<ToolRef>,
    /// Indices into [`Agent::devices`] of the devices that may be touched, ascending.
    pub devices: Vec<usize>,
    /// Confidence from which a call is executed, 0 to 1.
    pub act: f64,
    /// Confidence below which a request is refused, 0 to `act`.
    pub ask: f64,
    /// How many earlier turns stay in the prompt of models that read prose.
    pub carry: usize,
    /// The transitions; the first that matches is taken.
    pub transitions: Vec<Transition>,
}

/// What happens on a trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// What sets it off.
    pub trigger: Trigger,
    /// Index of the state to enter; `None` stays, and timers go on.
    pub to: Option<usize>,
    /// What is said.
    pub say: Option<String>,
    /// Calls made without the model, resolved and with their defaults filled in.
    pub calls: Vec<Call>,
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
    /// This long after the state was entered.
    After(Duration),
}

/// Confidence from which a call is executed when the file names none.
pub const ACT: f64 = 0.5;
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
}
