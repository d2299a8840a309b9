//! The notations in which model families write tool calls.

use serde_json::{Deserializer, Map, Value as Json, json};

use super::AnswerError;
use super::function_gemma;
use super::values::python_json;
use crate::tool::Call;

/// What a model says when no tool serves a request, in dialects that have no empty list of calls.
pub const REFUSAL: &str = "I cannot do that.";

/// How calls are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `<tool_call>` around each call, on lines of their own (Qwen 2.5, Qwen 3, SmolLM3).
    Hermes,
    /// `<tool_call>` around a list of calls (SmolLM2).
    HermesList,
    /// One bare object with `name` and `parameters` (Llama 3.1, 3.2).
    Llama3,
    /// `call:name{argument:value}` between control tokens (FunctionGemma).
    FunctionGemma,
    /// A bare list of calls as this program writes them, for models without a notation of their own.
    Plain,
}

/// A notation of JSON calls: what stands around them.
pub(super) struct Notation {
    /// Before the first call, after the last.
    pub(super) start: &'static str,
    pub(super) end: &'static str,
    /// Around each call.
    pub(super) open: &'static str,
    pub(super) close: &'static str,
    /// Between two calls; `None` where there is but one.
    pub(super) between: Option<&'static str>,
    /// Whether `start` and `end` with nothing between say that nothing is called; else it is [`REFUSAL`].
    pub(super) empty: bool,
    /// The keys of the tool's name and of its arguments.
    pub(super) keys: [&'static str; 2],
}

impl Dialect {
    /// The JSON notation; `None` for [`Dialect::FunctionGemma`], which is none.
    pub(super) fn notation(self) -> Option<Notation> {
        let bare = Notation {
            start: "",
            end: "",
            open: "",
            close: "",
            between: None,
            empty: false,
            keys: ["name", "arguments"],
        };
        Some(match self {
            Dialect::Hermes => {
                Notation { open: "<tool_call>\n", close: "\n</tool_call>", between: Some("\n"), ..bare }
            }
            Dialect::HermesList => Notation {
                start: "<tool_call>[",
                end: "]</tool_call>",
                between: Some(", "),
                empty: true,
                ..bare
            },
            Dialect::Llama3 => Notation { keys: ["name", "parameters"], ..bare },
            Dialect::Plain => Notation {
                start: "[",
                end: "]",
                between: Some(", "),
                empty: true,
                keys: ["tool", "arguments"],
                ..bare
            },
            Dialect::FunctionGemma => return None,
        })
    }

    /// The role of the message that tools and devices stand in.
    pub(super) fn system_role(self) -> &'static str {
        if self == Dialect::FunctionGemma { "developer" } else { "system" }
    }

    /// Whether several calls stand in one answer.
    pub(super) fn calls_together(self) -> bool {
        self.notation().is_none_or(|notation| notation.between.is_some())
    }

    /// Calls as the model would have written them. `guard` is given the texts in them.
    pub(super) fn write(self, calls: &[Call], guard: &dyn Fn(&mut Json)) -> String {
        let Some(notation) = self.notation() else {
            return if calls.is_empty() { REFUSAL.to_owned() } else { function_gemma::write(calls, guard) };
        };
        if calls.is_empty() && !notation.empty {
            return REFUSAL.to_owned();
        }
        let [name, arguments] = notation.keys;
        let one = |call: &Call| {
            let mut json = json!({ name: call.tool, arguments: call.arguments });
            guard(&mut json);
            format!("{}{}{}", notation.open, python_json(&json, None), notation.close)
        };
        // Where a family makes one call at a time, the first stands for all.
        let most = if notation.between.is_some() { calls.len() } else { 1 };
        let all: Vec<String> = calls.iter().take(most).map(one).collect();
        format!("{}{}{}", notation.start, all.join(notation.between.unwrap_or_default()), notation.end)
    }

    /// Reads an answer back. Nothing is repaired: what the grammar does not write is not read.
    pub(super) fn parse(self, answer: &str) -> Result<Vec<Call>, AnswerError> {
        let wrong = |rest: &str, expected| AnswerError {
            at: answer.len() - rest.len(),
            found: rest.chars().take(40).collect(),
            expected,
        };
        let Some(notation) = self.notation() else {
            return if answer == REFUSAL { Ok(Vec::new()) } else { function_gemma::parse(answer) };
        };
        let mut calls = Vec::new();
        if !notation.empty && answer == REFUSAL {
            return Ok(calls);
        }
        let take = |rest: &mut &str, what: &'static str| match rest.strip_prefix(what) {
            Some(after) => {
                *rest = after;
                Ok(())
            }
            None => Err(wrong(rest, if what.is_empty() { "nothing" } else { what })),
        };
        let mut rest = answer;
        take(&mut rest, notation.start)?;
        if notation.empty && rest == notation.end {
            return Ok(calls);
        }
        loop {
            take(&mut rest, notation.open)?;
            let mut values = Deserializer::from_str(rest).into_iter::<Map<String, Json>>();
            let Some(Ok(object)) = values.next() else { return Err(wrong(rest, "a call")) };
            rest = &rest[values.byte_offset()..];
            calls.push(call(object, notation.keys).ok_or_else(|| wrong(rest, "a name and arguments"))?);
            take(&mut rest, notation.close)?;
            match notation.between {
                Some(between) if rest.starts_with(between) => take(&mut rest, between)?,
                _ => break,
            }
        }
        take(&mut rest, notation.end)?;
        if rest.is_empty() { Ok(calls) } else { Err(wrong(rest, "the end")) }
    }
}

fn call(mut object: Map<String, Json>, [name, arguments]: [&str; 2]) -> Option<Call> {
    let (Json::String(tool), Json::Object(arguments)) = (object.remove(name)?, object.remove(arguments)?)
    else {
        return None;
    };
    object.is_empty().then_some(Call { tool, arguments })
}
