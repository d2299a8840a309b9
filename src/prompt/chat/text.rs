//! The words of this program in prompts for other models.

use serde_json::Value as Json;

use super::dialect::{Dialect, REFUSAL};
use super::history::in_words;
use super::values::python_json;
use crate::agent::chart::Value;
use crate::prompt::{Background, Scene, Turn, form};

/// FunctionGemma was trained on tools behind this sentence only.
const FUNCTION_GEMMA: &str = "You are a model that can do function calling with the following functions";

/// The whole prompt of a model that was not trained on conversations.
pub(super) fn plain(turn: &Turn<'_>, background: &Background<'_>) -> String {
    let tools = Json::Array(form::declarations(turn.scene));
    let mut out = system(turn.scene, background.prose, Dialect::Plain, Some(&tools));
    for earlier in background.before {
        let answer = Dialect::Plain.write(&earlier.calls, &|_| {});
        out.push_str(&format!("\nRequest: {}\nCalls: {answer}", earlier.request));
        let results = in_words(earlier);
        if !results.is_empty() {
            out.push_str(&format!("\n{}", results.trim_end()));
        }
    }
    out.push_str(&format!("\nRequest: {}{}\nCalls: ", shown(background), turn.request));
    out
}

/// The variables that the state shows, as a line before the request.
pub(super) fn shown(background: &Background<'_>) -> String {
    let one = |(name, value): &(String, Value)| format!("{name} = {value}");
    match background.variables {
        [] => String::new(),
        all => format!("({})\n", all.iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}

/// The system message. `tools` are given where the template does not declare them.
pub(super) fn system(scene: &Scene, prose: Option<&str>, dialect: Dialect, tools: Option<&Json>) -> String {
    let mut out = String::new();
    if dialect == Dialect::FunctionGemma {
        out.push_str(FUNCTION_GEMMA);
        if tools.is_none() && prose.is_none() {
            return out;
        }
        out.push('\n');
    }
    if let Some(prose) = prose {
        out.push_str(prose.trim());
        out.push_str("\n\n");
    }
    out.push_str("Devices:\n");
    for device in &scene.devices {
        out.push_str(&format!("- {} ({}", device.name, device.kind));
        if let Some(area) = &device.area {
            out.push_str(&format!(", {area}"));
        }
        out.push_str(")\n");
    }
    match dialect {
        Dialect::Plain => {}
        Dialect::HermesList => {
            out.push_str("If no tool can do what is asked, make the list of tool calls empty: [].\n");
        }
        _ => out.push_str(&format!("If no tool can do what is asked, say: {REFUSAL}\n")),
    }
    if let Some(tools) = tools {
        declare(dialect, tools, &mut out);
    }
    out.truncate(out.trim_end().len());
    out
}

/// Tools in the words of a dialect.
fn declare(dialect: Dialect, tools: &Json, out: &mut String) {
    let all = tools.as_array().map(Vec::as_slice).unwrap_or_default();
    match dialect {
        Dialect::Plain => {
            out.push_str("Tools:\n");
            for tool in all {
                let function = &tool["function"];
                let arguments = function["parameters"]["properties"].as_object().into_iter().flatten();
                let arguments: Vec<String> = arguments.map(|(name, schema)| argument(name, schema)).collect();
                let text = |key: &str| function[key].as_str().unwrap_or_default();
                out.push_str(&format!(
                    "- {}({}): {}\n",
                    text("name"),
                    arguments.join(", "),
                    text("description")
                ));
            }
            out.push_str(concat!(
                "Answer with a JSON list of calls such as [{\"tool\": \"NAME\", \"arguments\": {}}], ",
                "with [] if no tool can do what is asked.\n"
            ));
        }
        Dialect::Llama3 => {
            out.push_str(
                "Answer with a call as {\"name\": NAME, \"parameters\": {ARGUMENT: VALUE}}.\nTools:\n",
            );
            all.iter().for_each(|tool| out.push_str(&format!("{}\n\n", python_json(tool, Some(4)))));
        }
        Dialect::HermesList => {
            out.push_str(&format!("You have these tools:\n<tools>{}</tools>\n\n", python_json(tools, None)));
            out.push_str(concat!(
                "Answer in this form and say nothing else:\n<tool_call>[\n",
                "{\"name\": \"NAME\", \"arguments\": {\"ARGUMENT\": \"VALUE\"}}\n]</tool_call>\n"
            ));
        }
        Dialect::Hermes | Dialect::FunctionGemma => {
            out.push_str("Tools:\n<tools>\n");
            all.iter().for_each(|tool| out.push_str(&format!("{}\n", python_json(tool, None))));
            out.push_str("</tools>\n");
            if dialect == Dialect::Hermes {
                out.push_str(
                    "Write each call as\n<tool_call>\n{\"name\": NAME, \"arguments\": {}}\n</tool_call>\n",
                );
            }
        }
    }
}

/// An argument in a few words: `percent: number 0 to 100`. Devices are listed elsewhere.
fn argument(name: &str, schema: &Json) -> String {
    let choices = schema["enum"].as_array();
    let kind = match (schema["type"].as_str(), choices) {
        (Some("array"), _) => "names".to_owned(),
        (_, Some(choices)) => choices.iter().map(Json::to_string).collect::<Vec<_>>().join(" or "),
        (kind, None) => match (&schema["minimum"], &schema["maximum"]) {
            (Json::Null, _) | (_, Json::Null) => kind.unwrap_or("value").to_owned(),
            (min, max) => format!("{min} to {max}"),
        },
    };
    format!("{name}: {kind}")
}
