//! `pintail check`: whether an agent file is sound, and all that is wrong with it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use crate::agent::{self, Agent, Checked, ModelRef, Severity};
use crate::prompt::Background;
use crate::prompt::Tool;
use crate::repl::escaped;
use crate::turn::{self, Mind};

/// Checks an agent file and all that it names
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The agent file, or an agent's name
    agent: String,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the command: 0 when the agent is sound, 1 when there is an error in its file.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (file, mut checked) = agent::check_file(&args.agent)?;
    let tokens = measure(&mut checked);
    let unfillable = checked.agent.as_ref().map(unfillable).unwrap_or_default();
    let mut out = io::stdout().lock();
    if args.json {
        let summary = checked.agent.as_ref().map(|agent| {
            serde_json::json!({
                "name": agent.name,
                "devices": agent.devices.len(),
                "tools": agent.tools.iter().map(|tool| &tool.name).collect::<Vec<_>>(),
                "states": agent.states.iter().map(|state| &state.name).collect::<Vec<_>>(),
                "tokens": tokens,
            })
        });
        let report = serde_json::json!({
            "file": file, "sound": checked.is_sound(), "agent": summary, "findings": checked.findings,
            "unfillable": unfillable,
        });
        writeln!(out, "{report}")?;
    } else {
        let mut err = io::stderr().lock();
        for finding in &checked.findings {
            // Line by line, because the breaks between the lines are ours and not the file's.
            for line in finding.render(&file).lines() {
                writeln!(err, "{}", escaped(line))?;
            }
            writeln!(err)?;
        }
        for (tool, parameter) in &unfillable {
            writeln!(
                err,
                "warning: tool `{}`: the bundled model cannot fill the parameter `{}`; it fills strings, numbers, booleans and \
                 enums of strings. Change the schema, or run another model with -m\n",
                escaped(tool),
                escaped(parameter)
            )?;
        }
        print_summary(&file, &checked, &tokens, &mut out)?;
    }
    Ok(if checked.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The tokens of every state's prompt before anything is said, with the tokenizer of the agent's model, in the order of the
/// states; a state over its budget, or over what the model can hold, is a finding. Ends and history states have no prompt.
fn measure(checked: &mut Checked) -> Vec<usize> {
    let Some(agent) = &checked.agent else { return Vec::new() };
    let mind = match Mind::load(&agent.model, 1, Arc::default()) {
        Ok(mind) => mind,
        Err(error) => {
            checked.add(
                Severity::Error,
                1,
                error.to_string(),
                Some("`-m` and `model` take a GGUF file".into()),
            );
            return Vec::new();
        }
    };
    let (mut tokens, mut over) = (Vec::new(), Vec::new());
    for (index, state) in agent.states.iter().enumerate() {
        let count = match turn::scene(agent, index, &|_| true) {
            Ok(scene) => {
                let shown = agent.shown(&state.context, None);
                let background =
                    Background { prose: state.prompt.as_deref(), variables: &shown, before: &[] };
                mind.measure(&scene, &background).iter().map(|part| part.tokens).sum()
            }
            // A tool that the model cannot call has a warning of its own.
            Err(_) => 0,
        };
        if let Some(budget) = state.budget.filter(|budget| count > *budget) {
            over.push((state.line, format!("the prompt here has {count} tokens, its `budget` is {budget}")));
        } else if count >= mind.context() {
            let context = mind.context();
            over.push((state.line, format!("the prompt here has {count} tokens, the model holds {context}")));
        }
        tokens.push(count);
    }
    for (line, message) in over {
        checked.add(Severity::Error, line, message, Some("fewer tools or devices make it shorter".into()));
    }
    tokens
}

/// The tools that the bundled model cannot call, each with the parameter that stands in the way.
fn unfillable(agent: &Agent) -> Vec<(String, String)> {
    if agent.model != ModelRef::Bundled {
        return Vec::new();
    }
    let fault = |tool: &crate::tool::UserTool| {
        let parameter = Tool::user(&tool.name, &tool.description, &tool.parameters.schema).err()?;
        Some((tool.name.clone(), parameter))
    };
    agent.tools.iter().filter_map(fault).collect()
}

fn print_summary(file: &str, checked: &Checked, tokens: &[usize], out: &mut impl Write) -> io::Result<()> {
    let mut counts = Vec::new();
    for (severity, word) in
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")]
    {
        match checked.count(severity) {
            0 => {}
            1 => counts.push(format!("1 {word}")),
            several => counts.push(format!("{several} {word}s")),
        }
    }
    let verdict = if checked.is_sound() { "sound" } else { "not sound" };
    let counts = if counts.is_empty() { String::new() } else { format!(" ({})", counts.join(", ")) };
    writeln!(out, "{}: {verdict}{counts}", escaped(file))?;
    match &checked.agent {
        Some(agent) => print_agent(agent, tokens, out),
        None => Ok(()),
    }
}

fn print_agent(agent: &Agent, tokens: &[usize], out: &mut impl Write) -> io::Result<()> {
    let on_lines = agent.devices.iter().filter(|device| device.line.is_some()).count();
    let tools: Vec<&str> = agent.tools.iter().map(|tool| tool.name.as_str()).collect();
    writeln!(out, "  devices  {}, {on_lines} of them on lines", agent.devices.len())?;
    writeln!(
        out,
        "  tools    {}",
        if tools.is_empty() { "built-in ones only".into() } else { tools.join(", ") }
    )?;
    for (index, state) in agent.states.iter().enumerate() {
        let start = if index == agent.start { ", where it starts" } else { "" };
        let (tools, devices, ways) = (state.tools.len(), state.devices.len(), state.transitions.len());
        let cost = tokens.get(index).map_or(String::new(), |tokens| format!(", {tokens} tokens"));
        writeln!(
            out,
            "  state    {}: {tools} tools, {devices} devices, {ways} transitions{cost}{start}",
            escaped(&state.name)
        )?;
    }
    Ok(())
}
