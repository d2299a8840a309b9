//! Earlier turns as messages of a conversation: what the person said, the calls, what came of them.
//!
//! Families that were trained with tools have places of their own for calls and results (Qwen's `<tool_response>` in a user's turn,
//! Llama's role `ipython`, FunctionGemma's response behind the call). A template that knows them writes them itself; for all others
//! calls are what the assistant said, in the dialect of its answers, and results stand in front of what the person says next.

use serde_json::{Map, Value as Json, json};

use super::Dialect;
use super::values::python_json;
use crate::prompt::Earlier;
use crate::tool::Call;

/// Bytes of a result that are shown; more would crowd out what it is there for.
const MOST_RESULT: usize = 400;

/// How a template takes earlier calls and their results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum History {
    /// As `tool_calls` of the assistant and messages of the role `tool`.
    Native,
    /// As text of assistant and user.
    Words,
}

/// Words of this program and of others, made unable to spell a special token.
pub(super) type Guard<'a> = &'a dyn Fn(&str) -> String;

impl History {
    /// A small conversation with a call and its result, and what a template that knows them makes of it, piece by piece.
    pub(super) fn probe(dialect: Dialect) -> (Json, [String; 3]) {
        const RESULT: &str = "what came of it";
        const USER: &str = "words said later";
        let arguments = [("word".to_owned(), Json::from("a word"))].into_iter().collect();
        let call = Call { tool: "probe".into(), arguments };
        let said = Earlier {
            request: "words said before".into(),
            calls: vec![call.clone()],
            results: vec![json!({ "reply": RESULT })],
        };
        let (mut messages, _) = History::Native.messages(&[said], dialect, &str::to_owned);
        messages.push(json!({ "role": "user", "content": USER }));
        (Json::Array(messages), [dialect.write(&[call], &|_| {}), RESULT.into(), USER.into()])
    }

    /// The messages of earlier turns, oldest first, and what has to stand in front of the next words of the person.
    pub(super) fn messages(
        self,
        before: &[Earlier],
        dialect: Dialect,
        guard: Guard<'_>,
    ) -> (Vec<Json>, String) {
        let mut messages = Vec::new();
        let mut left = String::new();
        for turn in before {
            let words = format!("{left}{}", guard(&turn.request));
            messages.push(json!({ "role": "user", "content": words }));
            left.clear();
            if self == History::Words || turn.calls.is_empty() {
                let answer = dialect.write(&turn.calls, &|json| *json = guarded(json, guard));
                messages.push(json!({ "role": "assistant", "content": answer }));
                left = guard(&in_words(turn));
                continue;
            }
            // A family that makes one call at a time has made several one after the other.
            let together = if dialect.calls_together() { turn.calls.len() } else { 1 };
            for (first, calls) in turn.calls.chunks(together).enumerate() {
                let calls = || calls.iter().zip(first * together..);
                let written = calls().map(|(call, at)| {
                    json!({ "id": format!("call{at}"), "type": "function", "function": {
                        "name": guard(&call.tool),
                        "arguments": guarded(&Json::Object(call.arguments.clone()), guard),
                    }})
                });
                let written: Vec<Json> = written.collect();
                messages.push(json!({ "role": "assistant", "content": "", "tool_calls": written }));
                messages.extend(calls().filter_map(|(call, at)| {
                    let content = match (dialect, turn.results.get(at)?) {
                        (Dialect::FunctionGemma, Json::Object(all)) => guarded(&Json::Object(all.clone()), guard),
                        (_, result) => guard(&shown(result)).into(),
                    };
                    Some(json!({ "role": "tool", "name": guard(&call.tool), "tool_call_id": format!("call{at}"),
                        "content": content }))
                }));
            }
        }
        (messages, left)
    }
}

/// A line for each result of a turn.
pub(super) fn in_words(turn: &Earlier) -> String {
    let line = |(call, result): (&Call, &Json)| format!("(result of {}: {})\n", call.tool, shown(result));
    turn.calls.iter().zip(&turn.results).map(line).collect()
}

/// A result as text, cut where it is long.
fn shown(result: &Json) -> String {
    let mut text = match result {
        Json::String(text) => text.clone(),
        other => python_json(other, None),
    };
    if text.len() > MOST_RESULT {
        let end = (0..=MOST_RESULT).rev().find(|&at| text.is_char_boundary(at));
        text.truncate(end.unwrap_or(0));
        text.push_str(" ...");
    }
    text
}

/// The same value with every text and every key guarded.
fn guarded(json: &Json, guard: Guard<'_>) -> Json {
    match json {
        Json::String(text) => guard(text).into(),
        Json::Array(all) => all.iter().map(|json| guarded(json, guard)).collect(),
        Json::Object(all) => {
            all.iter().map(|(key, json)| (guard(key), guarded(json, guard))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}
