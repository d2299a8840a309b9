use serde_json::json;

use super::*;
use crate::gguf::{Bytes, Gguf};

fn vocabulary() -> Vocabulary {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/stand_in-q8_0.gguf");
    let file = Gguf::parse(Bytes::map(std::path::Path::new(path)).unwrap()).unwrap();
    Vocabulary::new(Tokenizer::from_gguf(&file).unwrap())
}

fn outcome(line: &Value) -> Outcome {
    let vocabulary = vocabulary();
    let trie = Arc::new(TokenTrie::of(vocabulary.tokenizer()));
    run(&Case::parse(&line.to_string()).unwrap(), &vocabulary, &trie, Settings::default())
}

#[test]
fn values_are_compact_and_keep_their_numbers() {
    let written =
        "{ \"b\\u0061\" :\n[ 1.50, -0e+3,\t1e400 ], \"a \\\" b\": \"\\u00e9\\/\\u000A\\ud800\" , \"z\":true}";
    assert_eq!(compact(written), r#"{"ba":[1.50,-0e+3,1e400],"a \" b":"\u00e9\/\u000A\ud800","z":true}"#);
    assert_eq!(compact("\"\\u00e9\\/\\u000a\\u001F\""), "\"é/\\n\\u001f\"");
    let line = r#"{"id":"x","draft":"draft7","note":1,"schema":{"a": 1.0},"tests":[{"data":{"b": 1.0, "a":2},"valid":true}]}"#;
    let case = Case::parse(line).unwrap();
    assert_eq!((case.draft, case.schema.as_str()), (Draft::Seven, r#"{"a": 1.0}"#));
    assert_eq!(case.tests[0].text, r#"{"b":1.0,"a":2}"#);
    assert!(Case::parse("{\"id\": 1}").is_err() && Case::parse("").is_err());
}

#[test]
fn walks_get_the_right_answers() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let tests = json!([{"data": {"n": 12}, "valid": true}, {"data": {"n": "x"}, "valid": false}, {"data": {}, "valid": false}]);
    let right = outcome(&json!({"id": "a", "schema": schema, "tests": tests}));
    assert_eq!((right.status, right.all_right, right.split_answers), (Status::Compiled, true, 0));
    assert_eq!(right.tests.iter().map(|walk| walk.accepted).collect::<Vec<_>>(), [true, false, false]);
    // The token that is refused begins at the value or, where a longer one is spelled, with the quote before it.
    assert!((4..=5).contains(&right.tests[1].refused_at.unwrap()), "{right:?}");
    assert!(right.first_mask_us.is_some() && right.masks_us.len() + 1 >= right.tests[0].tokens);

    let wrong =
        outcome(&json!({"id": "b", "schema": {"type": "null"}, "tests": [{"data": 1, "valid": true}]}));
    assert_eq!((wrong.status, wrong.all_right), (Status::Compiled, false));
    let refused =
        outcome(&json!({"id": "c", "schema": {"unevaluatedItems": {"$dynamicRef": "#x"}}, "tests": []}));
    assert_eq!((refused.status, refused.all_right), (Status::Refused, false));
    assert!(refused.error.is_some());
    let missing = outcome(&json!({"id": "d", "schema": {"type": "string"}, "tests": []}));
    assert!(missing.all_right && missing.masks_us.is_empty());
}

#[test]
fn tokens_spell_the_text_without_a_space_in_front() {
    let vocabulary = vocabulary();
    for text in ["{\"a\":1}", "x", " x", "é\n", "[1, 2]"] {
        let mut bytes = Vec::new();
        let tokens = vocabulary.tokens(text);
        tokens.iter().for_each(|&token| vocabulary.tokenizer.append_bytes(token, &mut bytes));
        assert_eq!(String::from_utf8(bytes).unwrap(), text, "{tokens:?}");
    }
}

#[test]
fn totals_count_values_of_compiled_schemas() {
    let mut totals = Totals::default();
    let tests = json!([{"data": 1, "valid": true}, {"data": "x", "valid": false}]);
    totals.add(&outcome(&json!({"id": "a", "schema": {"type": "integer"}, "tests": tests})));
    totals.add(&outcome(&json!({"id": "b", "schema": {"$ref": "#/missing"}, "tests": tests})));
    let case = Case::parse(r#"{"id":"c","schema":{},"tests":[]}"#).unwrap();
    totals.add(&Outcome::broken(&case, Status::TimedOut, "too long".to_owned()));
    let totals = totals.finish(7);
    assert_eq!((totals.schemas, totals.compiled, totals.refused, totals.timed_out), (3, 1, 1, 1));
    assert_eq!((totals.valid, totals.valid_accepted, totals.invalid, totals.invalid_accepted), (1, 1, 1, 0));
    assert_eq!((totals.all_right, totals.first_mask_us.count, totals.peak_rss_kb), (1, 1, 7));
}

#[test]
fn percentiles_of_times() {
    let times = Times::of((1..=200).rev().map(|n| n as f32).collect());
    assert_eq!((times.count, times.avg, times.p50, times.p99, times.max), (200, 100.5, 101.0, 199.0, 200.0));
    assert_eq!(Times::of(vec![]), Times::default());
}
