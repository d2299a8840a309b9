//! `pintail check`, driven as a user would.

use std::path::Path;
use std::process::{Command, Output};

fn check(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pintail"))
        .arg("check")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn written(folder: &Path, name: &str, source: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, source).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_sound_agent_is_summed_up() {
    for agent in ["agents/home.toml", "home"] {
        let output = check(&[agent]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(output.stderr.is_empty());
        assert!(text(&output.stdout).starts_with("agents/home.toml: sound\n"));
        assert!(text(&output.stdout).contains("state    night"));
    }
}

#[test]
fn a_misspelt_key_has_its_place_and_a_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    let source =
        "format = 1\n[agent]\nname = 'x'\n[devices.lamp]\nkind = 'lamp'\naeria = 'hall'\n[states.main]\n";
    let file = written(folder.path(), "a.toml", source.as_bytes());
    let output = check(&[&file]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(complaint.contains(&format!("{file}:6:1: error: unknown key `aeria`")), "{complaint}");
    assert!(complaint.contains("6 | aeria = 'hall'\n  | ^^^^^\n  = did you mean `area`?"), "{complaint}");
    assert_eq!(text(&output.stdout), format!("{file}: not sound (1 error)\n"));
}

#[test]
fn json_names_every_finding() {
    let folder = tempfile::tempdir().unwrap();
    let source = "format = 1\n[agent]\nname = 'x'\n[devices.a]\nkind = 'gizmo'\n[states.main]\ntools = ['onn', 'fly']\n";
    let file = written(folder.path(), "a.toml", source.as_bytes());
    let output = check(&[&file, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["sound"], false);
    let findings = report["findings"].as_array().unwrap();
    let severities: Vec<&str> =
        findings.iter().map(|finding| finding["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, ["note", "error", "error"]);
    assert_eq!((&findings[1]["line"], &findings[1]["column"]), (&7.into(), &10.into()));
}

#[test]
fn bad_files_are_errors_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &[u8], &str); 4] = [
        ("empty.toml", b"", "is empty"),
        ("binary.toml", &[0x7f, b'E', b'L', b'F', 0, 0xff], "not UTF-8"),
        ("zeros.toml", &[0; 64], "error"),
        ("big.toml", &[b'#'; (1 << 20) + 1], "at most"),
    ];
    for (name, bytes, words) in cases {
        let output = check(&[&written(folder.path(), name, bytes)]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(text(&output.stderr).contains(words), "{name}: {}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("panicked"));
    }
    let missing = check(&["agents/hoem.toml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("did you mean `agents/home.toml`?"), "{}", text(&missing.stderr));
    assert_eq!(check(&[]).status.code(), Some(2));
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let source = "format = 1\n[agent]\nname = 'x'\nstart = \"\\u001b]0;pwned\\u0007\"\n[states.main]\n";
    let output = check(&[&written(folder.path(), "a.toml", source.as_bytes())]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stderr.contains(&0x1b));
}

#[test]
fn a_tool_that_the_bundled_model_cannot_fill_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let source = "format = 1\n[agent]\nname = 'x'\nstart = 'main'\n[states.main]\ntools = ['sort']\n[tools.sort]\n\
                  parameters = { type = 'object', properties = { colours = { type = 'array', items = { type = 'string' } } } }\n";
    let file = written(folder.path(), "x.toml", source.as_bytes());
    let output = check(&[&file]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("tool `sort`: the bundled model cannot fill the parameter `colours`")
    );
    let output = check(&["--json", &file]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["unfillable"], serde_json::json!([["sort", "colours"]]));
}
