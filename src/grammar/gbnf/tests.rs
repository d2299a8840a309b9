use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::grammar::{MatchError, Matcher, TokenTrie};

fn bytes_trie() -> Arc<TokenTrie> {
    Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false))
}

fn matcher(text: &str) -> Matcher {
    Matcher::new(Arc::new(parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))), bytes_trie()).unwrap()
}

#[track_caller]
fn check(grammar: &str, yes: &[&str], no: &[&str]) {
    let start = matcher(grammar);
    for text in yes {
        assert!(start.matches(text.as_bytes()), "{grammar} should accept {text:?}");
    }
    for text in no {
        assert!(!start.matches(text.as_bytes()), "{grammar} should refuse {text:?}");
    }
}

#[track_caller]
fn fails(grammar: &str, line: usize, column: usize, part: &str) {
    match parse(grammar) {
        Err(GrammarError::Gbnf { line: l, column: c, what }) => {
            assert!((l, c) == (line, column) && what.contains(part), "{grammar:?}: {l}:{c}: {what}");
        }
        other => panic!("{grammar:?}: {:?}", other.map(|_| ())),
    }
}

#[test]
fn constructs() {
    check(r#"root ::= "a" | "bc" | "bd""#, &["a", "bc", "bd"], &["", "b", "abc", "bca"]);
    check(r#"root ::= "a"* "b"+ "c"?"#, &["b", "aabbc", "bb"], &["", "a", "bcc"]);
    check(r#"root ::= ("a" | "b"){2,3}"#, &["ab", "bba"], &["a", "abab"]);
    check(r#"root ::= "a"{3}"#, &["aaa"], &["aa", "aaaa"]);
    check(r#"root ::= "a"{2,}"#, &["aa", "aaaaaaa"], &["a"]);
    check(r#"root ::= ("a"?){2,3} "x""#, &["x", "ax", "aaax"], &["aaaax"]);
    check(r#"root ::= (("a"*)*)* "b""#, &["b", "aab"], &["a"]);
    check(r#"root ::= ("a"{2}){2}{2}"#, &["aaaaaaaa"], &["aaaaaaa"]);
    check("root ::= [a-c\\-x] [^a-c\\n]", &["ad", "-é", "x-", "b\u{10FFFF}"], &["da", "aa", "a\n"]);
    check("root ::= [-a] [a-]", &["-a", "a-"], &["b-"]);
    check("root ::= . .", &["ab", "\n€", "日本"], &["a", "abc"]);
    check(r#"root ::= "\x41\u00e9\U0001F600\t\"\\""#, &["Aé😀\t\"\\"], &["A"]);
    check(
        "# c\nroot ::= # c\n  (\"a\"\n | # c\n \"b\") |\n x_1 # c\nx_1 ::= \"c\"\n\n",
        &["a", "b", "c"],
        &["d"],
    );
    check("root ::= \"\" | \"a\" root", &["", "a", "aaaa"], &["b"]);
    check("root ::= \"(\" root \")\" root | ", &["", "()", "(())()"], &["(", ")", "(()"]);
}

#[test]
fn the_shipped_grammars() {
    let shipped = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("grammars").join(name);
        std::fs::read_to_string(path).unwrap()
    };
    check(
        &shipped("json.gbnf"),
        &[
            r#"{"a": [1, -2.5e3, "x\n\u00e9\ud83d\ude00"], "b": null}"#,
            "[]",
            "\"é\"",
            "{}",
            "{\n  \"a\": 1\n}",
        ],
        &["", "{a:1}", "[1,]", "01", "\"\t\"", r#""\ud83d""#],
    );
    check(&shipped("list.gbnf"), &["- a\n", "- a\n- b c\n"], &["", "a\n", "- a"]);
    check(&shipped("yes_no.gbnf"), &["yes", "no"], &["yes ", "maybe"]);
    check(&shipped("number.gbnf"), &["0", "-12.5", "100"], &["01", "1.", "1e3", ""]);
}

#[test]
fn left_recursion() {
    check("root ::= root \"a\" | \"b\"", &["b", "ba", "baaa"], &["", "a", "ab"]);
    let hidden = "root ::= e a\na ::= e root \"x\" | \"y\"\ne ::= \"\" | \"z\"";
    check(hidden, &["y", "zy", "yx", "zzzyx", "zyxx"], &["", "x", "yz"]);
    check("root ::= (root \"a\"){2,3} | \"b\"", &["b", "baba", "bababa"], &["ba", "a"]);
}

#[test]
fn large_bounds_are_counted() {
    let grammar = parse(r#"root ::= [a-z]{5,1000000} "." "#).unwrap();
    assert!(grammar.states() < 20);
    let mut run = Matcher::new(Arc::new(grammar), bytes_trie()).unwrap();
    run.accept_bytes(&b"x".repeat(5000)).unwrap();
    assert_eq!(run.needed(), 1);
    run.accept_bytes(b".").unwrap();
    assert!(run.is_complete());
}

#[test]
fn errors_have_their_place() {
    fails("root ::= a\n", 1, 10, "never defined");
    fails("root ::= nmber\nnumber ::= \"1\"", 1, 10, "is `number` meant");
    fails("x ::= \"a\"", 1, 1, "no rule `root`");
    fails("", 1, 1, "no rule `root`");
    fails("root ::= \"a\"\nroot ::= \"b\"", 2, 1, "second time (first in line 1)");
    fails("root ::= \"a\n", 1, 10, "closing");
    fails("root ::= [a\n", 1, 10, "closing");
    fails("root ::= (\"a\"", 1, 14, "expected `)`");
    fails("root ::= [z-a]", 1, 11, "backwards");
    fails("root ::= \"a\"{3,2}", 1, 13, "below");
    fails("root ::= \"a\"{,2}", 1, 14, "a number");
    fails("root ::= \"a\"{99999999999}", 1, 14, "largest");
    fails("root ::= \"\\q\"", 1, 11, "unknown escape");
    fails("root ::= \"\\x4\"", 1, 11, "2 hex");
    fails("root ::= \"\\uD800\"", 1, 11, "not a character");
    fails("root ::= * \"a\"", 1, 10, "nothing before");
    fails("root = \"a\"", 1, 6, "::=");
    fails("root ::= <think>", 1, 10, "exactly one token");
    fails("root ::= <[x]>", 1, 10, "number of a token");
    fails("root ::= \"a\" root", 1, 1, "no finite text");
    fails(&format!("root ::= {}", "(".repeat(5000)), 1, 110, "nest");
    fails("root ::= root \"a\"", 1, 1, "no finite text");
}

#[test]
fn tokens_by_id_and_by_text() {
    let vocabulary: [&str; 6] = ["a", "b", "<think>", "</think>", "ab", "<eos>"];
    let trie = Arc::new(TokenTrie::new(6, |id| vocabulary[id as usize], |id| matches!(id, 2 | 3 | 5)));
    let text = "root ::= <think> !</think>* <[3]> \"ab\"";
    let grammar = parse_with(text, &|t| vocabulary.iter().position(|v| *v == t).map(|i| i as u32)).unwrap();
    let mut run = Matcher::new(Arc::new(grammar), trie).unwrap();
    let mut legal = |accept: u32| {
        let tokens: Vec<u32> = run.mask(None).unwrap().iter().collect();
        run.accept(accept).unwrap();
        tokens
    };
    assert_eq!(legal(2), [2]);
    assert_eq!(legal(1), [0, 1, 3, 4], "special tokens only by name");
    assert_eq!(legal(3), [0, 1, 3, 4]);
    assert_eq!(legal(0), [0, 4]);
    assert_eq!(legal(1), [1]);
    assert!(run.is_complete());
    assert_eq!(run.mask(None).unwrap().count(), 0);
    assert_eq!(run.accept(5), Err(MatchError::Token(5)));
}

#[test]
fn a_text_of_ten_megabytes_ends_soon() {
    for piece in ["(", "a ::= ", "\"x\" | ", "[a", "root ::= \"", "{1}", "!<a>", "\"a\"{2}", "x y "] {
        let text = format!("root ::= {}", piece.repeat(10_000_000 / piece.len()));
        assert!(parse(&text).is_err() || piece.contains("\"x\""), "{piece}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}") {
        let _ = parse(&text);
        let _ = parse(&format!("root ::= {text}"));
    }

    #[test]
    fn any_soup_of_parts_is_read_or_refused(
        parts in prop::collection::vec(prop::sample::select(vec![
            "root", "::=", "a", "\"x\"", "\"\"", "[a-z]", "[^x]", ".", "(", ")", "|", "*", "+", "?", "{2}",
            "{0,3}", "{2,}", "\n", " ", "#c\n", "<[1]>", "!<[2]>", "\\", "-", "\u{e9}",
        ]), 0..40)
    ) {
        let text = format!("root ::= {}\na ::= \"q\"\n", parts.concat());
        if let Ok(grammar) = parse(&text) {
            let mut run = Matcher::new(Arc::new(grammar), bytes_trie()).unwrap();
            let mask = run.mask(Some(10_000)).map(|m| m.iter().next());
            if let Ok(Some(token)) = mask {
                run.accept(token).unwrap();
            }
        }
    }
}
