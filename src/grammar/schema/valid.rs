//! Whether a listed value fits a schema: a plain validator.

use serde_json::Value;

use super::decimal::{Decimal, is_multiple, within};
use super::read::{Needs, Table};
use super::shape::*;
use super::{Compiler, Content, Draft, Lit, Refusal};

impl<'a> Compiler<'a, '_> {
    /// Whether `value` fits; `path` holds the schemas that are asked of this very value already.
    pub(super) fn fits(&mut self, lit: Lit, value: &Value, path: &mut Vec<Lit>) -> Result<bool, Refusal> {
        self.fits_besides(&[], lit, value, path)
    }

    /// Whether the value fits, where some choices, by number, are not asked about: those of a `oneOf` whose
    /// branches are compared with each other, which no value that fits two of them would fit.
    pub(super) fn fits_besides(
        &mut self,
        made: &[u32],
        lit: Lit,
        value: &Value,
        path: &mut Vec<Lit>,
    ) -> Result<bool, Refusal> {
        self.step(lit, 1)?;
        if lit % 2 == 1 {
            return Ok(!self.fits(lit - 1, value, path)?);
        }
        let node = lit / 2;
        let map = match self.nodes[node as usize].content.clone() {
            Content::Schema(Value::Bool(holds)) => return Ok(*holds),
            Content::Schema(Value::Object(map)) => map,
            Content::Schema(_) => return self.refuse(node, "", "a schema is an object, true or false"),
            Content::Fact(fact) => return self.fits_fact(node, &fact, value),
        };
        if path.contains(&lit) {
            return self.refuse(node, "$ref", "leads back to itself without a value in between");
        }
        path.push(lit);
        let fits = self.fits_keywords(made, node, map, value, path);
        path.pop();
        fits
    }

    fn fits_keywords(
        &mut self,
        made: &[u32],
        node: u32,
        map: Table<'a>,
        value: &Value,
        path: &mut Vec<Lit>,
    ) -> Result<bool, Refusal> {
        for keyword in ["$ref", "$dynamicRef"] {
            if let Some(text) = map.get(keyword).and_then(Value::as_str) {
                let target = self.resolve(node, keyword, text)?;
                if !self.fits_besides(made, target, value, path)? {
                    return Ok(false);
                }
                if self.draft == Draft::Seven {
                    return Ok(true);
                }
            }
        }
        if let Some(types) = map.get("type") {
            let (mask, integer) = self.types(node, types)?;
            let kind = type_of(value);
            if mask & kind == 0 || (integer && kind == NUMBER && !whole(value)) {
                return Ok(false);
            }
        }
        for keyword in ["const", "enum"] {
            if let Some(listed) = self.listed(node, keyword, map)?
                && !self.is_listed(listed, value)
            {
                return Ok(false);
            }
        }
        for (keyword, least, most) in
            [("anyOf", 1, usize::MAX), ("oneOf", 1, 1), ("allOf", usize::MAX, usize::MAX)]
        {
            let Some(all) = self.list(node, keyword, map)? else { continue };
            let choice = self.choices.get(&(2 * node, keyword.to_owned()));
            if choice.is_some_and(|(id, _)| made.contains(id)) {
                continue;
            }
            let made = if keyword == "allOf" { made } else { &[] };
            let mut count = 0;
            for &lit in &all {
                count += usize::from(self.fits_besides(made, lit, value, path)?);
            }
            if count < least.min(all.len()) || count > most {
                return Ok(false);
            }
        }
        if let Some(schema) = map.get("not") {
            let inner = self.child(node, schema, &["not"]);
            if self.fits(inner, value, path)? {
                return Ok(false);
            }
        }
        if let Some(ways) = self.conditional(node, map) {
            let yes = self.fits(ways[0][0], value, path)?;
            let way = if yes { &ways[0] } else { &ways[1] };
            if let Some(&then) = way.get(1)
                && !self.fits(then, value, path)?
            {
                return Ok(false);
            }
        }
        match value {
            Value::Number(_) => self.fits_number(node, map, value),
            Value::String(text) => self.fits_string(node, map, text),
            Value::Array(all) => self.fits_array(node, map, all),
            Value::Object(_) => self.fits_object(node, map, value, path),
            Value::Null | Value::Bool(_) => Ok(true),
        }
    }

    fn fits_number(&mut self, node: u32, map: Table<'a>, value: &Value) -> Result<bool, Refusal> {
        let ends = self.ends(node, map)?;
        let multiple = map.get("multipleOf").and_then(Value::as_number);
        let at = value.as_number().and_then(Decimal::read);
        let Some(at) = at else {
            // Too large or too fine to be compared; it fits where nothing is asked of it.
            return Ok(ends.is_empty() && multiple.is_none());
        };
        let inside =
            ends.iter().all(
                |(upper, end)| {
                    if *upper { within(&at, None, Some(end)) } else { within(&at, Some(end), None) }
                },
            );
        let Some(multiple) = multiple else { return Ok(inside) };
        match Decimal::read(multiple).and_then(|m| is_multiple(&at, &m)) {
            Some(fits) => Ok(inside && fits),
            None if !inside => Ok(false),
            None => self.refuse(node, "multipleOf", "cannot be compared with a listed value"),
        }
    }

    fn fits_string(&mut self, node: u32, map: Table<'a>, text: &str) -> Result<bool, Refusal> {
        let length = text.chars().count() as u64;
        let (min, max) = (self.count(node, map, "minLength")?, self.count(node, map, "maxLength")?);
        if min.is_some_and(|min| length < min) || max.is_some_and(|max| length > max) {
            return Ok(false);
        }
        let mut patterns = Vec::new();
        if let Some(pattern) = map.get("pattern").and_then(Value::as_str) {
            patterns.push(self.pattern(node, "pattern", pattern)?);
        }
        if let Some(name) = map.get("format").and_then(Value::as_str) {
            patterns.extend(self.format(node, name).iter().cloned());
        }
        Ok(patterns.iter().all(|pattern| pattern.matches(text)))
    }

    fn fits_array(&mut self, node: u32, map: Table<'a>, all: &[Value]) -> Result<bool, Refusal> {
        let length = all.len() as u64;
        let (min, max) = (self.count(node, map, "minItems")?, self.count(node, map, "maxItems")?);
        if min.is_some_and(|min| length < min) || max.is_some_and(|max| length > max) {
            return Ok(false);
        }
        if map.get("uniqueItems") == Some(&Value::Bool(true))
            && all.iter().enumerate().any(|(i, a)| all[..i].iter().any(|b| same(a, b)))
        {
            return Ok(false);
        }
        let part = self.array_part(node, map)?;
        for (index, element) in all.iter().enumerate() {
            let lit = part.prefix.get(index).copied().or(part.items.filter(|_| index >= part.prefix.len()));
            if let Some(lit) = lit
                && !self.fits(lit, element, &mut Vec::new())?
            {
                return Ok(false);
            }
        }
        let Some((lit, min, max)) = self.contains(node, map)? else { return Ok(true) };
        let mut count = 0;
        for element in all {
            count += u64::from(self.fits(lit, element, &mut Vec::new())?);
        }
        Ok(count >= min && max.is_none_or(|max| count <= max))
    }

    fn fits_object(
        &mut self,
        node: u32,
        map: Table<'a>,
        value: &Value,
        path: &mut Vec<Lit>,
    ) -> Result<bool, Refusal> {
        let Value::Object(members) = value else { return Ok(true) };
        let length = members.len() as u64;
        let (min, max) = (self.count(node, map, "minProperties")?, self.count(node, map, "maxProperties")?);
        let required = self.required(node, map)?;
        if min.is_some_and(|min| length < min)
            || max.is_some_and(|max| length > max)
            || !required.iter().all(|name| members.contains_key(name))
        {
            return Ok(false);
        }
        let mut shape = Shape::new();
        shape.objects.push(self.object_part(node, map)?);
        for (name, inner) in members {
            for lit in shape.property(name) {
                if !self.fits(lit, inner, &mut Vec::new())? {
                    return Ok(false);
                }
            }
            if let Some(schema) = map.get("propertyNames") {
                let lit = self.child(node, schema, &["propertyNames"]);
                if !self.fits(lit, &Value::from(name.as_str()), &mut Vec::new())? {
                    return Ok(false);
                }
            }
        }
        for (name, _, needs) in self.dependent(node, map)? {
            for need in needs.into_iter().filter(|_| members.contains_key(&name)) {
                let holds = match need {
                    Needs::Property(name) => members.contains_key(&name),
                    Needs::Schema(lit) => self.fits(lit, value, path)?,
                };
                if !holds {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn fits_fact(&mut self, node: u32, fact: &Fact, value: &Value) -> Result<bool, Refusal> {
        let object = value.as_object();
        let array = value.as_array();
        let number = || value.as_number().and_then(Decimal::read);
        let counted = |length: usize, min: u64, max: Option<u64>| {
            length as u64 >= min && max.is_none_or(|max| length as u64 <= max)
        };
        let mut fresh = Vec::new();
        Ok(match fact {
            Fact::Never => false,
            Fact::Types(mask) => mask & type_of(value) != 0,
            Fact::Fraction => !value.is_number() || !whole(value),
            Fact::Low(end) => number().is_none_or(|at| within(&at, Some(end), None)),
            Fact::High(end) => number().is_none_or(|at| within(&at, None, Some(end))),
            Fact::Length(min, max) => {
                value.as_str().is_none_or(|text| counted(text.chars().count(), *min, *max))
            }
            Fact::Mismatch(pattern) => value.as_str().is_none_or(|text| !pattern.matches(text)),
            Fact::Except(values) => !values.iter().any(|known| same(known, value)),
            Fact::Items(min, max) => array.is_none_or(|all| counted(all.len(), *min, *max)),
            Fact::Members(min, max) => object.is_none_or(|map| counted(map.len(), *min, *max)),
            Fact::Has(name) => object.is_none_or(|map| map.contains_key(name)),
            Fact::Lacks(name) => object.is_none_or(|map| !map.contains_key(name)),
            Fact::Property(name, lit) => match object.map(|map| map.get(name)) {
                Some(Some(inner)) => self.fits(*lit, inner, &mut fresh)?,
                found => found.is_none(),
            },
            Fact::Element(at, lit) => match array.map(|all| all.get(*at)) {
                Some(Some(inner)) => self.fits(*lit, inner, &mut fresh)?,
                found => found.is_none(),
            },
            Fact::Contains(lit, min, max, from) => match array {
                None => true,
                Some(all) => {
                    let mut count = 0;
                    for inner in all.iter().skip(*from) {
                        count += usize::from(self.fits(*lit, inner, &mut fresh)?);
                    }
                    counted(count, *min, *max)
                }
            },
            Fact::Other { not_named, not_matching, matching, lit } => {
                let some = Some1 {
                    node,
                    fact: 0,
                    not_named: not_named.clone(),
                    not_matching: not_matching.clone(),
                    matching: matching.clone(),
                    lit: *lit,
                };
                self.has_other(&some, value)?
            }
            Fact::Unknown(some) => self.has_other(some, value)?,
        })
    }

    fn has_other(&mut self, some: &Some1, value: &Value) -> Result<bool, Refusal> {
        let Some(map) = value.as_object() else { return Ok(true) };
        for (name, inner) in map {
            if some.covers(name) && self.fits(some.lit, inner, &mut Vec::new())? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn whole(value: &Value) -> bool {
    value.as_number().and_then(Decimal::read).is_some_and(|at| at.is_integer())
}
