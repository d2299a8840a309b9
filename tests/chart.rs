//! Agents as statecharts, driven as a user would: `simulate`, `graph`, `schema`, `new`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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
