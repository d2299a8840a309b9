//! `pintail render`: prompts and answers as the bundled model sees them, for training and for looking at.

use std::io::{self, BufRead, BufWriter, Write};
use std::process::ExitCode;

use anyhow::anyhow;
use serde_json::json;

use crate::agent;
use crate::corpus::Generator;
use crate::prompt::pintail::{Pointers, Token, request, scene, text};
use crate::prompt::{Scene, Turn, resolve};
use crate::turn;

/// Write requests as the bundled model reads them, one JSON object a line
///
/// Without --agent: generated requests in random worlds, with their answers. With it: the requests on standard input,
/// one a line, in that agent's start state, with the links that were found; or, with --draw, requests generated for it.
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
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    if args.tokens {
        for token in Token::all() {
            writeln!(out, "{}", token.text())?;
        }
    } else if let Some(name) = &args.agent {
        let world = world(name)?;
        if args.draw {
            generate(Generator::in_scene(args.seed, world), &args, &mut out)?;
        } else {
            read(&world, &mut out)?;
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

/// What the agent's start state offers.
fn world(name: &str) -> anyhow::Result<Scene> {
    let agent = agent::load(name)?;
    turn::scene(&agent, agent.start, &|_| true)
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
