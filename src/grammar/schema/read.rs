//! Keywords to shapes.

use serde_json::{Map, Value};

use super::number::{Bound, Decimal};
use super::shape::*;
use super::{Compiler, Draft, MAX_WORK, Sub, pattern};
use crate::grammar::GrammarError;

/// Keywords that say something that the grammar cannot promise; trivial values of some are let pass.
const REFUSED: &[&str] = &[
    "not",
    "if",
    "contains",
    "propertyNames",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedItems",
    "unevaluatedProperties",
    "$dynamicRef",
    "$recursiveRef",
    "extends",
    "disallow",
    "divisibleBy",
];

impl<'a> Compiler<'a> {
    /// All that the schemas of `sub` ask for together.
    pub(super) fn read(&mut self, sub: &Sub) -> Result<Shape, GrammarError> {
        let mut shape = Shape::new();
        let mut seen = std::collections::HashSet::new();
        // Depth first, the path kept, so that a reference that leads back to itself without a value in
        // between is found.
        let mut work: Vec<(u32, bool)> = sub.nodes.iter().rev().map(|&node| (node, false)).collect();
        let mut path = std::collections::HashSet::new();
        while let Some((node, leave)) = work.pop() {
            if leave {
                path.remove(&node);
                continue;
            }
            if path.contains(&node) {
                return self.refuse(node, "$ref", "leads back to itself without a value in between");
            }
            if !seen.insert(node) {
                continue;
            }
            self.work += 1;
            if self.work > MAX_WORK {
                return Err(GrammarError::TooLarge { what: "work to read the schema", limit: MAX_WORK });
            }
            path.insert(node);
            work.push((node, true));
            match self.nodes[node as usize].0 {
                Value::Bool(true) => {}
                Value::Bool(false) => shape.types = 0,
                Value::Object(map) => {
                    let more = self.keywords(node, map, sub, &mut shape)?;
                    work.extend(more.into_iter().rev().map(|node| (node, false)));
                }
                _ => return self.refuse(node, "", "a schema is an object, true or false"),
            }
        }
        if let Some(values) = shape.values.take() {
            let mut kept = Vec::new();
            for value in values {
                if self.fits_shape(&shape, &value)? {
                    kept.push(value);
                }
            }
            shape.values = Some(kept);
        }
        Ok(shape)
    }

    /// Takes the keywords of one schema into the shape; gives the schemas that must hold as well.
    fn keywords(
        &mut self,
        node: u32,
        map: &'a Map<String, Value>,
        sub: &Sub,
        shape: &mut Shape,
    ) -> Result<Vec<u32>, GrammarError> {
        let mut more = Vec::new();
        if let Some(reference) = map.get("$ref") {
            let Some(text) = reference.as_str() else { return self.refuse(node, "$ref", "is not a string") };
            more.push(self.resolve(node, text)?);
            if self.draft == Draft::Seven {
                return Ok(more);
            }
        }
        for &keyword in REFUSED {
            let Some(value) = map.get(keyword) else { continue };
            let trivial = match keyword {
                "not" => *value == Value::Bool(false),
                "if" => map.get("then").is_none() && map.get("else").is_none(),
                "propertyNames" | "unevaluatedItems" | "unevaluatedProperties" => {
                    *value == Value::Bool(true) || value.as_object().is_some_and(Map::is_empty)
                }
                "dependencies" | "dependentRequired" | "dependentSchemas" => {
                    value.as_object().is_some_and(Map::is_empty)
                }
                _ => false,
            };
            if !trivial {
                return self.refuse(
                    node,
                    keyword,
                    "cannot be enforced yet; leave it out or say it otherwise",
                );
            }
        }
        if let Some(types) = map.get("type") {
            self.types(node, types, shape)?;
        }
        for keyword in ["const", "enum"] {
            let Some(value) = map.get(keyword) else { continue };
            let listed = match (keyword, value) {
                ("const", value) => std::slice::from_ref(value),
                (_, Value::Array(all)) => all.as_slice(),
                _ => return self.refuse(node, keyword, "is not a list"),
            };
            shape.values = Some(match shape.values.take() {
                None => listed.to_vec(),
                Some(known) => known.into_iter().filter(|v| listed.iter().any(|l| same(l, v))).collect(),
            });
        }
        self.numbers(node, map, shape)?;
        self.strings(node, map, shape)?;
        self.arrays(node, map, shape)?;
        self.objects(node, map, shape)?;
        for (keyword, one) in [("anyOf", false), ("oneOf", true), ("allOf", false)] {
            let Some(value) = map.get(keyword) else { continue };
            let Some(all) = value.as_array().filter(|all| !all.is_empty()) else {
                return self.refuse(node, keyword, "is not a list of schemas");
            };
            let branches: Vec<u32> = all
                .iter()
                .enumerate()
                .map(|(i, schema)| self.child(node, schema, &[keyword, &i.to_string()]))
                .collect();
            if keyword == "allOf" {
                more.extend(branches);
            } else if !sub.made.contains(&(node, one)) {
                shape.choices.push(Choice { node, one, branches });
            }
        }
        Ok(more)
    }

    fn types(&mut self, node: u32, types: &Value, shape: &mut Shape) -> Result<(), GrammarError> {
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
                _ => return self.refuse(node, "type", format!("{name} is not a type")),
            };
        }
        shape.types &= mask;
        shape.integer |= integer && !number;
        Ok(())
    }

    fn numbers(
        &mut self,
        node: u32,
        map: &Map<String, Value>,
        shape: &mut Shape,
    ) -> Result<(), GrammarError> {
        let read = |this: &Self, keyword: &str| -> Result<Option<Decimal>, GrammarError> {
            match map.get(keyword) {
                None => Ok(None),
                Some(Value::Number(number)) => match Decimal::read(number) {
                    Some(at) => Ok(Some(at)),
                    None => this.refuse(node, keyword, format!("{number} is too large or too fine")),
                },
                Some(other) => this.refuse(node, keyword, format!("{other} is not a number")),
            }
        };
        for (keyword, exclusive, upper) in
            [("minimum", "exclusiveMinimum", false), ("maximum", "exclusiveMaximum", true)]
        {
            // In draft 4 the exclusive keyword is a flag of the other.
            let flag = map.get(exclusive).and_then(Value::as_bool);
            let mut ends = Vec::new();
            if let Some(at) = read(self, keyword)? {
                ends.push(Bound { at, inclusive: flag != Some(true) });
            }
            if flag.is_none()
                && let Some(at) = read(self, exclusive)?
            {
                ends.push(Bound { at, inclusive: false });
            }
            for end in ends {
                let slot = if upper { &mut shape.high } else { &mut shape.low };
                *slot = Some(match slot.take() {
                    None => end,
                    Some(known) if upper => known.lower(end),
                    Some(known) => known.higher(end),
                });
            }
        }
        if let Some(value) = read(self, "multipleOf")? {
            shape.multiples.push(Said { node, value });
        }
        Ok(())
    }

    fn count(&self, node: u32, map: &Map<String, Value>, keyword: &str) -> Result<Option<u64>, GrammarError> {
        match map.get(keyword) {
            None => Ok(None),
            Some(value) => match value
                .as_u64()
                .or(value.as_f64().filter(|f| f.fract() == 0.0 && *f >= 0.0).map(|f| f as u64))
            {
                Some(count) => Ok(Some(count)),
                None => self.refuse(node, keyword, format!("{value} is not a count")),
            },
        }
    }

    fn strings(
        &mut self,
        node: u32,
        map: &Map<String, Value>,
        shape: &mut Shape,
    ) -> Result<(), GrammarError> {
        if let Some(min) = self.count(node, map, "minLength")?
            && min > shape.min_length
        {
            shape.min_length = min;
            shape.length_node = node;
        }
        if let Some(value) = self.count(node, map, "maxLength")?
            && shape.max_length.as_ref().is_none_or(|known| value < known.value)
        {
            shape.max_length = Some(Said { node, value });
        }
        if let Some(value) = map.get("pattern") {
            let Some(text) = value.as_str() else { return self.refuse(node, "pattern", "is not a string") };
            match pattern::parse(text) {
                Ok(value) if shape.patterns.iter().any(|known| known.value == value) => {}
                Ok(value) => shape.patterns.push(Said { node, value }),
                Err(what) => return self.refuse(node, "pattern", what),
            }
        }
        if let Some(format) = map.get("format").and_then(Value::as_str) {
            let place = self.nodes[node as usize].1.clone();
            self.warnings.push(format!("`{place}`: format `{format}` is taken as a remark, not enforced"));
        }
        Ok(())
    }

    fn arrays(
        &mut self,
        node: u32,
        map: &'a Map<String, Value>,
        shape: &mut Shape,
    ) -> Result<(), GrammarError> {
        if let Some(min) = self.count(node, map, "minItems")? {
            shape.min_items = shape.min_items.max(min);
        }
        if let Some(max) = self.count(node, map, "maxItems")? {
            shape.max_items = Some(shape.max_items.map_or(max, |known| known.min(max)));
        }
        match map.get("uniqueItems") {
            None | Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => shape.unique = Some(node),
            Some(_) => return self.refuse(node, "uniqueItems", "is neither true nor false"),
        }
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
        if prefix.is_some() || rest.is_some() {
            let mut list = Vec::new();
            if let Some((keyword, all)) = prefix {
                for (i, schema) in all.iter().enumerate() {
                    list.push(self.child(node, schema, &[keyword, &i.to_string()]));
                }
            }
            let items = rest.map(|(keyword, schema)| self.child(node, schema, &[keyword]));
            shape.arrays.push(ArrayPart { prefix: list, items });
        }
        Ok(())
    }

    fn objects(
        &mut self,
        node: u32,
        map: &'a Map<String, Value>,
        shape: &mut Shape,
    ) -> Result<(), GrammarError> {
        match map.get("required") {
            None | Some(Value::Bool(_)) if map.get("required").is_none_or(|_| self.draft == Draft::Seven) => {
            }
            Some(Value::Array(names)) => {
                for name in names {
                    let Some(name) = name.as_str() else {
                        return self.refuse(node, "required", format!("{name} is not a name"));
                    };
                    if !shape.required.iter().any(|known| known == name) {
                        shape.required.push(name.to_owned());
                    }
                }
            }
            _ => return self.refuse(node, "required", "is not a list of names"),
        }
        if let Some(value) = self.count(node, map, "minProperties")?
            && value > shape.min_properties.value
        {
            shape.min_properties = Said { node, value };
        }
        if let Some(value) = self.count(node, map, "maxProperties")?
            && shape.max_properties.as_ref().is_none_or(|known| value < known.value)
        {
            shape.max_properties = Some(Said { node, value });
        }
        let mut part = ObjectPart { node, properties: Vec::new(), patterns: Vec::new(), additional: None };
        let table = |this: &Self, keyword: &str| match map.get(keyword) {
            None => Ok(None),
            Some(Value::Object(table)) => Ok(Some(table)),
            Some(_) => this.refuse(node, keyword, "is not a table of schemas"),
        };
        if let Some(table) = table(self, "properties")? {
            for (name, schema) in table {
                let id = self.child(node, schema, &["properties", name]);
                part.properties.push((name.clone(), id));
            }
        }
        if let Some(table) = table(self, "patternProperties")? {
            for (name, schema) in table {
                let id = self.child(node, schema, &["patternProperties", name]);
                match pattern::parse(name) {
                    Ok(regex) => part.patterns.push((regex, id)),
                    Err(what) => return self.refuse(node, "patternProperties", what),
                }
            }
        }
        if let Some(schema) = map.get("additionalProperties") {
            part.additional = Some(self.child(node, schema, &["additionalProperties"]));
        }
        if !part.properties.is_empty() || !part.patterns.is_empty() || part.additional.is_some() {
            shape.objects.push(part);
        }
        Ok(())
    }

    fn resolve(&mut self, node: u32, text: &str) -> Result<u32, GrammarError> {
        if let Some(id) = &self.embedded {
            let what = format!("with an embedded `$id` ({id}) it is not clear what `{text}` refers to");
            return self.refuse(node, "$ref", what);
        }
        let root = self.root;
        let own = root.get("$id").and_then(Value::as_str).map(|id| id.trim_end_matches('#'));
        let fragment = match text.split_once('#') {
            Some((before, fragment)) if before.is_empty() || Some(before) == own => fragment,
            None if Some(text) == own => "",
            _ => return self.refuse(node, "$ref", format!("`{text}` is not in this document")),
        };
        let Some(fragment) = decode_percent(fragment) else {
            return self.refuse(node, "$ref", format!("`{text}` is not a reference"));
        };
        if !fragment.is_empty() && !fragment.starts_with('/') {
            let Some(found) = find_anchor(root, &fragment) else {
                return self.refuse(node, "$ref", format!("there is no anchor `{fragment}`"));
            };
            return Ok(self.node(found, format!("#{fragment}")));
        }
        match root.pointer(&fragment) {
            Some(found) => Ok(self.node(found, format!("#{fragment}"))),
            None => self.refuse(node, "$ref", format!("`{text}` leads nowhere")),
        }
    }
}

fn decode_percent(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let pair = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

fn find_anchor<'a>(root: &'a Value, name: &str) -> Option<&'a Value> {
    let mut work = vec![root];
    while let Some(value) = work.pop() {
        match value {
            Value::Object(map) => {
                let old = map.get("$id").and_then(Value::as_str).and_then(|id| id.strip_prefix('#'));
                if map.get("$anchor").and_then(Value::as_str) == Some(name) || old == Some(name) {
                    return Some(value);
                }
                let skip = |key: &str| matches!(key, "const" | "enum" | "default" | "examples");
                work.extend(map.iter().filter(|(key, _)| !skip(key)).map(|(_, inner)| inner));
            }
            Value::Array(all) => work.extend(all),
            _ => {}
        }
    }
    None
}
