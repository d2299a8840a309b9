//! `pintail tokenize`: text to token ids, and back.

use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::gguf::{Bytes, Gguf};
use crate::tokenizer::{Specials, Tokenizer};

/// Turns text into the token ids of a model, or ids into text
///
/// Prints one line of ids, or the text of the ids as it is. No BOS or EOS is added.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model (or vocabulary-only) GGUF file, or a tokenizer.json
    #[arg(short, long)]
    model: PathBuf,
    /// The text, or with --decode the ids; standard input without
    text: Option<String>,
    /// Turn ids (separated by spaces, commas or new lines) into text
    #[arg(long)]
    decode: bool,
    /// Take the strings of special tokens for those tokens; with --decode, show them
    #[arg(long)]
    special: bool,
    /// Print a line per token: its id, a tab, and its bytes
    #[arg(long, conflicts_with = "decode")]
    pieces: bool,
}

/// A tokenizer of either kind of file.
enum Source {
    Gguf(Box<Tokenizer>),
    Json(Box<tokenizers::Tokenizer>),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let source = Source::open(&args.model)?;
    let text = match args.text {
        Some(text) => text,
        None => read_standard_input()?,
    };
    let specials = if args.special { Specials::Parse } else { Specials::Text };
    let mut out = BufWriter::new(io::stdout().lock());
    if args.decode {
        let ids = read_ids(&text, source.vocab_size())?;
        out.write_all(source.decode(&ids, specials)?.as_bytes())?;
    } else {
        let ids = source.encode(&text, specials)?;
        if args.pieces {
            for id in ids {
                writeln!(out, "{id}\t{}", source.piece(id))?;
            }
        } else {
            let line: Vec<String> = ids.iter().map(u32::to_string).collect();
            writeln!(out, "{}", line.join(" "))?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn read_standard_input() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
    String::from_utf8(bytes).map_err(|error| {
        anyhow::anyhow!("standard input is not UTF-8 at byte {}", error.utf8_error().valid_up_to())
    })
}

fn read_ids(text: &str, vocab_size: usize) -> anyhow::Result<Vec<u32>> {
    let parts = text.split(|c: char| c.is_whitespace() || c == ',').filter(|part| !part.is_empty());
    parts
        .map(|part| match part.parse::<u32>() {
            Ok(id) if (id as usize) < vocab_size => Ok(id),
            Ok(id) => bail!("token id {id} is out of range: the vocabulary has {vocab_size} tokens"),
            Err(_) => bail!("{part:?} is not a token id"),
        })
        .collect()
}

impl Source {
    fn open(path: &Path) -> anyhow::Result<Source> {
        let place = || path.display().to_string();
        if path.extension().is_some_and(|ending| ending == "json") {
            let text = std::fs::read(path).with_context(place)?;
            let tokenizer = tokenizers::Tokenizer::from_bytes(text).map_err(|error| anyhow::anyhow!(error));
            return Ok(Source::Json(Box::new(tokenizer.with_context(place)?)));
        }
        let file = Gguf::parse(Bytes::map(path)?).with_context(place)?;
        Ok(Source::Gguf(Box::new(Tokenizer::from_gguf(&file).with_context(place)?)))
    }

    fn vocab_size(&self) -> usize {
        match self {
            Source::Gguf(tokenizer) => tokenizer.vocab_size(),
            Source::Json(tokenizer) => tokenizer.get_vocab_size(true),
        }
    }

    fn encode(&self, text: &str, specials: Specials) -> anyhow::Result<Vec<u32>> {
        match self {
            Source::Gguf(tokenizer) => {
                let mut ids = Vec::new();
                tokenizer.encode(text, specials, &mut ids);
                Ok(ids)
            }
            Source::Json(tokenizer) => {
                let mut tokenizer = (**tokenizer).clone();
                tokenizer.set_encode_special_tokens(specials == Specials::Text);
                let encoding = tokenizer.encode_fast(text, false).map_err(|error| anyhow::anyhow!(error))?;
                Ok(encoding.get_ids().to_vec())
            }
        }
    }

    fn decode(&self, ids: &[u32], specials: Specials) -> anyhow::Result<String> {
        match self {
            Source::Gguf(tokenizer) => Ok(tokenizer.decode(ids, specials)),
            Source::Json(tokenizer) => {
                tokenizer.decode(ids, specials == Specials::Text).map_err(|error| anyhow::anyhow!(error))
            }
        }
    }

    /// A token on one line, its bytes escaped where they are not plain text.
    fn piece(&self, id: u32) -> String {
        let bytes = match self {
            Source::Gguf(tokenizer) => tokenizer.token_bytes(id).into_owned(),
            Source::Json(tokenizer) => tokenizer.id_to_token(id).unwrap_or_default().into_bytes(),
        };
        match std::str::from_utf8(&bytes) {
            Ok(text) => crate::repl::escaped(&format!("{text:?}")).into_owned(),
            Err(_) => format!("b\"{}\"", bytes.escape_ascii()),
        }
    }
}
