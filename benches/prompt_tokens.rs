//! Prompt tokens of scripted tasks of ten requests: an agent as a statechart beside two loops that do the same work.
//!
//! - *pintail*: the agent at work, as `pintail run` has it: each request is read by the bundled model in the state that the
//!   agent is in. What a prompt costs is what the model was given; cached is what its KV state still held. What is done is the
//!   scripted call, so that all three do the same; how many requests the model read as that call is told.
//! - *loop, same rendering*: a ReAct-style loop. One prompt holds all tools, all devices and the whole history; it is asked again
//!   with the result of each call until it ends the turn (a call and an end: two prompts a request). It is rendered as
//!   compactly as ours.
//! - *loop, JSON tools*: the same loop in the usual form, tools as JSON Schema and messages as JSON.
//!
//! The loops work on boards of their own: their calls are carried out there, and after each request every output has to be as on
//! ours. Where a transition of the statechart moved an output, the loop has to call for it; that call and its result go
//! into its history, and no further prompt is charged. All are counted with the bundled tokenizer, which was not made for JSON: read
//! the last columns as an upper bound. With an append-only history a loop's cache holds all but what is new, as long as it fits the
//! context: cached tokens are counted for all three.
//!
//! `cargo bench --bench prompt_tokens`; `-- --markdown` for a table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pintail::agent::{Agent, EMBEDDED, ModelRef, ToolRef};
use pintail::board::{SimBoard, SimClock, State};
use pintail::prompt::Background;
use pintail::safety::{Kernel, Legal, Mode};
use pintail::tool::{Builtin, Call};
use pintail::turn::{Engine, Mind, NoModel, Settings};
use serde_json::json;

/// A request and the call that it is for.
type Step = (&'static str, &'static str);

const TASKS: [(&str, &[Step]); 4] = [
    (
        "interview",
        &[
            ("my name is Anna", r#"{"tool":"name_is","arguments":{"who":"Anna"}}"#),
            ("there are three of us", r#"{"tool":"people","arguments":{"count":3}}"#),
            ("we eat fish", r#"{"tool":"food","arguments":{"choice":"fish"}}"#),
            ("all of it is right", r#"{"tool":"confirm","arguments":{}}"#),
            ("I am called Bo", r#"{"tool":"name_is","arguments":{"who":"Bo"}}"#),
            ("two people", r#"{"tool":"people","arguments":{"count":2}}"#),
            ("start the form again", r#"{"tool":"again","arguments":{}}"#),
            ("my name is Bo", r#"{"tool":"name_is","arguments":{"who":"Bo"}}"#),
            ("we are two", r#"{"tool":"people","arguments":{"count":2}}"#),
            ("vegan please", r#"{"tool":"food","arguments":{"choice":"vegan"}}"#),
        ],
    ),
    (
        "traffic-light",
        &[
            ("is the green light on", r#"{"tool":"read","arguments":{"devices":["green light"]}}"#),
            ("what can you do", r#"{"tool":"list","arguments":{}}"#),
            ("only flash amber", r#"{"tool":"flash","arguments":{}}"#),
            ("is the amber light on", r#"{"tool":"read","arguments":{"devices":["amber light"]}}"#),
            ("check the red light", r#"{"tool":"read","arguments":{"devices":["red light"]}}"#),
            ("work as by day again", r#"{"tool":"resume","arguments":{}}"#),
            ("is the red light on", r#"{"tool":"read","arguments":{"devices":["red light"]}}"#),
            ("read the red man", r#"{"tool":"read","arguments":{"devices":["red man"]}}"#),
            ("is the green man on", r#"{"tool":"read","arguments":{"devices":["green man"]}}"#),
            ("what is there", r#"{"tool":"list","arguments":{}}"#),
        ],
    ),
    (
        "greenhouse",
        &[
            ("turn on the grow light", r#"{"tool":"on","arguments":{"devices":["grow light"]}}"#),
            ("how wet is the soil", r#"{"tool":"read","arguments":{"devices":["soil probe"]}}"#),
            ("start the pump", r#"{"tool":"on","arguments":{"devices":["pump"]}}"#),
            ("stop the pump", r#"{"tool":"off","arguments":{"devices":["pump"]}}"#),
            ("open the roof vent", r#"{"tool":"open","arguments":{"devices":["roof vent"]}}"#),
            ("set the fan to 50", r#"{"tool":"set_level","arguments":{"devices":["fan"],"percent":50}}"#),
            ("read the thermometer", r#"{"tool":"read","arguments":{"devices":["thermometer"]}}"#),
            ("close the roof vent", r#"{"tool":"close","arguments":{"devices":["roof vent"]}}"#),
            ("fan off", r#"{"tool":"off","arguments":{"devices":["fan"]}}"#),
            ("switch the grow light off", r#"{"tool":"off","arguments":{"devices":["grow light"]}}"#),
        ],
    ),
    (
        "home",
        &[
            ("turn on the kitchen light", r#"{"tool":"on","arguments":{"devices":["kitchen light"]}}"#),
            (
                "dim the reading lamp to 30",
                r#"{"tool":"set_level","arguments":{"devices":["reading lamp"],"percent":30}}"#,
            ),
            ("open the blinds", r#"{"tool":"open","arguments":{"devices":["blinds"]}}"#),
            (
                "set the thermostat to 21",
                r#"{"tool":"set_value","arguments":{"devices":["thermostat"],"value":21}}"#,
            ),
            ("read the thermometer", r#"{"tool":"read","arguments":{"devices":["thermometer"]}}"#),
            ("turn on night mode", r#"{"tool":"on","arguments":{"devices":["night mode"]}}"#),
            ("turn on the bedroom lamp", r#"{"tool":"on","arguments":{"devices":["bedroom lamp"]}}"#),
            ("is the front door open", r#"{"tool":"read","arguments":{"devices":["front door"]}}"#),
            ("bedroom lamp off", r#"{"tool":"off","arguments":{"devices":["bedroom lamp"]}}"#),
            ("turn off night mode", r#"{"tool":"off","arguments":{"devices":["night mode"]}}"#),
        ],
    ),
];

/// Prompt tokens: all, and those that the KV state still held.
#[derive(Clone, Copy, Default)]
struct Tokens {
    prompt: usize,
    cached: usize,
    longest: usize,
}

impl Tokens {
    fn add(&mut self, prompt: usize, cached: usize) {
        self.prompt += prompt;
        self.cached += cached;
        self.longest = self.longest.max(prompt);
    }

    fn fresh(&self) -> usize {
        self.prompt - self.cached
    }
}

/// A loop: what its prompts begin with, what has been said since, and what the KV state holds of it.
struct Loop {
    head: usize,
    history: usize,
    held: usize,
    tokens: Tokens,
}

impl Loop {
    fn new(head: usize) -> Loop {
        Loop { head, history: 0, held: 0, tokens: Tokens::default() }
    }

    /// Asks with all that was said up to now.
    fn ask(&mut self) {
        let prompt = self.head + self.history;
        self.tokens.add(prompt, self.held);
        self.held = prompt;
    }
}

struct Sums {
    ours: Tokens,
    compact: Tokens,
    json: Tokens,
    read: usize,
}

fn main() {
    let markdown = std::env::args().any(|argument| argument == "--markdown");
    if markdown {
        println!(
            "| task | pintail | new | loop, same rendering | new | fewer | loop, JSON tools | new | fewer |"
        );
        println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    } else {
        println!(
            "{:<14}{:>8}{:>7}{:>8}{:>8}{:>7}{:>8}{:>8}{:>7}{:>8}  longest prompts; requests read as scripted",
            "task", "pintail", "new", "loop", "new", "fewer", "JSON", "new", "fewer", ""
        );
    }
    for (name, steps) in TASKS {
        let Sums { ours, compact, json, read } = run(name, steps);
        let fewer = |other: Tokens| 100.0 - 100.0 * ours.prompt as f64 / other.prompt as f64;
        let cells = [ours.prompt, ours.fresh(), compact.prompt, compact.fresh(), json.prompt, json.fresh()];
        let [a, b, c, d, e, f] = cells;
        let (same, usual) = (fewer(compact), fewer(json));
        if markdown {
            println!("| {name} | {a} | {b} | {c} | {d} | {same:.1} % | {e} | {f} | {usual:.1} % |");
        } else {
            println!(
                "{name:<14}{a:>8}{b:>7}{c:>8}{d:>8}{same:>6.1}%{e:>8}{f:>8}{usual:>6.1}%          {} {} {}; {read} of {}",
                ours.longest,
                compact.longest,
                json.longest,
                steps.len()
            );
        }
    }
}

fn run(name: &str, steps: &[Step]) -> Sums {
    let source = EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, source)| *source).expect(name);
    let agent = Agent::parse(source, None).expect(name);
    let clock = SimClock::new();
    let fresh = || Kernel::simulated(agent.devices.clone(), Arc::new(clock.clone()), Mode::Live).expect(name);
    let (kernel, board) = fresh();
    let (mut theirs, their_board) = fresh();
    let cancel = kernel.cancel();
    let load = || Mind::load(&ModelRef::Bundled, 1, cancel.clone()).expect("the bundled model");
    let counter = load();
    // All that the agent has, in one scene.
    let mut tools: Vec<ToolRef> = Vec::new();
    for tool in agent.states.iter().flat_map(|state| &state.tools) {
        if !tools.contains(tool) {
            tools.push(*tool);
        }
    }
    let mut all = agent.scope(&agent.initial);
    (all.tools, all.devices) = (tools, (0..agent.devices.len()).collect());
    let scene = pintail::turn::scene_of(&agent, &all, &|_| true).expect("a scene");
    let head: usize = counter.measure(&scene, &Background::default()).iter().map(|part| part.tokens).sum();
    let mut compact = Loop::new(head);
    let mut json = Loop::new(counter.tokens(&json_tools(&agent, &all.tools)));
    let settings = Settings { state_dir: std::env::temp_dir() };
    let mut engine = Engine::new(agent.clone(), NoModel, kernel, settings, cancel.clone()).expect(name);
    // What entering the first states did.
    follow(&agent, &board, &their_board, &mut theirs);
    let mut reader = load();
    let (mut ours, mut read) = (Tokens::default(), 0);
    for (request, call) in steps {
        let call: Call = serde_json::from_str(call).expect("a call");
        // Read as `pintail run` reads it; then the scripted call is made, whatever the model made of the words.
        let reading = reader.read(engine.scene(), None, request, &cancel).expect(request);
        ours.add(reading.tokens.prompt, reading.tokens.cached);
        read += usize::from(reading.calls.iter().eq([&call]));
        let parts = reading.parts.iter().filter(|part| part.part == "request");
        let request_tokens: usize = parts.map(|part| part.tokens).sum();
        let report = engine.call(call.clone());
        let done = !report.calls.is_empty() && report.calls.iter().all(|call| call.error.is_none());
        assert!(done, "{name}: {request}: {}", report.reply);

        // The loops: the request, a call, its result, an end.
        let legal = Legal::by_author();
        if Builtin::from_name(&call.tool).is_some_and(|tool| tool != Builtin::List) {
            theirs.perform(&call, &legal, Some(pintail::safety::Confirmed::by_person(&call))).expect(request);
        }
        let more = follow(&agent, &board, &their_board, &mut theirs);
        let calls = 1 + more.len();
        // A call is two to four pointers in the compact form; what it gave is told in words.
        let result =
            counter.tokens(&report.reply) + more.iter().map(|call| counter.tokens(call)).sum::<usize>();
        compact.history += request_tokens;
        compact.ask();
        compact.history += 4 * calls + result;
        compact.ask();
        compact.history += 2;
        json.history += counter.tokens(&json!({ "role": "user", "content": request }).to_string());
        json.ask();
        json.history += counter.tokens(&json!({ "role": "assistant", "tool_calls": [call] }).to_string())
            + counter.tokens(&json!({ "role": "tool", "content": report.calls }).to_string())
            + 2 * more.iter().map(|call| counter.tokens(call)).sum::<usize>();
        json.ask();
        json.history += counter.tokens(&json!({ "role": "assistant", "content": "Done." }).to_string());

        clock.advance(Duration::from_secs(3));
        engine.tick();
        follow(&agent, &board, &their_board, &mut theirs);
        assert_eq!(outputs(&agent, &board), outputs(&agent, &their_board), "{name}: {request}");
    }
    Sums { ours, compact: compact.tokens, json: json.tokens, read }
}

fn outputs(agent: &Agent, board: &SimBoard) -> BTreeMap<String, State> {
    let names = agent.devices.iter().map(|device| device.name.clone());
    names.filter_map(|name| Some((name.clone(), board.state(&name)?))).collect()
}

/// Has the loops' board do what transitions did on ours; the calls for it, as texts.
fn follow(agent: &Agent, ours: &SimBoard, theirs: &SimBoard, kernel: &mut Kernel) -> Vec<String> {
    let mut calls = Vec::new();
    let there = outputs(agent, theirs);
    for (device, state) in outputs(agent, ours) {
        if there.get(&device) == Some(&state) {
            continue;
        }
        let (tool, more) = match state {
            State::Off => ("off", json!({})),
            State::On { level: None } => ("on", json!({})),
            State::On { level: Some(level) } => ("set_level", json!({ "percent": level })),
            State::Open => ("open", json!({})),
            State::Closed => ("close", json!({})),
            State::Value { value } => ("set_value", json!({ "value": value })),
            other => panic!("{device}: {other}"),
        };
        let mut arguments = json!({ "devices": [device] });
        for (key, value) in more.as_object().expect("an object") {
            arguments[key] = value.clone();
        }
        let call: Call =
            serde_json::from_value(json!({ "tool": tool, "arguments": arguments })).expect("a call");
        let yes = pintail::safety::Confirmed::by_person(&call);
        kernel.perform(&call, &Legal::by_author(), Some(yes)).expect("a call of the loop");
        calls.push(serde_json::to_string(&call).expect("JSON"));
    }
    calls
}

/// The tools as JSON Schema, devices as an enum: what an OpenAI-style request carries.
fn json_tools(agent: &Agent, tools: &[ToolRef]) -> String {
    let names: Vec<&str> = agent.devices.iter().map(|device| device.name.as_str()).collect();
    let tools: Vec<serde_json::Value> = tools
        .iter()
        .map(|tool| {
            let (description, mut parameters) = match tool {
                ToolRef::Builtin(tool) => (tool.description().to_owned(), tool.parameters()),
                ToolRef::User(at) => {
                    let tool = &agent.tools[*at];
                    (tool.description.clone(), tool.parameters.schema.clone())
                }
            };
            if parameters["properties"].get("devices").is_some() {
                parameters["properties"]["devices"] =
                    json!({ "type": "array", "items": { "type": "string", "enum": names } });
            }
            let name = agent.tool_name(*tool);
            json!({ "type": "function", "function": { "name": name, "description": description, "parameters": parameters } })
        })
        .collect();
    let system =
        "You control the devices of this agent. Answer by calling tools; when the request is served, say so.";
    json!({ "tools": tools, "messages": [{ "role": "system", "content": system }] }).to_string()
}
