//! The forms of a scene's calls: which arguments a call of each tool has and what they may be.
//!
//! Renderings for models of other families draw both from them: the declarations that a prompt shows and the grammar
//! that the answer is held to.

use serde_json::{Map, Value as Json, json};

use crate::tool::Builtin;

use super::plan::serves;
use super::scene::param_kind;
use super::{ParamKind, Scene, Tool};

/// Most calls of one answer.
pub const MOST_CALLS: u32 = 8;

/// A form of a tool's call. A tool has several where its devices have different limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Form<'s> {
    /// The tool.
    pub tool: &'s str,
    /// Its arguments, in the order in which they are written.
    pub arguments: Vec<Argument<'s>>,
}

/// An argument of a form.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument<'s> {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub takes: Takes<'s>,
    /// Whether a call must have it.
    pub required: bool,
}

/// What an argument takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Takes<'s> {
    /// A list of these devices, not empty.
    Devices(Vec<&'s str>),
    /// One value.
    One(ParamKind),
}

impl Takes<'_> {
    /// The JSON Schema that a prompt shows.
    fn schema(&self) -> Json {
        let bounded = |kind: &str, min: f64, max: f64| {
            let mut schema = json!({ "type": kind });
            for (key, bound, is) in [("minimum", min, min > f64::MIN), ("maximum", max, max < f64::MAX)] {
                if is {
                    schema[key] = number(bound);
                }
            }
            schema
        };
        match self {
            Takes::Devices(names) => json!({ "type": "array", "items": { "type": "string", "enum": names } }),
            Takes::One(ParamKind::Choice(choices)) => json!({ "type": "string", "enum": choices }),
            Takes::One(ParamKind::Text { .. }) => json!({ "type": "string" }),
            Takes::One(ParamKind::Flag) => json!({ "type": "boolean" }),
            Takes::One(ParamKind::Number { min, max, integer }) => {
                bounded(if *integer { "integer" } else { "number" }, *min, *max)
            }
        }
    }

    /// Takes what the other takes as well.
    fn widen(&mut self, other: &Self) {
        match (self, other) {
            (Takes::Devices(all), Takes::Devices(more)) => all.extend(more),
            (
                Takes::One(ParamKind::Number { min, max, .. }),
                Takes::One(ParamKind::Number { min: least, max: most, .. }),
            ) => (*min, *max) = (min.min(*least), max.max(*most)),
            _ => {}
        }
    }
}

/// A number as JSON, whole ones without a fraction.
fn number(value: f64) -> Json {
    if value.fract() == 0.0 && value.abs() < 1e15 { json!(value as i64) } else { json!(value) }
}

/// All forms of the scene's tools, in their order. A tool that no device can serve has none.
pub fn forms(scene: &Scene) -> Vec<Form<'_>> {
    let mut forms = Vec::new();
    for tool in &scene.tools {
        match tool {
            Tool::Builtin(tool) => builtin(scene, *tool, &mut forms),
            Tool::User { name, parameters, .. } => {
                let argument = |param: &super::Param| Argument {
                    name: param.name.clone(),
                    takes: Takes::One(param.kind.clone()),
                    required: param.required,
                };
                forms.push(Form { tool: name, arguments: parameters.iter().map(argument).collect() });
            }
        }
    }
    forms
}

/// The forms of a built-in tool's call: one for each set of limits among the devices that it can serve.
fn builtin<'s>(scene: &'s Scene, tool: Builtin, forms: &mut Vec<Form<'s>>) {
    let parameters = tool.parameters();
    let plain: Vec<Argument<'s>> = parameters["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, schema)| {
            let required = tool != Builtin::Blink;
            Some(Argument { name: name.clone(), takes: Takes::One(param_kind(schema)?), required })
        })
        .collect();
    if tool.needs().is_none() {
        forms.push(Form { tool: tool.name(), arguments: plain });
        return;
    }
    let limited = matches!(tool, Builtin::SetLevel | Builtin::SetValue);
    let mut classes: Vec<(Option<[f64; 2]>, Vec<&str>)> = Vec::new();
    for device in scene.devices.iter().filter(|device| serves(device, tool)) {
        let limits = limited.then(|| device.limits());
        match classes.iter_mut().find(|(known, _)| *known == limits) {
            Some((_, names)) => names.push(&device.name),
            None => classes.push((limits, vec![&device.name])),
        }
    }
    for (limits, names) in classes {
        let devices = Argument { name: "devices".to_owned(), takes: Takes::Devices(names), required: true };
        let mut arguments = vec![devices];
        arguments.extend(plain.iter().cloned().map(|argument| match limits {
            Some([min, max]) => {
                let takes = Takes::One(ParamKind::Number { min, max, integer: false });
                Argument { takes, ..argument }
            }
            None => argument,
        }));
        forms.push(Form { tool: tool.name(), arguments });
    }
}

/// The tools as prompts declare them (the `tools` of chat templates): one a tool, with all that any of its forms takes.
pub fn declarations(scene: &Scene) -> Vec<Json> {
    let mut merged: Vec<Form<'_>> = Vec::new();
    for form in forms(scene) {
        match merged.iter_mut().find(|known| known.tool == form.tool) {
            Some(known) => known
                .arguments
                .iter_mut()
                .zip(&form.arguments)
                .for_each(|(known, argument)| known.takes.widen(&argument.takes)),
            None => merged.push(form),
        }
    }
    merged.iter().map(|form| declaration(form, description(scene, form.tool))).collect()
}

fn description<'s>(scene: &'s Scene, name: &str) -> &'s str {
    match scene.tools.iter().find(|tool| tool.name() == name) {
        Some(Tool::User { description, .. }) => description,
        Some(Tool::Builtin(tool)) => tool.description(),
        None => "",
    }
}

fn declaration(form: &Form<'_>, description: &str) -> Json {
    let mut properties = Map::new();
    for argument in &form.arguments {
        let mut schema = argument.takes.schema();
        // Templates of some families print the description of every parameter, so each has one.
        schema["description"] = argument.name.replace('_', " ").into();
        properties.insert(argument.name.clone(), schema);
    }
    let required: Vec<&str> = form
        .arguments
        .iter()
        .filter(|argument| argument.required)
        .map(|argument| argument.name.as_str())
        .collect();
    json!({
        "type": "function",
        "function": {
            "name": form.tool,
            "description": description,
            "parameters": { "type": "object", "properties": properties, "required": required },
        },
    })
}
