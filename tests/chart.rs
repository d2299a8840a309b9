//! Agents as statecharts, driven as a user would: `simulate`, `graph`, `schema`, `new`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pintail::agent::{Agent, DEFAULT, ModelRef};
use pintail::board::{SimBoard, SimClock, State};
use pintail::safety::{Kernel, Mode};
use pintail::turn::{Engine, Mind, Settings};
use serde_json::Value;

const AGENTS: [&str; 6] = ["alarm", "bench", "greenhouse", "home", "interview", "traffic-light"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn pintail(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pintail")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ok(arguments: &[&str], folder: &Path) -> String {
    let output = pintail(arguments, folder);
    assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn agent_files() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("agents"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[test]
fn shipped_agents_go_through_their_scenarios_and_nothing_is_found_in_them() {
    assert_eq!(agent_files(), AGENTS);
    for name in AGENTS {
        let file = format!("agents/{name}.toml");
        let output = pintail(&["check", &file], &root());
        assert!(output.status.success() && output.stderr.is_empty(), "{name}: {}", text(&output.stderr));
        ok(&["simulate", &file, &format!("tests/data/scenarios/{name}.txt"), "--quiet"], &root());
        // The one inside the binary is the same.
        ok(&["graph", name], Path::new("/"));
    }
}

#[test]
fn what_was_expected_and_did_not_happen_is_said_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("day.txt");
    std::fs::write(&scenario, "0:00 expect state night\n0:10 press bedside button\n0:10 expect state night\n0:10 expect fan is on\n").unwrap();
    let file = scenario.to_str().unwrap();
    let output = pintail(&["simulate", "home", file], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(complaint.contains("line 1: expected the state night, found home"), "{complaint}");
    assert!(complaint.contains("line 4: expected fan on, found off"), "{complaint}");
    assert_eq!(complaint.lines().count(), 2, "{complaint}");
    for (bad, words) in [
        ("0:10 press bell\n", "no digital input"),
        ("soon press x\n", "is no time"),
        ("0:10 x\n0:05 y = 1\n", "line 1"),
        ("0:10 say x\n0:05 say y\n", "comes before"),
        ("0:10 call {}\n", "is no call"),
        ("clock noon\n", "no day and time"),
        ("0:10 expect weather\n", "is expected"),
    ] {
        std::fs::write(&scenario, bad).unwrap();
        let output = pintail(&["simulate", "home", file], folder.path());
        let complaint = text(&output.stderr);
        assert!(output.status.code() == Some(1) && complaint.contains(words), "{bad}: {complaint}");
    }
}

#[test]
fn pictures_come_in_three_forms() {
    let folder = tempfile::tempdir().unwrap();
    assert!(ok(&["graph", "alarm"], folder.path()).starts_with("stateDiagram-v2\n"));
    assert!(ok(&["graph", "alarm", "--format", "dot"], folder.path()).starts_with("digraph "));
    ok(&["graph", "alarm", "-o", "alarm.svg"], folder.path());
    let svg = std::fs::read_to_string(folder.path().join("alarm.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains("after 30s"), "{svg}");
    let output = pintail(&["graph", "alarm", "-o", "alarm.gif"], folder.path());
    assert!(!output.status.success() && text(&output.stderr).contains(".svg"));
}

/// Editors check with it: it takes what we ship, and refuses what the reader refuses.
#[test]
fn the_schema_takes_the_shipped_agents_and_refuses_misspelt_keys() {
    let schema: Value = serde_json::from_str(&ok(&["schema", "agent"], &root())).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let json = |text: &str| serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
    for name in AGENTS {
        let source = std::fs::read_to_string(root().join(format!("agents/{name}.toml"))).unwrap();
        let errors: Vec<String> = validator.iter_errors(&json(&source)).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    let head = "format = 1\n[agent]\nname = 'a'\n[states.main]\n";
    for bad in ["tols = []\n", "on = [{ afer = '1s' }]\n", "on = [{ after = 1 }]\n", "parallel = 'yes'\n"] {
        assert!(!validator.is_valid(&json(&format!("{head}{bad}"))), "{bad}");
    }
    let tool: Value = serde_json::from_str(&ok(&["schema", "tool"], &root())).unwrap();
    assert_eq!(tool["additionalProperties"], false);
}

#[test]
fn new_writes_an_agent_that_runs_and_never_over_another() {
    let folder = tempfile::tempdir().unwrap();
    ok(&["new", "shed"], folder.path());
    assert!(ok(&["check", "shed.toml"], folder.path()).starts_with("shed.toml: sound\n"));
    let report =
        ok(&["--state-dir", ".", "run", "shed.toml", "-p", "turn on the lamp", "--json"], folder.path());
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["calls"][0]["tool"], "on", "{report}");
    for (name, words) in [("shed", "is there already"), ("a/b", "is no name"), ("", "is no name")] {
        let output = pintail(&["new", name], folder.path());
        assert!(!output.status.success() && text(&output.stderr).contains(words), "{name}");
    }
}

/// An agent at work on a simulated board, with the bundled model.
fn engine(source: &str) -> (Engine, SimBoard, SimClock) {
    let agent = Agent::parse(source, None).unwrap_or_else(|error| panic!("{error}"));
    let clock = SimClock::new();
    let (kernel, board) =
        Kernel::simulated(agent.devices.clone(), Arc::new(clock.clone()), Mode::Live).unwrap();
    let cancel = kernel.cancel();
    let mind = Mind::load(&ModelRef::Bundled, 1, cancel.clone()).unwrap();
    let settings = Settings { state_dir: std::env::temp_dir() };
    (Engine::new(agent, mind, kernel, settings, cancel).unwrap(), board, clock)
}

#[test]
fn an_ambiguous_name_is_asked_about_and_the_answer_chooses() {
    for (answer, place) in [("the second", Some(1)), ("1", Some(0)), ("never mind", None)] {
        let (mut engine, board, _) = engine(DEFAULT);
        let report = engine.talk("turn on the lamp").unwrap();
        let choices = report.ask.unwrap_or_else(|| panic!("not asked: {}", report.reply));
        assert!((2..=3).contains(&choices.len()), "{choices:?}");
        assert!(choices.iter().all(|choice| choice.words.starts_with("on ")), "{choices:?}");
        assert!(board.changes().is_empty() && report.calls.is_empty());
        assert_eq!(engine.asking(), Some(choices.len()));
        // A yes says nothing of which.
        let again = engine.talk("yes").unwrap();
        assert_eq!(again.ask.as_ref(), Some(&choices));
        engine.talk(answer).unwrap();
        let changed: Vec<String> =
            board.changes().into_iter().map(|change| format!("on {}", change.device)).collect();
        assert_eq!(changed, place.map(|place| choices[place].words.clone()).into_iter().collect::<Vec<_>>());
        assert_eq!(engine.asking(), None);
    }
    // Another request is another request, and what is clear is not asked about.
    let (mut engine, board, _) = engine(DEFAULT);
    engine.talk("turn on the lamp").unwrap();
    engine.talk("turn on the fan").unwrap();
    assert!(matches!(board.state("fan"), Some(State::On { .. })));
    assert!(engine.talk("turn on the bedroom lamp").unwrap().ask.is_none());
}

#[test]
fn what_needs_a_yes_gets_it_for_the_call_that_was_shown_and_no_other() {
    let source = "format = 1\n[agent]\nname = 'a'\n[devices.boiler]\nkind = 'boiler'\nconfirm = true\n[devices.lamp]\nkind = 'lamp'\n\
                  [devices.'stop button']\nkind = 'button'\n[states.main]\n\
                  on = [{ edge = 'stop button', do = [{ tool = 'off', arguments = { devices = ['boiler'] } }] }]\n";
    let (mut engine, board, _) = engine(source);
    let report = engine.talk("turn on the boiler").unwrap();
    assert_eq!(report.ask.map(|choices| choices[0].words.clone()).as_deref(), Some("on boiler"));
    assert!(board.changes().is_empty());
    engine.talk("no").unwrap();
    assert!(board.changes().is_empty());
    assert!(engine.talk("yes").unwrap().calls.is_empty(), "nothing stands asked");
    engine.talk("turn on the boiler").unwrap();
    engine.talk("yes").unwrap();
    assert!(matches!(board.state("boiler"), Some(State::On { .. })));
    // An emergency stop asks nobody.
    let stop = engine.agent().device("stop button").unwrap();
    engine.edge(stop, true);
    assert_eq!(board.state("boiler"), Some(State::Off));
}

#[test]
fn an_event_moves_an_output_within_a_millisecond_and_without_the_model() {
    let (mut engine, board, _) = engine(DEFAULT);
    let button = engine.agent().device("bedside button").unwrap();
    let mut times: Vec<Duration> = (0..51)
        .map(|_| {
            let before = board.changes().len();
            let started = Instant::now();
            engine.edge(button, true);
            let time = started.elapsed();
            assert!(board.changes().len() > before, "nothing moved");
            time
        })
        .collect();
    times.sort();
    assert!(engine.last().is_none(), "the model was asked");
    assert!(times[25] < Duration::from_millis(1), "{:?}", times[25]);
}

/// A running agent whose lines are its requests.
struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

fn running(agent: &str, state: &Path) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pintail"))
        .args(["--state-dir", state.to_str().unwrap(), "run", agent, "-p", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    Running { child, input, output }
}

impl Running {
    fn says(&mut self, request: &str) -> Value {
        writeln!(self.input, "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    /// Ends it as a power cut does: nothing of it runs any more.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn killed_at_any_moment_it_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.toml");
    let source = "format = 1\n[agent]\nname = 'a'\nstart = 'day'\nresume = 'restore'\n[variables]\nn = 0\n\
        [devices.lamp]\nkind = 'lamp'\n[devices.fan]\nkind = 'fan'\n\
        [states.day]\non = [{ call = 'on', device = 'lamp', to = 'night' }]\n\
        [states.night]\non = [{ every = '7ms', do = [{ set = { n = 'n + 1' } }] }, { call = 'off', device = 'lamp', to = 'day', say = 'It was {{ n }}.' }]\n";
    std::fs::write(&file, source).unwrap();
    let agent = file.to_str().unwrap();
    let mut first = running(agent, folder.path());
    assert_eq!(first.says("turn on the lamp")["next_state"], "night");
    // Another one is kept off the same journal.
    let second =
        pintail(&["--state-dir", folder.path().to_str().unwrap(), "run", agent, "-p", "x"], folder.path());
    assert!(text(&second.stderr).contains("in use"), "{}", text(&second.stderr));
    first.kill();
    let journal = folder.path().join("agents/a.journal");
    for wait in [0, 31, 3, 77, 150, 12] {
        let mut again = running(agent, folder.path());
        std::thread::sleep(Duration::from_millis(wait));
        let report = again.says("turn on the lamp");
        assert_eq!((&report["state"], &report["next_state"]), (&"night".into(), &"night".into()));
        assert_eq!(report["calls"][0]["result"]["unchanged"], serde_json::json!(["lamp"]), "{report}");
        again.kill();
        // What was being written when the power went.
        let mut whole = std::fs::read(&journal).unwrap();
        whole.extend(&whole[..40].to_vec());
        std::fs::write(&journal, whole).unwrap();
    }
    let mut last = running(agent, folder.path());
    let report = last.says("turn off the lamp");
    let count: u32 = report["reply"]
        .as_str()
        .unwrap()
        .split("It was ")
        .nth(1)
        .unwrap()
        .trim_end_matches('.')
        .parse()
        .unwrap();
    assert!(count > 0, "{report}");
    last.kill();
    // An edited file begins anew.
    std::fs::write(&file, source.replace("[states.day]", "[states.dawn]").replace("'day'", "'dawn'"))
        .unwrap();
    let mut edited = running(agent, folder.path());
    assert_eq!(edited.says("turn on the fan")["state"], "dawn");
    edited.kill();
}

#[test]
fn prompts_are_measured_and_held_to_their_budgets() {
    let folder = tempfile::tempdir().unwrap();
    let report: Value = serde_json::from_str(&ok(&["check", "home", "--json"], folder.path())).unwrap();
    let tokens = report["agent"]["tokens"].as_array().unwrap();
    assert!(tokens.len() == 2 && tokens[0].as_u64() > tokens[1].as_u64(), "{tokens:?}");
    let source = DEFAULT.replace("start = \"home\"", "start = \"home\"\nbudget = 150");
    std::fs::write(folder.path().join("a.toml"), source).unwrap();
    let output = pintail(&["check", "a.toml"], folder.path());
    let complaint = text(&output.stderr);
    assert!(!output.status.success() && complaint.contains("its `budget` is 150"), "{complaint}");
    let output = pintail(&["--state-dir", ".", "run", "a.toml", "-p", "x"], folder.path());
    assert!(text(&output.stderr).contains("its `budget` is 150"), "{}", text(&output.stderr));
    // Each state that is over its budget is found at its name.
    for (state, budget) in [("home", 150), ("home", 40), ("night", 5)] {
        let header = format!("[states.{state}]");
        let source = DEFAULT.replace(&format!("{header}\n"), &format!("{header}\nbudget = {budget}\n"));
        let line = 1 + source.lines().position(|line| line == header).unwrap();
        std::fs::write(folder.path().join("b.toml"), source).unwrap();
        let complaint = text(&pintail(&["check", "b.toml"], folder.path()).stderr);
        let expected = format!("b.toml:{line}:1: error");
        assert!(
            complaint.contains(&expected) && complaint.contains(&format!("its `budget` is {budget}")),
            "{complaint}"
        );
    }
    let shown = ok(
        &["--state-dir", ".", "run", "home", "-p", "turn on the fan", "--json", "--show-prompt"],
        folder.path(),
    );
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let parts = shown["prompt"]["parts"].as_array().unwrap();
    let sum: u64 = parts.iter().map(|part| part["tokens"].as_u64().unwrap()).sum();
    assert_eq!(Some(sum), shown["tokens"]["prompt"].as_u64(), "{shown}");
    assert!(shown["prompt"]["text"].as_str().unwrap().contains("turn on the"), "{shown}");
}
