//! Keywords to shapes.

use std::collections::HashSet;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::format::{self, Format};
use super::number::{Bound, Decimal};
use super::pattern::Pattern;
use super::shape::*;
use super::{Compiler, Content, Draft, Lit, Sub, not};
use crate::grammar::GrammarError;

/// Keywords that say something that the grammar cannot promise.
const REFUSED: &[&str] = &["$recursiveRef", "extends", "disallow", "divisibleBy"];

/// What a property asks for where it is there: its name, the keyword that says so, the needs.
pub(super) type Dependent = (String, &'static str, Vec<Needs>);

/// A table of schemas, by name.
pub(super) type Table<'a> = &'a Map<String, Value>;

impl<'a> Compiler<'a, '_> {
    /// All that the schemas of `sub` ask for together.
    pub(super) fn read(&mut self, sub: &Sub) -> Result<Shape, GrammarError> {
        let mut shape = Shape::new();
        let mut seen = HashSet::new();
        // Depth first, the path kept, so that a reference that leads back to itself without a value in
        // between is found.
        let mut work: Vec<(Lit, bool)> = sub.lits.iter().rev().map(|&lit| (lit, false)).collect();
        let mut path = HashSet::new();
        while let Some((lit, leave)) = work.pop() {
            if leave {
                path.remove(&lit);
                continue;
            }
            if path.contains(&lit) {
                return self.refuse(lit / 2, "$ref", "leads back to itself without a value in between");
            }
            if !seen.insert(lit) {
                continue;
            }
            self.step(1)?;
            path.insert(lit);
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
        shape.lacks.sort();
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
    ) -> Result<Vec<Lit>, GrammarError> {
        let node = lit / 2;
        let mut more = Vec::new();
        for keyword in ["$ref", "$dynamicRef"] {
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
            if map.contains_key(keyword) {
                return self.refuse(node, keyword, "is not enforced; leave it out or say it otherwise");
            }
        }
        if let Some(types) = map.get("type") {
            let (mask, integer) = self.types(node, types)?;
            shape.types &= mask;
            shape.integer |= integer;
        }
        for keyword in ["const", "enum"] {
            let Some(listed) = self.listed(node, keyword, map)? else { continue };
            shape.values = Some(match shape.values.take() {
                None => listed.to_vec(),
                Some(known) => known.into_iter().filter(|v| listed.iter().any(|l| same(l, v))).collect(),
            });
        }
        self.numbers(node, map, shape)?;
        self.strings(node, map, shape)?;
        self.arrays(node, map, shape)?;
        self.objects(node, map, shape)?;
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
    ) -> Result<Option<Vec<Lit>>, GrammarError> {
        let Some(value) = map.get(keyword) else { return Ok(None) };
        let Some(all) = value.as_array().filter(|all| !all.is_empty()) else {
            return self.refuse(node, keyword, "is not a list of schemas");
        };
        self.step(all.len())?;
        let of = |(i, schema): (usize, &'a Value)| (i.to_string(), schema);
        let all: Vec<(String, &'a Value)> = all.iter().enumerate().map(of).collect();
        Ok(Some(all.into_iter().map(|(i, schema)| self.child(node, schema, &[keyword, &i])).collect()))
    }

    pub(super) fn listed(
        &self,
        node: u32,
        keyword: &str,
        map: Table<'a>,
    ) -> Result<Option<&'a [Value]>, GrammarError> {
        match (keyword, map.get(keyword)) {
            (_, None) => Ok(None),
            ("const", Some(value)) => Ok(Some(std::slice::from_ref(value))),
            (_, Some(Value::Array(all))) => Ok(Some(all)),
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
    pub(super) fn dependent(&mut self, node: u32, map: Table<'a>) -> Result<Vec<Dependent>, GrammarError> {
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
    ) -> Result<Option<Table<'a>>, GrammarError> {
        match map.get(keyword) {
            None => Ok(None),
            Some(Value::Object(table)) => Ok(Some(table)),
            Some(_) => self.refuse(node, keyword, "is not a table"),
        }
    }

    /// The types' bits, and whether numbers must be whole.
    pub(super) fn types(&self, node: u32, types: &Value) -> Result<(u8, bool), GrammarError> {
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

    fn decimal(&self, node: u32, keyword: &str, map: Table<'a>) -> Result<Option<Decimal>, GrammarError> {
        match map.get(keyword) {
            None => Ok(None),
            Some(Value::Number(number)) => match Decimal::read(number) {
                Some(at) => Ok(Some(at)),
                None => self.refuse(node, keyword, format!("{number} is too large or too fine")),
            },
            Some(other) => self.refuse(node, keyword, format!("{other} is not a number")),
        }
    }

    /// The ends of numbers: whether it is the upper one, and the end.
    pub(super) fn ends(&self, node: u32, map: Table<'a>) -> Result<Vec<(bool, Bound)>, GrammarError> {
        let mut ends = Vec::new();
        for (keyword, exclusive, upper) in
            [("minimum", "exclusiveMinimum", false), ("maximum", "exclusiveMaximum", true)]
        {
            // In draft 4 the exclusive keyword is a flag of the other.
            let flag = map.get(exclusive).and_then(Value::as_bool);
            if let Some(at) = self.decimal(node, keyword, map)? {
                ends.push((upper, Bound { at, inclusive: flag != Some(true) }));
            }
            if flag.is_none()
                && let Some(at) = self.decimal(node, exclusive, map)?
            {
                ends.push((upper, Bound { at, inclusive: false }));
            }
        }
        Ok(ends)
    }

    fn numbers(&mut self, node: u32, map: Table<'a>, shape: &mut Shape) -> Result<(), GrammarError> {
        for (upper, end) in self.ends(node, map)? {
            if upper { shape.narrow_high(end) } else { shape.narrow_low(end) }
        }
        if let Some(value) = self.decimal(node, "multipleOf", map)? {
            shape.multiples.push(Said { node, value });
        }
        Ok(())
    }

    pub(super) fn count(
        &self,
        node: u32,
        map: Table<'a>,
        keyword: &str,
    ) -> Result<Option<u64>, GrammarError> {
        let Some(value) = map.get(keyword) else { return Ok(None) };
        let whole = value.as_f64().filter(|f| f.fract() == 0.0 && *f >= 0.0).map(|f| f as u64);
        match value.as_u64().or(whole) {
            Some(count) => Ok(Some(count)),
            None => self.refuse(node, keyword, format!("{value} is not a count")),
        }
    }

    fn strings(&mut self, node: u32, map: Table<'a>, shape: &mut Shape) -> Result<(), GrammarError> {
        let (min, max) = (self.count(node, map, "minLength")?, self.count(node, map, "maxLength")?);
        shape.narrow_length(node, min.unwrap_or(0), max);
        if let Some(value) = map.get("pattern") {
            let Some(text) = value.as_str() else { return self.refuse(node, "pattern", "is not a string") };
            let pattern = self.pattern(node, "pattern", text)?;
            shape.add_pattern(node, pattern, true);
        }
        if let Some(name) = map.get("format").and_then(Value::as_str) {
            for pattern in self.format(node, name) {
                shape.add_pattern(node, pattern, true);
            }
        }
        Ok(())
    }

    /// The patterns of a format; none, and a warning, for those that are annotations.
    pub(super) fn format(&mut self, node: u32, name: &str) -> Vec<Rc<Pattern>> {
        match format::find(name) {
            Format::Enforced(patterns) => patterns.iter().map(|pattern| Rc::new(pattern.clone())).collect(),
            Format::Remark => {
                let place = &self.nodes[node as usize].pointer;
                self.warnings.push(format!("`{place}`: format `{name}` is taken as a remark, not enforced"));
                Vec::new()
            }
        }
    }

    fn arrays(&mut self, node: u32, map: Table<'a>, shape: &mut Shape) -> Result<(), GrammarError> {
        let (min, max) = (self.count(node, map, "minItems")?, self.count(node, map, "maxItems")?);
        shape.narrow_items(min.unwrap_or(0), max);
        match map.get("uniqueItems") {
            None | Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => shape.unique = Some(node),
            Some(_) => return self.refuse(node, "uniqueItems", "is neither true nor false"),
        }
        let part = self.array_part(node, map)?;
        if !part.prefix.is_empty() || part.items.is_some() {
            shape.arrays.push(part);
        }
        if let Some((lit, min, max)) = self.contains(node, map)? {
            shape.contains.push(Contains { node, lit, min, max, from: 0 });
        }
        Ok(())
    }

    /// `contains` with its bounds.
    pub(super) fn contains(
        &mut self,
        node: u32,
        map: Table<'a>,
    ) -> Result<Option<(Lit, u64, Option<u64>)>, GrammarError> {
        let Some(schema) = map.get("contains") else { return Ok(None) };
        let (mut min, mut max) = (1, None);
        if self.draft == Draft::Modern {
            min = self.count(node, map, "minContains")?.unwrap_or(1);
            max = self.count(node, map, "maxContains")?;
        }
        let lit = self.child(node, schema, &["contains"]);
        Ok((min > 0 || max.is_some()).then_some((lit, min, max)))
    }

    pub(super) fn array_part(&mut self, node: u32, map: Table<'a>) -> Result<ArrayPart, GrammarError> {
        let (prefix, rest) = match (map.get("items"), map.get("prefixItems")) {
            (Some(Value::Array(all)), None) => {
                (Some(("items", all)), map.get("additionalItems").map(|v| ("additionalItems", v)))
            }
            (items, Some(Value::Array(all))) if self.draft == Draft::Modern => {
                (Some(("prefixItems", all)), items.map(|v| ("items", v)))
            }
            (items, prefix) => {
                if prefix.is_some_and(|p| !p.is_array()) && self.draft == Draft::Modern {
                    return self.refuse(node, "prefixItems", "is not a list of schemas");
                }
                (None, items.map(|v| ("items", v)))
            }
        };
        let rest = self.unevaluated(node, "unevaluatedItems", map, rest)?;
        let mut list = Vec::new();
        if let Some((keyword, all)) = prefix {
            for (i, schema) in all.iter().enumerate() {
                list.push(self.child(node, schema, &[keyword, &i.to_string()]));
            }
        }
        let items = rest.map(|(keyword, schema)| self.child(node, schema, &[keyword]));
        Ok(ArrayPart { prefix: list, items })
    }

    /// `unevaluated…` where only the schema's own keywords can have evaluated anything: as the rest.
    fn unevaluated(
        &self,
        node: u32,
        keyword: &'static str,
        map: Table<'a>,
        rest: Option<(&'static str, &'a Value)>,
    ) -> Result<Option<(&'static str, &'a Value)>, GrammarError> {
        let Some(schema) = map.get(keyword).filter(|_| self.draft == Draft::Modern) else { return Ok(rest) };
        if rest.is_some() || *schema == Value::Bool(true) {
            return Ok(rest);
        }
        let others =
            ["$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "not", "contains"];
        match others.iter().find(|other| map.contains_key(**other)) {
            Some(other) => self.refuse(node, keyword, format!("is not enforced beside `{other}`")),
            None => Ok(Some((keyword, schema))),
        }
    }

    /// The names of `required`.
    pub(super) fn required(&self, node: u32, map: Table<'a>) -> Result<Vec<String>, GrammarError> {
        match map.get("required") {
            None => Ok(Vec::new()),
            // Draft 3 wrote it into the property.
            Some(Value::Bool(_)) if self.draft == Draft::Seven => Ok(Vec::new()),
            Some(Value::Array(names)) => {
                let all: Option<Vec<String>> = names.iter().map(|n| n.as_str().map(str::to_owned)).collect();
                match all {
                    Some(all) => Ok(all),
                    None => self.refuse(node, "required", "holds something that is not a name"),
                }
            }
            Some(_) => self.refuse(node, "required", "is not a list of names"),
        }
    }

    fn objects(&mut self, node: u32, map: Table<'a>, shape: &mut Shape) -> Result<(), GrammarError> {
        for name in self.required(node, map)? {
            shape.require(&name);
        }
        let (min, max) = (self.count(node, map, "minProperties")?, self.count(node, map, "maxProperties")?);
        shape.narrow_members(node, min.unwrap_or(0), max);
        let part = self.object_part(node, map)?;
        if !part.properties.is_empty() || !part.patterns.is_empty() || part.additional.is_some() {
            shape.objects.push(part);
        }
        if let Some(schema) = map.get("propertyNames") {
            let value = self.child(node, schema, &["propertyNames"]);
            shape.names_fit.push(Said { node, value });
        }
        Ok(())
    }

    pub(super) fn object_part(&mut self, node: u32, map: Table<'a>) -> Result<ObjectPart, GrammarError> {
        let mut part = ObjectPart { node, properties: Vec::new(), patterns: Vec::new(), additional: None };
        if let Some(table) = self.table(node, "properties", map)? {
            for (name, schema) in table {
                let lit = self.child(node, schema, &["properties", name]);
                part.properties.push((name.clone(), lit));
            }
        }
        if let Some(table) = self.table(node, "patternProperties", map)? {
            for (name, schema) in table {
                let lit = self.child(node, schema, &["patternProperties", name]);
                let pattern = self.pattern(node, "patternProperties", name)?;
                part.patterns.push((pattern, lit));
            }
        }
        let rest = map.get("additionalProperties").map(|v| ("additionalProperties", v));
        if let Some((keyword, schema)) = self.unevaluated(node, "unevaluatedProperties", map, rest)? {
            part.additional = Some(self.child(node, schema, &[keyword]));
        }
        Ok(part)
    }
}

/// What a property asks for where it is there.
pub(super) enum Needs {
    Property(String),
    Schema(Lit),
}
