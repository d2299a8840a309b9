//! `pintail eval`: how well recorded requests are understood.

mod drawn;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use serde_json::Value;

use super::run::threads;
use crate::agent::{self, Agent, ModelRef};
use crate::eval::{self, Answer, Case, Line, LinkTally, LinkTotals, Score, Totals};
use crate::prompt::Scene;
use crate::repl::escaped;
use crate::turn::{self, Later, Mind, Reading};

/// Score recorded requests: what an agent would do against what is expected
///
/// Nothing is executed. Prints the share of exact answers by category, the totals, and what the matcher alone finds of what the requests
/// need. With --drawn and no agent: generated requests in random scenes, of names, sentences and tools that no training ever saw.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The agent: a TOML file, or the name of one
    #[arg(required_unless_present = "drawn", conflicts_with = "drawn")]
    agent: Option<String>,
    /// Files of cases, one JSON object a line
    #[arg(required_unless_present = "drawn")]
    cases: Vec<PathBuf>,
    /// Score so many generated requests instead
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    drawn: Option<u32>,
    /// Seed of the generated requests
    #[arg(long, default_value_t = 1, requires = "drawn")]
    seed: u64,
    /// Names, sentences and tools of the generated requests: kept from training, or those of training
    #[arg(long, value_enum, default_value_t = Lexicon::Held, requires = "drawn")]
    words: Lexicon,
    /// Take something away, to see what it is worth
    #[arg(long, value_enum)]
    ablate: Option<Ablation>,
    /// Print one JSON object a case, and the totals as the last
    #[arg(long)]
    json: bool,
    /// A GGUF model instead of the agent's own
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Threads of the model; 0 is one a core, four at most
    #[arg(short, long, default_value_t = 0)]
    threads: usize,
    /// Only the cases of this category
    #[arg(long, value_name = "NAME")]
    category: Option<String>,
    /// Print only the wrong cases, with what was expected and what was found, and the totals of all
    #[arg(long)]
    wrong: bool,
}

/// What requests are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Lexicon {
    /// What no training ever saw
    Held,
    /// What training draws from too
    Training,
}

/// What is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Ablation {
    /// The model is shown no mention of a device, area, kind, choice or tool; numbers stay
    Links,
}

/// Runs the command. Wrong answers are its result and no error.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Some(name) = args.agent.as_deref() else {
        return drawn::run(&args);
    };
    let mut agent = agent::load(name)?;
    let cases = cases(&args, &agent)?;
    let cancel = Arc::new(AtomicBool::new(false));
    let mut mind = mind(&args, &agent.model, cancel.clone())?;
    turn::calibrate(&mut agent, &mut mind)?;
    let scenes = scenes(&agent)?;
    let mut links = LinkTally::default();
    let mut reader = Reader { agent: &agent, mind, scenes: &scenes, cancel };
    let mut out = io::stdout().lock();
    let totals = eval::run(
        &agent,
        &cases,
        |state, case| reader.understand(state, case),
        |state, case, answer, score| {
            let scene = &scenes[state];
            links.add(scene, &scene.index().links(&case.text), &case.calls);
            show(&args, &mut out, &agent.states[state].name, case, answer, score)
        },
    )?;
    conclude(&args, &mut out, &totals, &links.totals(), serde_json::Map::new())?;
    Ok(ExitCode::SUCCESS)
}

/// The model that is scored.
fn mind(args: &Args, default: &ModelRef, cancel: Arc<AtomicBool>) -> anyhow::Result<Mind> {
    let model = args.model.clone().map_or_else(|| default.clone(), ModelRef::File);
    let mut mind = Mind::load(&model, threads(args.threads), cancel)?;
    if args.ablate == Some(Ablation::Links) {
        mind.forget_links();
    }
    Ok(mind)
}

/// Prints a scored case where it is asked for.
fn show(
    args: &Args,
    out: &mut impl Write,
    state: &str,
    case: &Case,
    answer: &Answer,
    score: &Score,
) -> anyhow::Result<()> {
    if args.wrong && score.exact {
        return Ok(());
    }
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&Line::new(state, case, answer, score))?)?;
    } else if args.wrong {
        writeln!(out, "{}", escaped(&eval::describe(case, answer, score)))?;
    }
    Ok(())
}

/// Prints the totals; in JSON with what else there is to say of the run.
fn conclude(
    args: &Args,
    out: &mut impl Write,
    totals: &Totals,
    links: &LinkTotals,
    about: serde_json::Map<String, Value>,
) -> anyhow::Result<()> {
    if args.json {
        let mut line = serde_json::to_value(totals)?;
        line["links"] = serde_json::to_value(links)?;
        if args.ablate == Some(Ablation::Links) {
            line["ablated"] = "links".into();
        }
        about.into_iter().for_each(|(name, value)| line[name] = value);
        writeln!(out, "{line}")?;
    } else {
        write!(out, "{}\n{}", escaped(&totals.to_string()), escaped(&links.to_string()))?;
    }
    Ok(())
}

/// All cases that are asked for, known to fit the agent.
fn cases(args: &Args, agent: &Agent) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for file in &args.cases {
        cases.extend(eval::read_cases(file)?);
    }
    eval::check_cases(agent, &cases)?;
    if cases.is_empty() {
        bail!("there is no case in {}", list(args.cases.iter().map(|file| file.display())));
    }
    if let Some(name) = &args.category {
        let known: BTreeSet<String> = cases.iter().filter_map(|case| case.category.clone()).collect();
        cases.retain(|case| case.category.as_ref() == Some(name));
        if cases.is_empty() {
            bail!("no case is of the category `{name}`; there are: {}", list(&known));
        }
    }
    Ok(cases)
}

fn list(items: impl IntoIterator<Item: ToString>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// The scenes of the agent's states, with all devices on the board.
fn scenes(agent: &Agent) -> anyhow::Result<Vec<Scene>> {
    let scenes = (0..agent.states.len()).map(|state| turn::scene(agent, state, &|_| true));
    scenes.collect::<Result<_, _>>().map_err(|(tool, parameter)| {
        anyhow!("tool `{tool}`: the bundled model cannot fill the parameter `{parameter}`")
    })
}

/// A model that reads the agent's requests as a session would.
struct Reader<'a> {
    agent: &'a Agent,
    mind: Mind,
    /// One for each state.
    scenes: &'a [Scene],
    cancel: Arc<AtomicBool>,
}

impl Reader<'_> {
    fn understand(&mut self, state: usize, case: &Case) -> anyhow::Result<Answer> {
        let scene = &self.scenes[state];
        let state = &self.agent.states[state];
        let started = Instant::now();
        let mut reading = self
            .mind
            .read(scene, state.prompt.as_deref(), &case.text, &self.cancel)
            .with_context(|| case.origin.to_string())?;
        let later = Later::of(&case.text, scene, self.agent);
        if later.is_some_and(|later| !later.is_now(&reading, scene, state.act, state.ask)) {
            // A session puts it away: nothing is done now.
            (reading.calls, reading.ambiguous) = (Vec::new(), false);
        }
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        Ok(answer(reading, state.act, state.ask, ms))
    }
}

/// What a session makes of a reading: done, asked about or refused.
fn answer(reading: Reading, act: f64, ask: f64, ms: f64) -> Answer {
    let mut answer = Answer::between(act, ask, reading.calls, reading.confidence, ms);
    if reading.ambiguous && act > 0.0 {
        // A session asks which one is meant, however sure the model is.
        answer.asked = true;
        if let Some(choice) = reading.choices.into_iter().next().filter(|_| answer.calls.is_empty()) {
            answer.calls = choice.calls;
        }
    }
    answer
}
