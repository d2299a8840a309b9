//! `pintail grammar` as a user drives it, the grammars that come with it, and what a random model writes under
//! schemas.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use pintail::decode::{Ending, Guide, Sampler, Sampling, Settings, feed_prompt, run as decode};
use pintail::gguf::{Bytes, Gguf};
use pintail::grammar::cases::Case;
use pintail::grammar::{Matcher, TokenTrie, schema};
use pintail::model::{LanguageModel, Model, Options, Session};
use pintail::tokenizer::{Specials, Tokenizer};
use serde_json::{Value, json};

const MODEL: &str = "tests/golden/stand_in-q8_0.gguf";
const CASES: &str = "tests/data/grammar/cases.jsonl";

fn grammar(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pintail"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("XDG_DATA_HOME", "/nonexistent")
        .arg("grammar")
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

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn out(args: &[&str], input: &[u8], code: i32) -> String {
    let output = grammar(args, input);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{args:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout).to_owned()
}

#[track_caller]
fn fails(args: &[&str], code: i32, part: &str) {
    let output = grammar(args, b"");
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{complaint}");
    assert!(complaint.contains(part) && output.stdout.is_empty(), "{complaint}");
}

fn written(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn switch() -> Value {
    json!({"type": "object", "properties": {"tool": {"enum": ["on", "off"]}, "line": {"type": "integer", "minimum": 2,
        "maximum": 27}}, "required": ["tool", "line"], "additionalProperties": false})
}

#[test]
fn check_prints_size_and_warnings() {
    let folder = tempfile::tempdir().unwrap();
    let stdout = out(&["check", "grammars/json.gbnf"], b"", 0);
    assert!(
        stdout.starts_with("grammars/json.gbnf: GBNF, compiled in ") && stdout.contains(" states, "),
        "{stdout}"
    );
    let spare = written(folder.path(), "a", "root ::= \"x\"\nspare ::= root");
    let output = grammar(&["check", "--grammar", &spare, "--json"], b"");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["language"], &report["shortest_text"]), (&json!("GBNF"), &json!(1)));
    assert_eq!(report["warnings"], json!(["rule `spare` is not used by `root`"]));
    assert!(report["compile_us"].as_f64().unwrap() > 0.0 && report["bytes"].as_u64().unwrap() > 0);
    let path = written(folder.path(), "s.json", switch().to_string());
    assert!(out(&["check", &path], b"", 0).contains(": JSON Schema, compiled in "));
    assert!(out(&["check", "yes_no"], b"", 0).starts_with("(inside pintail) yes_no.gbnf: GBNF"));
}

#[test]
fn what_cannot_be_compiled_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    fails(
        &["check", &written(folder.path(), "a.gbnf", "root ::= nmber\nnumber ::= [0-9]")],
        1,
        "line 1, column 10",
    );
    fails(
        &["check", &written(folder.path(), "b.json", "{\"properties\": {\"a\": {\"$dynamicRef\": \"#x\"}}}")],
        1,
        "#/properties/a",
    );
    fails(&["check", &written(folder.path(), "c.json", "{")], 1, "not JSON");
    fails(&["check", &written(folder.path(), "d.gbnf", b"root ::= \"\xFF\"")], 1, "not UTF-8 at byte 10");
    fails(&["check", &written(folder.path(), "e.txt", "root ::= \"\"")], 1, "say --grammar or --schema");
    fails(&["check", "nowhere.gbnf"], 1, "no such file");
    fails(&["check", "nothing"], 1, "there are: date, gpio_call");
    fails(&["check"], 2, "required");
    fails(&["check", "--schema", "a", "--grammar", "b"], 2, "cannot be used with");
    fails(&["test", "yes_no"], 2, "--input");
    // Token texts need a vocabulary.
    let token = written(folder.path(), "t.gbnf", "root ::= <|0|>");
    fails(&["check", &token], 1, "not exactly one token");
    out(&["check", &token, "--model", MODEL], b"", 0);
}

#[test]
fn test_says_where_a_text_stops_fitting() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "s.json", switch().to_string());
    for fits in ["{\"tool\":\"on\",\"line\":17}", "{\"tool\":\"off\",\"line\":2}\n"] {
        assert_eq!(out(&["test", "--schema", &path, "--input", "-"], fits.as_bytes(), 0), "accepted\n");
    }
    let stdout = out(&["test", "--schema", &path, "--input", "-"], b"{\"tool\":\"on\",\"line\":\"x\"}", 1);
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines[0], "refused at byte 20 (line 1, column 21): found `\"`");
    assert_eq!(lines[1], "in the value /line");
    assert_eq!(lines[2], "expected `1`-`9`");
    assert_eq!(lines[3], "  {\"tool\":\"on\",\"line\":\"x\"}");
    assert_eq!(lines[4].find('^'), Some(22));
    let stdout = out(&["test", "--schema", &path, "--input", "-"], b"{\"tool\": \"on\"}", 1);
    assert!(stdout.contains("compact JSON"), "{stdout}");

    let input = written(folder.path(), "t", "yes\nno");
    let stdout = out(&["test", "--grammar", "yes_no", "--input", &input, "--json"], b"", 1);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    let wanted = json!({"accepted": false, "byte": 3, "line": 1, "column": 4, "found": "a new line",
        "expected": ["the end of the text"], "pointer": null});
    assert_eq!(report, wanted);
    let stdout = out(&["test", "--grammar", "yes_no", "--input", "-"], b"ye", 1);
    assert!(stdout.contains("found the end of the text") && stdout.contains("expected `s`"), "{stdout}");
}

#[test]
fn test_walks_tokens_of_a_vocabulary() {
    let folder = tempfile::tempdir().unwrap();
    let grammar = written(folder.path(), "t.gbnf", "root ::= <|0|> \"ab\" <|1|>");
    let run = |input: &[u8], code| out(&["test", &grammar, "--model", MODEL, "--input", "-"], input, code);
    assert_eq!(run(b"<|0|>ab<|1|>", 0), "accepted\n");
    assert!(run(b"<|0|>ax<|1|>", 1).starts_with("refused at byte "));
    assert!(run(b"ab", 1).contains("expected `<|0|>`"));
}

#[test]
fn samples_fit_and_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "s.json", switch().to_string());
    let args = ["sample", "--schema", &path, "-n", "30", "--seed", "3"];
    let samples = out(&args, b"", 0);
    assert_eq!(samples, out(&args, b"", 0));
    let validator = jsonschema::draft202012::new(&switch()).unwrap();
    assert_eq!(samples.lines().count(), 30);
    for line in samples.lines() {
        assert!(validator.is_valid(&serde_json::from_str(line).unwrap()), "{line}");
    }
    for line in out(&["sample", "list", "-n", "5", "--json", "--max-bytes", "50"], b"", 0).lines() {
        let text: String = serde_json::from_str(line).unwrap();
        assert!(text.starts_with("- ") && text.ends_with('\n') && text.len() <= 50, "{line}");
    }
    fails(&["sample", "--schema", &path, "--max-bytes", "5"], 1, "say --max-bytes 22 or more");
}

#[test]
fn show_prints_gbnf_and_dot() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "s.json", switch().to_string());
    let shown = out(&["show", "--schema", &path], b"", 0);
    let again = written(folder.path(), "s.gbnf", &shown);
    for line in out(&["sample", "--schema", &path, "-n", "20"], b"", 0).lines() {
        assert_eq!(out(&["test", &again, "--input", "-"], line.as_bytes(), 0), "accepted\n");
    }
    assert!(out(&["show", "yes_no"], b"", 0).contains("root ::= \"no\" | \"yes\""));
    assert!(out(&["show", "yes_no", "--dot"], b"", 0).starts_with("digraph grammar {"));
    fails(&["show", &written(folder.path(), "x.gbnf", "root ::= \"x\" root")], 1, "no finite text");
}

#[test]
fn cases_are_counted() {
    let stdout = out(&["cases", CASES, "-m", MODEL, "--json"], b"", 0);
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (totals, lines) = lines.split_last().unwrap();
    assert_eq!(lines.len(), 50);
    for line in lines {
        assert_eq!((&line["status"], &line["all_right"]), (&json!("compiled"), &json!(true)), "{line}");
    }
    for key in ["schemas", "compiled", "all_right"] {
        assert_eq!(totals[key], 50, "{key}");
    }
    for key in ["refused", "invalid_accepted", "failed", "timed_out", "crashed", "split_answers"] {
        assert_eq!(totals[key], 0, "{key}");
    }
    assert_eq!(totals["valid"], totals["valid_accepted"]);
    assert!(totals["invalid"].as_u64().unwrap() > 80);
    for key in ["first_mask_us", "mask_us"] {
        let [avg, p50, p99] = ["avg", "p50", "p99"].map(|name| totals[key][name].as_f64().unwrap());
        assert!(avg > 0.0 && p50 <= p99, "{totals}");
    }
    assert!(totals["peak_rss_kb"].as_u64().unwrap() > 1000);
}

#[test]
fn keys_come_in_the_order_of_the_schema_unless_any_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "s.json", switch().to_string());
    let swapped = b"{\"line\":17,\"tool\":\"on\"}";
    let loose = b"{ \"tool\": \"on\",\n\"line\": 17 }";
    assert!(out(&["test", &path, "--input", "-"], swapped, 1).contains("expected `tool\":\"o`"));
    out(&["test", &path, "--any-order", "--input", "-"], swapped, 0);
    out(&["test", &path, "--input", "-"], loose, 1);
    out(&["test", &path, "--whitespace", "1", "--input", "-"], loose, 0);
    let orders = out(&["sample", &path, "--any-order", "-n", "40"], b"", 0);
    assert!(["{\"tool", "{\"line"].iter().all(|start| orders.lines().any(|line| line.starts_with(start))));
    assert!(out(&["show", &path, "--any-order"], b"", 0).contains("in any order"));
    fails(&["check", "yes_no", "--any-order"], 1, "for JSON Schemas");
    // Recorded values have their keys as they were written.
    let case = format!(
        "{{\"id\":\"a\",\"schema\":{},\"tests\":[{{\"data\":{},\"valid\":true}}]}}",
        switch(),
        text(swapped)
    );
    let cases = written(folder.path(), "c.jsonl", case);
    for (option, order, accepted) in [("--any-order", "any", 1), ("--schema-order", "schema", 0)] {
        let stdout = out(&["cases", &cases, "-m", MODEL, "--json", option], b"", 0);
        let totals: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
        assert_eq!((&totals["order"], &totals["valid_accepted"]), (&json!(order), &json!(accepted)));
    }
}

#[test]
fn a_case_that_goes_wrong_is_counted_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let case = |id: &str, schema: Value| {
        json!({"id": id, "schema": schema, "tests": [{"data": 1, "valid": true}]}).to_string()
    };
    let all = [
        case("fits", json!({"type": "integer"})),
        case("refused", json!({"$ref": "#/nowhere"})),
        case("wrong", json!({"type": "string"})),
    ];
    let path = written(folder.path(), "cases.jsonl", all.join("\n\n"));
    let stdout = out(&["cases", &path, "-m", MODEL], b"", 0);
    assert!(
        stdout.contains("refused: refused: ")
            && stdout.contains("wrong: value 0 is valid and was refused at byte 0"),
        "{stdout}"
    );
    assert!(stdout.contains("schemas   3: 2 compiled"), "{stdout}");
    fails(&["cases", &written(folder.path(), "bad", "{\"id\":\"x\"}"), "-m", MODEL], 1, "line 1: not a case");
    fails(&["cases", &written(folder.path(), "none", "\n"), "-m", MODEL], 1, "there is no case");
    fails(&["cases", &path, "-m", &path], 1, "no case was run");
    let packed = Command::new("gzip").args(["-k", &path]).status();
    if packed.is_ok_and(|status| status.success()) {
        assert_eq!(
            out(&["cases", &format!("{path}.gz"), "-m", MODEL], b"", 0).lines().last().unwrap()[..6],
            *"memory"
        );
    } else {
        eprintln!("SKIPPED: there is no gzip here");
    }
}

#[test]
fn the_grammars_that_come_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &[&str], &[&str]); 8] = [
        (
            "json",
            &["1", "{\"a\": [1, 2.5e3, \"\\ud83d\\ude00\"]}", "null", "\"é\""],
            &["", "{a: 1}", "[1,]", "01", "\"\\ud83d\""],
        ),
        ("json_arr", &["[]", "[1, {\"a\": null}]", "[[]]"], &["{}", "1", "[1", "[,]"]),
        ("list", &["- a\n", "- a\n- b c\n"], &["", "- \n", "a\n", "- a\n\n"]),
        ("yes_no", &["yes", "no"], &["", "Yes", "yesno"]),
        ("number", &["0", "-12.5", "1000000"], &["", "-", "01", "1.", ".5", "1e3"]),
        (
            "date",
            &["2026-11-21", "2024-02-29", "2000-02-29", "1999-12-31", "0000-01-01", "2026-04-30"],
            &[
                "2026-02-29",
                "1900-02-29",
                "2026-04-31",
                "2026-13-01",
                "2026-00-10",
                "2026-1-1",
                "2026-01-32",
                "26-01-01",
            ],
        ),
        ("identifier", &["a", "_x9", "LED_green"], &["", "9a", "a-b", "é", "a b"]),
        (
            "gpio_call",
            &[
                "{\"tool\":\"on\",\"arguments\":{\"line\":17}}",
                "{\"tool\":\"read\",\"arguments\":{\"line\":2}}",
                "{\"tool\":\"set_level\",\"arguments\":{\"line\":18,\"percent\":100}}",
                "{\"tool\":\"blink\",\"arguments\":{\"line\":27,\"times\":5,\"interval\":0.5}}",
            ],
            &[
                "{\"tool\":\"on\",\"arguments\":{\"line\":1}}",
                "{\"tool\":\"on\",\"arguments\":{\"line\":28}}",
                "{\"tool\":\"explode\",\"arguments\":{\"line\":4}}",
                "{\"tool\":\"set_level\",\"arguments\":{\"line\":18,\"percent\":101}}",
                "{\"tool\":\"on\",\"arguments\":{}}",
            ],
        ),
    ];
    let names: Vec<&str> = pintail::grammar::shipped().map(|(name, _)| name).collect();
    assert_eq!(names.len(), cases.len());
    for (name, yes, no) in cases {
        assert!(names.contains(&name), "{name} is not inside the program");
        let file = format!("{}/grammars/{name}.gbnf", env!("CARGO_MANIFEST_DIR"));
        let compiled = pintail::grammar::gbnf::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
        let run = Matcher::new(Arc::new(compiled), Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false)))
            .unwrap();
        for text in yes {
            assert!(run.matches(text.as_bytes()), "{name} should take {text:?}");
        }
        for text in no {
            assert!(!run.matches(text.as_bytes()), "{name} should refuse {text:?}");
        }
        // Once through the program, by name.
        let input = written(folder.path(), name, yes[0]);
        out(&["test", "--grammar", name, "--input", &input], b"", 0);
    }
}

/// Every day of ten years and every wrong day beside them.
#[test]
fn dates_are_those_of_the_calendar() {
    let (_, text) = pintail::grammar::shipped().find(|(name, _)| *name == "date").unwrap();
    let compiled = Arc::new(pintail::grammar::gbnf::parse(text).unwrap());
    let mut run = Matcher::new(compiled, Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false))).unwrap();
    for year in [1896, 1900, 1996, 2000, 2004, 2023, 2024, 2100, 2400, 9999] {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for month in 0..14 {
            let days = match month {
                1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
                4 | 6 | 9 | 11 => 30,
                2 => 28 + i32::from(leap),
                _ => 0,
            };
            for day in 0..33 {
                let text = format!("{year:04}-{month:02}-{day:02}");
                run.reset().unwrap();
                let fits = run.accept_bytes(text.as_bytes()).is_ok() && run.is_complete();
                assert_eq!(fits, (1..=days).contains(&day), "{text}");
            }
        }
    }
}

/// A random-weight model writes under 50 schemas at temperature 1, every tenth time with a token limit that cuts it
/// short; all of it is valid JSON of its schema. `PINTAIL_SAMPLES` says how many (400 without; 10,000 is the figure
/// to report).
#[test]
fn samples_of_a_random_model_are_valid() {
    let wanted = std::env::var("PINTAIL_SAMPLES").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let file = Gguf::parse(Bytes::map(root.join(MODEL)).unwrap()).unwrap();
    let model = Arc::new(Model::from_gguf(file).unwrap());
    let tokenizer = Tokenizer::from_gguf(model.file()).unwrap();
    let trie = Arc::new(TokenTrie::of(&tokenizer));
    let mut session = Session::new(Arc::clone(&model), Options { threads: 1, ..Options::default() }).unwrap();
    let stop: Vec<u32> = (0..tokenizer.vocab_size() as u32).filter(|&id| tokenizer.is_end(id)).collect();
    let mut spell = |bytes: &[u8], out: &mut Vec<u32>| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            tokenizer.encode(text, Specials::Text, out);
        }
    };
    let cases: Vec<Case> = std::fs::read_to_string(root.join(CASES))
        .unwrap()
        .lines()
        .map(|line| Case::parse(line).unwrap())
        .collect();
    assert_eq!(cases.len(), 50);
    let (mut short, mut cut, mut tokens) = (0, 0, 0);
    for (i, case) in cases.iter().enumerate() {
        let schema: Value = serde_json::from_str(&case.schema).unwrap();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let compiled = schema::compile(&schema, schema::Options::default()).unwrap();
        let mut matcher = Matcher::new(Arc::new(compiled.grammar), trie.clone()).unwrap();
        for n in (i..wanted).step_by(cases.len()) {
            matcher.reset().unwrap();
            let is_short = (n / cases.len()) % 10 == 9 || (wanted < 500 && n % 10 == 9);
            // What always suffices, and a little more.
            let least = matcher.needed();
            let limit = if is_short { least + n % 5 } else { least + 120 };
            let mut prompt = Vec::new();
            tokenizer.encode(&format!("{n} {}", case.id), Specials::Text, &mut prompt);
            session.truncate(0);
            feed_prompt(&mut session, &mut Vec::new(), &prompt).unwrap();
            let done = decode(
                &mut session,
                Some(Guide { matcher: &mut matcher, tokenize: &mut spell }),
                &mut Sampler::new(Sampling { temperature: 1.0, seed: n as u64, ..Sampling::default() }),
                Settings { max_tokens: limit, stop: &stop },
                &AtomicBool::new(false),
                &mut |_| {},
            )
            .unwrap_or_else(|error| panic!("{}, sample {n}: {error}", case.id));
            assert!(done.tokens.len() <= limit);
            let bytes: Vec<u8> = done.tokens.iter().flat_map(|&id| trie.bytes(id).to_vec()).collect();
            let text = String::from_utf8(bytes).unwrap();
            let value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {text}: {error}", case.id));
            assert!(validator.is_valid(&value), "{}, sample {n}: {text}", case.id);
            short += usize::from(is_short);
            cut += usize::from(done.ending == Ending::Limit);
            tokens += done.tokens.len();
        }
    }
    println!(
        "{wanted} samples of {tokens} tokens, all valid; {short} with a short limit, {cut} ended by their limit"
    );
    assert!(short * 11 >= wanted && cut > 0, "{short} were to be cut short, {cut} were");
}
