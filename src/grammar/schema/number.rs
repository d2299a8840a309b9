//! Decimal numbers, and the texts of all numbers between two of them.

use serde_json::Number;

use crate::grammar::{Expr, GrammarBuilder};

/// Most digits before the point of a number without an upper bound.
const MAX_DIGITS: usize = 20;
/// Digits that a double holds without loss.
const EXACT_DIGITS: usize = 15;

/// An exact decimal number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Digits before the point, no leading zeros except a single one.
    whole: Vec<u8>,
    /// Digits after the point, no trailing zeros.
    part: Vec<u8>,
}

impl Decimal {
    pub(super) fn zero() -> Decimal {
        Decimal { negative: false, whole: vec![0], part: Vec::new() }
    }

    /// `None` if its exponent is beyond all reason.
    pub(super) fn read(number: &Number) -> Option<Decimal> {
        let text = number.to_string();
        let (text, negative) = match text.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (text.as_str(), false),
        };
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        if exponent.abs() > 60 {
            return None;
        }
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let mut all: Vec<u8> = whole.bytes().chain(part.bytes()).map(|b| b.wrapping_sub(b'0')).collect();
        let mut point = whole.len() as i32 + exponent;
        while point <= 0 {
            all.insert(0, 0);
            point += 1;
        }
        while all.len() < point as usize {
            all.push(0);
        }
        let mut part = all.split_off(point as usize);
        while part.last() == Some(&0) {
            part.pop();
        }
        let zeros = all.iter().take_while(|d| **d == 0).count().min(all.len() - 1);
        all.drain(..zeros);
        let zero = part.is_empty() && all == [0];
        Some(Decimal { negative: negative && !zero, whole: all, part })
    }

    pub(super) fn is_integer(&self) -> bool {
        self.part.is_empty()
    }

    /// The value if it is a small whole number.
    pub(super) fn to_i64(&self) -> Option<i64> {
        if !self.is_integer() || self.whole.len() > 18 {
            return None;
        }
        let value = self.whole.iter().fold(0i64, |n, d| n * 10 + i64::from(*d));
        Some(if self.negative { -value } else { value })
    }

    /// The greatest whole number that is not above it, if it is small.
    pub(super) fn floor_i64(&self) -> Option<i64> {
        let whole = Decimal { part: Vec::new(), ..self.clone() }.to_i64()?;
        Some(if self.negative && !self.part.is_empty() { whole - 1 } else { whole })
    }

    fn key(&self) -> (usize, &[u8], &[u8]) {
        (self.whole.len(), &self.whole, &self.part)
    }

    fn negated(&self) -> Decimal {
        Decimal { negative: !self.negative && *self != Decimal::zero(), ..self.clone() }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> std::cmp::Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.key().cmp(&other.key()),
            (true, true) => other.key().cmp(&self.key()),
            (false, true) => std::cmp::Ordering::Greater,
            (true, false) => std::cmp::Ordering::Less,
        }
    }
}

/// An end of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    pub(super) at: Decimal,
    pub(super) inclusive: bool,
}

impl Bound {
    /// The narrower of two lower ends.
    pub(super) fn higher(self, other: Bound) -> Bound {
        let narrower = other.at > self.at || (other.at == self.at && !other.inclusive);
        if narrower { other } else { self }
    }

    /// The narrower of two upper ends.
    pub(super) fn lower(self, other: Bound) -> Bound {
        let narrower = other.at < self.at || (other.at == self.at && !other.inclusive);
        if narrower { other } else { self }
    }

    fn negated(&self) -> Bound {
        Bound { at: self.at.negated(), inclusive: self.inclusive }
    }
}

/// Whether a number lies between the ends.
pub(super) fn within(at: &Decimal, low: Option<&Bound>, high: Option<&Bound>) -> bool {
    low.is_none_or(|low| *at > low.at || (low.inclusive && *at == low.at))
        && high.is_none_or(|high| *at < high.at || (high.inclusive && *at == high.at))
}

/// Whether no number lies between the ends.
pub(super) fn empty(low: Option<&Bound>, high: Option<&Bound>) -> bool {
    match (low, high) {
        (Some(low), Some(high)) => {
            low.at > high.at || (low.at == high.at && !(low.inclusive && high.inclusive))
        }
        _ => false,
    }
}

/// Whether no whole number lies between the ends (`false` says nothing when they are far apart).
pub(super) fn no_integer(low: Option<&Bound>, high: Option<&Bound>) -> bool {
    let (Some(low), Some(high)) = (low, high) else { return false };
    let (Some(from), Some(to)) = (low.at.floor_i64(), high.at.floor_i64()) else { return false };
    to - from <= 2
        && !(from..=to)
            .any(|n| Decimal::read(&Number::from(n)).is_some_and(|n| within(&n, Some(low), Some(high))))
}

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

/// Largest size of a step without ends.
pub(super) const MAX_STEP: i128 = 1000;

/// A step of `multipleOf`: `size` / 10^`places`, both without common tens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) size: i128,
    pub(super) places: u32,
}

impl Step {
    /// `None` for what is not above 0, or of too many digits.
    pub(super) fn read(value: &Decimal) -> Option<Step> {
        if value.negative || *value == Decimal::zero() || value.part.len() > 9 || value.whole.len() > 9 {
            return None;
        }
        let places = value.part.len() as u32;
        Some(Step { size: value.scaled(places)?, places })
    }

    /// The least common step.
    pub(super) fn common(self, other: Step) -> Option<Step> {
        let places = self.places.max(other.places);
        let a = self.size * 10i128.pow(places - self.places);
        let b = other.size * 10i128.pow(places - other.places);
        let mut step = Step { size: a / gcd(a, b) * b, places };
        while step.places > 0 && step.size % 10 == 0 {
            step = Step { size: step.size / 10, places: step.places - 1 };
        }
        (step.size <= 10i128.pow(12)).then_some(step)
    }

    /// How many steps fit below a number, if it is not huge.
    pub(super) fn index(self, at: &Decimal) -> Option<i128> {
        let places = self.places.max(at.part.len() as u32);
        let size = self.size.checked_mul(10i128.checked_pow(places - self.places)?)?;
        Some(at.scaled(places)?.div_euclid(size))
    }

    /// So many steps.
    pub(super) fn value(self, n: i128) -> Option<Decimal> {
        Decimal::read(&self.spell(n).parse().ok()?)
    }

    /// The shortest text of so many steps.
    pub(super) fn spell(self, n: i128) -> String {
        let all = n * self.size;
        let unit = 10i128.pow(self.places);
        let (whole, part) = (all.abs() / unit, all.abs() % unit);
        let part = if part == 0 { String::new() } else { format!(".{part:0w$}", w = self.places as usize) };
        format!("{}{whole}{}", if all < 0 { "-" } else { "" }, part.trim_end_matches('0'))
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Decimal {
    /// The number times 10^`places`, where that is whole and not huge.
    fn scaled(&self, places: u32) -> Option<i128> {
        if self.part.len() > places as usize || self.whole.len() + places as usize > 36 {
            return None;
        }
        let zeros = std::iter::repeat_n(&0, places as usize - self.part.len());
        let all = self.whole.iter().chain(&self.part).chain(zeros);
        let value = all.fold(0i128, |n, d| n * 10 + i128::from(*d));
        Some(if self.negative { -value } else { value })
    }
}

/// Whether a number is a multiple of another; `None` where they are too large or too fine to tell.
pub(super) fn is_multiple(at: &Decimal, of: &Decimal) -> Option<bool> {
    let places = at.part.len().max(of.part.len()) as u32;
    let (at, of) = (at.scaled(places)?, of.scaled(places)?);
    (of != 0).then(|| at % of == 0)
}

/// Multiples of a step (its size at most [`MAX_STEP`]) of at most 15 digits: negative ones, positive
/// ones, zero.
pub(super) fn multiples(
    b: &mut GrammarBuilder,
    step: Step,
    negative: bool,
    positive: bool,
    zero: bool,
) -> Expr {
    let size = step.size as u32;
    let digits: Vec<Expr> = (b'0'..=b'9').map(|digit| b.bytes(&[(digit, digit)])).collect();
    // What may follow digits before the point with a remainder, from the last place to the first; a
    // number may end where the places that are left out make it a multiple.
    let fits = |remainder: u32, left: u32| (i128::from(remainder) * 10i128.pow(left)) % i128::from(size) == 0;
    let layer = |b: &mut GrammarBuilder,
                 after: &[Expr],
                 ends: &dyn Fn(&mut GrammarBuilder, u32) -> Vec<Expr>| {
        let all: Vec<Expr> = (0..size)
            .map(|remainder| {
                let mut parts: Vec<Expr> = (0..10u32)
                    .map(|digit| {
                        b.seq(&[digits[digit as usize], after[((remainder * 10 + digit) % size) as usize]])
                    })
                    .collect();
                parts.extend(ends(b, remainder));
                let body = b.alt(&parts);
                b.named("a multiple", body)
            })
            .collect();
        all
    };
    let (none, end) = (b.never(), b.empty());
    let mut after: Vec<Expr> = (0..size).map(|r| if r == 0 { end } else { none }).collect();
    for left in 1..=step.places {
        // The first digit behind the point must stand.
        let last = left == step.places;
        after = layer(b, &after, &|_, r| if !last && fits(r, left) { vec![end] } else { Vec::new() });
    }
    let point = b.literal(".");
    let behind: Vec<Option<Expr>> = match step.places {
        0 => vec![None; size as usize],
        _ => after.iter().map(|rest| Some(b.seq(&[point, *rest]))).collect(),
    };
    let stop = |b: &mut GrammarBuilder, r: u32| {
        let mut ends: Vec<Expr> = behind[r as usize].into_iter().collect();
        if fits(r, step.places) {
            ends.push(b.empty());
        }
        ends
    };
    let mut whole: Vec<Expr> = (0..size)
        .map(|r| {
            let ends = stop(b, r);
            b.alt(&ends)
        })
        .collect();
    let mut starts: Vec<Expr> = Vec::new();
    for _ in 0..EXACT_DIGITS.saturating_sub(step.places as usize) {
        starts = (1..10u32)
            .map(|digit| b.seq(&[digits[digit as usize], whole[(digit % size) as usize]]))
            .collect();
        whole = layer(b, &whole, &stop);
    }
    // Below one: a zero, then places that are not all zeros.
    if let Some(rest) = behind.first().copied().flatten() {
        let rest = b.seq(&[digits[0], rest]);
        starts.push(rest);
    }
    let above = b.alt(&starts);
    let mut parts = Vec::new();
    if zero {
        parts.push(digits[0]);
    }
    if positive {
        parts.push(above);
    }
    if negative {
        let sign = b.literal("-");
        parts.push(b.seq(&[sign, above]));
    }
    b.alt(&parts)
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
mod tests {
    use super::*;
    use crate::grammar::{Matcher, TokenTrie};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn bound(text: &str, inclusive: bool) -> Bound {
        Bound { at: Decimal::read(&text.parse().unwrap()).unwrap(), inclusive }
    }

    proptest! {
        #[test]
        fn a_range_holds_exactly_its_numbers(
            low in prop::option::of((-2000i64..2000, any::<bool>(), 0u32..3)),
            high in prop::option::of((-2000i64..2000, any::<bool>(), 0u32..3)),
            kind in 0..3,
            tries in prop::collection::vec((-2100i64..2100, 0u32..4), 40),
        ) {
            let spell = |n: i64, places: u32| -> String {
                let unit = 10i64.pow(places);
                let sign = if n < 0 { "-" } else { "" };
                match places {
                    0 => format!("{n}"),
                    _ => format!("{sign}{}.{:0w$}", n.abs() / unit, n.abs() % unit, w = places as usize),
                }
            };
            let end = |end: &Option<(i64, bool, u32)>| end.map(|(n, i, p)| bound(&spell(n, p), i));
            let (lo, hi) = (end(&low), end(&high));
            let mut b = GrammarBuilder::new();
            let body = match kind {
                0 => range(&mut b, lo.as_ref(), hi.as_ref(), false),
                1 => range(&mut b, lo.as_ref(), hi.as_ref(), true),
                _ => fractions(&mut b, lo.as_ref(), hi.as_ref()),
            };
            let root = b.rule("root");
            b.define(root, body);
            let trie = Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false));
            let run = b.build(root).ok().map(|g| Matcher::new(Arc::new(g), trie).unwrap());
            let mut tries = tries;
            tries.extend(low.map(|(n, _, p)| (n, p)).into_iter().chain(high.map(|(n, _, p)| (n, p))));
            for (n, places) in tries {
                let text = spell(n, places);
                let value = Decimal::read(&text.parse().unwrap()).unwrap();
                let wanted = within(&value, lo.as_ref(), hi.as_ref())
                    && (kind != 1 || places == 0)
                    && (kind != 2 || !value.is_integer())
                    && !(n == 0 && text.starts_with('-'));
                let found = run.as_ref().is_some_and(|run| run.matches(text.as_bytes()));
                prop_assert_eq!(found, wanted, "{} in {:?} {:?}", text, low, high);
            }
        }
    }

    #[test]
    fn multiples_of_steps() {
        for (size, places) in [(7, 0), (25, 0), (5, 1), (25, 2), (3, 1)] {
            let step = Step { size, places };
            let mut b = GrammarBuilder::new();
            let body = multiples(&mut b, step, true, true, true);
            let root = b.rule("root");
            b.define(root, body);
            let trie = Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false));
            let run = Matcher::new(Arc::new(b.build(root).unwrap()), trie).unwrap();
            let of: Decimal = step.value(1).unwrap();
            for n in -3000i64..3000 {
                let text = Step { size: 1, places: 2 }.spell(n.into());
                let at = Decimal::read(&text.parse().unwrap()).unwrap();
                let wanted = is_multiple(&at, &of).unwrap();
                assert_eq!(run.matches(text.as_bytes()), wanted, "{text} of {size}/10^{places}");
            }
            assert!(!run.matches(b"07") && !run.matches(b"-0") && !run.matches(b"0."));
        }
    }
}
