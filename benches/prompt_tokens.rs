//! Prompt tokens of scripted tasks of ten requests, ours beside two baselines that reach the same board:
//!
//! - *pintail*: a turn's prompt is what the active states allow and the request; what the turn before left in the KV state is
//!   counted as cached;
//! - *loop, same rendering*: one prompt with all tools, all devices and the whole history, asked again with the result of each call
//!   until it ends the turn (a call and an end: two prompts a request), in the same compact rendering;
//! - *loop, JSON tools*: the same with tools as JSON Schema and messages as JSON, the usual form.
//!
//! All are counted with the bundled tokenizer, which was not made for JSON: read the last figure as an upper bound.
//! `cargo bench --bench prompt_tokens`

use std::sync::Arc;
use std::time::Duration;

use pintail::agent::{Agent, EMBEDDED, ModelRef, ToolRef};
use pintail::board::SimClock;
use pintail::safety::{Kernel, Mode};
use pintail::tool::Call;
use pintail::turn::{Engine, Mind, Settings};
use serde_json::json;

/// A request, and the call that it is for (as the script of all three has it).
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
            ("and the green man", r#"{"tool":"read","arguments":{"devices":["green man"]}}"#),
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
            ("how warm is it", r#"{"tool":"read","arguments":{"devices":["thermometer"]}}"#),
            ("close the vent", r#"{"tool":"close","arguments":{"devices":["roof vent"]}}"#),
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
            ("how warm is it", r#"{"tool":"read","arguments":{"devices":["thermometer"]}}"#),
            ("turn on night mode", r#"{"tool":"on","arguments":{"devices":["night mode"]}}"#),
            ("turn on the bedroom lamp", r#"{"tool":"on","arguments":{"devices":["bedroom lamp"]}}"#),
            ("is the front door open", r#"{"tool":"read","arguments":{"devices":["front door"]}}"#),
            ("bedroom lamp off", r#"{"tool":"off","arguments":{"devices":["bedroom lamp"]}}"#),
            ("turn off night mode", r#"{"tool":"off","arguments":{"devices":["night mode"]}}"#),
        ],
    ),
];

#[derive(Default)]
struct Sums {
    prompt: usize,
    cached: usize,
    compact: usize,
    json: usize,
}

fn main() {
    println!(
        "{:<14} {:>9} {:>9} {:>15} {:>9} {:>12} {:>9}",
        "task", "pintail", "cached", "loop, same", "fewer", "loop, JSON", "fewer"
    );
    for (name, steps) in TASKS {
        let sums = run(name, steps);
        let fewer = |other: usize| format!("{:.1} %", 100.0 - 100.0 * sums.prompt as f64 / other as f64);
        println!(
            "{name:<14} {:>9} {:>9} {:>15} {:>9} {:>12} {:>9}",
            sums.prompt,
            sums.cached,
            sums.compact,
            fewer(sums.compact),
            sums.json,
            fewer(sums.json)
        );
    }
}

fn run(name: &str, steps: &[Step]) -> Sums {
    let source = EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, source)| *source).expect(name);
    let agent = Agent::parse(source, None).expect(name);
    let clock = SimClock::new();
    let (kernel, _) =
        Kernel::simulated(agent.devices.clone(), Arc::new(clock.clone()), Mode::Live).expect(name);
    let cancel = kernel.cancel();
    let load = || Mind::load(&ModelRef::Bundled, 1, cancel.clone()).expect("the bundled model");
    let counter = load();
    // All that the agent has, in one scene.
    let devices = agent.devices.clone();
    let mut tools: Vec<ToolRef> = Vec::new();
    for tool in agent.states.iter().flat_map(|state| &state.tools) {
        if !tools.contains(tool) {
            tools.push(*tool);
        }
    }
    let mut all = agent.scope(&agent.initial);
    (all.tools, all.devices) = (tools, (0..devices.len()).collect());
    let scene = pintail::turn::scene_of(&agent, &all, &|_| true).expect("a scene");
    let compact_head: usize = counter.measure(&scene, None).iter().map(|part| part.tokens).sum();
    let json_head = counter.tokens(&json_tools(&agent, &all.tools));
    let settings = Settings { state_dir: std::env::temp_dir() };
    let mut engine = Engine::new(agent, load(), kernel, settings, cancel.clone()).expect(name);
    let mut reader = load();
    let mut sums = Sums::default();
    let (mut compact_history, mut json_history) = (0, 0);
    for (request, call) in steps {
        let reading = reader.read(engine.scene(), None, request, &cancel).expect(request);
        sums.prompt += reading.tokens.prompt;
        sums.cached += reading.tokens.cached;
        let request_tokens =
            reading.parts.iter().filter(|part| part.part == "request").map(|part| part.tokens).sum::<usize>();
        let call: Call = serde_json::from_str(call).expect("a call");
        let report = engine.call(call.clone());
        assert!(report.calls.iter().all(|call| call.error.is_none()), "{request}: {}", report.reply);
        clock.advance(Duration::from_secs(3));
        engine.tick();
        // A call is two to four pointers in the compact form; what it gave is told in words.
        let answer = 4;
        let result = counter.tokens(&report.reply);
        sums.compact += compact_head + compact_history + request_tokens;
        sums.compact += compact_head + compact_history + request_tokens + answer + result;
        compact_history += request_tokens + answer + result + 2;
        let said = counter.tokens(&json!({ "role": "user", "content": request }).to_string());
        let called = counter.tokens(&json!({ "role": "assistant", "tool_calls": [call] }).to_string());
        let told = counter.tokens(&json!({ "role": "tool", "content": report.calls }).to_string());
        sums.json += json_head + json_history + said;
        sums.json += json_head + json_history + said + called + told;
        json_history += said + called + told;
    }
    sums
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
