//! llguidance, started and run as the cases of `pintail grammar cases` are.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, anyhow};
use llguidance::api::TopLevelGrammar;
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{ApproximateTokEnv, InferenceCapabilities, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use pintail::grammar::cases::{Case, Outcome, Status, Vocabulary, Walk};
use pintail::grammar::schema::Draft;
use pintail::tokenizer::Tokenizer;
use serde_json::{Value, json};

/// A started engine: the trie, and the slices unless they are left out.
pub struct Peer {
    factory: ParserFactory,
    /// White space as llguidance takes it by default, or none as we do.
    flexible: bool,
}

impl Peer {
    pub fn start(tokenizer: &Tokenizer, slices: bool, flexible: bool) -> Result<Peer> {
        let words: Vec<Vec<u8>> = (0..tokenizer.vocab_size() as u32)
            .map(|id| {
                let bytes = tokenizer.token_bytes(id).into_owned();
                // Its way to say that a token is no text.
                if tokenizer.is_special(id) {
                    [&[TokTrie::SPECIAL_TOKEN_MARKER], &*bytes].concat()
                } else {
                    bytes
                }
            })
            .collect();
        let end = tokenizer.eos().unwrap_or(0);
        let trie = TokTrie::from(&TokRxInfo::new(words.len() as u32, end), &words);
        drop(words);
        let env: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let slices = if slices { SlicedBiasComputer::general_slices() } else { Vec::new() };
        let mut factory = ParserFactory::new(&env, InferenceCapabilities::default(), &slices)?;
        factory.quiet();
        Ok(Peer { factory, flexible })
    }

    /// As [`pintail::grammar::cases::run`].
    pub fn run(&self, case: &Case, vocabulary: &Vocabulary) -> Outcome {
        let refuse = |error: String| {
            let line = error.lines().next().unwrap_or_default().to_owned();
            Outcome::broken(case, Status::Refused, line)
        };
        let mut schema: Value = match serde_json::from_str(&case.schema) {
            Ok(schema) => schema,
            Err(error) => return refuse(error.to_string()),
        };
        if let Some(object) = schema.as_object_mut() {
            if !self.flexible {
                object.insert("x-guidance".to_owned(), json!({"whitespace_flexible": false}));
            }
            if case.draft == Draft::Seven && !object.contains_key("$schema") {
                object.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
            }
        }
        let grammar = TopLevelGrammar::from_json_schema(schema);
        let start = Instant::now();
        let mut matcher = Matcher::new(self.factory.create_parser(grammar));
        let compile_us = micros(start);
        if let Some(error) = matcher.get_error() {
            return refuse(error);
        }
        let first = matcher.compute_mask();
        let first_mask_us = micros(start);
        if let Err(error) = first {
            return refuse(error.to_string());
        }
        let mut outcome = Outcome::broken(case, Status::Compiled, String::new());
        (outcome.error, outcome.compile_us, outcome.first_mask_us) = (None, compile_us, Some(first_mask_us));
        let mut skip = true;
        for test in &case.tests {
            let tokens = vocabulary.tokens(&test.text);
            let walk = Walk { valid: test.valid, accepted: false, tokens: tokens.len(), refused_at: None };
            let accepted = matcher
                .reset()
                .and_then(|()| walk_tokens(&mut matcher, &tokens, &mut skip, &mut outcome.masks_us))
                .unwrap_or_else(|error| {
                    (outcome.status, outcome.error) = (Status::Failed, Some(error.to_string()));
                    false
                });
            outcome.tests.push(Walk { accepted, ..walk });
        }
        outcome.all_right = outcome.status == Status::Compiled
            && outcome.tests.iter().all(|walk| walk.accepted == walk.valid);
        outcome
    }
}

fn walk_tokens(
    matcher: &mut Matcher,
    tokens: &[u32],
    skip: &mut bool,
    masks_us: &mut Vec<f32>,
) -> Result<bool> {
    for &token in tokens {
        if matcher.is_stopped() {
            return Ok(false);
        }
        let start = Instant::now();
        let legal = matcher.compute_mask().map_err(|error| anyhow!("{error}"))?.is_allowed(token);
        if !std::mem::replace(skip, false) {
            masks_us.push(micros(start) as f32);
        }
        if !legal {
            return Ok(false);
        }
        matcher.consume_token(token)?;
    }
    Ok(!tokens.is_empty() && matcher.is_accepting()?)
}

fn micros(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e6
}
