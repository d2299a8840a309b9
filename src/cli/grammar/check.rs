//! `pintail grammar check`: whether a grammar compiles, how large it is, what looks wrong.

use std::io::{self, Write};
use std::process::ExitCode;

use super::source::Source;
use crate::repl::escaped;

/// Compile a grammar or JSON Schema; print its size, and what is not enforced
///
/// Exit code 1 when it is refused: the message names the line and column (GBNF), or the keyword and the JSON
/// pointer of its schema.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: Source,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let built = args.source.parts()?.build()?;
    let grammar = &built.grammar;
    let us = built.took.as_secs_f64() * 1e6;
    let mut out = io::stdout().lock();
    if args.json {
        let report = serde_json::json!({
            "file": built.file, "language": built.language.name(), "rules": grammar.rules(), "states": grammar.states(),
            "bytes": grammar.memory(), "shortest_text": grammar.shortest_text(), "compile_us": us, "warnings": built.warnings,
        });
        writeln!(out, "{report}")?;
        return Ok(ExitCode::SUCCESS);
    }
    built.warn();
    writeln!(out, "{}: {}, compiled in {}", escaped(&built.file), built.language.name(), time(us))?;
    writeln!(
        out,
        "{} rules, {} states, {} bytes; the shortest text has {} bytes",
        grammar.rules(),
        grammar.states(),
        grammar.memory(),
        grammar.shortest_text()
    )?;
    Ok(ExitCode::SUCCESS)
}

fn time(us: f64) -> String {
    if us < 1000.0 { format!("{us:.0} µs") } else { format!("{:.1} ms", us / 1000.0) }
}
