//! Traces: what was recorded is gone through again without the model, and what goes another way is found on its line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const AGENTS: [&str; 6] = ["alarm", "bench", "greenhouse", "home", "interview", "traffic-light"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn pintail(arguments: &[&str], folder: &Path, input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pintail"))
        .arg("--state-dir")
        .arg(folder)
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_turn_is_recorded_and_replayed_with_the_choices_of_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("t.jsonl");
    let file = trace.to_str().unwrap();
    let input = "turn on the kitchen light\nturn on the lamp\nset the thermostat to 21\nhow warm is it\n\
                 what is the capital of France\nturn on night mode\nturn on the kitchen light\n";
    let run = pintail(&["run", "home", "-p", "-", "--json", "--trace", file], folder.path(), input);
    let reports: Vec<Value> =
        text(&run.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(reports.len(), 7, "{}", text(&run.stderr));

    let recorded = lines(&trace);
    assert_eq!((&recorded[0]["trace"], &recorded[0]["agent"]), (&1.into(), &"home".into()));
    let turns: Vec<&Value> =
        recorded.iter().filter(|line| line.pointer("/given/request").is_some()).collect();
    assert_eq!(turns.len(), 7);
    for (turn, report) in turns.iter().zip(&reports) {
        let out = turn.pointer("/out/report").unwrap();
        for key in ["calls", "ask", "reply", "state", "next_state", "confidence", "tokens"] {
            assert_eq!(out[key], report[key], "{key}");
        }
        let read = turn["seen"].as_array().unwrap().iter().find_map(|seen| seen.get("read")).unwrap();
        let chosen = read.pointer("/reading/Ok").unwrap();
        assert!(chosen["prompt"].as_str().unwrap().contains("<|req|>"), "{chosen}");
        assert!(chosen["answer"].is_string() && chosen["confidence"].is_f64());
    }

    let again = pintail(&["replay", file], folder.path(), "");
    let told = text(&again.stdout);
    assert!(again.status.success() && told.contains("no difference"), "{told}{}", text(&again.stderr));
    assert!(told.contains("> say turn on the kitchen light [home]"), "{told}");
    let asked = pintail(&["replay", file, "-q", "--model", "bundled"], folder.path(), "");
    assert!(asked.status.success(), "{}{}", text(&asked.stdout), text(&asked.stderr));

    // A choice of the model's that was another one leads elsewhere, and the line is named.
    let whole = std::fs::read_to_string(&trace).unwrap();
    let at =
        whole.lines().position(|line| line.contains("\"request\":\"set the thermostat to 21\"")).unwrap();
    let other = |from: &str, to: &str| {
        let changed: Vec<String> = whole
            .lines()
            .enumerate()
            .map(|(number, line)| if number == at { line.replacen(from, to, 1) } else { line.to_owned() })
            .collect();
        assert_ne!(changed[at], whole.lines().nth(at).unwrap());
        let path = folder.path().join("other.jsonl");
        std::fs::write(&path, changed.join("\n") + "\n").unwrap();
        let output = pintail(&["replay", "-q", path.to_str().unwrap()], folder.path(), "");
        assert_eq!(output.status.code(), Some(1));
        let complaint = text(&output.stderr);
        assert!(complaint.contains(&format!("line {}: ", at + 1)), "{complaint}");
        complaint
    };
    let complaint = other("\"value\":21", "\"value\":22");
    assert!(complaint.contains("set_value thermostat"), "{complaint}");
    let complaint = other("\"state\":\"home\",\"machine\":\"", "\"state\":\"home\",\"machine\":\"0");
    assert!(complaint.contains("variables, history or timers"), "{complaint}");
    let complaint = other("\"confidence\":0.", "\"confidence\":0.0000");
    assert!(complaint.contains("did not ask"), "{complaint}");
}

#[test]
fn shipped_agents_are_replayed_from_their_scenarios() {
    let folder = tempfile::tempdir().unwrap();
    for name in AGENTS {
        let trace = folder.path().join(format!("{name}.jsonl"));
        let file = trace.to_str().unwrap();
        let scenario = format!("tests/data/scenarios/{name}.txt");
        let made = pintail(
            &["simulate", &format!("agents/{name}.toml"), &scenario, "-q", "--trace", file],
            folder.path(),
            "",
        );
        assert!(made.status.success(), "{name}: {}", text(&made.stderr));
        let again = pintail(&["replay", "-q", file], folder.path(), "");
        let told = text(&again.stdout);
        assert!(
            again.status.success() && told.contains("no difference"),
            "{name}: {told}{}",
            text(&again.stderr)
        );
        assert!(told.contains(&format!(" {} lines", lines(&trace).len() - 1)), "{name}: {told}");
    }
}

#[test]
fn an_edited_agent_goes_another_way_at_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let (agent, trace, scenario) =
        (folder.path().join("a.toml"), folder.path().join("t.jsonl"), folder.path().join("s.txt"));
    let source = "format = 1\n[agent]\nname = 'a'\nstart = 'day'\n[devices.bell]\nkind = 'button'\n[devices.lamp]\nkind = 'lamp'\n\
        [states.day]\non = [{ edge = 'bell', to = 'night' }]\n\
        [states.night]\non = [{ after = '5s', say = 'Good night.', do = [{ tool = 'on', arguments = { devices = ['lamp'] } }], to = 'day' }]\n";
    std::fs::write(&agent, source).unwrap();
    std::fs::write(&scenario, "0:00 press bell\n0:01 press bell\n0:02 end\n").unwrap();
    let paths: Vec<&str> = [&agent, &scenario, &trace].iter().map(|path| path.to_str().unwrap()).collect();
    let made = pintail(&["simulate", paths[0], paths[1], "-q", "--trace", paths[2]], folder.path(), "");
    assert!(made.status.success(), "{}", text(&made.stderr));
    let timer = 1 + lines(&trace).iter().position(|line| line["given"] == "tick").unwrap();
    for (from, to, words) in [
        ("Good night.", "Sleep well.", "Sleep well."),
        ("'5s'", "'6s'", "the call on lamp"),
        ("tool = 'on'", "tool = 'off'", "off lamp"),
    ] {
        std::fs::write(&agent, source.replace(from, to)).unwrap();
        let output = pintail(&["replay", "-q", paths[2]], folder.path(), "");
        let complaint = text(&output.stderr);
        assert!(!output.status.success() && complaint.contains(words), "{complaint}");
        assert!(complaint.contains(&format!("line {timer}: ")), "{timer}: {complaint}");
        assert!(complaint.contains("another state of the agent's file"), "{complaint}");
    }
    std::fs::write(&agent, source).unwrap();

    // A power cut leaves half a line; what is no trace is said with its line.
    let whole = std::fs::read_to_string(&trace).unwrap();
    let last = whole.trim_end().rfind('\n').unwrap();
    for cut in [last + 2, (last + whole.len()) / 2, whole.len() - 1] {
        std::fs::write(&trace, &whole[..cut]).unwrap();
        let output = pintail(&["replay", "-q", paths[2]], folder.path(), "");
        assert!(output.status.success(), "cut at {cut}: {}", text(&output.stderr));
    }
    for (bad, words) in [
        (String::new(), "is empty"),
        ("hello\n".into(), "line 1: this is no trace"),
        ("{\"a\":1}\n".into(), "no key `trace`"),
        (whole.replacen("\"trace\":1", "\"trace\":9", 1), "format 9"),
        (whole.replacen("\"given\"", "\"gven\"", 1), "line 2: "),
        (
            whole.replacen("{\"edge\":{\"device\":\"bell\"", "{\"edge\":{\"device\":\"bel\"", 1),
            "no device `bel`",
        ),
    ] {
        std::fs::write(&trace, bad).unwrap();
        let output = pintail(&["replay", "-q", paths[2]], folder.path(), "");
        let complaint = text(&output.stderr);
        assert!(output.status.code() == Some(1) && complaint.contains(words), "{words}: {complaint}");
    }
}

#[test]
fn what_was_put_away_and_a_kill_in_between_are_replayed_too() {
    let folder = tempfile::tempdir().unwrap();
    let agent = folder.path().join("a.toml");
    let source = "format = 1\n[agent]\nname = 'a'\nresume = 'restore'\n[variables]\nn = 0.1\n[devices.lamp]\nkind = 'lamp'\n\
        [states.day]\non = [{ call = 'on', do = [{ set = { n = 'n * 1.7' } }] }]\n";
    std::fs::write(&agent, source).unwrap();
    let file = agent.to_str().unwrap();
    for round in 0..3 {
        let trace = folder.path().join(format!("{round}.jsonl"));
        let path = trace.to_str().unwrap();
        let input = "turn on the lamp\nturn off the lamp\nturn on the lamp\n";
        let run = pintail(&["run", file, "-p", "-", "--json", "--trace", path], folder.path(), input);
        assert!(run.status.success(), "{}", text(&run.stderr));
        assert_eq!(text(&std::fs::read(&trace).unwrap()).contains("goes_on"), round > 0);
        let again = pintail(&["replay", "-q", path], folder.path(), "");
        assert!(again.status.success(), "{}{}", text(&again.stdout), text(&again.stderr));
    }
}
