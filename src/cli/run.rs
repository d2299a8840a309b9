//! `pintail run`, and `pintail` alone: an agent at work, at the terminal, for one request, or line by line.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use super::resident::forget_start;
use crate::agent::{self, Agent, ModelRef};
use crate::board::{RealClock, board};
use crate::prompt::pintail::MOST_REQUEST;
use crate::repl::{Shell, escaped, interact};
use crate::safety::{Kernel, Mode};
use crate::turn::{self, Engine, Mind, MindError, Report, Settings};

/// Run an agent: at the terminal, or for the requests of -p
///
/// Without -p and without a terminal the agent runs on its events alone (edges, timers) until it is told to end.
/// When the program ends, in whatever way, the board's outputs return to their safe states.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The agent: a TOML file, or the name of one (home, greenhouse, alarm, bench, interview, traffic-light)
    agent: String,
    /// One request; `-` reads one a line from standard input
    #[arg(short = 'p', long = "prompt", value_name = "TEXT")]
    prompt: Option<String>,
    /// Print one JSON object a turn
    #[arg(long, requires = "prompt")]
    json: bool,
    /// Print the prompt that the model read, and what each part of it cost, on standard error; with --json in the object
    #[arg(long, requires = "prompt")]
    show_prompt: bool,
    /// Write all that happens to this file, a line of JSON each, for `pintail replay`
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// How turns are printed.
#[derive(Clone, Copy)]
struct Style {
    json: bool,
    show_prompt: bool,
}

/// What model and which board.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// A GGUF model instead of the agent's own
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The board: `sim`, or a GPIO chip such as /dev/gpiochip0
    #[arg(long, value_name = "sim|PATH")]
    board: Option<String>,
    /// Check calls and say what they would change; move nothing, run no tool
    #[arg(long)]
    dry_run: bool,
    /// Threads of the model; 0 is one a core, four at most
    #[arg(short, long, default_value_t = 0)]
    threads: usize,
}

impl Options {
    /// Whether anything was asked for.
    pub fn is_default(&self) -> bool {
        self.model.is_none() && self.board.is_none() && !self.dry_run && self.threads == 0
    }
}

/// Runs the command.
pub fn run(args: Args, state_dir: &Path) -> anyhow::Result<ExitCode> {
    let agent = agent::load(&args.agent)?;
    let shell = shell(agent, &args.options, args.trace.as_deref(), state_dir)?;
    let style = Style { json: args.json, show_prompt: args.show_prompt };
    match args.prompt.as_deref() {
        None => at_terminal(&shell, state_dir),
        Some("-") => lines(&shell, style),
        Some(text) => {
            listen(&shell, false)?;
            let ok = turn(&shell, text, style)?;
            shell.shutdown()?;
            Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

/// `pintail` alone: the default agent at the terminal.
pub fn default(options: &Options, state_dir: &Path) -> anyhow::Result<ExitCode> {
    let agent = Agent::parse(agent::DEFAULT, None)?;
    at_terminal(&shell(agent, options, None, state_dir)?, state_dir)
}

/// Board first, model second: a board that is not there is said at once.
fn shell(
    mut agent: Agent,
    options: &Options,
    traced: Option<&Path>,
    state_dir: &Path,
) -> anyhow::Result<Shell> {
    let board = board(options.board.as_deref().unwrap_or("sim"))?;
    let mode = if options.dry_run { Mode::DryRun } else { Mode::Live };
    let kernel = Kernel::new(agent.devices.clone(), board, Arc::new(RealClock::new()), mode)?;
    let cancel = kernel.cancel();
    let model = options.model.clone().map_or_else(|| agent.model.clone(), ModelRef::File);
    let mut mind = Mind::load(&model, threads(options.threads), cancel.clone())?;
    turn::calibrate(&mut agent, &mut mind)?;
    let settings = Settings { state_dir: state_dir.to_owned() };
    let mut engine = match traced {
        None => Engine::new(agent, mind, kernel, settings, cancel.clone())?,
        Some(path) => Engine::traced(agent, mind, kernel, settings, cancel.clone(), trace(path)?)?,
    };
    for text in engine.keep(state_dir)? {
        eprintln!("{}", escaped(&text));
    }
    forget_start();
    Ok(Shell::new(engine, cancel))
}

/// A new file for a trace; one that is there is written over.
pub(super) fn trace(path: &Path) -> anyhow::Result<Box<dyn Write + Send>> {
    let file = std::fs::File::create(path).with_context(|| format!("the trace {}", path.display()))?;
    Ok(Box::new(file))
}

/// A thread a core, but not more than small matrices can use.
pub(super) fn threads(asked: usize) -> usize {
    match asked {
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(4),
        asked => asked,
    }
}

fn listen(shell: &Shell, interactive: bool) -> anyhow::Result<()> {
    shell.listen(interactive, Arc::new(|text: &str| eprintln!("{}", escaped(text))))
}

fn at_terminal(shell: &Shell, state_dir: &Path) -> anyhow::Result<ExitCode> {
    if io::stdin().is_terminal() {
        interact(shell, state_dir)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Under a service manager: events drive the agent until a signal ends the process.
    listen(shell, false)?;
    eprintln!("no terminal: the agent waits for events (`-p -` reads a request a line)");
    loop {
        std::thread::park();
    }
}

/// One request a line. A line that cannot be read or served does not stop the others; the exit code remembers it.
fn lines(shell: &Shell, style: Style) -> anyhow::Result<ExitCode> {
    listen(shell, false)?;
    shell.engine().stay();
    let mut input = io::stdin().lock();
    let mut failed = false;
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more than is legal shows that a line is too long; the rest of it is skipped unread.
        let most = MOST_REQUEST as u64 + 2;
        if input.by_ref().take(most).read_until(b'\n', &mut line).context("standard input")? == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == most {
            skip_line(&mut input).context("standard input")?;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        match std::str::from_utf8(text) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => failed |= !turn(shell, text.trim(), style)?,
            // A cut may fall inside a character; then it is the length that is wrong.
            Err(_) if text.len() > MOST_REQUEST => {
                failed |= complain(&MindError::TooLong { bytes: text.len() }, style.json)?
            }
            Err(error) => {
                let message = format!("the request is not UTF-8 text (byte {})", error.valid_up_to());
                failed |= complain(&message, style.json)?;
            }
        }
    }
    match shell.engine().forgets() {
        0 => {}
        count => eprintln!(
            "put away for later and lost: {count} (the agent keeps no journal, `resume` in its file)"
        ),
    }
    shell.shutdown()?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// Says what went wrong with one request; always true, for the exit code.
fn complain(error: &dyn std::fmt::Display, json: bool) -> anyhow::Result<bool> {
    if json {
        print(&serde_json::json!({ "error": error.to_string() }).to_string())?;
    } else {
        eprintln!("error: {}", escaped(&error.to_string()));
    }
    Ok(true)
}

/// One turn, printed; whether it was read and all that it called succeeded.
fn turn(shell: &Shell, request: &str, style: Style) -> anyhow::Result<bool> {
    let report = shell.engine().turn(request);
    let report = match report {
        Ok(report) => report,
        Err(error) => return Ok(!complain(&error, style.json)?),
    };
    let mut report_json = style.json.then(|| serde_json::to_value(&report)).transpose()?;
    if style.show_prompt
        && let Some(reading) = shell.engine().last()
    {
        match &mut report_json {
            Some(json) => {
                json["prompt"] = serde_json::json!({ "text": reading.prompt, "parts": reading.parts });
            }
            None => {
                eprintln!("{}", escaped(&reading.prompt));
                for part in &reading.parts {
                    eprintln!("  {:<15} {} tokens", part.part, part.tokens);
                }
            }
        }
    }
    match report_json {
        Some(json) => print(&json.to_string())?,
        None => show(shell, &report)?,
    }
    Ok(report.calls.iter().all(|call| call.error.is_none()))
}

/// The reply, and the lines of the devices that the calls changed.
fn show(shell: &Shell, report: &Report) -> anyhow::Result<()> {
    print(&escaped(&report.reply))?;
    let changed: Vec<&str> = report
        .calls
        .iter()
        .filter_map(|call| call.result.as_ref()?.get("changes")?.as_array())
        .flatten()
        .filter_map(|change| change.get("device")?.as_str())
        .collect();
    for device in shell.engine().devices() {
        if changed.contains(&device.device.as_str()) {
            print(&format!("  {}", escaped(&device.to_string())))?;
        }
    }
    if report.ask.is_some() {
        eprintln!("(nothing was done: it needs a yes at the terminal)");
    }
    Ok(())
}

/// A line on standard output, at once: whoever reads a pipe waits for it.
fn print(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}
