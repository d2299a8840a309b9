//! What is trained is what is run: renderings, and the ids that they become, are pinned.
//!
//! `training/golden.py` made the file. A change of the rendering, the linker or the generator's draws changes it;
//! then the bundled model has to be trained again, or the change has to be shown to be harmless to it.

use pintail::corpus::Generator;
use pintail::gguf::Gguf;
use pintail::model::bundled;
use pintail::prompt::pintail::{Piece, VERSION, text};
use pintail::tokenizer::{Specials, Tokenizer};
use serde_json::Value;

#[test]
fn renderings_and_their_ids_are_those_of_the_trainer() {
    let file = Gguf::parse(bundled()).unwrap();
    assert_eq!(file.required::<u32>("pintail.rendering").unwrap(), VERSION);
    let tokenizer = Tokenizer::from_gguf(&file).unwrap();
    let golden =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/rendering.jsonl"))
            .unwrap();
    let mut count = 0;
    for (line, example) in golden.lines().zip(Generator::new(3)) {
        let line: Value = serde_json::from_str(line).unwrap();
        let (prompt, answer) = example.pieces().unwrap();
        assert_eq!((text(&prompt), text(&answer)), (string(&line["prompt"]), string(&line["answer"])));
        let mut ids = Vec::new();
        for piece in prompt.iter().chain(&answer) {
            match piece {
                Piece::Token(token) => ids.push(tokenizer.token_id(&token.text()).unwrap()),
                Piece::Text(text) => tokenizer.encode(text, Specials::Text, &mut ids),
            }
        }
        let wanted: Vec<u32> = serde_json::from_value(line["ids"].clone()).unwrap();
        assert_eq!(ids, wanted, "{}", text(&prompt));
        count += 1;
    }
    assert_eq!(count, 24);
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What `training/spans.py` reads: every span that a text may be, and which it is.
#[test]
fn the_spans_of_recorded_texts_are_told_with_what_is_to_be_seen_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let agent = folder.path().join("farm.toml");
    let cases = folder.path().join("farm.jsonl");
    std::fs::write(
        &agent,
        r#"
format = 1

[agent]
name = "farm"
start = "work"

[tools.record]
description = "Write down a treatment"
parameters = { type = "object", properties = { medicine = { type = "string", maxLength = 80 } }, required = ["medicine"] }

[states.work]
"#,
    )
    .unwrap();
    let case = r#"{"text": "she had penicillin, record it", "calls": [{"tool": "record", "arguments": {"medicine": "penicillin"}}]}"#;
    std::fs::write(&cases, format!("{case}\n")).unwrap();
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_pintail"))
        .args(["render", "--spans", "--agent"])
        .arg(&agent)
        .arg("--cases")
        .arg(&cases)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let told: Value = serde_json::from_slice(&out.stdout).unwrap();
    let gold = told["gold"][0].as_u64().unwrap() as usize;
    assert_eq!(told["spans"][gold], serde_json::json!([2, 2]));
    assert_eq!(told["spans"].as_array().unwrap().len(), told["inside"].as_array().unwrap().len());
    let has =
        |part: &str, feature: &str| told[part][2].as_array().unwrap().iter().any(|name| name == feature);
    assert!(has("starts", "B=had") && has("ends", "A=,"), "{told}");
}
