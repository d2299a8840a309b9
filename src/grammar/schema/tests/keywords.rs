//! Keywords that exclude, depend and count; options.

use super::*;

#[test]
fn not() {
    check(json!({"type": "string", "not": {"const": "a"}}), &["\"b\"", "\"ab\"", "\"\""], &["\"a\""]);
    check(json!({"type": "integer", "not": {"enum": [3, 5]}}), &["2", "4", "6", "-3"], &["3", "5"]);
    check(json!({"not": {"type": ["string", "null"]}}), &["1", "[]"], &["\"a\"", "null"]);
    check(json!({"not": {"type": "integer"}}), &["1.5", "\"a\"", "-0.25"], &["1", "0", "-7"]);
    check(
        json!({"type": "object", "not": {"required": ["a", "b"]}}),
        &["{}", r#"{"a":1}"#, r#"{"b":1,"c":2}"#],
        &[r#"{"a":1,"b":1}"#],
    );
    check(json!({"type": "string", "not": {"pattern": "^a"}}), &["\"ba\"", "\"\""], &["\"ab\""]);
    check(json!({"type": "number", "not": {"minimum": 3}}), &["2.5", "-1"], &["3", "4"]);
    check(json!({"type": "array", "not": {"maxItems": 1}}), &["[1,2]"], &["[]", "[1]"]);
    check(
        json!({"type": "object", "properties": {"a": {"not": {}}}}),
        &["{}", r#"{"b":1}"#],
        &[r#"{"a":1}"#],
    );
    refused(json!({"type": "number", "not": {"multipleOf": 3}}), "#/not", "multipleOf");
}

#[test]
fn one_of_by_product() {
    check(json!({"oneOf": [{"type": "integer"}, {"minimum": 2}]}), &["1", "2.5", "\"a\""], &["3", "1.5"]);
    let glaive = json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "additionalProperties": false, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]});
    check(glaive, &[r#"{"a":1}"#, r#"{"b":1}"#], &["{}", r#"{"a":1,"b":1}"#]);
    check(
        json!({"type": "object", "oneOf": [
            {"properties": {"k": {"const": "a"}}},
            {"properties": {"k": {"const": "b"}}}]}),
        &[r#"{"k":"a"}"#, r#"{"k":"b","c":1}"#],
        &["{}", r#"{"k":"c"}"#],
    );
    check(
        json!({"type": "object", "oneOf": [
            {"properties": {"k": {"const": 1}}, "additionalProperties": false},
            {"properties": {"k": {"type": "integer"}}}]}),
        &[r#"{"k":2}"#, r#"{"k":1,"b":2}"#],
        &["{}", r#"{"k":1}"#],
    );
}

#[test]
fn conditions_and_dependencies() {
    let schema = json!({"type": "object", "properties": {"k": {"enum": ["a", "b"]}, "n": {"type": "integer"}},
        "required": ["k"], "if": {"properties": {"k": {"const": "a"}}}, "then": {"required": ["n"]},
        "else": {"properties": {"n": {"const": 7}}}, "additionalProperties": false});
    check(
        schema,
        &[r#"{"k":"a","n":1}"#, r#"{"k":"b"}"#, r#"{"k":"b","n":7}"#],
        &[r#"{"k":"a"}"#, r#"{"k":"b","n":1}"#],
    );
    check(
        json!({"type": "object", "properties": {"a": {}, "b": {}}, "dependentRequired": {"b": ["a"]}}),
        &["{}", r#"{"a":1}"#, r#"{"a":1,"b":1}"#],
        &[r#"{"b":1}"#],
    );
    check(
        json!({"type": "object", "dependentSchemas": {"b": {"maxProperties": 1}}}),
        &["{}", r#"{"a":1,"c":2}"#, r#"{"b":1}"#],
        &[r#"{"b":1,"a":1}"#],
    );
}

#[test]
fn names_and_numbers_of_properties() {
    check(
        json!({"type": "object", "propertyNames": {"pattern": "^[a-c]+$", "maxLength": 2}}),
        &["{}", r#"{"a":1,"bc":2}"#],
        &[r#"{"d":1}"#, r#"{"abc":1}"#],
    );
    check(
        json!({"type": "object", "propertyNames": {"enum": ["x", "y"]}}),
        &[r#"{"x":1,"y":2}"#],
        &[r#"{"z":1}"#],
    );
    check(
        json!({"type": "object", "patternProperties": {"^a": {"const": 1}, "b$": {"type": "integer"}},
            "additionalProperties": {"type": "null"}}),
        &[r#"{"a":1,"b":2,"ab":1,"c":null}"#],
        &[r#"{"a":2}"#, r#"{"ab":2}"#, r#"{"c":1}"#, r#"{"xb":null}"#],
    );
    check(
        json!({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "additionalProperties": false,
            "minProperties": 2, "maxProperties": 2}),
        &[r#"{"a":1,"b":1}"#, r#"{"a":1,"c":1}"#, r#"{"b":1,"c":1}"#],
        &["{}", r#"{"a":1}"#, r#"{"a":1,"b":1,"c":1}"#],
    );
    refused(json!({"type": "object", "minProperties": 2}), "#", "minProperties");
}

#[test]
fn elements_that_are_asked_for() {
    let int = json!({"type": "integer"});
    check(json!({"type": "array", "contains": int}), &["[1]", "[\"a\",2,null]"], &["[]", "[\"a\"]"]);
    check(
        json!({"type": "array", "contains": int, "minContains": 2, "maxContains": 2}),
        &["[1,2]", "[1,\"a\",2]"],
        &["[1]", "[1,2,3]"],
    );
    check(
        json!({"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": true, "minItems": 1}),
        &["[\"a\"]", "[\"c\",\"a\",\"b\"]"],
        &["[]", "[\"a\",\"a\"]", "[\"a\",\"b\",\"a\"]"],
    );
    check(
        json!({"type": "array", "items": {"type": "boolean"}, "uniqueItems": true, "maxItems": 9}),
        &["[true,false]", "[]"],
        &["[true,false,true]"],
    );
}

#[test]
fn formats() {
    check(
        json!({"type": "string", "format": "date"}),
        &["\"2024-02-29\""],
        &["\"2023-02-29\"", "\"2024-2-1\""],
    );
    check(
        json!({"type": "string", "format": "ipv4", "maxLength": 8}),
        &["\"1.2.3.44\""],
        &["\"10.20.30.40\""],
    );
    check(json!({"format": "uuid"}), &["1", "\"2eb8aa08-aa98-11ea-b4aa-73b441d16380\""], &["\"x\""]);
    let warned = compile(&json!({"type": "string", "format": "color"}), Options::default()).unwrap();
    assert_eq!(warned.warnings.len(), 1);
}

#[test]
fn any_order_and_white_space() {
    let schema = json!({"type": "object", "properties": {"a": {"const": 1}, "b": {"const": [2, 3]}},
        "required": ["b"], "additionalProperties": {"type": "null"}});
    let with = |options| {
        let grammar = compile(&schema, options).unwrap().grammar;
        Matcher::new(Arc::new(grammar), bytes_trie()).unwrap()
    };
    let run = with(Options { any_order: true, ..Options::default() });
    for yes in [r#"{"b":[2,3],"a":1}"#, r#"{"x":null,"b":[2,3],"y":null}"#, r#"{"b":[2,3]}"#] {
        assert!(run.matches(yes.as_bytes()), "{yes}");
    }
    for no in
        ["{}", r#"{"a":1}"#, r#"{"b":[2,3],"b":[2,3]}"#, r#"{"a":1,"b":[2,3],"a":1}"#, r#"{"b":[2,3],}"#]
    {
        assert!(!run.matches(no.as_bytes()), "{no}");
    }
    let run = with(Options { whitespace: 3, ..Options::default() });
    for yes in [r#"{"a":1,"b":[2,3]}"#, "{\n  \"a\" : 1 , \"b\":\n[ 2,3 ]}"] {
        assert!(run.matches(yes.as_bytes()), "{yes}");
    }
    assert!(!run.matches(b"{    \"b\":[2,3]}") && !run.matches(b"{\"b\":[2,3]} "));
}

#[test]
fn many_members_in_any_order_cost_little() {
    let many: serde_json::Map<String, Value> =
        (0..100).map(|i| (format!("p{i}"), json!({"type": "null"}))).collect();
    let schema = json!({"type": "object", "properties": many, "additionalProperties": false});
    let options = Options { any_order: true, ..Options::default() };
    let grammar = compile(&schema, options).unwrap().grammar;
    assert!(grammar.memory() < 200_000, "{}", grammar.memory());
    let mut run = Matcher::new(Arc::new(grammar), bytes_trie()).unwrap();
    let text: Vec<String> = (0..100).rev().map(|i| format!("\"p{i}\":null")).collect();
    run.accept_bytes(format!("{{{}}}", text.join(",")).as_bytes()).unwrap();
    assert!(run.is_complete() && run.memory() < 4_000_000, "{}", run.memory());
}

#[test]
fn references_into_embedded_schemas() {
    check(
        json!({"$id": "http://x.org/root.json", "$ref": "item.json#/$defs/n",
            "$defs": {"i": {"$id": "item.json", "$defs": {"n": {"type": "integer"}}}}}),
        &["1"],
        &["\"a\""],
    );
    check(
        json!({"$defs": {"a": {"$id": "http://x.org/a", "$ref": "#/$defs/b", "$defs": {"b": {"const": 1}}},
            "b": {"const": 2}}, "$ref": "#/$defs/a"}),
        &["1"],
        &["2"],
    );
}
