use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::grammar::sample::{Samples, byte_trie};
use crate::grammar::{Grammar, Matcher, Member, gbnf, schema};

fn of_schema(schema: &serde_json::Value) -> (String, Arc<Grammar>) {
    let mut builder = GrammarBuilder::new();
    let (root, _) = schema::add(&mut builder, schema, schema::Options::default()).unwrap();
    (builder.gbnf(root), Arc::new(builder.build(root).unwrap()))
}

#[test]
fn a_schema_shown_as_gbnf_is_the_same_language() {
    for schema in [
        json!({"type": "object", "properties": {"a b": {"enum": ["x", "é\"", 1.5]}, "n": {"type": "integer", "minimum": -20, "maximum": 300}},
            "required": ["n"]}),
        json!({"type": "array", "items": {"type": "string", "pattern": "^[^a\\]^-]{2,4}$"}, "maxItems": 1000}),
        json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#"}}, {"const": {"a": "\n"}}]}),
    ] {
        let (text, grammar) = of_schema(&schema);
        assert!(text.starts_with("# #\nroot ::= "), "{text}");
        let shown = Arc::new(gbnf::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}")));
        for (from, to) in [(&grammar, &shown), (&shown, &grammar)] {
            let other = Matcher::new(to.clone(), byte_trie()).unwrap();
            let mut samples = Samples::new(from.clone(), 7, 60).unwrap();
            for _ in 0..100 {
                let sample = samples.draw().unwrap();
                assert!(other.matches(&sample), "{}\n{text}", sample.escape_ascii());
            }
        }
    }
}

#[test]
fn every_construct_is_written() {
    let mut b = GrammarBuilder::new();
    let never = b.never();
    let token = b.tokens([3, 4]);
    let other = b.tokens_except([5]);
    let many = b.repeat(token, 2, Some(5));
    let chars = b.chars(&[(0x5D, 0x5E), (0x1F600, 0x1F600), (9, 9)]);
    let words = b.literals(["a", "b"]);
    let pair = b.seq(&[words, chars]);
    let twice = b.repeat(pair, 2, Some(2));
    let all = b.alt(&[never, many, other, twice]);
    let root = b.rule("start here");
    b.define(root, all);
    let text = b.gbnf(root);
    let rule = r#"root ::= [] | (<[3]> | <[4]>){2,5} | !<[5]> | (("a" | "b") [\t\]\^\U0001F600]){2}"#;
    assert_eq!(text, format!("# start here\n{rule}\n"));
    gbnf::parse(&text).unwrap();
}

#[test]
fn graphs_and_choices_are_written() {
    let mut b = GrammarBuilder::new();
    let [x, y, z] = ["x", "y", "z"].map(|text| b.literal(text));
    // State 1 is met twice, state 2 once, state 3 only ends.
    let graph =
        b.graph(&[(0, x, 1), (1, y, 1), (1, z, 2), (2, x, 3), (0, z, 3)], &[false, false, true, true]);
    let [first, next] = ["first", "next"].map(|name| b.rule(name));
    b.define(first, x);
    b.define(next, y);
    let root = b.rule("root");
    b.define(root, graph);
    let text = b.gbnf(root);
    assert_eq!(text, "root ::= \"x\" state | \"z\"\nstate ::= \"y\" state | \"z\" (\"x\")?\n");
    let all = b.choose(&[Member { first, next, once: true, required: false }], 0, Some(1));
    let choice = b.rule("choice");
    b.define(choice, all);
    let text = b.gbnf(choice);
    assert!(text.starts_with("# Parts in any order are"), "{text}");
    assert!(text.contains("#   first: once\nany-order ::= ((first) (next)*)?\n"), "{text}");
    assert_eq!(b.unused(choice), ["root"]);
}

#[test]
fn rules_that_nothing_calls_are_known() {
    let parts =
        gbnf::parts("root ::= (a | \"x\")*\na ::= b?\nb ::= \"b\"\nc ::= d\nd ::= a", &|_| None).unwrap();
    assert_eq!(parts.builder.unused(parts.root), ["c", "d"]);
}
