//! `pintail grammar cases`: a file of recorded cases through the engine, each in a process that may fail.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};

use super::source::{open, tokenizer};
use crate::grammar::cases::{self, Case, Outcome, Status, Times, Totals, Vocabulary};
use crate::grammar::{TokenTrie, cache_folder};
use crate::repl::escaped;

/// How long reading a model may take.
const START: Duration = Duration::from_secs(120);

/// Run recorded cases `{id, schema, tests: [{data, valid}]}` through the engine, as a decoder would
///
/// Each value is walked token by token, a mask before each. Prints what is not right, and totals; with --json a
/// line a schema and the totals as the last. `valid` and `invalid` count the values of compiled schemas. A case that
/// hangs or ends the program is counted and the others go on. Wrong answers are a result and no error.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The cases, a JSON object a line; FILE.gz is unpacked with `gzip`
    file: PathBuf,
    /// The GGUF file whose vocabulary the values are walked in; it may hold nothing else
    #[arg(short, long, value_name = "FILE")]
    model: PathBuf,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
    /// Compile for object keys in any order, as recorded values have them: the default here
    #[arg(long)]
    any_order: bool,
    /// Compile for object keys in the order of the schema
    #[arg(long, conflicts_with = "any_order")]
    schema_order: bool,
    /// Only schemas of this split
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// Longest time for a case, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    timeout: u64,
    /// Most bytes for the states of a run
    #[arg(long, value_name = "BYTES")]
    memory: Option<usize>,
    /// Be the process that runs the cases from this one on
    #[arg(long, hide = true)]
    from: Option<usize>,
}

/// What the process that runs the cases says after each.
#[derive(Serialize, Deserialize)]
struct Report {
    outcome: Option<Outcome>,
    peak_rss_kb: u64,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let Some(from) = args.from {
        work(&args, from)?;
        return Ok(ExitCode::SUCCESS);
    }
    let cases = read(&args)?;
    let mut out = io::stdout().lock();
    let mut totals = Totals::default();
    let timeout = Duration::from_millis(args.timeout);
    let peak = all(
        &cases,
        timeout,
        |from| Worker::start(command(&args, from)?),
        |outcome| {
            totals.add(&outcome);
            print(&mut out, args.json, outcome)
        },
    )?;
    let totals = totals.finish(peak);
    if args.json {
        let mut line = serde_json::to_value(&totals)?;
        line["order"] = if args.schema_order { "schema" } else { "any" }.into();
        writeln!(out, "{line}")?;
    } else {
        describe(&mut out, &totals)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs all cases in processes that `start` starts, each from the case that it is given on: one is enough unless a
/// case ends it or takes too long. Says the most memory that one of them held, in KiB.
fn all(
    cases: &[Case],
    timeout: Duration,
    mut start: impl FnMut(usize) -> anyhow::Result<Worker>,
    mut each: impl FnMut(Outcome) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let (mut next, mut peak) = (0, 0);
    while next < cases.len() {
        let mut worker = start(next)?;
        while let Some(case) = cases.get(next) {
            next += 1;
            let broken = match worker.reports.recv_timeout(timeout) {
                Ok(Report { outcome: Some(outcome), peak_rss_kb }) => {
                    peak = peak.max(peak_rss_kb);
                    each(outcome)?;
                    continue;
                }
                Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                    let how = format!("the process ended: {}", worker.end());
                    Outcome::broken(case, Status::Crashed, how)
                }
                Err(RecvTimeoutError::Timeout) => {
                    let what = format!("not done after {} ms", timeout.as_millis());
                    Outcome::broken(case, Status::TimedOut, what)
                }
            };
            each(broken)?;
            break;
        }
        worker.end();
    }
    Ok(peak)
}

/// This program as the process that runs the cases from `from` on.
fn command(args: &Args, from: usize) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    command.args(["grammar", "cases"]).arg(&args.file).arg("--model").arg(&args.model);
    command.args(["--from", &from.to_string()]);
    if let Some(split) = &args.split {
        command.args(["--split", split]);
    }
    if args.schema_order {
        command.arg("--schema-order");
    }
    if let Some(memory) = args.memory {
        command.args(["--memory", &memory.to_string()]);
    }
    Ok(command)
}

/// The cases of the file, in order.
fn read(args: &Args) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for_each(args, |case| {
        cases.push(case);
        Ok(())
    })?;
    if cases.is_empty() {
        let which = if args.split.is_some() { " of this split" } else { "" };
        bail!("{}: there is no case{which}", args.file.display());
    }
    Ok(cases)
}

/// Calls back with each case of the file, in order; no more than one line of it is held.
fn for_each(args: &Args, each: impl FnMut(Case) -> anyhow::Result<()>) -> anyhow::Result<()> {
    if args.file.extension().is_none_or(|ending| ending != "gz") {
        return for_each_of(open(&args.file)?, args, each);
    }
    let mut unpacking = Command::new("gzip")
        .args(["-d", "-c", "--"])
        .arg(&args.file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start `gzip`: unpack the file first")?;
    let output = unpacking.stdout.take().context("a process without an output")?;
    let done = for_each_of(output, args, each);
    let ended = unpacking.wait_with_output()?;
    // Where a line was not to be used it may not have come to its end.
    if done.is_ok() && !ended.status.success() {
        bail!("{}: {}", args.file.display(), String::from_utf8_lossy(&ended.stderr).trim());
    }
    done
}

fn for_each_of(
    input: impl Read,
    args: &Args,
    mut each: impl FnMut(Case) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let place = args.file.display();
    let (mut input, mut line) = (BufReader::new(input), Vec::new());
    let (mut number, mut before) = (0, 0);
    while input.read_until(b'\n', &mut line).with_context(|| place.to_string())? > 0 {
        number += 1;
        let text = std::str::from_utf8(&line)
            .map_err(|error| anyhow!("{place}: not UTF-8 at byte {}", before + error.valid_up_to()))?;
        if !text.trim().is_empty() {
            let case = Case::parse(text).with_context(|| format!("{place}: line {number}: not a case"))?;
            if args.split.is_none() || args.split == case.split {
                each(case)?;
            }
        }
        before += line.len();
        line = Vec::new();
    }
    Ok(())
}

/// Runs the cases from number `from` on, a report each; one without an outcome first, when the vocabulary is there.
fn work(args: &Args, from: usize) -> anyhow::Result<()> {
    let vocabulary = Vocabulary::new(tokenizer(&args.model)?);
    let trie = Arc::new(TokenTrie::cached(vocabulary.tokenizer(), cache_folder().as_deref()));
    let mut settings = cases::Settings { any_order: !args.schema_order, ..cases::Settings::default() };
    settings.states = args.memory.unwrap_or(settings.states);
    let mut out = io::stdout().lock();
    let mut say = |outcome| -> anyhow::Result<()> {
        let report = Report { outcome, peak_rss_kb: peak_rss_kb() };
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
        Ok(out.flush()?)
    };
    say(None)?;
    let mut before = 0;
    for_each(args, |case| {
        before += 1;
        if before <= from { Ok(()) } else { say(Some(cases::run(&case, &vocabulary, &trie, settings))) }
    })
}

/// The most memory that this process has held, in KiB; 0 where the system does not say.
fn peak_rss_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}

/// A process that runs cases.
struct Worker {
    child: Child,
    reports: Receiver<Report>,
}

impl Worker {
    fn start(mut command: Command) -> anyhow::Result<Worker> {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start a process")?;
        let output = child.stdout.take().context("a process without an output")?;
        let (sender, reports) = channel();
        // Ends with the process, whose end closes the pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Some(report) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { break };
                if sender.send(report).is_err() {
                    break;
                }
            }
        });
        let mut worker = Worker { child, reports };
        match worker.reports.recv_timeout(START) {
            Ok(Report { outcome: None, .. }) => Ok(worker),
            // It has said on standard error what is wrong.
            _ => bail!("no case was run: {}", worker.end()),
        }
    }

    /// Ends the process and says how it ended.
    fn end(&mut self) -> String {
        // One that ended by itself cannot be killed, and says how.
        let _ = self.child.kill();
        self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string())
    }
}

fn print(out: &mut impl Write, json: bool, mut outcome: Outcome) -> anyhow::Result<()> {
    if json {
        let masks = Times::of(std::mem::take(&mut outcome.masks_us));
        let mut line = serde_json::to_value(&outcome)?;
        line["mask_us"] = serde_json::to_value(masks)?;
        writeln!(out, "{line}")?;
        return Ok(());
    }
    if outcome.all_right {
        return Ok(());
    }
    let what = match (&outcome.error, outcome.status) {
        (Some(error), status) => format!("{}: {error}", name(status)),
        (None, _) => {
            let wrong = outcome.tests.iter().enumerate().filter(|(_, walk)| walk.accepted != walk.valid);
            let wrong = wrong.map(|(i, walk)| match walk.refused_at {
                Some(at) => format!("value {i} is valid and was refused at byte {at}"),
                None => format!("value {i} is invalid and was accepted"),
            });
            let mut wrong: Vec<String> = wrong.collect();
            if outcome.split_answers > 0 {
                wrong.push(format!("{} answers differ between tokens and bytes", outcome.split_answers));
            }
            wrong.join("; ")
        }
    };
    writeln!(out, "{}", escaped(&format!("{}: {what}", outcome.id)))?;
    Ok(())
}

fn name(status: Status) -> &'static str {
    match status {
        Status::Compiled => "compiled",
        Status::Refused => "refused",
        Status::Failed => "failed",
        Status::TimedOut => "timed out",
        Status::Crashed => "crashed",
    }
}

fn describe(out: &mut impl Write, totals: &Totals) -> io::Result<()> {
    let share = |part: usize, of: usize| if of == 0 { 0.0 } else { part as f64 * 100.0 / of as f64 };
    let compiled = share(totals.compiled, totals.schemas);
    writeln!(
        out,
        "schemas   {}: {} compiled ({compiled:.1} %), {} refused",
        totals.schemas, totals.compiled, totals.refused
    )?;
    if totals.failed + totals.timed_out + totals.crashed + totals.split_answers > 0 {
        writeln!(
            out,
            "faults    {} failed, {} timed out, {} crashed, {} answers differ between tokens and bytes",
            totals.failed, totals.timed_out, totals.crashed, totals.split_answers
        )?;
    }
    writeln!(out, "all right {} ({:.1} %)", totals.all_right, share(totals.all_right, totals.schemas))?;
    let valid = share(totals.valid_accepted, totals.valid);
    writeln!(out, "valid     {} accepted of {} ({valid:.1} %)", totals.valid_accepted, totals.valid)?;
    writeln!(out, "invalid   {} accepted of {}", totals.invalid_accepted, totals.invalid)?;
    for (name, times) in [("first mask", &totals.first_mask_us), ("masks", &totals.mask_us)] {
        let Times { count, avg, p50, p99, max } = times;
        writeln!(out, "{name:<10} avg {avg:.1} µs, p50 {p50:.1}, p99 {p99:.1}, max {max:.0} ({count})")?;
    }
    writeln!(out, "memory    {} kB at its peak", totals.peak_rss_kb)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A shell in the place of the process: `script` after it has said that it is ready.
    fn shell(script: &str) -> anyhow::Result<Worker> {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("echo '{{\"outcome\":null,\"peak_rss_kb\":1}}'; {script}")]);
        Worker::start(command)
    }

    fn run_shell(script: impl Fn(usize) -> String) -> Vec<(String, Status)> {
        let case = |id: &str| Case::parse(&format!("{{\"id\":\"{id}\",\"schema\":{{}}}}")).unwrap();
        let cases = ["a", "b", "c"].map(case);
        let mut found = Vec::new();
        let timeout = Duration::from_millis(300);
        let each = |outcome: Outcome| {
            found.push((outcome.id, outcome.status));
            Ok(())
        };
        all(&cases, timeout, |from| shell(&script(from)), each).unwrap();
        found
    }

    #[test]
    fn a_process_that_ends_or_hangs_costs_one_case() {
        let names = |status| ["a", "b", "c"].map(|id| (id.to_owned(), status)).to_vec();
        assert_eq!(run_shell(|_| "exit 3".to_owned()), names(Status::Crashed));
        assert_eq!(run_shell(|_| "kill -ABRT $$".to_owned()), names(Status::Crashed));
        assert_eq!(run_shell(|_| "exec sleep 60".to_owned()), names(Status::TimedOut));
        // The first case is done, the second hangs, and a new process goes on with the third.
        let done = |id: &str| {
            let case = Case::parse(&format!("{{\"id\":\"{id}\",\"schema\":{{}}}}")).unwrap();
            let outcome = Some(Outcome::broken(&case, Status::Refused, String::new()));
            format!("echo '{}'", serde_json::to_string(&Report { outcome, peak_rss_kb: 2 }).unwrap())
        };
        let script = |from| if from == 0 { done("a") + "; exec sleep 60" } else { done("c") };
        let wanted = [("a", Status::Refused), ("b", Status::TimedOut), ("c", Status::Refused)];
        assert_eq!(run_shell(script), wanted.map(|(id, status)| (id.to_owned(), status)));
    }

    #[test]
    fn a_process_that_does_not_start_is_an_error() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 1"]);
        assert!(Worker::start(command).is_err_and(|error| error.to_string().starts_with("no case was run")));
    }
}
