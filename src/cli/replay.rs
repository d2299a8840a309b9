//! `pintail replay`: a trace gone through again.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::agent::{ModelRef, load};
use crate::repl::escaped;
use crate::turn::{self, Mind, NoModel, Replay, Step};

/// Go through a trace again, and compare
///
/// The agent is given what it was given when the trace was recorded (`pintail run --trace FILE`), with the model's choices, the
/// board and the clock of then; no model is loaded, nothing moves and no tool runs. It has to do the same: the first
/// difference is told with its line, and the program ends with 1. With an agent file that was edited since, that is where the
/// edited one would have gone another way.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The trace
    trace: PathBuf,
    /// This agent instead of the one that the trace names: a TOML file, or the name of one
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// Have a model read the requests again, and tell what it reads otherwise: a GGUF file, or `bundled`
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Print differences alone
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let name = args.trace.display().to_string();
    let file = File::open(&args.trace).with_context(|| name.clone())?;
    let replay = Replay::open(BufReader::new(file)).with_context(|| name.clone())?;
    let known = || match replay.agent_file() {
        Some(file) => file.display().to_string(),
        None => replay.agent_name().to_owned(),
    };
    let mut agent = load(&args.agent.unwrap_or_else(known))?;
    turn::calibrate_thresholds(&mut agent)?;
    if !replay.is_of(&agent) {
        eprintln!("{name}: note: recorded with another state of the agent's file");
    }
    let mut out = io::stdout().lock();
    let mut failed = None;
    let mut otherwise = 0;
    let mut tell = |step: &Step| {
        let mut print = || -> io::Result<()> {
            for text in &step.otherwise {
                otherwise += 1;
                eprintln!("{name}: line {}: {}", step.line, escaped(text));
            }
            if args.quiet {
                return Ok(());
            }
            let at = super::simulate::time(step.at);
            writeln!(out, "{at} > {} [{}]", escaped(&step.given), escaped(&step.state))?;
            step.said.iter().try_for_each(|text| writeln!(out, "{at} {}", escaped(text)))
        };
        if let Err(error) = print() {
            failed.get_or_insert(error);
        }
    };
    let count = match args.model {
        None => replay.run(agent, NoModel, false, &mut tell),
        Some(file) => {
            let bundled = file.as_os_str() == "bundled";
            let model = if bundled { ModelRef::Bundled } else { ModelRef::File(file) };
            let mut mind = Mind::load(&model, super::run::threads(0), Default::default())?;
            turn::calibrate(&mut agent, &mut mind)?;
            replay.run(agent, mind, true, &mut tell)
        }
    };
    if let Some(error) = failed {
        return Err(error.into());
    }
    let count = count.with_context(|| name.clone())?;
    let found = match otherwise {
        0 => "no difference".to_owned(),
        more => format!("read otherwise: {more}"),
    };
    writeln!(out, "{name}: {count} lines, {found}")?;
    Ok(if otherwise == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
