//! What an engine takes from outside: time, the board, tools, the model's readings. All of it passes through here, so that it
//! can be written down with a turn and given again in a replay ([`super::trace`]).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::choices::Choice;
use super::mind::{MindError, Reading};
use super::reader::Reader;
use super::report::TokenCounts;
use crate::agent::chart::Frame;
use crate::board::{Clock, State};
use crate::prompt::{Background, Scene};
use crate::safety::{Confirmed, Kernel, Legal, Outcome};
use crate::tool::{Call, RunContext, UserTool};

/// What both clocks show. An engine looks at them when it is given something and after whatever may have taken time, and
/// between two looks no time passes for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moment {
    /// Nanoseconds on the clock that never jumps.
    pub ns: u64,
    /// Seconds of local time since 1970, while that clock is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<u64>,
}

/// Something that came from outside while an engine worked, in the order in which it was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Seen {
    /// What devices did when they were looked at, by name.
    Board(BTreeMap<String, State>),
    /// A built-in tool was carried out on the board.
    Done { call: Call, result: Result<Outcome, String>, then: Moment },
    /// A tool of the user's ran.
    Ran { call: Call, result: Result<Value, String>, then: Moment },
    /// The model wrote an answer.
    Wrote { request: String, answer: Result<String, String>, then: Moment },
    /// The model read a request.
    Read { request: String, reading: Result<Box<Chosen>, String>, then: Moment },
}

/// The model's choice, as far as an engine goes by it, with the texts that explain it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Chosen {
    pub request: String,
    pub calls: Vec<Call>,
    pub confidence: f64,
    pub choices: Vec<Choice>,
    pub ambiguous: bool,
    pub tokens: TokenCounts,
    pub prompt: String,
    pub answer: String,
}

impl From<&Reading> for Chosen {
    fn from(reading: &Reading) -> Chosen {
        Chosen {
            request: reading.request.clone(),
            calls: reading.calls.clone(),
            confidence: reading.confidence,
            choices: reading.choices.clone(),
            ambiguous: reading.ambiguous,
            tokens: reading.tokens,
            prompt: reading.prompt.clone(),
            answer: reading.answer.clone(),
        }
    }
}

impl From<Chosen> for Reading {
    fn from(chosen: Chosen) -> Reading {
        Reading {
            request: chosen.request,
            calls: chosen.calls,
            confidence: chosen.confidence,
            tokens: chosen.tokens,
            prompt: chosen.prompt,
            answer: chosen.answer,
            choices: chosen.choices,
            ambiguous: chosen.ambiguous,
            ..Reading::default()
        }
    }
}

/// What becomes of the things that are seen.
enum Tape {
    /// Nothing.
    Off,
    /// They are gathered.
    Recording(Vec<Seen>),
    /// They are given again, in their order; what first did not fit; what the model reads otherwise now.
    Replaying { seen: VecDeque<Seen>, astray: Option<String>, again: bool, otherwise: Vec<String> },
}

/// The outside of an engine.
pub(super) struct Outside {
    pub kernel: Kernel,
    pub reader: Box<dyn Reader>,
    pub cancel: Arc<AtomicBool>,
    clock: Arc<dyn Clock>,
    context: RunContext,
    moment: Moment,
    tape: Tape,
}

impl Outside {
    pub fn new(kernel: Kernel, reader: Box<dyn Reader>, context: RunContext) -> Outside {
        let (clock, cancel) = (kernel.clock(), context.cancel.clone());
        Outside { kernel, reader, cancel, clock, context, moment: Moment::default(), tape: Tape::Off }
    }

    /// From now on what is seen is gathered.
    pub fn record(&mut self) {
        self.tape = Tape::Recording(Vec::new());
    }

    /// From now on nothing is asked of the outside: everything comes from a trace. `again` asks the model all the same and keeps
    /// what it reads otherwise.
    pub fn replay(&mut self, again: bool) {
        self.tape = Tape::Replaying { seen: VecDeque::new(), astray: None, again, otherwise: Vec::new() };
    }

    /// What is to be seen next in a replay, and when.
    pub fn load(&mut self, moment: Moment, list: Vec<Seen>) {
        self.moment = moment;
        if let Tape::Replaying { seen, .. } = &mut self.tape {
            *seen = list.into();
        }
    }

    /// What was gathered since the last time; `None` unless it is recorded.
    pub fn gathered(&mut self) -> Option<Vec<Seen>> {
        match &mut self.tape {
            Tape::Recording(seen) => Some(std::mem::take(seen)),
            _ => None,
        }
    }

    /// What did not go as in the trace, and what the model reads otherwise now.
    pub fn differences(&mut self) -> (Option<String>, Vec<String>) {
        match &mut self.tape {
            Tape::Replaying { seen, astray, otherwise, .. } => {
                let left =
                    seen.front().map(|next| format!("it did not ask for what comes next: {}", words(next)));
                (astray.take().or(left), std::mem::take(otherwise))
            }
            _ => (None, Vec::new()),
        }
    }

    /// Looks at the clocks; in a replay they show what the trace says.
    pub fn look(&mut self) -> Moment {
        if !matches!(self.tape, Tape::Replaying { .. }) {
            self.moment = self.clocks();
        }
        self.moment
    }

    fn clocks(&self) -> Moment {
        // Half a millennium fits.
        Moment { ns: self.clock.now().as_nanos() as u64, clock: self.clock.local() }
    }

    /// When it is, on the clock that never jumps.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.moment.ns)
    }

    /// What the clock on the wall shows.
    pub fn wall(&self) -> Option<u64> {
        self.moment.clock
    }

    /// What both clocks show now, for those who ask between two events.
    pub fn this_moment(&self) -> (Duration, Option<u64>) {
        let moment = match self.tape {
            Tape::Replaying { .. } => self.moment,
            _ => self.clocks(),
        };
        (Duration::from_nanos(moment.ns), moment.clock)
    }

    /// What devices do, by their places.
    pub fn states(&mut self, places: &[usize]) -> BTreeMap<usize, State> {
        if places.is_empty() {
            return BTreeMap::new();
        }
        let names: Vec<String> =
            places.iter().map(|&place| self.kernel.devices()[place].name.clone()).collect();
        if let Some(next) = self.next() {
            let Some(Seen::Board(states)) = &next else {
                self.stray(format!("it looked at {}, {}", names.join(", "), instead(&next)));
                return BTreeMap::new();
            };
            if states.len() != names.len() || !names.iter().all(|name| states.contains_key(name)) {
                self.stray(format!("it looked at {}, {}", names.join(", "), instead(&next)));
            }
            return places
                .iter()
                .zip(&names)
                .map(|(&place, name)| (place, states.get(name).copied().unwrap_or_default()))
                .collect();
        }
        let states: BTreeMap<usize, State> =
            places.iter().map(|&place| (place, self.kernel.state(place))).collect();
        self.note(|| Seen::Board(names.into_iter().zip(states.values().copied()).collect()));
        states
    }

    /// Carries a built-in tool out on the board.
    pub fn perform(&mut self, call: &Call, legal: &Legal, yes: Option<Confirmed>) -> Result<Outcome, String> {
        if let Some(next) = self.next() {
            return match next {
                Some(Seen::Done { call: known, result, then }) if known == *call => {
                    self.moment = then;
                    // What the kernel would not let happen now is a difference, whatever happened then.
                    if let (Ok(_), Err(error)) = (&result, self.kernel.check(call, legal, yes.as_ref())) {
                        self.stray(format!("{} is not allowed any more: {error}", one(call)));
                    }
                    result
                }
                other => {
                    self.stray(format!("it made the call {}, {}", one(call), instead(&other)));
                    Err("the replay has gone astray".into())
                }
            };
        }
        let result = self.kernel.perform(call, legal, yes).map_err(|error| error.to_string());
        let then = self.look();
        self.note(|| Seen::Done { call: call.clone(), result: result.clone(), then });
        result
    }

    /// Runs a tool of the user's in its cage.
    pub fn run(&mut self, tool: &UserTool, call: &Call) -> Result<Value, String> {
        if let Some(next) = self.next() {
            return match next {
                Some(Seen::Ran { call: known, result, then }) if known == *call => {
                    self.moment = then;
                    result
                }
                other => {
                    self.stray(format!("it ran the tool {}, {}", one(call), instead(&other)));
                    Err("the replay has gone astray".into())
                }
            };
        }
        let result = match tool.run(&call.arguments, &self.context) {
            Ok(output) => Ok(output.result),
            Err(error) => Err(error.to_string()),
        };
        let then = self.look();
        self.note(|| Seen::Ran { call: call.clone(), result: result.clone(), then });
        result
    }

    /// Has a request read.
    pub fn read(
        &mut self,
        background: &Background<'_>,
        scene: &Scene,
        request: &str,
    ) -> Result<Reading, MindError> {
        if let Some(next) = self.next() {
            return match next {
                Some(Seen::Read { request: known, reading, then }) if known == request => {
                    self.moment = then;
                    if let Tape::Replaying { again: true, .. } = self.tape {
                        self.compare(background, scene, request, &reading);
                    }
                    reading.map(|chosen| (*chosen).into()).map_err(MindError::Replayed)
                }
                other => {
                    self.stray(format!("it had {request:?} read, {}", instead(&other)));
                    Err(MindError::Replayed("the replay has gone astray".into()))
                }
            };
        }
        let mut reading = self.reader.read(background, scene, request, &self.cancel);
        if let Ok(reading) = &mut reading
            && reading.confidence.is_nan()
        {
            // A confidence that is no number (damaged weights) is none.
            reading.confidence = 0.0;
        }
        let then = self.look();
        let noted = || match &reading {
            Ok(reading) => Ok(Box::new(Chosen::from(reading))),
            Err(error) => Err(error.to_string()),
        };
        self.note(|| Seen::Read { request: request.to_owned(), reading: noted(), then });
        reading
    }

    /// Has a question answered in some form.
    pub fn write(
        &mut self,
        background: &Background<'_>,
        request: &str,
        frame: &Frame,
    ) -> Result<String, String> {
        if let Some(next) = self.next() {
            return match next {
                Some(Seen::Wrote { request: known, answer, then }) if known == request => {
                    self.moment = then;
                    answer
                }
                other => {
                    self.stray(format!("it asked {request:?}, {}", instead(&other)));
                    Err("the replay has gone astray".into())
                }
            };
        }
        let answer = self.reader.write(background, request, frame, &self.cancel);
        let answer = answer.map_err(|error| error.to_string());
        let then = self.look();
        self.note(|| Seen::Wrote { request: request.to_owned(), answer: answer.clone(), then });
        answer
    }

    /// Asks the model anew what a trace has the answer to.
    fn compare(
        &mut self,
        background: &Background<'_>,
        scene: &Scene,
        request: &str,
        known: &Result<Box<Chosen>, String>,
    ) {
        let all = |calls: &[Call]| match calls {
            [] => "nothing".to_owned(),
            calls => calls.iter().map(one).collect::<Vec<_>>().join(", then "),
        };
        let told = |reading: &Result<Box<Chosen>, String>| match reading {
            Ok(chosen) => format!("{} ({:.2})", all(&chosen.calls), chosen.confidence),
            Err(error) => error.clone(),
        };
        let now = match self.reader.read(background, scene, request, &self.cancel) {
            Ok(reading) => Ok(Box::new(Chosen::from(&reading))),
            Err(error) => Err(error.to_string()),
        };
        let same = match (&now, known) {
            (Ok(now), Ok(known)) => now.calls == known.calls && now.ambiguous == known.ambiguous,
            (now, known) => now == known,
        };
        if let (false, Tape::Replaying { otherwise, .. }) = (same, &mut self.tape) {
            otherwise.push(format!("{request:?} was read as {}, now as {}", told(known), told(&now)));
        }
    }

    /// The next thing of a replay; `Some(None)` when there is none left, `None` when this is no replay.
    fn next(&mut self) -> Option<Option<Seen>> {
        match &mut self.tape {
            Tape::Replaying { seen, .. } => Some(seen.pop_front()),
            _ => None,
        }
    }

    fn stray(&mut self, message: String) {
        if let Tape::Replaying { astray, seen, .. } = &mut self.tape {
            astray.get_or_insert(message);
            seen.clear();
        }
    }

    fn note(&mut self, seen: impl FnOnce() -> Seen) {
        if let Tape::Recording(list) = &mut self.tape {
            list.push(seen());
        }
    }
}

fn one(call: &Call) -> String {
    crate::agent::graph::call(call)
}

fn instead(next: &Option<Seen>) -> String {
    match next {
        None => "of which the trace says nothing".to_owned(),
        Some(next) => format!("where the trace has: {}", words(next)),
    }
}

fn words(seen: &Seen) -> String {
    match seen {
        Seen::Board(states) => {
            let names: Vec<&str> = states.keys().map(String::as_str).collect();
            format!("a look at {}", names.join(", "))
        }
        Seen::Done { call, .. } => format!("the call {}", one(call)),
        Seen::Ran { call, .. } => format!("a run of {}", one(call)),
        Seen::Read { request, .. } => format!("a reading of {request:?}"),
        Seen::Wrote { request, .. } => format!("the question {request:?}"),
    }
}
