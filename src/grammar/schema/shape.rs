//! What an intersection of schemas asks for, by type.

use serde_json::Value;

use super::number::{Bound, Decimal};
use super::pattern::Regex;

pub(super) const NULL: u8 = 1;
pub(super) const BOOLEAN: u8 = 2;
pub(super) const NUMBER: u8 = 4;
pub(super) const STRING: u8 = 8;
pub(super) const ARRAY: u8 = 16;
pub(super) const OBJECT: u8 = 32;

/// A keyword's value with the schema that it stands in, for messages.
#[derive(Clone, Debug)]
pub(super) struct Said<T> {
    pub(super) node: u32,
    pub(super) value: T,
}

/// Array keywords of one schema.
#[derive(Clone, Debug)]
pub(super) struct ArrayPart {
    pub(super) prefix: Vec<u32>,
    pub(super) items: Option<u32>,
}

/// Object keywords of one schema.
#[derive(Clone, Debug)]
pub(super) struct ObjectPart {
    pub(super) node: u32,
    pub(super) properties: Vec<(String, u32)>,
    pub(super) patterns: Vec<(Regex, u32)>,
    pub(super) additional: Option<u32>,
}

/// `anyOf` or `oneOf` (`one`) of a schema.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) node: u32,
    pub(super) one: bool,
    pub(super) branches: Vec<u32>,
}

/// All that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) types: u8,
    pub(super) integer: bool,
    /// The only values, if they are listed.
    pub(super) values: Option<Vec<Value>>,
    pub(super) low: Option<Bound>,
    pub(super) high: Option<Bound>,
    pub(super) multiples: Vec<Said<Decimal>>,
    pub(super) min_length: u64,
    pub(super) max_length: Option<Said<u64>>,
    pub(super) length_node: u32,
    pub(super) patterns: Vec<Said<Regex>>,
    pub(super) arrays: Vec<ArrayPart>,
    pub(super) min_items: u64,
    pub(super) max_items: Option<u64>,
    pub(super) unique: Option<u32>,
    pub(super) objects: Vec<ObjectPart>,
    pub(super) required: Vec<String>,
    pub(super) min_properties: Said<u64>,
    pub(super) max_properties: Option<Said<u64>>,
    pub(super) choices: Vec<Choice>,
}

impl Shape {
    pub(super) fn new() -> Shape {
        Shape {
            types: NULL | BOOLEAN | NUMBER | STRING | ARRAY | OBJECT,
            integer: false,
            values: None,
            low: None,
            high: None,
            multiples: Vec::new(),
            min_length: 0,
            max_length: None,
            length_node: 0,
            patterns: Vec::new(),
            arrays: Vec::new(),
            min_items: 0,
            max_items: None,
            unique: None,
            objects: Vec::new(),
            required: Vec::new(),
            min_properties: Said { node: 0, value: 0 },
            max_properties: None,
            choices: Vec::new(),
        }
    }

    /// Schemas of the element at an index.
    pub(super) fn element(&self, index: usize) -> Vec<u32> {
        self.arrays
            .iter()
            .filter_map(|part| {
                part.prefix.get(index).copied().or(part.items.filter(|_| index >= part.prefix.len()))
            })
            .collect()
    }

    /// How many elements have schemas of their own.
    pub(super) fn prefix(&self) -> usize {
        self.arrays.iter().map(|part| part.prefix.len()).max().unwrap_or(0)
    }

    /// Names that `properties` or `required` mention, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut seen = std::collections::HashSet::new();
        self.objects
            .iter()
            .flat_map(|part| part.properties.iter().map(|(name, _)| name.as_str()))
            .chain(self.required.iter().map(String::as_str))
            .filter(|name| seen.insert(*name))
            .collect()
    }
}

/// The type bit of a value.
pub(super) fn type_of(value: &Value) -> u8 {
    match value {
        Value::Null => NULL,
        Value::Bool(_) => BOOLEAN,
        Value::Number(_) => NUMBER,
        Value::String(_) => STRING,
        Value::Array(_) => ARRAY,
        Value::Object(_) => OBJECT,
    }
}

/// Equality of JSON Schema: numbers by value, objects without order.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => match (Decimal::read(x), Decimal::read(y)) {
            (Some(x), Some(y)) => x == y,
            _ => x == y,
        },
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(key, x)| y.get(key).is_some_and(|y| same(x, y)))
        }
        _ => a == b,
    }
}
