//! The texts of objects.

use std::rc::Rc;

use serde_json::Value;

use super::emit::MAX_COUNT;
use super::language::{MAX_MARKS, Wanted, product};
use super::pattern::{Pattern, Regex};
use super::shape::*;
use super::{Compiler, Lit, Refusal, Sub, text};
use crate::grammar::{Expr, Member};

/// Most states that counting properties may take.
const MAX_COUNTING: u64 = 20_000;
/// Most properties without a name that must be there.
const MAX_UNKNOWN: usize = 3;

/// What `propertyNames` asks of names.
#[derive(Default)]
struct Names {
    /// The only names, if they are listed.
    only: Option<Vec<String>>,
    patterns: Vec<(Rc<Pattern>, bool)>,
    except: Vec<String>,
    min: u64,
    max: Option<u64>,
}

impl Names {
    fn free(&self) -> bool {
        self.patterns.is_empty() && self.except.is_empty() && self.min == 0 && self.max.is_none()
    }
}

/// What an object is made of.
struct Members {
    /// Those with known names: key, colon and value; required or not.
    named: Vec<(Expr, bool)>,
    /// Any one without a known name.
    other: Option<Expr>,
    /// Those without a known name that must be there.
    unknown: Vec<Expr>,
}

impl Compiler<'_, '_> {
    pub(super) fn object(&mut self, shape: &Shape) -> Result<Expr, Refusal> {
        let Some(members) = self.members(shape)? else { return Ok(self.w.b.never()) };
        let (min, max) = (shape.min_properties.value, shape.max_properties.as_ref().map(|said| said.value));
        let needed = members.named.iter().filter(|(_, required)| *required).count() as u64;
        let fixed = needed + members.unknown.len() as u64;
        if max.is_some_and(|max| max < fixed) || min > MAX_COUNT {
            return Ok(self.w.b.never());
        }
        // Two names of one kind could be the same name, which is one property.
        if members.other.is_some() && min > needed + 1 {
            return self.refuse(
                shape.min_properties.node,
                "minProperties",
                "is only enforced up to one property more than `required` where names are free",
            );
        }
        let (open, close) = (self.w.open("{"), self.w.close("}"));
        let inside = if self.any_order {
            self.in_any_order(&members, min, max)
        } else {
            let counts = min > fixed
                || max.is_some_and(|max| members.other.is_some() || max < members.named.len() as u64);
            match (counts, members.unknown.is_empty()) {
                (false, _) => self.in_order(&members),
                (true, true) => self.counted(shape, &members, min, max)?,
                (true, false) => {
                    let node = shape.unknown[0].node;
                    return self.refuse(
                        node,
                        "maxProperties",
                        "is not enforced with what else is asked here",
                    );
                }
            }
        };
        Ok(self.w.b.seq(&[open, inside, close]))
    }

    /// The parts of an object; none when nothing fits.
    fn members(&mut self, shape: &Shape) -> Result<Option<Members>, Refusal> {
        let allowed = self.names(shape)?;
        let mut names: Vec<String> = shape.names().into_iter().map(str::to_owned).collect();
        if let Some(only) = &allowed.only {
            names.extend(only.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>());
        }
        let colon = self.w.between(":");
        let mut named = Vec::new();
        for name in &names {
            let mut fits = !shape.lacks.contains(name);
            for said in &shape.names_fit {
                fits = fits && self.fits(said.value, &Value::from(name.as_str()), &mut Vec::new())?;
            }
            let lits = shape.property(name);
            if !fits || self.none(lits.clone())? {
                if shape.is_required(name) {
                    return Ok(None);
                }
                continue;
            }
            let key = self.w.b.literal(text::spelled(name));
            let value = self.call(lits)?;
            named.push((self.w.b.seq(&[key, colon, value]), shape.is_required(name)));
        }
        let known: Vec<&str> = names.iter().chain(&shape.lacks).map(String::as_str).collect();
        let other = self.others(shape, &allowed, &known, None)?;
        if shape.unknown.len() > MAX_UNKNOWN {
            return self.refuse(shape.unknown[0].node, "additionalProperties", "asks for too much at once");
        }
        let mut unknown = Vec::new();
        for some in &shape.unknown {
            match self.others(shape, &allowed, &known, Some(some))? {
                Some(member) => unknown.push(member),
                None => return Ok(None),
            }
        }
        Ok(Some(Members { named, other, unknown }))
    }

    fn names(&mut self, shape: &Shape) -> Result<Names, Refusal> {
        let mut names = Names::default();
        for said in &shape.names_fit {
            let inner = self.read(&Sub::of([said.value]))?;
            if let Some(values) = self.finite(vec![said.value], 3)? {
                let values = values.iter().filter_map(Value::as_str).map(str::to_owned);
                names.only = Some(match names.only.take() {
                    None => values.collect(),
                    Some(known) => values.filter(|name| known.contains(name)).collect(),
                });
                continue;
            }
            if inner.types & STRING == 0 {
                names.only = Some(Vec::new());
                continue;
            }
            if !inner.choices.is_empty() || !inner.others.is_empty() {
                let what = "is only enforced for lists of names, patterns and lengths";
                return self.refuse(said.node, "propertyNames", what);
            }
            names.patterns.extend(inner.patterns.into_iter().map(|said| said.value));
            names.except.extend(inner.except.iter().filter_map(|s| s.value.as_str()).map(str::to_owned));
            names.min = names.min.max(inner.min_length);
            names.max = match (names.max, inner.max_length) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        Ok(names)
    }

    /// Key, colon and value of any property that is none of `known`: by which patterns its name
    /// matches. With `some`, of those that it asks for.
    fn others(
        &mut self,
        shape: &Shape,
        names: &Names,
        known: &[&str],
        some: Option<&Some1>,
    ) -> Result<Option<Expr>, Refusal> {
        if names.only.is_some() {
            return Ok(None);
        }
        let mut patterns: Vec<&Rc<Pattern>> = Vec::new();
        for (pattern, _) in shape.objects.iter().flat_map(|part| &part.patterns) {
            if !patterns.contains(&pattern) {
                patterns.push(pattern);
            }
        }
        let value = |label: u32| -> Vec<Lit> {
            let mut lits = Vec::new();
            for part in &shape.objects {
                let matching: Vec<Lit> = part
                    .patterns
                    .iter()
                    .filter(|(pattern, _)| {
                        patterns.iter().position(|p| *p == pattern).is_some_and(|i| label >> i & 1 == 1)
                    })
                    .map(|(_, lit)| *lit)
                    .collect();
                if matching.is_empty() { lits.extend(part.additional) } else { lits.extend(matching) }
            }
            lits.extend(some.map(|some| some.lit));
            lits
        };
        let colon = self.w.between(":");
        let plain = names.free() && some.is_none_or(|s| s.matching.is_none() && s.not_matching.is_empty());
        if plain && patterns.is_empty() {
            let lits = value(0);
            if self.none(lits.clone())? {
                return Ok(None);
            }
            let mut keys = known.to_vec();
            keys.extend(some.into_iter().flat_map(|s| &s.not_named).map(String::as_str));
            let key = self.w.other_than(&keys);
            let (key, value) = (self.w.quoted(key), self.call(lits)?);
            return Ok(Some(self.w.b.seq(&[key, colon, value])));
        }
        if plain
            && some.is_none()
            && let [pattern] = patterns[..]
            && let Some(regex) = pattern.plain()
            && !known.iter().any(|name| pattern.matches(name))
            && self.none(value(0))?
        {
            let lits = value(1);
            if self.none(lits.clone())? {
                return Ok(None);
            }
            let key = regex.lower(&mut self.w);
            let (key, value) = (self.w.quoted(key), self.call(lits)?);
            return Ok(Some(self.w.b.seq(&[key, colon, value])));
        }
        let node = shape.objects.iter().find(|part| !part.patterns.is_empty()).map(|part| part.node);
        let node =
            node.or(some.map(|s| s.node)).or(shape.names_fit.first().map(|said| said.node)).unwrap_or(0);
        if patterns.len() > MAX_MARKS || patterns.iter().any(|pattern| !pattern.ahead.is_empty()) {
            let what = format!("is enforced for at most {MAX_MARKS} patterns, none that looks ahead");
            return self.refuse(node, "patternProperties", what);
        }
        let mut except: Vec<&str> = known.to_vec();
        except.extend(names.except.iter().map(String::as_str));
        except.extend(some.into_iter().flat_map(|s| &s.not_named).map(String::as_str));
        let except = Regex::texts(except);
        let mut wanted = Wanted { min: names.min, max: names.max, ..Wanted::default() };
        wanted.marks = patterns.iter().map(|pattern| &pattern.main).collect();
        wanted.none.push(&except);
        let asked = some.and_then(|s| s.matching.as_ref()).map(|pattern| (pattern.clone(), true));
        let refused = some.into_iter().flat_map(|s| &s.not_matching).map(|pattern| (pattern.clone(), false));
        let of_names: Vec<(Rc<Pattern>, bool)> =
            names.patterns.iter().cloned().chain(asked).chain(refused).collect();
        for (pattern, yes) in &of_names {
            if !wanted.add(pattern, *yes) {
                return self.refuse(
                    node,
                    "patternProperties",
                    "a pattern that looks ahead is not turned round",
                );
            }
        }
        let Some(dfa) = product(&wanted) else {
            return self.refuse(node, "patternProperties", "the patterns are too large together");
        };
        let mut classes: Vec<(Vec<Lit>, Vec<u32>)> = Vec::new();
        for label in dfa.labels() {
            let lits = value(label);
            if self.none(lits.clone())? {
                continue;
            }
            match classes.iter_mut().find(|(known, _)| *known == lits) {
                Some((_, labels)) => labels.push(label),
                None => classes.push((lits, vec![label])),
            }
        }
        let mut parts = Vec::new();
        for (lits, labels) in classes {
            let key = self.w.strings(&dfa.only(&labels));
            let (key, value) = (self.w.quoted(key), self.call(lits)?);
            parts.push(self.w.b.seq(&[key, colon, value]));
        }
        Ok((!parts.is_empty()).then(|| self.w.b.alt(&parts)))
    }

    /// Members in the order of their names, others behind them: a state for "member i or a later one
    /// comes" and one for "the one before i was written", so that each member is written once.
    fn in_order(&mut self, members: &Members) -> Expr {
        if !members.unknown.is_empty() {
            return self.in_order_with_unknown(members);
        }
        let (comma, nothing) = (self.w.between(","), self.w.b.empty());
        let count = members.named.len();
        let (comes, written) = (|i: usize| 1 + i as u32, |i: usize| (2 + count + i) as u32);
        let mut edges = vec![(0, nothing, comes(0))];
        for (i, &(member, required)) in members.named.iter().enumerate() {
            edges.push((comes(i), member, written(i + 1)));
            if !required {
                edges.push((comes(i), nothing, comes(i + 1)));
            }
        }
        edges.extend(members.other.map(|other| (comes(count), other, written(count))));
        let last = if members.other.is_some() { count + 1 } else { count };
        let from = if members.other.is_some() { count.min(1) } else { 1 };
        edges.extend((from..last).map(|i| (written(i), comma, comes(i))));
        // The end is legal where nothing that is required is left.
        let needed = members.named.iter().rposition(|(_, required)| *required).map_or(0, |at| at + 1);
        let mut accepts = vec![false; 3 + 2 * count];
        accepts[0] = needed == 0;
        for i in needed.max(from)..=count {
            accepts[written(i) as usize] = true;
        }
        self.w.b.graph(&edges, &accepts)
    }

    /// As [`in_order`](Self::in_order), where members without known names must be there.
    fn in_order_with_unknown(&mut self, members: &Members) -> Expr {
        let comma = self.w.between(",");
        // `first`: members from here on, none written yet; `more`: some written.
        let (mut first, mut more) = self.tail(members, comma);
        for &(member, required) in members.named.iter().rev() {
            let start = self.w.b.seq(&[member, more]);
            let go_on = self.w.b.seq(&[comma, member, more]);
            let (one, two) = if required {
                (start, go_on)
            } else {
                (self.w.b.alt(&[start, first]), self.w.b.alt(&[go_on, more]))
            };
            first = self.w.b.named("the members of an object", one);
            more = self.w.b.named("more members of an object", two);
        }
        first
    }

    /// Members without known names, where none and where some are written before.
    fn tail(&mut self, members: &Members, comma: Expr) -> (Expr, Expr) {
        // A state for each set of those that must be there still; the last one is the start of nothing
        // written.
        let count = members.unknown.len();
        let full = (1u32 << count) - 1;
        let mut edges = Vec::new();
        for state in 0..=full {
            if let Some(other) = members.other {
                edges.push((state, self.w.b.seq(&[comma, other]), state));
            }
            for (i, &member) in members.unknown.iter().enumerate() {
                edges.push((state, self.w.b.seq(&[comma, member]), state | 1 << i));
            }
        }
        let mut accepts = vec![false; full as usize + 1];
        accepts[full as usize] = true;
        let more = self.w.b.graph(&edges, &accepts);
        // The same with a state 0 of its own, from which no comma is written.
        let mut shifted: Vec<(u32, Expr, u32)> = edges.iter().map(|(a, e, b)| (a + 1, *e, b + 1)).collect();
        shifted.extend(members.other.map(|other| (0, other, 1)));
        shifted.extend(members.unknown.iter().enumerate().map(|(i, &member)| (0, member, (1 << i) + 1)));
        accepts.insert(0, false);
        (self.w.b.graph(&shifted, &accepts), more)
    }

    /// As [`in_order`](Self::in_order), with the number of members counted as far as it matters.
    fn counted(
        &mut self,
        shape: &Shape,
        members: &Members,
        min: u64,
        max: Option<u64>,
    ) -> Result<Expr, Refusal> {
        let comma = self.w.between(",");
        let known = members.named.len() as u64;
        let cap =
            max.unwrap_or(min).min(if members.other.is_some() { known.max(min) + 1 } else { known + 1 });
        if (known + 1) * (cap + 1) > MAX_COUNTING {
            let node = shape.max_properties.as_ref().map_or(shape.min_properties.node, |said| said.node);
            let keyword = if max.is_some() { "maxProperties" } else { "minProperties" };
            return self.refuse(node, keyword, "is not enforced with so many properties");
        }
        let mut rest: Vec<Expr> = Vec::new();
        for count in 0..=cap {
            let least = min.saturating_sub(count);
            let most = max.map(|max| max.saturating_sub(count).min(MAX_COUNT) as u32);
            rest.push(match members.other {
                _ if least > 1 || (least == 1 && (most == Some(0) || members.other.is_none())) => {
                    self.w.b.never()
                }
                None => self.w.b.empty(),
                Some(_) if most == Some(0) => self.w.b.empty(),
                Some(other) => {
                    let next = self.w.b.seq(&[comma, other]);
                    if count > 0 {
                        self.w.b.repeat(next, least as u32, most)
                    } else {
                        let more = self.w.b.repeat(next, 0, most.map(|most| most - 1));
                        let some = self.w.b.seq(&[other, more]);
                        if least == 0 { self.w.b.optional(some) } else { some }
                    }
                }
            });
        }
        for &(member, required) in members.named.iter().rev() {
            let mut now = Vec::new();
            for count in 0..=cap {
                let mut ways = Vec::new();
                if max.is_none_or(|max| count < max) {
                    let then = rest[(count + 1).min(cap) as usize];
                    ways.push(if count == 0 {
                        self.w.b.seq(&[member, then])
                    } else {
                        self.w.b.seq(&[comma, member, then])
                    });
                }
                if !required {
                    ways.push(rest[count as usize]);
                }
                let body = self.w.b.alt(&ways);
                now.push(self.w.b.named("counted members of an object", body));
            }
            rest = now;
        }
        Ok(rest[0])
    }

    fn in_any_order(&mut self, members: &Members, min: u64, max: Option<u64>) -> Expr {
        let comma = self.w.between(",");
        let named = members.named.iter().map(|&(member, required)| (member, true, required));
        let unknown = members.unknown.iter().map(|&member| (member, true, true));
        let other = members.other.map(|member| (member, false, false));
        let all: Vec<(Expr, bool, bool)> = named.chain(unknown).chain(other).collect();
        let mut parts = Vec::new();
        for (member, once, required) in all {
            let first = self.w.b.rule("a member");
            self.w.b.define(first, member);
            let member = self.w.b.call(first);
            let next = self.w.b.rule("another member");
            let body = self.w.b.seq(&[comma, member]);
            self.w.b.define(next, body);
            parts.push(Member { first, next, once, required });
        }
        self.w.b.choose(&parts, min.min(MAX_COUNT) as u32, max.map(|max| max.min(MAX_COUNT) as u32))
    }
}
