//! The acting half of a turn: readings to calls on the board and on tools, through the state machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::agent::graph::call as in_words;
use crate::agent::{Agent, By, Event, MachineState, Scope, ToolRef};
use crate::board::{BoardError, Clock, Edges};
use crate::prompt::Scene;
use crate::safety::{Confirmed, DeviceState, Kernel, Legal, Mode, SafetyError};
use crate::tool::{Builtin, Call, RunContext, ToolError, UserTool};

use super::events::Timer;
use super::mind::{Mind, MindError, Reading};
use super::reply;
use super::report::{CallReport, Report, TokenCounts};

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
    mind: Mind,
    pub(super) kernel: Kernel,
    pub(super) clock: Arc<dyn Clock>,
    /// What the active states allow together, and what that offers the model.
    scope: Scope,
    scene: Scene,
    context: RunContext,
    cancel: Arc<AtomicBool>,
    pub(super) timers: Vec<Timer>,
    /// When sensors are read next, on the clock.
    pub(super) sample_at: Duration,
    /// Whether a question of the agent's own is being answered.
    asking: bool,
    asked: Option<Vec<Call>>,
    last: Option<Reading>,
}

impl Engine {
    /// Puts an agent to work; timers of its first state start. `cancel` ends decodes, waits and tools; it is shared
    /// with whoever listens for Ctrl-C.
    ///
    /// # Errors
    /// A tool that the model cannot call.
    pub fn new(
        agent: Agent,
        mind: Mind,
        kernel: Kernel,
        settings: Settings,
        cancel: Arc<AtomicBool>,
    ) -> Result<Engine, EngineError> {
        let complain = |(tool, parameter)| EngineError::Parameter { tool, parameter };
        for state in 0..agent.states.len() {
            super::scene(&agent, state, &|device| kernel.has(device)).map_err(complain)?;
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
            asking: false,
            asked: None,
            last: None,
        };
        engine.begin(&mut Vec::new());
        Ok(engine)
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

    /// One request, from words to reply.
    ///
    /// # Errors
    /// When it could not be read (too long, cancelled, a failing model); nothing was done then.
    pub fn turn(&mut self, request: &str) -> Result<Report, MindError> {
        let started = Instant::now();
        self.asked = None;
        let mut said = Vec::new();
        self.event(Event::Activity, &mut said);
        let mut report = self.report(1.0);
        if !self.machine.running {
            said.push(reply::ENDED.to_owned());
            self.finish(&mut report, said, started);
            return Ok(report);
        }
        self.understand(request, By::Turn, &mut report, &mut said)?;
        self.finish(&mut report, said, started);
        Ok(report)
    }

    /// Makes one call without the model, held to what the model may do here: as if a person had asked for it.
    pub fn call(&mut self, call: Call) -> Report {
        let started = Instant::now();
        let mut said = Vec::new();
        self.event(Event::Activity, &mut said);
        let mut report = self.report(1.0);
        if !self.machine.running {
            said.push(reply::ENDED.to_owned());
        } else if self.needs_yes(std::slice::from_ref(&call)) {
            said.push(format!("That needs a person's yes: {}.", in_words(&call)));
        } else {
            report.calls = self.act(vec![call], false, By::Turn, &mut said);
        }
        self.finish(&mut report, said, started);
        report
    }

    /// A question of the agent's own. One that comes up while another is being answered is dropped.
    pub(super) fn ask_model(&mut self, request: &str, said: &mut Vec<String>) {
        if std::mem::replace(&mut self.asking, true) {
            tracing::warn!("a question to the model inside of another was dropped: {request}");
            return;
        }
        let mut report = self.report(1.0);
        if let Err(error) = self.understand(request, By::Transition, &mut report, said) {
            said.push(format!("That did not work: {error}."));
        }
        self.asking = false;
    }

    fn report(&self, confidence: f64) -> Report {
        Report {
            state: self.state_name(),
            calls: Vec::new(),
            ask: None,
            reply: String::new(),
            next_state: String::new(),
            confidence,
            tokens: TokenCounts::default(),
            ms: 0.0,
        }
    }

    /// Reads a request and does what it asks for, or asks back, or says why not.
    fn understand(
        &mut self,
        request: &str,
        by: By,
        report: &mut Report,
        said: &mut Vec<String>,
    ) -> Result<(), MindError> {
        let reading = self.mind.read(&self.scene, self.scope.prompt.as_deref(), request, &self.cancel)?;
        let (act, ask) = (self.scope.act, self.scope.ask);
        report.confidence = if reading.confidence.is_nan() { 0.0 } else { reading.confidence };
        report.tokens = reading.tokens;
        let calls = reading.calls.clone();
        // A confidence that is no number (damaged weights) is none.
        let sure = if reading.confidence.is_nan() { 0.0 } else { reading.confidence };
        self.last = Some(reading);
        if calls.is_empty() || sure < ask {
            let before = said.len();
            self.event(Event::Unserved, said);
            if said.len() == before {
                said.push(if calls.is_empty() { reply::UNSERVED } else { reply::UNSURE }.to_owned());
            }
        } else if sure < act || self.needs_yes(&calls) {
            said.push(format!(
                "Shall I do this? {}",
                calls.iter().map(in_words).collect::<Vec<_>>().join(", then ")
            ));
            report.ask = Some(calls.clone());
            self.asked = Some(calls);
        } else {
            report.calls = self.act(calls, false, by, said);
        }
        Ok(())
    }

    /// The person's answer to what was asked: carries it out on a yes. `None` when nothing was asked.
    pub fn answer(&mut self, yes: bool) -> Option<Report> {
        let started = Instant::now();
        let calls = self.asked.take()?;
        let mut report = self.report(1.0);
        let mut said = Vec::new();
        if yes {
            report.calls = self.act(calls, true, By::Turn, &mut said);
        } else {
            said.push("Nothing was done.".to_owned());
        }
        self.finish(&mut report, said, started);
        Some(report)
    }

    fn finish(&self, report: &mut Report, said: Vec<String>, started: Instant) {
        if said.is_empty() && !report.calls.is_empty() {
            report.reply = "Done.".to_owned();
        } else {
            report.reply = said.join("\n");
        }
        report.next_state = self.state_name();
        report.ms = started.elapsed().as_secs_f64() * 1000.0;
    }

    /// What the current state lets happen.
    fn legal(&self) -> Legal {
        let scope = &self.scope;
        Legal::only(
            scope.tools.iter().map(|tool| self.agent.tool_name(*tool)),
            scope.devices.iter().map(|&at| self.agent.devices[at].name.as_str()),
        )
    }

    /// Whether a person has to say yes to some of these calls.
    fn needs_yes(&self, calls: &[Call]) -> bool {
        let legal = self.legal();
        let looks = |tool| matches!(tool, Builtin::List | Builtin::Read);
        calls.iter().any(|call| match Builtin::from_name(&call.tool) {
            Some(tool) if looks(tool) => false,
            Some(_) => {
                self.scope.confirm
                    || matches!(
                        self.kernel.check(call, &legal, None),
                        Err(SafetyError::NeedsConfirmation { .. })
                    )
            }
            None => self.scope.confirm || self.user_tool(&call.tool).is_some_and(|tool| tool.confirm),
        })
    }

    /// Carries out a turn's calls in order; stops at the first that fails or is interrupted. All are held to what was
    /// legal when the turn began, whatever state they lead to.
    fn act(&mut self, calls: Vec<Call>, confirmed: bool, by: By, said: &mut Vec<String>) -> Vec<CallReport> {
        let legal = self.legal();
        let mut done = Vec::new();
        let count = calls.len();
        for (at, call) in calls.into_iter().enumerate() {
            let (report, go_on) = self.perform(call, &legal, confirmed, said);
            let ok = report.error.is_none();
            self.event(called(&report, by), said);
            done.push(report);
            if (!ok || !go_on) && at + 1 < count {
                said.push("The rest was not done.".to_owned());
                break;
            }
        }
        done
    }

    /// One call; whether the turn goes on after it.
    pub(super) fn perform(
        &mut self,
        call: Call,
        legal: &Legal,
        confirmed: bool,
        said: &mut Vec<String>,
    ) -> (CallReport, bool) {
        let outcome: Result<(Value, String, bool), String> = match Builtin::from_name(&call.tool) {
            Some(Builtin::List) => {
                let (devices, tools) = self.inventory();
                let text = format!("Devices: {}.\nTools: {}.", devices.join(", "), tools.join(", "));
                Ok((json!({ "devices": devices, "tools": tools }), text, true))
            }
            Some(_) => {
                let yes = confirmed.then(|| Confirmed::by_person(&call));
                match self.kernel.perform(&call, legal, yes) {
                    Ok(outcome) => Ok((json!(outcome), reply::outcome(&outcome), !outcome.interrupted)),
                    Err(error) => Err(error.to_string()),
                }
            }
            None => self
                .use_tool(&call, legal, confirmed)
                .map(|(result, text)| (result, text, true))
                .map_err(|error| error.to_string()),
        };
        match outcome {
            Ok((result, text, go_on)) => {
                if !text.is_empty() {
                    said.push(text);
                }
                (CallReport { call, result: Some(result), error: None }, go_on)
            }
            Err(error) => {
                said.push(format!("That did not work: {error}."));
                (CallReport { call, result: None, error: Some(error) }, false)
            }
        }
    }

    fn user_tool(&self, name: &str) -> Option<&UserTool> {
        self.agent.tools.iter().find(|tool| tool.name == name)
    }

    fn use_tool(&self, call: &Call, legal: &Legal, confirmed: bool) -> Result<(Value, String), ToolError> {
        let failed = |complaint: &str| ToolError::Failed {
            tool: call.tool.clone(),
            code: 0,
            complaint: complaint.into(),
        };
        let tool = self.user_tool(&call.tool).ok_or_else(|| failed("not a tool of this agent"))?;
        if !legal.tool(&tool.name) {
            return Err(failed("it is not allowed in this state"));
        }
        if tool.confirm && !confirmed {
            return Err(failed("it needs a person's yes"));
        }
        let awaited =
            self.agent.tool(&tool.name).is_some_and(|tool| self.agent.awaits(&self.machine.active, tool));
        if tool.command.is_none() && awaited {
            // The call is what a transition waits for, and its arguments are all there is to know.
            let mut arguments = call.arguments.clone();
            tool.parameters.fill_defaults(&mut arguments);
            tool.parameters.validate(&arguments).map_err(|(pointer, message)| ToolError::Argument {
                tool: tool.name.clone(),
                pointer,
                message,
            })?;
            let arguments = Value::Object(arguments);
            let text = match tool.reply {
                Some(_) => tool.reply(&call.arguments, &arguments)?,
                None => String::new(),
            };
            return Ok((arguments, text));
        }
        if self.kernel.mode() == Mode::DryRun {
            return Ok((json!({ "dry_run": true }), format!("{} would be run.", tool.name)));
        }
        let output = tool.run(&call.arguments, &self.context)?;
        let text = tool.reply(&call.arguments, &output.result)?;
        Ok((output.result, text))
    }

    /// Names of the devices and tools of the current state.
    fn inventory(&self) -> (Vec<String>, Vec<String>) {
        let scope = &self.scope;
        let devices = self.scene().devices.iter().map(|device| device.name.clone()).collect();
        let tools = scope.tools.iter().map(|tool: &ToolRef| self.agent.tool_name(*tool).to_owned()).collect();
        (devices, tools)
    }
}

/// A call as the machine is told of it.
pub(super) fn called(report: &CallReport, by: By) -> Event {
    let result = match &report.error {
        None => Ok(report.result.clone().unwrap_or_default()),
        Some(error) => Err(error.clone()),
    };
    Event::Called { call: report.call.clone(), result, by }
}
