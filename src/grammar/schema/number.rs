//! The texts of all numbers between two ends.

use super::decimal::{Bound, Decimal};
use crate::grammar::{Expr, GrammarBuilder};

/// Most digits before the point of a number without an upper bound.
const MAX_DIGITS: usize = 20;
/// Digits that a double holds without loss.
pub(super) const EXACT_DIGITS: usize = 15;

/// The plain decimal texts of all numbers between the ends: no exponent, no leading zeros, no `-0`, at
/// most 20 digits before the point where there is no end. After the point stand so many digits that
/// readers that use doubles see the number on the right side of the ends.
pub(super) fn range(
    b: &mut GrammarBuilder,
    low: Option<&Bound>,
    high: Option<&Bound>,
    integer: bool,
) -> Expr {
    let places = if integer { Some(0) } else { None };
    between(b, low, high, places, false)
}

/// As [`range`], without whole numbers.
pub(super) fn fractions(b: &mut GrammarBuilder, low: Option<&Bound>, high: Option<&Bound>) -> Expr {
    between(b, low, high, None, true)
}

/// As [`range`], with at most so many digits behind the point.
pub(super) fn decimals(
    b: &mut GrammarBuilder,
    low: Option<&Bound>,
    high: Option<&Bound>,
    places: u32,
) -> Expr {
    between(b, low, high, Some(places as usize), false)
}

fn between(
    b: &mut GrammarBuilder,
    low: Option<&Bound>,
    high: Option<&Bound>,
    most: Option<usize>,
    fraction: bool,
) -> Expr {
    let digits = [low, high].into_iter().flatten().map(|end| end.at.whole.len() + 1).max().unwrap_or(1);
    let places = most.unwrap_or(EXACT_DIGITS.saturating_sub(digits));
    let zero = Bound { at: Decimal::zero(), inclusive: true };
    let mut parts = Vec::new();
    if high.is_none_or(|high| !high.at.negative) {
        let low = low.filter(|low| !low.at.negative).unwrap_or(&zero);
        parts.push(Digits { b, low, high, places, fraction }.all());
    }
    if low.is_none_or(|low| low.at.negative) {
        let sign = b.literal("-");
        let above = Bound { at: Decimal::zero(), inclusive: false };
        let nearest = high.filter(|high| high.at.negative).map_or(above, Bound::negated);
        let farthest = low.map(Bound::negated);
        let size = Digits { b, low: &nearest, high: farthest.as_ref(), places, fraction }.all();
        parts.push(b.seq(&[sign, size]));
    }
    b.alt(&parts)
}

/// Texts of non-negative numbers; `t.0` / `t.1` say that the digits so far equal those of the low / high
/// end.
struct Digits<'a> {
    b: &'a mut GrammarBuilder,
    low: &'a Bound,
    high: Option<&'a Bound>,
    places: usize,
    /// Some digit behind the point is not zero.
    fraction: bool,
}

impl Digits<'_> {
    fn all(mut self) -> Expr {
        let shortest = self.low.at.whole.len();
        let longest = self.high.map_or(MAX_DIGITS.max(shortest), |high| high.at.whole.len());
        let parts: Vec<Expr> = (shortest..=longest)
            .map(|len| {
                let tight = (len == shortest, self.high.is_some_and(|high| len == high.at.whole.len()));
                self.whole(len, 0, tight)
            })
            .collect();
        self.b.alt(&parts)
    }

    fn whole(&mut self, len: usize, at: usize, tight: (bool, bool)) -> Expr {
        if at == len {
            return self.end_or_point(tight);
        }
        if tight == (false, false) && at > 0 {
            let digit = self.b.bytes(&[(b'0', b'9')]);
            let rest = self.b.repeat(digit, (len - at) as u32, Some((len - at) as u32));
            let end = self.end_or_point(tight);
            return self.b.seq(&[rest, end]);
        }
        let least = u8::from(at == 0 && len > 1);
        let low = if tight.0 { self.low.at.whole[at] } else { least };
        let high = if tight.1 { self.high.map_or(9, |high| high.at.whole[at]) } else { 9 };
        self.digit(low, high, tight, |this, tight, _| this.whole(len, at + 1, tight))
    }

    fn digit(
        &mut self,
        low: u8,
        high: u8,
        tight: (bool, bool),
        mut next: impl FnMut(&mut Self, (bool, bool), u8) -> Expr,
    ) -> Expr {
        let mut parts = Vec::new();
        let mut from = low;
        while from <= high {
            let now = (tight.0 && from == low, tight.1 && from == high);
            // Digits between the tight ones are alike.
            let mut to = if now == (false, false) { if tight.1 { high - 1 } else { high } } else { from };
            if self.fraction && from == 0 {
                to = 0;
            }
            let digit = self.b.bytes(&[(b'0' + from, b'0' + to)]);
            let rest = next(self, now, from);
            parts.push(self.b.seq(&[digit, rest]));
            from = to + 1;
        }
        self.b.alt(&parts)
    }

    /// Whether the number may end after `places` digits behind the point.
    fn may_end(&self, places: usize, tight: (bool, bool)) -> bool {
        let rest = |end: &Bound| end.at.part.len() > places;
        (!tight.0 || (!rest(self.low) && self.low.inclusive))
            && (!tight.1 || self.high.is_none_or(|high| rest(high) || high.inclusive))
    }

    fn end_or_point(&mut self, tight: (bool, bool)) -> Expr {
        let mut parts = Vec::new();
        if !self.fraction && self.may_end(0, tight) {
            parts.push(self.b.empty());
        }
        if self.places > 0 {
            let point = self.b.literal(".");
            let rest = self.part(0, tight, false);
            parts.push(self.b.seq(&[point, rest]));
        }
        self.b.alt(&parts)
    }

    /// `seen`: a digit behind the point is not zero.
    fn part(&mut self, at: usize, tight: (bool, bool), seen: bool) -> Expr {
        if tight == (false, false) && (seen || !self.fraction) {
            let digit = self.b.bytes(&[(b'0', b'9')]);
            return self.b.repeat(digit, u32::from(at == 0), Some((self.places - at) as u32));
        }
        let mut parts = Vec::new();
        if at > 0 && self.may_end(at, tight) && (seen || !self.fraction) {
            parts.push(self.b.empty());
        }
        if at < self.places {
            let of = |end: &Bound| end.at.part.get(at).copied().unwrap_or(0);
            let low = if tight.0 { of(self.low) } else { 0 };
            let high = if tight.1 { self.high.map_or(9, of) } else { 9 };
            let next = |this: &mut Self, tight, digit| this.part(at + 1, tight, seen || digit > 0);
            parts.push(self.digit(low, high, tight, next));
        }
        self.b.alt(&parts)
    }
}

/// Any number: at most 20 digits on each side of the point and an exponent of at most two.
pub(super) fn unbounded(b: &mut GrammarBuilder) -> Expr {
    let digit = b.bytes(&[(b'0', b'9')]);
    let whole = range(b, None, None, true);
    let point = b.literal(".");
    let places = b.repeat(digit, 1, Some(MAX_DIGITS as u32));
    let part = b.seq(&[point, places]);
    let part = b.optional(part);
    let e = b.bytes(&[(b'e', b'e'), (b'E', b'E')]);
    let sign = b.bytes(&[(b'+', b'+'), (b'-', b'-')]);
    let sign = b.optional(sign);
    let power = b.repeat(digit, 1, Some(2));
    let exponent = b.seq(&[e, sign, power]);
    let exponent = b.optional(exponent);
    b.seq(&[whole, part, exponent])
}

#[cfg(test)]
mod tests;
