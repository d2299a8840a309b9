//! `[states.NAME]` to [`State`]: what is legal in it.

use super::super::chart::Shape;
use super::super::chart_file::StateTable;
use super::super::checked::{Initial, State, ToolRef};
use super::super::file::{At, Selector, Table};
use super::super::finding::Findings;
use super::tree::Tree;
use super::{World, actions, check_name, flow, shown, threshold, thresholds_in_order, transitions};
use crate::tool::Builtin;

/// Earlier turns that a state may keep in its prompt at most.
const MAX_CARRY: u32 = 64;

pub(super) fn check(
    table: Table<StateTable>,
    initial: &[usize],
    world: &World,
    findings: &mut Findings,
) -> Vec<State> {
    let tree = Tree::check(&table, findings);
    let mut states: Vec<Option<State>> = table.0.iter().map(|_| None).collect();
    // From the outside in: what a state may do is at most what the state around it may.
    for &index in &tree.preorder {
        let (name, written) = &table.0[index];
        let around = tree.parent[index].and_then(|parent| states[parent].as_ref());
        states[index] = Some(state(name, written, around, index, &tree, world, findings));
    }
    let mut states: Vec<State> = states.into_iter().flatten().collect();
    if states.len() < table.0.len() {
        // Only states that lie inside of themselves are not in the tree, and that is an error.
        return states;
    }
    for (index, (_, written)) in table.0.iter().enumerate() {
        let (mut found, mut places) = (Vec::new(), Vec::new());
        for at in &written.on {
            if let Some(transition) = transitions::check(at, index, &states, &tree, world, findings) {
                found.push(transition);
                places.push(at.span.clone());
            }
        }
        states[index].transitions = found;
        flow::transitions(&states[index], &places, &written.on, findings);
    }
    flow::states(&states, &table, initial, world, findings);
    states
}

fn state(
    name: &At<String>,
    table: &StateTable,
    around: Option<&State>,
    index: usize,
    tree: &Tree,
    world: &World,
    findings: &mut Findings,
) -> State {
    check_name(name, "name of the state", findings);
    let devices = devices(table.devices.as_ref(), around, world, findings);
    let tools = tools(table.tools.as_ref(), &devices, around, world, findings);
    let act = threshold(table.act.as_ref(), "act", findings).unwrap_or(around.map_or(world.act, |s| s.act));
    let ask = threshold(table.ask.as_ref(), "ask", findings)
        .unwrap_or(around.map_or(world.ask, |state| state.ask).min(act));
    thresholds_in_order(act, ask, table.ask.as_ref().or(table.act.as_ref()), findings);
    let carry = match &table.carry {
        Some(At { value, span }) if *value > MAX_CARRY => {
            findings.error(span, format!("`carry` keeps at most {MAX_CARRY} turns, not {value}"));
            0
        }
        Some(carry) => carry.value as usize,
        None => around.map_or(0, |state| state.carry),
    };
    let is_end = table.is_final.is_some() || table.history.is_some();
    if tools.is_empty() && !is_end {
        let leaves = table.on.iter().any(|transition| transition.value.to.is_some());
        let message = format!("in the state `{}` nothing can be done", shown(&name.value));
        let warning = findings.warning(&name.span, message);
        if !leaves {
            warning.help("and no transition leads out of it");
        }
    }
    let nothing = Shape::default();
    let begin = actions::block(&table.begin, &nothing, world, findings);
    State {
        name: name.value.clone(),
        prompt: table.prompt.clone().or_else(|| around.and_then(|state| state.prompt.clone())),
        tools,
        devices,
        act,
        ask,
        carry,
        context: context(table.context.as_ref(), around, world, findings),
        confirm: around.is_some_and(|state| state.confirm)
            || table.confirm.as_ref().is_some_and(|at| at.value),
        budget: match &table.budget {
            Some(budget) => Some(budget.value as usize),
            None => around.map_or(world.budget, |state| state.budget),
        },
        kind: tree.kind[index],
        parent: tree.parent[index],
        children: tree.children[index].clone(),
        order: tree.order[index],
        initial: Initial { targets: tree.initial[index].clone(), actions: begin },
        entry: actions::block(&table.entry, &nothing, world, findings),
        exit: actions::block(&table.exit, &nothing, world, findings),
        data: world.data(&table.data, &nothing, findings),
        transitions: Vec::new(),
        line: findings.line(&name.span),
    }
}

/// `context`: variables of the agent, each once.
fn context(
    names: Option<&At<Vec<At<String>>>>,
    around: Option<&State>,
    world: &World,
    findings: &mut Findings,
) -> Vec<usize> {
    let Some(names) = names else { return around.map_or_else(Vec::new, |state| state.context.clone()) };
    let mut found = Vec::new();
    for At { value, span } in &names.value {
        match world.variables.iter().position(|(name, _)| name == value) {
            Some(at) => found.push(at),
            None => {
                let known = world.variables.iter().map(|(name, _)| name.as_str());
                findings.unknown(span, "variable", value, known);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn devices(
    selectors: Option<&At<Vec<At<Selector>>>>,
    around: Option<&State>,
    world: &World,
    findings: &mut Findings,
) -> Vec<usize> {
    let all = || around.map_or_else(|| (0..world.devices.len()).collect(), |state| state.devices.clone());
    let allowed = |index: usize| around.is_none_or(|state| state.devices.contains(&index));
    let Some(selectors) = selectors else { return all() };
    let errors = findings.errors();
    let mut chosen = vec![false; world.devices.len()];
    for At { value, span } in &selectors.value {
        let group = match value {
            Selector::Name(name) => {
                if let Some(index) = world.device(name, span, findings) {
                    chosen[index] = true;
                    if let Some(around) = around.filter(|_| !allowed(index)) {
                        let message = format!(
                            "the state around, `{}`, does not allow `{}`",
                            shown(&around.name),
                            shown(name)
                        );
                        findings
                            .error(span, message)
                            .help("a state allows at most what the state around it does");
                    }
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
                chosen[index] = allowed(index);
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
    around: Option<&State>,
    world: &World,
    findings: &mut Findings,
) -> Vec<ToolRef> {
    let served = |tool: Builtin| match tool.needs() {
        None => true,
        Some(needs) => devices.iter().any(|&index| world.devices[index].can.has(needs)),
    };
    let everything =
        Builtin::ALL.into_iter().map(ToolRef::Builtin).chain((0..world.tools.len()).map(ToolRef::User));
    let inherited = |tool: &ToolRef| around.is_none_or(|state| state.tools.contains(tool));
    let able = |tool: &ToolRef| !matches!(tool, ToolRef::Builtin(tool) if !served(*tool));
    let useful = |tool: &ToolRef| able(tool) && inherited(tool);
    let Some(named) = named else { return everything.filter(useful).collect() };
    let errors = findings.errors();
    let mut chosen = Vec::new();
    for At { value, span } in &named.value {
        let Some(tool) = world.tool(value, span, findings) else { continue };
        if chosen.contains(&tool) {
            findings.warning(span, format!("`{value}` stands here twice"));
        } else if let Some(around) = around.filter(|state| able(&tool) && !state.tools.contains(&tool)) {
            let message = format!("the state around, `{}`, does not allow `{value}`", shown(&around.name));
            findings.error(span, message).help("a state allows at most what the state around it does");
        } else if !able(&tool) {
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
