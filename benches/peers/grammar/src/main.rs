//! Our grammar engine beside llguidance's: verdicts, mask times, start and memory, in one run.

mod compare;
mod memory;
mod peer;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use pintail::gguf::{Bytes, Gguf};
use pintail::grammar::cases::{self, Case, Vocabulary};
use pintail::tokenizer::Tokenizer;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Mode,
}

#[derive(Subcommand)]
enum Mode {
    /// Compare verdicts, time to the first mask, mask times, start and memory
    Compare {
        #[command(flatten)]
        input: Input,
        /// How often each schema is run by each engine; the least of each time counts
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// llguidance without its slices
        #[arg(long)]
        plain: bool,
        /// Let llguidance take flexible white space, its default; without, both take compact JSON
        #[arg(long)]
        flexible: bool,
        /// Leave out start and memory
        #[arg(long)]
        no_memory: bool,
        /// List so many schemas whose masks are slower than the peer's, by the time lost
        #[arg(long, default_value_t = 0)]
        slowest: usize,
    },
    /// List the schemas to which the engines give different answers
    Diff {
        #[command(flatten)]
        input: Input,
    },
    /// Be a process that holds one engine (`compare` starts these)
    Resident {
        #[command(flatten)]
        input: Input,
        #[arg(long)]
        engine: memory::Engine,
    },
}

#[derive(clap::Args)]
pub struct Input {
    /// Cases, a JSON object a line; FILE.gz is unpacked with `gzip`
    pub file: PathBuf,
    /// The GGUF file with the vocabulary
    #[arg(short, long)]
    pub model: PathBuf,
    /// Only every so many-th case
    #[arg(long, default_value_t = 1)]
    pub every: usize,
    /// Only cases of this split
    #[arg(long)]
    pub split: Option<String>,
    /// Our engine takes object keys in any order, as recorded values have them; the peer knows the schema's only
    #[arg(long)]
    pub any_order: bool,
}

/// What both engines are given.
pub struct Side {
    pub vocabulary: Vocabulary,
    pub settings: cases::Settings,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Mode::Compare { input, rounds, plain, flexible, no_memory, slowest } => {
            let (side, cases) = input.read()?;
            compare::compare(
                &side,
                &cases,
                compare::Settings { rounds: rounds.max(1), slices: !plain, flexible, slowest },
            )?;
            if !no_memory {
                memory::compare(&input)?;
            }
            Ok(())
        }
        Mode::Diff { input } => {
            let (side, cases) = input.read()?;
            compare::diff(&side, &cases)
        }
        Mode::Resident { input, engine } => {
            let (side, cases) = input.read()?;
            memory::measure(&side, &cases, engine)
        }
    }
}

impl Input {
    fn read(&self) -> Result<(Side, Vec<Case>)> {
        let place = || self.model.display().to_string();
        let file = Gguf::parse(Bytes::map(&self.model)?).with_context(place)?;
        let vocabulary = Vocabulary::new(Tokenizer::from_gguf(&file).with_context(place)?);
        let text = text(&self.file)?;
        let mut cases = Vec::new();
        for (i, line) in text.lines().enumerate().step_by(self.every.max(1)) {
            cases
                .push(Case::parse(line).with_context(|| format!("{}: line {}", self.file.display(), i + 1))?);
        }
        if let Some(split) = &self.split {
            cases.retain(|case| case.split.as_ref() == Some(split));
        }
        let settings = cases::Settings { any_order: self.any_order, ..cases::Settings::default() };
        Ok((Side { vocabulary, settings }, cases))
    }
}

fn text(path: &Path) -> Result<String> {
    if path.extension().is_none_or(|ending| ending != "gz") {
        return std::fs::read_to_string(path).with_context(|| path.display().to_string());
    }
    let output =
        Command::new("gzip").args(["-d", "-c", "--"]).arg(path).output().context("cannot start gzip")?;
    if !output.status.success() {
        bail!("{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
