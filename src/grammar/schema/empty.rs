//! Whether it is certain that no value fits.

use serde_json::Value;

use super::language::{Wanted, product};
use super::shape::*;
use super::{Compiler, Lit, Refusal, Sub, decimal};

/// How deep emptiness is looked for.
pub(super) const EMPTY_DEPTH: usize = 5;
/// Most ways of choices that are looked into together.
const MAX_WAYS: usize = 64;

impl Compiler<'_, '_> {
    /// Whether it is certain that no value fits. `false` says nothing.
    pub(super) fn never(&mut self, sub: &Sub, depth: usize) -> Result<bool, Refusal> {
        let number = self.subs.number(sub);
        if let Some((known, looked)) = self.subs.known(number).empty
            && (known || usize::from(looked) >= depth)
        {
            return Ok(known);
        }
        let found = self.is_never(sub, depth)?;
        self.subs.known(number).empty = Some((found, depth as u8));
        Ok(found)
    }

    pub(super) fn none(&mut self, lits: Vec<Lit>) -> Result<bool, Refusal> {
        self.never(&Sub::of(lits), EMPTY_DEPTH)
    }

    fn is_never(&mut self, sub: &Sub, depth: usize) -> Result<bool, Refusal> {
        let shape = self.read(sub)?;
        if shape.types == 0 {
            return Ok(true);
        }
        if let Some(values) = &shape.values {
            return Ok(!self.any_fits(sub, values)?);
        }
        if depth == 0 {
            return Ok(false);
        }
        let bare = (shape.types & NULL != 0 && !shape.except.iter().any(|said| said.value.is_null()))
            || (shape.types & BOOLEAN != 0
                && [true, false].into_iter().any(|b| shape.except.iter().all(|s| s.value != Value::Bool(b))))
            || (shape.types & NUMBER != 0 && !no_number(&shape))
            || (shape.types & STRING != 0 && !self.no_string(sub, &shape)?)
            || (shape.types & ARRAY != 0 && !self.no_array(&shape, depth)?)
            || (shape.types & OBJECT != 0 && !self.no_object(&shape, depth)?);
        if !bare {
            return Ok(true);
        }
        let ways: usize = shape.choices.iter().map(|choice| choice.ways.len()).sum();
        let looked_at = if ways > MAX_WAYS { 1 } else { shape.choices.len() };
        for choice in shape.choices.iter().take(looked_at) {
            let made = sub.clone().with_made(choice.id);
            let mut none = true;
            for way in &choice.ways {
                none = none && self.never(&made.with(way), depth - 1)?;
            }
            if none {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn no_string(&mut self, sub: &Sub, shape: &Shape) -> Result<bool, Refusal> {
        if shape.max_length.is_some_and(|max| max < shape.min_length) {
            return Ok(true);
        }
        if shape.patterns.is_empty() {
            return Ok(false);
        }
        let mut wanted = Wanted { min: shape.min_length, max: shape.max_length, ..Wanted::default() };
        for said in &shape.patterns {
            wanted.add(&said.value.0, said.value.1);
        }
        if shape.patterns.len() == 1 && wanted.none.is_empty() {
            let (least, most) = wanted.all[0].lengths();
            let short = most.is_some_and(|most| most < shape.min_length);
            return Ok(short || shape.max_length.is_some_and(|max| least > max));
        }
        self.step(sub.lits.first().copied().unwrap_or(0), 50)?;
        Ok(product(&wanted).is_some_and(|dfa| dfa.is_empty()))
    }

    fn no_array(&mut self, shape: &Shape, depth: usize) -> Result<bool, Refusal> {
        if shape.max_items.is_some_and(|max| max < shape.min_items) {
            return Ok(true);
        }
        for index in 0..shape.min_items.min(shape.prefix() as u64 + 1) {
            if self.never(&Sub::of(shape.element(index as usize)), depth - 1)? {
                return Ok(true);
            }
        }
        for contains in shape.contains.iter().filter(|contains| contains.min > 0) {
            let few = shape.max_items.is_some_and(|max| max < contains.min + contains.from as u64);
            if few || contains.max.is_some_and(|max| max < contains.min) {
                return Ok(true);
            }
            let mut none = true;
            for index in contains.from..=shape.prefix().max(contains.from) {
                let mut lits = shape.element(index);
                lits.push(contains.lit);
                none = none && self.never(&Sub::of(lits), depth - 1)?;
            }
            if none {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn no_object(&mut self, shape: &Shape, depth: usize) -> Result<bool, Refusal> {
        if let Some(max) = &shape.max_properties
            && (max.value < shape.min_properties.value || max.value < shape.required.len() as u64)
        {
            return Ok(true);
        }
        for name in &shape.required {
            if shape.lacks.contains(name) || self.never(&Sub::of(shape.property(name)), depth - 1)? {
                return Ok(true);
            }
            for said in &shape.names_fit {
                if !self.fits(said.value, &Value::from(name.as_str()), &mut Vec::new())? {
                    return Ok(true);
                }
            }
        }
        // A property that no schema of a closed object names.
        for some in shape.others.iter().chain(&shape.unknown) {
            if self.never(&Sub::of([some.lit]), depth - 1)? {
                return Ok(true);
            }
            let closed = shape.objects.iter().filter(|part| part.patterns.is_empty());
            for part in closed {
                let Some(rest) = part.additional else { continue };
                let open = part.properties.iter().any(|(name, _)| some.covers(name))
                    && shape.others.iter().any(|other| other.fact == some.fact);
                if !open && self.never(&Sub::of([rest]), depth - 1)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

fn no_number(shape: &Shape) -> bool {
    let (low, high) = (shape.low.as_ref(), shape.high.as_ref());
    decimal::empty(low, high)
        || (shape.integer && shape.fraction)
        || (shape.integer && decimal::no_integer(low, high))
}
