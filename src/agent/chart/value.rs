//! Values of context variables and of events' data.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::board::Number;

/// Bytes that a text may have at most. An agent that appends to a variable for ever meets an error and no full memory.
pub const MOST_TEXT: usize = 4096;

/// A value: yes or no, a number, or a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Value")]
pub enum Value {
    /// `true` or `false`.
    Flag(bool),
    /// A finite number.
    Number(f64),
    /// A text.
    Text(String),
}

/// What kind of value stands somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`.
    Flag,
    /// A number.
    Number,
    /// A text.
    Text,
    /// Known only when it happens: what a tool answered.
    Any,
}

impl Value {
    /// What kind of value it is.
    pub fn kind(&self) -> Type {
        match self {
            Value::Flag(_) => Type::Flag,
            Value::Number(_) => Type::Number,
            Value::Text(_) => Type::Text,
        }
    }

    /// The value of a JSON scalar; `None` for the rest.
    pub fn from_json(json: &serde_json::Value) -> Option<Value> {
        match json {
            serde_json::Value::Bool(flag) => Some(Value::Flag(*flag)),
            serde_json::Value::Number(number) => number.as_f64().filter(|n| n.is_finite()).map(Value::Number),
            serde_json::Value::String(text) if text.len() <= MOST_TEXT => Some(Value::Text(text.clone())),
            _ => None,
        }
    }

    /// As JSON; a whole number as an integer, so that it fits tools that ask for one.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Flag(flag) => (*flag).into(),
            // Every whole number below 2^53 is an i64 exactly.
            Value::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => (*n as i64).into(),
            Value::Number(n) => (*n).into(),
            Value::Text(text) => text.clone().into(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Flag(flag) => f.write_str(if *flag { "yes" } else { "no" }),
            Value::Number(number) => Number(*number).fmt(f),
            Value::Text(text) => f.write_str(text),
        }
    }
}

impl Type {
    /// Whether a value of this type may stand where `wanted` is asked for; what is known only later may.
    pub fn fits(self, wanted: Type) -> bool {
        self == wanted || self == Type::Any || wanted == Type::Any
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Flag => "true or false",
            Type::Number => "a number",
            Type::Text => "a text",
            Type::Any => "any value",
        })
    }
}
