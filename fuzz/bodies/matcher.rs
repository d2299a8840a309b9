//! Any bytes as a vocabulary and a walk over it, under grammars that are known to be right: a token is in the mask exactly when it is
//! taken, a step taken back leads to the same mask, forced tokens are legal, and the text ends within its budget.

use std::sync::{Arc, LazyLock};

use pintail::grammar::{Grammar, Limits, Matcher, TokenTrie, gbnf, schema};

const BUDGET: usize = 48;

static GRAMMARS: LazyLock<Vec<Arc<Grammar>>> = LazyLock::new(|| {
    let texts = [
        "root ::= root \"+\" term | term\nterm ::= [0-9]{1,3} | \"(\" root \")\"",
        "root ::= ([a-c] \"x\"?){2,5} | <[300]> | \"é\" !<[301]>",
        "root ::= [^\"\\\\]{0,9} \"\\\"\"",
    ];
    let schemas = [
        r#"{"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}, "n": {"type": "integer", "maximum": 40}}}"#,
        r#"{"anyOf": [{"type": "string", "maxLength": 3}, {"const": "abcdefgh"}, {"type": "array", "items": {"enum": [1, "a"]}, "uniqueItems": true}]}"#,
        r#"{"type": "string", "pattern": "^[a-f]+(-[é-ü]{2})?$", "minLength": 2}"#,
    ];
    let of_texts = texts.iter().map(|text| gbnf::parse(text).expect("a grammar"));
    let of_schemas = schemas.iter().map(|text| schema::parse(text).expect("a schema").grammar);
    of_texts.chain(of_schemas).map(Arc::new).collect()
});

/// Whether a text was walked to its end or to that of the budget.
pub fn run(data: &[u8]) -> bool {
    let [which, walk @ .., small] = data else { return false };
    // Tokens of several bytes stand between bytes 0xFF; the single bytes come first.
    let words: Vec<&[u8]> = walk.split(|byte| *byte == 0xFF).take(64).collect();
    let trie = Arc::new(TokenTrie::new(
        256 + words.len(),
        |id| if id < 256 { vec![id as u8] } else { words[id as usize - 256].to_vec() },
        |id| id == 300,
    ));
    let grammar = GRAMMARS[*which as usize % GRAMMARS.len()].clone();
    // A small cache is dropped in the middle of the walk.
    let limits = Limits { cache: usize::from(*small) << 8, masks: 4096, ..Limits::default() };
    let Ok(mut run) = Matcher::with_limits(grammar, trie.clone(), limits) else { return false };
    for (at, left) in (1..=BUDGET).rev().enumerate() {
        let whole: Vec<u32> = run.mask(None).expect("a way on").iter().collect();
        for token in 0..trie.vocab_size() as u32 {
            let taken = run.accept(token).is_ok();
            assert_eq!(taken, whole.binary_search(&token).is_ok(), "token {token}");
            if taken {
                run.rollback(1).expect("a step");
            }
        }
        assert_eq!(run.mask(None).expect("a way on").iter().collect::<Vec<u32>>(), whole);
        let mut forced = Vec::new();
        let mut spell =
            |bytes: &[u8], out: &mut Vec<u32>| out.extend(bytes.iter().map(|byte| u32::from(*byte)));
        run.forced(&mut spell, &mut forced).expect("within the limits");
        assert!(forced.first().is_none_or(|token| whole.binary_search(token).is_ok()));
        let Ok(mask) = run.mask(Some(left)) else {
            assert_eq!(at, 0, "the text could not end within its budget");
            return false;
        };
        let legal: Vec<u32> = mask.iter().collect();
        if legal.is_empty() {
            assert!(run.is_complete());
            return true;
        }
        let choice = walk.get(at).map_or(0, |byte| usize::from(*byte));
        run.accept(legal[choice % legal.len()]).expect("a legal token");
    }
    assert!(run.is_complete(), "the text did not end within its budget");
    true
}
