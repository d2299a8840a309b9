//! Schemas that say the same: read once, wherever they stand.
//!
//! Documents repeat themselves: every `{"type": "string"}` of a document is one schema here, whatever its
//! `description`. What comes of it is smaller grammars and more masks that are known already.

use serde_json::{Map, Value};

use crate::grammar::fx::FxMap;

/// Deeper schemas are not compared.
const DEEP: usize = 200;

/// What the value of a keyword is.
enum Role {
    /// A schema, or a list of schemas.
    Schema,
    /// Schemas by name.
    Table,
    /// Something else.
    Data,
    /// Nothing that a value could break, or reached by references only.
    Remark,
}

fn role(keyword: &str) -> Role {
    match keyword {
        "items"
        | "prefixItems"
        | "additionalItems"
        | "unevaluatedItems"
        | "contains"
        | "additionalProperties"
        | "unevaluatedProperties"
        | "propertyNames"
        | "not"
        | "if"
        | "then"
        | "else"
        | "allOf"
        | "anyOf"
        | "oneOf" => Role::Schema,
        "properties" | "patternProperties" | "dependentSchemas" | "dependencies" => Role::Table,
        "title" | "description" | "$comment" | "default" | "examples" | "readOnly" | "writeOnly"
        | "deprecated" | "$defs" | "definitions" => Role::Remark,
        _ => Role::Data,
    }
}

fn is_remark(keyword: &str) -> bool {
    matches!(role(keyword), Role::Remark)
}

/// What is known of the schemas of a document: a digest and a number of each.
#[derive(Default)]
pub(super) struct Schemas {
    known: FxMap<*const Value, (u32, u32)>,
}

/// In place of the number of a schema that has none.
const NONE: u32 = u32::MAX;

impl Schemas {
    /// The number that was given to a schema.
    pub(super) fn number(&self, schema: &Value) -> Option<u32> {
        self.known.get(&(schema as *const Value)).map(|known| known.1).filter(|number| *number != NONE)
    }

    /// Gives a number to a schema.
    pub(super) fn set_number(&mut self, schema: &Value, number: u32) {
        self.known.or_insert_with(schema, || (0, NONE)).1 = number;
    }

    /// A number that is the same for schemas that say the same (and seldom for others); `None` for what nests too
    /// deep.
    pub(super) fn digest(&mut self, schema: &Value) -> Option<u32> {
        self.schema(schema, 0).map(|sum| sum as u32)
    }

    fn schema(&mut self, schema: &Value, depth: usize) -> Option<u64> {
        if depth > DEEP {
            return None;
        }
        match schema {
            Value::Object(map) => {
                if let Some(&(digest, _)) = self.known.get(&(schema as *const Value)) {
                    // A schema that nests too deep has a number only.
                    return (digest != 0).then_some(u64::from(digest));
                }
                let mut sum = 1;
                for (keyword, value) in map {
                    let inner = match role(keyword) {
                        Role::Remark => continue,
                        Role::Schema => self.schema(value, depth + 1)?,
                        Role::Table => match value {
                            Value::Object(table) => {
                                let mut sum = 2;
                                for (name, inner) in table {
                                    sum =
                                        mix(mix(sum, bytes(name.as_bytes())), self.schema(inner, depth + 1)?);
                                }
                                sum
                            }
                            other => data(other, depth)?,
                        },
                        Role::Data => data(value, depth)?,
                    };
                    sum = mix(mix(sum, bytes(keyword.as_bytes())), inner);
                }
                let digest = ((sum >> 32) as u32).max(1);
                self.known.insert(schema, (digest, NONE));
                Some(u64::from(digest))
            }
            Value::Array(all) => {
                let mut sum = 3;
                for inner in all {
                    sum = mix(sum, self.schema(inner, depth + 1)?);
                }
                Some(sum)
            }
            other => data(other, depth),
        }
    }
}

fn mix(a: u64, b: u64) -> u64 {
    (a.rotate_left(23) ^ b).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn bytes(all: &[u8]) -> u64 {
    let (words, rest) = all.as_chunks::<8>();
    let sum = words.iter().fold(all.len() as u64, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)))
}

fn data(value: &Value, depth: usize) -> Option<u64> {
    if depth > DEEP {
        return None;
    }
    Some(match value {
        Value::Null => 4,
        Value::Bool(holds) => 5 + u64::from(*holds),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => mix(7, whole as u64),
            (None, float) => mix(8, float.map_or(0, f64::to_bits)),
        },
        Value::String(text) => mix(9, bytes(text.as_bytes())),
        Value::Array(all) => {
            let mut sum = 10;
            for value in all {
                sum = mix(sum, data(value, depth + 1)?);
            }
            sum
        }
        Value::Object(map) => {
            let mut sum = 11;
            for (key, value) in map {
                sum = mix(mix(sum, bytes(key.as_bytes())), data(value, depth + 1)?);
            }
            sum
        }
    })
}

/// Whether two schemas of one document say the same, their keywords and properties in the same order.
pub(super) fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let counts = |map: &Map<String, Value>| map.keys().filter(|k| !is_remark(k)).count();
            let (left, right) = (a.iter().filter(|e| !is_remark(e.0)), b.iter().filter(|e| !is_remark(e.0)));
            counts(a) == counts(b)
                && left.zip(right).all(|((keyword, a), (other, b))| {
                    keyword == other
                        && match (role(keyword), a, b) {
                            (Role::Schema, a, b) => alike(a, b),
                            (Role::Table, Value::Object(a), Value::Object(b)) => {
                                a.len() == b.len()
                                    && a.iter()
                                        .zip(b)
                                        .all(|((name, a), (other, b))| name == other && alike(a, b))
                            }
                            (_, a, b) => exact(a, b),
                        }
                })
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (a, b) => exact(a, b),
    }
}

/// Whether two values are the same to the order of their keys.
fn exact(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((key, a), (other, b))| key == other && exact(a, b))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| exact(a, b)),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::{Schemas, alike};
    use serde_json::json;

    #[test]
    fn schemas_are_alike_but_for_remarks() {
        let same = [
            (json!({"type": "string", "description": "a"}), json!({"description": "b", "type": "string"})),
            (
                json!({"properties": {"title": {"type": "null", "title": "x"}}}),
                json!({"properties": {"title": {"type": "null"}}, "$defs": {"a": true}}),
            ),
        ];
        for (a, b) in &same {
            assert!(alike(a, b), "{a} {b}");
            assert_eq!(Schemas::default().digest(a), Schemas::default().digest(b));
        }
        let other = [
            (json!({"properties": {"title": {}}}), json!({"properties": {"description": {}}})),
            (json!({"properties": {"a": {}, "b": {}}}), json!({"properties": {"b": {}, "a": {}}})),
            (json!({"const": {"title": 1}}), json!({"const": {"title": 2}})),
            (json!({"enum": [1]}), json!({"enum": ["1"]})),
            (json!({"anyOf": [true, false]}), json!({"anyOf": [false, true]})),
        ];
        for (a, b) in &other {
            assert!(!alike(a, b), "{a} {b}");
            assert_ne!(Schemas::default().digest(a), Schemas::default().digest(b));
        }
    }
}
