//! Our ids against those of the `tokenizers` crate, for the same vocabulary as tokenizer.json.

use serde_json::{Map, Value, json};

use super::*;

/// The vocabulary as a tokenizer.json.
fn json_of(small: &Small) -> Value {
    let plain = small.tokens.iter().zip(&small.types).enumerate().filter(|(_, (_, ty))| **ty == 1);
    let vocab: Map<String, Value> = plain.map(|(id, (token, _))| (token.clone(), id.into())).collect();
    let merges: Vec<Value> =
        small.merges.iter().map(|merge| merge.split(' ').collect::<Vec<_>>().into()).collect();
    let added: Vec<Value> = small
        .tokens
        .iter()
        .zip(&small.types)
        .enumerate()
        .filter(|(_, (_, ty))| **ty == 3)
        .map(|(id, (content, _))| {
            json!({ "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true })
        })
        .collect();
    let bytes = |use_regex: bool| json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex });
    let llama3 = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let split = |pattern: &str| {
        json!({ "type": "Sequence", "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": pattern }, "behavior": "Isolated", "invert": false },
            bytes(false),
        ]})
    };
    let pre_tokenizer = match small.pre {
        "gpt-2" => bytes(true),
        "smollm" => json!({ "type": "Sequence", "pretokenizers": [
            { "type": "Digits", "individual_digits": true }, bytes(true),
        ]}),
        "qwen2" => split(&llama3.replace("{1,3}", "")),
        "llama-bpe" | "smaug-bpe" => split(llama3),
        other => panic!("no published tokenizer.json for {other}"),
    };
    json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
        "added_tokens": added,
        "pre_tokenizer": pre_tokenizer,
        "decoder": bytes(true),
        "model": { "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                   "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                   "ignore_merges": small.pre == "llama-bpe", "vocab": vocab, "merges": merges },
    })
}

type Pair = (Tokenizer, tokenizers::Tokenizer);

fn pairs() -> &'static [Pair] {
    static PAIRS: std::sync::OnceLock<Vec<Pair>> = std::sync::OnceLock::new();
    PAIRS.get_or_init(|| {
        let pair = |pre| {
            let mut small = bpe(pre);
            if pre.ends_with("-bpe") {
                // A word that is a token although no merges lead there.
                // It stands before the control tokens, which the crate numbers on from the plain ones.
                let end = small.types.iter().position(|&ty| ty == 3).unwrap();
                small.tokens.insert(end, "Ġquack".into());
                small.types.insert(end, 1);
            }
            let oracle = tokenizers::Tokenizer::from_bytes(json_of(&small).to_string()).unwrap();
            (load(&small), oracle)
        };
        ["gpt-2", "smollm", "qwen2", "llama-bpe", "smaug-bpe"].map(pair).into()
    })
}

fn compare(text: &str) {
    for (ours, oracle) in pairs() {
        let expected = oracle.encode_fast(text, false).unwrap();
        assert_eq!(ids(ours, text, Specials::Parse), expected.get_ids(), "{ours:?} {text:?}");
    }
}

#[test]
fn words_that_are_tokens_need_no_merges() {
    compare(" quack quack quacks");
    let (ours, _) = &pairs()[3];
    assert_eq!(ids(ours, " quack", Specials::Text), [ours.token_id("Ġquack").unwrap()]);
    let (merged, _) = &pairs()[4];
    assert!(ids(merged, " quack", Specials::Text).len() > 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ids_are_those_of_the_crate(text in texts()) {
        // Characters newer than the crate's Unicode are left out: they may be letters to us only.
        let text: String = text.chars().filter(|&c| c < '\u{1e000}' || ('\u{1f300}'..='\u{1f64f}').contains(&c)).collect();
        compare(&text);
    }
}
