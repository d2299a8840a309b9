//! `pintail eval`: how well recorded requests are understood.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, anyhow, bail};

use super::run::threads;
use crate::agent::{self, Agent, ModelRef};
use crate::eval::{self, Answer, Case, Line};
use crate::prompt::Scene;
use crate::repl::escaped;
use crate::turn::{self, Mind};

/// Score recorded requests: what an agent would do against what is expected
///
/// Nothing is executed. Prints the share of exact answers by category and the totals.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The agent: a TOML file, or the name of one
    agent: String,
    /// Files of cases, one JSON object a line
    #[arg(required = true)]
    cases: Vec<PathBuf>,
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

/// Runs the command. Wrong answers are its result and no error.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut agent = agent::load(&args.agent)?;
    let cases = cases(&args, &agent)?;
    let model = args.model.clone().map_or_else(|| agent.model.clone(), ModelRef::File);
    let cancel = Arc::new(AtomicBool::new(false));
    let mut mind = Mind::load(&model, threads(args.threads), cancel.clone())?;
    turn::calibrate(&mut agent, &mut mind)?;
    let mut reader = Reader::new(&agent, mind, cancel)?;
    let mut out = io::stdout().lock();
    let totals = eval::run(
        &agent,
        &cases,
        |state, case| reader.understand(state, case),
        |state, case, answer, score| {
            if args.wrong && score.exact {
                return Ok(());
            }
            if args.json {
                let line = Line::new(&agent.states[state].name, case, answer, score);
                writeln!(out, "{}", serde_json::to_string(&line)?)?;
            } else if args.wrong {
                writeln!(out, "{}", escaped(&eval::describe(case, answer, score)))?;
            }
            Ok(())
        },
    )?;
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&totals)?)?;
    } else {
        write!(out, "{}", escaped(&totals.to_string()))?;
    }
    Ok(ExitCode::SUCCESS)
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

/// A model that reads the agent's requests as a session would, with all devices on the board.
struct Reader<'a> {
    agent: &'a Agent,
    mind: Mind,
    /// One for each state.
    scenes: Vec<Scene>,
    cancel: Arc<AtomicBool>,
}

impl<'a> Reader<'a> {
    fn new(agent: &'a Agent, mind: Mind, cancel: Arc<AtomicBool>) -> anyhow::Result<Self> {
        let scenes = (0..agent.states.len()).map(|state| turn::scene(agent, state, &|_| true));
        let scenes = scenes.collect::<Result<_, _>>().map_err(|(tool, parameter)| {
            anyhow!("tool `{tool}`: the bundled model cannot fill the parameter `{parameter}`")
        })?;
        Ok(Reader { agent, mind, scenes, cancel })
    }

    fn understand(&mut self, state: usize, case: &Case) -> anyhow::Result<Answer> {
        let scene = &self.scenes[state];
        let state = &self.agent.states[state];
        let started = Instant::now();
        let reading = self
            .mind
            .read(scene, state.prompt.as_deref(), &case.text, &self.cancel)
            .with_context(|| case.origin.to_string())?;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let mut answer = Answer::by_confidence(state, reading.calls, reading.confidence, ms);
        if reading.ambiguous && state.act > 0.0 {
            // A session asks which one is meant, however sure the model is.
            answer.asked = true;
            if let Some(choice) = reading.choices.into_iter().next().filter(|_| answer.calls.is_empty()) {
                answer.calls = choice.calls;
            }
        }
        Ok(answer)
    }
}
