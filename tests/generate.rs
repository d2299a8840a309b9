//! `pintail generate` as a user drives it, on a stand-in model of random weights.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn generate(args: &[&str], input: &[u8]) -> Output {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_pintail"))
        .current_dir(&root)
        .args(["generate", "-m", "tests/golden/stand_in-q8_0.gguf", "-t", "1"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes it early.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[track_caller]
fn fails(args: &[&str], code: i32, part: &str) {
    let output = generate(args, b"");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{complaint}");
    assert!(complaint.contains(part) && output.stdout.is_empty(), "{complaint}");
}

#[test]
fn text_under_a_schema_fits_it_at_any_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    let schema = serde_json::json!({"type": "object", "properties": {
        "tool": {"enum": ["on", "off"]}, "words": {"type": "array", "items": {"type": "string"}}},
        "required": ["tool", "words"], "additionalProperties": false});
    std::fs::write(&path, schema.to_string()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for (i, n) in ["26", "30", "60", "100"].iter().enumerate() {
        let seed = i.to_string();
        let args = ["-p", "-", "-n", n, "--temp", "1", "--seed", &seed, "--schema", path.to_str().unwrap()];
        let output = generate(&args, "turn on the lamp".as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(validator.is_valid(&value), "{value}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("forced"));
    }
}

#[test]
fn a_seed_repeats_and_a_shipped_grammar_holds() {
    let args = ["-p", "x", "-n", "40", "--temp", "1", "--seed", "5"];
    assert_eq!(generate(&args, b"").stdout, generate(&args, b"").stdout);
    let answer = generate(&["-p", "x", "--grammar", "grammars/yes_no.gbnf"], b"").stdout;
    assert!(answer == b"yes\n" || answer == b"no\n", "{answer:?}");
}

#[test]
fn errors_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    fails(
        &["-p", "x", "--grammar", &write("a", b"root ::= nmber\nnumber ::= [0-9]")],
        1,
        "line 1, column 10",
    );
    fails(&["-p", "x", "--grammar", &write("b", b"\xFF\xFE")], 1, "UTF-8");
    fails(&["-p", "x", "--schema", &write("c", b"{\"not\": {}}")], 1, "no finite text fits");
    fails(&["-p", "x", "--schema", &write("d", b"{")], 1, "not JSON");
    fails(
        &["-p", "x", "-n", "2", "--schema", &write("e", b"{\"const\": \"a long text\"}")],
        1,
        "within 2 more",
    );
    fails(&["-p", "x", "--grammar", "g", "--schema", "s"], 2, "cannot be used with");
    fails(&["-p", "x", "--grammar", "nowhere.gbnf"], 1, "nowhere.gbnf");
    fails(&["-p", &"word ".repeat(5000)], 1, "the prompt has");
}
