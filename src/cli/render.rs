//! `pintail render`: prompts and answers as the bundled model sees them, for training and for looking at.

use std::io::{self, BufRead, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::anyhow;
use serde_json::json;

use crate::agent::{self, Agent};
use crate::corpus::{Generator, Rng};
use crate::eval::{self, Case};
use crate::prompt::intent::Asked;
use crate::prompt::pintail::{Pointers, Token, encode, request, scene, text};
use crate::prompt::span::{Features, LONGEST, Tell, spans};
use crate::prompt::{Argument, Scene, Step, Tool, Turn, resolve};
use crate::turn;

/// Write requests as the bundled model reads them, one JSON object a line
///
/// Without --agent: generated requests in random worlds, with their answers. With it: the requests on standard input,
/// one a line, in that agent's start state, with the links that were found; or, with --draw, requests generated for it; or, with
/// --cases, recorded ones with the answers that are expected, in a random order.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many generated examples
    #[arg(short = 'n', long, default_value_t = 10)]
    count: usize,
    /// Seed of the generator
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many examples follow each other in one scene
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    per_scene: usize,
    /// Only prompt and answer, as training reads them
    #[arg(long)]
    bare: bool,
    /// Print the control tokens of the rendering, one a line in the order of their ids, and nothing else
    #[arg(long)]
    tokens: bool,
    /// Render the requests on standard input for this agent
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// Generate requests for the agent's devices and tools, with their answers, instead of reading some
    #[arg(long, requires = "agent")]
    draw: bool,
    /// Render these recorded requests (as `pintail eval` takes them) with the answers that are expected
    #[arg(long, requires = "agent", conflicts_with = "draw", value_name = "FILE")]
    cases: Option<PathBuf>,
    /// Of the recorded requests only what training/spans.py reads: the spans that a text argument may be, what is to be seen of each, and which it is
    #[arg(long, requires = "cases")]
    spans: bool,
    /// Of the recorded requests only what training/intent.py reads: their words beside those of the tools they may be for, and which they are for
    #[arg(long, requires = "cases", conflicts_with = "spans")]
    intents: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    if args.tokens {
        for token in Token::all() {
            writeln!(out, "{}", token.text())?;
        }
    } else if let Some(name) = &args.agent {
        let agent = agent::load(name)?;
        if let Some(file) = args.cases.as_ref().filter(|_| args.spans) {
            spans_of(&agent, file, &mut out)?;
        } else if let Some(file) = args.cases.as_ref().filter(|_| args.intents) {
            intents_of(&agent, file, &mut out)?;
        } else if let Some(file) = &args.cases {
            recorded(&agent, file, &args, &mut out)?;
        } else if args.draw {
            generate(Generator::in_scene(args.seed, world(&agent, agent.start)?), &args, &mut out)?;
        } else {
            read(&world(&agent, agent.start)?, &mut out)?;
        }
    } else {
        generate(Generator::new(args.seed).per_scene(args.per_scene), &args, &mut out)?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn generate(generator: Generator, args: &Args, out: &mut impl Write) -> anyhow::Result<()> {
    for example in generator.take(args.count) {
        let Some((prompt, answer)) = example.pieces() else { continue };
        let mut line = json!({ "prompt": text(&prompt), "answer": text(&answer) });
        if !args.bare {
            let turn = Turn::with_links(&example.scene, &example.request, example.links.clone());
            line["request"] = json!(example.request);
            line["category"] = json!(example.category);
            line["calls"] = json!(resolve(&turn, &example.steps));
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Recorded requests, in an order drawn from the seed; every `per_scene` of them with tools and devices in an order and with pointers
/// of their own, so that nothing is learnt of where they stand.
fn recorded(agent: &Agent, file: &Path, args: &Args, out: &mut impl Write) -> anyhow::Result<()> {
    let mut cases = eval::read_cases(file)?;
    eval::check_cases(agent, &cases)?;
    let mut rng = Rng::new(args.seed);
    rng.shuffle(&mut cases);
    let mut skipped = 0;
    for at in 0..agent.states.len() {
        let here: Vec<&Case> = said_in(agent, at, &cases).collect();
        let Scene { tools, devices, .. } = world(agent, at)?;
        for together in here.chunks(args.per_scene.max(1)) {
            let (mut tools, mut devices) = (tools.clone(), devices.clone());
            // The built-in tools have their order in every scene.
            let own = tools.iter().position(|tool| matches!(tool, Tool::User { .. })).unwrap_or(tools.len());
            rng.shuffle(&mut tools[own..]);
            rng.shuffle(&mut devices);
            let world = Scene::new(tools, devices);
            let pointers = Pointers::new(&world, None).turned(|most| rng.below(most));
            for case in together {
                let turn = Turn::new(&world, &case.text);
                let answer =
                    eval::steps(agent, &turn, &case.calls).and_then(|steps| encode(&turn, &pointers, &steps));
                let Some(answer) = answer else {
                    tracing::info!("{}: the notation has no way to these calls", case.origin);
                    skipped += 1;
                    continue;
                };
                let mut prompt = scene(&world, &pointers);
                prompt.extend(request(&turn, &pointers));
                let mut line = json!({ "prompt": text(&prompt), "answer": text(&answer) });
                if !args.bare {
                    line["request"] = json!(case.text);
                    line["category"] = json!(case.category);
                    line["calls"] = json!(case.calls);
                }
                writeln!(out, "{line}")?;
            }
        }
    }
    if skipped > 0 {
        eprintln!(
            "{skipped} of {} requests have no answer in the model's notation (-v names them)",
            cases.len()
        );
    }
    Ok(())
}

/// The requests that are said in a state of the agent.
fn said_in<'c>(agent: &Agent, state: usize, cases: &'c [Case]) -> impl Iterator<Item = &'c Case> {
    let (name, starts) = (agent.states[state].name.clone(), state == agent.start);
    cases.iter().filter(move |case| case.state.as_ref().map_or(starts, |said| *said == name))
}

/// The text arguments of recorded requests: one JSON object for each, with the features of every span by its words.
fn spans_of(agent: &Agent, file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let cases = eval::read_cases(file)?;
    for at in 0..agent.states.len() {
        let world = world(agent, at)?;
        for case in said_in(agent, at, &cases) {
            let turn = Turn::new(&world, &case.text);
            for step in eval::steps(agent, &turn, &case.calls).unwrap_or_default() {
                let Step::User { tool, arguments } = step else { continue };
                for (param, argument) in arguments.iter().enumerate() {
                    let Some(Argument::Text(text)) = argument else { continue };
                    if let Some(line) = span_features(&turn, tool, param, text) {
                        writeln!(out, "{line}")?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// What recorded requests are for: one JSON object for each, with its words and those of the tools it may be for.
fn intents_of(agent: &Agent, file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let cases = eval::read_cases(file)?;
    for at in 0..agent.states.len() {
        let world = world(agent, at)?;
        for case in said_in(agent, at, &cases) {
            let turn = Turn::new(&world, &case.text);
            let Asked { request, tools } = Asked::of(&turn);
            let names: Vec<&str> = world.user_tools().map(|(name, ..)| name).collect();
            let called = |name: &&str| case.calls.iter().any(|call| call.tool == **name);
            let gold: Vec<usize> = (0..names.len()).filter(|at| called(&names[*at])).collect();
            let tools: Vec<_> = tools
                .iter()
                .map(|tool| json!({ "words": tool.words, "common": tool.common, "shape": tool.shape }))
                .collect();
            writeln!(
                out,
                "{}",
                json!({ "text": case.text, "gold": gold, "request": request, "tools": tools })
            )?;
        }
    }
    Ok(())
}

fn span_features(turn: &Turn<'_>, tool: usize, param: usize, text: &str) -> Option<serde_json::Value> {
    let features = Features::of(turn, tool, param)?;
    let words = &features.words;
    let told = |tell: &dyn Fn(&mut Tell<'_>)| {
        let mut names = Vec::new();
        tell(&mut |name| names.push(name.to_owned()));
        names
    };
    let all: Vec<(usize, usize)> = spans(words, LONGEST).collect();
    let is_it = |(first, last): &(usize, usize)| {
        turn.request[words[*first].start..words[*last].end].eq_ignore_ascii_case(text)
    };
    let gold: Vec<usize> = all.iter().enumerate().filter(|(_, span)| is_it(span)).map(|(at, _)| at).collect();
    let starts: Vec<_> = (0..words.len()).map(|at| told(&|tell| features.of_start(at, tell))).collect();
    let ends: Vec<_> = (0..words.len()).map(|at| told(&|tell| features.of_end(at, tell))).collect();
    let inside: Vec<_> =
        all.iter().map(|&(first, last)| told(&|tell| features.of_inside(first..last + 1, tell))).collect();
    Some(
        json!({ "request": turn.request, "text": text, "gold": gold, "spans": all, "starts": starts, "ends": ends, "inside": inside }),
    )
}

/// What a state of the agent offers.
fn world(agent: &Agent, state: usize) -> anyhow::Result<Scene> {
    turn::scene(agent, state, &|_| true)
        .map_err(|(tool, parameter)| anyhow!("tool `{tool}`: the parameter `{parameter}` cannot be rendered"))
}

fn read(world: &Scene, out: &mut impl Write) -> anyhow::Result<()> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let turn = Turn::new(world, &line);
        let pointers = Pointers::new(world, Some(&turn));
        let mut prompt = scene(world, &pointers);
        prompt.extend(request(&turn, &pointers));
        writeln!(out, "{}", json!({ "request": line, "links": turn.links, "prompt": text(&prompt) }))?;
    }
    Ok(())
}
