//! What an agent does with what a model reads: earlier turns and variables in the prompt, answers of a form, acts on a condition.
//! The model is a script, where it is not the bundled one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pintail::agent::chart::{Frame, Value};
use pintail::agent::{Agent, ModelRef};
use pintail::board::{SimBoard, SimClock, State};
use pintail::prompt::{Background, Scene};
use pintail::safety::{Kernel, Mode};
use pintail::tool::Call;
use pintail::turn::{Engine, Mind, MindError, Part, Reader, Reading, Settings};

/// What a script was given: the requests of earlier turns, the variables, the request.
type Seen = (Vec<String>, Vec<(String, Value)>, String);

/// The earlier turns and the variables that a prompt is to hold.
type Shown = (&'static [&'static str], Vec<(String, Value)>);

/// Requests with the calls or the words that they are answered with.
#[derive(Clone, Default)]
struct Script {
    lines: BTreeMap<&'static str, &'static str>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Script {
    fn new(lines: &[(&'static str, &'static str)]) -> Script {
        Script { lines: lines.iter().copied().collect(), ..Script::default() }
    }

    fn note(&self, background: &Background<'_>, request: &str) {
        let before = background.before.iter().map(|turn| turn.request.clone()).collect();
        self.seen.lock().unwrap().push((before, background.variables.to_vec(), request.to_owned()));
    }
}

impl Reader for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn read(
        &mut self,
        background: &Background<'_>,
        _: &Scene,
        request: &str,
        _: &AtomicBool,
    ) -> Result<Reading, MindError> {
        self.note(background, request);
        // What is no call, nor a list of them, is an answer in words.
        let read = |text: &&str| -> Option<Vec<Call>> {
            serde_json::from_str(text).or_else(|_| serde_json::from_str(text).map(|call| vec![call])).ok()
        };
        let calls = self.lines.get(request).and_then(read).unwrap_or_default();
        Ok(Reading { request: request.to_owned(), calls, confidence: 1.0, ..Reading::default() })
    }

    fn write(
        &mut self,
        background: &Background<'_>,
        request: &str,
        _: &Frame,
        _: &AtomicBool,
    ) -> Result<String, MindError> {
        self.note(background, request);
        self.lines.get(request).map(|text| (*text).to_owned()).ok_or(MindError::Unanswered)
    }

    fn measure(&self, _: &Scene, _: &Background<'_>) -> Vec<Part> {
        Vec::new()
    }

    fn context(&self) -> usize {
        1000
    }
}

struct World {
    engine: Engine,
    board: SimBoard,
    clock: SimClock,
}

fn world(source: &str, reader: impl Reader + 'static) -> World {
    let agent = Agent::parse(source, None).unwrap_or_else(|error| panic!("{error}"));
    let clock = SimClock::new();
    let (kernel, board) =
        Kernel::simulated(agent.devices.clone(), Arc::new(clock.clone()), Mode::Live).unwrap();
    let cancel = kernel.cancel();
    let settings = Settings { state_dir: std::env::temp_dir() };
    World { engine: Engine::new(agent, reader, kernel, settings, cancel).unwrap(), board, clock }
}

fn bundled() -> Mind {
    Mind::load(&ModelRef::Bundled, 1, Arc::default()).unwrap()
}

const DEVICES: &str = "[devices.fan]\nkind = 'fan'\n[devices.'hall lamp']\nkind = 'lamp'\narea = 'hall'\n\
    [devices.pump]\nkind = 'pump'\n[devices.'soil probe']\nkind = 'sensor'\nunit = '%'\naliases = ['soil']\n\
    [devices.'front door']\nkind = 'contact'\n[devices.thermostat]\nkind = 'thermostat'\nunit = '°C'\nrange = [5, 30]\n";

#[test]
fn a_state_carries_as_many_turns_and_shows_the_variables_that_it_asks_for() {
    let source = format!(
        "format = 1\n[agent]\nname = 'a'\nstart = 'plain'\n[variables]\nroom = 'hall'\nn = 1\n{DEVICES}\
         [states.plain]\non = [{{ call = 'on', device = 'fan', to = 'talk' }}]\n\
         [states.talk]\ncarry = 2\ncontext = ['n', 'room']\n\
         on = [{{ call = 'off', do = [{{ set = {{ n = 'n + 1' }} }}] }}, {{ call = 'on', device = 'pump', to = 'inner' }}]\n\
         [states.more]\nparent = 'talk'\n[states.inner]\nparent = 'talk'\ncarry = 1\ncontext = []\n\
         on = [{{ call = 'off', device = 'pump', to = 'plain' }}]\n"
    );
    let script = Script::new(&[
        ("fan on", r#"{"tool":"on","arguments":{"devices":["fan"]}}"#),
        ("fan off", r#"{"tool":"off","arguments":{"devices":["fan"]}}"#),
        ("pump on", r#"{"tool":"on","arguments":{"devices":["pump"]}}"#),
        ("pump off", r#"{"tool":"off","arguments":{"devices":["pump"]}}"#),
    ]);
    let mut world = world(&source, script.clone());
    for words in ["hello", "fan on", "fan off", "sing", "pump on", "hello", "pump off", "hello"] {
        world.engine.talk(words).unwrap();
    }
    let n =
        |n: f64| vec![("room".to_owned(), Value::Text("hall".into())), ("n".to_owned(), Value::Number(n))];
    let seen = script.seen.lock().unwrap();
    let expected: Vec<Shown> = vec![
        (&[], vec![]),
        (&[], vec![]),
        (&["hello", "fan on"], n(1.0)),
        (&["fan on", "fan off"], n(2.0)),
        (&["fan off", "sing"], n(2.0)),
        (&["pump on"], vec![]),
        (&["hello"], vec![]),
        (&[], vec![]),
    ];
    assert_eq!(seen.len(), expected.len());
    for ((before, variables, request), (wanted, shown)) in seen.iter().zip(&expected) {
        assert_eq!(
            (before.iter().map(String::as_str).collect::<Vec<_>>(), variables),
            (wanted.to_vec(), shown),
            "{request}"
        );
    }
    drop(seen);
    // What was said before a reset is forgotten.
    world.engine.talk("fan on").unwrap();
    world.engine.reset();
    world.engine.talk("fan on").unwrap();
    world.engine.talk("fan off").unwrap();
    assert_eq!(script.seen.lock().unwrap().last().unwrap().0, ["fan on"]);
}

#[test]
fn the_bundled_model_knows_what_it_is_when_the_state_carries_a_turn() {
    let source = format!(
        "format = 1\n[agent]\nname = 'a'\n[variables]\nusual_temperature = 21\nmy_favourite = 'hall lamp'\n{DEVICES}\
         [states.main]\ncarry = 1\ncontext = ['usual_temperature', 'my_favourite']\n"
    );
    let mut world = world(&source, bundled());
    for (words, device, state) in [
        ("turn on the fan", "fan", State::On { level: Some(100.0) }),
        ("turn it off", "fan", State::Off),
        ("switch on the hall lamp", "hall lamp", State::On { level: Some(100.0) }),
        ("dim it to 30 percent", "hall lamp", State::On { level: Some(30.0) }),
        ("now turn it off again", "hall lamp", State::Off),
        ("turn on my favourite", "hall lamp", State::On { level: Some(100.0) }),
        ("set the thermostat to the usual temperature", "thermostat", State::Value { value: 21.0 }),
    ] {
        let report = world.engine.talk(words).unwrap();
        assert_eq!(world.board.state(device), Some(state), "{words}: {report:?}");
    }
}

#[test]
fn answers_of_a_form_are_events() {
    let source = format!(
        "format = 1\n[agent]\nname = 'a'\nstart = 'main'\n[variables]\nguests = 0\nwho = ''\n{DEVICES}\
         [states.main]\ntools = ['on', 'off']\non = [\n\
         {{ unserved = true, if = 'contains(event.text, \"?\")', do = [{{ ask = 'Is it a greeting: {{{{ event.text }}}}', grammar = 'yes_no', event = 'greeting' }}] }},\n\
         {{ unserved = true, do = [{{ ask = '{{{{ event.text }}}}', schema = {{ type = 'object', description = 'guests who come', properties = {{ guests = {{ type = 'integer', minimum = 1, maximum = 20 }} }}, required = ['guests'] }} }}] }},\n\
         {{ event = 'greeting', if = \"event.text == 'yes'\", say = 'Hello.' }},\n\
         {{ event = 'greeting', say = 'I do not know.' }},\n\
         {{ event = 'answer', do = [{{ set = {{ guests = 'event.guests' }} }}], say = '{{{{ event.guests }}}} guests.' }},\n\
         {{ event = 'error.ask', say = 'What?' }},\n]\n"
    );
    let script = Script::new(&[
        ("Is it a greeting: how do you do?", "yes"),
        ("Is it a greeting: why?", "no"),
        ("we are three", r#"{"guests":3}"#),
    ]);
    let mut world = world(&source, script);
    for (words, reply) in [
        ("how do you do?", "Hello."),
        ("why?", "I do not know."),
        ("we are three", "3 guests."),
        ("we sing", "What?"),
    ] {
        assert_eq!(world.engine.talk(words).unwrap().reply, reply, "{words}");
    }
    assert_eq!(world.engine.machine().variables[0], Value::Number(3.0));
}

#[test]
fn the_bundled_model_fills_a_schema_from_the_words_of_a_question() {
    let source = "format = 1\n[agent]\nname = 'a'\n[variables]\nn = 0\n[states.main]\ntools = ['list']\non = [\n\
         { event = 'come', do = [{ ask = 'four people will come', schema = { type = 'object', description = 'people who come', properties = { people = { type = 'integer', minimum = 1, maximum = 20 } }, required = ['people'] } }] },\n\
         { event = 'words', do = [{ ask = 'four people will come', grammar = 'yes_no', event = 'said' }] },\n\
         { event = 'answer', do = [{ set = { n = 'event.people' } }], say = '{{ event.people }} people.' },\n\
         { event = 'said', say = 'said' },\n\
         { event = 'error.ask', say = '{{ event.message }}' },\n]\n";
    let mut world = world(source, bundled());
    assert_eq!(world.engine.signal("come"), ["4 people."]);
    assert!(world.engine.signal("words")[0].contains("writes no words"));
}

#[test]
fn questions_without_end_are_cut() {
    let source = "format = 1\n[agent]\nname = 'a'\n[variables]\nn = 0\n[states.main]\non = [\n\
         { event = 'go', do = [{ ask = 'x', grammar = 'yes_no' }] },\n\
         { event = 'answer', do = [{ set = { n = 'n + 1' } }, { ask = 'x', grammar = 'yes_no' }] },\n]\n";
    let mut world = world(source, Script::new(&[("x", "yes")]));
    world.engine.signal("go");
    assert_eq!(world.engine.machine().variables, [Value::Number(8.0)]);
}

fn on_condition() -> (String, Script) {
    let source = format!(
        "format = 1\n[agent]\nname = 'a'\n{DEVICES}[states.main]\non = [{{ sensor = 'soil probe', below = 30, say = 'dry' }}]\n"
    );
    let script = Script::new(&[
        ("start the pump", r#"{"tool":"on","arguments":{"devices":["pump"]}}"#),
        ("toggle the hall lamp", r#"{"tool":"toggle","arguments":{"devices":["hall lamp"]}}"#),
    ]);
    (source, script)
}

#[test]
fn acts_wait_for_a_condition() {
    let (source, script) = on_condition();
    let World { mut engine, board, clock } = world(&source, script);
    engine.stay();
    board.set_value("soil probe", 50.0);
    let report = engine.talk("start the pump when the soil is dry").unwrap();
    assert!(
        report.calls.is_empty() && report.reply.starts_with("When soil probe is below 30 %: on pump"),
        "{report:?}"
    );
    let report = engine.talk("every time the front door opens toggle the hall lamp").unwrap();
    assert!(report.reply.starts_with("Whenever front door comes to be open: toggle hall lamp"), "{report:?}");
    assert_eq!(engine.scheduled().len(), 2);
    engine.pass(&clock, Duration::from_secs(60));
    assert_eq!(board.state("pump"), Some(State::Off));
    board.set_value("soil probe", 29.0);
    engine.pass(&clock, Duration::from_secs(2));
    assert_eq!(board.state("pump"), Some(State::On { level: None }));
    assert_eq!(engine.scheduled().len(), 1, "it is done once");
    // An edge counts at once, however short; and each time.
    let door = engine.agent().device("front door").unwrap();
    for round in 1..=3 {
        engine.edge(door, true);
        engine.edge(door, false);
        assert_eq!(board.state("hall lamp") == Some(State::Off), round % 2 == 0, "round {round}");
    }
    // What a door does all the time is not its opening.
    board.set_input("front door", true);
    engine.pass(&clock, Duration::from_secs(3));
    let before = board.moved();
    engine.pass(&clock, Duration::from_secs(30));
    assert_eq!(board.moved(), before);
    assert!(engine.cancel_scheduled(2) && engine.scheduled().is_empty());
}

#[test]
fn what_begins_now_is_not_put_off() {
    let request = "start the pump and stop it again after ten minutes";
    let script = Script::new(&[
        (
            request,
            r#"[{"tool":"on","arguments":{"devices":["pump"]}},{"tool":"wait","arguments":{"seconds":600}},{"tool":"off","arguments":{"devices":["pump"]}}]"#,
        ),
        ("start the pump", r#"{"tool":"on","arguments":{"devices":["pump"]}}"#),
    ]);
    let source = format!("format = 1\n[agent]\nname = 'a'\n{DEVICES}[states.main]\n");
    let World { mut engine, board, .. } = world(&source, script);
    engine.stay();
    let report = engine.talk(request).unwrap();
    assert!(report.calls.len() == 3 && engine.scheduled().is_empty(), "{report:?}");
    assert_eq!(board.state("pump"), Some(State::Off));
    let report = engine.talk("start the pump after ten minutes").unwrap();
    assert!(report.calls.is_empty() && engine.scheduled().len() == 1, "{report:?}");
}

#[test]
fn acts_for_later_outlive_the_program_with_a_journal_and_only_then() {
    let (source, script) = on_condition();
    let folder = tempfile::tempdir().unwrap();
    {
        let mut world = world(&source, script.clone());
        world.engine.keep(folder.path()).unwrap();
        let report = world.engine.turn("start the pump when the soil is dry").unwrap();
        assert!(report.calls.is_empty() && report.reply.contains("no journal"), "{report:?}");
        let report = world.engine.turn("start the pump in ten minutes").unwrap();
        assert!(report.reply.contains("no journal"), "{report:?}");
    }
    let source = source.replace("name = 'a'\n", "name = 'a'\nresume = 'restore'\n");
    {
        let mut world = world(&source, script.clone());
        world.engine.keep(folder.path()).unwrap();
        let report = world.engine.turn("start the pump when the soil is dry").unwrap();
        assert!(report.reply.contains("while the agent runs"), "{report:?}");
    }
    let World { mut engine, board, clock } = world(&source, script);
    engine.keep(folder.path()).unwrap();
    assert_eq!(engine.scheduled().len(), 1);
    board.set_value("soil probe", 10.0);
    engine.pass(&clock, Duration::from_secs(2));
    assert_eq!(board.state("pump"), Some(State::On { level: None }));
}

fn pintail(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pintail"))
        .arg("--state-dir")
        .arg(folder)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn a_request_for_later_with_p_says_what_becomes_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (source, _) = on_condition();
    let file = folder.path().join("a.toml");
    std::fs::write(&file, &source).unwrap();
    let say = |words: &str| {
        let output = pintail(folder.path(), &["run", "a.toml", "-p", words]);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    let told = say("turn on the pump in ten minutes");
    assert!(told.contains("no journal"), "{told}");
    std::fs::write(&file, source.replace("name = 'a'\n", "name = 'a'\nresume = 'safe'\n")).unwrap();
    let told = say("turn on the pump in ten minutes");
    assert!(told.contains("In 10m: on pump. (while the agent runs)"), "{told}");
}
