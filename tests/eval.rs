//! `pintail eval`, driven as a user would.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn eval(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pintail"))
        .arg("eval")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn written(folder: &Path, source: &str) -> String {
    let path = folder.join("cases.jsonl");
    std::fs::write(&path, source).unwrap();
    path.to_str().unwrap().to_owned()
}

/// One case that any model gets wrong, because it expects the opposite of the other.
const OPPOSITES: &str = r#"{"text": "turn on the kitchen light", "calls": [{"tool": "on", "arguments": {"devices": ["kitchen light"]}}], "category": "switch"}

{"text": "turn on the kitchen light", "calls": [{"tool": "off", "arguments": {"devices": ["kitchen light"]}}], "category": "wrong"}
"#;
const AGENT: &str = "tests/data/eval/home.toml";

#[test]
fn json_has_a_line_a_case_and_the_totals_last() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), OPPOSITES);
    let output = eval(&[AGENT, &file, "--json", "-t", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["line"], &lines[1]["line"]), (&1.into(), &3.into()));
    assert_eq!(lines[0]["calls"], lines[1]["calls"], "the same request was understood in two ways");
    assert_eq!(lines[0]["state"], "home");
    assert!(lines[0]["confidence"].is_number() && lines[0]["ms"].is_number());
    assert_ne!((&lines[0]["exact"], &lines[1]["exact"]), (&true.into(), &true.into()));
    assert_eq!(lines[2]["cases"], 2);
    assert_eq!(lines[2]["by_category"]["switch"]["cases"], 1);
    let [low, high] = [0, 1].map(|at| lines[2]["exact_interval"][at].as_f64().unwrap());
    assert!(low <= lines[2]["exact"].as_f64().unwrap() && lines[2]["exact"].as_f64().unwrap() <= high);
    assert!(lines[2]["ms"]["p50"].as_f64().unwrap() <= lines[2]["ms"]["p95"].as_f64().unwrap());
    for share in [
        "exact",
        "tool",
        "arguments",
        "asked",
        "unsafe",
        "refusal_precision",
        "refusal_recall",
        "accuracy_at_90",
        "risk_area",
    ] {
        assert!((0.0..=1.0).contains(&lines[2][share].as_f64().unwrap()), "{share}");
    }
}

#[test]
fn wrong_cases_can_be_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), OPPOSITES);
    let output = eval(&[AGENT, &file, "--wrong", "-t", "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let wrong = shown.matches("cases.jsonl:").count();
    assert!(wrong >= 1, "{shown}");
    assert_eq!(shown.matches("\n  expected  ").count(), wrong);
    assert_eq!(shown.matches("\n  found     ").count(), wrong);
    let output = eval(&[AGENT, &file, "--category", "wrong", "-t", "1"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("wrong ") && !shown.contains("switch"), "{shown}");
}

#[test]
fn cases_that_do_not_fit_are_errors_before_the_model_runs() {
    let folder = tempfile::tempdir().unwrap();
    let complaint = |source: &str, more: &[&str]| {
        let file = written(folder.path(), source);
        let output = eval(&[&[AGENT, &file], more].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        // Warnings about the agent may stand before.
        text(&output.stderr).lines().last().unwrap().replace(&file, "FILE")
    };
    assert_eq!(
        complaint(&OPPOSITES.replace(r#""off""#, r#""of""#), &[]),
        "error: FILE:3: /calls/0: there is no tool `of`; did you mean `off`?"
    );
    assert!(complaint("{", &[]).starts_with("error: FILE:1:1: not a case: "));
    assert!(complaint("\n", &[]).contains("there is no case in FILE"));
    assert_eq!(
        complaint(OPPOSITES, &["--category", "swich"]),
        "error: no case is of the category `swich`; there are: switch, wrong"
    );
    assert_eq!(eval(&[AGENT]).status.code(), Some(2));
}
