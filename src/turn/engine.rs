//! The acting half of a turn: readings to calls on the board and on tools, through the state machine.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::agent::{self, Action, Agent, By, Event, MachineState, ToolRef};
use crate::board::{BoardError, Edges};
use crate::prompt::Scene;
use crate::safety::{Confirmed, DeviceState, Kernel, Legal, Mode, SafetyError};
use crate::tool::{Builtin, Call, RunContext, ToolError};

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
    agent: Agent,
    machine: MachineState,
    mind: Mind,
    kernel: Kernel,
    scenes: Vec<Scene>,
    context: RunContext,
    cancel: Arc<AtomicBool>,
    timers: Vec<(Instant, agent::TimerId)>,
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
        let scenes = (0..agent.states.len())
            .map(|state| super::scene(&agent, state, &|device| kernel.has(device)))
            .collect::<Result<_, _>>()
            .map_err(|(tool, parameter)| EngineError::Parameter { tool, parameter })?;
        let mut context = RunContext::new(settings.state_dir);
        context.cancel = cancel.clone();
        let (machine, actions) = agent::start(&agent);
        let mut engine = Engine {
            agent,
            machine,
            mind,
            kernel,
            scenes,
            context,
            cancel,
            timers: Vec::new(),
            asked: None,
            last: None,
        };
        engine.carry_out(actions, &mut Vec::new());
        Ok(engine)
    }

    /// The agent.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Index of the state that the agent is in.
    pub fn state(&self) -> usize {
        self.machine.state
    }

    /// What the current state offers.
    pub fn scene(&self) -> &Scene {
        &self.scenes[self.machine.state]
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
        let (machine, actions) = agent::start(&self.agent);
        self.machine = machine;
        let mut said = Vec::new();
        self.carry_out(actions, &mut said);
        said
    }

    /// Returns the lines to their safe states; nothing moves after.
    ///
    /// # Errors
    /// The first line that would not.
    pub fn shutdown(&mut self) -> Result<(), BoardError> {
        self.kernel.shutdown()
    }

    /// When the next timer is due.
    pub fn next_timer(&self) -> Option<Instant> {
        self.timers.iter().map(|(at, _)| *at).min()
    }

    /// Timers that are due; what is said on the way.
    pub fn tick(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        let now = Instant::now();
        // A timer's actions may set others; each round takes the earliest one that is due.
        while let Some(at) = self
            .timers
            .iter()
            .enumerate()
            .filter(|(_, (at, _))| *at <= now)
            .min_by_key(|(_, (at, _))| *at)
            .map(|(i, _)| i)
        {
            let (_, id) = self.timers.swap_remove(at);
            self.event(Event::Timer(id), &mut said);
        }
        said
    }

    /// An input changed; what is said on the way.
    pub fn edge(&mut self, device: usize, rising: bool) -> Vec<String> {
        let mut said = Vec::new();
        self.event(Event::Edge { device, rising }, &mut said);
        said
    }

    /// One request, from words to reply.
    ///
    /// # Errors
    /// When it could not be read (too long, cancelled, a failing model); nothing was done then.
    pub fn turn(&mut self, request: &str) -> Result<Report, MindError> {
        let started = Instant::now();
        self.asked = None;
        let at = self.machine.state;
        let state = &self.agent.states[at];
        let reading = self.mind.read(&self.scenes[at], state.prompt.as_deref(), request, &self.cancel)?;
        let (act, ask) = (state.act, state.ask);
        let mut report = Report {
            state: state.name.clone(),
            calls: Vec::new(),
            ask: None,
            reply: String::new(),
            next_state: String::new(),
            confidence: if reading.confidence.is_nan() { 0.0 } else { reading.confidence },
            tokens: reading.tokens,
            ms: 0.0,
        };
        let calls = reading.calls.clone();
        // A confidence that is no number (damaged weights) is none.
        let sure = if reading.confidence.is_nan() { 0.0 } else { reading.confidence };
        self.last = Some(reading);
        let mut said = Vec::new();
        if calls.is_empty() || sure < ask {
            let before = said.len();
            self.event(Event::Unserved, &mut said);
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
            report.calls = self.act(calls, false, &mut said);
        }
        self.finish(&mut report, said, started);
        Ok(report)
    }

    /// The person's answer to what was asked: carries it out on a yes. `None` when nothing was asked.
    pub fn answer(&mut self, yes: bool) -> Option<Report> {
        let started = Instant::now();
        let calls = self.asked.take()?;
        let state = self.agent.states[self.machine.state].name.clone();
        let mut report = Report {
            state,
            calls: Vec::new(),
            ask: None,
            reply: String::new(),
            next_state: String::new(),
            confidence: 1.0,
            tokens: TokenCounts::default(),
            ms: 0.0,
        };
        let mut said = Vec::new();
        if yes {
            report.calls = self.act(calls, true, &mut said);
        } else {
            said.push("Nothing was done.".to_owned());
        }
        self.finish(&mut report, said, started);
        Some(report)
    }

    fn finish(&self, report: &mut Report, said: Vec<String>, started: Instant) {
        report.reply = said.join("\n");
        report.next_state = self.agent.states[self.machine.state].name.clone();
        report.ms = started.elapsed().as_secs_f64() * 1000.0;
    }

    /// What the current state lets happen.
    fn legal(&self) -> Legal {
        let state = &self.agent.states[self.machine.state];
        Legal::only(
            state.tools.iter().map(|tool| self.agent.tool_name(*tool)),
            state.devices.iter().map(|&at| self.agent.devices[at].name.as_str()),
        )
    }

    /// Whether a person has to say yes to some of these calls.
    fn needs_yes(&self, calls: &[Call]) -> bool {
        let legal = self.legal();
        calls.iter().any(|call| {
            Builtin::from_name(&call.tool).is_some_and(|tool| tool != Builtin::List)
                && matches!(self.kernel.check(call, &legal, None), Err(SafetyError::NeedsConfirmation { .. }))
        })
    }

    /// Carries out a turn's calls in order; stops at the first that fails or is interrupted. All are held to what was
    /// legal when the turn began, whatever state they lead to.
    fn act(&mut self, calls: Vec<Call>, confirmed: bool, said: &mut Vec<String>) -> Vec<CallReport> {
        let legal = self.legal();
        let mut done = Vec::new();
        let count = calls.len();
        for (at, call) in calls.into_iter().enumerate() {
            let (report, go_on) = self.perform(call, &legal, confirmed, said);
            let ok = report.error.is_none();
            self.event(Event::Called { call: report.call.clone(), ok, by: By::Turn }, said);
            done.push(report);
            if (!ok || !go_on) && at + 1 < count {
                said.push("The rest was not done.".to_owned());
                break;
            }
        }
        done
    }

    /// One call; whether the turn goes on after it.
    fn perform(
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
                let yes = confirmed.then(Confirmed::by_person);
                match self.kernel.perform(&call, legal, yes) {
                    Ok(outcome) => Ok((json!(outcome), reply::outcome(&outcome), !outcome.interrupted)),
                    Err(error) => Err(error.to_string()),
                }
            }
            None => self
                .use_tool(&call)
                .map(|(result, text)| (result, text, true))
                .map_err(|error| error.to_string()),
        };
        match outcome {
            Ok((result, text, go_on)) => {
                said.push(text);
                (CallReport { call, result: Some(result), error: None }, go_on)
            }
            Err(error) => {
                said.push(format!("That did not work: {error}."));
                (CallReport { call, result: None, error: Some(error) }, false)
            }
        }
    }

    fn use_tool(&self, call: &Call) -> Result<(Value, String), ToolError> {
        let tool =
            self.agent.tools.iter().find(|tool| tool.name == call.tool).ok_or_else(|| ToolError::Failed {
                tool: call.tool.clone(),
                code: 0,
                complaint: "not a tool of this agent".into(),
            })?;
        if self.kernel.mode() == Mode::DryRun {
            return Ok((json!({ "dry_run": true }), format!("{} would be run.", tool.name)));
        }
        let output = tool.run(&call.arguments, &self.context)?;
        let text = tool.reply(&call.arguments, &output.result)?;
        Ok((output.result, text))
    }

    /// Names of the devices and tools of the current state.
    fn inventory(&self) -> (Vec<String>, Vec<String>) {
        let state = &self.agent.states[self.machine.state];
        let devices = self.scene().devices.iter().map(|device| device.name.clone()).collect();
        let tools = state.tools.iter().map(|tool: &ToolRef| self.agent.tool_name(*tool).to_owned()).collect();
        (devices, tools)
    }

    /// Feeds the machine one event and carries out what it asks for.
    fn event(&mut self, event: Event, said: &mut Vec<String>) {
        let (machine, actions) = agent::step(&self.agent, &self.machine, event);
        self.machine = machine;
        self.carry_out(actions, said);
    }

    /// Carries out actions in order; calls are reported back to the machine, whose actions come after.
    fn carry_out(&mut self, actions: Vec<Action>, said: &mut Vec<String>) {
        let mut queue: VecDeque<Action> = actions.into();
        while let Some(action) = queue.pop_front() {
            match action {
                Action::Say(text) => said.push(text),
                Action::Do(call) => {
                    let (report, _) = self.perform(call, &Legal::everything(), false, &mut Vec::new());
                    let ok = report.error.is_none();
                    match &report.error {
                        Some(error) => said.push(format!("That did not work: {error}.")),
                        None => tracing::info!("done by a transition: {}", in_words(&report.call)),
                    }
                    let event = Event::Called { call: report.call, ok, by: By::Transition };
                    let (machine, more) = agent::step(&self.agent, &self.machine, event);
                    self.machine = machine;
                    queue.extend(more);
                }
                Action::Enter(state) => tracing::info!("state {}", self.agent.states[state].name),
                Action::SetTimer { after, id } => {
                    let after = after.min(Duration::from_secs(u32::MAX.into()));
                    self.timers.push((Instant::now() + after, id));
                }
                Action::CancelTimer(id) => self.timers.retain(|(_, known)| *known != id),
                Action::Cut { line } => {
                    tracing::warn!("a chain of transitions was cut before the one on line {line}");
                }
            }
        }
    }
}

/// A call as a person reads it: `set_level kitchen light, hall light (percent 30)`.
fn in_words(call: &Call) -> String {
    let mut out = call.tool.clone();
    let mut rest = Vec::new();
    for (name, value) in &call.arguments {
        match value {
            Value::Array(items) if name == "devices" => {
                let names: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                out.push(' ');
                out.push_str(&names.join(", "));
            }
            Value::String(text) => rest.push(format!("{name} {text:?}")),
            other => rest.push(format!("{name} {other}")),
        }
    }
    if !rest.is_empty() {
        out.push_str(&format!(" ({})", rest.join(", ")));
    }
    out
}
