//! What an intersection of schemas asks for, by type.

use crate::grammar::fx::FxSet;
use std::rc::Rc;

use serde_json::Value;

use super::Lit;
use super::decimal::{Bound, Decimal};
use super::pattern::Pattern;

pub(super) const NULL: u8 = 1;
pub(super) const BOOLEAN: u8 = 2;
pub(super) const NUMBER: u8 = 4;
pub(super) const STRING: u8 = 8;
pub(super) const ARRAY: u8 = 16;
pub(super) const OBJECT: u8 = 32;
pub(super) const ALL_TYPES: u8 = 63;

/// A keyword's value with the schema that it stands in, for messages.
#[derive(Clone, Debug)]
pub(super) struct Said<T> {
    pub(super) node: u32,
    pub(super) value: T,
}

/// Array keywords of one schema.
#[derive(Clone, Debug)]
pub(super) struct ArrayPart {
    pub(super) prefix: Vec<Lit>,
    pub(super) items: Option<Lit>,
}

/// Object keywords of one schema.
#[derive(Clone, Debug)]
pub(super) struct ObjectPart {
    pub(super) node: u32,
    pub(super) properties: Vec<(String, Lit)>,
    pub(super) patterns: Vec<(Rc<Pattern>, Lit)>,
    pub(super) additional: Option<Lit>,
}

/// Ways of which at least one must hold (just one, if `one`); a way is a set of schemas.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) id: u32,
    pub(super) node: u32,
    pub(super) one: bool,
    pub(super) ways: Vec<Vec<Lit>>,
}

/// Elements that fit a schema: at least and at most so many.
#[derive(Clone, Debug)]
pub(super) struct Contains {
    pub(super) node: u32,
    pub(super) lit: Lit,
    pub(super) min: u64,
    pub(super) max: Option<u64>,
    /// Only elements from this index on.
    pub(super) from: usize,
}

/// A property that must be there: its name is in neither `properties` nor `patternProperties` of a
/// schema (or matches `pattern`), its value fits.
#[derive(Clone, Debug)]
pub(super) struct Some1 {
    pub(super) node: u32,
    /// The number of the fact that asks for it.
    pub(super) fact: u32,
    pub(super) not_named: Vec<String>,
    pub(super) not_matching: Vec<Rc<Pattern>>,
    pub(super) matching: Option<Rc<Pattern>>,
    pub(super) lit: Lit,
}

impl Some1 {
    pub(super) fn covers(&self, name: &str) -> bool {
        !self.not_named.iter().any(|known| known == name)
            && !self.not_matching.iter().any(|pattern| pattern.matches(name))
            && self.matching.as_ref().is_none_or(|pattern| pattern.matches(name))
    }
}

/// Something asked for that stands in no schema as such.
#[derive(Clone, Debug)]
pub(super) enum Fact {
    Never,
    Types(u8),
    /// Numbers are not whole; other types are not touched.
    Fraction,
    Low(Bound),
    High(Bound),
    Length(u64, Option<u64>),
    /// Strings that the pattern does not match.
    Mismatch(Rc<Pattern>),
    Except(Vec<Value>),
    Items(u64, Option<u64>),
    Members(u64, Option<u64>),
    Has(String),
    Lacks(String),
    /// The property is there and fits.
    Property(String, Lit),
    /// The element is there and fits.
    Element(usize, Lit),
    Contains(Lit, u64, Option<u64>, usize),
    Other {
        not_named: Vec<String>,
        not_matching: Vec<Rc<Pattern>>,
        matching: Option<Rc<Pattern>>,
        lit: Lit,
    },
    /// As `Other`, and the name is none that the shape knows.
    Unknown(Box<Some1>),
}

/// All that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) types: u8,
    pub(super) integer: bool,
    pub(super) fraction: bool,
    /// The only values, if they are listed.
    pub(super) values: Option<Vec<Value>>,
    pub(super) except: Vec<Said<Value>>,
    pub(super) low: Option<Bound>,
    pub(super) high: Option<Bound>,
    pub(super) multiples: Vec<Said<Decimal>>,
    pub(super) min_length: u64,
    pub(super) max_length: Option<u64>,
    pub(super) length_node: u32,
    pub(super) patterns: Vec<Said<(Rc<Pattern>, bool)>>,
    pub(super) arrays: Vec<ArrayPart>,
    pub(super) elements: Vec<(usize, Lit)>,
    pub(super) contains: Vec<Contains>,
    pub(super) min_items: u64,
    pub(super) max_items: Option<u64>,
    pub(super) unique: Option<u32>,
    pub(super) objects: Vec<ObjectPart>,
    pub(super) values_of: Vec<(String, Lit)>,
    pub(super) names_fit: Vec<Said<Lit>>,
    pub(super) required: Vec<String>,
    pub(super) lacks: Vec<String>,
    pub(super) others: Vec<Some1>,
    pub(super) unknown: Vec<Some1>,
    pub(super) min_properties: Said<u64>,
    pub(super) max_properties: Option<Said<u64>>,
    pub(super) choices: Vec<Choice>,
}

impl Shape {
    pub(super) fn new() -> Shape {
        Shape {
            types: ALL_TYPES,
            integer: false,
            fraction: false,
            values: None,
            except: Vec::new(),
            low: None,
            high: None,
            multiples: Vec::new(),
            min_length: 0,
            max_length: None,
            length_node: 0,
            patterns: Vec::new(),
            arrays: Vec::new(),
            elements: Vec::new(),
            contains: Vec::new(),
            min_items: 0,
            max_items: None,
            unique: None,
            objects: Vec::new(),
            values_of: Vec::new(),
            names_fit: Vec::new(),
            required: Vec::new(),
            lacks: Vec::new(),
            others: Vec::new(),
            unknown: Vec::new(),
            min_properties: Said { node: 0, value: 0 },
            max_properties: None,
            choices: Vec::new(),
        }
    }

    /// Schemas of the element at an index.
    pub(super) fn element(&self, index: usize) -> Vec<Lit> {
        let of_parts = self.arrays.iter().filter_map(|part| {
            part.prefix.get(index).copied().or(part.items.filter(|_| index >= part.prefix.len()))
        });
        of_parts.chain(self.elements.iter().filter(|(at, _)| *at == index).map(|(_, lit)| *lit)).collect()
    }

    /// How many elements have schemas of their own.
    pub(super) fn prefix(&self) -> usize {
        let exact = self.elements.iter().map(|(at, _)| at + 1);
        self.arrays.iter().map(|part| part.prefix.len()).chain(exact).max().unwrap_or(0)
    }

    /// Names that `properties` or `required` mention, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut seen = FxSet::default();
        self.objects
            .iter()
            .flat_map(|part| part.properties.iter().map(|(name, _)| name.as_str()))
            .chain(self.required.iter().map(String::as_str))
            .chain(self.values_of.iter().map(|(name, _)| name.as_str()))
            .filter(|name| seen.insert(*name))
            .collect()
    }

    /// Schemas of the property `name`.
    pub(super) fn property(&self, name: &str) -> Vec<Lit> {
        let mut lits = Vec::new();
        for part in &self.objects {
            let mut named = false;
            for (_, lit) in part.properties.iter().filter(|(known, _)| known == name) {
                lits.push(*lit);
                named = true;
            }
            for (_, lit) in part.patterns.iter().filter(|(pattern, _)| pattern.matches(name)) {
                lits.push(*lit);
                named = true;
            }
            if !named {
                lits.extend(part.additional);
            }
        }
        lits.extend(self.values_of.iter().filter(|(known, _)| known == name).map(|(_, lit)| *lit));
        lits
    }

    pub(super) fn is_required(&self, name: &str) -> bool {
        self.required.iter().any(|known| known == name)
    }

    pub(super) fn require(&mut self, name: &str) {
        if !self.is_required(name) {
            self.required.push(name.to_owned());
        }
    }

    pub(super) fn narrow_low(&mut self, end: Bound) {
        self.low = Some(match self.low.take() {
            None => end,
            Some(known) => known.higher(end),
        });
    }

    pub(super) fn narrow_high(&mut self, end: Bound) {
        self.high = Some(match self.high.take() {
            None => end,
            Some(known) => known.lower(end),
        });
    }

    pub(super) fn narrow_length(&mut self, node: u32, min: u64, max: Option<u64>) {
        if min > self.min_length || max.is_some_and(|max| self.max_length.is_none_or(|known| max < known)) {
            self.length_node = node;
        }
        self.min_length = self.min_length.max(min);
        self.max_length = least(self.max_length, max);
    }

    pub(super) fn narrow_items(&mut self, min: u64, max: Option<u64>) {
        self.min_items = self.min_items.max(min);
        self.max_items = least(self.max_items, max);
    }

    pub(super) fn narrow_members(&mut self, node: u32, min: u64, max: Option<u64>) {
        if min > self.min_properties.value {
            self.min_properties = Said { node, value: min };
        }
        if let Some(value) = max
            && self.max_properties.as_ref().is_none_or(|known| value < known.value)
        {
            self.max_properties = Some(Said { node, value });
        }
    }

    pub(super) fn add_pattern(&mut self, node: u32, pattern: Rc<Pattern>, wanted: bool) {
        if !self.patterns.iter().any(|known| known.value.0 == pattern && known.value.1 == wanted) {
            self.patterns.push(Said { node, value: (pattern, wanted) });
        }
    }

    /// Takes a fact in.
    pub(super) fn take(&mut self, node: u32, id: u32, fact: &Fact) {
        match fact {
            Fact::Never => self.types = 0,
            Fact::Types(mask) => self.types &= mask,
            Fact::Fraction => self.fraction = true,
            Fact::Low(end) => self.narrow_low(end.clone()),
            Fact::High(end) => self.narrow_high(end.clone()),
            Fact::Length(min, max) => self.narrow_length(node, *min, *max),
            Fact::Mismatch(pattern) => self.add_pattern(node, pattern.clone(), false),
            Fact::Except(values) => {
                self.except.extend(values.iter().map(|value| Said { node, value: value.clone() }));
            }
            Fact::Items(min, max) => self.narrow_items(*min, *max),
            Fact::Members(min, max) => self.narrow_members(node, *min, *max),
            Fact::Has(name) => self.require(name),
            Fact::Lacks(name) => self.lacks.push(name.clone()),
            Fact::Property(name, lit) => {
                self.require(name);
                self.values_of.push((name.clone(), *lit));
            }
            Fact::Element(at, lit) => {
                self.narrow_items(*at as u64 + 1, None);
                self.elements.push((*at, *lit));
            }
            Fact::Contains(lit, min, max, from) => {
                self.contains.push(Contains { node, lit: *lit, min: *min, max: *max, from: *from });
            }
            Fact::Other { not_named, not_matching, matching, lit } => self.others.push(Some1 {
                node,
                fact: id,
                not_named: not_named.clone(),
                not_matching: not_matching.clone(),
                matching: matching.clone(),
                lit: *lit,
            }),
            Fact::Unknown(some) => self.unknown.push(Some1::clone(some)),
        }
    }
}

fn least(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
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

/// A number that is the same for values that are the [`same`].
pub(super) fn digest(value: &Value) -> u64 {
    let mix = |a: u64, b: u64| (a.rotate_left(23) ^ b).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let bytes = |start: u64, all: &[u8]| all.iter().fold(start, |sum, byte| mix(sum, u64::from(*byte)));
    match value {
        Value::Null => 1,
        Value::Bool(holds) => 2 + u64::from(*holds),
        Value::Number(number) => Decimal::read(number)
            .map_or(4, |number| bytes(bytes(5 + u64::from(number.negative), &number.whole), &number.part)),
        Value::String(text) => bytes(7, text.as_bytes()),
        Value::Array(all) => all.iter().fold(8, |sum, value| mix(sum, digest(value))),
        Value::Object(map) => map
            .iter()
            .fold(9, |sum, (key, value)| sum.wrapping_add(mix(bytes(10, key.as_bytes()), digest(value)))),
    }
}
