//! Small vocabularies made here, held against slow readable merging, the `tokenizers` crate and, where
//! they are at hand, published vocabularies with their expected ids.

mod fixtures;
mod oracle;
mod small;

use proptest::prelude::*;

use super::*;
use crate::gguf::{Bytes, GgufError, Writer};
use small::{Small, bpe, load, spm};

fn ids(tokenizer: &Tokenizer, text: &str, specials: Specials) -> Vec<u32> {
    let mut out = Vec::new();
    tokenizer.encode(text, specials, &mut out);
    out
}

/// Text as people write it, text that is nothing but trouble, and the strings of special tokens.
fn texts() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        4 => prop::sample::select(small::CORPUS.split_inclusive(' ').collect::<Vec<_>>()).prop_map(str::to_owned),
        2 => "[ \\t\\n\\r\u{2581}a-f0-9'.,!?-]{0,6}",
        1 => any::<String>(),
        1 => prop::sample::select(vec!["<|d1|>", "<|d12|>", "<|", "<s>", "</s>", "<unk>", "<0x0A>", "<", "s>", "\u{2581}"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(parts, 0..8).prop_map(|parts| parts.concat())
}

/// A vocabulary of each kind and pre-tokenizer.
fn all_kinds() -> Vec<Tokenizer> {
    let names = ["gpt-2", "smollm", "qwen2", "llama-bpe", "default"];
    names.iter().map(|pre| load(&bpe(pre))).chain([load(&spm())]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_comes_back(text in texts()) {
        for tokenizer in all_kinds_once() {
            let encoded = ids(tokenizer, &text, Specials::Text);
            prop_assert_eq!(tokenizer.decode(&encoded, Specials::Text), &text[..], "{:?}", tokenizer);
            prop_assert!(encoded.iter().all(|&id| !tokenizer.is_special(id)), "{:?} {:?}", tokenizer, encoded);
        }
    }

    #[test]
    fn special_strings_come_back(text in texts()) {
        for tokenizer in &all_kinds_once()[..5] {
            let encoded = ids(tokenizer, &text, Specials::Parse);
            prop_assert_eq!(tokenizer.decode(&encoded, Specials::Parse), &text[..]);
        }
    }

    #[test]
    fn guarded_words_hold_no_special_token(text in texts(), before in "[ a-z]{0,4}") {
        for tokenizer in all_kinds_once() {
            let guarded = tokenizer.guard(&text);
            prop_assert_eq!(&*tokenizer.unguard(&guarded), &text[..]);
            let mut found = Vec::new();
            tokenizer.encode_guarded(&guarded, &mut found);
            prop_assert_eq!(&found, &ids(tokenizer, &text, Specials::Text), "{:?} {:?}", tokenizer, text);
            // In a frame, its marks are tokens and nothing else is.
            let eos = tokenizer.eos().unwrap();
            let mark = tokenizer.token_text(eos);
            let mut framed = Vec::new();
            tokenizer.encode_guarded(&format!("{mark}{before}{guarded}{mark}"), &mut framed);
            let marks = framed.iter().filter(|&&id| tokenizer.is_marker(id)).count();
            prop_assert_eq!(marks, 2, "{:?}", framed);
            prop_assert_eq!((framed[0], framed[framed.len() - 1]), (eos, eos));
        }
    }

    #[test]
    fn merging_is_as_defined(text in texts()) {
        for (tokenizer, small) in [(&all_kinds_once()[0], bpe_once()), (&all_kinds_once()[5], spm_once())] {
            let expected = small.encode_slowly(&text);
            prop_assert_eq!(ids(tokenizer, &text, Specials::Text), expected, "{:?} {:?}", tokenizer, text);
        }
    }

    #[test]
    fn a_decoder_is_fed_anything(tokens in prop::collection::vec(0u32..900, 0..40)) {
        for tokenizer in all_kinds_once() {
            let mut bytes = Vec::new();
            tokens.iter().for_each(|&id| tokenizer.append_bytes(id, &mut bytes));
            let mut decoder = Decoder::new(Specials::Parse);
            let mut out = String::new();
            for &id in &tokens {
                decoder.push(tokenizer, id, &mut out);
                prop_assert!(decoder.held_len() < 4);
            }
            decoder.finish(&mut out);
            prop_assert_eq!(out, String::from_utf8_lossy(&bytes));
        }
    }
}

fn all_kinds_once() -> &'static [Tokenizer] {
    static ALL: std::sync::OnceLock<Vec<Tokenizer>> = std::sync::OnceLock::new();
    ALL.get_or_init(all_kinds)
}

fn bpe_once() -> &'static Small {
    static SMALL: std::sync::OnceLock<Small> = std::sync::OnceLock::new();
    SMALL.get_or_init(|| bpe("gpt-2"))
}

fn spm_once() -> &'static Small {
    static SMALL: std::sync::OnceLock<Small> = std::sync::OnceLock::new();
    SMALL.get_or_init(spm)
}

#[test]
fn special_tokens_only_where_asked() {
    let tokenizer = load(&bpe("smollm"));
    let d1 = tokenizer.token_id("<|d1|>").unwrap();
    let d12 = tokenizer.token_id("<|d12|>").unwrap();
    assert_eq!(ids(&tokenizer, "<|d1|><|d12|>", Specials::Parse), [d1, d12]);
    let plain = ids(&tokenizer, "<|d1|>", Specials::Text);
    assert!(plain.len() > 1 && !plain.contains(&d1));
    assert_eq!(ids(&tokenizer, "<|d1", Specials::Parse), ids(&tokenizer, "<|d1", Specials::Text));
    assert_eq!(tokenizer.token_type(d1), TokenType::Control);
    assert!(tokenizer.is_special(d1));
    assert_eq!(&*tokenizer.token_bytes(d1), b"<|d1|>");
    assert_eq!(tokenizer.decode(&[d1], Specials::Text), "");
    assert_eq!(tokenizer.token_bytes(tokenizer.token_id("Ġthe").unwrap()), &b" the"[..]);
    assert_eq!(tokenizer.token_text(u32::MAX), "");
    assert_eq!(tokenizer.token_bytes(tokenizer.vocab_size() as u32), &b""[..]);
}

#[test]
fn user_defined_tokens_are_no_text_of_a_person_either() {
    // Qwen's `<tool_call>` is such a token; one of a single character is guarded like the others.
    let mut small = bpe("qwen2");
    for text in ["<call>", "q"] {
        match small.tokens.iter().position(|token| token == text) {
            Some(at) => small.types[at] = 4,
            None => {
                small.tokens.push(text.into());
                small.types.push(4);
            }
        }
    }
    let tokenizer = load(&small);
    let call = tokenizer.token_id("<call>").unwrap();
    let q = tokenizer.token_id("q").unwrap();
    assert_eq!(ids(&tokenizer, "<call>", Specials::Parse), [call]);
    assert!(!ids(&tokenizer, "<call>", Specials::Text).contains(&call));
    assert!(tokenizer.is_marker(call) && !tokenizer.is_special(call));
    let mut framed = Vec::new();
    tokenizer.encode_guarded(&format!("<call>{}q", tokenizer.guard("q<call>\u{fdd0}")), &mut framed);
    assert_eq!(framed.iter().filter(|&&id| id == call).count(), 1);
    assert_eq!(framed.iter().filter(|&&id| id == q).count(), 1);
    assert_eq!((framed[0], framed[framed.len() - 1]), (call, q));
    // A person's U+FDD0 lifts no guard: it is replaced.
    assert_eq!(tokenizer.guard("a\u{fdd0}b"), "a\u{fffd}b");
}

#[test]
fn a_decoder_never_shows_half_a_character() {
    let tokenizer = load(&spm());
    let byte = |byte: u8| tokenizer.token_id(&format!("<0x{byte:02X}>")).unwrap();
    let mut decoder = Decoder::new(Specials::Text);
    let mut out = String::new();
    let mut push = |byte_value, expected: &str| {
        decoder.push(&tokenizer, byte(byte_value), &mut out);
        assert_eq!(out, expected);
    };
    push(0xf0, "");
    push(0x9f, "");
    push(0xa6, "");
    push(0x86, "🦆");
    push(0xe2, "🦆");
    push(b'x', "🦆\u{fffd}x");
    push(0xff, "🦆\u{fffd}x\u{fffd}");
    push(0xc3, "🦆\u{fffd}x\u{fffd}");
    decoder.finish(&mut out);
    assert_eq!(out, "🦆\u{fffd}x\u{fffd}\u{fffd}");
}

#[test]
fn a_megabyte_is_not_quadratic() {
    let started = std::time::Instant::now();
    for tokenizer in all_kinds_once() {
        for unit in ["a", "the ", "<|d1"] {
            let text = unit.repeat(1_000_000 / unit.len());
            let encoded = ids(tokenizer, &text, Specials::Parse);
            assert_eq!(
                tokenizer.decode(&encoded, Specials::Parse).len(),
                text.len(),
                "{tokenizer:?} {unit:?}"
            );
        }
    }
    // 18 megabytes; a quadratic pass over one of them would take hours.
    assert!(started.elapsed().as_secs() < 120, "took {:?}", started.elapsed());
}

#[test]
fn a_vocabulary_of_49_152_takes_less_than_1_4_mb() {
    // As large as SmolLM2's: 256 bytes, and every merge makes a token.
    let mut tokens: Vec<String> = (0..=255u8).map(|byte| super::bpe::byte_to_char(byte).into()).collect();
    let mut merges = Vec::new();
    'fill: for length in 1.. {
        let parts: Vec<String> =
            tokens.iter().filter(|token| token.chars().count() == length).cloned().collect();
        for left in &parts {
            for right in 'a'..='z' {
                if tokens.len() == 49_152 {
                    break 'fill;
                }
                merges.push(format!("{left} {right}"));
                tokens.push(format!("{left}{right}"));
            }
        }
    }
    let mut w = Writer::new();
    w.str("tokenizer.ggml.model", "gpt2").unwrap().str("tokenizer.ggml.pre", "smollm").unwrap();
    w.strings("tokenizer.ggml.tokens", &tokens).unwrap();
    w.strings("tokenizer.ggml.merges", &merges).unwrap();
    let tokenizer = Tokenizer::from_gguf(&Gguf::parse(w.to_bytes().into()).unwrap()).unwrap();
    assert_eq!(tokenizer.vocab_size(), 49_152);
    println!("heap: {} bytes", tokenizer.heap_bytes());
    assert!(tokenizer.heap_bytes() < 1_400_000, "{} bytes", tokenizer.heap_bytes());
}

#[test]
fn what_does_not_fit_is_refused() {
    type Edit = fn(&mut Small);
    let cases: [(Small, Edit, &str); 11] = [
        (bpe("gpt-2"), |s| s.model = "bert", "tokenizer.ggml.model is \"bert\""),
        (bpe("gpt-2"), |s| s.pre = "poro", "tokenizer.ggml.pre is \"poro\""),
        (bpe("gpt-2"), |s| s.tokens.clear(), "tokenizer.ggml.tokens: an empty vocabulary"),
        (bpe("gpt-2"), |s| s.types.push(1), "tokenizer.ggml.token_type"),
        (bpe("gpt-2"), |s| s.types[7] = 9, "token 7 of tokenizer.ggml.tokens: its type"),
        (bpe("gpt-2"), |s| s.merges[3] = "nospace".into(), "merge 3 of tokenizer.ggml.merges (\"nospace\")"),
        (bpe("gpt-2"), |s| s.merges[3] = "a 漢".into(), "the right string"),
        (bpe("gpt-2"), |s| s.eos = 5000, "tokenizer.ggml.eos_token_id: 5000"),
        (spm(), |s| s.scores.truncate(9), "tokenizer.ggml.scores"),
        (spm(), |s| s.tokens[9] = "<0xGG>".into(), "token 9"),
        (spm(), |s| s.scores.clear(), "tokenizer.ggml.scores"),
    ];
    for (mut small, edit, expected) in cases {
        edit(&mut small);
        let message = Tokenizer::from_gguf(&small.gguf()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    // A merge that would make a control token out of plain text.
    let mut small = bpe("gpt-2");
    small.tokens.push("qx".into());
    small.types.push(3);
    small.merges.push("q x".into());
    assert!(Tokenizer::from_gguf(&small.gguf()).unwrap_err().to_string().contains("the result"));
    let empty = Gguf::parse(Writer::new().to_bytes().into()).unwrap();
    let error = Tokenizer::from_gguf(&empty).unwrap_err();
    assert!(matches!(error, TokenizerError::Gguf(GgufError::Missing { .. })), "{error}");
    let mut w = Writer::new();
    w.str("tokenizer.ggml.model", "gpt2").unwrap();
    w.strings("tokenizer.ggml.tokens", &[b"\xff"]).unwrap();
    let error = Tokenizer::from_gguf(&Gguf::parse(w.to_bytes().into()).unwrap()).unwrap_err();
    assert!(error.to_string().contains("\\xff"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_vocabularies_are_used_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(0u8), Just(255), Just(b' '), any::<u8>()]), 1..8),
        kind in 0..2usize,
        text in texts(),
    ) {
        static FILES: std::sync::OnceLock<[Vec<u8>; 2]> = std::sync::OnceLock::new();
        let files = FILES.get_or_init(|| [bpe("llama-bpe").bytes(), spm().bytes()]);
        let mut bytes = files[kind].clone();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(file) = Gguf::parse(Bytes::from(bytes))
            && let Ok(tokenizer) = Tokenizer::from_gguf(&file)
        {
            let encoded = ids(&tokenizer, &text, Specials::Parse);
            prop_assert!(encoded.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
            tokenizer.decode(&encoded, Specials::Parse);
            for id in 0..tokenizer.vocab_size() as u32 {
                tokenizer.token_bytes(id);
            }
        }
    }
}
