//! Exact decimal numbers and the ends of their ranges.

use serde_json::Number;

/// An exact decimal number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Decimal {
    pub(super) negative: bool,
    /// Digits before the point, no leading zeros except a single one.
    pub(super) whole: Vec<u8>,
    /// Digits after the point, no trailing zeros.
    pub(super) part: Vec<u8>,
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

    pub(super) fn negated(&self) -> Decimal {
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

    pub(super) fn negated(&self) -> Bound {
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

impl Decimal {
    /// The number times 10^`places`, where that is whole and not huge.
    pub(super) fn scaled(&self, places: u32) -> Option<i128> {
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
