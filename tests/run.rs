//! `pintail run`, driven as a user would: one request, requests line by line, bad input, signals.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The program, with a state directory of its own.
fn pintail(state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pintail"));
    command.current_dir(root()).arg("--state-dir").arg(state);
    command
}

fn fed(mut command: Command, input: &[u8]) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Written beside the reading: neither pipe may fill up.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn reports(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn a_sentence_moves_a_pin() {
    let state = tempfile::tempdir().unwrap();
    let mut command = pintail(state.path());
    command.args(["run", "agents/home.toml", "-p", "turn on the kitchen light", "--json"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report = &reports(&output)[0];
    assert_eq!(report["calls"][0]["tool"], "on");
    assert_eq!(report["calls"][0]["arguments"]["devices"], serde_json::json!(["kitchen light"]));
    let change = &report["calls"][0]["result"]["changes"][0];
    assert_eq!((&change["device"], &change["line"]), (&"kitchen light".into(), &"17".into()));
    assert_eq!(change["after"]["state"], "on");
    for key in ["state", "ask", "reply", "next_state", "confidence", "tokens", "ms"] {
        assert!(report.get(key).is_some(), "{key} is missing");
    }
}

#[test]
fn the_reply_names_the_line_and_a_dry_run_moves_nothing() {
    let state = tempfile::tempdir().unwrap();
    let mut command = pintail(state.path());
    command.args(["run", "agents/home.toml", "-p", "switch on the kitchen light"]);
    let output = command.output().unwrap();
    assert!(text(&output.stdout).contains("kitchen light (line 17): on"), "{}", text(&output.stdout));

    let mut command = pintail(state.path());
    command.args(["run", "agents/home.toml", "-p", "switch on the kitchen light", "--json", "--dry-run"]);
    let report = &reports(&command.output().unwrap())[0];
    assert_eq!(report["calls"][0]["result"]["dry_run"], true);
}

#[test]
fn what_no_tool_serves_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let mut command = pintail(state.path());
    command.args(["run", "agents/home.toml", "-p", "what is the capital of France", "--json"]);
    let report = &reports(&command.output().unwrap())[0];
    assert_eq!(report["calls"], serde_json::json!([]));
    assert!(report["reply"].as_str().is_some_and(|reply| !reply.is_empty()));
}

#[test]
fn lines_are_served_one_by_one_and_bad_ones_do_not_stop_the_others() {
    let state = tempfile::tempdir().unwrap();
    let mut command = pintail(state.path());
    command.args(["run", "agents/home.toml", "-p", "-", "--json"]);
    let mut input = b"turn on the hall light\n\n\xff\xfe broken\n".to_vec();
    input.extend(vec![b'x'; 1 << 20]);
    input.extend(b"\nturn off the hall light\n");
    let output = fed(command, &input);
    let reports = reports(&output);
    assert_eq!(reports.len(), 4, "{}", text(&output.stderr));
    assert_eq!(reports[0]["calls"][0]["tool"], "on");
    assert!(reports[1]["error"].as_str().unwrap().contains("UTF-8"));
    assert!(reports[2]["error"].as_str().unwrap().contains("bytes"));
    assert_eq!(reports[3]["calls"][0]["tool"], "off");
    assert_eq!(output.status.code(), Some(1), "the exit code remembers the bad lines");
}

#[test]
fn errors_say_what_is_wrong() {
    let state = tempfile::tempdir().unwrap();
    let fails = |args: &[&str], code: i32, words: &[&str]| {
        let output = pintail(state.path()).args(args).output().unwrap();
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {complaint}");
        for word in words {
            assert!(complaint.contains(word), "{args:?}: {word:?} is not in {complaint}");
        }
        assert!(!complaint.contains("panicked"), "{complaint}");
    };
    fails(&["run", "nowhere.toml", "-p", "x"], 1, &["nowhere.toml"]);
    fails(&["run", "hom", "-p", "x"], 1, &["did you mean `home`"]);
    fails(&["run", "home", "-p", "x", "--board", "/dev/no-such-chip"], 1, &["/dev/no-such-chip"]);
    fails(&["run", "home", "-p", "x", "-m", "Cargo.toml"], 1, &["Cargo.toml"]);
    fails(&["run", "home", "--json"], 2, &["--prompt"]);
    fails(&["run"], 2, &["AGENT"]);
    fails(&["--board", "sim", "run", "home"], 2, &["behind its name"]);
}

/// A generator of numbers for what follows; the seed is part of the test.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

#[test]
fn no_words_and_no_bytes_lead_to_an_illegal_call() {
    const WORDS: &[&str] = &[
        "turn",
        "on",
        "off",
        "the",
        "kitchen",
        "light",
        "all",
        "everything",
        "except",
        "garage",
        "door",
        "fan",
        "thermostat",
        "to",
        "21",
        "500",
        "percent",
        "blink",
        "times",
        "wait",
        "seconds",
        "open",
        "close",
        "stop",
        "blinds",
        "dim",
        "<|d1|>",
        "<|on|>",
        "<|end|>",
        "\u{202e}",
        "notes",
        "add",
        "search",
        "sysinfo",
        "-3",
        "half",
        "9999999999999999999999",
        "and",
        "then",
        ",",
        "lamp",
        "reading",
        "read",
        "bedroom",
        "night",
        "mode",
        "ß",
        "İ",
    ];
    let mut numbers = Numbers(7);
    let mut input = Vec::new();
    for i in 0..300 {
        if i % 3 == 0 {
            input.extend(
                (0..numbers.below(60)).map(|_| numbers.below(256) as u8).filter(|byte| *byte != b'\n'),
            );
        } else {
            for _ in 0..numbers.below(14) {
                input.extend(WORDS[numbers.below(WORDS.len())].bytes());
                input.push(b' ');
            }
        }
        input.push(b'\n');
    }
    let state = tempfile::tempdir().unwrap();
    let mut command = pintail(state.path());
    command.args(["run", "agents/home.toml", "-p", "-", "--json", "--dry-run"]);
    let output = fed(command, &input);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}: {}", output.status, text(&output.stderr));
    assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
    let agent = pintail::agent::Agent::parse(pintail::agent::DEFAULT, None).unwrap();
    let devices: BTreeSet<&str> = agent.devices.iter().map(|device| device.name.as_str()).collect();
    let mut turns = 0;
    for report in reports(&output) {
        if report.get("error").is_some() {
            continue;
        }
        turns += 1;
        let calls = report["calls"].as_array().unwrap();
        let asked = report["ask"].as_array().into_iter().flatten();
        let asked = asked.flat_map(|choice| choice["calls"].as_array().unwrap());
        for call in calls.iter().chain(asked) {
            // In a dry run the safety kernel checks every call; what the grammar let through it may not refuse.
            assert!(call.get("error").is_none_or(Value::is_null), "an illegal call: {report}");
            for device in call["arguments"]["devices"].as_array().into_iter().flatten() {
                assert!(devices.contains(device.as_str().unwrap()), "{report}");
            }
        }
    }
    assert!(turns > 100, "only {turns} turns were read");
}

#[test]
fn sigterm_ends_a_waiting_agent_and_says_nothing_of_a_panic() {
    let state = tempfile::tempdir().unwrap();
    let mut command = pintail(state.path());
    command.args(["run", "agents/home.toml", "-p", "-", "--json"]);
    let mut child: Child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"turn on the hall light\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("\"calls\""), "{line}");
    let status = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(128 + 15), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("panicked"));
    drop(stdin);
}
