//! Keywords to shapes.

use crate::grammar::fx::{FxSet, sort};
use serde_json::{Map, Value};

use super::shape::*;
use super::{Compiler, Content, Draft, Lit, Refusal, Sub, not};

/// Most values of an `enum`.
const MAX_VALUES: usize = 50_000;

/// Keywords that say something that the grammar cannot promise.
const REFUSED: &[&str] = &["$recursiveRef", "extends", "disallow", "divisibleBy"];

const REFERS: u8 = 1;
const LISTS: u8 = 2;
const OF_NUMBERS: u8 = 4;
const OF_STRINGS: u8 = 8;
const OF_ARRAYS: u8 = 16;
const OF_OBJECTS: u8 = 32;
const COMBINES: u8 = 64;

/// The keywords that a keyword is read together with.
fn group(keyword: &str) -> u8 {
    match keyword {
        "$ref" | "$dynamicRef" => REFERS,
        "const" | "enum" => LISTS,
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => OF_NUMBERS,
        "minLength" | "maxLength" | "pattern" | "format" => OF_STRINGS,
        "items" | "prefixItems" | "additionalItems" | "unevaluatedItems" | "minItems" | "maxItems"
        | "uniqueItems" | "contains" | "minContains" | "maxContains" => OF_ARRAYS,
        "properties"
        | "patternProperties"
        | "additionalProperties"
        | "unevaluatedProperties"
        | "required"
        | "minProperties"
        | "maxProperties"
        | "propertyNames" => OF_OBJECTS,
        "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else" | "dependentRequired"
        | "dependentSchemas" | "dependencies" => COMBINES,
        refused if REFUSED.contains(&refused) => REFERS,
        _ => 0,
    }
}

/// What a property asks for where it is there: its name, the keyword that says so, the needs.
pub(super) type Dependent = (String, &'static str, Vec<Needs>);

/// A table of schemas, by name.
pub(super) type Table<'a> = &'a Map<String, Value>;

impl<'a> Compiler<'a, '_> {
    /// All that the schemas of `sub` ask for together.
    pub(super) fn read(&mut self, sub: &Sub) -> Result<Shape, Refusal> {
        let mut shape = Shape::new();
        let mut seen = FxSet::default();
        // Depth first, the path kept, so that a reference that leads back to itself without a value in
        // between is found.
        let mut work: Vec<(Lit, bool)> = sub.lits.iter().rev().map(|&lit| (lit, false)).collect();
        let mut path: Vec<Lit> = Vec::new();
        while let Some((lit, leave)) = work.pop() {
            if leave {
                path.pop();
                continue;
            }
            if path.contains(&lit) {
                return self.refuse(lit / 2, "$ref", "leads back to itself without a value in between");
            }
            if !seen.insert(lit) {
                continue;
            }
            self.step(lit, 1)?;
            path.push(lit);
            work.push((lit, true));
            let more = match self.nodes[lit as usize / 2].content.clone() {
                Content::Fact(fact) => {
                    let settled = matches!(*fact, Fact::Other { .. })
                        && self
                            .choices
                            .get(&(lit, "other".to_owned()))
                            .is_some_and(|c| sub.made.contains(&c.0));
                    if !settled {
                        shape.take(lit / 2, lit, &fact);
                    }
                    Vec::new()
                }
                Content::Schema(Value::Bool(holds)) => {
                    if *holds == (lit % 2 == 1) {
                        shape.types = 0;
                    }
                    Vec::new()
                }
                Content::Schema(Value::Object(map)) if lit % 2 == 0 => {
                    self.keywords(lit, map, sub, &mut shape)?
                }
                Content::Schema(Value::Object(_)) => {
                    let (id, ways) = self.choice(lit, "not", |this| this.negated(lit / 2))?;
                    if !sub.made.contains(&id) {
                        shape.choices.push(Choice { id, node: lit / 2, one: false, ways });
                    }
                    Vec::new()
                }
                Content::Schema(_) => {
                    return self.refuse(lit / 2, "", "a schema is an object, true or false");
                }
            };
            work.extend(more.into_iter().rev().map(|lit| (lit, false)));
            // A choice of one way is none.
            shape.choices.retain(|choice| match choice.ways.as_slice() {
                [only] => {
                    work.extend(only.iter().rev().map(|&lit| (lit, false)));
                    false
                }
                _ => true,
            });
        }
        sort(&mut shape.lacks);
        shape.lacks.dedup();
        Ok(shape)
    }

    /// Takes the keywords of one schema into the shape; gives the schemas that must hold as well.
    fn keywords(
        &mut self,
        lit: Lit,
        map: Table<'a>,
        sub: &Sub,
        shape: &mut Shape,
    ) -> Result<Vec<Lit>, Refusal> {
        let node = lit / 2;
        let mut more = Vec::new();
        // Most schemas have keywords of one group only.
        let groups = map.keys().fold(0, |all, keyword| all | group(keyword));
        for keyword in ["$ref", "$dynamicRef"].into_iter().filter(|_| groups & REFERS != 0) {
            let Some(reference) = map.get(keyword) else { continue };
            let Some(text) = reference.as_str() else { return self.refuse(node, keyword, "is not a string") };
            if keyword == "$dynamicRef" && !self.resources.single() {
                return self.refuse(node, keyword, "is only followed in a document without embedded `$id`");
            }
            more.push(self.resolve(node, keyword, text)?);
            if self.draft == Draft::Seven {
                return Ok(more);
            }
        }
        for &keyword in REFUSED {
            if groups & REFERS != 0 && map.contains_key(keyword) {
                return self.refuse(node, keyword, "is not enforced; leave it out or say it otherwise");
            }
        }
        if let Some(types) = map.get("type") {
            let (mask, integer) = self.types(node, types)?;
            shape.types &= mask;
            shape.integer |= integer;
        }
        for keyword in ["const", "enum"].into_iter().filter(|_| groups & LISTS != 0) {
            let Some(listed) = self.listed(node, keyword, map)? else { continue };
            shape.values = Some(match shape.values.take() {
                None => listed.to_vec(),
                Some(mut known) => {
                    known.retain(|value| self.is_listed(listed, value));
                    known
                }
            });
        }
        if groups & OF_NUMBERS != 0 {
            self.numbers(node, map, shape)?;
        }
        if groups & OF_STRINGS != 0 {
            self.strings(node, map, shape)?;
        }
        if groups & OF_ARRAYS != 0 {
            self.arrays(node, map, shape)?;
        }
        if groups & OF_OBJECTS != 0 {
            self.objects(node, map, shape)?;
        }
        if groups & COMBINES == 0 {
            return Ok(more);
        }
        let mut add = |one: bool, (id, ways): (u32, Vec<Vec<Lit>>)| {
            if !sub.made.contains(&id) {
                shape.choices.push(Choice { id, node, one, ways });
            }
        };
        for (keyword, one) in [("anyOf", false), ("oneOf", true)] {
            if let Some(schemas) = self.list(node, keyword, map)? {
                let made =
                    self.choice(lit, keyword, |_| Ok(schemas.into_iter().map(|s| vec![s]).collect()))?;
                add(one, made);
            }
        }
        more.extend(self.list(node, "allOf", map)?.unwrap_or_default());
        if let Some(schema) = map.get("not") {
            more.push(not(self.child(node, schema, &["not"])));
        }
        if let Some(ways) = self.conditional(node, map) {
            let made = self.choice(lit, "if", |_| Ok(ways))?;
            add(false, made);
        }
        for (name, keyword, ways) in self.dependent(node, map)? {
            let made = self.choice(lit, &format!("{keyword}/{name}"), |this| {
                let lacks = this.fact(node, Fact::Lacks(name.clone()));
                // What is needed is written before what needs it.
                let needs = ways.iter().map(|way| match way {
                    Needs::Property(name) => this.fact(node, Fact::Has(name.clone())),
                    Needs::Schema(lit) => *lit,
                });
                let mut all: Vec<Lit> = needs.collect();
                all.push(this.fact(node, Fact::Has(name.clone())));
                Ok(vec![vec![lacks], all])
            })?;
            add(false, made);
        }
        Ok(more)
    }

    /// The schemas of a keyword that lists some.
    pub(super) fn list(
        &mut self,
        node: u32,
        keyword: &str,
        map: Table<'a>,
    ) -> Result<Option<Vec<Lit>>, Refusal> {
        let Some(value) = map.get(keyword) else { return Ok(None) };
        let Some(all) = value.as_array().filter(|all| !all.is_empty()) else {
            return self.refuse(node, keyword, "is not a list of schemas");
        };
        self.step(node * 2, all.len())?;
        let of = |(i, schema): (usize, &'a Value)| (i.to_string(), schema);
        let all: Vec<(String, &'a Value)> = all.iter().enumerate().map(of).collect();
        Ok(Some(all.into_iter().map(|(i, schema)| self.child(node, schema, &[keyword, &i])).collect()))
    }

    pub(super) fn listed(
        &self,
        node: u32,
        keyword: &str,
        map: Table<'a>,
    ) -> Result<Option<&'a [Value]>, Refusal> {
        match (keyword, map.get(keyword)) {
            (_, None) => Ok(None),
            ("const", Some(value)) => Ok(Some(std::slice::from_ref(value))),
            (_, Some(Value::Array(all))) if all.len() <= MAX_VALUES => Ok(Some(all)),
            (_, Some(Value::Array(_))) => {
                self.refuse(node, keyword, format!("lists more than {MAX_VALUES} values"))
            }
            _ => self.refuse(node, keyword, "is not a list"),
        }
    }

    /// The ways of `if`, `then` and `else`.
    pub(super) fn conditional(&mut self, node: u32, map: Table<'a>) -> Option<Vec<Vec<Lit>>> {
        let (Some(condition), (then, other)) = (map.get("if"), (map.get("then"), map.get("else"))) else {
            return None;
        };
        if then.is_none() && other.is_none() {
            return None;
        }
        let condition = self.child(node, condition, &["if"]);
        let (mut yes, mut no) = (vec![condition], vec![not(condition)]);
        yes.extend(then.map(|schema| self.child(node, schema, &["then"])));
        no.extend(other.map(|schema| self.child(node, schema, &["else"])));
        Some(vec![yes, no])
    }

    /// What properties ask for where they are there: name, keyword, needs.
    pub(super) fn dependent(&mut self, node: u32, map: Table<'a>) -> Result<Vec<Dependent>, Refusal> {
        let mut all = Vec::new();
        for keyword in ["dependentRequired", "dependentSchemas", "dependencies"] {
            if self.draft == Draft::Seven && keyword != "dependencies" {
                continue;
            }
            let Some(table) = self.table(node, keyword, map)? else { continue };
            for (name, value) in table {
                let needs = match value {
                    Value::Array(names) if keyword != "dependentSchemas" => {
                        let names: Option<Vec<Needs>> =
                            names.iter().map(|n| n.as_str().map(|n| Needs::Property(n.to_owned()))).collect();
                        match names {
                            Some(names) => names,
                            None => {
                                return self.refuse(node, keyword, format!("{value} is not a list of names"));
                            }
                        }
                    }
                    Value::String(other) if keyword == "dependencies" => vec![Needs::Property(other.clone())],
                    Value::Object(_) | Value::Bool(_) if keyword != "dependentRequired" => {
                        vec![Needs::Schema(self.child(node, value, &[keyword, name]))]
                    }
                    _ => return self.refuse(node, keyword, format!("{value} is no dependency")),
                };
                if !needs.is_empty() {
                    all.push((name.clone(), keyword, needs));
                }
            }
        }
        Ok(all)
    }

    pub(super) fn table(
        &self,
        node: u32,
        keyword: &str,
        map: Table<'a>,
    ) -> Result<Option<Table<'a>>, Refusal> {
        match map.get(keyword) {
            None => Ok(None),
            Some(Value::Object(table)) => Ok(Some(table)),
            Some(_) => self.refuse(node, keyword, "is not a table"),
        }
    }

    /// The types' bits, and whether numbers must be whole.
    pub(super) fn types(&self, node: u32, types: &Value) -> Result<(u8, bool), Refusal> {
        let names = match types {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        let (mut mask, mut integer, mut number) = (0, false, false);
        for name in names {
            mask |= match name.as_str() {
                Some("null") => NULL,
                Some("boolean") => BOOLEAN,
                Some("integer") => {
                    integer = true;
                    NUMBER
                }
                Some("number") => {
                    number = true;
                    NUMBER
                }
                Some("string") => STRING,
                Some("array") => ARRAY,
                Some("object") => OBJECT,
                Some("any") if self.draft == Draft::Seven => {
                    number = true;
                    ALL_TYPES
                }
                _ => return self.refuse(node, "type", format!("{name} is not a type")),
            };
        }
        Ok((mask, integer && !number))
    }
}

/// What a property asks for where it is there.
pub(super) enum Needs {
    Property(String),
    Schema(Lit),
}
