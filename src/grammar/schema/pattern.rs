//! Regular expressions over characters, as expressions of a grammar or asked of a text.

use super::text::{self, Writer};
use crate::grammar::Expr;

/// Letters, digits and the underscore: what `\w` matches.
pub(super) const WORD: &[(u32, u32)] = &[(48, 57), (65, 90), (95, 95), (97, 122)];

/// A condition on a place between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Assert {
    /// `^`: nothing stands before.
    Start,
    /// `$`: nothing stands behind.
    End,
    /// `\b` (true) and `\B`: a word character on just one side.
    Boundary(bool),
}

/// A regular expression over characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Regex {
    Class(Vec<(u32, u32)>),
    Assert(Assert),
    Seq(Vec<Regex>),
    Alt(Vec<Regex>),
    Repeat(Box<Regex>, u32, Option<u32>),
}

/// A parsed pattern: whole strings that `main` matches, and all (`true`) or none of what looks ahead
/// from their beginning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pattern {
    pub(super) main: Regex,
    pub(super) ahead: Vec<(bool, Regex)>,
}

impl Pattern {
    /// Whether it matches the whole text (a search was made a match of the whole when it was read).
    pub(super) fn matches(&self, text: &str) -> bool {
        self.main.matches(text) && self.ahead.iter().all(|(wanted, regex)| regex.matches(text) == *wanted)
    }

    /// The expression, where that is all and it holds no conditions.
    pub(super) fn plain(&self) -> Option<&Regex> {
        (self.ahead.is_empty() && !self.main.asserts()).then_some(&self.main)
    }
}

/// An end of a text.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    Left,
    Right,
}

fn any_text() -> Regex {
    Regex::Repeat(Box::new(Regex::Class(text::ANY.to_vec())), 0, None)
}

/// The expression with any text before (or behind) it, except where it is anchored there.
pub(super) fn closed(regex: &Regex, end: End) -> Regex {
    match regex {
        Regex::Alt(parts) => Regex::Alt(parts.iter().map(|part| closed(part, end)).collect()),
        Regex::Seq(parts) => {
            let mut parts = parts.clone();
            let outer = if end == End::Left { parts.first() } else { parts.last() };
            let anchor = if end == End::Left { Assert::Start } else { Assert::End };
            match outer {
                Some(Regex::Assert(found)) if *found == anchor => {
                    if end == End::Left {
                        drop(parts.remove(0))
                    } else {
                        drop(parts.pop())
                    }
                }
                Some(inner @ (Regex::Seq(_) | Regex::Alt(_))) => {
                    let inner = closed(inner, end);
                    let at = if end == End::Left { 0 } else { parts.len() - 1 };
                    parts[at] = inner;
                }
                _ if end == End::Left => parts.insert(0, any_text()),
                _ => parts.push(any_text()),
            }
            Regex::Seq(parts)
        }
        other if end == End::Left => Regex::Seq(vec![any_text(), other.clone()]),
        other => Regex::Seq(vec![other.clone(), any_text()]),
    }
}

impl Regex {
    /// Exactly these texts.
    pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Regex {
        let one =
            |text: &str| Regex::Seq(text.chars().map(|c| Regex::Class(vec![(c as u32, c as u32)])).collect());
        Regex::Alt(texts.into_iter().map(one).collect())
    }

    fn asserts(&self) -> bool {
        match self {
            Regex::Class(_) => false,
            Regex::Assert(_) => true,
            Regex::Seq(parts) | Regex::Alt(parts) => parts.iter().any(Regex::asserts),
            Regex::Repeat(inner, ..) => inner.asserts(),
        }
    }

    /// Least and greatest length in characters.
    pub(super) fn lengths(&self) -> (u64, Option<u64>) {
        match self {
            Regex::Class(_) => (1, Some(1)),
            Regex::Assert(_) => (0, Some(0)),
            Regex::Seq(parts) => parts.iter().fold((0, Some(0)), |(min, max), part| {
                let (a, b) = part.lengths();
                (min.saturating_add(a), max.zip(b).map(|(x, y)| x.saturating_add(y)))
            }),
            Regex::Alt(parts) => {
                let all: Vec<_> = parts.iter().map(Regex::lengths).collect();
                let min = all.iter().map(|l| l.0).min().unwrap_or(0);
                let max = all.iter().map(|l| l.1).reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b))).flatten();
                (min, max)
            }
            Regex::Repeat(inner, min, max) => {
                let (a, b) = inner.lengths();
                let most = match (b, max) {
                    (Some(0), _) => Some(0),
                    (Some(b), Some(max)) => Some(b.saturating_mul(u64::from(*max))),
                    _ => None,
                };
                (a.saturating_mul(u64::from(*min)), most)
            }
        }
    }

    /// Cuts the lengths to `min..=max` if that can be done in the pattern itself.
    pub(super) fn with_lengths(self, min: u64, max: Option<u64>) -> Option<Regex> {
        let (least, most) = self.lengths();
        if least >= min && max.is_none_or(|max| most.is_some_and(|most| most <= max)) {
            return Some(self);
        }
        match self {
            Regex::Alt(parts) => {
                let parts: Option<Vec<_>> =
                    parts.into_iter().map(|part| part.with_lengths(min, max)).collect();
                parts.map(Regex::Alt)
            }
            // Exactly one part of a sequence that varies takes what the others leave.
            Regex::Seq(mut parts) => {
                let fixed = |part: &Regex| matches!(part.lengths(), (a, Some(b)) if a == b);
                let mut varying = (0..parts.len()).filter(|&i| !fixed(&parts[i]));
                let (i, None) = (varying.next()?, varying.next()) else { return None };
                let others: u64 = (0..parts.len()).filter(|&j| j != i).map(|j| parts[j].lengths().0).sum();
                let max = match max {
                    Some(max) => Some(max.checked_sub(others)?),
                    None => None,
                };
                let part = parts[i].clone().with_lengths(min.saturating_sub(others), max)?;
                parts[i] = part;
                Some(Regex::Seq(parts))
            }
            Regex::Repeat(inner, low, high) if inner.lengths() == (1, Some(1)) => {
                let low = u64::from(low).max(min).try_into().ok()?;
                let high = match (high, max.and_then(|max| u32::try_from(max).ok())) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
                high.is_none_or(|high| low <= high).then_some(Regex::Repeat(inner, low, high))
            }
            _ => None,
        }
    }

    /// Whether it matches the whole text (anchors were resolved when it was read).
    pub(super) fn matches(&self, text: &str) -> bool {
        let chars: Vec<u32> = text.chars().map(u32::from).collect();
        let mut starts = vec![false; chars.len() + 1];
        starts[0] = true;
        self.ends(&chars, &starts)[chars.len()]
    }

    /// Where a match may end that starts at one of `starts`; a place before each character, and the end.
    fn ends(&self, chars: &[u32], starts: &[bool]) -> Vec<bool> {
        let none = || vec![false; starts.len()];
        match self {
            Regex::Class(ranges) => {
                let mut ends = none();
                for (at, c) in chars.iter().enumerate().filter(|(at, _)| starts[*at]) {
                    ends[at + 1] = ranges.iter().any(|(lo, hi)| (lo..=hi).contains(&c));
                }
                ends
            }
            Regex::Assert(assert) => {
                let word = |at: usize| chars.get(at).is_some_and(|c| is_word(*c));
                let holds = |at: usize| match assert {
                    Assert::Start => at == 0,
                    Assert::End => at == chars.len(),
                    Assert::Boundary(wanted) => ((at > 0 && word(at - 1)) != word(at)) == *wanted,
                };
                starts.iter().enumerate().map(|(at, start)| *start && holds(at)).collect()
            }
            Regex::Seq(parts) => parts.iter().fold(starts.to_vec(), |at, part| part.ends(chars, &at)),
            Regex::Alt(parts) => parts.iter().fold(none(), |mut all, part| {
                join(&mut all, &part.ends(chars, starts));
                all
            }),
            Regex::Repeat(inner, min, max) => {
                let mut at = starts.to_vec();
                let mut count = 0;
                while count < *min && at.contains(&true) {
                    let next = inner.ends(chars, &at);
                    count += 1;
                    if next == at {
                        break;
                    }
                    at = next;
                }
                let mut all = at.clone();
                while at.contains(&true) && max.is_none_or(|max| count < max) {
                    at = inner.ends(chars, &at);
                    at.iter_mut().zip(&all).for_each(|(at, known)| *at &= !known);
                    join(&mut all, &at);
                    count += 1;
                }
                all
            }
        }
    }

    /// The inside of the JSON strings that it matches; it holds no conditions.
    pub(super) fn lower(&self, w: &mut Writer<'_>) -> Expr {
        match self {
            Regex::Class(ranges) => w.character(ranges),
            Regex::Assert(_) => w.b.never(),
            Regex::Seq(parts) => {
                let parts: Vec<Expr> = parts.iter().map(|part| part.lower(w)).collect();
                w.b.seq(&parts)
            }
            Regex::Alt(parts) => {
                let parts: Vec<Expr> = parts.iter().map(|part| part.lower(w)).collect();
                w.b.alt(&parts)
            }
            Regex::Repeat(inner, min, max) => {
                let inner = inner.lower(w);
                w.b.repeat(inner, *min, *max)
            }
        }
    }
}

fn join(all: &mut [bool], more: &[bool]) {
    all.iter_mut().zip(more).for_each(|(all, more)| *all |= more);
}

/// Whether `\w` matches the character.
pub(super) fn is_word(c: u32) -> bool {
    WORD.iter().any(|(lo, hi)| (lo..=hi).contains(&&c))
}
