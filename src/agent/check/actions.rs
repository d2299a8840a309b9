//! Actions (`do`, `entry`, `exit`, `begin`) to a checked block.

use std::ops::Range;

use super::super::chart::{Act, Block, Delay, Emit, Shape, Step, Template, Type};
use super::super::chart_file::ActionTable;
use super::super::file::{At, Table};
use super::super::finding::Findings;
use super::transitions::duration;
use super::{World, calls, forms, shown};

/// How deep `if` may stand inside of `if`.
const MOST_DEPTH: usize = 16;

/// All actions of a list that are sound.
pub(super) fn block(
    list: &[At<ActionTable>],
    shape: &Shape,
    world: &World,
    findings: &mut Findings,
) -> Block {
    nested(list, shape, world, 0, findings)
}

/// What a transition says comes before what it does.
pub(super) fn say(at: &At<String>, shape: &Shape, world: &World, findings: &mut Findings) -> Option<Step> {
    let line = findings.line(&at.span);
    world.sentence(at, shape, findings).map(|template| Step { act: Act::Say(template), line })
}

fn nested(
    list: &[At<ActionTable>],
    shape: &Shape,
    world: &World,
    depth: usize,
    findings: &mut Findings,
) -> Block {
    let mut block = Block::new();
    for at in list {
        if let Some(act) = act(at, shape, world, depth, findings) {
            let line = findings.line(&at.span);
            block.extend(act.into_iter().map(|act| Step { act, line }));
        }
    }
    block
}

fn act(
    at: &At<ActionTable>,
    shape: &Shape,
    world: &World,
    depth: usize,
    findings: &mut Findings,
) -> Option<Vec<Act>> {
    let table = &at.value;
    match kind(table, &at.span, findings)? {
        "tool" => calls::check(at, shape, world, findings).map(|call| vec![Act::Call(Box::new(call))]),
        "say" => sentence(table.say.as_ref()?, shape, world, findings).map(|text| vec![Act::Say(text)]),
        "ask" => {
            let form = forms::check(table, world, findings);
            let text = sentence(table.ask.as_ref()?, shape, world, findings)?;
            Some(vec![Act::Ask(text, form?)])
        }
        "set" => Some(set(table, shape, world, findings)),
        "raise" => {
            emit(table.raise.as_ref()?, table, shape, world, findings).map(|emit| vec![Act::Raise(emit)])
        }
        "send" => {
            let emit = emit(table.send.as_ref()?, table, shape, world, findings)?;
            let after = match &table.after {
                Some(after) => Some(delay(after, shape, world, findings)?),
                None => None,
            };
            let id = match &table.id {
                Some(id) => Some(world.filled(id, shape, findings)?),
                None => None,
            };
            let keep = table.keep.as_ref().is_some_and(|keep| keep.value);
            Some(vec![Act::Send { emit, after, id, keep }])
        }
        "cancel" => {
            let at = table.cancel.as_ref()?;
            let known = world.events.ids.iter().map(String::as_str);
            if !at.value.contains("{{") && !world.events.any_id && !known.clone().any(|id| id == at.value) {
                findings.unknown(&at.span, "`id` of a delayed event", &at.value, known);
            }
            world.filled(at, shape, findings).map(|id| vec![Act::Cancel(id)])
        }
        _ if depth == MOST_DEPTH => {
            findings.error(&at.span, format!("actions stand {MOST_DEPTH} deep inside of actions"));
            None
        }
        "try" => {
            let block = nested(table.attempt.as_ref()?, shape, world, depth + 1, findings);
            Some(vec![Act::Try(block)])
        }
        _ => {
            let guard = world.expression(table.condition.as_ref()?, Type::Flag, shape, findings);
            let then = nested(&table.then, shape, world, depth + 1, findings);
            let otherwise = nested(&table.otherwise, shape, world, depth + 1, findings);
            Some(vec![Act::If { branches: vec![(guard?, then)], otherwise }])
        }
    }
}

/// The one key that says what kind of action it is; the others have to go with it.
fn kind(table: &ActionTable, span: &Range<usize>, findings: &mut Findings) -> Option<&'static str> {
    let kinds = [
        ("tool", table.tool.is_some()),
        ("say", table.say.is_some()),
        ("ask", table.ask.is_some()),
        ("set", table.set.is_some()),
        ("raise", table.raise.is_some()),
        ("send", table.send.is_some()),
        ("cancel", table.cancel.is_some()),
        ("if", table.condition.is_some()),
        ("try", table.attempt.is_some()),
    ];
    let named: Vec<&'static str> = kinds.iter().filter(|(_, is)| *is).map(|(key, _)| *key).collect();
    const ONE: &str =
        "an action has exactly one of `tool`, `say`, `ask`, `set`, `raise`, `send`, `cancel`, `if` and `try`";
    let kind = match named.as_slice() {
        [kind] => *kind,
        [] => {
            findings.error(span, "this action does nothing").help(ONE);
            return None;
        }
        several => {
            findings
                .error(span, format!("this action does several things: {}", several.join(", ")))
                .help(ONE);
            return None;
        }
    };
    let place = |at: Option<Range<usize>>| at.unwrap_or_else(|| span.clone());
    let goes_with: [(&str, bool, Range<usize>, &[&str]); 10] = [
        (
            "grammar",
            table.grammar.is_some(),
            place(table.grammar.as_ref().map(|at| at.span.clone())),
            &["ask"],
        ),
        ("schema", table.schema.is_some(), place(table.schema.as_ref().map(|at| at.span.clone())), &["ask"]),
        ("event", table.event.is_some(), place(table.event.as_ref().map(|at| at.span.clone())), &["ask"]),
        (
            "arguments",
            table.arguments.is_some(),
            place(table.arguments.as_ref().map(|at| at.span.clone())),
            &["tool"],
        ),
        (
            "data",
            table.data.is_some(),
            place(table.data.as_ref().map(|at| at.span.clone())),
            &["raise", "send"],
        ),
        ("after", table.after.is_some(), place(table.after.as_ref().map(|at| at.span.clone())), &["send"]),
        ("id", table.id.is_some(), place(table.id.as_ref().map(|at| at.span.clone())), &["send"]),
        ("keep", table.keep.is_some(), place(table.keep.as_ref().map(|at| at.span.clone())), &["send"]),
        ("do", !table.then.is_empty(), span.clone(), &["if"]),
        ("else", !table.otherwise.is_empty(), span.clone(), &["if"]),
    ];
    for (key, is, at, with) in goes_with {
        if is && !with.contains(&kind) {
            findings.error(&at, format!("`{key}` goes with `{}` only", with.join("` and `")));
        }
    }
    Some(kind)
}

fn sentence(at: &At<String>, shape: &Shape, world: &World, findings: &mut Findings) -> Option<Template> {
    world.sentence(at, shape, findings)
}

fn set(table: &ActionTable, shape: &Shape, world: &World, findings: &mut Findings) -> Vec<Act> {
    let none = Table::default();
    let values = table.set.as_ref().map_or(&none, |at| &at.value);
    let mut acts = Vec::new();
    for (name, value) in &values.0 {
        let variable = world.variables.iter().position(|(known, _)| *known == name.value);
        let typed = world.datum(value, shape, findings);
        let Some(variable) = variable else {
            let known = world.variables.iter().map(|(name, _)| name.as_str());
            findings.unknown(&name.span, "variable", &name.value, known);
            continue;
        };
        let Some((value_of, found)) = typed else { continue };
        let wanted = world.variables[variable].1;
        if !found.fits(wanted) {
            let message = format!("`{}` is {wanted}, and this is {found}", shown(&name.value));
            findings.error(&value.span, message);
        } else {
            acts.push(Act::Set { variable, value: value_of });
        }
    }
    acts
}

fn emit(
    name: &At<String>,
    table: &ActionTable,
    shape: &Shape,
    world: &World,
    findings: &mut Findings,
) -> Option<Emit> {
    if !name.value.contains("{{") {
        event_name(name, findings);
    }
    let data = match &table.data {
        Some(data) => world.data(&data.value, shape, findings),
        None => Vec::new(),
    };
    Some(Emit { name: world.filled(name, shape, findings)?, data })
}

/// Names of events are words set off by points.
pub(super) fn event_name(name: &At<String>, findings: &mut Findings) -> bool {
    let text = &name.value;
    let wrong = text.is_empty()
        || text.len() > 256
        || text.chars().any(|c| c.is_control() || c == '*')
        || text.split('.').any(|part| part.trim() != part || part.is_empty());
    if wrong {
        findings
            .error(&name.span, format!("`{}` cannot be the name of an event", shown(text)))
            .help("words set off by points, as in \"door.opened\"");
    }
    !wrong
}

fn delay(at: &At<String>, shape: &Shape, world: &World, findings: &mut Findings) -> Option<Delay> {
    if let Some(inner) = at.value.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")) {
        let span = findings.inside(&at.span, &at.value, 2..2 + inner.len());
        let inner = At { value: inner.to_owned(), span };
        return world.expression(&inner, Type::Number, shape, findings).map(Delay::Computed);
    }
    match duration(&at.value) {
        Some(time) => Some(Delay::Fixed(time)),
        None => {
            super::transitions::no_time(at, findings);
            None
        }
    }
}
