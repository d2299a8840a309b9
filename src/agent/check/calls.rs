//! Calls written in a file (`do = [...]`): resolved against devices and tools, defaults filled in.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::chart::{self, CallTemplate, Filled, Shape, Type};
use super::super::chart_file::ActionTable;
use super::super::checked::ToolRef;
use super::super::file::At;
use super::super::finding::Findings;
use super::{World, shown};
use crate::board::Capabilities;
use crate::tool::{self, Builtin, Call, Scalar, UserTool};

/// The resolved call, or `None` after an error. Any tool and device of the agent may be named: what
/// the state forbids the model, the file's author may still do.
pub(super) fn check(
    at: &At<ActionTable>,
    shape: &Shape,
    world: &World,
    findings: &mut Findings,
) -> Option<CallTemplate> {
    let tool = at.value.tool.as_ref()?;
    let found = world.tool(&tool.value, &tool.span, findings)?;
    let written = at.value.arguments.as_ref().map(|arguments| &arguments.value);
    let mut arguments = written.cloned().unwrap_or_default();
    let computed = computed(found, &mut arguments, at, shape, world, findings)?;
    let mut arguments = match found {
        ToolRef::Builtin(builtin) => builtin_call(builtin, &arguments, &computed, at, world, findings)?,
        ToolRef::User(index) => {
            let parameters = &world.tools[index].parameters;
            if world.tools[index].confirm {
                let message =
                    format!("`{}` needs a person's yes (`confirm`), and nobody is asked here", tool.value);
                findings.error(&tool.span, message);
                return None;
            }
            if let Err((pointer, message)) = parameters.validate(&arguments) {
                findings.error(&at.span, format!("`{}`: argument {pointer}: {message}", tool.value));
                return None;
            }
            parameters.fill_defaults(&mut arguments);
            arguments
        }
    };
    for (name, _) in &computed {
        arguments.remove(name);
    }
    Some(CallTemplate { call: Call { tool: tool.value.clone(), arguments }, computed })
}

/// The arguments that are computed; each is replaced by a value that would do, so that the rest can be checked as usual.
fn computed(
    tool: ToolRef,
    arguments: &mut Map<String, Value>,
    at: &At<ActionTable>,
    shape: &Shape,
    world: &World,
    findings: &mut Findings,
) -> Option<Vec<(String, Filled)>> {
    let mut out = Vec::new();
    for (name, value) in arguments.iter_mut() {
        let Value::String(text) = value else { continue };
        if !text.contains("{{") {
            continue;
        }
        // JSON values have no places of their own: the whole table is meant.
        let whole = At { value: text.clone(), span: at.span.clone() };
        let filled = world.filled(&whole, shape, findings)?;
        let (wanted, stand_in) = match tool {
            ToolRef::Builtin(builtin) => {
                let least = builtin.parameters()["properties"][name.as_str()]["minimum"].clone();
                (Type::Number, if least.is_null() { 0.into() } else { least })
            }
            ToolRef::User(index) => match stand_in(&world.tools[index], name) {
                Some(known) => known,
                None => {
                    let message =
                        format!("the argument `{}` cannot be computed: it is no single value", shown(name));
                    findings.error(&at.span, message);
                    return None;
                }
            },
        };
        if !filled.kind().fits(wanted) {
            let message =
                format!("the argument `{}` is {wanted}, and this is {}", shown(name), filled.kind());
            findings.error(&at.span, message).help("one expression alone, \"{{ ... }}\", keeps its type");
            return None;
        }
        *value = stand_in;
        out.push((name.clone(), filled));
    }
    Some(out)
}

/// The type of a parameter, and a value that it takes.
fn stand_in(tool: &UserTool, name: &str) -> Option<(Type, Value)> {
    let Some(parameter) = tool.parameters.get(name) else {
        // Not flat: the tool looks at it itself. Unknown: the check that follows says so.
        return Some((Type::Any, Value::Null));
    };
    Some(match &parameter.shape {
        tool::Shape::One(Scalar::Text { words, .. }) => {
            (Type::Text, words.first().cloned().unwrap_or_default().into())
        }
        tool::Shape::One(Scalar::Number { least, most, .. }) => {
            let value = least.or(most.map(|most| most.min(0.0))).unwrap_or(0.0);
            (Type::Number, chart::Value::Number(value).to_json())
        }
        tool::Shape::One(Scalar::Boolean) => (Type::Flag, false.into()),
        tool::Shape::Many { .. } => return None,
    })
}

fn builtin_call(
    builtin: Builtin,
    arguments: &Map<String, Value>,
    computed: &[(String, Filled)],
    at: &At<ActionTable>,
    world: &World,
    findings: &mut Findings,
) -> Option<Map<String, Value>> {
    let filled = match builtin {
        Builtin::SetLevel => fill::<tool::SetLevel>(arguments),
        Builtin::ChangeLevel => fill::<tool::ChangeLevel>(arguments),
        Builtin::SetValue => fill::<tool::SetValue>(arguments),
        Builtin::Blink => fill::<tool::Blink>(arguments),
        Builtin::List => fill::<tool::List>(arguments),
        Builtin::Wait => fill::<tool::Wait>(arguments),
        _ => fill::<tool::Devices>(arguments),
    };
    // The argument types carry no bounds of their own; the schema derived from them does.
    let checked = filled.and_then(|filled| within(&filled, &builtin.parameters()).map(|()| filled));
    let mut filled = match checked {
        Ok(filled) => filled,
        Err(message) => {
            findings.error(&at.span, format!("`{}`: {message}", builtin.name()));
            return None;
        }
    };
    let Some(needs) = builtin.needs() else { return Some(filled) };
    let mut addressed = Vec::new();
    for name in filled["devices"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let index = world.device(name, &at.span, findings)?;
        let device = &world.devices[index];
        if !device.can.has(needs) {
            findings.error(&at.span, format!("`{}` cannot do `{}`", shown(name), builtin.name()));
            return None;
        }
        let set = match builtin {
            // A computed one is looked at by the safety kernel.
            _ if computed.iter().any(|(name, _)| name == "percent" || name == "value") => None,
            Builtin::SetLevel => filled.get("percent"),
            Builtin::SetValue => filled.get("value"),
            _ => None,
        };
        let [least, most] = device.limits();
        if let Some(value) = set.and_then(Value::as_f64).filter(|value| !(least..=most).contains(value)) {
            let what = if needs.has(Capabilities::VALUE) { "value" } else { "level" };
            let message =
                format!("the {what} {value} is not from {least} to {most}, the range of `{}`", shown(name));
            findings.error(&at.span, message);
            return None;
        }
        if device.confirm && builtin != Builtin::Read && !builtin.makes(device.safe) {
            let message = format!(
                "`{}` needs a person's yes (`confirm`), and nobody is asked here: only its safe state can be set",
                shown(name)
            );
            findings.error(&at.span, message);
            return None;
        }
        addressed.push(index);
    }
    if addressed.is_empty() {
        findings.error(&at.span, format!("`{}` names no device", builtin.name()));
        return None;
    }
    addressed.sort_unstable();
    addressed.dedup();
    filled["devices"] = addressed.iter().map(|&index| world.devices[index].name.as_str()).collect();
    Some(filled)
}

/// Through the argument type and back, which fills the defaults.
fn fill<T: DeserializeOwned + Serialize>(
    arguments: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    let typed: T =
        serde_json::from_value(Value::Object(arguments.clone())).map_err(|error| error.to_string())?;
    match serde_json::to_value(typed) {
        Ok(Value::Object(filled)) => Ok(filled),
        _ => Err("these arguments have no JSON form".into()),
    }
}

/// Whether numbers lie within the bounds that the schema of a built-in tool sets them. Keys and
/// types need no look: the arguments come out of the tool's own argument type.
fn within(arguments: &Map<String, Value>, schema: &Value) -> Result<(), String> {
    for (key, value) in arguments {
        let bound = |bound: &str| schema["properties"][key][bound].as_f64();
        let Some(number) = value.as_f64() else { continue };
        if bound("minimum").is_some_and(|least| number < least)
            || bound("maximum").is_some_and(|most| number > most)
        {
            return Err(format!("the argument `{key}` is out of bounds: {value}"));
        }
    }
    Ok(())
}
