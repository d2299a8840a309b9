//! Keywords that speak of one type: numbers, strings, arrays, objects.

use std::rc::Rc;

use serde_json::Value;

use super::decimal::{Bound, Decimal};
use super::format::{self, Format};
use super::pattern::Pattern;
use super::read::Table;
use super::shape::*;
use super::{Compiler, Draft, Lit, Refusal};

impl<'a> Compiler<'a, '_> {
    fn decimal(&self, node: u32, keyword: &str, map: Table<'a>) -> Result<Option<Decimal>, Refusal> {
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
    pub(super) fn ends(&self, node: u32, map: Table<'a>) -> Result<Vec<(bool, Bound)>, Refusal> {
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

    pub(super) fn numbers(&mut self, node: u32, map: Table<'a>, shape: &mut Shape) -> Result<(), Refusal> {
        for (upper, end) in self.ends(node, map)? {
            if upper { shape.narrow_high(end) } else { shape.narrow_low(end) }
        }
        if let Some(value) = self.decimal(node, "multipleOf", map)? {
            shape.multiples.push(Said { node, value });
        }
        Ok(())
    }

    pub(super) fn count(&self, node: u32, map: Table<'a>, keyword: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = map.get(keyword) else { return Ok(None) };
        let whole = value.as_f64().filter(|f| f.fract() == 0.0 && *f >= 0.0).map(|f| f as u64);
        match value.as_u64().or(whole) {
            Some(count) => Ok(Some(count)),
            None => self.refuse(node, keyword, format!("{value} is not a count")),
        }
    }

    pub(super) fn strings(&mut self, node: u32, map: Table<'a>, shape: &mut Shape) -> Result<(), Refusal> {
        let (min, max) = (self.count(node, map, "minLength")?, self.count(node, map, "maxLength")?);
        shape.narrow_length(node, min.unwrap_or(0), max);
        if let Some(value) = map.get("pattern") {
            let Some(text) = value.as_str() else { return self.refuse(node, "pattern", "is not a string") };
            let pattern = self.pattern(node, "pattern", text)?;
            shape.add_pattern(node, pattern, true);
        }
        if let Some(name) = map.get("format").and_then(Value::as_str) {
            if name == "regex" {
                return self.refuse(
                    node,
                    "format",
                    "`regex` has a meaning that is not enforced; leave it out",
                );
            }
            if let Some(pattern) = self.format(node, name) {
                shape.add_pattern(node, pattern, true);
            }
        }
        Ok(())
    }

    /// The pattern of a format; none, and a warning, for those that are annotations.
    pub(super) fn format(&mut self, node: u32, name: &str) -> Option<Rc<Pattern>> {
        let known = self.formats.or_insert_with(name.to_owned(), || match format::find(name) {
            Format::Enforced(pattern) => Some(Rc::new(pattern)),
            Format::Remark => None,
        });
        let known = known.clone();
        if known.is_none() && self.remarked.insert(node) {
            let place = self.places.get(node);
            self.warnings.push(format!("`{place}`: format `{name}` is taken as a remark, not enforced"));
        }
        known
    }

    pub(super) fn arrays(&mut self, node: u32, map: Table<'a>, shape: &mut Shape) -> Result<(), Refusal> {
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
    ) -> Result<Option<(Lit, u64, Option<u64>)>, Refusal> {
        let Some(schema) = map.get("contains") else { return Ok(None) };
        let (mut min, mut max) = (1, None);
        if self.draft == Draft::Modern {
            min = self.count(node, map, "minContains")?.unwrap_or(1);
            max = self.count(node, map, "maxContains")?;
        }
        let lit = self.child(node, schema, &["contains"]);
        Ok((min > 0 || max.is_some()).then_some((lit, min, max)))
    }

    pub(super) fn array_part(&mut self, node: u32, map: Table<'a>) -> Result<ArrayPart, Refusal> {
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
    ) -> Result<Option<(&'static str, &'a Value)>, Refusal> {
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
    pub(super) fn required(&self, node: u32, map: Table<'a>) -> Result<Vec<String>, Refusal> {
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

    pub(super) fn objects(&mut self, node: u32, map: Table<'a>, shape: &mut Shape) -> Result<(), Refusal> {
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

    pub(super) fn object_part(&mut self, node: u32, map: Table<'a>) -> Result<ObjectPart, Refusal> {
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
