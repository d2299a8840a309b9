//! `ask` with a `grammar` or a `schema`: what the model's answer has to look like, and the event that it makes.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::chart::{Form, Frame, Type};
use super::super::chart_file::ActionTable;
use super::super::file::At;
use super::super::finding::Findings;
use super::{World, actions, shown};
use crate::grammar::{gbnf, schema, shipped};

/// The event that an answer makes when the action names none.
pub(super) const ANSWER: &str = "answer";
/// A grammar's file may have this many bytes.
const MOST: u64 = 1 << 20;

/// The form of an `ask`; `Some(None)`: it is asked as a person would, and answered with calls. `None`: something is wrong.
pub(super) fn check(table: &ActionTable, world: &World, findings: &mut Findings) -> Option<Option<Form>> {
    let frame = match (&table.grammar, &table.schema) {
        (None, None) => {
            if let Some(event) = &table.event {
                findings.error(&event.span, "`event` goes with `grammar` and `schema` only");
                return None;
            }
            return Some(None);
        }
        (Some(_), Some(at)) => {
            findings.error(&at.span, "an answer has a `grammar` or a `schema`, not both");
            return None;
        }
        (Some(at), None) => Frame::Gbnf(grammar(at, world.folder, findings)?),
        (None, Some(at)) => {
            match schema::compile(&at.value, schema::Options::default()) {
                Ok(compiled) => compiled.warnings.into_iter().for_each(|warning| {
                    findings.warning(&at.span, warning);
                }),
                Err(error) => {
                    findings.error(&at.span, error.to_string());
                    return None;
                }
            }
            Frame::Schema(at.value.clone())
        }
    };
    let event = match &table.event {
        Some(event) if !actions::event_name(event, findings) => return None,
        Some(event) => event.value.clone(),
        None => ANSWER.to_owned(),
    };
    Some(Some(Form { event, frame }))
}

/// The text of a grammar: a file beside the agent's, or the name of one (`grammars/NAME.gbnf` beside the agent's file, in the
/// user's and the system's data directories, or one that comes with the program).
fn grammar(at: &At<String>, folder: Option<&Path>, findings: &mut Findings) -> Option<String> {
    let is_file = at.value.ends_with(".gbnf");
    let text = match is_file {
        true => read(&folder.unwrap_or(Path::new("")).join(&at.value)),
        // A name is no path.
        false if at.value.contains(['/', '.', '\\']) => Err(String::new()),
        false => {
            let folders = crate::tool::search_path(folder);
            // Beside every folder of tools there may be one of grammars.
            let files = folders.iter().filter_map(|tools| Some(tools.parent()?.join("grammars")));
            let mut files = files.map(|folder| folder.join(format!("{}.gbnf", at.value)));
            let inside = || shipped().find(|(name, _)| *name == at.value).map(|(_, text)| text.to_owned());
            files
                .find(|file| file.is_file())
                .map_or_else(|| inside().ok_or_else(String::new), |file| read(&file))
        }
    };
    let text = match text {
        Ok(text) => text,
        Err(error) if error.is_empty() => {
            let known: Vec<&str> = shipped().map(|(name, _)| name).collect();
            findings.unknown(&at.span, "grammar", &at.value, known.iter().copied());
            return None;
        }
        Err(error) => {
            findings.error(&at.span, error);
            return None;
        }
    };
    match gbnf::parse(&text) {
        Ok(_) => Some(text),
        Err(error) => {
            findings.error(&at.span, format!("the grammar `{}`: {error}", shown(&at.value)));
            None
        }
    }
}

fn read(file: &Path) -> Result<String, String> {
    let file: PathBuf = file.to_owned();
    let wrong = |what: String| format!("the grammar {}: {what}", file.display());
    match std::fs::metadata(&file) {
        Ok(found) if found.len() > MOST => {
            Err(wrong(format!("it has {} bytes, at most {MOST} are read", found.len())))
        }
        Ok(_) => std::fs::read_to_string(&file).map_err(|error| wrong(error.to_string())),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Data of the event that an answer makes: its text, and of a schema's object the properties.
pub(super) fn data(schema: Option<&Json>) -> Vec<(String, Type)> {
    let properties = schema.and_then(|schema| schema.get("properties")).and_then(Json::as_object);
    let kind = |schema: &Json| match schema.get("type").and_then(Json::as_str) {
        Some("string") => Type::Text,
        Some("integer" | "number") => Type::Number,
        Some("boolean") => Type::Flag,
        _ if schema
            .get("enum")
            .and_then(Json::as_array)
            .is_some_and(|all| all.iter().all(Json::is_string)) =>
        {
            Type::Text
        }
        _ => Type::Any,
    };
    let text = ("text".to_owned(), Type::Text);
    let more = properties.into_iter().flatten().map(|(name, schema)| (name.clone(), kind(schema)));
    std::iter::once(text).chain(more.filter(|(name, _)| name != "text")).collect()
}
