//! Calls written in a file (`do = [...]`): resolved against devices and tools, defaults filled in.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::checked::ToolRef;
use super::super::file::{At, CallTable};
use super::super::finding::Findings;
use super::shown;
use super::states::World;
use crate::board::Capabilities;
use crate::tool::{self, Builtin, Call};

/// The resolved call, or `None` after an error. Any tool and device of the agent may be named: what
/// the state forbids the model, the file's author may still do.
pub(super) fn check(at: &At<CallTable>, world: &World, findings: &mut Findings) -> Option<Call> {
    let CallTable { tool, arguments } = &at.value;
    let arguments = match world.tool(&tool.value, &tool.span, findings)? {
        ToolRef::Builtin(builtin) => builtin_call(builtin, arguments, at, world, findings)?,
        ToolRef::User(index) => {
            let parameters = &world.tools[index].parameters;
            let mut arguments = arguments.clone();
            if let Err((pointer, message)) = parameters.validate(&arguments) {
                findings.error(&at.span, format!("`{}`: argument {pointer}: {message}", tool.value));
                return None;
            }
            parameters.fill_defaults(&mut arguments);
            arguments
        }
    };
    Some(Call { tool: tool.value.clone(), arguments })
}

fn builtin_call(
    builtin: Builtin,
    arguments: &Map<String, Value>,
    at: &At<CallTable>,
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
