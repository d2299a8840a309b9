//! An agent at work: its state machine, its model and its board in one place. `talk`, `act`, `events`, `schedule` and `resume`
//! are what it does.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::agent::{Agent, MachineState, Scope};
use crate::board::{BoardError, Clock, Edges};
use crate::prompt::Scene;
use crate::safety::{DeviceState, Kernel};
use crate::tool::RunContext;

use super::choices::Choice;
use super::cost::Part;
use super::events::Timer;
use super::journal::Journal;
use super::mind::{Mind, Reading};
use super::resume::Written;
use super::schedule::Scheduled;

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
    pub(super) mind: Mind,
    pub(super) kernel: Kernel,
    pub(super) clock: Arc<dyn Clock>,
    /// What the active states allow together, and what that offers the model.
    pub(super) scope: Scope,
    pub(super) scene: Scene,
    pub(super) context: RunContext,
    pub(super) cancel: Arc<AtomicBool>,
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
}

impl Engine {
    /// Puts an agent to work; timers of its first state start. `cancel` ends decodes, waits and tools; it is shared
    /// with whoever listens for Ctrl-C.
    ///
    /// # Errors
    /// A tool that the model cannot call; a prompt over its budget.
    pub fn new(
        agent: Agent,
        mind: Mind,
        kernel: Kernel,
        settings: Settings,
        cancel: Arc<AtomicBool>,
    ) -> Result<Engine, EngineError> {
        let complain = |(tool, parameter)| EngineError::Parameter { tool, parameter };
        for (at, state) in agent.states.iter().enumerate() {
            let scene = super::scene(&agent, at, &|device| kernel.has(device)).map_err(complain)?;
            if let Some(budget) = state.budget {
                let tokens =
                    mind.measure(&scene, state.prompt.as_deref()).iter().map(|part| part.tokens).sum();
                if tokens > budget {
                    return Err(EngineError::Budget { state: state.name.clone(), tokens, budget });
                }
            }
        }
        let scope = agent.scope(&agent.initial);
        let scene = super::scene_of(&agent, &scope, &|device| kernel.has(device)).map_err(complain)?;
        let mut context = RunContext::new(settings.state_dir);
        context.cancel = cancel.clone();
        let clock = kernel.clock();
        let mut engine = Engine {
            agent,
            machine: MachineState::default(),
            mind,
            kernel,
            sample_at: clock.now(),
            clock,
            scope,
            scene,
            context,
            cancel,
            timers: Vec::new(),
            journal: None,
            written: None,
            scheduled: Vec::new(),
            stays: false,
            asking: false,
            asked: None,
            last: None,
        };
        engine.begin(&mut Vec::new());
        Ok(engine)
    }

    /// Says that the program stays and its events go on, so that requests for later can be put away.
    pub fn stay(&mut self) {
        self.stays = true;
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
        self.mind.name()
    }

    /// What the prompt costs here before anything is said, part by part.
    pub fn budget(&self) -> Vec<Part> {
        self.mind.measure(&self.scene, self.scope.prompt.as_deref())
    }

    /// Tokens that prompt and answer may have together.
    pub fn context(&self) -> usize {
        self.mind.context()
    }

    /// The last request's reading: links, prompt, answer.
    pub fn last(&self) -> Option<&Reading> {
        self.last.as_ref()
    }

    /// The board's name.
    pub fn board(&self) -> &str {
        self.kernel.board_name()
    }

    /// What every device does now.
    pub fn devices(&mut self) -> Vec<DeviceState> {
        self.kernel.snapshot()
    }

    /// The edges of the inputs, to be waited on by another thread.
    ///
    /// # Errors
    /// What the board says.
    pub fn edges(&mut self) -> Result<Box<dyn Edges>, BoardError> {
        self.kernel.edges()
    }

    /// Back to the first state; what stood asked is forgotten. The board stays as it is.
    pub fn reset(&mut self) -> Vec<String> {
        self.timers.clear();
        self.scheduled.clear();
        self.asked = None;
        let mut said = Vec::new();
        self.begin(&mut said);
        said
    }

    /// The tools and devices of the active states, after they have changed.
    pub(super) fn look_around(&mut self) {
        let scope = self.agent.scope(&self.machine.active);
        if (&scope.tools, &scope.devices) != (&self.scope.tools, &self.scope.devices) {
            let kernel = &self.kernel;
            // Whether the model can fill every parameter was seen when the engine was made.
            if let Ok(scene) = super::scene_of(&self.agent, &scope, &|device| kernel.has(device)) {
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
        self.kernel.shutdown()
    }
}
