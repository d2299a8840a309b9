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
        "unsafe_device",
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

/// The totals of a run with these arguments, and how many lines stood before them.
fn totals(arguments: &[&str]) -> (Value, usize) {
    let output = eval(&[arguments, &["--json", "-t", "1"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    (serde_json::from_str(lines.last().unwrap()).unwrap(), lines.len() - 1)
}

#[test]
fn drawn_requests_are_scored_without_an_agent() {
    let (held, lines) = totals(&["--drawn", "50", "--seed", "7"]);
    assert_eq!((lines, &held["cases"]), (50, &50.into()));
    assert_eq!((&held["words"], &held["seed"]), (&"held".into(), &7.into()));
    let scenes = held["scenes"].as_u64().unwrap();
    assert!((2..20).contains(&scenes), "{scenes}");
    // Of 10,000 it reads 78 %.
    assert!(held["exact"].as_f64().unwrap() > 0.6, "{held}");
    let [low, high] = [0, 1].map(|at| held["unsafe_interval"][at].as_f64().unwrap());
    assert!(low <= held["unsafe"].as_f64().unwrap() && held["unsafe"].as_f64().unwrap() <= high);
    assert!(held["links"]["devices"]["requests"].as_u64().unwrap() > 5, "{held}");
    assert!(held["links"]["devices"]["share"].as_f64() >= held["links"]["alone"]["share"].as_f64());
    let (again, _) = totals(&["--drawn", "50", "--seed", "7"]);
    assert_eq!((&again["exact"], &again["links"]), (&held["exact"], &held["links"]), "a seed draws the same");
    let (training, _) = totals(&["--drawn", "50", "--seed", "7", "--words", "training"]);
    assert_eq!(training["words"], "training");
    assert_ne!(training["links"], held["links"]);
    let bad = eval(&["--drawn", "5", AGENT]);
    assert_ne!(bad.status.code(), Some(0), "an agent has recorded requests");
}

#[test]
fn links_can_be_taken_from_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), OPPOSITES);
    let (with, _) = totals(&[AGENT, &file]);
    let (without, _) = totals(&[AGENT, &file, "--ablate", "links"]);
    assert_eq!((&with["ablated"], &without["ablated"]), (&Value::Null, &"links".into()));
    // What the matcher finds is told of either.
    assert_eq!(with["links"], without["links"]);
    assert_eq!(with["links"]["alone"]["share"], 1.0);
}

/// The agents of a folder, with the cases beside them.
fn recorded(folder: &str) -> Vec<(pintail::agent::Agent, Vec<pintail::eval::Case>)> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let files = entries.flatten().map(|entry| entry.path());
    let agents = files.filter(|file| file.extension().is_some_and(|extension| extension == "toml"));
    let read = |file: std::path::PathBuf| {
        let agent = pintail::agent::load(file.to_str().unwrap()).unwrap_or_else(|error| panic!("{error:#}"));
        let cases = pintail::eval::read_cases(&file.with_extension("jsonl")).unwrap();
        pintail::eval::check_cases(&agent, &cases).unwrap();
        (agent, cases)
    };
    agents.map(read).collect()
}

/// The sets of recorded requests in English.
const SETS: [&str; 7] = ["eval", "report", "third", "fourth", "fifth", "blind", "second-blind"];

#[test]
fn written_requests_are_none_of_the_sets_and_can_be_learnt_from() {
    let plain = |text: &str| {
        let kept: String = text
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || c.is_whitespace() || *c == '_')
            .collect();
        kept.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let sets = SETS.map(|set| recorded(&format!("tests/data/{set}")));
    let said: std::collections::HashSet<String> =
        sets.iter().flatten().flat_map(|(_, cases)| cases.iter().map(|case| plain(&case.text))).collect();
    assert!(said.len() > 4000);
    let (mut all, mut answered) = (0, 0);
    for (agent, cases) in recorded("training/written") {
        let scene = pintail::turn::scene(&agent, agent.start, &|_| true).unwrap();
        for case in &cases {
            assert!(!said.contains(&plain(&case.text)), "{}: {:?} stands in a set", case.origin, case.text);
            let turn = pintail::prompt::Turn::new(&scene, &case.text);
            assert!(
                turn.links.windows(2).all(|pair| pair[0].end <= pair[1].start),
                "{}: {:?}",
                case.origin,
                turn.links
            );
            all += 1;
            answered += usize::from(pintail::eval::steps(&agent, &turn, &case.calls).is_some());
        }
    }
    assert!(all > 40_000 && answered * 100 > all * 97, "{answered} of {all}");
}

#[test]
fn english_requests_are_not_taken_for_others() {
    let mut changed = Vec::new();
    for set in SETS.map(|set| format!("tests/data/{set}")) {
        for (agent, cases) in recorded(&set) {
            for case in cases {
                let state = pintail::eval::state_of(&agent, &case).unwrap();
                let scene = pintail::turn::scene(&agent, state, &|_| true).unwrap();
                // "musik" with a slip beside it is German as well as misspelt, and the same in both.
                let same = |read: &str| case.text.replace("musik", "music") == read;
                if let std::borrow::Cow::Owned(read) = pintail::link::in_english(&case.text, scene.index())
                    && !same(&read)
                {
                    changed.push(format!("{set}: {} -> {read}", case.text));
                }
            }
        }
    }
    assert!(changed.is_empty(), "{changed:#?}");
}
