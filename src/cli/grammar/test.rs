//! `pintail grammar test`: whether a text fits, and where not.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use super::source::{Language, Source};
use crate::grammar::explain::{self, Refusal};
use crate::grammar::{MatchError, Matcher, TokenTrie, cache_folder};
use crate::repl::escaped;
use crate::tokenizer::{Specials, Tokenizer};

/// How much of a line is shown around a refusal, in characters to each side.
const AROUND: usize = 40;

/// Say whether a text fits a grammar or JSON Schema; if not, where it stops fitting and what was expected there
///
/// A new line at the very end that does not belong to the text is left out, so that files of one line can be
/// tested. With --model the text is walked in tokens of that vocabulary, special ones included; without, byte by
/// byte. Exit codes: 0 the text fits, 1 it does not or an error, 2 for a wrong command line.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// The file with the text; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    input: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut built = args.source.build()?;
    let text = read(&args.input)?;
    let grammar = Arc::new(built.grammar);
    let verdict = match built.tokenizer.take() {
        None => {
            let place = || built.file.clone();
            let whole = explain::explain(grammar.clone(), &text).with_context(place)?;
            match (whole, text.strip_suffix(b"\n")) {
                (Some(_), Some(line))
                    if explain::explain(grammar.clone(), line).with_context(place)?.is_none() =>
                {
                    None
                }
                (whole, _) => whole,
            }
        }
        Some(tokenizer) => by_tokens(grammar, &tokenizer, &text).with_context(|| built.file.clone())?,
    };
    let (language, compact) = (built.language, built.layout.is_compact());
    let mut out = io::stdout().lock();
    if args.json {
        let report = match &verdict {
            None => serde_json::json!({"accepted": true}),
            Some(refusal) => {
                let (line, column, _) = explain::place(&text, refusal.at);
                serde_json::json!({
                    "accepted": false, "byte": refusal.at, "line": line, "column": column, "found": refusal.found,
                    "expected": refusal.expected, "pointer": pointer(language, &text, refusal),
                })
            }
        };
        writeln!(out, "{report}")?;
    } else {
        match &verdict {
            None => writeln!(out, "accepted")?,
            Some(refusal) => write!(out, "{}", escaped(&describe(language, compact, &text, refusal)))?,
        }
    }
    Ok(if verdict.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        let mut text = Vec::new();
        io::stdin().lock().read_to_end(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read(path).with_context(|| path.display().to_string())
}

/// Where in the value the refusal is, for a schema.
fn pointer(language: Language, text: &[u8], refusal: &Refusal) -> Option<String> {
    (language == Language::Schema).then(|| explain::pointer(&text[..refusal.at]))
}

fn describe(language: Language, compact: bool, text: &[u8], refusal: &Refusal) -> String {
    let (line, column, whole) = explain::place(text, refusal.at);
    let found = refusal.found.as_deref().unwrap_or("the end of the text");
    let mut out = format!("refused at byte {} (line {line}, column {column}): found {found}\n", refusal.at);
    if let Some(pointer) = pointer(language, text, refusal).filter(|pointer| !pointer.is_empty()) {
        out += &format!("in the value {pointer}\n");
    }
    out += &format!("expected {}\n", refusal.expected.join(", "));
    let blank = matches!(text.get(refusal.at), Some(b' ' | b'\t' | b'\r' | b'\n'));
    if language == Language::Schema && compact && blank {
        out += "a schema's texts are compact JSON: --whitespace N allows some between the parts\n";
    }
    let from = column.saturating_sub(AROUND + 1);
    let shown: String =
        whole.chars().skip(from).take(2 * AROUND).map(|c| if c.is_control() { ' ' } else { c }).collect();
    out + &format!("  {shown}\n  {}^\n", " ".repeat(column - 1 - from))
}

/// Walks the tokens of the text, as a decoder would.
fn by_tokens(
    grammar: Arc<crate::grammar::Grammar>,
    tokenizer: &Tokenizer,
    text: &[u8],
) -> anyhow::Result<Option<Refusal>> {
    let text = std::str::from_utf8(text)
        .map_err(|error| anyhow::anyhow!("the text is not UTF-8 at byte {}", error.valid_up_to()))?;
    let trie = Arc::new(TokenTrie::cached(tokenizer, cache_folder().as_deref()));
    let mut run = Matcher::new(grammar, trie)?;
    let first = walk(&mut run, tokenizer, text)?;
    match (&first, text.strip_suffix('\n')) {
        (Some(_), Some(line)) => {
            run.reset()?;
            Ok(if walk(&mut run, tokenizer, line)?.is_none() { None } else { first })
        }
        _ => Ok(first),
    }
}

fn walk(run: &mut Matcher, tokenizer: &Tokenizer, text: &str) -> Result<Option<Refusal>, MatchError> {
    let mut tokens = Vec::new();
    tokenizer.encode(text, Specials::Parse, &mut tokens);
    let spelled = |id: u32| tokenizer.decode(&[id], Specials::Parse);
    // The space that some vocabularies put in front of a text is none of the text.
    let skip = match tokens.first() {
        Some(&first) if tokenizer.adds_space_prefix() && !text.starts_with(' ') => {
            usize::from(tokenizer.token_bytes(first).starts_with(b" "))
        }
        _ => 0,
    };
    let mut at = 0;
    for (i, &token) in tokens.iter().enumerate() {
        let bytes = tokenizer.token_bytes(token);
        let legal = if i == 0 && skip > 0 {
            run.accept_bytes(&bytes[skip..]).is_ok()
        } else {
            run.mask(None)?.contains(token) && run.accept(token).is_ok()
        };
        if !legal {
            let found = Some(format!("the token {token} `{}`", explain::visible(&spelled(token))));
            return Ok(Some(Refusal { at, found, expected: expected(run, &spelled)? }));
        }
        at += bytes.len() - if i == 0 { skip } else { 0 };
    }
    if run.is_complete() {
        return Ok(None);
    }
    Ok(Some(Refusal { at: text.len(), found: None, expected: expected(run, &spelled)? }))
}

/// Some of the tokens that are legal here.
fn expected(run: &mut Matcher, spelled: &dyn Fn(u32) -> String) -> Result<Vec<String>, MatchError> {
    let mask = run.mask(None)?;
    let mut parts: Vec<String> =
        mask.iter().take(8).map(|id| format!("`{}`", explain::visible(&spelled(id)))).collect();
    if mask.count() > parts.len() {
        parts.push(format!("{} more tokens", mask.count() - parts.len()));
    }
    if run.is_complete() {
        parts.push("the end of the text".to_owned());
    }
    Ok(parts)
}
