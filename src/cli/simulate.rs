//! `pintail simulate`: an agent goes through a scenario on the simulated board, in simulated time.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::agent::{ModelRef, load};
use crate::board::{SimBoard, SimClock};
use crate::repl::escaped;
use crate::safety::{Kernel, Mode};
use crate::turn::{self, Engine, Mind, NoModel, Reader, Scenario, Settings, Told, storm};

/// Takes an agent through a scenario, or through random events: a day in a second
///
/// The board and the clock are simulated. Exits with 1 when something expected did not happen, or when random events led to a
/// state that is none.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The agent: a TOML file, or the name of one
    agent: String,
    /// The scenario: a text file (docs/agents.md, Scenarios)
    #[arg(required_unless_present = "storm", conflicts_with = "storm")]
    scenario: Option<PathBuf>,
    /// Instead of a scenario so many random events: edges, readings, calls, answers, named events, time that passes or jumps. No
    /// model reads
    #[arg(long, value_name = "EVENTS")]
    storm: Option<u64>,
    /// Which random events
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "storm")]
    seed: u64,
    /// A GGUF model instead of the agent's own
    #[arg(short, long, value_name = "FILE", conflicts_with = "storm")]
    model: Option<PathBuf>,
    /// Write all that happens to this file, for `pintail replay`
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print only what was expected and did not happen
    #[arg(short, long)]
    quiet: bool,
}

/// An agent on a simulated board.
struct Simulation {
    engine: Engine,
    board: SimBoard,
    clock: SimClock,
    /// Where its tools write; gone with it.
    folder: PathBuf,
}

impl Simulation {
    fn new(args: &Args, wall: Option<u64>) -> anyhow::Result<Simulation> {
        let mut agent = load(&args.agent)?;
        let clock = SimClock::new();
        clock.set_local(wall);
        let (kernel, board) = Kernel::simulated(agent.devices.clone(), Arc::new(clock.clone()), Mode::Live)?;
        let cancel = kernel.cancel();
        let reader: Box<dyn Reader> = match args.storm {
            Some(_) => Box::new(NoModel),
            None => {
                let model = args.model.clone().map_or_else(|| agent.model.clone(), ModelRef::File);
                let mut mind = Mind::load(&model, super::run::threads(0), cancel.clone())?;
                turn::calibrate(&mut agent, &mut mind)?;
                Box::new(mind)
            }
        };
        let folder = std::env::temp_dir().join(format!("pintail-simulate-{}", std::process::id()));
        let settings = Settings { state_dir: folder.clone() };
        let engine = match &args.trace {
            None => Engine::new(agent, reader, kernel, settings, cancel)?,
            Some(path) => Engine::traced(agent, reader, kernel, settings, cancel, super::run::trace(path)?)?,
        };
        Ok(Simulation { engine, board, clock, folder })
    }

    fn end(mut self) -> anyhow::Result<()> {
        self.engine.shutdown()?;
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        }
        Ok(())
    }
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match (&args.scenario, args.storm) {
        (Some(file), _) => scenario(&args, file),
        (None, count) => random(&args, count.unwrap_or_default()),
    }
}

fn scenario(args: &Args, file: &Path) -> anyhow::Result<ExitCode> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| name.clone())?;
    let scenario = Scenario::parse(&text).with_context(|| name.clone())?;
    let mut simulation = Simulation::new(args, scenario.clock)?;
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
    let Simulation { engine, board, clock, .. } = &mut simulation;
    let errors = scenario.run(engine, board, clock, &mut tell);
    simulation.end()?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    for error in &errors {
        eprintln!("{name}: {}", escaped(&error.to_string()));
    }
    Ok(if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn random(args: &Args, count: u64) -> anyhow::Result<ExitCode> {
    let mut simulation = Simulation::new(args, None)?;
    let Simulation { engine, board, clock, .. } = &mut simulation;
    let mut early = None;
    let begun = Instant::now();
    let weather = storm(engine, board, clock, count, args.seed, &mut |event| {
        if event == count.div_ceil(10) {
            early = memory();
        }
    });
    let (took, late) = (begun.elapsed(), memory());
    let weather = weather.map_err(|illegal| {
        let illegal = escaped(&illegal.to_string()).into_owned();
        anyhow::anyhow!("{}: seed {}: {illegal}", args.agent, args.seed)
    })?;
    let mut out = io::stdout().lock();
    let days = weather.passed.as_secs_f64() / 86_400.0;
    writeln!(out, "{} events, {days:.1} days in {:.1} s", weather.events, took.as_secs_f64())?;
    writeln!(
        out,
        "  entered {} states, moved outputs {} times, said {} lines, came to its end {} times",
        weather.entered, weather.moved, weather.said, weather.ended
    )?;
    if let Some(last) = weather.times.len().checked_sub(1) {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let at = |share: usize| micros(weather.times[last * share / 100]);
        let figures =
            format!("median {:.1}, 99 % {:.1}, longest {:.1}", at(50), at(99), micros(weather.longest));
        writeln!(out, "  from an edge to the output {figures} microseconds ({} edges)", weather.edges)?;
    }
    if let (Some(early), Some(late)) = (early, late) {
        writeln!(out, "  memory {early} kB, after a tenth of them, {late} kB at the end")?;
    }
    simulation.end()?;
    Ok(ExitCode::SUCCESS)
}

/// Resident memory of this process in kB, where the system tells.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

pub(super) fn time(at: Duration) -> String {
    let seconds = at.as_secs();
    format!("{:>3}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
