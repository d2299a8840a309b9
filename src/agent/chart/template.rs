//! Sentences with expressions in them: `It is {{ value("thermometer") }} °C.`

use super::expression::{Expr, View};
use super::parse::{Fault, Names, parse};
use super::value::{MOST_TEXT, Type, Value};

/// A sentence, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Value(Expr),
}

impl Template {
    /// A sentence without expressions.
    pub fn plain(text: impl Into<String>) -> Template {
        Template { parts: vec![Part::Text(text.into())] }
    }

    /// Splits a text at `{{` and `}}` and parses what stands between them. Single braces are text.
    ///
    /// # Errors
    /// The first fault, placed in `text`.
    pub fn parse(text: &str, names: Names<'_>) -> Result<Template, Fault> {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(open) = text[at..].find("{{") {
            if open > 0 {
                parts.push(Part::Text(text[at..at + open].to_owned()));
            }
            let start = at + open + 2;
            let Some(len) = text[start..].find("}}") else {
                let message = "`{{` without `}}`".to_owned();
                return Err(Fault { at: start - 2, len: 2, message, help: None });
            };
            let (expr, _) = parse(&text[start..start + len], names)
                .map_err(|fault| Fault { at: fault.at + start, ..fault })?;
            parts.push(Part::Value(expr));
            at = start + len + 2;
        }
        if at < text.len() || parts.is_empty() {
            parts.push(Part::Text(text[at..].to_owned()));
        }
        Ok(Template { parts })
    }

    /// The text when there is no expression in it.
    pub fn as_plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The sentence, now.
    ///
    /// # Errors
    /// As [`Expr::eval`], and when the whole is too long.
    pub fn render(&self, view: &dyn View) -> Result<String, String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(expr) => out.push_str(&expr.eval(view)?.to_string()),
            }
        }
        if out.len() > MOST_TEXT {
            return Err(format!("a sentence of {} bytes; at most {MOST_TEXT} are said", out.len()));
        }
        Ok(out)
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(expr) => Some(expr),
            Part::Text(_) => None,
        })
    }
}

/// The text of an argument, a name or a delay: as it stands, or one expression alone (`"{{ level + 10 }}"`), which keeps its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Filled {
    /// One expression.
    Value(Expr, Type),
    /// A text, with or without expressions in it.
    Text(Template),
}

impl Filled {
    /// Parses a text.
    ///
    /// # Errors
    /// The first fault, placed in `text`.
    pub fn parse(text: &str, names: Names<'_>) -> Result<Filled, Fault> {
        let inner = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
        if let Some(inner) = inner.filter(|inner| !inner.contains("{{")) {
            let (expr, found) = parse(inner, names).map_err(|fault| Fault { at: fault.at + 2, ..fault })?;
            return Ok(Filled::Value(expr, found));
        }
        Template::parse(text, names).map(Filled::Text)
    }

    /// The value, now.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    pub fn eval(&self, view: &dyn View) -> Result<Value, String> {
        match self {
            Filled::Value(expr, _) => expr.eval(view),
            Filled::Text(template) => template.render(view).map(Value::Text),
        }
    }

    /// The type of the value.
    pub fn kind(&self) -> Type {
        match self {
            Filled::Value(_, kind) => *kind,
            Filled::Text(_) => Type::Text,
        }
    }
}
