//! `pintail simulate`: an agent goes through a scenario on the simulated board, in simulated time.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::agent::{ModelRef, load};
use crate::board::SimClock;
use crate::repl::escaped;
use crate::safety::{Kernel, Mode};
use crate::turn::{self, Engine, Mind, Scenario, Settings, Told};

/// Takes an agent through a scenario: a day in a second
///
/// The board and the clock are simulated. Exits with 1 when something expected did not happen.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The agent: a TOML file, or the name of one
    agent: String,
    /// The scenario: a text file (docs/agents.md, Scenarios)
    scenario: PathBuf,
    /// A GGUF model instead of the agent's own
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Write all that happens to this file, for `pintail replay`
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print only what was expected and did not happen
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut agent = load(&args.agent)?;
    let name = args.scenario.display().to_string();
    let text = std::fs::read_to_string(&args.scenario).with_context(|| name.clone())?;
    let scenario = Scenario::parse(&text).with_context(|| name.clone())?;
    let clock = SimClock::new();
    clock.set_local(scenario.clock);
    let (kernel, board) = Kernel::simulated(agent.devices.clone(), Arc::new(clock.clone()), Mode::Live)?;
    let cancel = kernel.cancel();
    let model = args.model.map_or_else(|| agent.model.clone(), ModelRef::File);
    let mut mind = Mind::load(&model, super::run::threads(0), cancel.clone())?;
    turn::calibrate(&mut agent, &mut mind)?;
    // What tools write in a simulation is gone after it.
    let state_dir = std::env::temp_dir().join(format!("pintail-simulate-{}", std::process::id()));
    let settings = Settings { state_dir: state_dir.clone() };
    let mut engine = match &args.trace {
        None => Engine::new(agent, mind, kernel, settings, cancel)?,
        Some(path) => Engine::traced(agent, mind, kernel, settings, cancel, super::run::trace(path)?)?,
    };
    let mut out = io::stdout().lock();
    let mut failed = None;
    let mut tell = |told: &Told| {
        if args.quiet {
            return;
        }
        let mark = if told.said { "" } else { "> " };
        if let Err(error) = writeln!(out, "{} {mark}{}", time(told.at), escaped(&told.text)) {
            failed.get_or_insert(error);
        }
    };
    let errors = scenario.run(&mut engine, &board, &clock, &mut tell);
    engine.shutdown()?;
    if state_dir.exists() {
        std::fs::remove_dir_all(&state_dir).with_context(|| state_dir.display().to_string())?;
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    for error in &errors {
        eprintln!("{name}: {}", escaped(&error.to_string()));
    }
    Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn time(at: Duration) -> String {
    let seconds = at.as_secs();
    format!("{:>3}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
