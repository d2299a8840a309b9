//! The texts of arrays.

use super::emit::MAX_COUNT;
use super::shape::*;
use super::{Compiler, Lit, Refusal, Sub, not};
use crate::grammar::fx::FxMap;
use crate::grammar::{Expr, Member};

/// Most elements with schemas of their own.
const MAX_PREFIX: usize = 2_000;
/// Most values that unique elements can have.
const MAX_UNIQUE: usize = 1_000;
/// Most states that counting `contains` may take.
const MAX_COUNTING: usize = 4_000;

impl Compiler<'_, '_> {
    pub(super) fn call(&mut self, lits: Vec<Lit>) -> Result<Expr, Refusal> {
        let rule = self.rule(Sub::of(lits))?;
        Ok(self.w.b.call(rule))
    }

    pub(super) fn array(&mut self, shape: &Shape) -> Result<Expr, Refusal> {
        let max = shape.max_items.unwrap_or(MAX_COUNT);
        if shape.min_items > max || shape.min_items > MAX_COUNT {
            return Ok(self.w.b.never());
        }
        let prefix = shape.prefix();
        if prefix > MAX_PREFIX {
            let (lit, what) =
                (shape.element(0).first().copied(), format!("has more than {MAX_PREFIX} schemas"));
            return self.refuse(lit.unwrap_or(0) / 2, "prefixItems", what);
        }
        if let Some(node) = shape.unique
            && max > 1
        {
            return self.unique(node, shape);
        }
        let contains: Vec<&Contains> =
            shape.contains.iter().filter(|c| c.min > 0 || c.max.is_some()).collect();
        if !contains.is_empty() {
            return self.containing(shape, &contains);
        }
        let (open, close) = (self.w.open("["), self.w.close("]"));
        if max == 0 {
            return Ok(self.w.b.seq(&[open, close]));
        }
        let comma = self.w.between(",");
        // From the last element to the first; each part is what follows the elements before it.
        let rest = self.call(shape.element(prefix))?;
        let more = self.w.b.seq(&[comma, rest]);
        let left = max.saturating_sub(prefix as u64).min(MAX_COUNT) as u32;
        let least = shape.min_items.saturating_sub(prefix as u64) as u32;
        let top = if shape.max_items.is_none() { None } else { Some(left) };
        let mut tail;
        if prefix == 0 {
            let more = self.w.b.repeat(more, least.saturating_sub(1), top.map(|top| top - 1));
            let some = self.w.b.seq(&[rest, more]);
            tail = if least == 0 { self.w.b.optional(some) } else { some };
        } else {
            tail = self.w.b.repeat(more, least, top);
            for index in (0..prefix).rev() {
                if index as u64 >= max {
                    tail = self.w.b.empty();
                    continue;
                }
                let element = self.call(shape.element(index))?;
                let some = if index == 0 {
                    self.w.b.seq(&[element, tail])
                } else {
                    self.w.b.seq(&[comma, element, tail])
                };
                let body = if (index as u64) < shape.min_items { some } else { self.w.b.optional(some) };
                tail = self.w.b.named("the rest of an array", body);
            }
        }
        Ok(self.w.b.seq(&[open, tail, close]))
    }

    /// Elements that all differ: each of the listed values at most once.
    fn unique(&mut self, node: u32, shape: &Shape) -> Result<Expr, Refusal> {
        if shape.prefix() > 0 || !shape.contains.is_empty() {
            return self.refuse(node, "uniqueItems", "is not enforced beside `prefixItems` or `contains`");
        }
        let Some(values) = self.finite(shape.element(0), 3)? else {
            return self.refuse(
                node,
                "uniqueItems",
                "is only enforced where the elements' values are listed",
            );
        };
        if values.len() > MAX_UNIQUE {
            return self.refuse(node, "uniqueItems", format!("is enforced for at most {MAX_UNIQUE} values"));
        }
        let comma = self.w.between(",");
        let mut members = Vec::new();
        for value in values {
            let text = self.listing(&[value]);
            let first = self.w.b.rule("an element");
            self.w.b.define(first, text);
            let text = self.w.b.call(first);
            let next = self.w.b.rule("another element");
            let body = self.w.b.seq(&[comma, text]);
            self.w.b.define(next, body);
            members.push(Member { first, next, once: true, required: false });
        }
        let max = shape.max_items.map(|max| max.min(MAX_COUNT) as u32);
        let all = self.w.b.choose(&members, shape.min_items as u32, max);
        let (open, close) = (self.w.open("["), self.w.close("]"));
        Ok(self.w.b.seq(&[open, all, close]))
    }

    /// Arrays of which so many elements fit other schemas as well: a state for each number of
    /// elements (as far as it matters) and of those that fit.
    fn containing(&mut self, shape: &Shape, contains: &[&Contains]) -> Result<Expr, Refusal> {
        let furthest = contains.iter().map(|c| c.from + 1).max().unwrap_or(0).max(shape.prefix());
        let cap = shape.min_items.max(shape.max_items.unwrap_or(0)).max(furthest as u64).max(1);
        let bounds = contains.iter().fold(cap.saturating_add(1), |all, c| {
            all.saturating_mul(c.max.unwrap_or(0).max(c.min).saturating_add(1))
        });
        if bounds > MAX_COUNTING as u64 {
            return self.refuse(contains[0].node, "contains", "is not enforced with such large bounds");
        }
        let comma = self.w.between(",");
        let mut ids: FxMap<(u64, Vec<u64>), u32> = FxMap::default();
        let mut order = vec![(0, vec![0; contains.len()])];
        ids.insert(order[0].clone(), 0);
        let (mut edges, mut accepts) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < order.len() {
            let (length, counts) = order[at].clone();
            let enough = contains.iter().zip(&counts).all(|(c, count)| *count >= c.min);
            accepts.push(enough && length >= shape.min_items);
            at += 1;
            if shape.max_items.is_some_and(|max| length >= max) {
                continue;
            }
            // How the next element can stand to each `contains`.
            let mut ways = vec![(shape.element(length as usize), counts.clone())];
            for (k, c) in contains.iter().enumerate() {
                if (length as usize) < c.from {
                    continue;
                }
                let mut next = Vec::new();
                for (lits, counts) in ways {
                    let done = c.max.is_none() && counts[k] >= c.min;
                    if !done && c.max.is_none_or(|max| counts[k] < max) {
                        let mut counts = counts.clone();
                        counts[k] += 1;
                        next.push(([&lits[..], &[c.lit]].concat(), counts));
                    }
                    let without = if c.max.is_some() { [&lits[..], &[not(c.lit)]].concat() } else { lits };
                    next.push((without, counts));
                }
                ways = next;
            }
            for (lits, counts) in ways {
                if self.none(lits.clone())? {
                    continue;
                }
                let element = self.call(lits)?;
                let element = if length > 0 { self.w.b.seq(&[comma, element]) } else { element };
                let key = ((length + 1).min(cap), counts);
                let next = order.len() as u32;
                let target = *ids.or_insert_with(key.clone(), || next);
                if target == next {
                    order.push(key);
                }
                edges.push((at as u32 - 1, element, target));
            }
        }
        let all = self.w.b.graph(&edges, &accepts);
        let (open, close) = (self.w.open("["), self.w.close("]"));
        Ok(self.w.b.seq(&[open, all, close]))
    }
}
