//! Shapes to grammars: values, choices, numbers, strings.

use serde_json::Value;

use super::decimal::{Bound, Decimal, empty, no_integer, within};
use super::empty::EMPTY_DEPTH;
use super::language::{Wanted, product};
use super::pattern::Regex;
use super::shape::*;
use super::step::{self, Step};
use super::{Compiler, Content, Lit, Refusal, Sub, not, number, text};
use crate::grammar::Expr;
use crate::grammar::fx::sort;

/// How many values of a finite range are listed.
const MAX_LISTED: i128 = 10_000;
/// Most branches of a `oneOf`, which are compared in pairs.
const MAX_ONE_OF: usize = 150;
/// How often something can be asked for.
pub(super) const MAX_COUNT: u64 = u32::MAX as u64;

impl Compiler<'_, '_> {
    /// The texts of all values that fit all schemas of `sub`.
    pub(super) fn emit(&mut self, sub: &Sub) -> Result<Expr, Refusal> {
        let mut shape = self.read(sub)?;
        if shape.types == 0 {
            return Ok(self.w.b.never());
        }
        if let Some(values) = &shape.values {
            let values = self.fitting(sub, values)?;
            return Ok(self.listing(&values));
        }
        if !shape.choices.is_empty() {
            return self.emit_choice(sub, &shape);
        }
        self.settle_exceptions(sub, &mut shape)?;
        if let Some(other) = shape.others.first().cloned() {
            return self.spread(sub, &shape, &other);
        }
        let mut parts = Vec::new();
        let excepted = |value: Value| shape.except.iter().any(|said| said.value == value);
        if shape.types & NULL != 0 && !excepted(Value::Null) {
            parts.push(self.w.b.literal("null"));
        }
        if shape.types & BOOLEAN != 0 {
            let left = [true, false].into_iter().filter(|b| !excepted(Value::Bool(*b)));
            parts.push(self.w.b.literals(left.map(|b| b.to_string())));
        }
        if shape.types & NUMBER != 0 {
            parts.push(self.number(sub, &shape)?);
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
        Ok(self.w.b.alt(&parts))
    }

    /// Any one of these values.
    pub(super) fn listing(&mut self, values: &[Value]) -> Expr {
        let mut texts = Vec::new();
        let mut parts = Vec::new();
        for value in values {
            match value {
                Value::Array(all) if !all.is_empty() => parts.push(self.listed_array(all)),
                Value::Object(map) if !map.is_empty() => {
                    let mut inner = vec![self.w.open("{")];
                    for (i, (key, value)) in map.iter().enumerate() {
                        if i > 0 {
                            inner.push(self.w.between(","));
                        }
                        inner.push(self.w.b.literal(text::spelled(key)));
                        inner.push(self.w.between(":"));
                        inner.push(self.listing(std::slice::from_ref(value)));
                    }
                    inner.push(self.w.close("}"));
                    parts.push(self.w.b.seq(&inner));
                }
                Value::Number(number) => {
                    texts.push(number.to_string());
                    texts.extend(Decimal::read(number).and_then(|n| n.to_i64()).map(|n| n.to_string()));
                }
                other => texts.push(other.to_string()),
            }
        }
        parts.insert(0, self.w.b.literals(texts));
        self.w.b.alt(&parts)
    }

    fn listed_array(&mut self, all: &[Value]) -> Expr {
        let mut inner = vec![self.w.open("[")];
        for (i, value) in all.iter().enumerate() {
            if i > 0 {
                inner.push(self.w.between(","));
            }
            inner.push(self.listing(std::slice::from_ref(value)));
        }
        inner.push(self.w.close("]"));
        self.w.b.seq(&inner)
    }

    /// Makes the choice that leaves the fewest ways.
    fn emit_choice(&mut self, sub: &Sub, shape: &Shape) -> Result<Expr, Refusal> {
        let mut best: Option<(&Choice, Vec<Vec<Lit>>)> = None;
        for choice in &shape.choices {
            let made = sub.clone().with_made(choice.id);
            let mut live = Vec::new();
            for way in &choice.ways {
                if !self.never(&made.with(way), EMPTY_DEPTH - 1)? {
                    live.push(way.clone());
                }
            }
            if best.as_ref().is_none_or(|(_, known)| live.len() < known.len()) {
                best = Some((choice, live));
            }
        }
        let Some((choice, mut live)) = best else { return Ok(self.w.b.never()) };
        let made = sub.clone().with_made(choice.id);
        if choice.one {
            if live.len() > MAX_ONE_OF {
                return self.refuse(choice.node, "oneOf", format!("has more than {MAX_ONE_OF} branches"));
            }
            // Branches that can meet exclude each other.
            let lits: Vec<Lit> = live.iter().map(|way| way[0]).collect();
            for i in 0..lits.len() {
                for j in i + 1..lits.len() {
                    if !self.never(&made.with(&[lits[i], lits[j]]), EMPTY_DEPTH)? {
                        live[i].push(not(lits[j]));
                        live[j].push(not(lits[i]));
                    }
                }
            }
        }
        let mut parts = Vec::new();
        for way in live {
            let rule = self.rule(made.with(&way))?;
            parts.push(self.w.b.call(rule));
        }
        Ok(self.w.b.alt(&parts))
    }

    /// A property that some schema does not name: one of those that others name, or one that none does.
    fn spread(&mut self, sub: &Sub, shape: &Shape, other: &Some1) -> Result<Expr, Refusal> {
        let (id, _) = self.choice(other.fact, "other", |_| Ok(Vec::new()))?;
        let made = sub.clone().with_made(id);
        let names: Vec<String> = shape.names().into_iter().map(str::to_owned).collect();
        let (_, ways) = self.choice(other.fact, &format!("other than {names:?}"), |this| {
            let mut ways = Vec::new();
            for name in names.iter().filter(|name| other.covers(name)) {
                ways.push(vec![this.fact(other.node, Fact::Property(name.clone(), other.lit))]);
            }
            let mut unknown = other.clone();
            unknown.not_named.extend(names.iter().cloned());
            ways.push(vec![this.fact(other.node, Fact::Unknown(Box::new(unknown)))]);
            Ok(ways)
        })?;
        let mut parts = Vec::new();
        for way in ways {
            let with = made.with(&way);
            if !self.never(&with, EMPTY_DEPTH)? {
                let rule = self.rule(with)?;
                parts.push(self.w.b.call(rule));
            }
        }
        Ok(self.w.b.alt(&parts))
    }

    /// Excepted arrays and objects: those that would not fit anyway are none; others are refused.
    fn settle_exceptions(&mut self, sub: &Sub, shape: &mut Shape) -> Result<(), Refusal> {
        let whole = |value: &Value| value.is_array() || value.is_object();
        if !shape.except.iter().any(|said| whole(&said.value)) {
            return Ok(());
        }
        let without: Vec<Lit> = sub
            .lits
            .iter()
            .copied()
            .filter(|lit| match &self.nodes[*lit as usize / 2].content {
                Content::Fact(fact) => !matches!(**fact, Fact::Except(_)),
                Content::Schema(_) => true,
            })
            .collect();
        for said in shape.except.clone().into_iter().filter(|said| whole(&said.value)) {
            if said.value.as_array().is_some_and(Vec::is_empty) {
                shape.narrow_items(1, None);
            } else if said.value.as_object().is_some_and(serde_json::Map::is_empty) {
                shape.narrow_members(said.node, 1, None);
            } else if !self.fitting(&Sub::of(without.clone()), &[said.value])?.is_empty() {
                return self.refuse(said.node, "not", "of a list or table as a whole is not enforced");
            }
        }
        Ok(())
    }

    fn number(&mut self, sub: &Sub, shape: &Shape) -> Result<Expr, Refusal> {
        let (low, high) = (shape.low.as_ref(), shape.high.as_ref());
        if empty(low, high) || (shape.integer && shape.fraction) {
            return Ok(self.w.b.never());
        }
        let mut except: Vec<Decimal> =
            shape.except.iter().filter_map(|said| said.value.as_number().and_then(Decimal::read)).collect();
        except.retain(|at| within(at, low, high) && (!shape.integer || at.is_integer()));
        sort(&mut except);
        except.dedup();
        let node = shape
            .multiples
            .first()
            .map_or_else(|| sub.lits.first().map_or(0, |lit| lit / 2), |said| said.node);
        if shape.fraction {
            if !shape.multiples.is_empty() || !except.is_empty() {
                return self.refuse(
                    node,
                    "type",
                    "numbers that are not whole are not enforced beside `multipleOf`",
                );
            }
            return Ok(number::fractions(self.w.b, low, high));
        }
        if !shape.multiples.is_empty() {
            return self.multiples(node, shape, &except);
        }
        if except.is_empty() {
            // Written once for all places: texts of numbers are large as grammars go.
            let key = (shape.integer, shape.low.clone(), shape.high.clone());
            if let Some(known) = self.numbers.get(&key) {
                return Ok(*known);
            }
            let body = if low.is_none() && high.is_none() && !shape.integer {
                number::unbounded(self.w.b)
            } else {
                number::range(self.w.b, low, high, shape.integer)
            };
            let made = self.w.b.named("a number", body);
            self.numbers.insert(key, made);
            return Ok(made);
        }
        // The gaps between the excepted numbers.
        let ends: Vec<Bound> = except.into_iter().map(|at| Bound { at, inclusive: false }).collect();
        let mut parts = Vec::new();
        for i in 0..=ends.len() {
            let from = if i == 0 { low } else { Some(&ends[i - 1]) };
            let to = if i == ends.len() { high } else { Some(&ends[i]) };
            let none = empty(from, to) || (shape.integer && no_integer(from, to));
            if !none {
                parts.push(number::range(self.w.b, from, to, shape.integer));
            }
        }
        Ok(self.w.b.alt(&parts))
    }

    fn multiples(&mut self, node: u32, shape: &Shape, except: &[Decimal]) -> Result<Expr, Refusal> {
        let (low, high) = (shape.low.as_ref(), shape.high.as_ref());
        let mut step: Option<Step> = shape.integer.then_some(Step { size: 1, places: 0 });
        for said in &shape.multiples {
            let Some(next) = Step::read(&said.value) else {
                return self.refuse(
                    said.node,
                    "multipleOf",
                    "is only enforced for steps above 0 of few digits",
                );
            };
            step = match step {
                None => Some(next),
                Some(known) => match known.common(next) {
                    Some(common) => Some(common),
                    None => return self.refuse(said.node, "multipleOf", "the common multiple is too large"),
                },
            };
        }
        let Some(step) = step else { return Ok(self.w.b.never()) };
        let kept = |step: Step, n: i128| {
            step.value(n).is_some_and(|at| within(&at, low, high) && !except.contains(&at))
        };
        if let (Some(low), Some(high)) = (low, high)
            && let (Some(from), Some(to)) = (step.index(&low.at), step.index(&high.at))
            && to - from <= MAX_LISTED
        {
            let texts: Vec<String> =
                (from..=to + 1).filter(|n| kept(step, *n)).map(|n| step.spell(n)).collect();
            return Ok(self.w.b.literals(texts));
        }
        if except.is_empty() && step.size == 1 && step.places == 0 {
            return Ok(number::range(self.w.b, low, high, true));
        }
        if except.is_empty() && step.size == 1 {
            return Ok(number::decimals(self.w.b, low, high, step.places));
        }
        let zero = Decimal::zero();
        let side = |end: Option<&Bound>| end.is_none_or(|end| end.at == zero);
        let with_zero = low.is_none_or(|end| end.inclusive) && high.is_none_or(|end| end.inclusive);
        let fine = step.places > 0 && !with_zero;
        if fine || !except.is_empty() || !side(low) || !side(high) || step.size > step::MAX_STEP {
            let what = "is enforced with both ends near each other, or with steps up to 1000 from zero or without ends";
            return self.refuse(node, "multipleOf", what);
        }
        Ok(step::multiples(self.w.b, step, low.is_none(), high.is_none(), with_zero))
    }

    fn string(&mut self, shape: &Shape) -> Result<Expr, Refusal> {
        let (min, max) = (shape.min_length, shape.max_length);
        if max.is_some_and(|max| max < min) || min > MAX_COUNT {
            return Ok(self.w.b.never());
        }
        let except: Vec<&str> = shape.except.iter().filter_map(|said| said.value.as_str()).collect();
        if except.is_empty() {
            match shape.patterns.as_slice() {
                [] => {
                    let short = max.and_then(|max| u32::try_from(max).ok());
                    return Ok(self.w.string(min as u32, short));
                }
                [said] if said.value.1 => {
                    if let Some(regex) = said.value.0.plain().and_then(|r| r.clone().with_lengths(min, max)) {
                        let inside = regex.lower(&mut self.w);
                        return Ok(self.w.quoted(inside));
                    }
                }
                _ => {}
            }
        } else if shape.patterns.is_empty() && min == 0 && max.is_none() {
            let inside = self.w.other_than(&except);
            return Ok(self.w.quoted(inside));
        }
        let excepted = Regex::texts(except.iter().copied());
        let mut wanted = Wanted { min, max, ..Wanted::default() };
        for said in &shape.patterns {
            wanted.add(&said.value.0, said.value.1);
        }
        if !except.is_empty() {
            wanted.none.push(&excepted);
        }
        let (node, keyword) = match shape.patterns.first() {
            Some(said) => (said.node, "pattern"),
            None => (shape.except[0].node, "not"),
        };
        if shape.patterns.iter().any(|said| !said.value.1 && !said.value.0.ahead.is_empty()) {
            return self.refuse(node, "not", "before a pattern that looks ahead is not enforced");
        }
        match product(&wanted) {
            Some(dfa) if dfa.is_empty() => Ok(self.w.b.never()),
            Some(dfa) => {
                let inside = self.w.strings(&dfa);
                Ok(self.w.quoted(inside))
            }
            None => self.refuse(
                node,
                keyword,
                "with the lengths and patterns beside it is too large to be enforced; shorten the bounds",
            ),
        }
    }
}
