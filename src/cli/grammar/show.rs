//! `pintail grammar show`: a grammar in a form to read.

use std::io::{self, Write};
use std::process::ExitCode;

use super::source::Source;

/// Print a grammar or JSON Schema as GBNF: what a schema is compiled to, and what llama.cpp reads too
///
/// The text is the same language as the original. Bounds are kept as they are ({0,1000000}); other engines may
/// refuse them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Print the automaton instead, as a graph in Graphviz's language (`dot -Tsvg`)
    #[arg(long)]
    dot: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let parts = args.source.parts()?;
    let text = if args.dot { None } else { Some(parts.builder.gbnf(parts.root)) };
    // Also where the graph is not asked for: what cannot be built is not shown as if it could.
    let built = parts.build()?;
    built.warn();
    let text = text.unwrap_or_else(|| built.grammar.dot());
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
