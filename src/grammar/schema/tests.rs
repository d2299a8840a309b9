use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::grammar::{Matcher, TokenTrie};

mod careless;
mod keywords;
mod masks;
mod suites;

fn bytes_trie() -> Arc<TokenTrie> {
    Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false))
}

fn matcher(schema: &Value) -> Matcher {
    let grammar = compile(schema, Options::default()).unwrap_or_else(|e| panic!("{schema}: {e}")).grammar;
    Matcher::new(Arc::new(grammar), bytes_trie()).unwrap()
}

#[track_caller]
fn check(schema: Value, yes: &[&str], no: &[&str]) {
    let run = matcher(&schema);
    for text in yes {
        assert!(run.matches(text.as_bytes()), "{schema} should accept {text}");
    }
    for text in no {
        assert!(!run.matches(text.as_bytes()), "{schema} should refuse {text}");
    }
}

#[track_caller]
fn refused(schema: Value, pointer: &str, keyword: &str) {
    match compile(&schema, Options::default()) {
        Err(GrammarError::Schema { pointer: p, keyword: k, .. }) => {
            assert_eq!((p.as_str(), k.as_str()), (pointer, keyword), "{schema}");
        }
        other => panic!("{schema}: {:?}", other.map(|_| "compiled")),
    }
}

#[test]
fn types_and_values() {
    check(json!({"type": "integer"}), &["0", "-12", "345"], &["-0", "01", "1.0", "1e3", "\"1\"", ""]);
    check(json!({"type": "number"}), &["0", "-1.5", "2e10", "0.10"], &["-", ".5", "1.", "01", "NaN"]);
    check(json!({"type": ["null", "boolean"]}), &["null", "true", "false"], &["0", "\"\""]);
    check(
        json!({"type": "string"}),
        &[r#""""#, r#""a\"b\\\n\u0001é😀""#],
        &["\"\n\"", r#""\u0041""#, "\"", "a"],
    );
    check(
        json!({"enum": [1, "a", null, {"k": [1.0, 2]}]}),
        &["1", "\"a\"", "null", r#"{"k":[1,2]}"#],
        &["2", "{}"],
    );
    check(json!({"enum": [1, 2, "x", 7.5], "type": "integer", "maximum": 1}), &["1"], &["2", "\"x\"", "7.5"]);
    check(json!({"const": {"a": 1}}), &[r#"{"a":1}"#], &[r#"{"a":2}"#]);
    check(json!({}), &["1", "[[],{}]", r#"{"a":{"b":[null]}}"#], &["[1,]", "{\"a\"}", " 1"]);
    check(json!(true), &["0"], &["x"]);
    assert!(matches!(compile(&json!(false), Options::default()), Err(GrammarError::Impossible(_))));
}

#[test]
fn numbers_within_ends() {
    check(
        json!({"type": "integer", "minimum": 0, "maximum": 100}),
        &["0", "9", "10", "99", "100"],
        &["-1", "101", "00"],
    );
    check(
        json!({"type": "integer", "minimum": -100, "exclusiveMaximum": 7}),
        &["-100", "-1", "0", "6"],
        &["-101", "7"],
    );
    check(json!({"type": "integer", "minimum": 1.5}), &["2", "123456"], &["1", "0", "-2"]);
    check(
        json!({"type": "number", "minimum": 0.05, "maximum": 60.0}),
        &["0.05", "0.5", "1", "59.99", "60", "60.0"],
        &["0.04", "0", "60.01", "61", "-1"],
    );
    check(json!({"type": "number", "exclusiveMinimum": 0}), &["0.001", "3"], &["0", "0.0", "-1"]);
    check(
        json!({"type": "integer", "multipleOf": 25, "minimum": 0, "maximum": 100}),
        &["0", "25", "100"],
        &["5", "125"],
    );
    check(json!({"type": "integer", "multipleOf": 3}), &["0", "-9", "12"], &["1", "-10"]);
    check(
        json!({"type": "number", "multipleOf": 0.25, "minimum": 0}),
        &["0", "0.25", "1.5", "17.75"],
        &["0.2", "-0.25"],
    );
    check(
        json!({"type": "number", "multipleOf": 0.01, "minimum": 1}),
        &["1", "1.01", "2.5"],
        &["1.001", "0.5"],
    );
    refused(json!({"type": "number", "multipleOf": 12345}), "#", "multipleOf");
}

#[test]
fn strings_with_lengths_and_patterns() {
    check(
        json!({"type": "string", "minLength": 2, "maxLength": 3}),
        &[r#""ab""#, r#""\n😀x""#],
        &[r#""a""#, r#""abcd""#],
    );
    check(
        json!({"type": "string", "pattern": "^[a-z]+(-[0-9]{2})?$"}),
        &[r#""ab-12""#, r#""a""#],
        &[r#""ab-1""#, r#""""#],
    );
    check(json!({"type": "string", "pattern": "b"}), &[r#""abc""#, r#""b""#], &[r#""ac""#]);
    check(json!({"type": "string", "pattern": "^a|b$"}), &[r#""ax""#, r#""xb""#], &[r#""xa""#]);
    check(
        json!({"type": "string", "pattern": "^\\w+$", "maxLength": 3}),
        &[r#""a_1""#],
        &[r#""abcd""#, r#""""#],
    );
    check(json!({"enum": ["ab", "cd"], "pattern": "^a"}), &[r#""ab""#], &[r#""cd""#]);
    refused(json!({"properties": {"a/b": {"pattern": "(?=x)"}}}), "#/properties/a~1b", "pattern");
    check(
        json!({"type": "string", "pattern": "\\bab\\b"}),
        &[r#""x ab.""#, r#""ab""#],
        &[r#""xab""#, r#""ab1""#],
    );
    check(
        json!({"type": "string", "pattern": "^(ab)*(cd)*$", "maxLength": 5}),
        &[r#""abcd""#, r#""""#],
        &[r#""ababcd""#, r#""abc""#],
    );
    check(json!({"type": "string", "pattern": "^(?!a)[a-c]+$"}), &[r#""ba""#], &[r#""ab""#, r#""""#]);
}

#[test]
fn arrays() {
    check(
        json!({"type": "array", "items": {"type": "integer"}}),
        &["[]", "[1]", "[1,2,3]"],
        &["[1,]", "[true]"],
    );
    check(
        json!({"type": "array", "items": {"const": 1}, "minItems": 2, "maxItems": 3}),
        &["[1,1]", "[1,1,1]"],
        &["[1]", "[1,1,1,1]"],
    );
    check(
        json!({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": {"const": 3}, "minItems": 1}),
        &["[1]", "[1,2]", "[1,2,3,3]"],
        &["[]", "[2]", "[1,3]"],
    );
    check(
        json!({"type": "array", "prefixItems": [{"const": 1}], "items": false}),
        &["[]", "[1]"],
        &["[1,1]"],
    );
    check(json!({"type": "array", "maxItems": 0}), &["[]"], &["[1]"]);
    check(
        json!({"type": "array", "items": {"type": "null"}, "maxItems": 1_000_000}),
        &["[null,null]"],
        &["[1]"],
    );
    refused(json!({"type": "array", "uniqueItems": true}), "#", "uniqueItems");
}

#[test]
fn objects() {
    let schema = json!({"type": "object", "properties": {"a": {"const": 1}, "b": {"const": 2}, "c": {"const": 3}},
        "required": ["b"], "additionalProperties": false});
    check(
        schema,
        &[r#"{"b":2}"#, r#"{"a":1,"b":2,"c":3}"#, r#"{"b":2,"c":3}"#],
        &["{}", r#"{"a":1}"#, r#"{"b":2,"a":1}"#, r#"{"b":2,}"#, r#"{"b":2,"d":1}"#],
    );
    check(
        json!({"type": "object", "properties": {"ab": {"const": 1}}, "additionalProperties": {"const": 2}}),
        &["{}", r#"{"ab":1,"a":2}"#, r#"{"abc":2,"":2}"#],
        &[r#"{"ab":2}"#, r#"{"a":1}"#],
    );
    check(
        json!({"type": "object", "required": ["x"], "maxProperties": 1, "additionalProperties": false, "properties": {"x": true}}),
        &[r#"{"x":0}"#],
        &["{}"],
    );
    check(
        json!({"type": "object", "minProperties": 1, "maxProperties": 2}),
        &[r#"{"x":0}"#],
        &["{}", r#"{"x":0,"y":0,"z":0}"#],
    );
    check(
        json!({"type": "object", "patternProperties": {"^x-": {"const": 0}}, "additionalProperties": false, "properties": {"a": {"const": 1}}}),
        &["{}", r#"{"a":1,"x-y":0}"#],
        &[r#"{"b":0}"#],
    );
    refused(
        json!({"properties": {"a": {"type": "array", "not": {"uniqueItems": true}}}}),
        "#/properties/a/not",
        "uniqueItems",
    );
    assert!(matches!(
        compile(
            &json!({"type": "object", "required": ["x"], "additionalProperties": false}),
            Options::default()
        ),
        Err(GrammarError::Impossible(_))
    ));
}

#[test]
fn combinations() {
    check(json!({"anyOf": [{"type": "integer"}, {"const": "x"}]}), &["1", "\"x\""], &["\"y\""]);
    check(
        json!({"oneOf": [{"type": "integer", "maximum": 3}, {"type": "integer", "minimum": 4}]}),
        &["3", "4"],
        &["1.5"],
    );
    check(
        json!({"type": "object", "oneOf": [
            {"properties": {"k": {"const": "a"}, "n": {"type": "integer"}}, "required": ["k", "n"]},
            {"properties": {"k": {"const": "b"}}, "required": ["k"]}]}),
        &[r#"{"k":"a","n":1}"#, r#"{"k":"b"}"#],
        &[r#"{"k":"a"}"#, r#"{"k":"c"}"#],
    );
    check(json!({"oneOf": [{"type": "integer"}, {"type": "number"}]}), &["1.5"], &["1", "2.0"]);
    check(json!({"oneOf": [{"type": "number"}, {"enum": ["red", 3]}]}), &["4", "\"red\""], &["3"]);
    check(
        json!({"oneOf": [{"type": ["null", "integer"]}, {"enum": ["red", 3, null]}]}),
        &["4", "\"red\""],
        &["3", "null"],
    );
    check(
        json!({"type": ["null", "integer"], "enum": ["red", 3, null, 1.5]}),
        &["3", "null"],
        &["\"red\"", "1.5"],
    );
    check(
        json!({"allOf": [{"properties": {"a": {"minimum": 1}}}, {"properties": {"a": {"type": "integer"}}, "required": ["a"]}],
            "properties": {"a": {"maximum": 2}}, "type": "object"}),
        &[r#"{"a":1}"#, r#"{"a":2,"b":null}"#],
        &[r#"{"a":0}"#, r#"{"a":3}"#, "{}"],
    );
    check(
        json!({"$defs": {"t": {"type": "object", "properties": {"v": {"type": "integer"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/t"}}},
            "required": ["v"], "additionalProperties": false}}, "$ref": "#/$defs/t"}),
        &[r#"{"v":1}"#, r#"{"v":1,"kids":[{"v":2,"kids":[]},{"v":3}]}"#],
        &[r#"{"v":1,"kids":[1]}"#],
    );
    check(json!({"$ref": "#/definitions/a%25~0b", "definitions": {"a%~b": {"const": 1}}}), &["1"], &["2"]);
    check(json!({"$defs": {"x": {"$anchor": "here", "const": 1}}, "$ref": "#here"}), &["1"], &["2"]);
    refused(json!({"$ref": "#"}), "#", "$ref");
    refused(json!({"$ref": "#/nowhere"}), "#", "$ref");
    refused(json!({"$ref": "http://example.com/x"}), "#", "$ref");
    let endless = json!({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]});
    assert!(matches!(compile(&endless, Options::default()), Err(GrammarError::Impossible(_))));
    let seven = json!({"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a",
        "maximum": 0, "definitions": {"a": {"const": 5}}});
    check(seven, &["5"], &["0"]);
}

/// A legal text, chosen token by token; short, because the budget is small.
fn sample(run: &Matcher, seed: u64, budget: usize) -> Option<String> {
    let mut run = run.clone();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % n
    };
    let mut left = budget.max(run.needed());
    let mut text = Vec::new();
    while left > 0 {
        let tokens: Vec<u32> = run.mask(Some(left)).ok()?.iter().collect();
        if tokens.is_empty() || (run.is_complete() && next(4) == 0) {
            break;
        }
        let token = tokens[next(tokens.len())];
        text.extend_from_slice(run.trie().bytes(token));
        run.accept(token).unwrap();
        left -= 1;
    }
    assert!(run.is_complete());
    Some(String::from_utf8(text).unwrap())
}

/// Schemas of common keywords, most of them compiling.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "string"})),
        (0u32..4, 0u32..4).prop_map(|(a, b)| json!({"type": "string", "minLength": a, "maxLength": a + b})),
        (-30i32..30, 0i32..50).prop_map(|(a, b)| json!({"type": "integer", "minimum": a, "maximum": a + b})),
        (-30i32..30, 1i32..50).prop_map(|(a, b)| json!({"exclusiveMinimum": f64::from(a) / 4.0, "type": "number", "maximum": f64::from(a + b) / 4.0})),
        Just(json!({"enum": ["red", "green", 3, null]})),
        Just(json!({"type": "string", "pattern": "^[a-f]{2,4}-?\\d*$"})),
        Just(json!({"type": ["null", "integer"]})),
        Just(json!({"type": "integer", "multipleOf": 7})),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let table = prop::collection::btree_map(
            prop::sample::select(vec!["a", "b", "aa", "é\"", ""]),
            inner.clone(),
            0..4,
        );
        prop_oneof![
            (inner.clone(), 0u32..3, 0u32..3)
                .prop_map(|(i, a, b)| json!({"type": "array", "items": i, "minItems": a, "maxItems": a + b})),
            (prop::collection::vec(inner.clone(), 1..3), inner.clone())
                .prop_map(|(p, i)| json!({"type": "array", "prefixItems": p, "items": i})),
            (table.clone(), any::<prop::sample::Index>(), any::<bool>()).prop_map(|(t, pick, open)| {
                let names: Vec<_> = t.keys().take(pick.index(3)).cloned().collect();
                let mut schema = json!({"type": "object", "properties": t, "required": names});
                if !open {
                    schema["additionalProperties"] = json!(false);
                }
                schema
            }),
            (table, inner.clone())
                .prop_map(|(t, i)| json!({"type": "object", "properties": t, "additionalProperties": i})),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({"anyOf": [a, b]})),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| json!({"oneOf": [a, b]})),
            (inner.clone(), inner).prop_map(|(a, b)| json!({"allOf": [a, b]})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn samples_of_any_schema_are_valid(schema in schema(), seed in 1u64..) {
        match compile(&schema, Options::default()) {
            Err(GrammarError::Schema { .. } | GrammarError::Impossible(_)) => {}
            Err(other) => panic!("{schema}: {other}"),
            Ok(compiled) => {
                let run = Matcher::new(Arc::new(compiled.grammar), bytes_trie()).unwrap();
                let validator = jsonschema::draft202012::new(&schema).unwrap();
                for i in 0..4 {
                    let Some(text) = sample(&run, seed.wrapping_add(i), 40) else { continue };
                    let value: Value = serde_json::from_str(&text).unwrap();
                    prop_assert!(validator.is_valid(&value), "{} {}", schema, text);
                }
            }
        }
    }

    #[test]
    fn any_text_is_compiled_or_refused(text in ".{0,60}", wild in "[\\[\\](){}^$|*+?.\\\\a-dx0-9,:=!<>-]{0,30}") {
        let _ = parse(&text);
        let _ = parse(&json!({"type": "string", "pattern": wild}).to_string());
        let _ = parse(&json!({"properties": {"a": {"$ref": format!("#{wild}")}}}).to_string());
    }

    #[test]
    fn any_value_for_any_keyword_is_compiled_or_refused(
        picks in prop::collection::vec((prop::sample::select(vec![
            "type", "const", "enum", "minimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
            "items", "prefixItems", "minItems", "maxItems", "uniqueItems", "properties", "required",
            "additionalProperties", "patternProperties", "minProperties", "maxProperties", "anyOf", "oneOf", "allOf",
            "$ref", "$defs", "$id", "$anchor", "format", "not",
        ]), prop::sample::select(vec![
            json!(null), json!(true), json!(-1), json!(3), json!(1e300), json!(0.5), json!("integer"), json!("#"),
            json!("#/$defs/a"), json!([]), json!(["a"]), json!({}), json!({"a": {}}), json!({"a": {"$ref": "#"}}),
            json!([{}, {"type": "string"}]), json!([{"$ref": "#"}]), json!(1u64 << 60), json!("object"),
        ])), 0..5)
    ) {
        let schema: serde_json::Map<String, Value> =
            picks.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let _ = compile(&Value::Object(schema), Options::default());
    }
}
