//! `pintail graph`: an agent's statechart as a picture.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::agent::graph::Diagram;
use crate::agent::load;

/// Draws an agent's statechart
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The agent: a TOML file, or the name of one
    agent: String,
    /// The form
    #[arg(short, long, value_enum, default_value = "mermaid")]
    format: Format,
    /// Write to this file instead of standard output; its ending (.mmd, .dot, .svg) chooses the form
    #[arg(short, long, value_name = "FILE", conflicts_with = "format")]
    output: Option<PathBuf>,
}

/// Forms of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Drawn by Markdown viewers
    Mermaid,
    /// Drawn by Graphviz (`dot -Tsvg`)
    Dot,
    /// Drawn by any browser
    Svg,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let agent = load(&args.agent)?;
    let diagram = Diagram::new(&agent, &[]);
    let format = match &args.output {
        None => args.format,
        Some(path) => match path.extension().and_then(|ending| ending.to_str()) {
            Some("mmd" | "mermaid") => Format::Mermaid,
            Some("dot" | "gv") => Format::Dot,
            Some("svg") => Format::Svg,
            _ => anyhow::bail!("{}: the ending is none of .mmd, .dot and .svg", path.display()),
        },
    };
    let text = match format {
        Format::Mermaid => diagram.mermaid(),
        Format::Dot => diagram.dot(),
        Format::Svg => diagram.svg(),
    };
    match &args.output {
        None => io::stdout().lock().write_all(text.as_bytes())?,
        Some(path) => std::fs::write(path, text).with_context(|| path.display().to_string())?,
    }
    Ok(ExitCode::SUCCESS)
}
