//! `pintail generate`: text from a model, freely or under a grammar.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, bail};

use super::grammar::source;
use crate::decode::{Ending, Guide, Sampler, Sampling, Settings, feed_prompt, run as decode};
use crate::gguf::{Bytes, Gguf};
use crate::grammar::{Grammar, Matcher, TokenTrie, cache_folder, gbnf, schema};
use crate::model::{LanguageModel, Model, Options, Session};
use crate::tokenizer::{Decoder, Specials, Tokenizer};

/// Continues a text with a model, under a grammar or a JSON Schema if asked
///
/// The text goes to standard output as it is decoded, the figures to standard error. Under a grammar the
/// text is complete, also when the token limit strikes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model file
    #[arg(short, long)]
    model: PathBuf,
    /// The text to continue; `-` reads standard input
    #[arg(short, long)]
    prompt: String,
    /// Most tokens
    #[arg(short, default_value_t = 128)]
    n: usize,
    /// Temperature; 0 always takes the likeliest token
    #[arg(long, default_value_t = 0.0)]
    temp: f32,
    /// Seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Draw among the K likeliest; 0 is no limit
    #[arg(long, default_value_t = 0)]
    top_k: usize,
    /// Draw among the fewest tokens that reach this probability together
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// Draw among tokens at least this share as likely as the likeliest
    #[arg(long, default_value_t = 0.0)]
    min_p: f32,
    /// Hold the text to this GBNF grammar: a file, or the name of a grammar that comes with pintail
    #[arg(long, conflicts_with = "schema")]
    grammar: Option<PathBuf>,
    /// Hold the text to JSON that fits this JSON Schema
    #[arg(long)]
    schema: Option<PathBuf>,
    #[command(flatten)]
    layout: source::Layout,
    /// Take the strings of special tokens in the prompt for those tokens
    #[arg(long)]
    special: bool,
    /// Threads; 0 is one a core
    #[arg(short, long, default_value_t = 0)]
    threads: usize,
    /// Most tokens in the context; the model's own without
    #[arg(short, long)]
    context: Option<usize>,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let place = || args.model.display().to_string();
    let file = Gguf::parse(Bytes::map(&args.model)?).with_context(place)?;
    let model = Arc::new(Model::from_gguf(file).with_context(place)?);
    let tokenizer = Tokenizer::from_gguf(model.file()).with_context(place)?;
    let mut matcher = match grammar(&args, &tokenizer)? {
        Some(grammar) => Some(Matcher::new(
            Arc::new(grammar),
            Arc::new(TokenTrie::cached(&tokenizer, cache_folder().as_deref())),
        )?),
        None => None,
    };
    let options = Options { context: args.context, threads: args.threads, ..Options::default() };
    let mut session = Session::new(Arc::clone(&model), options).with_context(place)?;
    if session.vocab_size() < tokenizer.vocab_size() {
        bail!("{}: {} rows for {} tokens", place(), session.vocab_size(), tokenizer.vocab_size());
    }

    let prompt = prompt_tokens(&args, &tokenizer)?;
    let started = Instant::now();
    let fed = feed_prompt(&mut session, &mut Vec::new(), &prompt)
        .with_context(|| format!("the prompt has {} tokens", prompt.len()))?;
    let prompt_ms = started.elapsed().as_secs_f64() * 1e3;

    let stop: Vec<u32> = (0..tokenizer.vocab_size() as u32).filter(|&id| tokenizer.is_end(id)).collect();
    let sampling = Sampling {
        temperature: args.temp,
        top_k: args.top_k,
        top_p: args.top_p,
        min_p: args.min_p,
        seed: args.seed,
    };
    let mut text = Decoder::new(Specials::Text);
    let mut spell = |bytes: &[u8], out: &mut Vec<u32>| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            tokenizer.encode(text, Specials::Text, out);
        }
    };
    let mut out = io::stdout().lock();
    let mut failed = None;
    let mut piece = String::new();
    let closed = AtomicBool::new(false);
    let started = Instant::now();
    let done = decode(
        &mut session,
        matcher.as_mut().map(|matcher| Guide { matcher, tokenize: &mut spell }),
        &mut Sampler::new(sampling),
        Settings { max_tokens: args.n, stop: &stop },
        &closed,
        &mut |token| {
            piece.clear();
            text.push(&tokenizer, token, &mut piece);
            if let Err(error) = out.write_all(piece.as_bytes()).and_then(|()| out.flush()) {
                closed.store(true, std::sync::atomic::Ordering::Relaxed);
                failed.get_or_insert(error);
            }
        },
    );
    // A reader that went away ends the run; that is what to report, not the cancelling.
    if let Some(error) = failed {
        return Err(error).context("cannot write to standard output");
    }
    let done = done?;
    let ms = started.elapsed().as_secs_f64() * 1e3;
    piece.clear();
    text.finish(&mut piece);
    writeln!(out, "{piece}")?;
    let ending = match done.ending {
        Ending::Complete => "complete",
        Ending::Stop(_) => "stop token",
        Ending::Limit => "token limit",
    };
    eprintln!(
        "prompt {} tokens in {prompt_ms:.1} ms ({:.1}/s); {} sampled and {} forced in {ms:.1} ms ({:.1}/s); \
         confidence {:.3}; ended by {ending}",
        fed.fed,
        per_second(fed.fed, prompt_ms),
        done.sampled(),
        done.forced,
        per_second(done.tokens.len(), ms),
        done.confidence(),
    );
    Ok(ExitCode::SUCCESS)
}

fn per_second(tokens: usize, ms: f64) -> f64 {
    if ms > 0.0 { tokens as f64 * 1e3 / ms } else { 0.0 }
}

fn prompt_tokens(args: &Args, tokenizer: &Tokenizer) -> anyhow::Result<Vec<u32>> {
    let text = if args.prompt == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
        String::from_utf8(bytes).map_err(|error| {
            anyhow::anyhow!("standard input is not UTF-8 at byte {}", error.utf8_error().valid_up_to())
        })?
    } else {
        args.prompt.clone()
    };
    let mut tokens = Vec::new();
    tokens.extend(tokenizer.bos().filter(|_| tokenizer.add_bos()));
    tokenizer.encode(&text, if args.special { Specials::Parse } else { Specials::Text }, &mut tokens);
    if tokens.is_empty() {
        // Something must stand before the first token.
        tokens.extend(tokenizer.bos().or(tokenizer.eos()));
    }
    if tokens.is_empty() {
        bail!("the prompt is empty, and the model has no token to begin a text with");
    }
    Ok(tokens)
}

fn grammar(args: &Args, tokenizer: &Tokenizer) -> anyhow::Result<Option<Grammar>> {
    if let Some(path) = &args.grammar {
        args.layout.forbid()?;
        let (file, text) = source::gbnf_text(path)?;
        let grammar = gbnf::parse_with(&text, &|text| tokenizer.token_id(text));
        return Ok(Some(grammar.with_context(|| file)?));
    }
    let Some(path) = &args.schema else { return Ok(None) };
    let compiled = schema::parse_with(&source::read_text(path)?, args.layout.options());
    let compiled = compiled.with_context(|| path.display().to_string())?;
    for warning in &compiled.warnings {
        eprintln!("warning: {}: {}", path.display(), super::escaped(warning));
    }
    Ok(Some(compiled.grammar))
}
