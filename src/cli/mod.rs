//! The command line: one file a command, each with its `Args` and a `run`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An offline agent for small Linux boards.
#[derive(Debug, Parser)]
#[command(name = "pintail", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {}

/// Parses the arguments, runs the command and says how the process ends: 0, 1 (error) or 2 (usage).
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        None => ExitCode::SUCCESS,
        Some(command) => match command {},
    }
}
