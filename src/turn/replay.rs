//! Going through a trace again: the same agent is given the same, sees the same, reads what the model read then, and has to
//! do the same.

use std::io::{BufRead, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::engine::{Engine, EngineError, Settings};
use super::outside::Seen;
use super::reader::Reader;
use super::resume::name;
use super::trace::{FORMAT, Given, Header, Line, Tracing};
use crate::agent::Agent;
use crate::board::SimClock;
use crate::safety::{Kernel, Mode};

/// A line with more bytes was not written by us.
const MOST_LINE: u64 = 16 << 20;

/// Why a trace was not gone through to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file.
    #[error("line {line}: {source}")]
    File {
        /// The line, from 1.
        line: usize,
        /// What the system says.
        source: std::io::Error,
    },
    /// A line that is none of a trace.
    #[error("line {line}: {message}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// Something else happened than then.
    #[error("line {line}: {message}")]
    Differs {
        /// The line, from 1.
        line: usize,
        /// What.
        message: String,
    },
    /// The agent cannot be put to work.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// One line gone through.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its number, from 1.
    pub line: usize,
    /// Time since the trace begins.
    pub at: Duration,
    /// What was given, in words.
    pub given: String,
    /// What was said.
    pub said: Vec<String>,
    /// The names of the active states after it.
    pub state: String,
    /// What the model reads otherwise now, when it is asked again.
    pub otherwise: Vec<String>,
}

/// A trace that is being gone through.
pub struct Replay<R> {
    input: R,
    header: Header,
    line: usize,
}

impl<R: BufRead> Replay<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// When it is not the first line of a trace of this format.
    pub fn open(input: R) -> Result<Replay<R>, ReplayError> {
        let mut replay = Replay { input, header: Header::default(), line: 0 };
        let Some(text) = replay.next_line()? else {
            return Err(ReplayError::Line { line: 1, message: "the file is empty: it is no trace".into() });
        };
        let wrong = |message: String| ReplayError::Line { line: 1, message };
        let json: Value = serde_json::from_slice(&text).map_err(|error| {
            wrong(format!("this is no trace (`pintail run --trace FILE` makes one): {error}"))
        })?;
        match json.get("trace").and_then(Value::as_u64) {
            Some(found) if found == u64::from(FORMAT) => {}
            Some(found) => {
                return Err(wrong(format!("a trace of format {found}; this program reads format {FORMAT}")));
            }
            None => {
                return Err(wrong(
                    "no key `trace`: this is no trace (`pintail run --trace FILE` makes one)".into(),
                ));
            }
        }
        replay.header = serde_json::from_value(json).map_err(|error| wrong(error.to_string()))?;
        Ok(replay)
    }

    /// The agent's name.
    pub fn agent_name(&self) -> &str {
        &self.header.agent
    }

    /// The agent's file; `None`: it is one of those inside the binary.
    pub fn agent_file(&self) -> Option<PathBuf> {
        self.header.file.as_ref().map(PathBuf::from)
    }

    /// Whether this is the agent that was recorded, unedited.
    pub fn is_of(&self, agent: &Agent) -> bool {
        name(agent) == self.header.sum
    }

    /// Goes through the trace to its end, or to the first line at which something else happens; how many lines that were, the
    /// first one not counted. A last line that is cut off is left out. With `again` the reader is asked too, and what it
    /// reads otherwise is told; what is done goes by the trace all the same.
    ///
    /// # Errors
    /// The first difference, and lines that cannot be read.
    pub fn run(
        mut self,
        agent: Agent,
        reader: impl Reader + 'static,
        again: bool,
        tell: &mut dyn FnMut(&Step),
    ) -> Result<usize, ReplayError> {
        let mode = if self.header.dry_run { Mode::DryRun } else { Mode::Live };
        let (kernel, _) = Kernel::simulated(agent.devices.clone(), Arc::new(SimClock::new()), mode)
            .map_err(EngineError::Board)?;
        let cancel = kernel.cancel();
        // Tools do not run: no folder is used.
        let settings = Settings { state_dir: PathBuf::new() };
        let absent = Some(self.header.absent.clone());
        let mut engine = Engine::idle(agent, Box::new(reader), kernel, settings, cancel, absent)?;
        engine.trace = Some(Tracing::Last(None));
        engine.outside.replay(again);
        let mut begin = None;
        let mut count = 0;
        while let Some(text) = self.next_line()? {
            let line = match serde_json::from_slice::<Line>(&text) {
                Ok(line) => line,
                // The power went, or the disk was full.
                Err(error) if text.last() != Some(&b'\n') => {
                    tracing::warn!("line {}: cut off ({error}); it is left out", self.line);
                    break;
                }
                Err(error) => return Err(ReplayError::Line { line: self.line, message: placed(&error) }),
            };
            let at = line.at.ns.saturating_sub(*begin.get_or_insert(line.at.ns));
            let (step, difference) = self.step(&mut engine, line);
            tell(&Step { at: Duration::from_nanos(at), ..step });
            if let Some(message) = difference {
                return Err(ReplayError::Differs { line: self.line, message });
            }
            count += 1;
        }
        Ok(count)
    }

    /// One line; what differs, if anything does.
    fn step(&self, engine: &mut Engine, line: Line) -> (Step, Option<String>) {
        let given = in_words(&line.given, &line.seen);
        engine.outside.load(line.at, line.seen.clone());
        let known = apply(engine, line.given.clone());
        let (astray, otherwise) = engine.outside.differences();
        let now = match &mut engine.trace {
            Some(Tracing::Last(last)) => last.take(),
            _ => None,
        };
        let difference = match (known, astray, now) {
            (Err(message), ..) | (_, Some(message), _) => Some(message),
            (_, _, Some(now)) => different(&now, &line),
            (_, _, None) => Some("nothing is due now".to_owned()),
        };
        let said = match line.out.get("said").or_else(|| line.out.pointer("/report/reply")) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) => text.lines().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let step = Step { line: self.line, at: Duration::ZERO, given, said, state: line.state, otherwise };
        (step, difference)
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, ReplayError> {
        self.line += 1;
        let line = self.line;
        let mut text = Vec::new();
        let read = Read::by_ref(&mut self.input).take(MOST_LINE).read_until(b'\n', &mut text);
        read.map_err(|source| ReplayError::File { line, source })?;
        if text.len() as u64 == MOST_LINE {
            let message = format!("more than {MOST_LINE} bytes: this is no trace");
            return Err(ReplayError::Line { line, message });
        }
        Ok((!text.is_empty()).then_some(text))
    }
}

/// What is wrong with a line and where in it; that it is the first of its text says nothing.
fn placed(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let what = message.split(" at line ").next().unwrap_or_default();
    format!("{what} (column {})", error.column())
}

/// Gives the engine what it was given.
fn apply(engine: &mut Engine, given: Given) -> Result<(), String> {
    match given {
        Given::Begins => drop(engine.start()),
        Given::GoesOn(record, resume) => {
            if !record.machine.fits(engine.agent()) {
                return Err("the journal from which it went on does not fit this agent".into());
            }
            engine.go_on(*record, resume);
        }
        Given::Stays => engine.stay(),
        // What went wrong is part of what is compared.
        Given::Say(words) => drop(engine.talk(&words)),
        Given::Request(words) => drop(engine.turn(&words)),
        Given::Call(call) => drop(engine.call(call)),
        Given::Edge { device, rising } => {
            let place = engine.agent().device(&device);
            engine.edge(place.ok_or_else(|| format!("the agent has no device `{device}`"))?, rising);
        }
        Given::Event(name) => drop(engine.signal(&name)),
        Given::Tick => drop(engine.tick()),
        Given::Reset => drop(engine.reset()),
        Given::Cancel(id) => drop(engine.cancel_scheduled(id)),
    }
    Ok(())
}

fn different(now: &Line, known: &Line) -> Option<String> {
    let (out, state) = (now.out != known.out, now.state != known.state);
    if out {
        Some(format!("it gave {} then, now {}", known.out, now.out))
    } else if state {
        Some(format!("it was in the state {} then, now in {}", known.state, now.state))
    } else {
        (now.machine != known.machine)
            .then(|| "variables, history or timers are not what they were then".to_owned())
    }
}

fn in_words(given: &Given, seen: &[Seen]) -> String {
    match given {
        Given::Begins => "begins".into(),
        Given::GoesOn(..) => "goes on from the journal".into(),
        Given::Stays => "stays".into(),
        Given::Say(words) | Given::Request(words) => format!("say {words}"),
        Given::Call(call) => format!("call {}", crate::agent::graph::call(call)),
        Given::Edge { device, rising } => format!("{device} = {}", if *rising { "on" } else { "off" }),
        Given::Event(name) => format!("send {name}"),
        Given::Tick => match seen.first() {
            Some(Seen::Board(states)) => {
                let all: Vec<String> =
                    states.iter().map(|(name, state)| format!("{name} = {state}")).collect();
                format!("time passes, {}", all.join(", "))
            }
            _ => "time passes".into(),
        },
        Given::Reset => "reset".into(),
        Given::Cancel(id) => format!("cancel {id}"),
    }
}
