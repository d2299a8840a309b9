//! `pintail bench`: how many tokens a second a model takes and gives here, and how near that is to what memory allows.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::gguf::{Bytes, Gguf};
use crate::kernels::{Pool, read_bandwidth};
use crate::model::{LanguageModel, Model, Options, Session, bundled};

/// Measures prompt and decode speed of a model: medians over runs, after one run to warm up
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model file; the bundled model without
    #[arg(short, long)]
    model: Option<PathBuf>,
    /// Threads; 0 is one a core
    #[arg(short, long, default_value_t = 0)]
    threads: usize,
    /// Tokens of the prompt, fed as a batch
    #[arg(short, long, default_value_t = 128)]
    prompt: usize,
    /// Tokens decoded one by one, all logits computed for each
    #[arg(short, long, default_value_t = 32)]
    n: usize,
    /// Runs that count
    #[arg(short, long, default_value_t = 5)]
    runs: usize,
    /// Measure also how fast this many threads read memory (over 1 GiB), and what share of that decoding reaches
    #[arg(long)]
    bandwidth: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What the bandwidth of memory is measured over: more than any cache holds.
const READ: usize = 1 << 30;

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    ensure!(args.prompt > 0 && args.n > 0 && args.runs > 0, "prompt, n and runs must be at least 1");
    let name = args.model.as_ref().map_or_else(|| "bundled".to_owned(), |path| path.display().to_string());
    let bytes = args.model.as_ref().map_or_else(|| Ok(bundled()), Bytes::map)?;
    let file = Gguf::parse(bytes).with_context(|| name.clone())?;
    let model = Arc::new(Model::from_gguf(file).with_context(|| name.clone())?);
    let asked = args.prompt.checked_add(args.n).context("prompt and n are too many tokens")?;
    let options = Options { context: Some(asked), threads: args.threads, ..Options::default() };
    let cpu = options.cpu;
    let mut session = Session::new(Arc::clone(&model), options)?;
    let (mut prefill, mut decode) = (Vec::new(), Vec::new());
    for run in 0..=args.runs {
        let (p, d) = once(&mut session, args.prompt, args.n)?;
        // The first run brings the file into memory and wakes the threads.
        if run > 0 {
            prefill.push(p);
            decode.push(d);
        }
    }
    let (prefill, decode) = (median(&mut prefill), median(&mut decode));
    let weights = model.weights().bytes_per_token(&model.config().layers);
    let read = decode * weights as f64 / 1e9;
    // Measured beside the model, not instead of it: both are then in the same state of the machine.
    let bandwidth = match args.bandwidth {
        true => {
            let rate = read_bandwidth(&Pool::new(session.threads()), cpu, READ, 5);
            Some(rate.context("no memory of 1 GiB to measure its bandwidth with")? / 1e9)
        }
        false => None,
    };
    let mut out = io::stdout().lock();
    if args.json {
        let figures = serde_json::json!({
            "model": name, "threads": session.threads(), "cpu": cpu.name(), "p": args.prompt, "n": args.n,
            "runs": args.runs, "prefill_tps": prefill, "decode_tps": decode,
            "weight_bytes": weights, "decode_gb_per_s": read, "bandwidth_gb_per_s": bandwidth,
            "bandwidth_share": bandwidth.map(|bandwidth| read / bandwidth),
            "cache_bytes": session.cache_bytes(), "scratch_bytes": session.scratch_bytes(),
            "copies_bytes": session.copies_bytes(),
        });
        writeln!(out, "{figures}")?;
    } else {
        writeln!(out, "prefill {prefill:.1} tokens/s ({} tokens)", args.prompt)?;
        writeln!(out, "decode  {decode:.1} tokens/s ({} tokens), {read:.1} GB/s of weights", args.n)?;
        if let Some(bandwidth) = bandwidth {
            let share = 100.0 * read / bandwidth;
            writeln!(out, "memory  {bandwidth:.1} GB/s read; decoding reaches {share:.0} % of it")?;
        }
        let (threads, cache) = (session.threads(), session.cache_bytes() / 1024);
        let copies = session.copies_bytes() / 1024;
        let runs = args.runs;
        writeln!(
            out,
            "{threads} threads, {}, medians of {runs} runs, cache {cache} KiB, copies for decoding {copies} KiB",
            cpu.name()
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Tokens a second of one prompt and one decode after it; always the same tokens, whatever the logits.
fn once(session: &mut Session, prompt: usize, n: usize) -> anyhow::Result<(f64, f64)> {
    let vocab = session.vocab_size();
    let token = |i: usize| (i * 7919 % vocab) as u32;
    let tokens: Vec<u32> = (0..prompt).map(token).collect();
    session.truncate(0);
    let start = Instant::now();
    session.feed(&tokens)?;
    std::hint::black_box(session.logits(None));
    let fed = Instant::now();
    for i in 0..n {
        session.feed(&[token(prompt + i)])?;
        std::hint::black_box(session.logits(None));
    }
    let rate = |tokens: usize, seconds: f64| tokens as f64 / seconds.max(1e-9);
    Ok((rate(prompt, (fed - start).as_secs_f64()), rate(n, fed.elapsed().as_secs_f64())))
}

fn median(of: &mut [f64]) -> f64 {
    of.sort_by(f64::total_cmp);
    (of[(of.len() - 1) / 2] + of[of.len() / 2]) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_even_runs_is_between() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
