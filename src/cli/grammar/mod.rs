//! `pintail grammar`: what a grammar or schema allows, and how well the engine does.

mod cases;
mod check;
mod sample;
mod show;
pub(super) mod source;
mod test;

use std::process::ExitCode;

use clap::Subcommand;

/// Look at grammars and JSON Schemas: compile, try, sample, show, measure
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Args),
    Test(test::Args),
    Sample(sample::Args),
    Show(show::Args),
    Cases(cases::Args),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Check(args) => check::run(args),
        Command::Test(args) => test::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Show(args) => show::run(args),
        Command::Cases(args) => cases::run(args),
    }
}
