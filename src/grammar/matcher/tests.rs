//! The matcher against a definition of its languages that shares no code with it: derivatives of
//! expressions.

use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::grammar::{Expr, GrammarBuilder, GrammarError, RuleId, gbnf};

/// An expression over symbols: 0-255 bytes, 256 + id tokens.
#[derive(Clone, Debug, PartialEq)]
enum Re {
    Never,
    Empty,
    Sym(u32),
    /// Any of these tokens.
    Toks(Vec<u32>),
    Seq(Rc<Re>, Rc<Re>),
    Alt(Rc<Re>, Rc<Re>),
    Rep(Rc<Re>, u32, Option<u32>),
    Rule(usize),
}
use Re::*;

fn nullable(re: &Re) -> bool {
    match re {
        Never | Sym(_) | Toks(_) => false,
        Empty => true,
        Seq(a, b) => nullable(a) && nullable(b),
        Alt(a, b) => nullable(a) || nullable(b),
        Rep(a, min, _) => *min == 0 || nullable(a),
        // Rules begin with a byte (see `rules` below).
        Rule(_) => false,
    }
}

fn seq(a: Re, b: Rc<Re>) -> Re {
    match a {
        Never => Never,
        Empty => (*b).clone(),
        a => Seq(Rc::new(a), b),
    }
}

fn alt(a: Re, b: Re) -> Re {
    match (a, b) {
        (Never, x) | (x, Never) => x,
        (a, b) if a == b => a,
        (a, b) => Alt(Rc::new(a), Rc::new(b)),
    }
}

fn derive(re: &Re, sym: u32, rules: &[Re]) -> Re {
    match re {
        Never | Empty => Never,
        Sym(s) => {
            if *s == sym {
                Empty
            } else {
                Never
            }
        }
        Toks(ids) => {
            if sym >= 256 && ids.contains(&(sym - 256)) {
                Empty
            } else {
                Never
            }
        }
        Seq(a, b) => {
            let first = seq(derive(a, sym, rules), b.clone());
            if nullable(a) { alt(first, derive(b, sym, rules)) } else { first }
        }
        Alt(a, b) => alt(derive(a, sym, rules), derive(b, sym, rules)),
        Rep(_, _, Some(0)) => Never,
        Rep(a, min, max) => {
            let rest = Rep(a.clone(), min.saturating_sub(1), max.map(|max| max - 1));
            seq(derive(a, sym, rules), Rc::new(rest))
        }
        Rule(i) => derive(&rules[*i], sym, rules),
    }
}

/// Least length in symbols, `u32::MAX` for none.
fn least(re: &Re, of_rules: &[u32]) -> u32 {
    match re {
        Never => u32::MAX,
        Empty => 0,
        Sym(_) => 1,
        Toks(ids) => {
            if ids.is_empty() {
                u32::MAX
            } else {
                1
            }
        }
        Seq(a, b) => least(a, of_rules).saturating_add(least(b, of_rules)),
        Alt(a, b) => least(a, of_rules).min(least(b, of_rules)),
        Rep(_, 0, _) => 0,
        Rep(a, min, _) => least(a, of_rules).saturating_mul(*min),
        Rule(i) => of_rules[*i],
    }
}

fn least_of_rules(rules: &[Re]) -> Vec<u32> {
    let mut known = vec![u32::MAX; rules.len()];
    for _ in 0..=rules.len() {
        known = rules.iter().map(|re| least(re, &known)).collect();
    }
    known
}

fn lower(re: &Re, builder: &mut GrammarBuilder, rules: &[RuleId]) -> Expr {
    match re {
        Never => builder.never(),
        Empty => builder.empty(),
        Sym(s) => {
            if *s < 256 {
                builder.literal([*s as u8])
            } else {
                builder.token(s - 256)
            }
        }
        Toks(ids) => builder.tokens(ids.iter().copied()),
        Seq(a, b) => {
            let parts = [lower(a, builder, rules), lower(b, builder, rules)];
            builder.seq(&parts)
        }
        Alt(a, b) => {
            let parts = [lower(a, builder, rules), lower(b, builder, rules)];
            builder.alt(&parts)
        }
        Rep(a, min, max) => {
            let inner = lower(a, builder, rules);
            builder.repeat(inner, *min, *max)
        }
        Rule(i) => builder.call(rules[*i]),
    }
}

fn compile(root: &Re, rules: &[Re]) -> Result<Grammar, GrammarError> {
    let mut builder = GrammarBuilder::new();
    let ids: Vec<RuleId> = (0..rules.len()).map(|i| builder.rule(&format!("r{i}"))).collect();
    for (id, re) in ids.iter().zip(rules) {
        let body = lower(re, &mut builder, &ids);
        builder.define(*id, body);
    }
    let body = lower(root, &mut builder, &ids);
    let start = builder.rule("root");
    builder.define(start, body);
    builder.build(start)
}

const VOCABULARY: [&str; 12] = ["a", "b", "c", "ab", "ba", "abc", "aa", "<0>", "<1>", "", "bcb", "ab"];

fn trie() -> Arc<TokenTrie> {
    // The other bytes stand for themselves after the twelve.
    Arc::new(TokenTrie::new(
        12 + 256,
        |id| match id {
            0..12 => VOCABULARY[id as usize].as_bytes().to_vec(),
            _ => vec![(id - 12) as u8],
        },
        |id| id == 7 || id == 8,
    ))
}

fn after_token(re: &Re, token: u32, rules: &[Re], trie: &TokenTrie) -> Re {
    let mut by_bytes = if trie.bytes(token).is_empty() { Never } else { re.clone() };
    for &byte in trie.bytes(token) {
        by_bytes = derive(&by_bytes, u32::from(byte), rules);
    }
    alt(by_bytes, derive(re, 256 + token, rules))
}

fn expression(rules: usize) -> impl Strategy<Value = Re> {
    let leaf = prop_oneof![
        8 => (97u32..100).prop_map(Sym),
        1 => Just(Empty),
        1 => Just(Never),
        1 => prop::sample::select(vec![7u32, 8, 3, 0]).prop_map(|id| Sym(256 + id)),
        1 => prop::collection::vec(prop::sample::select(vec![7u32, 8, 3, 0]), 0..3).prop_map(Toks),
        3 => (0..rules).prop_map(Rule),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| Seq(Rc::new(a), Rc::new(b))),
            2 => (inner.clone(), inner.clone()).prop_map(|(a, b)| Alt(Rc::new(a), Rc::new(b))),
            2 => (inner, 0u32..4, prop::option::of(0u32..3))
                .prop_map(|(a, min, more)| Rep(Rc::new(a), min, more.map(|more| min + more))),
        ]
    })
}

/// Rules that begin with a byte, so that no recursion is on the left.
fn rules() -> impl Strategy<Value = Vec<Re>> {
    prop::collection::vec((97u32..100, expression(3)), 3)
        .prop_map(|all| all.into_iter().map(|(byte, re)| Seq(Rc::new(Sym(byte)), Rc::new(re))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn masks_equal_brute_force(
        rules in rules(),
        root in expression(3),
        budget in 0usize..9,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 6),
    ) {
        let lengths = least_of_rules(&rules);
        let trie = trie();
        let grammar = match compile(&root, &rules) {
            Ok(grammar) => Arc::new(grammar),
            Err(GrammarError::Impossible(_)) => {
                prop_assert_eq!(least(&root, &lengths), u32::MAX);
                return Ok(());
            }
            Err(error) => panic!("{error}"),
        };
        prop_assert_eq!(grammar.shortest_text() as u32, least(&root, &lengths));
        let mut run = Matcher::new(grammar, trie.clone()).unwrap();
        let mut re = root;
        for pick in picks {
            prop_assert_eq!(run.is_complete(), nullable(&re));
            prop_assert_eq!(run.needed() as u32, least(&re, &lengths));
            let wanted = |budget: u32| -> Vec<u32> {
                (0..trie.vocab_size() as u32)
                    .filter(|&t| least(&after_token(&re, t, &rules, &trie), &lengths) < budget)
                    .collect()
            };
            for (given, wanted) in [(Some(budget), wanted(budget as u32)), (None, wanted(u32::MAX))] {
                match run.mask(given) {
                    Ok(mask) => {
                        prop_assert_eq!(mask.count(), wanted.len());
                        prop_assert_eq!(mask.iter().collect::<Vec<_>>(), wanted);
                    }
                    Err(error) => {
                        prop_assert!(wanted.is_empty() && !nullable(&re), "{} {:?}", error, wanted)
                    }
                }
            }
            let all = wanted(u32::MAX);
            for token in 0..trie.vocab_size() as u32 {
                let mut fork = run.clone();
                prop_assert_eq!(fork.accept(token).is_ok(), all.contains(&token));
            }
            if all.is_empty() {
                break;
            }
            let token = all[pick.index(all.len())];
            run.accept(token).unwrap();
            re = after_token(&re, token, &rules, &trie);
        }
    }

    #[test]
    fn small_memory_and_rollback_change_nothing(
        rules in rules(),
        root in expression(3),
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0usize..3), 12),
    ) {
        let Ok(grammar) = compile(&root, &rules) else { return Ok(()) };
        let grammar = Arc::new(grammar);
        let trie = trie();
        let mut large = Matcher::new(grammar.clone(), trie.clone()).unwrap();
        let mut small = Matcher::new(grammar, trie).unwrap();
        small.room_at = 0;
        for (pick, back) in picks {
            let (Ok(a), Ok(b)) = (large.mask(None), small.mask(None)) else {
                panic!("a mask without a budget fails")
            };
            prop_assert_eq!(a, b);
            let tokens: Vec<u32> = a.iter().collect();
            if tokens.is_empty() {
                break;
            }
            let token = tokens[pick.index(tokens.len())];
            large.accept(token).unwrap();
            small.accept(token).unwrap();
            small.room_at = 0;
            if large.history.len() >= back {
                large.rollback(back).unwrap();
                small.rollback(back).unwrap();
            }
            prop_assert_eq!(large.is_complete(), small.is_complete());
        }
    }
}

#[test]
fn a_run_within_its_budget_always_ends() {
    let text = r#"root ::= "[" (item ("," item)*)? "]"
item ::= root | [0-9]{1,40} | "\"" [a-z]{3,} "\"" "#;
    let grammar = Arc::new(gbnf::parse(text).unwrap());
    let trie = trie();
    let mut seed = 1u64;
    let mut next = |n: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % n
    };
    for budget in 2..60 {
        let mut run = Matcher::new(grammar.clone(), trie.clone()).unwrap();
        let mut left = budget;
        let mut text = Vec::new();
        while left > 0 {
            let tokens: Vec<u32> = run.mask(Some(left)).unwrap().iter().collect();
            if tokens.is_empty() {
                break;
            }
            let token = tokens[next(tokens.len())];
            text.extend_from_slice(run.trie().bytes(token));
            run.accept(token).unwrap();
            left -= 1;
        }
        assert!(run.is_complete(), "{:?}", String::from_utf8_lossy(&text));
    }
    let mut run = Matcher::new(grammar, trie).unwrap();
    assert!(matches!(run.mask(Some(1)), Err(MatchError::Budget { needed: 2, .. })));
}

#[test]
fn nesting_is_bounded_by_memory_and_not_by_the_stack() {
    let grammar = Arc::new(gbnf::parse(r#"root ::= "[" root "]" | "x""#).unwrap());
    let mut run = Matcher::new(grammar, trie()).unwrap();
    let deep = b"[".repeat(1_000_000);
    let error = run.accept_bytes(&deep).unwrap_err();
    assert!(matches!(error, MatchError::Memory { .. }), "{error}");
    // It stands where it stood, and goes on.
    run.accept_bytes(b"[[x]]").unwrap();
    assert!(run.is_complete());
}

#[test]
fn long_texts_and_right_recursion_run_in_bounded_memory() {
    let text = "root ::= word (\" \" root)? \nword ::= [a-z] word | [a-z] | \"(\" root \")\"";
    let mut run = Matcher::new(Arc::new(gbnf::parse(text).unwrap()), trie()).unwrap();
    run.accept_bytes(&b"some words (in (brackets)) ".repeat(20_000)).unwrap();
    assert!(run.memory() < 100_000, "{}", run.memory());
}

#[test]
fn ambiguity_is_shared() {
    let text = "root ::= s\ns ::= \"a\" | \"a\" s | \"a\" s s | \"a\" s s s";
    let mut run = Matcher::new(Arc::new(gbnf::parse(text).unwrap()), trie()).unwrap();
    run.accept_bytes(&b"a".repeat(60)).unwrap();
    assert!(run.is_complete());
}

#[test]
fn forced_text_is_spelled_and_its_end_is_left_to_the_model() {
    let vocabulary = ["on", "off", "{\"tool\":\"", "\"", "\",", "o", "n", "f", "<call>", "\"args\""];
    let trie = Arc::new(TokenTrie::new(
        10 + 256,
        |id| vocabulary.get(id as usize).map_or(vec![(id.wrapping_sub(10)) as u8], |t| t.as_bytes().to_vec()),
        |id| id == 8,
    ));
    let text = r#"root ::= <[8]> "{\"tool\":\"" ("on" | "off") "\",\"args\"" "#;
    let mut run = Matcher::new(Arc::new(gbnf::parse(text).unwrap()), trie.clone()).unwrap();
    // Longest token first, as a stand-in for a tokenizer.
    let mut spell = |bytes: &[u8], out: &mut Vec<u32>| {
        let mut at = 0;
        while at < bytes.len() {
            let best = (0..trie.vocab_size() as u32)
                .filter(|&t| !trie.bytes(t).is_empty() && bytes[at..].starts_with(trie.bytes(t)))
                .max_by_key(|&t| trie.bytes(t).len())
                .unwrap();
            at += trie.bytes(best).len();
            out.push(best);
        }
    };
    let mut out = Vec::new();
    assert_eq!(run.forced(&mut spell, &mut out), Ok(1));
    assert_eq!(out, [8]);
    run.accept(8).unwrap();
    out.clear();
    // `{"tool":"o` is certain; `o` could still be `on` or `off`, which are tokens.
    assert_eq!(run.forced(&mut spell, &mut out), Ok(1));
    assert_eq!(out, [2]);
    run.accept(2).unwrap();
    out.clear();
    assert_eq!(run.forced(&mut spell, &mut out), Ok(0));
    run.accept(0).unwrap();
    assert_eq!(run.forced(&mut spell, &mut out), Ok(2));
    assert_eq!(out, [4, 9]);
}

#[test]
fn a_vocabulary_without_the_bytes_is_refused() {
    let trie = Arc::new(TokenTrie::new(2, |id| ["a", "xy"][id as usize], |_| false));
    let grammar = |text: &str| Arc::new(gbnf::parse(text).unwrap());
    assert!(matches!(
        Matcher::new(grammar(r#"root ::= "xy""#), trie.clone()),
        Err(MatchError::Vocabulary(_))
    ));
    assert!(matches!(Matcher::new(grammar("root ::= <[7]>"), trie.clone()), Err(MatchError::Vocabulary(_))));
    let mut run = Matcher::new(grammar(r#"root ::= "a" ("x" | "a")"#), trie).unwrap();
    run.accept(0).unwrap();
    assert_eq!(run.mask(None).unwrap().iter().collect::<Vec<_>>(), [0], "no way into a dead end");
}

#[test]
fn some_hundred_alternatives_compile_quickly() {
    let mut builder = GrammarBuilder::new();
    let parts: Vec<Expr> = (0..500)
        .map(|i| {
            let (head, tail) = (builder.token(7), builder.literal(format!("{{\"tool\":\"tool_{i}\"}}")));
            builder.seq(&[head, tail])
        })
        .collect();
    let body = builder.alt(&parts);
    let root = builder.rule("root");
    builder.define(root, body);
    let started = std::time::Instant::now();
    let grammar = Arc::new(builder.build(root).unwrap());
    let compiled = started.elapsed();
    let mut run = Matcher::new(grammar, trie()).unwrap();
    assert_eq!(run.mask(None).unwrap().only(), Some(7));
    run.accept(7).unwrap();
    println!("compile {compiled:?}, with first masks {:?}", started.elapsed());
    assert!(compiled.as_millis() < 200, "{compiled:?}");
}
