//! An agent at work: its state machine, its model and its board in one place. `talk`, `act`, `events`, `schedule` and `resume`
//! are what it does.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::agent::{Agent, MachineState, Scope};
use crate::board::{BoardError, Edges};
use crate::prompt::{Background, Earlier, Scene};
use crate::safety::{DeviceState, Kernel};
use crate::tool::RunContext;

use super::choices::Choice;
use super::cost::Part;
use super::events::Timer;
use super::journal::Journal;
use super::mind::Reading;
use super::outside::Outside;
use super::reader::Reader;
use super::resume::Written;
use super::schedule::Scheduled;
use super::trace::{self, Given, Tracing};

/// Why an engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A parameter that the bundled model's rendering cannot fill.
    #[error(
        "tool `{tool}`: the bundled model cannot fill the parameter `{parameter}`: it fills strings, numbers, booleans and enums of strings; change the schema, or run another model with -m"
    )]
    Parameter {
        /// The tool.
        tool: String,
        /// Its parameter.
        parameter: String,
    },
    /// A state's prompt is longer than its `budget`.
    #[error(
        "the prompt of the state `{state}` has {tokens} tokens, its `budget` is {budget}: give it fewer tools or devices"
    )]
    Budget {
        /// The state.
        state: String,
        /// Tokens of its prompt before anything is said.
        tokens: usize,
        /// What the file allows.
        budget: usize,
    },
    /// The board.
    #[error(transparent)]
    Board(#[from] BoardError),
}

/// What an engine needs beside agent, model and board.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where tools keep their files.
    pub state_dir: PathBuf,
}

/// An agent at work: its state, its model and the only way to its board.
pub struct Engine {
    pub(super) agent: Agent,
    pub(super) machine: MachineState,
    pub(super) outside: Outside,
    pub(super) trace: Option<Tracing>,
    /// Devices that the board does not hold.
    pub(super) absent: Vec<String>,
    /// What the active states allow together, and what that offers the model.
    pub(super) scope: Scope,
    pub(super) scene: Scene,
    pub(super) timers: Vec<Timer>,
    /// Where its state is written down, and what was last.
    pub(super) journal: Option<Journal>,
    pub(super) written: Option<Written>,
    /// Acts for later, and whether the program stays to do them.
    pub(super) scheduled: Vec<Scheduled>,
    pub(super) stays: bool,
    /// When sensors are read next, on the clock.
    pub(super) sample_at: Duration,
    /// Whether a question of the agent's own is being answered.
    pub(super) asking: bool,
    pub(super) asked: Option<Vec<Choice>>,
    pub(super) last: Option<Reading>,
    /// Earlier turns, oldest first; no more than the states ask for.
    pub(super) before: Vec<Earlier>,
}

impl Engine {
    /// Puts an agent to work; timers of its first state start. `cancel` ends decodes, waits and tools; it is shared
    /// with whoever listens for Ctrl-C.
    ///
    /// # Errors
    /// A tool that the model cannot call; a prompt over its budget.
    pub fn new(
        agent: Agent,
        reader: impl Reader + 'static,
        kernel: Kernel,
        settings: Settings,
        cancel: Arc<AtomicBool>,
    ) -> Result<Engine, EngineError> {
        let mut engine = Engine::idle(agent, Box::new(reader), kernel, settings, cancel, None)?;
        engine.start();
        Ok(engine)
    }

    /// An engine that has not begun. `absent`: devices that are not on the board, whatever the kernel says.
    pub(super) fn idle(
        agent: Agent,
        reader: Box<dyn Reader>,
        kernel: Kernel,
        settings: Settings,
        cancel: Arc<AtomicBool>,
        absent: Option<Vec<String>>,
    ) -> Result<Engine, EngineError> {
        let complain = |(tool, parameter)| EngineError::Parameter { tool, parameter };
        let names = agent.devices.iter().map(|device| &device.name);
        let absent = absent.unwrap_or_else(|| names.filter(|name| !kernel.has(name)).cloned().collect());
        let has = |device: &str| !absent.iter().any(|name| name == device);
        for (at, state) in agent.states.iter().enumerate() {
            let scene = super::scene(&agent, at, &has).map_err(complain)?;
            if let Some(budget) = state.budget {
                let shown = agent.shown(&state.context, None);
                let background =
                    Background { prose: state.prompt.as_deref(), variables: &shown, before: &[] };
                let tokens = reader.measure(&scene, &background).iter().map(|part| part.tokens).sum();
                if tokens > budget {
                    return Err(EngineError::Budget { state: state.name.clone(), tokens, budget });
                }
            }
        }
        let scope = agent.scope(&agent.initial);
        let scene = super::scene_of(&agent, &scope, &has).map_err(complain)?;
        let mut context = RunContext::new(settings.state_dir);
        context.cancel = cancel;
        Ok(Engine {
            agent,
            machine: MachineState::default(),
            outside: Outside::new(kernel, reader, context),
            trace: None,
            absent,
            scope,
            scene,
            timers: Vec::new(),
            journal: None,
            written: None,
            scheduled: Vec::new(),
            stays: false,
            sample_at: Duration::ZERO,
            asking: false,
            asked: None,
            last: None,
            before: Vec::new(),
        })
    }

    /// Its first step, right after it was made.
    pub(super) fn start(&mut self) -> Vec<String> {
        let work = |engine: &mut Engine| {
            engine.sample_at = engine.outside.now();
            let mut said = Vec::new();
            engine.begin(&mut said);
            said
        };
        self.given(|| Given::Begins, work, |said| Some(trace::said(said)))
    }

    /// Says that the program stays and its events go on, so that requests for later can be put away.
    pub fn stay(&mut self) {
        self.given(|| Given::Stays, |engine| engine.stays = true, |()| Some(serde_json::Value::Null));
    }

    /// The agent.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Indices of the active states, the outer before the inner.
    pub fn active(&self) -> &[usize] {
        &self.machine.active
    }

    /// The name of the state that the agent is in; of several at once all names, the innermost ones.
    pub fn state_name(&self) -> String {
        let leaves = self.machine.active.iter().map(|&at| &self.agent.states[at]);
        let names: Vec<&str> =
            leaves.filter(|state| state.children.is_empty()).map(|state| state.name.as_str()).collect();
        names.join(" + ")
    }

    /// Whether the agent has not come to its end.
    pub fn running(&self) -> bool {
        self.machine.running
    }

    /// The machine's whole state.
    pub fn machine(&self) -> &MachineState {
        &self.machine
    }

    /// What the active states allow together.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What the current state offers.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The model's file, or `bundled`.
    pub fn model(&self) -> &str {
        self.outside.reader.name()
    }

    /// What the prompt costs here before anything is said, part by part.
    pub fn budget(&self) -> Vec<Part> {
        let shown = self.agent.shown(&self.scope.context, Some(&self.machine));
        let background = Background {
            prose: self.scope.prompt.as_deref(),
            variables: &shown,
            before: &self.before[self.before.len() - self.scope.carry.min(self.before.len())..],
        };
        self.outside.reader.measure(&self.scene, &background)
    }

    /// Tokens that prompt and answer may have together.
    pub fn context(&self) -> usize {
        self.outside.reader.context()
    }

    /// The last request's reading: links, prompt, answer.
    pub fn last(&self) -> Option<&Reading> {
        self.last.as_ref()
    }

    /// The board's name.
    pub fn board(&self) -> &str {
        self.outside.kernel.board_name()
    }

    /// What every device does now.
    pub fn devices(&mut self) -> Vec<DeviceState> {
        self.outside.kernel.snapshot()
    }

    /// The edges of the inputs, to be waited on by another thread.
    ///
    /// # Errors
    /// What the board says.
    pub fn edges(&mut self) -> Result<Box<dyn Edges>, BoardError> {
        self.outside.kernel.edges()
    }

    /// Back to the first state; what stood asked is forgotten. The board stays as it is.
    pub fn reset(&mut self) -> Vec<String> {
        let work = |engine: &mut Engine| {
            engine.timers.clear();
            engine.scheduled.clear();
            engine.asked = None;
            engine.before.clear();
            let mut said = Vec::new();
            engine.begin(&mut said);
            said
        };
        self.given(|| Given::Reset, work, |said| Some(trace::said(said)))
    }

    /// The tools and devices of the active states, after they have changed.
    pub(super) fn look_around(&mut self) {
        let scope = self.agent.scope(&self.machine.active);
        if (&scope.tools, &scope.devices) != (&self.scope.tools, &self.scope.devices) {
            let absent = &self.absent;
            // Whether the model can fill every parameter was seen when the engine was made.
            if let Ok(scene) =
                super::scene_of(&self.agent, &scope, &|device| !absent.iter().any(|name| name == device))
            {
                self.scene = scene;
            }
        }
        self.scope = scope;
    }

    /// Returns the lines to their safe states; nothing moves after.
    ///
    /// # Errors
    /// The first line that would not.
    pub fn shutdown(&mut self) -> Result<(), BoardError> {
        self.outside.kernel.shutdown()
    }
}
