//! Recorded cases: schemas with values that fit and values that do not, run through the engine as a decoder
//! runs it, a token and a mask at a time.
//!
//! A case is a line `{"id", "schema", "tests": [{"data", "valid"}]}`, with `draft` and `split` where known.
//! Values are walked compact, numbers and key order as they are written.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::schema::{self, Draft};
use super::{GrammarError, Limits, MatchError, Matcher, TokenTrie};
use crate::tokenizer::{Specials, Tokenizer};

/// A schema and values to try on it.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// The collection that it is from.
    pub split: Option<String>,
    /// The draft that it is written in, where its `$schema` does not say.
    pub draft: Draft,
    /// The JSON text of the schema.
    pub schema: String,
    /// Values to try.
    pub tests: Vec<Instance>,
}

/// A value to try.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its compact JSON text.
    pub text: String,
    /// Whether it fits the schema.
    pub valid: bool,
}

impl Case {
    /// Reads a line of a file of cases. Keys that are not known are passed over: files carry notes.
    ///
    /// # Errors
    /// What is not JSON or not a case, with its column.
    pub fn parse(line: &str) -> Result<Case, serde_json::Error> {
        #[derive(Deserialize)]
        struct Record<'a> {
            id: String,
            split: Option<String>,
            draft: Option<String>,
            #[serde(borrow)]
            schema: &'a RawValue,
            #[serde(borrow, default)]
            tests: Vec<Test<'a>>,
        }
        #[derive(Deserialize)]
        struct Test<'a> {
            #[serde(borrow)]
            data: &'a RawValue,
            valid: bool,
        }
        let record: Record = serde_json::from_str(line)?;
        let draft = match record.draft.as_deref() {
            Some(name) if ["draft7", "draft6", "draft4", "draft3"].contains(&name) => Draft::Seven,
            _ => Draft::Modern,
        };
        let tests = record.tests.iter();
        Ok(Case {
            id: record.id,
            split: record.split,
            draft,
            schema: record.schema.get().to_owned(),
            tests: tests.map(|test| Instance { text: compact(test.data.get()), valid: test.valid }).collect(),
        })
    }
}

/// JSON without white space: numbers as they are written, strings as serialisers write them.
pub fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' => {
                while let Some(&byte) = bytes.get(at) {
                    at += if byte == b'\\' { 2 } else { 1 };
                    if byte == b'"' {
                        break;
                    }
                }
                let written = json.get(start..at).unwrap_or_default();
                match serde_json::from_str::<String>(written) {
                    Ok(text) => out += &Value::from(text).to_string(),
                    // Half of a surrogate pair has no other spelling.
                    Err(_) => out += written,
                }
            }
            _ => {
                while bytes.get(at).is_some_and(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'"')) {
                    at += 1;
                }
                out += &json[start..at];
            }
        }
    }
    out
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The schema was compiled.
    Compiled,
    /// The schema was refused.
    Refused,
    /// It was compiled, and memory or vocabulary did not suffice to run it.
    Failed,
    /// It took longer than it may, and was stopped.
    TimedOut,
    /// The program ended in the middle of it.
    Crashed,
}

/// How the walk of one value ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Walk {
    /// Whether the value fits the schema, as the case says.
    pub valid: bool,
    /// Whether every token was legal and the text complete.
    pub accepted: bool,
    /// Tokens of the value.
    pub tokens: usize,
    /// The first byte of the token that was not legal, or the length of a text that ended too early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<usize>,
}

/// The result of a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The case.
    pub id: String,
    /// The collection that it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// What became of it.
    pub status: Status,
    /// Why it was not compiled or did not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether it was compiled and every value got the right answer.
    pub all_right: bool,
    /// The walks, in the order of the values.
    pub tests: Vec<Walk>,
    /// Values to which tokens and bytes gave different answers (a fault of the engine).
    pub split_answers: usize,
    /// States of the automaton.
    pub states: usize,
    /// Bytes of grammar and run together, at the end.
    pub memory: usize,
    /// Compiling the schema, in microseconds.
    pub compile_us: f64,
    /// From the parsed schema to its first mask, in microseconds.
    pub first_mask_us: Option<f64>,
    /// Every later mask, in microseconds, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub masks_us: Vec<f32>,
}

impl Outcome {
    /// A case that did not come to its end.
    pub fn broken(case: &Case, status: Status, error: String) -> Outcome {
        Outcome {
            id: case.id.clone(),
            split: case.split.clone(),
            status,
            error: Some(error),
            all_right: false,
            tests: Vec::new(),
            split_answers: 0,
            states: 0,
            memory: 0,
            compile_us: 0.0,
            first_mask_us: None,
            masks_us: Vec::new(),
        }
    }
}

/// The vocabulary that cases are walked in.
pub struct Vocabulary {
    tokenizer: Tokenizer,
    /// The token that is just this byte.
    single: Box<[Option<u32>; 256]>,
}

impl Vocabulary {
    /// The vocabulary of a tokenizer.
    pub fn new(tokenizer: Tokenizer) -> Vocabulary {
        let mut single = Box::new([None; 256]);
        for id in (0..tokenizer.vocab_size() as u32).filter(|&id| !tokenizer.is_special(id)) {
            if let [byte] = *tokenizer.token_bytes(id) {
                single[byte as usize].get_or_insert(id);
            }
        }
        Vocabulary { tokenizer, single }
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The tokens of a text that something stands before: no space is put in front, whatever the model wants at
    /// the start of a text. Byte by byte where that cannot be done; empty where bytes are missing.
    pub fn tokens(&self, text: &str) -> Vec<u32> {
        // A new line in front is in no token with what JSON begins with, so that the rest is as it would be alone.
        let mut tokens = Vec::new();
        self.tokenizer.encode(&format!("\n{text}"), Specials::Text, &mut tokens);
        let before = if self.tokenizer.adds_space_prefix() { 2 } else { 1 };
        let (mut cut, mut length) = (0, 0);
        while length < before && cut < tokens.len() {
            length += self.tokenizer.token_bytes(tokens[cut]).len();
            cut += 1;
        }
        let tokens = tokens.split_off(cut);
        let mut bytes = Vec::with_capacity(text.len());
        tokens.iter().for_each(|&token| self.tokenizer.append_bytes(token, &mut bytes));
        if length == before && bytes == text.as_bytes() {
            return tokens;
        }
        text.bytes().map(|byte| self.single[byte as usize]).collect::<Option<_>>().unwrap_or_default()
    }
}

/// How cases are run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bytes for the states of a run, see [`Limits`].
    pub states: usize,
    /// Keys of objects in any order, as recorded values have them; otherwise in the schema's.
    pub any_order: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { states: Limits::default().states, any_order: true }
    }
}

/// Runs a case over the trie of the vocabulary.
pub fn run(case: &Case, vocabulary: &Vocabulary, trie: &Arc<TokenTrie>, settings: Settings) -> Outcome {
    let Settings { states, any_order } = settings;
    let limits = Limits { states, ..Limits::of(trie) };
    let schema: Value = match serde_json::from_str(&case.schema) {
        Ok(schema) => schema,
        Err(error) => {
            return Outcome::broken(case, Status::Refused, GrammarError::Json(error.to_string()).to_string());
        }
    };
    let start = Instant::now();
    let options = schema::Options { draft: case.draft, any_order, ..schema::Options::default() };
    let grammar = match schema::compile_read(schema, &case.schema, options) {
        Ok(compiled) => Arc::new(compiled.grammar),
        Err(error) => return Outcome::broken(case, Status::Refused, error.to_string()),
    };
    let compile_us = micros(start);
    let first = Matcher::with_limits(grammar.clone(), trie.clone(), limits)
        .and_then(|mut matcher| matcher.mask(None).map(|_| ()).map(|()| matcher));
    let first_mask_us = micros(start);
    let mut outcome = Outcome::broken(case, Status::Compiled, String::new());
    (outcome.error, outcome.compile_us) = (None, compile_us);
    (outcome.states, outcome.memory) = (grammar.states(), grammar.memory());
    let fail = |outcome: &mut Outcome, error: MatchError| {
        (outcome.status, outcome.error) = (Status::Failed, Some(error.to_string()));
    };
    let mut matcher = match first {
        Ok(matcher) => matcher,
        Err(error) => {
            fail(&mut outcome, error);
            return outcome;
        }
    };
    outcome.first_mask_us = Some(first_mask_us);
    let mut first = true;
    for test in &case.tests {
        let tokens = vocabulary.tokens(&test.text);
        let mut walked = Walk { valid: test.valid, accepted: false, tokens: tokens.len(), refused_at: None };
        if let Err(error) = walk(&mut matcher, &tokens, &mut first, &mut walked, &mut outcome.masks_us) {
            fail(&mut outcome, error);
        }
        walked.refused_at = walked.refused_at.map(|count| {
            tokens[..count].iter().map(|&token| vocabulary.tokenizer.token_bytes(token).len()).sum()
        });
        outcome.tests.push(walked);
    }
    outcome.memory += matcher.memory();
    // In a run of its own, so that it does not warm the one that is timed; a decoder holds one of them.
    drop(matcher);
    match Matcher::with_limits(grammar, trie.clone(), limits) {
        Ok(mut bytes) => {
            for (test, walked) in case.tests.iter().zip(&outcome.tests) {
                let fits = bytes.reset().is_ok() && bytes.accept_bytes(test.text.as_bytes()).is_ok();
                outcome.split_answers += usize::from((fits && bytes.is_complete()) != walked.accepted);
            }
        }
        Err(error) => fail(&mut outcome, error),
    }
    outcome.all_right = outcome.status == Status::Compiled
        && outcome.split_answers == 0
        && outcome.tests.iter().all(|walk| walk.accepted == walk.valid);
    outcome
}

/// Walks the tokens of a value: a mask, then a token, to the end or to the first that is not legal, whose place
/// among the tokens goes into `refused_at`.
fn walk(
    matcher: &mut Matcher,
    tokens: &[u32],
    first: &mut bool,
    walked: &mut Walk,
    masks_us: &mut Vec<f32>,
) -> Result<(), MatchError> {
    matcher.reset()?;
    for (at, &token) in tokens.iter().enumerate() {
        let start = Instant::now();
        let legal = matcher.mask(None)?.contains(token);
        // The first mask of all has its own figure.
        if !std::mem::replace(first, false) {
            masks_us.push(micros(start) as f32);
        }
        if !legal {
            walked.refused_at = Some(at);
            return Ok(());
        }
        matcher.accept(token)?;
    }
    // A text that the vocabulary cannot spell has no tokens; a value has at least one character.
    walked.accepted = !tokens.is_empty() && matcher.is_complete();
    if !walked.accepted {
        walked.refused_at = Some(tokens.len());
    }
    Ok(())
}

fn micros(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e6
}

/// Mean and percentiles of times, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Times {
    /// How many.
    pub count: usize,
    /// Mean.
    pub avg: f64,
    /// Median.
    pub p50: f64,
    /// The time that one in a hundred is above.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Times {
    /// The figures of some times; all zero for none.
    pub fn of(mut times: Vec<f32>) -> Times {
        times.sort_unstable_by(f32::total_cmp);
        let Some(&max) = times.last() else { return Times::default() };
        let rank =
            |share: f64| f64::from(times[((times.len() as f64 * share) as usize).min(times.len() - 1)]);
        let avg = times.iter().map(|&time| f64::from(time)).sum::<f64>() / times.len() as f64;
        Times { count: times.len(), avg, p50: rank(0.5), p99: rank(0.99), max: f64::from(max) }
    }
}

/// The totals over many cases.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Totals {
    /// Cases.
    pub schemas: usize,
    /// Schemas that were compiled.
    pub compiled: usize,
    /// Schemas that were refused.
    pub refused: usize,
    /// Cases that were compiled and got every value right.
    pub all_right: usize,
    /// Valid values of compiled schemas.
    pub valid: usize,
    /// Those of them that were accepted.
    pub valid_accepted: usize,
    /// Invalid values of compiled schemas.
    pub invalid: usize,
    /// Those of them that were accepted: must be 0.
    pub invalid_accepted: usize,
    /// Cases that were compiled and could not be run.
    pub failed: usize,
    /// Cases that were stopped.
    pub timed_out: usize,
    /// Cases in which the program ended.
    pub crashed: usize,
    /// Values to which tokens and bytes gave different answers: must be 0.
    pub split_answers: usize,
    /// From the parsed schema to its first mask.
    pub first_mask_us: Times,
    /// Masks after the first.
    pub mask_us: Times,
    /// The most memory that the process held, vocabulary and program included.
    pub peak_rss_kb: u64,
    #[serde(skip)]
    first_masks: Vec<f32>,
    #[serde(skip)]
    masks: Vec<f32>,
}

impl Totals {
    /// Counts a case.
    pub fn add(&mut self, outcome: &Outcome) {
        self.schemas += 1;
        *match outcome.status {
            Status::Compiled => &mut self.compiled,
            Status::Refused => &mut self.refused,
            Status::Failed => &mut self.failed,
            Status::TimedOut => &mut self.timed_out,
            Status::Crashed => &mut self.crashed,
        } += 1;
        self.all_right += usize::from(outcome.all_right);
        self.split_answers += outcome.split_answers;
        for walk in &outcome.tests {
            let (all, accepted) = if walk.valid {
                (&mut self.valid, &mut self.valid_accepted)
            } else {
                (&mut self.invalid, &mut self.invalid_accepted)
            };
            *all += 1;
            *accepted += usize::from(walk.accepted);
        }
        self.first_masks.extend(outcome.first_mask_us.map(|us| us as f32));
        self.masks.extend_from_slice(&outcome.masks_us);
    }

    /// The totals with their times, once all cases are counted.
    pub fn finish(mut self, peak_rss_kb: u64) -> Totals {
        self.first_mask_us = Times::of(std::mem::take(&mut self.first_masks));
        self.mask_us = Times::of(std::mem::take(&mut self.masks));
        self.peak_rss_kb = peak_rss_kb;
        self
    }
}

#[cfg(test)]
mod tests;
