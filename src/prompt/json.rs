//! The rendering for models of other families: plain prose in, a JSON list of calls out.
//!
//! The grammar is a JSON Schema of the state's tools and devices, so that such a model too can name nothing
//! that is not there. Chat templates are not used yet.

use serde_json::{Map, Value, json};

use crate::grammar::{Grammar, GrammarError, schema};
use crate::tool::{Builtin, Call};

use super::pintail::AnswerError;
use super::plan::serves;
use super::{ParamKind, Scene, Tool, Turn};

/// The prompt: what the state says, its tools, its devices, the request.
pub fn prompt(turn: &Turn<'_>, prose: Option<&str>) -> String {
    let mut out = String::new();
    if let Some(prose) = prose {
        out.push_str(prose);
        out.push('\n');
    }
    out.push_str(
        "Answer the request with a JSON list of tool calls; with [] if no tool serves it.\nTools:\n",
    );
    for tool in &turn.scene.tools {
        match tool {
            Tool::Builtin(tool) => {
                out.push_str(&format!("- {}: {}\n", tool.name(), tool.description()));
            }
            Tool::User { name, description, parameters } => {
                let names: Vec<&str> = parameters.iter().map(|param| param.name.as_str()).collect();
                out.push_str(&format!("- {name}({}): {description}\n", names.join(", ")));
            }
        }
    }
    out.push_str("Devices:\n");
    for device in &turn.scene.devices {
        out.push_str(&format!("- {} ({}", device.name, device.kind));
        if let Some(area) = &device.area {
            out.push_str(&format!(", {area}"));
        }
        out.push_str(")\n");
    }
    out.push_str(&format!("Request: {}\nCalls: ", turn.request));
    out
}

/// The legal answers: `[]`, or a list of calls.
///
/// # Errors
/// A tool's schema that cannot be enforced.
pub fn grammar(turn: &Turn<'_>) -> Result<Grammar, GrammarError> {
    Ok(schema::compile(&calls_schema(turn.scene), schema::Options::default())?.grammar)
}

/// Reads an answer of the grammar back.
///
/// # Errors
/// Under the grammar none.
pub fn parse(_turn: &Turn<'_>, answer: &str) -> Result<Vec<Call>, AnswerError> {
    serde_json::from_str(answer).map_err(|error| AnswerError {
        at: error.column(),
        found: answer.to_owned(),
        expected: "a JSON list of calls",
    })
}

fn calls_schema(scene: &Scene) -> Value {
    let mut forms = Vec::new();
    for tool in &scene.tools {
        match tool {
            Tool::Builtin(tool) => builtin(scene, *tool, &mut forms),
            Tool::User { name, parameters, .. } => {
                let mut properties = Map::new();
                for param in parameters {
                    properties.insert(param.name.clone(), param_schema(&param.kind));
                }
                let required: Vec<&str> = parameters
                    .iter()
                    .filter(|param| param.required)
                    .map(|param| param.name.as_str())
                    .collect();
                forms.push(form(name, properties, &required));
            }
        }
    }
    if forms.is_empty() {
        return json!({ "const": [] });
    }
    json!({ "type": "array", "maxItems": 8, "items": { "anyOf": forms } })
}

fn form(tool: &str, properties: Map<String, Value>, required: &[&str]) -> Value {
    json!({
        "type": "object",
        "properties": {
            "tool": { "const": tool },
            "arguments": {
                "type": "object", "properties": properties, "required": required, "additionalProperties": false,
            },
        },
        "required": ["tool", "arguments"],
        "additionalProperties": false,
    })
}

/// The forms of a built-in tool's call: one for each set of limits among the devices that it can serve.
fn builtin(scene: &Scene, tool: Builtin, forms: &mut Vec<Value>) {
    let parameters = tool.parameters();
    let own = parameters["properties"].as_object().cloned().unwrap_or_default();
    let amount = match tool {
        Builtin::SetLevel => Some("percent"),
        Builtin::SetValue => Some("value"),
        _ => None,
    };
    if tool.needs().is_none() {
        let required: Vec<&str> = own.keys().map(String::as_str).collect();
        forms.push(form(tool.name(), bare(&own), &required));
        return;
    }
    let mut classes: Vec<(Option<[f64; 2]>, Vec<&str>)> = Vec::new();
    for device in scene.devices.iter().filter(|device| serves(device, tool)) {
        let limits = amount.map(|_| device.limits());
        match classes.iter_mut().find(|(known, _)| *known == limits) {
            Some((_, names)) => names.push(&device.name),
            None => classes.push((limits, vec![&device.name])),
        }
    }
    for (limits, names) in classes {
        let mut properties = bare(&own);
        let most = names.len();
        let devices = json!({ "type": "array", "items": { "enum": names }, "minItems": 1, "maxItems": most });
        properties.insert("devices".to_owned(), devices);
        if let (Some(amount), Some([least, most])) = (amount, limits) {
            properties
                .insert(amount.to_owned(), json!({ "type": "number", "minimum": least, "maximum": most }));
        }
        let required: Vec<&str> = match tool {
            Builtin::Blink => vec!["devices"],
            _ => own.keys().map(String::as_str).collect(),
        };
        forms.push(form(tool.name(), properties, &required));
    }
}

/// Properties without what only people read (the derived schemas carry descriptions and integer formats).
fn bare(properties: &Map<String, Value>) -> Map<String, Value> {
    let mut out = properties.clone();
    for schema in out.values_mut().filter_map(Value::as_object_mut) {
        schema.retain(|key, _| matches!(key.as_str(), "type" | "minimum" | "maximum" | "items"));
    }
    out
}

fn param_schema(kind: &ParamKind) -> Value {
    match kind {
        ParamKind::Choice(choices) => json!({ "enum": choices }),
        ParamKind::Text { max_length } => json!({ "type": "string", "maxLength": max_length }),
        ParamKind::Flag => json!({ "type": "boolean" }),
        ParamKind::Number { min, max, integer } => {
            let mut schema = json!({ "type": if *integer { "integer" } else { "number" } });
            if *min > f64::MIN {
                schema["minimum"] = json!(min);
            }
            if *max < f64::MAX {
                schema["maximum"] = json!(max);
            }
            schema
        }
    }
}
