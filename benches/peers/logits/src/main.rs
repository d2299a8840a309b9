//! Writes the logits of a model, teacher-forced: after a prompt of each length and after each of 64 tokens that follow it, all
//! logits as 32-bit floats to standard output. Token `i` of a run is `i * 7919` modulo the vocabulary.
//!
//! ```text
//! pintail-peers-logits FILE.gguf THREADS LENGTH...
//! ```

use std::io::Write;
use std::sync::Arc;

use anyhow::Context;
use pintail::model::{LanguageModel, Model, Options, Session};

/// Tokens that are fed after each prompt.
const STEPS: usize = 64;

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path, threads, lengths @ ..] = &args[..] else {
        anyhow::bail!("a file, a number of threads and lengths of prompts are needed");
    };
    let lengths = lengths.iter().map(|n| n.parse()).collect::<Result<Vec<usize>, _>>()?;
    let longest = lengths.iter().max().context("no length of a prompt")? + STEPS;
    let model = Arc::new(Model::from_path(path)?);
    let options = Options { context: Some(longest), threads: threads.parse()?, ..Options::default() };
    let mut session = Session::new(model, options)?;
    let vocab = session.vocab_size();
    let token = |i: usize| (i * 7919 % vocab) as u32;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for length in lengths {
        session.truncate(0);
        session.feed(&(0..length).map(token).collect::<Vec<_>>())?;
        for step in 0..STEPS {
            for logit in session.logits(None) {
                out.write_all(&logit.to_le_bytes())?;
            }
            session.feed(&[token(length + step)])?;
        }
    }
    Ok(out.flush()?)
}
