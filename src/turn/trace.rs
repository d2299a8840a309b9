//! A trace: all that an engine was given, what it took from outside on the way, and what came of it, a line of JSON each.
//!
//! The first line says which agent, model and board; the format is described in `docs/agents.md`. Nothing is written for the
//! looks at the clock at which nothing is due.

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Engine;
use super::journal::{Record, checksum};
use super::mind::MindError;
use super::outside::{Moment, Seen};
use super::report::Report;
use super::resume::name;
use crate::agent::Resume;
use crate::safety::Mode;
use crate::tool::Call;

/// Of this version of the format.
pub(super) const FORMAT: u32 = 1;

/// The first line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    /// Of the format.
    pub trace: u32,
    /// The program's version.
    pub pintail: String,
    /// The agent's name.
    pub agent: String,
    /// Its file; `None`: one of those inside the binary.
    pub file: Option<String>,
    /// Tells it from itself after it was edited.
    pub sum: String,
    pub model: String,
    pub board: String,
    pub dry_run: bool,
    /// Devices that were not on the board.
    pub absent: Vec<String>,
}

/// What an engine is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Given {
    Begins,
    GoesOn(Box<Record>, Resume),
    /// The program stays, and does what is put away for later.
    Stays,
    /// Words of a person: an answer or a request.
    Say(String),
    Request(String),
    Call(Call),
    Edge {
        device: String,
        rising: bool,
    },
    Event(String),
    Tick,
    Reset,
    Cancel(u32),
}

/// Every other line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    #[serde(flatten)]
    pub at: Moment,
    pub given: Given,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// What it gave back: a report, what was said, or an error.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub out: Value,
    /// The names of the active states.
    pub state: String,
    /// Checksum of the whole machine: states, variables, history, timers.
    pub machine: String,
}

/// Where lines go.
pub(super) enum Tracing {
    /// To a file.
    File(Box<dyn Write + Send>),
    /// The last one is kept: a replay compares it.
    Last(Option<Box<Line>>),
}

impl Engine {
    /// As [`Engine::new`], and from its beginning on all that happens is written to `file`, a line each
    /// (`pintail replay` reads it). A file that cannot be written is given up, which is logged; the agent goes on.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn traced(
        agent: crate::agent::Agent,
        reader: impl super::Reader + 'static,
        kernel: crate::safety::Kernel,
        settings: super::Settings,
        cancel: std::sync::Arc<std::sync::atomic::AtomicBool>,
        file: Box<dyn Write + Send>,
    ) -> Result<Engine, super::EngineError> {
        let mut engine = Engine::idle(agent, Box::new(reader), kernel, settings, cancel, None)?;
        let header = Header {
            trace: FORMAT,
            pintail: env!("CARGO_PKG_VERSION").into(),
            agent: engine.agent.name.clone(),
            file: engine.agent.path.as_ref().map(|path| path.display().to_string()),
            sum: name(&engine.agent),
            model: engine.model().to_owned(),
            board: engine.board().to_owned(),
            dry_run: engine.outside.kernel.mode() == Mode::DryRun,
            absent: engine.absent.clone(),
        };
        engine.trace = Some(Tracing::File(file));
        engine.outside.record();
        engine.write(&header);
        engine.start();
        Ok(engine)
    }

    /// Does what was given, and writes it down when it is traced and `out` finds it worth a line.
    pub(super) fn given<T>(
        &mut self,
        given: impl FnOnce() -> Given,
        work: impl FnOnce(&mut Engine) -> T,
        out: impl FnOnce(&T) -> Option<Value>,
    ) -> T {
        let at = self.outside.look();
        let value = work(self);
        if self.trace.is_some() {
            let seen = self.outside.gathered().unwrap_or_default();
            if let Some(out) = out(&value) {
                let machine = format!("{:016x}", checksum(json!(self.machine).to_string().as_bytes()));
                let line = Line { at, given: given(), seen, out, state: self.state_name(), machine };
                match &mut self.trace {
                    Some(Tracing::Last(last)) => *last = Some(Box::new(line)),
                    _ => self.write(&line),
                }
            }
        }
        value
    }

    fn write(&mut self, line: &impl Serialize) {
        let Some(Tracing::File(file)) = &mut self.trace else { return };
        let written = serde_json::to_vec(line).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            file.write_all(&line)
        });
        if let Err(error) = written {
            tracing::error!("the trace cannot be written: {error}; from now on nothing is traced");
            self.trace = None;
        }
    }
}

/// What was said.
pub(super) fn said(said: &[String]) -> Value {
    if said.is_empty() { Value::Null } else { json!({ "said": said }) }
}

/// A turn's report without the time that it took.
pub(super) fn report(report: &Report) -> Value {
    let mut json = json!(report);
    if let Some(json) = json.as_object_mut() {
        json.remove("ms");
    }
    json!({ "report": json })
}

/// A report, or why there is none.
pub(super) fn turn(turn: &Result<Report, MindError>) -> Value {
    match turn {
        Ok(done) => report(done),
        Err(error) => json!({ "error": error.to_string() }),
    }
}
