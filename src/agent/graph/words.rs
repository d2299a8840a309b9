//! Transitions in words, as they stand beside arrows.

use std::time::Duration;

use crate::agent::chart::{Cron, Expr, Function, Hand, Op, Query, Value};
use crate::agent::{Agent, Transition, Trigger, When};
use crate::board::Number;
use crate::tool::Call;

/// What sets a transition off and what has to hold.
pub(super) fn label(agent: &Agent, transition: &Transition) -> String {
    let mut text = trigger(agent, &transition.trigger);
    if let Some(guard) = &transition.guard {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&format!("[{}]", expression(agent, guard, 0)));
    }
    if text.is_empty() { "always".to_owned() } else { text }
}

/// What sets a transition off; nothing for one that waits for nothing.
pub fn trigger(agent: &Agent, trigger: &Trigger) -> String {
    let device = |at: usize| agent.devices[at].name.as_str();
    let on = |at: &Option<usize>| at.map(|at| format!(" {}", device(at))).unwrap_or_default();
    match trigger {
        Trigger::Call { tool, device } => format!("{}{}", agent.tool_name(*tool), on(device)),
        Trigger::Error { tool, device } => format!("{}{} fails", agent.tool_name(*tool), on(device)),
        Trigger::Unserved => "unserved".to_owned(),
        Trigger::Edge { device: at, when } => {
            let change = match when {
                When::Rising => "becomes active",
                When::Falling => "becomes inactive",
                When::Both => "changes",
            };
            format!("{} {change}", device(*at))
        }
        Trigger::Threshold(threshold) => {
            let sign = if threshold.above { '>' } else { '<' };
            format!("{} {sign} {}", device(threshold.device), Number(threshold.value))
        }
        Trigger::After(time) => format!("after {}", duration(*time)),
        Trigger::Every(time) => format!("every {}", duration(*time)),
        Trigger::Idle(time) => format!("idle {}", duration(*time)),
        Trigger::Cron(cron) => clock(cron),
        Trigger::Event(names) => names.join(", "),
        Trigger::Always => String::new(),
    }
}

fn clock(cron: &Cron) -> String {
    format!("cron {cron}")
}

/// A time as a file says it: `90s` is `1.5m`, and so on.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s < 1.0 => format!("{}ms", Number(s * 1000.0)),
        s if s < 60.0 => format!("{}s", Number(s)),
        s if s < 3600.0 => format!("{}m", Number(s / 60.0)),
        s => format!("{}h", Number(s / 3600.0)),
    }
}

/// A call as a person reads it: `set_level kitchen light, hall light (percent 30)`.
pub fn call(call: &Call) -> String {
    let mut out = call.tool.clone();
    let mut rest = Vec::new();
    for (name, value) in &call.arguments {
        match value {
            serde_json::Value::Array(items) if name == "devices" => {
                let names: Vec<&str> = items.iter().filter_map(serde_json::Value::as_str).collect();
                out.push(' ');
                out.push_str(&names.join(", "));
            }
            serde_json::Value::String(text) => rest.push(format!("{name} {text:?}")),
            other => rest.push(format!("{name} {other}")),
        }
    }
    if !rest.is_empty() {
        out.push_str(&format!(" ({})", rest.join(", ")));
    }
    out
}

/// An expression as a file could say it. `outer` is how strongly what stands around it binds.
fn expression(agent: &Agent, expr: &Expr, outer: u8) -> String {
    match expr {
        Expr::Literal(Value::Text(text)) => format!("'{text}'"),
        Expr::Literal(Value::Flag(flag)) => flag.to_string(),
        Expr::Literal(value) => value.to_string(),
        Expr::Variable(index) => agent.variables[*index].name.clone(),
        Expr::Event(key) => format!("event.{key}"),
        Expr::In(state) => format!("in({})", agent.states[*state].name),
        Expr::Device(query, device) => format!("{}({})", asked(*query), agent.devices[*device].name),
        Expr::Clock(hand) => format!("{}()", shown(*hand)),
        Expr::Not(inner) => format!("not {}", expression(agent, inner, 7)),
        Expr::Negate(inner) => format!("-{}", expression(agent, inner, 7)),
        Expr::Binary(op, left, right) => {
            let (sign, strength) = sign(*op);
            let text = format!(
                "{} {sign} {}",
                expression(agent, left, strength - 1),
                expression(agent, right, strength)
            );
            if strength <= outer { format!("({text})") } else { text }
        }
        Expr::Call(function, arguments) => {
            let name = Function::ALL.iter().find(|(_, known, ..)| known == function).map_or("?", |all| all.0);
            let arguments: Vec<String> =
                arguments.iter().map(|argument| expression(agent, argument, 0)).collect();
            format!("{name}({})", arguments.join(", "))
        }
    }
}

fn sign(op: Op) -> (&'static str, u8) {
    match op {
        Op::Or => ("or", 1),
        Op::And => ("and", 2),
        Op::Equal => ("==", 4),
        Op::Differs => ("!=", 4),
        Op::Less => ("<", 4),
        Op::AtMost => ("<=", 4),
        Op::Greater => (">", 4),
        Op::AtLeast => (">=", 4),
        Op::Add => ("+", 5),
        Op::Subtract => ("-", 5),
        Op::Multiply => ("*", 6),
        Op::Divide => ("/", 6),
        Op::Remainder => ("%", 6),
    }
}

fn asked(query: Query) -> &'static str {
    match query {
        Query::On => "on",
        Query::Off => "off",
        Query::Open => "open",
        Query::Closed => "closed",
        Query::Active => "active",
        Query::Level => "level",
        Query::Value => "value",
    }
}

fn shown(hand: Hand) -> &'static str {
    match hand {
        Hand::Set => "clock_set",
        Hand::Hour => "hour",
        Hand::Minute => "minute",
        Hand::Weekday => "weekday",
    }
}
