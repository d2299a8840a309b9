//! The command line: one file a command, each with its `Args` and a `run`.

mod bench;
mod caged;
mod check;
mod doctor;
mod escape;
mod generate;
mod inspect;
mod render;
mod tokenize;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use escape::escaped;

/// An offline agent for small Linux boards.
#[derive(Debug, Parser)]
#[command(name = "pintail", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::Args),
    Check(check::Args),
    Doctor(doctor::Args),
    Generate(generate::Args),
    Inspect(inspect::Args),
    Render(render::Args),
    Tokenize(tokenize::Args),
    #[command(flatten)]
    Hidden(caged::Hidden),
}

/// Parses the arguments, runs the command and says how the process ends: 0, 1 (error) or 2 (usage).
///
/// This is the one place that prints errors, once, with their causes.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => Ok(ExitCode::SUCCESS),
        Some(Command::Bench(args)) => bench::run(args),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Doctor(args)) => doctor::run(args),
        Some(Command::Generate(args)) => generate::run(args),
        Some(Command::Inspect(args)) => inspect::run(args),
        Some(Command::Render(args)) => render::run(args),
        Some(Command::Tokenize(args)) => tokenize::run(args),
        Some(Command::Hidden(hidden)) => caged::run(hidden),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", escaped(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// Whether the reader of our output has had enough (`pintail inspect … | head`), which is no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    })
}
