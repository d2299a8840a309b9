use std::sync::Arc;

use super::*;
use crate::decode::sampler::Sampling;
use crate::grammar::{TokenTrie, gbnf};
use crate::model::ScriptedModel;

/// Token `i` is the byte `i`; 256 ends the text; 257 is `on`.
fn trie() -> Arc<TokenTrie> {
    let bytes = |id: u32| if id == 257 { b"on".to_vec() } else { vec![id as u8] };
    Arc::new(TokenTrie::new(258, bytes, |id| id == 256))
}

struct Told {
    result: Result<Decoded, DecodeError>,
    text: String,
    asked: usize,
    fed: usize,
}

fn told(grammar: &str, wishes: &[u32], max_tokens: usize) -> Told {
    let trie = trie();
    let mut matcher = Matcher::new(Arc::new(gbnf::parse(grammar).unwrap()), trie.clone()).unwrap();
    let mut model = ScriptedModel::new(258, 100, wishes);
    model.feed(&[0]).unwrap();
    let mut text = Vec::new();
    let mut spell = |bytes: &[u8], out: &mut Vec<u32>| out.extend(bytes.iter().map(|&b| u32::from(b)));
    let result = run(
        &mut model,
        Some(Guide { matcher: &mut matcher, tokenize: &mut spell }),
        &mut Sampler::new(Sampling { temperature: 0.0, ..Default::default() }),
        Settings { max_tokens, stop: &[256] },
        &AtomicBool::new(false),
        &mut |token| text.extend_from_slice(trie.bytes(token)),
    );
    Told { result, text: String::from_utf8(text).unwrap(), asked: model.asked(), fed: model.len() }
}

#[test]
fn the_model_is_asked_only_what_is_open() {
    let run = told(r#"root ::= "turn " ("on" | "off") " now""#, &[257], 50);
    let done = run.result.unwrap();
    assert_eq!((run.text.as_str(), run.asked), ("turn on now", 1));
    assert_eq!((done.forced, done.sampled(), done.tokens.len()), (9, 1, 10));
    assert_eq!(done.ending, Ending::Complete);
    assert_eq!(run.fed, 6, "the forced end is not fed");
    let step = done.steps[0];
    assert_eq!((step.token, step.legal), (257, 2));
    assert!((f64::from(step.probability + step.runner_up) - 1.0).abs() < 1e-6);
    assert!((done.confidence() - f64::from(step.probability)).abs() < 1e-9);
}

#[test]
fn a_stop_token_ends_only_where_the_text_may_end() {
    let run = told("root ::= [a-z]{2,}", &[256, 98, 256], 50);
    // The first wish is not legal: of the others the lowest id wins.
    assert_eq!((run.text.as_str(), run.result.unwrap().ending), ("ab", Ending::Stop(256)));
}

#[test]
fn the_limit_never_tears_a_text() {
    let grammar = r#"root ::= "[" [a-z]* "]""#;
    for max in 2..20 {
        let run = told(grammar, &[120; 40], max);
        let done = run.result.unwrap();
        assert_eq!(run.text.len(), max);
        assert!(run.text.ends_with(']'), "{}", run.text);
        assert_eq!(done.tokens.len(), max);
    }
    let run = told(grammar, &[], 1);
    assert!(matches!(run.result, Err(DecodeError::Grammar(MatchError::Budget { .. }))));
}

#[test]
fn without_a_grammar_it_runs_to_a_stop_or_the_limit() {
    let mut model = ScriptedModel::new(300, 6, [65, 66, 256]);
    model.feed(&[1, 2]).unwrap();
    let mut sampler = Sampler::new(Sampling { temperature: 0.0, ..Default::default() });
    let cancel = AtomicBool::new(false);
    let settings = Settings { max_tokens: 100, stop: &[256] };
    let done = run(&mut model, None, &mut sampler, settings, &cancel, &mut |_| {}).unwrap();
    assert_eq!((done.tokens, done.ending), (vec![65, 66], Ending::Stop(256)));
    model.truncate(1);
    model.feed(&[2]).unwrap();
    let done = run(&mut model, None, &mut sampler, settings, &cancel, &mut |_| {}).unwrap();
    assert_eq!((done.tokens.len(), done.ending), (4, Ending::Limit), "the context is the limit");
    cancel.store(true, Ordering::Relaxed);
    let done = run(&mut model, None, &mut sampler, settings, &cancel, &mut |_| {});
    assert!(matches!(done, Err(DecodeError::Cancelled)));
}

/// A model of random weights: each logit is a hash of the tokens so far and the id.
struct Noise {
    vocab_size: usize,
    held: Vec<u32>,
    logits: Vec<f32>,
}

impl LanguageModel for Noise {
    fn vocab_size(&self) -> usize {
        self.vocab_size
    }
    fn context(&self) -> usize {
        4096
    }
    fn len(&self) -> usize {
        self.held.len()
    }
    fn truncate(&mut self, len: usize) {
        self.held.truncate(len);
    }
    fn feed(&mut self, tokens: &[u32]) -> Result<(), ModelError> {
        self.held.extend_from_slice(tokens);
        Ok(())
    }
    fn logits(&mut self, rows: Option<&[u32]>) -> &[f32] {
        let seed =
            self.held.iter().fold(7u64, |n, t| (n ^ u64::from(*t)).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let score = |id: u32| {
            let mut x = (seed ^ u64::from(id)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
            x = (x ^ (x >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
            ((x >> 40) as f32 / 16_777_216.0 - 0.5) * 6.0
        };
        self.logits.clear();
        match rows {
            Some(rows) => self.logits.extend(rows.iter().map(|&id| score(id))),
            None => self.logits.extend((0..self.vocab_size as u32).map(score)),
        }
        &self.logits
    }
}

#[test]
fn a_thousand_samples_of_noise_all_fit_their_schema() {
    let schemas = [
        serde_json::json!({"type": "object", "properties": {
            "tool": {"enum": ["on", "off", "toggle"]},
            "devices": {"type": "array", "items": {"enum": ["kitchen light", "hall light", "pump"]}, "minItems": 1, "maxItems": 3},
            "percent": {"type": "number", "minimum": 0, "maximum": 100}},
            "required": ["tool", "devices"], "additionalProperties": false}),
        serde_json::json!({"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 12}, "minItems": 1}),
        serde_json::json!({"anyOf": [{"type": "integer", "minimum": -50, "maximum": 1500}, {"type": "null"}, {"type": "string", "pattern": "^[a-z]{2,8}(_[a-z]+)*$"}]}),
        serde_json::json!({"$defs": {"t": {"type": "object", "properties": {"v": {"type": "number"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/t"}}},
            "required": ["v"], "additionalProperties": false}}, "$ref": "#/$defs/t"}),
        serde_json::json!({"type": "object", "properties": {"note": {"type": "string"}}, "additionalProperties": {"type": "boolean"}}),
    ];
    let pieces = [
        "\"tool\"",
        "\":",
        "\",\"",
        "on",
        "off",
        "tog",
        "{\"",
        "\"}",
        "light",
        " ",
        "the ",
        "],",
        "[\"",
        "123",
        "0.5",
        "é",
        "\\n",
        "\"v\":",
        "\"kids\":[",
        "null",
        "true",
    ];
    let trie = Arc::new(TokenTrie::new(
        257 + pieces.len(),
        |id| match id {
            0..256 => vec![id as u8],
            256 => Vec::new(),
            id => pieces[id as usize - 257].as_bytes().to_vec(),
        },
        |id| id == 256,
    ));
    let (mut limited, mut longest) = (0, 0);
    for (which, schema) in schemas.iter().enumerate() {
        let grammar = Arc::new(crate::grammar::schema::compile(schema, Default::default()).unwrap().grammar);
        let validator = jsonschema::draft202012::new(schema).unwrap();
        let mut matcher = Matcher::new(grammar, trie.clone()).unwrap();
        for round in 0..200u32 {
            matcher.reset().unwrap();
            // A third with little room, down to the least that always suffices.
            let max_tokens = if round % 3 == 0 { matcher.needed() + round as usize % 7 } else { 300 };
            let mut model =
                Noise { vocab_size: trie.vocab_size(), held: vec![which as u32, round], logits: Vec::new() };
            let mut text = Vec::new();
            let mut spell =
                |bytes: &[u8], out: &mut Vec<u32>| out.extend(bytes.iter().map(|&b| u32::from(b)));
            let done = run(
                &mut model,
                Some(Guide { matcher: &mut matcher, tokenize: &mut spell }),
                &mut Sampler::new(Sampling {
                    temperature: 1.0,
                    seed: u64::from(round),
                    ..Default::default()
                }),
                Settings { max_tokens, stop: &[256] },
                &AtomicBool::new(false),
                &mut |token| text.extend_from_slice(trie.bytes(token)),
            )
            .unwrap();
            assert!(done.tokens.len() <= max_tokens);
            limited += usize::from(done.tokens.len() == max_tokens);
            longest = longest.max(text.len());
            let text = String::from_utf8(text).unwrap();
            let value: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert!(validator.is_valid(&value), "{schema} {text}");
        }
    }
    println!("1000 samples, {limited} cut short by the limit, the longest {longest} bytes");
    assert!(limited > 100, "{limited}");
}
