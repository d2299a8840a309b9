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
    let digits = [low, high].into_iter().flatten().map(|end| end.at.whole.len() + 1).max().unwrap_or(1);
    let places = if integer { 0 } else { EXACT_DIGITS.saturating_sub(digits) };
    let zero = Bound { at: Decimal::zero(), inclusive: true };
    let mut parts = Vec::new();
    if high.is_none_or(|high| !high.at.negative) {
        let low = low.filter(|low| !low.at.negative).unwrap_or(&zero);
        parts.push(Digits { b, low, high, places }.all());
    }
    if low.is_none_or(|low| low.at.negative) {
        let sign = b.literal("-");
        let above = Bound { at: Decimal::zero(), inclusive: false };
        let nearest = high.filter(|high| high.at.negative).map_or(above, Bound::negated);
        let farthest = low.map(Bound::negated);
        let size = Digits { b, low: &nearest, high: farthest.as_ref(), places }.all();
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
        self.digit(low, high, tight, |this, tight| this.whole(len, at + 1, tight))
    }

    fn digit(
        &mut self,
        low: u8,
        high: u8,
        tight: (bool, bool),
        mut next: impl FnMut(&mut Self, (bool, bool)) -> Expr,
    ) -> Expr {
        let mut parts = Vec::new();
        let mut from = low;
        while from <= high {
            let now = (tight.0 && from == low, tight.1 && from == high);
            // Digits between the tight ones are alike.
            let to = if now == (false, false) { if tight.1 { high - 1 } else { high } } else { from };
            let digit = self.b.bytes(&[(b'0' + from, b'0' + to)]);
            let rest = next(self, now);
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
        if self.may_end(0, tight) {
            parts.push(self.b.empty());
        }
        if self.places > 0 {
            let point = self.b.literal(".");
            let rest = self.part(0, tight);
            parts.push(self.b.seq(&[point, rest]));
        }
        self.b.alt(&parts)
    }

    fn part(&mut self, at: usize, tight: (bool, bool)) -> Expr {
        if tight == (false, false) {
            let digit = self.b.bytes(&[(b'0', b'9')]);
            return self.b.repeat(digit, u32::from(at == 0), Some((self.places - at) as u32));
        }
        let mut parts = Vec::new();
        if at > 0 && self.may_end(at, tight) {
            parts.push(self.b.empty());
        }
        if at < self.places {
            let of = |end: &Bound| end.at.part.get(at).copied().unwrap_or(0);
            let low = if tight.0 { of(self.low) } else { 0 };
            let high = if tight.1 { self.high.map_or(9, of) } else { 9 };
            parts.push(self.digit(low, high, tight, |this, tight| this.part(at + 1, tight)));
        }
        self.b.alt(&parts)
    }
}

/// Whole numbers of at most 15 digits that are multiples of `m` (at most 64), without ends.
pub(super) fn multiples(b: &mut GrammarBuilder, m: u32) -> Expr {
    // A rule for each remainder and number of digits left: what may follow digits with that remainder.
    let mut after: Vec<Expr> = (0..m).map(|r| if r == 0 { b.empty() } else { b.never() }).collect();
    let mut starts = Vec::new();
    for _ in 0..EXACT_DIGITS {
        let digits: Vec<Expr> = (b'0'..=b'9').map(|digit| b.bytes(&[(digit, digit)])).collect();
        let step = |b: &mut GrammarBuilder, remainder: u32, digit: u32| {
            b.seq(&[digits[digit as usize], after[((remainder * 10 + digit) % m) as usize]])
        };
        starts = (1..10).map(|digit| step(b, 0, digit)).collect();
        after = (0..m)
            .map(|remainder| {
                let mut parts: Vec<Expr> = (0..10).map(|digit| step(b, remainder, digit)).collect();
                if remainder == 0 {
                    parts.push(b.empty());
                }
                let body = b.alt(&parts);
                b.named("a multiple", body)
            })
            .collect();
    }
    let sign = b.literal("-");
    let sign = b.optional(sign);
    let size = b.alt(&starts);
    let other = b.seq(&[sign, size]);
    let zero = b.literal("0");
    b.alt(&[zero, other])
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
            integer in any::<bool>(),
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
            let body = range(&mut b, lo.as_ref(), hi.as_ref(), integer);
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
                    && (!integer || places == 0)
                    && !(n == 0 && text.starts_with('-'));
                let found = run.as_ref().is_some_and(|run| run.matches(text.as_bytes()));
                prop_assert_eq!(found, wanted, "{} in {:?} {:?}", text, low, high);
            }
        }
    }

    #[test]
    fn multiples_of_seven() {
        let mut b = GrammarBuilder::new();
        let body = multiples(&mut b, 7);
        let root = b.rule("root");
        b.define(root, body);
        let trie = Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false));
        let run = Matcher::new(Arc::new(b.build(root).unwrap()), trie).unwrap();
        for n in -500..500 {
            assert_eq!(run.matches(n.to_string().as_bytes()), n % 7 == 0, "{n}");
        }
        assert!(!run.matches(b"07") && !run.matches(b"-0"));
    }
}
