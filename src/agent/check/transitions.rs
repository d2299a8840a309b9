//! One entry of `on` to a [`Transition`].

use std::ops::Range;
use std::time::Duration;

use super::super::chart::{Block, Cron, Shape, Type};
use super::super::chart_file::{TransitionTable, When};
use super::super::checked::{Kind, State, Threshold, ToolRef, Transition, Trigger};
use super::super::file::At;
use super::super::finding::Findings;
use super::tree::Tree;
use super::{World, actions, shown};
use crate::board::Direction;
use crate::tool::{self, Builtin, Scalar};

/// The longest time that can be waited for: a year.
const MAX_AFTER: Duration = Duration::from_secs(365 * 24 * 3600);

const TRIGGERS: &str = "`call`, `error`, `unserved`, `edge`, `sensor`, `after`, `every`, `cron`, `idle`, `event`, `done` and `always`";

/// The transition of the state of this index.
pub(super) fn check(
    at: &At<TransitionTable>,
    index: usize,
    states: &[State],
    tree: &Tree,
    world: &World,
    findings: &mut Findings,
) -> Option<Transition> {
    let At { value: table, span } = at;
    let state = &states[index];
    if matches!(state.kind, Kind::Final | Kind::History { .. }) {
        return None;
    }
    let trigger = trigger(table, span, state, world, findings);
    let shape = trigger.as_ref().map(|trigger| shape(trigger, world)).unwrap_or_default();
    let guard = table.guard.as_ref().map(|at| world.expression(at, Type::Flag, &shape, findings));
    let mut to = Vec::new();
    for name in table.to.iter().flat_map(At::names) {
        match world.names.iter().position(|known| *known == name.value) {
            Some(found) => to.push(found),
            None => {
                findings.unknown(&name.span, "state", &name.value, world.names.iter().map(String::as_str))
            }
        }
    }
    if let Some(at) = &table.to {
        tree.together(&to, &at.span, findings);
    }
    let internal = table.internal.as_ref().is_some_and(|internal| internal.value);
    if let Some(at) = table.internal.as_ref().filter(|at| at.value)
        && (to.is_empty() || to.iter().any(|&target| !tree.inside(target, index)))
    {
        findings
            .warning(
                &at.span,
                "`internal` means nothing here: it is for targets inside of the transition's own state",
            )
            .help("without `to` a transition never leaves its state");
    }
    if table.to.is_none() && table.say.is_none() && table.actions.is_empty() {
        // In a child state it keeps an event from its parent, which may be meant.
        if state.parent.is_none() {
            findings.warning(span, "this transition does nothing").help("give it `to`, `say` or `do`");
        }
    }
    let line = findings.line(span);
    let mut block: Block =
        table.say.iter().filter_map(|at| actions::say(at, &shape, world, findings)).collect();
    block.extend(actions::block(&table.actions, &shape, world, findings));
    let guard = match guard {
        Some(None) => return None,
        Some(guard) => guard,
        None => None,
    };
    Some(Transition { trigger: trigger?, guard, to, internal, actions: block, line })
}

/// What is known of the event of a trigger.
fn shape(trigger: &Trigger, world: &World) -> Shape {
    let field = |name: &str, kind| (name.to_owned(), kind);
    match trigger {
        Trigger::Call { tool, .. } => Shape { fields: arguments(*tool, world), open: vec!["result"] },
        Trigger::Error { tool, .. } => {
            let mut fields = arguments(*tool, world);
            fields.push(field("message", Type::Text));
            Shape { fields, open: Vec::new() }
        }
        Trigger::Unserved => Shape { fields: vec![field("text", Type::Text)], open: Vec::new() },
        Trigger::Edge { .. } => Shape { fields: vec![field("rising", Type::Flag)], open: Vec::new() },
        Trigger::Threshold(_) => Shape { fields: vec![field("value", Type::Number)], open: Vec::new() },
        Trigger::Event(names) => world.events.shape(names),
        _ => Shape::default(),
    }
}

/// The arguments of a tool as an event's data.
fn arguments(tool: ToolRef, world: &World) -> Vec<(String, Type)> {
    match tool {
        ToolRef::Builtin(builtin) => {
            let schema = builtin.parameters();
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            let kind = |name: &str| if name == "devices" { Type::Text } else { Type::Number };
            properties.keys().map(|name| (name.clone(), kind(name))).collect()
        }
        ToolRef::User(index) => {
            let kind = |shape: &tool::Shape| match shape {
                tool::Shape::One(Scalar::Text { .. }) => Type::Text,
                tool::Shape::One(Scalar::Number { .. }) => Type::Number,
                tool::Shape::One(Scalar::Boolean) => Type::Flag,
                tool::Shape::Many { .. } => Type::Text,
            };
            let parameters = &world.tools[index].parameters.list;
            parameters.iter().map(|parameter| (parameter.name.clone(), kind(&parameter.shape))).collect()
        }
    }
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
        ("sensor", table.sensor.is_some()),
        ("after", table.after.is_some()),
        ("every", table.every.is_some()),
        ("cron", table.cron.is_some()),
        ("idle", table.idle.is_some()),
        ("event", table.event.is_some()),
        ("done", table.done.is_some()),
        ("always", table.always.is_some()),
    ];
    let named: Vec<&str> = named.into_iter().filter(|(_, is)| *is).map(|(key, _)| key).collect();
    let one = || format!("a transition has exactly one of {TRIGGERS}");
    let trigger = match named.as_slice() {
        [trigger] => *trigger,
        [] => {
            findings.error(span, "this transition has no trigger").help(one());
            return None;
        }
        several => {
            findings
                .error(span, format!("this transition has several triggers: {}", several.join(", ")))
                .help(one());
            return None;
        }
    };
    if let Some(device) = table.device.as_ref().filter(|_| !["call", "error"].contains(&trigger)) {
        findings.error(&device.span, "`device` narrows `call` and `error` only");
    }
    if let Some(when) = table.when.as_ref().filter(|_| trigger != "edge") {
        findings.error(&when.span, "`when` goes with `edge` only");
    }
    for (key, at) in [("above", &table.above), ("below", &table.below), ("hysteresis", &table.hysteresis)] {
        if let Some(at) = at.as_ref().filter(|_| trigger != "sensor") {
            findings.error(&at.span, format!("`{key}` goes with `sensor` only"));
        }
    }
    match trigger {
        "call" | "error" => call(table, state, world, findings),
        "unserved" | "always" => {
            let flag = table.unserved.as_ref().or(table.always.as_ref())?;
            if !flag.value {
                findings
                    .error(&flag.span, format!("`{trigger} = false` never happens"))
                    .help(format!("say `{trigger} = true`"));
            }
            Some(if trigger == "always" { Trigger::Always } else { Trigger::Unserved })
        }
        "edge" => {
            let edge = table.edge.as_ref()?;
            let device = world.device(&edge.value, &edge.span, findings)?;
            if world.devices[device].direction == Direction::Out {
                let message =
                    format!("`{}` is an output; only inputs change by themselves", shown(&edge.value));
                findings.error(&edge.span, message);
            } else if world.devices[device].measures() {
                findings
                    .error(&edge.span, format!("`{}` measures a value and has no edges", shown(&edge.value)))
                    .help("say `sensor` with `above` or `below`");
            }
            Some(Trigger::Edge { device, when: table.when.as_ref().map_or(When::Rising, |when| when.value) })
        }
        "sensor" => threshold(table, world, findings).map(Trigger::Threshold),
        "cron" => {
            let at = table.cron.as_ref()?;
            match Cron::parse(&at.value) {
                Ok(cron) => Some(Trigger::Cron(cron)),
                Err(message) => {
                    findings
                        .error(&at.span, format!("`{}`: {message}", shown(&at.value)))
                        .help("as in \"30 6 * * mon-fri\": half past six on weekdays");
                    None
                }
            }
        }
        "event" => events(table.event.as_ref()?, world, findings),
        "done" => {
            let done = table.done.as_ref()?;
            let Some(inner) = world.names.iter().position(|name| *name == done.value) else {
                findings.unknown(&done.span, "state", &done.value, world.names.iter().map(String::as_str));
                return None;
            };
            let name = format!("done.state.{}", world.names[inner]);
            if !world.events.may_come(&name) {
                findings
                    .warning(
                        &done.span,
                        format!(
                            "the state `{}` never comes to its end, so this never happens",
                            shown(&done.value)
                        ),
                    )
                    .help("a state inside of it says `final = true`");
            }
            Some(Trigger::Event(vec![name]))
        }
        _ => {
            let at = table.after.as_ref().or(table.every.as_ref()).or(table.idle.as_ref())?;
            let Some(time) = duration(&at.value) else {
                no_time(at, findings);
                return None;
            };
            Some(match trigger {
                "after" => Trigger::After(time),
                "every" => Trigger::Every(time),
                _ => Trigger::Idle(time),
            })
        }
    }
}

pub(super) fn no_time(at: &At<String>, findings: &mut Findings) {
    findings
        .error(&at.span, format!("`{}` is no time", shown(&at.value)))
        .help("a number and `ms`, `s`, `m` or `h`, as in \"30s\", at most a year");
}

fn events(
    at: &At<super::super::chart_file::NameList>,
    world: &World,
    findings: &mut Findings,
) -> Option<Trigger> {
    let mut names = Vec::new();
    for name in at.names() {
        let plain = name.value.strip_suffix(".*").unwrap_or(&name.value).to_owned();
        if plain != "*" && !actions::event_name(&At { value: plain, span: name.span.clone() }, findings) {
            continue;
        }
        if !world.events.may_come(&name.value) {
            let warning = findings.warning(
                &name.span,
                format!(
                    "no action sends the event `{}`, so it can come only from outside",
                    shown(&name.value)
                ),
            );
            if let Some(near) = super::nearest(&name.value, world.events.names()) {
                warning.help(format!("did you mean `{near}`?"));
            }
        }
        names.push(name.value);
    }
    if at.value == Default::default() {
        findings.error(&at.span, "`event` names no event");
    }
    (!names.is_empty()).then_some(Trigger::Event(names))
}

fn call(table: &TransitionTable, state: &State, world: &World, findings: &mut Findings) -> Option<Trigger> {
    let name = table.call.as_ref().or(table.error.as_ref())?;
    let tool = world.tool(&name.value, &name.span, findings)?;
    if !state.tools.contains(&tool) {
        let message = format!("`{}` cannot be called in the state `{}`", name.value, shown(&state.name));
        findings.error(&name.span, message).help("so this can never happen; add it to the state's `tools`");
    }
    let device = match &table.device {
        None => None,
        Some(device) => Some(narrowed(tool, device, state, world, findings)?),
    };
    Some(if table.call.is_some() { Trigger::Call { tool, device } } else { Trigger::Error { tool, device } })
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
        ToolRef::Builtin(tool) => Builtin::needs(tool),
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

fn threshold(table: &TransitionTable, world: &World, findings: &mut Findings) -> Option<Threshold> {
    let sensor = table.sensor.as_ref()?;
    let device = world.device(&sensor.value, &sensor.span, findings)?;
    let known = &world.devices[device];
    if !known.measures() {
        let finding = findings.error(&sensor.span, format!("`{}` measures nothing", shown(&sensor.value)));
        if known.direction == Direction::In {
            finding.help("say `edge`, or give the device a `unit` when it does");
        }
        return None;
    }
    let (above, limit) = match (&table.above, &table.below) {
        (Some(limit), None) => (true, limit),
        (None, Some(limit)) => (false, limit),
        _ => {
            findings.error(&sensor.span, "a sensor goes with one of `above` and `below`");
            return None;
        }
    };
    if let Some([least, most]) = known.range
        && !(if above { limit.value < most } else { limit.value > least })
    {
        let message = format!("`{}` measures {least} to {most}: this can never happen", shown(&sensor.value));
        findings.error(&limit.span, message);
    }
    let hysteresis = table.hysteresis.as_ref().map_or(0.0, |at| at.value);
    if !(limit.value.is_finite() && hysteresis.is_finite() && hysteresis >= 0.0) {
        let span = table.hysteresis.as_ref().map_or(&limit.span, |at| &at.span);
        findings.error(span, "a number, and for `hysteresis` none below 0, is expected");
        return None;
    }
    Some(Threshold { device, above, value: limit.value, hysteresis })
}

/// `500ms`, `30s`, `1.5m`, `2h`: more than nothing, at most a year.
pub(super) fn duration(text: &str) -> Option<Duration> {
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
