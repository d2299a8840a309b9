//! `pintail calibrate`: how sure the model must be on an agent's own devices.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{anyhow, bail};

use super::run::threads;
use crate::agent::{self, Agent, ModelRef};
use crate::corpus::Generator;
use crate::eval::Effects;
use crate::prompt::{Turn, resolve};
use crate::turn::{self, Calibration, Judged, Mind};

/// Learn how sure the model must be on an agent's own devices
///
/// Makes requests for the agent's devices and tools, looks how often the model is right at which confidence, and writes that and
/// the thresholds `act` and `ask` to AGENT.calibration.toml, beside the agent's file. `run`, `eval` and `simulate` then use it;
/// thresholds that the agent's file names itself stay. Nothing is executed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The agent: a TOML file
    agent: String,
    /// How many requests are made
    #[arg(short = 'n', long, default_value_t = 400, value_parser = clap::value_parser!(u32).range(20..=100_000))]
    count: u32,
    /// Seed of the requests
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A GGUF model instead of the agent's own
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Threads of the model; 0 is one a core, four at most
    #[arg(short, long, default_value_t = 0)]
    threads: usize,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Every third request is kept from the first fit, to tell what the calibration is worth.
const HELD_OUT: usize = 3;

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let agent = agent::load(&args.agent)?;
    let Some(path) = agent.path.clone() else {
        bail!(
            "the agent `{}` is inside the program, and a calibration lies beside an agent's file: save it as a file first",
            args.agent
        );
    };
    let model = args.model.clone().map_or_else(|| agent.model.clone(), ModelRef::File);
    let mut mind = Mind::load(&model, threads(args.threads), Arc::default())?;
    let readings = readings(&agent, &mut mind, args.count as usize, args.seed)?;
    let part = |held: bool| -> Vec<Judged> {
        let of = |(at, reading): (usize, &Judged)| (at.is_multiple_of(HELD_OUT) == held).then_some(*reading);
        readings.iter().enumerate().filter_map(of).collect()
    };
    let trial = Calibration::fit(mind.fingerprint(), &part(false));
    let fitted = Calibration::fit(mind.fingerprint(), &readings);
    let held = part(true);
    let right = readings.iter().filter(|reading| reading.right).count();
    let mut out = io::stdout().lock();
    writeln!(out, "{} requests for the agent's own devices and tools, {right} read right", readings.len())?;
    writeln!(
        out,
        "mean squared error of the confidence, on requests kept aside: {:.3} as the model has it, {:.3} calibrated",
        error(&held, |reading| reading.confidence),
        error(&held, |reading| trial.confidence(reading.confidence, reading.refuses)),
    )?;
    writeln!(
        out,
        "act from {:.2} (usual: {}), refuse below {:.2} (usual: {})",
        fitted.act,
        agent::ACT,
        fitted.ask,
        agent::ASK
    )?;
    if args.dry_run {
        writeln!(out, "nothing written")?;
    } else {
        writeln!(out, "written: {}", fitted.write(&path)?.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Requests in the agent's states by turns, as the model reads them.
fn readings(agent: &Agent, mind: &mut Mind, count: usize, seed: u64) -> anyhow::Result<Vec<Judged>> {
    let mut states = Vec::new();
    for (at, state) in agent.states.iter().enumerate() {
        let scene = turn::scene(agent, at, &|_| true).map_err(|(tool, parameter)| {
            anyhow!("tool `{tool}`: the bundled model cannot fill the parameter `{parameter}`")
        })?;
        if !scene.tools.is_empty() {
            states.push((state, Generator::in_scene(seed.wrapping_add(at as u64), scene)));
        }
    }
    if states.is_empty() {
        bail!("no state of the agent has a tool: there is nothing to ask for");
    }
    let cancel = AtomicBool::new(false);
    let bar = super::bar(count as u64);
    let mut readings = Vec::with_capacity(count);
    for at in 0..count {
        let turns = states.len();
        let (state, generator) = &mut states[at % turns];
        let Some(example) = generator.next() else { continue };
        let meant = Turn::with_links(&example.scene, &example.request, example.links.clone());
        let expected = Effects::of(agent, &resolve(&meant, &example.steps));
        let reading = mind.read(&example.scene, state.prompt.as_deref(), &example.request, &cancel)?;
        readings.push(Judged {
            confidence: reading.confidence,
            refuses: reading.calls.is_empty(),
            right: Effects::of(agent, &reading.calls) == expected,
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(readings)
}

/// Mean squared error of a probability of being right (G. Brier 1950).
fn error(readings: &[Judged], probability: impl Fn(&Judged) -> f64) -> f64 {
    let square = |reading: &Judged| (probability(reading) - f64::from(u8::from(reading.right))).powi(2);
    readings.iter().map(square).sum::<f64>() / readings.len().max(1) as f64
}
