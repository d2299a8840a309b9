//! `[states.NAME]` to [`State`], and what their transitions name.

use std::ops::Range;
use std::time::Duration;

use super::super::checked::{State, ToolRef, Transition, Trigger};
use super::super::file::{At, Selector, StateTable, Table, TransitionTable, When};
use super::super::finding::Findings;
use super::{check_name, shown, threshold, thresholds_in_order};
use crate::board::{Device, Direction};
use crate::tool::{Builtin, UserTool};

/// Earlier turns that a state may keep in its prompt at most.
const MAX_CARRY: u32 = 64;
/// The longest `after`: a year.
const MAX_AFTER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What states may name.
pub(super) struct World<'a> {
    pub devices: &'a [Device],
    pub tools: &'a [UserTool],
    pub act: f64,
    pub ask: f64,
}

impl World<'_> {
    /// The tool of that name, or an error with the nearest one.
    pub fn tool(&self, name: &str, span: &Range<usize>, findings: &mut Findings) -> Option<ToolRef> {
        if let Some(tool) = Builtin::from_name(name) {
            return Some(ToolRef::Builtin(tool));
        }
        if let Some(index) = self.tools.iter().position(|tool| tool.name == name) {
            return Some(ToolRef::User(index));
        }
        if name == "schedule" {
            findings.error(span, "`schedule` is not built yet").help("leave it out");
            return None;
        }
        let known = self.tools.iter().map(|tool| tool.name.as_str());
        findings.unknown(span, "tool", name, known.chain(Builtin::ALL.iter().map(|tool| tool.name())));
        None
    }

    /// The device of that name, or an error with the nearest one.
    pub fn device(&self, name: &str, span: &Range<usize>, findings: &mut Findings) -> Option<usize> {
        let found = self.devices.iter().position(|device| device.name == name);
        if found.is_none() {
            match self.devices.iter().find(|device| device.aliases.iter().any(|alias| alias == name)) {
                Some(device) => {
                    let message = format!("`{}` is an alias; here a device goes by its name", shown(name));
                    findings.error(span, message).help(format!("say `{}`", shown(&device.name)));
                }
                None => findings.unknown(
                    span,
                    "device",
                    name,
                    self.devices.iter().map(|device| device.name.as_str()),
                ),
            }
        }
        found
    }
}

pub(super) fn check(
    table: Table<StateTable>,
    start: usize,
    world: &World,
    findings: &mut Findings,
) -> Vec<State> {
    let names: Vec<At<String>> = table.0.iter().map(|(name, _)| name.clone()).collect();
    let states: Vec<State> =
        table.0.into_iter().map(|(name, table)| state(name, table, &names, world, findings)).collect();
    unreachable(&states, &names, start, findings);
    states
}

fn state(
    name: At<String>,
    table: StateTable,
    names: &[At<String>],
    world: &World,
    findings: &mut Findings,
) -> State {
    check_name(&name, "name of the state", findings);
    let devices = devices(table.devices.as_ref(), world, findings);
    let tools = tools(table.tools.as_ref(), &devices, world, findings);
    let act = threshold(table.act.as_ref(), "act", findings).unwrap_or(world.act);
    let ask = threshold(table.ask.as_ref(), "ask", findings).unwrap_or(world.ask.min(act));
    thresholds_in_order(act, ask, table.ask.as_ref().or(table.act.as_ref()), findings);
    let carry = match &table.carry {
        Some(At { value, span }) if *value > MAX_CARRY => {
            findings.error(span, format!("`carry` keeps at most {MAX_CARRY} turns, not {value}"));
            0
        }
        carry => carry.as_ref().map_or(0, |carry| carry.value as usize),
    };
    if tools.is_empty() {
        let leaves = table.on.iter().any(|transition| transition.value.to.is_some());
        let message = format!("in the state `{}` nothing can be done", shown(&name.value));
        let warning = findings.warning(&name.span, message);
        if !leaves {
            warning.help("and no transition leads out of it");
        }
    }
    let mut state = State {
        name: name.value,
        prompt: table.prompt,
        tools,
        devices,
        act,
        ask,
        carry,
        transitions: Vec::new(),
    };
    for table in table.on {
        if let Some(transition) = transition(table, &state, names, world, findings) {
            state.transitions.push(transition);
        }
    }
    state
}

fn devices(selectors: Option<&At<Vec<At<Selector>>>>, world: &World, findings: &mut Findings) -> Vec<usize> {
    let all = || (0..world.devices.len()).collect();
    let Some(selectors) = selectors else { return all() };
    let errors = findings.errors();
    let mut chosen = vec![false; world.devices.len()];
    for At { value, span } in &selectors.value {
        let group = match value {
            Selector::Name(name) => {
                if let Some(index) = world.device(name, span, findings) {
                    chosen[index] = true;
                }
                continue;
            }
            Selector::Group(group) => group,
        };
        if group.kind.is_none() && group.area.is_none() {
            findings
                .error(span, "say which devices: `kind`, `area` or both")
                .help("leave `devices` out for all");
            continue;
        }
        let mut any = false;
        for (index, device) in world.devices.iter().enumerate() {
            let kind = group.kind.as_ref().is_none_or(|kind| *kind == device.kind);
            if kind && group.area.as_ref().is_none_or(|area| Some(area) == device.area.as_ref()) {
                chosen[index] = true;
                any = true;
            }
        }
        if any {
            continue;
        }
        let kinds = world.devices.iter().map(|device| device.kind.as_str());
        let areas = world.devices.iter().filter_map(|device| device.area.as_deref());
        match (&group.kind, &group.area) {
            (Some(kind), _) if !kinds.clone().any(|known| known == kind) => {
                findings.unknown(span, "kind of device here:", kind, kinds);
            }
            (_, Some(area)) if !areas.clone().any(|known| known == area) => {
                findings.unknown(span, "area", area, areas);
            }
            _ => {
                findings.error(span, "no device is of this kind and in this area");
            }
        }
    }
    if findings.errors() > errors {
        // A misspelt device shall not also make tools look useless.
        return all();
    }
    (0..chosen.len()).filter(|&index| chosen[index]).collect()
}

fn tools(
    named: Option<&At<Vec<At<String>>>>,
    devices: &[usize],
    world: &World,
    findings: &mut Findings,
) -> Vec<ToolRef> {
    let served = |tool: Builtin| match tool.needs() {
        None => true,
        Some(needs) => devices.iter().any(|&index| world.devices[index].can.has(needs)),
    };
    let everything =
        Builtin::ALL.into_iter().map(ToolRef::Builtin).chain((0..world.tools.len()).map(ToolRef::User));
    let useful = |tool: &ToolRef| !matches!(tool, ToolRef::Builtin(tool) if !served(*tool));
    let Some(named) = named else { return everything.filter(useful).collect() };
    let errors = findings.errors();
    let mut chosen = Vec::new();
    for At { value, span } in &named.value {
        let Some(tool) = world.tool(value, span, findings) else { continue };
        if chosen.contains(&tool) {
            findings.warning(span, format!("`{value}` stands here twice"));
        } else if !useful(&tool) {
            findings.warning(span, format!("no device that may be touched here can do `{value}`"));
        }
        chosen.push(tool);
    }
    if findings.errors() > errors {
        // Nor shall a misspelt tool make the state look empty, or its transitions impossible.
        return everything.filter(useful).collect();
    }
    everything.filter(useful).filter(|tool| chosen.contains(tool)).collect()
}

fn transition(
    at: At<TransitionTable>,
    state: &State,
    names: &[At<String>],
    world: &World,
    findings: &mut Findings,
) -> Option<Transition> {
    let At { value: table, span } = at;
    let trigger = trigger(&table, &span, state, world, findings);
    let to = table.to.as_ref().and_then(|to| {
        let found = names.iter().position(|name| name.value == to.value);
        if found.is_none() {
            findings.unknown(&to.span, "state", &to.value, names.iter().map(|name| name.value.as_str()));
        }
        found
    });
    if table.to.is_none() && table.say.is_none() && table.calls.is_empty() {
        findings.warning(&span, "this transition does nothing").help("give it `to`, `say` or `do`");
    }
    let line = findings.line(&span);
    let calls = table.calls.iter().filter_map(|call| super::calls::check(call, world, findings)).collect();
    Some(Transition { trigger: trigger?, to, say: table.say, calls, line })
}

fn trigger(
    table: &TransitionTable,
    span: &Range<usize>,
    state: &State,
    world: &World,
    findings: &mut Findings,
) -> Option<Trigger> {
    let named = [
        ("call", table.call.is_some()),
        ("error", table.error.is_some()),
        ("unserved", table.unserved.is_some()),
        ("edge", table.edge.is_some()),
        ("after", table.after.is_some()),
    ];
    let named: Vec<&str> = named.into_iter().filter(|(_, is)| *is).map(|(key, _)| key).collect();
    const ONE: &str = "a transition has exactly one of `call`, `error`, `unserved`, `edge` and `after`";
    match named.as_slice() {
        [_] => {}
        [] => {
            findings.error(span, "this transition has no trigger").help(ONE);
            return None;
        }
        several => {
            findings
                .error(span, format!("this transition has several triggers: {}", several.join(", ")))
                .help(ONE);
            return None;
        }
    }
    let about_call = table.call.is_some() || table.error.is_some();
    if let Some(device) = table.device.as_ref().filter(|_| !about_call) {
        findings.error(&device.span, "`device` narrows `call` and `error` only");
    }
    if let Some(when) = table.when.as_ref().filter(|_| table.edge.is_none()) {
        findings.error(&when.span, "`when` goes with `edge` only");
    }
    if let Some(name) = table.call.as_ref().or(table.error.as_ref()) {
        let tool = world.tool(&name.value, &name.span, findings)?;
        if !state.tools.contains(&tool) {
            let message = format!("`{}` cannot be called in the state `{}`", name.value, shown(&state.name));
            findings
                .error(&name.span, message)
                .help("so this can never happen; add it to the state's `tools`");
        }
        let device = match &table.device {
            None => None,
            Some(device) => Some(narrowed(tool, device, state, world, findings)?),
        };
        return Some(if table.call.is_some() {
            Trigger::Call { tool, device }
        } else {
            Trigger::Error { tool, device }
        });
    }
    if let Some(unserved) = &table.unserved {
        if !unserved.value {
            findings.error(&unserved.span, "`unserved = false` never happens").help("say `unserved = true`");
        }
        return Some(Trigger::Unserved);
    }
    if let Some(edge) = &table.edge {
        let device = world.device(&edge.value, &edge.span, findings)?;
        if world.devices[device].direction == Direction::Out {
            let message = format!("`{}` is an output; only inputs change by themselves", shown(&edge.value));
            findings.error(&edge.span, message);
        }
        return Some(Trigger::Edge {
            device,
            when: table.when.as_ref().map_or(When::Rising, |when| when.value),
        });
    }
    let after = table.after.as_ref()?;
    match duration(&after.value) {
        Some(time) => Some(Trigger::After(time)),
        None => {
            findings
                .error(&after.span, format!("`{}` is no time", shown(&after.value)))
                .help("a number and `ms`, `s`, `m` or `h`, as in \"30s\", at most a year");
            None
        }
    }
}

/// The device that a trigger is narrowed to: it must be one that the tool can address there.
fn narrowed(
    tool: ToolRef,
    name: &At<String>,
    state: &State,
    world: &World,
    findings: &mut Findings,
) -> Option<usize> {
    let device = world.device(&name.value, &name.span, findings)?;
    let needs = match tool {
        ToolRef::Builtin(tool) => tool.needs(),
        ToolRef::User(_) => None,
    };
    let Some(needs) = needs else {
        findings.error(&name.span, "this tool takes no devices, so `device` cannot narrow it");
        return None;
    };
    if !world.devices[device].can.has(needs) {
        findings.error(&name.span, format!("`{}` cannot do that", shown(&name.value)));
    } else if !state.devices.contains(&device) {
        let message =
            format!("`{}` may not be touched in the state `{}`", shown(&name.value), shown(&state.name));
        findings.error(&name.span, message).help("so this can never happen; add it to the state's `devices`");
    }
    Some(device)
}

/// `500ms`, `30s`, `1.5m`, `2h`: more than nothing, at most a year.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim_start() {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let time = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
    (!time.is_zero() && time <= MAX_AFTER).then_some(time)
}

fn unreachable(states: &[State], names: &[At<String>], start: usize, findings: &mut Findings) {
    let mut reached = vec![false; states.len()];
    let mut open = vec![start];
    while let Some(index) = open.pop() {
        if !std::mem::replace(&mut reached[index], true) {
            open.extend(states[index].transitions.iter().filter_map(|transition| transition.to));
        }
    }
    for (name, _) in names.iter().zip(reached).filter(|(_, reached)| !reached) {
        let message = format!("no transition leads to the state `{}`", shown(&name.value));
        findings.warning(&name.span, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(duration("30s"), Some(Duration::from_secs(30)));
        assert_eq!(duration("1.5m"), Some(Duration::from_secs(90)));
        assert_eq!(duration("500 ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("8760h"), Some(MAX_AFTER));
        for bad in ["", "30", "s", "-1s", "0s", "1d", "1.2.3s", "9000h", "1e9s", "999999999999999999999999h"]
        {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
