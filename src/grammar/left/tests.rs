//! Grammars with left recursion against a definition of their languages by spans, which needs no
//! order of rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use crate::grammar::{Expr, GrammarBuilder, GrammarError, Matcher, RuleId, TokenTrie, gbnf};

#[derive(Clone, Debug)]
enum Re {
    Empty,
    Byte(u8),
    Seq(Box<Re>, Box<Re>),
    Alt(Box<Re>, Box<Re>),
    Rep(Box<Re>, u32, Option<u32>),
    Rule(usize),
}

type Spans = Vec<BTreeSet<(usize, usize)>>;

/// Where a text of `re` may end that starts at `at`, given the known spans of the rules.
fn ends(re: &Re, text: &[u8], at: usize, known: &Spans) -> BTreeSet<usize> {
    match re {
        Re::Empty => BTreeSet::from([at]),
        Re::Byte(byte) => (text.get(at) == Some(byte)).then_some(at + 1).into_iter().collect(),
        Re::Seq(a, b) => {
            ends(a, text, at, known).into_iter().flat_map(|mid| ends(b, text, mid, known)).collect()
        }
        Re::Alt(a, b) => {
            let mut all = ends(a, text, at, known);
            all.extend(ends(b, text, at, known));
            all
        }
        Re::Rep(inner, min, max) => {
            let mut now = BTreeSet::from([at]);
            let mut all = if *min == 0 { now.clone() } else { BTreeSet::new() };
            for round in 1..=max.unwrap_or(text.len() as u32 + min + 1) {
                now = now.into_iter().flat_map(|mid| ends(inner, text, mid, known)).collect();
                if round >= *min {
                    all.extend(&now);
                }
            }
            all
        }
        Re::Rule(i) => known[*i].iter().filter(|span| span.0 == at).map(|span| span.1).collect(),
    }
}

fn matches(rules: &[Re], text: &[u8]) -> bool {
    let mut known: Spans = vec![BTreeSet::new(); rules.len()];
    loop {
        let before: usize = known.iter().map(BTreeSet::len).sum();
        for (i, re) in rules.iter().enumerate() {
            for at in 0..=text.len() {
                let found = ends(re, text, at, &known);
                known[i].extend(found.into_iter().map(|end| (at, end)));
            }
        }
        if known.iter().map(BTreeSet::len).sum::<usize>() == before {
            return known[0].contains(&(0, text.len()));
        }
    }
}

fn lower(re: &Re, b: &mut GrammarBuilder, rules: &[RuleId]) -> Expr {
    match re {
        Re::Empty => b.empty(),
        Re::Byte(byte) => b.literal([*byte]),
        Re::Seq(x, y) => {
            let parts = [lower(x, b, rules), lower(y, b, rules)];
            b.seq(&parts)
        }
        Re::Alt(x, y) => {
            let parts = [lower(x, b, rules), lower(y, b, rules)];
            b.alt(&parts)
        }
        Re::Rep(inner, min, max) => {
            let inner = lower(inner, b, rules);
            b.repeat(inner, *min, *max)
        }
        Re::Rule(i) => b.call(rules[*i]),
    }
}

fn expression() -> impl Strategy<Value = Re> {
    let leaf = prop_oneof![
        3 => prop::sample::select(vec![b'a', b'b']).prop_map(Re::Byte),
        1 => Just(Re::Empty),
        4 => (0usize..3).prop_map(Re::Rule),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| Re::Seq(a.into(), b.into())),
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| Re::Alt(a.into(), b.into())),
            1 => (inner, 0u32..3, prop::option::of(0u32..2))
                .prop_map(|(a, min, more)| Re::Rep(a.into(), min, more.map(|more| min + more))),
        ]
    })
}

fn texts() -> Vec<Vec<u8>> {
    (0..=5u32)
        .flat_map(|len| (0..1u32 << len).map(move |n| (0..len).map(|i| b'a' + (n >> i & 1) as u8).collect()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn left_recursion_keeps_the_language(rules in prop::collection::vec(expression(), 3)) {
        let mut builder = GrammarBuilder::new();
        let ids: Vec<RuleId> = (0..3).map(|i| builder.rule(&format!("r{i}"))).collect();
        for (id, re) in ids.iter().zip(&rules) {
            let body = lower(re, &mut builder, &ids);
            builder.define(*id, body);
        }
        let trie = Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false));
        let run = match builder.build(ids[0]) {
            Ok(grammar) => Some(Matcher::new(Arc::new(grammar), trie).unwrap()),
            Err(GrammarError::Impossible(_)) => None,
            Err(error) => panic!("{error}"),
        };
        for text in texts() {
            let found = run.as_ref().is_some_and(|run| run.matches(&text));
            prop_assert_eq!(found, matches(&rules, &text), "{:?}", String::from_utf8(text));
        }
        // Nothing that is legal leads to a dead end.
        if let Some(mut run) = run {
            for step in 0..6 {
                let legal: Vec<u32> = run.mask(None).unwrap().iter().collect();
                let Some(token) = legal.get(step % legal.len().max(1)) else { break };
                let mut fork = run.clone();
                fork.accept(*token).unwrap();
                prop_assert!(fork.needed() < usize::MAX);
                run = fork;
            }
        }
    }
}

#[test]
fn arithmetic_written_as_people_write_it() {
    let text = r#"
root ::= expr
expr ::= expr ("+" | "-") term | term
term ::= term "*" factor | factor
factor ::= "(" expr ")" | [0-9]+ | factor "!" "#;
    let trie = Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false));
    let run = Matcher::new(Arc::new(gbnf::parse(text).unwrap()), trie).unwrap();
    for yes in ["1", "1+2*3", "(1-2)*3!", "1+2!!", "((7))", "1!*2!"] {
        assert!(run.matches(yes.as_bytes()), "{yes}");
    }
    for no in ["", "+1", "1+", "(1", "!", "1**2"] {
        assert!(!run.matches(no.as_bytes()), "{no}");
    }
    let long = format!("1{}", "+1*2-(3)".repeat(3000));
    let mut run = run;
    run.accept_bytes(long.as_bytes()).unwrap();
    assert!(run.is_complete() && run.memory() < 100_000, "{}", run.memory());
}
