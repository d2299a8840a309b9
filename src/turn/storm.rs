//! Random events at an agent: what people, contacts, sensors, clocks and other programs may do, legal or not, in any order. After
//! each the agent has to be in a legal state.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::Engine;
use crate::agent::chart::MAX_WAITING;
use crate::agent::{ToolRef, Trigger};
use crate::board::{Direction, SimBoard, SimClock};
use crate::tool::{Builtin, Call};

/// Words that a person may say; nobody reads them, but answers to questions are among them.
const WORDS: [&str; 8] =
    ["yes", "no", "1", "the second", "3", "turn on the lamp", "never mind", "in ten minutes"];
/// A week, in seconds: where the clock on the wall may jump.
const WEEK: u64 = 7 * 86_400;

/// What came of a storm.
#[derive(Clone, Debug, Default)]
pub struct Weather {
    /// Events that were given, the passing of time not counted.
    pub events: u64,
    /// Simulated time that passed.
    pub passed: Duration,
    /// Changes of outputs.
    pub moved: u64,
    /// How often the active states were others after an event than before.
    pub entered: u64,
    /// Sentences that were said.
    pub said: u64,
    /// How often the agent came to its end and began anew.
    pub ended: u64,
    /// Edges that moved outputs.
    pub edges: u64,
    /// From such an edge to the end of all that it set off: some of the times, drawn evenly, sorted.
    pub times: Vec<Duration>,
    /// The longest of all of them.
    pub longest: Duration,
}

/// An agent that is not in a legal state.
#[derive(Clone, Debug, thiserror::Error)]
#[error("event {event}, {what}: {message}")]
pub struct Illegal {
    /// The event after which it was found, from 1.
    pub event: u64,
    /// That event.
    pub what: String,
    /// What is wrong.
    pub message: String,
}

/// Times of edges that are kept at most: what is measured must not grow with it.
const MOST_TIMES: usize = 4096;

impl Weather {
    /// Keeps the time of an edge, or one of those before it (reservoir sampling: Vitter, 1985, algorithm R).
    fn took(&mut self, time: Duration, dice: &mut Dice) {
        self.edges += 1;
        self.longest = self.longest.max(time);
        if self.times.len() < MOST_TIMES {
            self.times.push(time);
        } else if let Some(place) = self.times.get_mut((dice.next() % self.edges) as usize) {
            *place = time;
        }
    }
}

/// Gives an agent `count` random events in simulated time; the same seed gives the same. `beat` is called with the number of
/// each.
///
/// # Errors
/// The first event after which the agent is not in a legal state.
pub fn storm(
    engine: &mut Engine,
    board: &SimBoard,
    clock: &SimClock,
    count: u64,
    seed: u64,
    beat: &mut dyn FnMut(u64),
) -> Result<Weather, Illegal> {
    use crate::board::Clock;
    engine.stay();
    let mut dice = Dice(seed);
    let mut weather = Weather::default();
    let names = names(engine);
    let begun = clock.now();
    for event in 1..=count {
        let (before, active) = (board.moved(), engine.active().to_vec());
        let (what, said, time) = one(engine, board, clock, &names, &mut dice);
        weather.said += said as u64;
        if let Some(time) = time.filter(|_| board.moved() > before) {
            weather.took(time, &mut dice);
        }
        weather.said += engine.pass(clock, dice.time()).len() as u64;
        weather.moved += board.moved() - before;
        weather.entered += u64::from(engine.active() != active);
        if let Some(message) = illegal(engine) {
            return Err(Illegal { event, what, message });
        }
        if !engine.running() {
            weather.ended += 1;
            engine.reset();
        }
        beat(event);
    }
    weather.events = count;
    weather.passed = clock.now() - begun;
    weather.times.sort_unstable();
    Ok(weather)
}

/// What is wrong with the engine's state.
fn illegal(engine: &Engine) -> Option<String> {
    let machine = engine.machine();
    if !machine.fits(engine.agent()) {
        return Some(format!("no legal state: {machine:?}"));
    }
    if machine.pending.len() > MAX_WAITING {
        return Some(format!("{} timers run", machine.pending.len()));
    }
    let timers = engine.timers.len();
    (timers != machine.pending.len())
        .then(|| format!("the machine waits for {} timers, {timers} run", machine.pending.len()))
}

/// Names of events that mean something to the agent.
fn names(engine: &Engine) -> Vec<String> {
    let mut names: Vec<String> = engine
        .agent()
        .states
        .iter()
        .flat_map(|state| &state.transitions)
        .filter_map(|transition| match &transition.trigger {
            Trigger::Event(names) => Some(names.iter().map(|name| name.replace('*', "any"))),
            _ => None,
        })
        .flatten()
        .collect();
    names.push("nobody.waits".to_owned());
    names.push("error.execution".to_owned());
    names
}

/// One event: what it was, how much was said, and how long an edge took.
fn one(
    engine: &mut Engine,
    board: &SimBoard,
    clock: &SimClock,
    names: &[String],
    dice: &mut Dice,
) -> (String, usize, Option<Duration>) {
    let devices = &engine.agent().devices;
    let inputs: Vec<usize> =
        (0..devices.len()).filter(|&at| devices[at].direction == Direction::In).collect();
    let kind = dice.below(100);
    match kind {
        0..40 if !inputs.is_empty() => {
            let place = inputs[dice.below(inputs.len())];
            let device = &devices[place];
            let name = device.name.clone();
            let [least, most] = device.limits();
            // Far outside of its range too: sensors break.
            let value = least - (most - least) + 3.0 * (most - least) * dice.share();
            if board.set_value(&name, value) {
                return (format!("{name} = {value}"), 0, None);
            }
            let rising = dice.below(2) == 0;
            board.set_input(&name, rising);
            // A bounce is told twice or more, and an edge may be told that was none.
            let mut said = 0;
            let mut first = None;
            for _ in 0..=dice.below(4) {
                let started = Instant::now();
                said += engine.edge(place, rising).len();
                first.get_or_insert(started.elapsed());
            }
            (format!("{name} = {rising}"), said, first)
        }
        0..75 => {
            let call = call(engine, dice);
            let what = crate::agent::graph::call(&call);
            (what, engine.call(call).reply.lines().count(), None)
        }
        75..85 => {
            let words = WORDS[dice.below(WORDS.len())];
            let said = engine.talk(words).map_or(0, |report| report.reply.lines().count());
            (format!("say {words}"), said, None)
        }
        85..95 => {
            let name = names[dice.below(names.len())].clone();
            let said = engine.signal(&name).len();
            (format!("send {name}"), said, None)
        }
        95..99 => {
            let time = (dice.below(5) > 0).then(|| 4 * 86_400 + dice.next() % WEEK);
            clock.set_local(time);
            (format!("clock {time:?}"), engine.tick().len(), None)
        }
        _ => ("reset".to_owned(), engine.reset().len(), None),
    }
}

/// Any call, legal or not. Tools that run a command are not called.
fn call(engine: &Engine, dice: &mut Dice) -> Call {
    let agent = engine.agent();
    let mut tools: Vec<ToolRef> = Builtin::ALL.map(ToolRef::Builtin).to_vec();
    let declared = (0..agent.tools.len()).filter(|&at| agent.tools[at].command.is_none());
    // As often as all the built-in ones together.
    let declared: Vec<ToolRef> = declared.map(ToolRef::User).collect();
    if !declared.is_empty() && dice.below(2) == 0 {
        tools = declared;
    }
    let tool = tools[dice.below(tools.len())];
    let (name, schema) = match tool {
        ToolRef::Builtin(tool) => (tool.name().to_owned(), tool.parameters()),
        ToolRef::User(at) => (agent.tools[at].name.clone(), agent.tools[at].parameters.schema.clone()),
    };
    let mut arguments = Map::new();
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        if dice.below(20) == 0 {
            continue;
        }
        let value = if key == "devices" {
            let most = 1 + dice.below(3);
            let some: Vec<&str> = (0..most)
                .filter(|_| !agent.devices.is_empty())
                .map(|_| agent.devices[dice.below(agent.devices.len())].name.as_str())
                .collect();
            json!(some)
        } else {
            argument(schema, dice)
        };
        arguments.insert(key.clone(), value);
    }
    Call { tool: name, arguments }
}

fn argument(schema: &Value, dice: &mut Dice) -> Value {
    if let Some(choices) = schema["enum"].as_array().filter(|choices| !choices.is_empty()) {
        return choices[dice.below(choices.len())].clone();
    }
    let number = dice.below(130) as f64 - 20.0;
    match schema["type"].as_str() {
        Some("integer") => json!(number as i64),
        Some("number") => json!(number / 2.0),
        Some("boolean") => json!(number > 40.0),
        _ => json!(WORDS[dice.below(WORDS.len())]),
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Often none, else from a millisecond to a minute, short ones more often.
    fn time(&mut self) -> Duration {
        match self.below(3) {
            0 => Duration::ZERO,
            _ => Duration::from_secs_f64(0.001 * 60_000f64.powf(self.share())),
        }
    }
}
