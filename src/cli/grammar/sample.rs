//! `pintail grammar sample`: random texts that a grammar allows.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use super::source::Source;
use crate::grammar::Samples;

/// Print random texts of a grammar or JSON Schema, a line each
///
/// No model is asked. All texts come to their end within the length. Texts may hold new lines themselves: --json
/// prints each as a JSON string.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// How many texts
    #[arg(short, default_value_t = 10)]
    n: usize,
    /// Seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Longest text, in bytes
    #[arg(long, value_name = "N", default_value_t = 400)]
    max_bytes: usize,
    /// Print JSON strings
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let built = args.source.build()?;
    let shortest = built.grammar.shortest_text();
    anyhow::ensure!(
        shortest <= args.max_bytes,
        "{}: the shortest text has {shortest} bytes: say --max-bytes {shortest} or more",
        built.file
    );
    let mut samples = Samples::new(Arc::new(built.grammar), args.seed, args.max_bytes)
        .with_context(|| built.file.clone())?;
    let mut out = BufWriter::new(io::stdout().lock());
    for _ in 0..args.n {
        let text = samples.draw().with_context(|| built.file.clone())?;
        if args.json {
            serde_json::to_writer(&mut out, &String::from_utf8_lossy(&text))?;
        } else {
            out.write_all(&text)?;
        }
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
