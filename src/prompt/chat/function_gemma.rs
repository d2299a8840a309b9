//! FunctionGemma's notation, read back: `<start_function_call>call:NAME{argument:value,…}<end_function_call>`, strings
//! between `<escape>` marks, lists in brackets, numbers and truth values bare.

use serde_json::{Map, Value as Json};

use super::AnswerError;
use crate::tool::Call;

pub(super) const OPEN: &str = "<start_function_call>";
pub(super) const CLOSE: &str = "<end_function_call>";
pub(super) const QUOTE: &str = "<escape>";
pub(super) const CALL: &str = "call:";

/// Writes one call after the other. `guard` is given the texts in them.
pub(super) fn write(calls: &[Call], guard: &dyn Fn(&mut Json)) -> String {
    fn value(json: &Json, out: &mut String) {
        match json {
            Json::String(text) => out.extend([QUOTE, text, QUOTE]),
            Json::Array(all) => {
                out.push('[');
                for (at, item) in all.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    value(item, out);
                }
                out.push(']');
            }
            bare => out.push_str(&bare.to_string()),
        }
    }
    let mut out = String::new();
    for call in calls {
        out.extend([OPEN, CALL, &call.tool, "{"]);
        for (at, (name, argument)) in call.arguments.iter().enumerate() {
            let mut argument = argument.clone();
            guard(&mut argument);
            out.extend([if at == 0 { "" } else { "," }, name, ":"]);
            value(&argument, &mut out);
        }
        out.extend(["}", CLOSE]);
    }
    out
}

/// Reads one call after the other, to the end.
pub(super) fn parse(answer: &str) -> Result<Vec<Call>, AnswerError> {
    let mut reader = Reader { answer, rest: answer };
    let mut calls = Vec::new();
    while calls.is_empty() || !reader.rest.is_empty() {
        reader.take(OPEN)?;
        reader.take(CALL)?;
        let tool = reader.until("{")?.to_owned();
        let mut arguments = Map::new();
        reader.list("}", |reader| {
            let name = reader.until(":")?.to_owned();
            arguments.insert(name, reader.value()?);
            Ok(())
        })?;
        reader.take(CLOSE)?;
        calls.push(Call { tool, arguments });
    }
    Ok(calls)
}

struct Reader<'a> {
    answer: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn wrong(&self, expected: &'static str) -> AnswerError {
        let found = self.rest.chars().take(40).collect();
        AnswerError { at: self.answer.len() - self.rest.len(), found, expected }
    }

    fn eat(&mut self, what: &str) -> bool {
        let after = self.rest.strip_prefix(what);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn take(&mut self, what: &'static str) -> Result<(), AnswerError> {
        if self.eat(what) { Ok(()) } else { Err(self.wrong(what)) }
    }

    /// What stands before `end`, which is taken too.
    fn until(&mut self, end: &'static str) -> Result<&'a str, AnswerError> {
        let (before, after) = self.rest.split_once(end).ok_or_else(|| self.wrong(end))?;
        self.rest = after;
        Ok(before)
    }

    /// Items between commas up to `end`, which is taken too; there may be none.
    fn list(
        &mut self,
        end: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<(), AnswerError>,
    ) -> Result<(), AnswerError> {
        if self.eat(end) {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.eat(end) {
                return Ok(());
            }
            self.take(",")?;
        }
    }

    fn value(&mut self) -> Result<Json, AnswerError> {
        if self.eat(QUOTE) {
            return Ok(Json::from(self.until(QUOTE)?));
        }
        if self.eat("[") {
            let mut all = Vec::new();
            self.list("]", |reader| {
                // Lists hold strings only, so there is nothing to nest.
                reader.take(QUOTE)?;
                all.push(Json::from(reader.until(QUOTE)?));
                Ok(())
            })?;
            return Ok(Json::Array(all));
        }
        let end = self.rest.find([',', '}']).unwrap_or(self.rest.len());
        let (bare, after) = self.rest.split_at(end);
        let value: Json = serde_json::from_str(bare).map_err(|_| self.wrong("a value"))?;
        if !(value.is_number() || value.is_boolean()) {
            return Err(self.wrong("a number or a truth value"));
        }
        self.rest = after;
        Ok(value)
    }
}
