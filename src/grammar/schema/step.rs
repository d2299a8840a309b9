//! Multiples of a step.

use super::decimal::Decimal;
use super::number::EXACT_DIGITS;
use crate::grammar::{Expr, GrammarBuilder};

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
