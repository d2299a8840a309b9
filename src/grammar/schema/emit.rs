//! Shapes to grammars, and what must be known of shapes for that: whether a listed value fits, whether
//! no value can.

use serde_json::Value;

use super::number::{self, Decimal, empty, within};
use super::shape::*;
use super::{Compiler, Sub, text};
use crate::grammar::{Expr, GrammarError};

/// How many values of a finite range are listed.
const MAX_LISTED: i64 = 10_000;
/// How deep emptiness is looked for.
const EMPTY_DEPTH: usize = 5;
/// Most branches of a `oneOf`, which are compared in pairs.
const MAX_ONE_OF: usize = 100;
/// Most elements with schemas of their own.
const MAX_PREFIX: usize = 2_000;
/// How often an element can be asked for.
const MAX_COUNT: u64 = u32::MAX as u64;

impl Compiler<'_> {
    /// The texts of all values that fit all schemas of `sub`.
    pub(super) fn emit(&mut self, sub: &Sub) -> Result<Expr, GrammarError> {
        let shape = self.read(sub)?;
        if let Some(choice) = shape.choices.first() {
            return self.emit_choice(sub, choice.clone());
        }
        if let Some(values) = &shape.values {
            let texts: Vec<String> = values.iter().map(spell).collect();
            return Ok(self.builder.literals(texts));
        }
        let mut parts = Vec::new();
        if shape.types & NULL != 0 {
            parts.push(self.builder.literal("null"));
        }
        if shape.types & BOOLEAN != 0 {
            parts.push(self.builder.literals(["true", "false"]));
        }
        if shape.types & NUMBER != 0 {
            parts.push(self.number(&shape)?);
        }
        if shape.types & STRING != 0 {
            parts.push(self.string(&shape)?);
        }
        if shape.types & ARRAY != 0 {
            parts.push(self.array(&shape)?);
        }
        if shape.types & OBJECT != 0 {
            parts.push(self.object(&shape)?);
        }
        Ok(self.builder.alt(&parts))
    }

    fn emit_choice(&mut self, sub: &Sub, choice: Choice) -> Result<Expr, GrammarError> {
        let made = sub.clone().with_made((choice.node, choice.one));
        if choice.one {
            if choice.branches.len() > MAX_ONE_OF {
                return self.refuse(choice.node, "oneOf", format!("has more than {MAX_ONE_OF} branches"));
            }
            for (i, &a) in choice.branches.iter().enumerate() {
                for (j, &b) in choice.branches.iter().enumerate().skip(i + 1) {
                    if !self.never(&made.with([a, b]), EMPTY_DEPTH)? {
                        let what = format!(
                            "branches {i} and {j} may both fit, which is not legal; tell them apart by a required \
                             property with different constants, by type or by range, or say `anyOf`"
                        );
                        return self.refuse(choice.node, "oneOf", what);
                    }
                }
            }
        }
        let mut parts = Vec::new();
        for branch in choice.branches {
            let rule = self.rule(made.with([branch]))?;
            parts.push(self.builder.call(rule));
        }
        Ok(self.builder.alt(&parts))
    }

    fn call(&mut self, nodes: Vec<u32>) -> Result<Expr, GrammarError> {
        let rule = self.rule(Sub::of(nodes))?;
        Ok(self.builder.call(rule))
    }

    fn number(&mut self, shape: &Shape) -> Result<Expr, GrammarError> {
        let (low, high) = (shape.low.as_ref(), shape.high.as_ref());
        if empty(low, high) {
            return Ok(self.builder.never());
        }
        if shape.multiples.is_empty() {
            return Ok(if low.is_none() && high.is_none() && !shape.integer {
                number::unbounded(self.builder)
            } else {
                number::range(self.builder, low, high, shape.integer)
            });
        }
        let node = shape.multiples[0].node;
        let mut step = 1i64;
        for said in &shape.multiples {
            match said.value.to_i64().filter(|m| (1..=1_000_000).contains(m)) {
                Some(m) => step = step / gcd(step, m) * m,
                None => {
                    return self.refuse(
                        said.node,
                        "multipleOf",
                        "is only enforced for whole numbers up to a million",
                    );
                }
            }
            if step > 1_000_000 {
                return self.refuse(said.node, "multipleOf", "the common multiple is over a million");
            }
        }
        if step == 1 {
            return Ok(number::range(self.builder, low, high, true));
        }
        if let (Some(low), Some(high)) = (low, high) {
            let whole = |n: i64| serde_json::Number::from(n);
            let ends = (low.at.floor_i64(), high.at.floor_i64());
            if let (Some(from), Some(to)) = ends
                && to.saturating_sub(from) / step <= MAX_LISTED
            {
                let first = from.div_euclid(step) * step;
                let all = (0..=(to - first) / step + 1)
                    .map(|i| first + i * step)
                    .filter(|n| Decimal::read(&whole(*n)).is_some_and(|n| within(&n, Some(low), Some(high))))
                    .map(|n| n.to_string());
                return Ok(self.builder.literals(all));
            }
            return self.refuse(node, "multipleOf", "is not enforced with ends so far apart");
        }
        if low.is_some() || high.is_some() || step > 64 {
            return self.refuse(node, "multipleOf", "is enforced with both ends, or up to 64 without ends");
        }
        Ok(number::multiples(self.builder, step as u32))
    }

    fn string(&mut self, shape: &Shape) -> Result<Expr, GrammarError> {
        let max = shape.max_length.as_ref().map(|said| said.value);
        if max.is_some_and(|max| max < shape.min_length) || shape.min_length > MAX_COUNT {
            return Ok(self.builder.never());
        }
        let short = max.and_then(|max| u32::try_from(max).ok());
        match shape.patterns.as_slice() {
            [] => Ok(text::string(self.builder, shape.min_length as u32, short)),
            [said] => match said.value.clone().with_lengths(shape.min_length, max) {
                Some(regex) => {
                    let inside = regex.lower(self.builder);
                    Ok(text::quoted(self.builder, inside))
                }
                None => {
                    self.refuse(said.node, "pattern", "together with minLength or maxLength is not enforced")
                }
            },
            [_, said, ..] => {
                self.refuse(said.node, "pattern", "a second pattern for one string is not enforced")
            }
        }
    }

    fn array(&mut self, shape: &Shape) -> Result<Expr, GrammarError> {
        let max = shape.max_items.unwrap_or(MAX_COUNT);
        if shape.min_items > max || shape.min_items > MAX_COUNT {
            return Ok(self.builder.never());
        }
        if let Some(node) = shape.unique
            && max > 1
        {
            return self.refuse(node, "uniqueItems", "is only enforced up to one element");
        }
        let prefix = shape.prefix();
        if prefix > MAX_PREFIX {
            return Err(GrammarError::TooLarge {
                what: "number of array elements with own schemas",
                limit: MAX_PREFIX,
            });
        }
        let open = self.builder.literal("[");
        let close = self.builder.literal("]");
        let comma = self.builder.literal(",");
        // From the last element to the first; each part is what follows the elements before it.
        let rest = self.call(shape.element(prefix))?;
        let more = self.builder.seq(&[comma, rest]);
        let left = max.saturating_sub(prefix as u64).min(MAX_COUNT) as u32;
        let least = shape.min_items.saturating_sub(prefix as u64) as u32;
        let top = if shape.max_items.is_none() { None } else { Some(left) };
        let mut tail;
        if prefix == 0 {
            if max == 0 {
                return Ok(self.builder.seq(&[open, close]));
            }
            let more = self.builder.repeat(more, least.saturating_sub(1), top.map(|top| top - 1));
            let some = self.builder.seq(&[rest, more]);
            tail = if least == 0 { self.builder.optional(some) } else { some };
        } else {
            tail = self.builder.repeat(more, least, top);
            for index in (0..prefix).rev() {
                if index as u64 >= max {
                    tail = self.builder.empty();
                    continue;
                }
                let element = self.call(shape.element(index))?;
                let some = if index == 0 {
                    self.builder.seq(&[element, tail])
                } else {
                    self.builder.seq(&[comma, element, tail])
                };
                let body = if (index as u64) < shape.min_items { some } else { self.builder.optional(some) };
                tail = self.builder.named("the rest of an array", body);
            }
        }
        Ok(self.builder.seq(&[open, tail, close]))
    }

    /// Schemas of the property `name`.
    fn property(&self, shape: &Shape, name: &str) -> Vec<u32> {
        let mut nodes = Vec::new();
        for part in &shape.objects {
            let mut named = false;
            for (known, node) in &part.properties {
                if known == name {
                    nodes.push(*node);
                    named = true;
                }
            }
            for (regex, node) in &part.patterns {
                if regex.matches(name) {
                    nodes.push(*node);
                    named = true;
                }
            }
            if !named {
                nodes.extend(part.additional);
            }
        }
        nodes
    }

    fn object(&mut self, shape: &Shape) -> Result<Expr, GrammarError> {
        let names: Vec<String> = shape.names().into_iter().map(str::to_owned).collect();
        let refs: Vec<&str> = names.iter().map(String::as_str).collect();
        let comma = self.builder.literal(",");
        let colon = self.builder.literal(":");

        // Other properties: by pattern, or any.
        let patterned: Vec<&ObjectPart> = shape.objects.iter().filter(|p| !p.patterns.is_empty()).collect();
        let others: Vec<u32> = shape.objects.iter().filter_map(|part| part.additional).collect();
        let other = match patterned.as_slice() {
            [] => {
                if self.never(&Sub::of(others.clone()), EMPTY_DEPTH)? {
                    None
                } else {
                    let key = text::other_than(self.builder, &refs);
                    let key = text::quoted(self.builder, key);
                    let value = self.call(others)?;
                    Some(self.builder.seq(&[key, colon, value]))
                }
            }
            [part] => {
                let closed = match part.additional {
                    Some(node) => self.never(&Sub::of([node]), EMPTY_DEPTH)?,
                    None => false,
                };
                if !closed || part.patterns.len() > 1 || shape.objects.len() > 1 {
                    return self.refuse(
                        part.node,
                        "patternProperties",
                        "is only enforced with a single pattern and `additionalProperties: false`",
                    );
                }
                let (regex, node) = &part.patterns[0];
                if names.iter().any(|name| regex.matches(name)) {
                    return self.refuse(part.node, "patternProperties", "matches a name of `properties` too");
                }
                let key = regex.lower(self.builder);
                let key = text::quoted(self.builder, key);
                let value = self.call(vec![*node])?;
                Some(self.builder.seq(&[key, colon, value]))
            }
            [_, part, ..] => {
                return self.refuse(
                    part.node,
                    "patternProperties",
                    "stands in several schemas of one object",
                );
            }
        };

        let required = |name: &str| shape.required.iter().any(|r| r == name);
        let mut members = Vec::new();
        for name in &names {
            let nodes = self.property(shape, name);
            if self.never(&Sub::of(nodes.clone()), EMPTY_DEPTH)? {
                if required(name) {
                    return Ok(self.builder.never());
                }
                continue;
            }
            let key = self.builder.literal(text::spelled(name));
            let value = self.call(nodes)?;
            members.push((self.builder.seq(&[key, colon, value]), required(name)));
        }

        // How many others may stand there, by the bounds on the number of properties.
        let needed = members.iter().filter(|(_, required)| *required).count() as u64;
        let (min, max) = (&shape.min_properties, &shape.max_properties);
        let mut top = None;
        if let Some(max) = max {
            if max.value < needed {
                return Ok(self.builder.never());
            }
            if members.is_empty() {
                top = Some(max.value.min(MAX_COUNT) as u32);
            } else if other.is_some() || max.value < members.len() as u64 {
                return self.refuse(max.node, "maxProperties", "is not enforced with optional properties");
            }
        }
        let nonempty = min.value > needed;
        if min.value > needed.max(1) {
            if other.is_none() && min.value > members.len() as u64 {
                return Ok(self.builder.never());
            }
            if other.is_none() && min.value == members.len() as u64 {
                members.iter_mut().for_each(|(_, required)| *required = true);
            } else {
                return self.refuse(min.node, "minProperties", "is not enforced with optional properties");
            }
        }
        if top == Some(0) {
            return Ok(if nonempty { self.builder.never() } else { self.builder.literal("{}") });
        }

        // `first[i]`: members from i on, none written yet; `more[i]`: some written.
        let (mut first, mut more) = match other {
            Some(other) => {
                let next = self.builder.seq(&[comma, other]);
                let rest = self.builder.repeat(next, 0, top.map(|top| top - 1));
                let some = self.builder.seq(&[other, rest]);
                let more = self.builder.repeat(next, 0, None);
                (if nonempty { some } else { self.builder.optional(some) }, more)
            }
            None => {
                let none = self.builder.empty();
                (if nonempty { self.builder.never() } else { none }, none)
            }
        };
        for (member, required) in members.into_iter().rev() {
            let start = self.builder.seq(&[member, more]);
            let go_on = self.builder.seq(&[comma, member, more]);
            let (one, two) = if required {
                (start, go_on)
            } else {
                (self.builder.alt(&[start, first]), self.builder.alt(&[go_on, more]))
            };
            first = self.builder.named("the members of an object", one);
            more = self.builder.named("more members of an object", two);
        }
        let (open, close) = (self.builder.literal("{"), self.builder.literal("}"));
        Ok(self.builder.seq(&[open, first, close]))
    }

    /// Whether it is certain that no value fits. `false` says nothing.
    pub(super) fn never(&mut self, sub: &Sub, depth: usize) -> Result<bool, GrammarError> {
        let shape = self.read(sub)?;
        if let Some(values) = &shape.values
            && values.is_empty()
        {
            return Ok(true);
        }
        if shape.types == 0 {
            return Ok(true);
        }
        if depth == 0 {
            return Ok(false);
        }
        if let Some(choice) = shape.choices.first() {
            let made = sub.clone().with_made((choice.node, choice.one));
            for &branch in &choice.branches {
                if !self.never(&made.with([branch]), depth - 1)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        if shape.values.is_some() || shape.types & (NULL | BOOLEAN) != 0 {
            return Ok(false);
        }
        if shape.types & NUMBER != 0 {
            let none = empty(shape.low.as_ref(), shape.high.as_ref())
                || (shape.integer && number::no_integer(shape.low.as_ref(), shape.high.as_ref()));
            if !none {
                return Ok(false);
            }
        }
        if shape.types & STRING != 0
            && shape.max_length.as_ref().is_none_or(|max| max.value >= shape.min_length)
        {
            return Ok(false);
        }
        if shape.types & ARRAY != 0 && shape.max_items.is_none_or(|max| max >= shape.min_items) {
            let mut none = false;
            for index in 0..shape.min_items.min(shape.prefix() as u64 + 1) {
                none |= self.never(&Sub::of(shape.element(index as usize)), depth - 1)?;
            }
            if !none {
                return Ok(false);
            }
        }
        if shape.types & OBJECT != 0 {
            let mut none = shape.max_properties.as_ref().is_some_and(|max| {
                max.value < shape.min_properties.value || max.value < shape.required.len() as u64
            });
            for name in &shape.required {
                none = none || self.never(&Sub::of(self.property(&shape, name)), depth - 1)?;
            }
            if !none {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a value fits all schemas of a set.
    fn fits(&mut self, sub: &Sub, value: &Value) -> Result<bool, GrammarError> {
        let shape = self.read(sub)?;
        if let Some(values) = &shape.values
            && !values.iter().any(|listed| same(listed, value))
        {
            return Ok(false);
        }
        if !self.fits_shape(&shape, value)? {
            return Ok(false);
        }
        for choice in &shape.choices {
            let mut count = 0;
            for &branch in &choice.branches {
                count += usize::from(self.fits(&Sub::of([branch]), value)?);
            }
            if count == 0 || (choice.one && count > 1) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a value fits a shape, its list of values and its choices aside.
    pub(super) fn fits_shape(&mut self, shape: &Shape, value: &Value) -> Result<bool, GrammarError> {
        if shape.types & type_of(value) == 0 {
            return Ok(false);
        }
        match value {
            Value::Number(n) => {
                let Some(at) = Decimal::read(n) else {
                    // Too large or too fine to be compared; it fits where nothing is asked of it.
                    let free = shape.low.is_none() && shape.high.is_none() && shape.multiples.is_empty();
                    return Ok(free && !shape.integer);
                };
                let whole = at.is_integer() || (!shape.integer && shape.multiples.is_empty());
                let mut fits = whole && within(&at, shape.low.as_ref(), shape.high.as_ref());
                for said in &shape.multiples {
                    match (said.value.to_i64().filter(|m| *m > 0), at.to_i64()) {
                        (Some(m), Some(n)) => fits &= n % m == 0,
                        _ if !fits => {}
                        _ => {
                            return self.refuse(
                                said.node,
                                "multipleOf",
                                "cannot be compared with a listed value",
                            );
                        }
                    }
                }
                Ok(fits)
            }
            Value::String(text) => {
                let length = text.chars().count() as u64;
                Ok(length >= shape.min_length
                    && shape.max_length.as_ref().is_none_or(|max| length <= max.value)
                    && shape.patterns.iter().all(|said| said.value.matches(text)))
            }
            Value::Array(all) => {
                let length = all.len() as u64;
                if length < shape.min_items || shape.max_items.is_some_and(|max| length > max) {
                    return Ok(false);
                }
                if shape.unique.is_some()
                    && all.iter().enumerate().any(|(i, a)| all[..i].iter().any(|b| same(a, b)))
                {
                    return Ok(false);
                }
                for (index, element) in all.iter().enumerate() {
                    if !self.fits(&Sub::of(shape.element(index)), element)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Value::Object(map) => {
                let length = map.len() as u64;
                if !shape.required.iter().all(|name| map.contains_key(name))
                    || length < shape.min_properties.value
                    || shape.max_properties.as_ref().is_some_and(|max| length > max.value)
                {
                    return Ok(false);
                }
                for (name, inner) in map {
                    if !self.fits(&Sub::of(self.property(shape, name)), inner)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Value::Null | Value::Bool(_) => Ok(true),
        }
    }
}

/// The compact text of a listed value; whole numbers without a point.
fn spell(value: &Value) -> String {
    match value {
        Value::Number(n) => match Decimal::read(n).and_then(|n| n.to_i64()) {
            Some(whole) => whole.to_string(),
            None => n.to_string(),
        },
        Value::Array(all) => format!("[{}]", all.iter().map(spell).collect::<Vec<_>>().join(",")),
        Value::Object(map) => {
            let all: Vec<String> =
                map.iter().map(|(key, inner)| format!("{}:{}", text::spelled(key), spell(inner))).collect();
            format!("{{{}}}", all.join(","))
        }
        other => other.to_string(),
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
