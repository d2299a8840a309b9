//! Schemas that nobody meant to be large, and what is wrong from the start: compiled or refused with keyword and
//! JSON pointer, soon. `benches/careless_schemas.rs` measures time and memory.

use super::*;

/// Compiled, or refused with a place.
fn ends(schema: &Value) -> Result<(), GrammarError> {
    let started = std::time::Instant::now();
    let compiled = compile(schema, Options::default());
    // Many times what it takes; a machine may be busy.
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    match compiled {
        Ok(compiled) => {
            let mut run = Matcher::new(Arc::new(compiled.grammar), bytes_trie()).unwrap();
            assert!(run.mask(None).unwrap().count() > 0);
            Ok(())
        }
        Err(error) => {
            let GrammarError::Schema { pointer, keyword, .. } = &error else { panic!("{error}") };
            let value = schema.pointer(&pointer[1..]).unwrap_or_else(|| panic!("{error}"));
            assert!(value.get(keyword).is_some(), "{error}");
            Err(error)
        }
    }
}

#[test]
fn careless_schemas_end_soon() {
    let mut nested = json!({"type": "null"});
    for _ in 0..12 {
        nested = json!({"anyOf": [{"type": "array", "items": nested}, {"type": "object", "additionalProperties": nested}]});
    }
    let many: serde_json::Map<String, Value> = (0..200).map(|i| (format!("p{i}"), json!({}))).collect();
    let listed = |count: usize| (0..count).map(|i| format!("value {i}")).collect::<Vec<_>>();
    let all = [
        json!({"type": "array", "items": {"type": "integer"}, "maxItems": 4_000_000_000u64, "minItems": 1000}),
        json!({"type": "string", "minLength": 100_000, "maxLength": 1_000_000}),
        json!({"enum": listed(5000)}),
        json!({"type": "object", "properties": many}),
        json!({"type": "string", "pattern": "^.{0,5000}x$"}),
        json!({"type": "string", "pattern": "(a|b)*a(a|b){18}"}),
        // Alike however deep: 24 schemas, not 4096.
        nested,
    ];
    for schema in &all {
        ends(schema).unwrap();
    }
}

#[test]
fn what_is_too_large_is_named() {
    // 4096 leaves of which no two are alike.
    let mut level: Vec<Value> = (0..4096)
        .map(|i| json!({"type": "object", "properties": {format!("p{i}"): {"maxLength": i}}}))
        .collect();
    while level.len() > 1 {
        let pairs = level.chunks(2).map(|pair| json!({"anyOf": [{"items": pair[0]}, {"items": pair[1]}]}));
        level = pairs.collect();
    }
    let _ = ends(&level[0]);
    let values: Vec<String> = (0..60_000).map(|i| format!("value {i}")).collect();
    let error = ends(&json!({"properties": {"a/b": {"enum": values}}})).unwrap_err();
    assert!(error.to_string().starts_with("schema at `#/properties/a~1b`: keyword `enum`"), "{error}");
    let long: Vec<String> = (0..20_000).map(|i| format!("{i} {}", "x".repeat(40))).collect();
    let error = ends(&json!({"items": {"enum": long}})).unwrap_err();
    assert!(
        error.to_string().starts_with("schema at `#/items`: keyword `enum`: makes the grammar too large"),
        "{error}"
    );
    // Branches that overlap in ever other ways.
    let branches: Vec<Value> = (0..120)
        .map(|i| {
            let properties: serde_json::Map<String, Value> =
                (0..40).map(|p| (format!("p{}", (p * i) % 97), json!({"minimum": p}))).collect();
            json!({"type": "object", "properties": properties})
        })
        .collect();
    let error = ends(&json!({"properties": {"x": {"oneOf": branches}}})).unwrap_err();
    assert!(error.to_string().contains("keyword `"), "{error}");
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    let large = format!("{{\"description\": \"{}\"}}", "x".repeat(10 << 20));
    assert!(matches!(parse(&large), Err(GrammarError::TooLarge { .. })));
    let deep = format!("{}1{}", "{\"not\":".repeat(5000), "}".repeat(5000));
    let error = parse(&deep).unwrap_err().to_string();
    assert!(error.contains("recursion limit") && error.contains("column"), "{error}");
    let error = parse("{\"type\": \"string\",\n \"pattern\": }").unwrap_err().to_string();
    assert!(error.contains("line 2 column 13"), "{error}");
    refused(json!({"properties": {"a": {"pattern": "(?<=a)b"}}}), "#/properties/a", "pattern");
    refused(json!({"items": {"pattern": "(a)\\1"}}), "#/items", "pattern");
    refused(json!({"items": {"$ref": "#/items"}}), "#/items", "$ref");
    refused(
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        "#",
        "$ref",
    );
    refused(json!({"allOf": [{"$ref": "#"}]}), "#", "$ref");
    refused(json!({"items": {"$ref": "#/$defs/none"}}), "#/items", "$ref");
    // No finite value fits.
    let list = json!({"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]});
    assert!(matches!(compile(&list, Options::default()), Err(GrammarError::Impossible(_))));
}

#[test]
fn schemas_nested_by_hand_are_read_or_refused() {
    let mut deep = json!({"type": "integer"});
    for _ in 0..2000 {
        deep = json!({"items": deep});
    }
    let _ = compile(&deep, Options::default());
    // Dropping what nests so deep must not take the stack either.
    let mut rest = deep;
    while let Some(inner) = rest.get_mut("items").map(Value::take) {
        rest = inner;
    }
}
