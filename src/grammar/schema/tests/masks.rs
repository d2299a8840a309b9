//! Masks of schemas against trying every token, over a vocabulary of tokens that cross all borders:
//! between characters, between strings and what surrounds them, between what is plain and what is not.

use super::*;

const WORDS: &[&str] = &[
    "aa",
    "ab",
    "na",
    "name",
    "name\"",
    "\"name\"",
    "\":",
    "\",\"",
    "{\"",
    "é",
    "éa",
    "日本",
    "日\"",
    "\\n",
    "\\\"",
    "\\u00",
    "  ",
    "true",
    "nu",
    "12",
    "0.5",
    "],",
    "abcdefghijklmno",
    "abcdefghijklmnop",
    "abcdefghijklmnopq",
    "ééééééééééééééééé",
    "a\n",
    "\u{7f}",
    "\u{7f}a",
    "\",\"b\":",
    "aa",
    "{}",
    "}",
    "[[",
    "red",
    "\"red\"",
    "bé",
    "b\u{1}",
];

fn trie() -> Arc<TokenTrie> {
    let parts: [&[u8]; 4] = [b"\xc3", b"\xe6\x97", b"\xa5\"", b"a\xe6"];
    let bytes = move |id: u32| match id as usize {
        id @ 0..256 => vec![id as u8],
        id => match WORDS.get(id - 256) {
            Some(word) => word.as_bytes().to_vec(),
            None => parts[id - 256 - WORDS.len()].to_vec(),
        },
    };
    Arc::new(TokenTrie::new(256 + WORDS.len() + 4, bytes, |_| false))
}

/// Walks through texts of the schema and tries every token at every place.
fn compare(schema: &Value, any_order: bool, seed: u64, steps: usize) {
    let options = Options { any_order, ..Options::default() };
    let Ok(compiled) = compile(schema, options) else { return };
    let trie = trie();
    let mut run = Matcher::new(Arc::new(compiled.grammar), trie.clone()).unwrap();
    let mut probe = run.clone();
    let mut state = seed | 1;
    let mut text = Vec::new();
    for _ in 0..steps {
        let mut costs = Vec::new();
        for token in 0..trie.vocab_size() as u32 {
            if probe.accept(token).is_ok() {
                costs.push((token, probe.needed()));
                probe.rollback(1).unwrap();
            }
        }
        for budget in [None, Some(run.needed()), Some(run.needed() + 1), Some(run.needed() + 2), Some(30)] {
            let wanted: Vec<u32> = costs
                .iter()
                .filter(|(_, cost)| budget.is_none_or(|budget| *cost < budget))
                .map(|(token, _)| *token)
                .collect();
            match run.mask(budget) {
                Ok(mask) => {
                    let found: Vec<u32> = mask.iter().collect();
                    assert_eq!(mask.count(), found.len());
                    assert_eq!(
                        found,
                        wanted,
                        "{schema} {budget:?} behind {:?}",
                        String::from_utf8_lossy(&text)
                    );
                }
                Err(error) => assert!(wanted.is_empty() && !run.is_complete(), "{error}"),
            }
        }
        if costs.is_empty() {
            return;
        }
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let token = costs[(state >> 33) as usize % costs.len()].0;
        text.extend_from_slice(trie.bytes(token));
        run.accept(token).unwrap();
        probe.accept(token).unwrap();
    }
}

#[test]
fn masks_inside_strings_equal_every_token_tried() {
    let bounds =
        [(0, None), (0, Some(1)), (1, Some(3)), (0, Some(16)), (2, Some(17)), (15, Some(40)), (3, None)];
    for (min, max) in bounds {
        let mut schema = json!({"type": "string", "minLength": min});
        if let Some(max) = max {
            schema["maxLength"] = json!(max);
        }
        for seed in 1..6 {
            compare(&schema, false, seed * 7919, 24);
        }
    }
    let free = [
        json!({"type": "object", "properties": {"name": {"type": "string"}, "na": {"const": 1}, "é": {"type": "null"}}}),
        json!({"type": "object", "properties": {"": {"const": "red"}, "\"": {"const": 1}, "\n": {"const": 2}}}),
        json!({"type": "object", "propertyNames": {"maxLength": 3}, "additionalProperties": {"type": "boolean"}}),
        json!({"type": "string", "not": {"enum": ["aa", "ab", "", "日本"]}}),
        json!({"anyOf": [{"type": "string", "maxLength": 3}, {"const": "abcdefghijklmnop"}]}),
        json!({"anyOf": [{"type": "string", "maxLength": 2}, {"type": "string", "pattern": "^[\\s\\S][\\s\\S][\\s\\S]$"}]}),
        json!({"type": "object", "patternProperties": {"^[ab]+$": {"const": 1}}, "additionalProperties": {"const": 2}}),
        json!({"type": "string", "pattern": "^a.*$"}),
        json!({"anyOf": [{"type": "string", "maxLength": 2}, {"type": "string", "minLength": 4, "maxLength": 15}]}),
        json!({"type": "array", "items": {"type": "string", "maxLength": 2}, "maxItems": 200}),
        json!({"type": "array", "items": {"type": "array", "items": {"enum": ["red", 12]}, "maxItems": 90}, "minItems": 2}),
    ];
    for schema in free {
        for seed in 1..9 {
            compare(&schema, seed % 2 == 0, seed * 104729, 24);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn masks_equal_every_token_tried(schema in schema(), any_order in any::<bool>(), seed in any::<u64>()) {
        compare(&schema, any_order, seed, 12);
    }
}
