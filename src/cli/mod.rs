//! The command line: one file a command, each with its `Args` and a `run`.

mod bench;
mod caged;
mod calibrate;
mod check;
mod convert;
mod doctor;
mod eval;
mod generate;
mod grammar;
mod graph;
mod inspect;
mod new;
mod quantize;
mod render;
mod replay;
mod resident;
mod run;
mod schema;
mod simulate;
mod tokenize;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::repl::escaped;

/// An offline agent for small Linux boards
///
/// Without a command: the session at the terminal, with the default agent on a simulated board.
///
/// Exit codes: 0 when all went well, 1 on an error, 2 for a wrong command line.
#[derive(Debug, Parser)]
#[command(name = "pintail", version)]
pub struct Cli {
    /// Log what happens, on standard error; twice or three times for more
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// Where history and tools' files are kept [default: $XDG_STATE_HOME/pintail or ~/.local/state/pintail]
    #[arg(long, value_name = "DIR", global = true)]
    state_dir: Option<PathBuf>,
    #[command(flatten)]
    options: run::Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::Args),
    Calibrate(calibrate::Args),
    Check(check::Args),
    Convert(convert::Args),
    Doctor(doctor::Args),
    Eval(eval::Args),
    Generate(generate::Args),
    Grammar(grammar::Args),
    Graph(graph::Args),
    Inspect(inspect::Args),
    New(new::Args),
    Quantize(quantize::Args),
    Render(render::Args),
    Replay(replay::Args),
    Run(run::Args),
    Schema(schema::Args),
    Simulate(simulate::Args),
    Tokenize(tokenize::Args),
    #[command(flatten)]
    Hidden(caged::Hidden),
}

/// Parses the arguments, runs the command and says how the process ends: 0, 1 (error) or 2 (usage).
///
/// This is the one place that prints errors, once, with their causes.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.command.is_some() && !cli.options.is_default() {
        let kind = clap::error::ErrorKind::ArgumentConflict;
        Cli::command().error(kind, "options of a command stand behind its name").exit();
    }
    log(cli.verbose);
    let state_dir = cli.state_dir.unwrap_or_else(state_dir);
    let result = match cli.command {
        None => run::default(&cli.options, &state_dir),
        Some(Command::Bench(args)) => bench::run(args),
        Some(Command::Calibrate(args)) => calibrate::run(args),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Convert(args)) => convert::run(args),
        Some(Command::Doctor(args)) => doctor::run(args),
        Some(Command::Eval(args)) => eval::run(args),
        Some(Command::Generate(args)) => generate::run(args),
        Some(Command::Grammar(args)) => grammar::run(args),
        Some(Command::Graph(args)) => graph::run(args),
        Some(Command::Inspect(args)) => inspect::run(args),
        Some(Command::New(args)) => new::run(args),
        Some(Command::Quantize(args)) => quantize::run(args),
        Some(Command::Render(args)) => render::run(args),
        Some(Command::Replay(args)) => replay::run(args),
        Some(Command::Run(args)) => run::run(args, &state_dir),
        Some(Command::Schema(args)) => schema::run(args),
        Some(Command::Simulate(args)) => simulate::run(args),
        Some(Command::Tokenize(args)) => tokenize::run(args),
        Some(Command::Hidden(hidden)) => caged::run(hidden),
    };
    match result {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", escaped(&told(&error)));
            ExitCode::FAILURE
        }
    }
}

/// The error with its causes, one after the other; a cause that the message before it ends with is not said again.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Logs to standard error: warnings, with `-v` what happens, with `-vv` how, with `-vvv` what each request might have meant too.
fn log(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::WARN,
        1 => tracing::Level::INFO,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .without_time()
        .with_target(false)
        .init();
}

/// A bar for work that takes minutes, counted in weights; hidden where standard error is no terminal.
fn bar(weights: u64) -> ProgressBar {
    // The template is a constant; were it wrong, the default bar does as well.
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {eta:>4} {wide_msg}");
    ProgressBar::new(weights).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The user's state directory for this program.
fn state_dir() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(std::env::temp_dir)
        .join("pintail")
}

/// Whether the reader of our output has had enough (`pintail inspect … | head`), which is no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    })
}
