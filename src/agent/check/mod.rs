//! `AgentFile` to [`Agent`]: resolves every name and reports all that is wrong at once.

mod actions;
mod calls;
mod devices;
mod events;
pub(super) mod expressions;
#[cfg(test)]
mod faults;
mod flow;
mod forms;
mod states;
#[cfg(test)]
mod tests;
mod transitions;
mod tree;
mod world;

use std::path::Path;

use std::collections::BTreeSet;
use std::time::Duration;

use super::chart::{Act, Expr, MOST_TEXT, Value, visit};
use super::checked::{ACT, ASK, Agent, Flush, ModelRef, Resume, State, Trigger, Variable};
use super::file::{AgentFile, At, DeviceTable, Table};
use super::finding::{Finding, Findings, Severity, nearest, shown};
use super::read::read;
use crate::board::{Device, Direction};
use crate::grammar::schema;
use crate::tool::{self, ToolError, ToolFile, UserTool};

use events::Events;
use world::World;

/// What came of checking a file.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The agent; `None` when there is an error among the findings.
    pub agent: Option<Agent>,
    /// All findings, in the order of the file.
    pub findings: Vec<Finding>,
    /// The file's text.
    source: String,
}

impl Checked {
    /// Whether the agent can run.
    pub fn is_sound(&self) -> bool {
        self.agent.is_some()
    }

    /// Adds a finding on a whole line (from 1) that only a model's tokenizer could tell; an error takes the agent away.
    pub fn add(&mut self, severity: Severity, line: usize, message: String, help: Option<String>) {
        let text: String = self.source.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned();
        let text: String =
            text.chars().take(Finding::SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let width = text.chars().count().max(1);
        self.findings.push(Finding { severity, message, help, line, column: 1, source: text, width });
        self.findings.sort_by_key(|finding| finding.line);
        if severity == Severity::Error {
            self.agent = None;
        }
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
    Checked { agent, findings: findings.finish(), source: source.to_owned() }
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

fn resolve(mut file: AgentFile, path: Option<&Path>, findings: &mut Findings) -> Option<Agent> {
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
    let debounce = debounce(&file.devices, findings);
    let bouncing: Vec<_> =
        file.devices.0.iter().map(|(_, table)| table.debounce.as_ref().map(|at| at.span.clone())).collect();
    let devices = devices::check(std::mem::take(&mut file.devices), findings);
    debounced_inputs(&bouncing, &devices, findings);
    let tools = check_tools(std::mem::take(&mut file.tools), path, findings);
    let Some(At { value: table, span }) = file.agent.take() else {
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

    let names: Vec<String> = file.states.0.iter().map(|(name, _)| name.value.clone()).collect();
    if names.is_empty() {
        let help = "[states.main] alone allows every tool and device";
        findings.error(&span, "the agent has no state").help(help);
        return None;
    }
    let initial = first_states(&table.start, &file, &span, findings);
    let variables = check_variables(&file.variables, findings);
    let types: Vec<_> = variables.iter().map(|v| (v.name.clone(), v.initial.kind())).collect();
    let events = Events::gather(&file.states, &types, &devices, &names);
    let budget = table.budget.as_ref().map(|budget| budget.value as usize);
    let folder = path.and_then(Path::parent);
    let world =
        World { folder, devices: &devices, tools: &tools, act, ask, budget, variables: types, names, events };
    let states = states::check(file.states, &initial, &world, findings);
    if states.len() < world.names.len() {
        return None;
    }
    let (observed, sampled) = looked_at(&states);
    Some(Agent {
        name: table.name.value,
        description: table.description,
        path: path.map(Path::to_owned),
        model,
        start: initial[0],
        initial,
        devices,
        tools,
        variables,
        states,
        resume: table.resume,
        sync: sync(table.sync.as_ref(), table.resume, findings),
        debounce,
        observed,
        sampled,
    })
}

/// `start` of the agent: names of states; when there is only one outermost state it may be left out.
fn first_states(
    start: &Option<At<super::chart_file::NameList>>,
    file: &AgentFile,
    span: &std::ops::Range<usize>,
    findings: &mut Findings,
) -> Vec<usize> {
    let names = || file.states.0.iter().map(|(name, _)| name.value.as_str());
    let mut initial = Vec::new();
    for name in start.iter().flat_map(At::names) {
        match names().position(|known| known == name.value) {
            Some(index) => initial.push(index),
            None => findings.unknown(&name.span, "state", &name.value, names()),
        }
    }
    if initial.is_empty() {
        let outermost = |(_, state): &&(At<String>, _)| {
            let state: &super::chart_file::StateTable = state;
            state.parent.is_none()
        };
        let several = file.states.0.iter().filter(outermost).count() > 1;
        if start.is_none() && several {
            let help = format!("say `start = \"{}\"`", shown(names().next().unwrap_or_default()));
            findings.error(span, "there are several states, and no `start` among them").help(help);
        }
        let first = file.states.0.iter().position(|(_, state)| state.parent.is_none());
        initial.push(first.unwrap_or(0));
    }
    initial
}

/// `[variables]`: words that are not taken, with values that can be kept.
fn check_variables(table: &Table<At<Value>>, findings: &mut Findings) -> Vec<Variable> {
    const MOST_VARIABLES: usize = 256;
    let mut variables = Vec::new();
    for (name, At { value, span }) in &table.0 {
        const TAKEN: [&str; 7] = ["and", "or", "not", "true", "false", "event", "in"];
        if !is_word(&name.value) || TAKEN.contains(&name.value.as_str()) {
            findings
                .error(&name.span, format!("`{}` cannot be the name of a variable", shown(&name.value)))
                .help("letters, digits and _, and no word of the expressions");
        }
        match value {
            Value::Number(number) if !number.is_finite() => {
                findings.error(span, format!("{number} is no number to calculate with"));
            }
            Value::Text(text) if text.len() > MOST_TEXT => {
                findings.error(span, format!("a text has at most {MOST_TEXT} bytes"));
            }
            _ => {}
        }
        if variables.len() == MOST_VARIABLES {
            findings.error(&name.span, format!("an agent has at most {MOST_VARIABLES} variables"));
            break;
        }
        variables.push(Variable { name: name.value.clone(), initial: value.clone() });
    }
    variables
}

/// Letters, digits and `_`, and no digit first.
fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// `sync` of the agent.
fn sync(at: Option<&At<String>>, resume: Option<Resume>, findings: &mut Findings) -> Flush {
    let Some(at) = at else { return Flush::Always };
    if resume.is_none() {
        findings.error(&at.span, "nothing is written down without `resume`").help("resume = \"restore\"");
    }
    match at.value.as_str() {
        "always" => Flush::Always,
        "never" => Flush::Never,
        time => match transitions::duration(time) {
            Some(time) => Flush::Every(time),
            None => {
                findings
                    .error(&at.span, format!("`{}` is neither a time nor always or never", shown(time)))
                    .help("as in \"10s\"");
                Flush::Always
            }
        },
    }
}

/// `debounce` of the devices, in their order; digital inputs only.
fn debounce(table: &Table<DeviceTable>, findings: &mut Findings) -> Vec<Duration> {
    const MOST: Duration = Duration::from_secs(10);
    let mut times = Vec::new();
    for (_, device) in &table.0 {
        let Some(at) = &device.debounce else {
            times.push(Duration::ZERO);
            continue;
        };
        let time = transitions::duration(&at.value).filter(|time| *time <= MOST);
        if time.is_none() {
            findings
                .error(&at.span, format!("`{}` is no time to leave an input alone", shown(&at.value)))
                .help("as in \"20ms\", at most 10 s");
        }
        times.push(time.unwrap_or_default());
    }
    times
}

fn debounced_inputs(table: &[Option<std::ops::Range<usize>>], devices: &[Device], findings: &mut Findings) {
    for (span, device) in table.iter().zip(devices) {
        if let Some(span) = span.as_ref().filter(|_| device.direction == Direction::Out || device.measures())
        {
            findings.error(span, format!("`{}` has no contact that could bounce", shown(&device.name)));
        }
    }
}

/// The devices that expressions look at, and the sensors that thresholds do.
fn looked_at(states: &[State]) -> (Vec<usize>, Vec<usize>) {
    let (mut observed, mut sampled) = (BTreeSet::new(), BTreeSet::new());
    let mut look = |expr: &Expr| {
        expr.visit(&mut |part| {
            if let Expr::Device(_, device) = part {
                observed.insert(*device);
            }
        });
    };
    for state in states {
        let blocks = [&state.entry, &state.exit, &state.initial.actions];
        for block in blocks.into_iter().chain(state.transitions.iter().map(|t| &t.actions)) {
            visit(block, &mut |step| {
                let act: &Act = &step.act;
                act.expressions().into_iter().for_each(&mut look);
            });
        }
        state.data.iter().for_each(|(_, expr)| look(expr));
        for transition in &state.transitions {
            transition.guard.iter().for_each(&mut look);
            if let Trigger::Threshold(threshold) = &transition.trigger {
                sampled.insert(threshold.device);
            }
        }
    }
    (observed.into_iter().collect(), sampled.into_iter().collect())
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
            Ok(tool) => {
                if let Err(error) = schema::compile(&tool.parameters.schema, schema::Options::default()) {
                    findings.warning(&name.span, format!("`parameters` of this tool: {error}"));
                }
                tools.push(tool);
            }
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
