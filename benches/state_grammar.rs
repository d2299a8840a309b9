//! How long it takes to compile the grammar of a state with ten tools and fifty devices: least and median of many runs.
//!
//! - *pointers*: the answers of the bundled model to one request, compiled for every turn, because only what the request's words
//!   point at is legal;
//! - *calls*: the answers of other models (`-m`), calls as JSON, which depend on the state's tools and devices alone, so that they are
//!   compiled when either changes and kept until then.
//!
//! `cargo bench --bench state_grammar`

use std::time::{Duration, Instant};

use pintail::board::Device;
use pintail::gguf::Gguf;
use pintail::model::bundled;
use pintail::prompt::chat::Chat;
use pintail::prompt::pintail::{Pointers, Token, grammar};
use pintail::prompt::{Scene, Tool, Turn};
use pintail::tokenizer::Tokenizer;
use pintail::tool::Builtin;

const RUNS: usize = 200;
const TOOLS: [&str; 10] =
    ["on", "off", "toggle", "set_level", "change_level", "open", "close", "stop", "read", "blink"];

fn main() {
    let kinds = ["light", "fan", "heater", "blind", "valve"];
    let devices = (0..50).map(|i| {
        let place = ["hall", "shed", "barn"][i % 3];
        Device::of_kind(&format!("device number {i}"), kinds[i % 5], Some(place))
    });
    let tools = TOOLS.iter().filter_map(|name| Builtin::from_name(name)).map(Tool::Builtin);
    let scene = Scene::new(tools.collect(), devices.collect());
    println!("{} tools, {} devices, µs", scene.tools.len(), scene.devices.len());
    println!("{:<42} {:>8} {:>8} {:>8}", "", "least", "median", "states");

    for request in [
        "turn everything off",
        "set device number 12 to 30 and open all blinds in the hall",
        "close the blinds, switch the fans to 40 percent and read the valves in the shed and the barn",
    ] {
        let turn = Turn::new(&scene, request);
        let pointers = Pointers::new(&scene, Some(&turn));
        let compile = || grammar(&turn, &pointers, &Token::index).expect("a scene within bounds").states();
        line(&format!("pointers: {}", request.get(..30).unwrap_or(request)), compile);
    }

    let file = Gguf::parse(bundled()).expect("the bundled model");
    let tokenizer = Tokenizer::from_gguf(&file).expect("its tokenizer");
    let chat = Chat::of(&file, &tokenizer).expect("a built-in template");
    line("calls", || chat.grammar(&scene, &tokenizer).expect("a grammar").states());
}

fn line(name: &str, compile: impl Fn() -> usize) {
    let mut times: Vec<Duration> = Vec::with_capacity(RUNS);
    let mut states = 0;
    for _ in 0..RUNS {
        let start = Instant::now();
        states = compile();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!("{name:<42} {:>8.0} {:>8.0} {states:>8}", micros(times[0]), micros(times[RUNS / 2]));
}
