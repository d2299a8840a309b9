//! The grammar of answers: the forms of calls in a dialect's notation.
//!
//! JSON has a space behind each `,` and `:`, as the families' training data has it.

use serde_json::json;

use super::dialect::{Dialect, REFUSAL};
use super::function_gemma::{CALL, CLOSE, OPEN, QUOTE};
use crate::grammar::{Expr, Grammar, GrammarBuilder, GrammarError, schema};
use crate::prompt::ParamKind;
use crate::prompt::form::{Argument, Form, MOST_CALLS, Takes};
use crate::tokenizer::Tokenizer;

/// The legal answers.
pub(super) fn answers(
    dialect: Dialect,
    forms: &[Form<'_>],
    tokenizer: &Tokenizer,
) -> Result<Grammar, GrammarError> {
    let json = dialect.notation();
    let mut writer = Writer { grammar: GrammarBuilder::new(), tokenizer, json: json.is_some() };
    let mut calls = Vec::new();
    for form in forms {
        calls.push(match &json {
            Some(notation) => writer.object(form, notation.keys)?,
            None => writer.function_gemma(form)?,
        });
    }
    let call = writer.grammar.alt(&calls);
    let call = writer.grammar.named("call", call);
    let (open, close) = json.as_ref().map_or((OPEN, CLOSE), |notation| (notation.open, notation.close));
    let call = writer.around(open, call, close);
    let between = json.as_ref().map_or(Some(""), |notation| notation.between);
    let list = match between {
        Some(between) => writer.list(call, between, MOST_CALLS),
        None => call,
    };
    let answer = match &json {
        Some(notation) if notation.empty => {
            let list = writer.grammar.optional(list);
            writer.around(notation.start, list, notation.end)
        }
        _ => {
            let refusal = writer.grammar.literal(REFUSAL);
            writer.grammar.alt(&[list, refusal])
        }
    };
    let root = writer.grammar.rule("answer");
    writer.grammar.define(root, answer);
    writer.grammar.build(root)
}

struct Writer<'a> {
    grammar: GrammarBuilder,
    tokenizer: &'a Tokenizer,
    /// Whether values are JSON.
    json: bool,
}

impl Writer<'_> {
    /// A text of the notation; where it holds strings of special tokens, these tokens.
    fn mark(&mut self, text: &str) -> Expr {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((id, place)) = self.tokenizer.find_special(rest) {
            parts.push(self.grammar.literal(&rest[..place.start]));
            parts.push(self.grammar.token(id));
            rest = &rest[place.end..];
        }
        parts.push(self.grammar.literal(rest));
        self.grammar.seq(&parts)
    }

    fn around(&mut self, open: &str, inner: Expr, close: &str) -> Expr {
        let parts = [self.mark(open), inner, self.mark(close)];
        self.grammar.seq(&parts)
    }

    /// One to `most` items.
    fn list(&mut self, item: Expr, between: &str, most: u32) -> Expr {
        let between = self.mark(between);
        let next = self.grammar.seq(&[between, item]);
        let more = self.grammar.repeat(next, 0, Some(most.saturating_sub(1)));
        self.grammar.seq(&[item, more])
    }

    /// `{"name": "on", "arguments": {…}}`
    fn object(&mut self, form: &Form<'_>, [name, arguments]: [&str; 2]) -> Result<Expr, GrammarError> {
        let head = format!("{{\"{name}\": {}, \"{arguments}\": {{", json!(form.tool));
        let parts = [self.grammar.literal(head), self.arguments(form)?, self.grammar.literal("}}")];
        Ok(self.grammar.seq(&parts))
    }

    /// `call:on{…}`
    fn function_gemma(&mut self, form: &Form<'_>) -> Result<Expr, GrammarError> {
        let head = format!("{CALL}{}{{", form.tool);
        let parts = [self.grammar.literal(head), self.arguments(form)?, self.grammar.literal("}")];
        Ok(self.grammar.seq(&parts))
    }

    /// The arguments of a form in their order, without those that may be left out or with them.
    fn arguments(&mut self, form: &Form<'_>) -> Result<Expr, GrammarError> {
        // What may follow from the last argument on; `[1]` where something stands before.
        let mut after = [self.grammar.empty(), self.grammar.empty()];
        for argument in form.arguments.iter().rev() {
            let pair = self.argument(argument)?;
            let pair = self.grammar.named(&argument.name, pair);
            let separator = self.grammar.literal(if self.json { ", " } else { "," });
            let mut here =
                [self.grammar.seq(&[pair, after[1]]), self.grammar.seq(&[separator, pair, after[1]])];
            if !argument.required {
                here = [self.grammar.alt(&[here[0], after[0]]), self.grammar.alt(&[here[1], after[1]])];
            }
            after = here.map(|expr| self.grammar.named("arguments", expr));
        }
        Ok(after[0])
    }

    fn argument(&mut self, argument: &Argument<'_>) -> Result<Expr, GrammarError> {
        let key =
            if self.json { format!("{}: ", json!(argument.name)) } else { format!("{}:", argument.name) };
        let parts = [self.grammar.literal(key), self.value(&argument.takes)?];
        Ok(self.grammar.seq(&parts))
    }

    fn value(&mut self, takes: &Takes<'_>) -> Result<Expr, GrammarError> {
        Ok(match takes {
            Takes::Devices(names) => {
                let name = self.strings(names);
                let most = u32::try_from(names.len()).unwrap_or(u32::MAX);
                let list = self.list(name, if self.json { ", " } else { "," }, most);
                self.around("[", list, "]")
            }
            Takes::One(ParamKind::Choice(choices)) => self.strings(choices),
            Takes::One(ParamKind::Flag) => self.grammar.literals(["true", "false"]),
            Takes::One(ParamKind::Text { max_length }) if self.json => {
                self.schema(&json!({ "type": "string", "maxLength": max_length }))?
            }
            Takes::One(ParamKind::Text { max_length }) => {
                // Nothing that could spell the mark.
                let plain = self.grammar.chars(&[(0x20, 0x3b), (0x3d, 0x7e), (0xa0, 0x10_ffff)]);
                let text = self.grammar.repeat(plain, 0, u32::try_from(*max_length).ok());
                self.around(QUOTE, text, QUOTE)
            }
            Takes::One(ParamKind::Number { min, max, integer }) => {
                let mut number = json!({ "type": if *integer { "integer" } else { "number" } });
                if *min > f64::MIN {
                    number["minimum"] = json!(min);
                }
                if *max < f64::MAX {
                    number["maximum"] = json!(max);
                }
                self.schema(&number)?
            }
        })
    }

    /// One of these strings, quoted.
    fn strings<T: AsRef<str>>(&mut self, texts: &[T]) -> Expr {
        if self.json {
            return self.grammar.literals(texts.iter().map(|text| json!(text.as_ref()).to_string()));
        }
        let text = self.grammar.literals(texts.iter().map(AsRef::as_ref));
        self.around(QUOTE, text, QUOTE)
    }

    fn schema(&mut self, schema: &serde_json::Value) -> Result<Expr, GrammarError> {
        let (rule, _) = schema::add(&mut self.grammar, schema, schema::Options::default())?;
        Ok(self.grammar.call(rule))
    }
}
