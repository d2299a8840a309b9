//! `AgentFile` to [`Agent`]: resolves every name and reports all that is wrong at once.

mod calls;
mod devices;
mod states;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::checked::{ACT, ASK, Agent, ModelRef};
use super::file::{AgentFile, At, Table};
use super::finding::{Finding, Findings, Severity, nearest, shown};
use super::read::read;
use crate::tool::{self, ToolError, ToolFile, UserTool};

/// What came of checking a file.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The agent; `None` when there is an error among the findings.
    pub agent: Option<Agent>,
    /// All findings, in the order of the file.
    pub findings: Vec<Finding>,
}

impl Checked {
    /// Whether the agent can run.
    pub fn is_sound(&self) -> bool {
        self.agent.is_some()
    }

    /// How many findings are of this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// Checks an agent file's text. `path` is where it stands: paths in it are relative to that
/// file, and its tools are looked up beside it; without one only embedded tools and the data
/// directories are looked at.
pub fn check(source: &str, path: Option<&Path>) -> Checked {
    let mut findings = Findings::new(source);
    let file = read(source, &mut findings);
    // Names in tables that could not be read are unknown; complaining about them too would only
    // hide the one thing that is wrong.
    let agent = if findings.has_errors() || too_many(&file, &mut findings) {
        None
    } else {
        resolve(file, path, &mut findings)
    };
    let agent = agent.filter(|_| !findings.has_errors());
    Checked { agent, findings: findings.finish() }
}

/// Devices, tools and states that an agent may have at most. What is checked grows with their
/// product (every state lists its devices), and a prompt holds far fewer.
const MOST: [(&str, usize); 3] = [("devices", 512), ("tools", 128), ("states", 256)];

fn too_many(file: &AgentFile, findings: &mut Findings) -> bool {
    fn nth<T>(table: &Table<T>, index: usize) -> Option<&At<String>> {
        table.0.get(index).map(|(name, _)| name)
    }
    let [devices, tools, states] = MOST.map(|(_, most)| most);
    let first_too_many = [nth(&file.devices, devices), nth(&file.tools, tools), nth(&file.states, states)];
    for (name, (what, most)) in first_too_many.into_iter().zip(MOST) {
        if let Some(name) = name {
            findings.error(&name.span, format!("an agent has at most {most} {what}"));
        }
    }
    findings.has_errors()
}

fn resolve(file: AgentFile, path: Option<&Path>, findings: &mut Findings) -> Option<Agent> {
    match &file.format {
        Some(format) if format.value == 1 => {}
        Some(format) => {
            let help = "this pintail reads `format = 1`";
            findings.error(&format.span, format!("unknown format {}", format.value)).help(help);
        }
        None => {
            findings.error(&(0..0), "missing key `format`").help("the file begins with `format = 1`");
        }
    }
    let devices = devices::check(file.devices, findings);
    let tools = check_tools(file.tools, path, findings);
    let Some(At { value: table, span }) = file.agent else {
        findings.error(&(0..0), "missing table `[agent]`").help("it needs at least `name = \"...\"`");
        return None;
    };
    check_name(&table.name, "name of the agent", findings);
    let model = match table.model {
        None => ModelRef::Bundled,
        Some(model) => check_model(&model, path, findings),
    };
    let act = threshold(table.act.as_ref(), "act", findings).unwrap_or(ACT);
    let ask = threshold(table.ask.as_ref(), "ask", findings).unwrap_or(ASK.min(act));
    thresholds_in_order(act, ask, table.ask.as_ref().or(table.act.as_ref()), findings);

    let names: Vec<&str> = file.states.0.iter().map(|(name, _)| name.value.as_str()).collect();
    let start = match &table.start {
        Some(start) => names.iter().position(|name| *name == start.value).unwrap_or_else(|| {
            findings.unknown(&start.span, "state", &start.value, names.iter().copied());
            0
        }),
        None => {
            if names.len() > 1 {
                let help = format!("say `start = \"{}\"`", shown(names[0]));
                findings.error(&span, "there are several states, and no `start` among them").help(help);
            }
            0
        }
    };
    if names.is_empty() {
        let help = "[states.main] alone allows every tool and device";
        findings.error(&span, "the agent has no state").help(help);
        return None;
    }
    let world = states::World { devices: &devices, tools: &tools, act, ask };
    let states = states::check(file.states, start, &world, findings);
    Some(Agent {
        name: table.name.value,
        description: table.description,
        path: path.map(Path::to_owned),
        model,
        start,
        devices,
        tools,
        states,
    })
}

fn check_model(model: &At<String>, path: Option<&Path>, findings: &mut Findings) -> ModelRef {
    let folder = path.and_then(Path::parent).unwrap_or(Path::new(""));
    let file = folder.join(&model.value);
    if !file.is_file() {
        let message = format!("there is no model file {}", shown(&file.display().to_string()));
        findings
            .error(&model.span, message)
            .help("paths are relative to the agent file; leave `model` out for the bundled model");
    }
    ModelRef::File(file)
}

/// Tools that are written out here, and those that an empty table looks up by name.
fn check_tools(table: Table<ToolFile>, path: Option<&Path>, findings: &mut Findings) -> Vec<UserTool> {
    let folder = path.and_then(Path::parent);
    let mut tools = Vec::new();
    for (name, file) in table.0 {
        if let Err(message) = tool::check_name(&shown(&name.value)) {
            findings.error(&name.span, message).help("built-in tools need no table");
            continue;
        }
        let tool = match file.is_empty() {
            true => tool::find(&name.value, folder),
            false => file.check(&name.value, path.unwrap_or(Path::new("agent"))),
        };
        match tool {
            Ok(tool) => tools.push(tool),
            Err(ToolError::Invalid { at: None, key, message, .. }) => {
                findings.error(&name.span, format!("`{key}` of this tool: {message}"));
            }
            Err(error) => {
                findings.error(&name.span, error.to_string());
            }
        }
    }
    tools
}

/// A confidence, which lies from 0 to 1.
fn threshold(value: Option<&At<f64>>, key: &str, findings: &mut Findings) -> Option<f64> {
    let At { value, span } = value?;
    if !(0.0..=1.0).contains(value) {
        findings.error(span, format!("`{key}` is a confidence from 0 to 1, not {value}"));
        return None;
    }
    Some(*value)
}

fn thresholds_in_order(act: f64, ask: f64, at: Option<&At<f64>>, findings: &mut Findings) {
    if let Some(at) = at.filter(|_| ask > act) {
        findings
            .error(&at.span, format!("`ask` ({ask}) is above `act` ({act})"))
            .help("below `ask` a request is refused, from `act` on it is done");
    }
}

/// Names stand in prompts, calls and on the terminal: not empty, no control characters, and short.
fn check_name(name: &At<String>, what: &str, findings: &mut Findings) -> bool {
    let text = &name.value;
    let wrong = if text.trim().is_empty() {
        "is empty"
    } else if text.trim() != text {
        "begins or ends with a space"
    } else if text.chars().any(char::is_control) {
        "has a control character in it"
    } else if text.len() > 64 {
        "is longer than 64 bytes"
    } else {
        return true;
    };
    findings.error(&name.span, format!("the {what} {wrong}"));
    false
}
