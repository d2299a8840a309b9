//! `pintail render`: prompts and answers as the model sees them, for training and for looking at.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use serde_json::json;

use crate::corpus::Generator;
use crate::prompt::pintail::{Token, text};
use crate::prompt::{Turn, resolve};

/// Writes generated requests with their prompts and answers, one JSON object a line
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many examples
    #[arg(short = 'n', long, default_value_t = 10)]
    count: usize,
    /// Seed of the generator
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print the control tokens of the rendering, one a line in the order of their ids, and nothing else
    #[arg(long)]
    tokens: bool,
    /// Only prompt and answer, as training reads them
    #[arg(long)]
    bare: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    if args.tokens {
        for token in Token::all() {
            writeln!(out, "{}", token.text())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    for example in Generator::new(args.seed).take(args.count) {
        let Some((prompt, answer)) = example.pieces() else { continue };
        let mut line = json!({ "prompt": text(&prompt), "answer": text(&answer) });
        if !args.bare {
            let turn = Turn::with_links(&example.scene, &example.request, example.links.clone());
            line["request"] = json!(example.request);
            line["category"] = json!(example.category);
            line["calls"] = json!(resolve(&turn, &example.steps));
        }
        serde_json::to_writer(&mut out, &line)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
