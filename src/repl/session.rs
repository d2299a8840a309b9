//! The terminal: a line in, a reply out, commands beside it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor, ExternalPrinter};

use crate::agent::ToolRef;
use crate::link::Mark;
use crate::turn::{MindError, Report};

use super::complete::{COMMANDS, Names};
use super::{Shell, escaped};

const PROMPT: &str = "> ";

/// Talks with a person at the terminal until they leave. The history is kept in `state_dir`.
///
/// # Errors
/// When there is no terminal to be had, or the board cannot be listened to.
pub fn interact(shell: &Shell, state_dir: &Path) -> anyhow::Result<()> {
    let config = Config::builder().completion_type(CompletionType::List).build();
    let mut editor: Editor<Names, FileHistory> = Editor::with_config(config).context("no terminal")?;
    editor.set_helper(Some(Names { names: names(shell) }));
    let history = state_dir.join("history");
    if history.exists()
        && let Err(error) = editor.load_history(&history)
    {
        eprintln!("the history {} cannot be read: {error}", history.display());
    }
    // What the agent says by itself is put above the line that is being typed.
    let printer = Mutex::new(editor.create_external_printer().context("no terminal")?);
    shell.listen(
        true,
        Arc::new(move |text: &str| {
            let mut printer = printer.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = printer.print(format!("{}\n", escaped(text)));
        }),
    )?;
    shell.engine().stay();
    greet(shell);
    loop {
        let prompt = match shell.engine().asking() {
            None => PROMPT,
            Some(1) => "yes or no? ",
            Some(_) => "which? ",
        };
        match editor.readline(prompt) {
            Ok(line) => {
                let line = line.trim();
                if line.is_empty() {
                    continue;
                }
                let _ = editor.add_history_entry(line);
                if line == "/quit" {
                    break;
                }
                shell.clear();
                if line.starts_with('/') {
                    command(shell, line);
                } else {
                    request(shell, line);
                }
            }
            Err(ReadlineError::Interrupted) => println!("(Ctrl-D leaves)"),
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error).context("reading from the terminal"),
        }
    }
    match shell.engine().forgets() {
        0 => {}
        count => println!(
            "Put away for later and lost: {count} (the agent keeps no journal, `resume` in its file)."
        ),
    }
    keep(&mut editor, &history);
    shell.shutdown()?;
    Ok(())
}

/// Writes the history; a full disk costs the history and nothing else.
fn keep(editor: &mut Editor<Names, FileHistory>, history: &Path) {
    let written = history
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .map_err(ReadlineError::from)
        .and_then(|()| editor.save_history(history));
    if let Err(error) = written {
        eprintln!("the history {} cannot be written: {error}", history.display());
    }
}

fn names(shell: &Shell) -> Vec<String> {
    let engine = shell.engine();
    let devices = &engine.agent().devices;
    let mut names: Vec<String> = devices.iter().map(|device| device.name.clone()).collect();
    for area in devices.iter().filter_map(|device| device.area.clone()) {
        if !names.contains(&area) {
            names.push(area);
        }
    }
    names
}

fn greet(shell: &Shell) {
    let engine = shell.engine();
    println!(
        "Pintail {}: agent {}, model {}, board {}. Say what to do, or /help.",
        env!("CARGO_PKG_VERSION"),
        escaped(&engine.agent().name),
        escaped(engine.model()),
        escaped(engine.board())
    );
}

fn request(shell: &Shell, line: &str) {
    let before = board(shell);
    let report = shell.engine().talk(line);
    let report = match report {
        Ok(report) => report,
        Err(MindError::Decode(crate::decode::DecodeError::Cancelled)) => {
            println!("(stopped)");
            return;
        }
        Err(error) => {
            println!("{}", escaped(&error.to_string()));
            return;
        }
    };
    show(&report);
    for line in board(shell).iter().filter(|line| !before.contains(line)) {
        println!("  {}", escaped(line));
    }
    if report.next_state != report.state {
        println!("  state: {}", escaped(&report.next_state));
    }
}

/// The devices as the board shows them, a line each.
fn board(shell: &Shell) -> Vec<String> {
    shell.engine().devices().iter().map(ToString::to_string).collect()
}

fn show(report: &Report) {
    for line in report.reply.lines() {
        println!("{}", escaped(line));
    }
}

fn command(shell: &Shell, line: &str) {
    match line.split_whitespace().next().unwrap_or_default() {
        "/help" => {
            println!("Say what to do (\"turn on the kitchen light\"), or one of:");
            for (name, meaning) in COMMANDS {
                println!("  {name:<10} {meaning}");
            }
        }
        "/devices" => board(shell).iter().for_each(|line| println!("  {}", escaped(line))),
        "/state" => {
            let engine = shell.engine();
            engine.agent().outline(engine.active()).iter().for_each(|line| println!("{}", escaped(line)));
            for (variable, value) in engine.agent().variables.iter().zip(&engine.machine().variables) {
                println!("  {} = {}", escaped(&variable.name), escaped(&value.to_string()));
            }
        }
        "/tools" => tools(shell),
        "/model" => println!("  {}", escaped(shell.engine().model())),
        "/why" => why(shell),
        "/budget" => budget(shell),
        "/scheduled" => {
            let list = shell.engine().scheduled();
            if list.is_empty() {
                println!("Nothing waits.");
            }
            list.iter().for_each(|line| println!("{}", escaped(line)));
        }
        "/cancel" => {
            let number = line.split_whitespace().nth(1).and_then(|word| word.parse().ok());
            match number.map(|number| shell.engine().cancel_scheduled(number)) {
                Some(true) => println!("It will not be done."),
                Some(false) => println!("Nothing waits under this number; /scheduled lists what does."),
                None => println!("Say which: /cancel 1"),
            }
        }
        "/reset" => {
            let said = shell.engine().reset();
            said.iter().for_each(|text| println!("{}", escaped(text)));
            let engine = shell.engine();
            println!("  state: {}", escaped(&engine.state_name()));
        }
        other => {
            let near = COMMANDS
                .iter()
                .map(|(name, _)| (strsim::osa_distance(name, other), *name))
                .min()
                .filter(|(distance, _)| *distance <= 2);
            match near {
                Some((_, name)) => println!("There is no {}; did you mean {name}?", escaped(other)),
                None => println!("There is no {}; /help shows what there is.", escaped(other)),
            }
        }
    }
}

fn tools(shell: &Shell) {
    let engine = shell.engine();
    let agent = engine.agent();
    for tool in &engine.scope().tools {
        let what = match tool {
            ToolRef::Builtin(tool) => tool.description(),
            ToolRef::User(at) => agent.tools[*at].description.as_str(),
        };
        println!("  {:<13} {}", escaped(agent.tool_name(*tool)), escaped(what));
    }
}

/// The links, the answer and the confidence of the last request.
fn why(shell: &Shell) {
    let engine = shell.engine();
    let Some(reading) = engine.last() else {
        println!("Nothing has been asked yet.");
        return;
    };
    println!("  read {}", escaped(&reading.request));
    for link in &reading.links {
        let marks: Vec<String> = link.marks.iter().map(|mark| meaning(&engine, mark)).collect();
        println!("  {} -> {}", escaped(&reading.request[link.start..link.end]), escaped(&marks.join(" or ")));
    }
    println!("  prompt {}", escaped(&reading.prompt));
    println!("  answer {}", escaped(&reading.answer));
    println!("  confidence {:.3}", reading.confidence);
}

/// What the prompt costs here, and what the last request added and reused.
fn budget(shell: &Shell) {
    let engine = shell.engine();
    let parts = engine.budget();
    let total: usize = parts.iter().map(|part| part.tokens).sum();
    println!("  {:<15} {total} tokens of {}", engine.state_name(), engine.context());
    parts.iter().for_each(|part| println!("    {:<15} {}", part.part, part.tokens));
    if let Some(reading) = engine.last() {
        println!("  last request    {}", escaped(&reading.request));
        reading.parts.iter().for_each(|part| println!("    {:<15} {}", part.part, part.tokens));
        let tokens = reading.tokens;
        println!(
            "    {} of {} were held from before; {} chosen, {} certain",
            tokens.cached, tokens.prompt, tokens.sampled, tokens.forced
        );
    }
}

fn meaning(engine: &crate::turn::Engine, mark: &Mark) -> String {
    // The state may have changed since; an index that is gone shows as itself.
    let scene = engine.scene();
    let name = |list: &[String], at: usize| list.get(at).cloned().unwrap_or_else(|| format!("#{at}"));
    match *mark {
        Mark::Device(at) => {
            scene.devices.get(at).map_or_else(|| format!("#{at}"), |device| device.name.clone())
        }
        Mark::Area(at) => format!("area {}", name(&scene.areas, at)),
        Mark::Kind(at) => format!("kind {}", name(&scene.kinds, at)),
        Mark::Value(at) => format!("choice {}", name(&scene.values, at)),
        Mark::Tool(at) => {
            scene.user_tools().nth(at).map_or_else(|| format!("#{at}"), |(name, ..)| format!("tool {name}"))
        }
        Mark::Number(number) => format!("number {}", number.value),
    }
}
