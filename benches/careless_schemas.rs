//! Schemas and grammars that nobody meant to be large: what compiling and the first mask take, in time and in memory (the
//! highest resident size over the one before, the parsed schema not counted). The bounds are 50 ms and 16 MB each.
//!
//! `cargo bench --bench careless_schemas`

use std::sync::Arc;
use std::time::Instant;

use pintail::grammar::{Grammar, GrammarError, Matcher, TokenTrie, gbnf, schema};
use serde_json::{Map, Value, json};

fn main() {
    let mut same = json!({"type": "string", "maxLength": 3});
    let mut different = vec![json!({"type": "string"})];
    for level in 0..12 {
        let pair = |name: String| json!({"type": "object", "properties": {&name: same}, "required": [name]});
        same = json!({"anyOf": [pair(format!("a{level}")), pair(format!("b{level}"))]});
    }
    // The same shape with 4096 leaves of which no two are alike.
    for leaf in 0..4096 {
        different
            .push(json!({"type": "object", "properties": {format!("name {leaf}"): {"maxLength": leaf}}}));
    }
    different.remove(0);
    while different.len() > 1 {
        let pairs = different.chunks(2).map(|pair| {
            let side = |schema: &Value| json!({"type": "object", "properties": {"inner": schema}});
            json!({"anyOf": [side(&pair[0]), side(&pair[1])]})
        });
        different = pairs.collect();
    }
    let optional: Map<String, Value> =
        (0..60).map(|i| (format!("property{i}"), json!({"type": "string"}))).collect();
    let listed =
        |count: usize| -> Vec<String> { (0..count).map(|i| format!("value number {i} of them")).collect() };
    let integers = |most: u64| json!({"type": "array", "items": {"type": "integer"}, "maxItems": most});
    let kinds = (0..100).map(|i| json!({"type": "object", "required": ["k"], "properties": {"k": {"const": format!("k{i}")}, "v": {"minLength": i}}}));
    let all: Vec<(&str, Value)> = vec![
        ("maxItems 1,000", integers(1000)),
        ("maxItems 50,000", integers(50_000)),
        ("maxItems 100,000", integers(100_000)),
        ("maxItems 1,000,000", integers(1_000_000)),
        ("anyOf of 2, nested 12 deep, alike", same),
        ("anyOf of 2, nested 12 deep, 4096 different leaves", different.remove(0)),
        ("enum of 5,000", json!({"enum": listed(5000)})),
        ("enum of 30,000 (the longest text that is read)", json!({"enum": listed(30_000)})),
        ("60 optional properties", json!({"type": "object", "properties": optional})),
        ("60 optional properties, no others", json!({"properties": optional, "additionalProperties": false})),
        ("maxLength 1,000,000", json!({"type": "string", "maxLength": 1_000_000})),
        ("minLength 100,000", json!({"type": "string", "minLength": 100_000})),
        ("pattern ^.{0,5000}x$", json!({"type": "string", "pattern": "^.{0,5000}x$"})),
        (
            "pattern and lengths",
            json!({"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "minLength": 3, "maxLength": 63}),
        ),
        (
            "pattern and long lengths",
            json!({"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "minLength": 3, "maxLength": 5000}),
        ),
        ("pattern (a|b)*a(a|b){18}", json!({"type": "string", "pattern": "(a|b)*a(a|b){18}"})),
        ("$ref to itself", json!({"$ref": "#"})),
        (
            "$refs in a circle",
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
        ),
        ("allOf of itself", json!({"allOf": [{"$ref": "#"}]})),
        (
            "oneOf of 2 that overlap",
            json!({"oneOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "null"}}}]}),
        ),
        ("oneOf of 100", json!({"oneOf": kinds.collect::<Vec<_>>()})),
        ("uniqueItems", json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true})),
        (
            "maxProperties 1,000 of 60",
            json!({"properties": optional, "minProperties": 30, "maxProperties": 1000}),
        ),
    ];
    let trie = Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false));
    println!("{:<52} {:>8} {:>8} {:>8}", "", "ms", "MB", "states");
    for (name, schema) in &all {
        line(name, &trie, || schema::compile(schema, schema::Options::default()).map(|done| done.grammar));
    }
    let alternatives: String = (0..70_000).map(|i| format!(" | \"text {i}\"")).collect();
    let nested = format!("root ::= {}\"a\"{}", "(".repeat(3000), ")".repeat(3000));
    let large = format!("root ::= \"{}\"", "a".repeat(10 << 20));
    for (name, text) in [
        ("GBNF, 70,000 alternatives (the longest text read)", format!("root ::= \"a\"{alternatives}")),
        ("GBNF, parentheses 3,000 deep", nested),
        ("GBNF, 10 MB", large.clone()),
        (
            "GBNF, a repetition of repetitions",
            "root ::= (((\"a\"{0,4000}){0,4000}){0,4000}){0,4000}".to_owned(),
        ),
    ] {
        line(name, &trie, || gbnf::parse(&text));
    }
    line("schema, 10 MB", &trie, || schema::parse(&large).map(|done| done.grammar));
}

fn line(name: &str, trie: &Arc<TokenTrie>, compile: impl Fn() -> Result<Grammar, GrammarError>) {
    // 5: the highest resident size counts from here (proc(5), clear_refs).
    let reset = std::fs::write("/proc/self/clear_refs", "5");
    let before = kilobytes("VmRSS");
    let start = Instant::now();
    let result = compile();
    let (end, states) = match result {
        Ok(grammar) => {
            let states = grammar.states();
            let first =
                Matcher::new(Arc::new(grammar), trie.clone()).and_then(|mut run| run.mask(None).map(|_| ()));
            (first.err().map(|error| error.to_string()), states)
        }
        Err(error) => (Some(error.to_string()), 0),
    };
    let took = start.elapsed().as_secs_f64() * 1e3;
    let grown =
        if reset.is_ok() { kilobytes("VmHWM").saturating_sub(before) as f64 / 1024.0 } else { f64::NAN };
    let end: String = end.map_or_else(String::new, |error| error.chars().take(110).collect());
    println!("{name:<52} {took:>8.1} {grown:>8.1} {states:>8} {end}");
}

/// A line of this process's status.
fn kilobytes(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse().unwrap_or(0)
}
