//! Regular expressions of `pattern`: the part of ECMA-262 that is regular and means the same everywhere.

use std::collections::BTreeSet;

use super::text::{self, Writer};
use crate::grammar::{Expr, utf8};

const MAX_NESTING: usize = 50;

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

/// Reads a pattern, which is a search, as a match of whole strings.
pub(super) fn parse(pattern: &str) -> Result<Pattern, String> {
    let mut parser = Parser { chars: pattern.chars().collect(), at: 0, depth: 0 };
    let mut ahead = Vec::new();
    let anchored = parser.eat('^');
    while anchored && (parser.next_is("(?!") || parser.next_is("(?=")) {
        let wanted = parser.next_is("(?=");
        parser.at += 3;
        let inner = parser.alternatives()?;
        if !parser.eat(')') {
            return Err(parser.wrong("a missing `)`"));
        }
        ahead.push((wanted, Regex::Seq(vec![closed(&inner, End::Right), Regex::Seq(Vec::new())])));
    }
    if ahead.is_empty() {
        parser.at = 0;
    }
    let mut whole = parser.alternatives()?;
    if let Some(c) = parser.peek() {
        return Err(parser.wrong(&format!("`{c}` here")));
    }
    if !ahead.is_empty() {
        if matches!(&whole, Regex::Alt(parts) if parts.len() > 1) {
            return Err(parser.wrong("look-ahead in one of several alternatives"));
        }
        whole = Regex::Seq(vec![Regex::Assert(Assert::Start), whole]);
    }
    let main = closed(&closed(&whole, End::Left), End::Right);
    Ok(Pattern { main, ahead })
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Left,
    Right,
}

fn any_text() -> Regex {
    Regex::Repeat(Box::new(Regex::Class(text::ANY.to_vec())), 0, None)
}

/// The expression with any text before (or behind) it, except where it is anchored there.
fn closed(regex: &Regex, end: End) -> Regex {
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
        self.ends(&chars, &BTreeSet::from([0])).contains(&chars.len())
    }

    /// Where a match may end that starts at one of `starts`.
    fn ends(&self, chars: &[u32], starts: &BTreeSet<usize>) -> BTreeSet<usize> {
        match self {
            Regex::Class(ranges) => starts
                .iter()
                .filter(|&&at| {
                    chars.get(at).is_some_and(|c| ranges.iter().any(|(lo, hi)| (lo..=hi).contains(&c)))
                })
                .map(|at| at + 1)
                .collect(),
            Regex::Assert(assert) => {
                let word = |at: usize| chars.get(at).is_some_and(|c| is_word(*c));
                let holds = |at: usize| match assert {
                    Assert::Start => at == 0,
                    Assert::End => at == chars.len(),
                    Assert::Boundary(wanted) => ((at > 0 && word(at - 1)) != word(at)) == *wanted,
                };
                starts.iter().copied().filter(|&at| holds(at)).collect()
            }
            Regex::Seq(parts) => parts.iter().fold(starts.clone(), |at, part| part.ends(chars, &at)),
            Regex::Alt(parts) => parts.iter().flat_map(|part| part.ends(chars, starts)).collect(),
            Regex::Repeat(inner, min, max) => {
                let mut at = starts.clone();
                let mut count = 0;
                while count < *min && !at.is_empty() {
                    let next = inner.ends(chars, &at);
                    count += 1;
                    if next == at {
                        break;
                    }
                    at = next;
                }
                let mut all = at.clone();
                while !at.is_empty() && max.is_none_or(|max| count < max) {
                    at = inner.ends(chars, &at).difference(&all).copied().collect();
                    all.extend(&at);
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

/// Whether `\w` matches the character.
pub(super) fn is_word(c: u32) -> bool {
    WORD.iter().any(|(lo, hi)| (lo..=hi).contains(&&c))
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

const DIGIT: &[(u32, u32)] = &[(48, 57)];
pub(super) const WORD: &[(u32, u32)] = &[(48, 57), (65, 90), (95, 95), (97, 122)];
const SPACE: &[(u32, u32)] = &[
    (9, 13),
    (32, 32),
    (0xA0, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x3000, 0x3000),
    (0xFEFF, 0xFEFF),
];
const LINE_ENDS: &[(u32, u32)] = &[(10, 10), (13, 13), (0x2028, 0x2029)];

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        self.at += usize::from(found);
        found
    }

    fn next_is(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c))
    }

    fn wrong(&self, what: &str) -> String {
        format!("the pattern cannot be enforced: {what} (character {})", self.at + 1)
    }

    fn alternatives(&mut self) -> Result<Regex, String> {
        let mut parts = vec![self.sequence()?];
        while self.eat('|') {
            parts.push(self.sequence()?);
        }
        Ok(Regex::Alt(parts))
    }

    fn sequence(&mut self) -> Result<Regex, String> {
        let mut parts = Vec::new();
        while let Some(c) = self.peek() {
            let part = match c {
                '|' | ')' => break,
                '^' | '$' => {
                    self.at += 1;
                    parts.push(Regex::Assert(if c == '^' { Assert::Start } else { Assert::End }));
                    continue;
                }
                '(' => self.group()?,
                '[' => self.class()?,
                '.' => {
                    self.at += 1;
                    Regex::Class(utf8::complement(LINE_ENDS))
                }
                '*' | '+' | '?' => return Err(self.wrong(&format!("`{c}` with nothing before it"))),
                '\\' if matches!(self.chars.get(self.at + 1), Some('b' | 'B')) => {
                    let wanted = self.chars.get(self.at + 1) == Some(&'b');
                    self.at += 2;
                    parts.push(Regex::Assert(Assert::Boundary(wanted)));
                    continue;
                }
                '\\' => Regex::Class(self.escape(false)?),
                '{' => return Err(self.wrong("a bare `{`")),
                c => {
                    self.at += 1;
                    Regex::Class(vec![(c as u32, c as u32)])
                }
            };
            parts.push(self.repeated(part)?);
        }
        Ok(Regex::Seq(parts))
    }

    fn group(&mut self) -> Result<Regex, String> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(self.wrong("groups nest too deep"));
        }
        self.at += 1;
        if self.eat('?') && !self.eat(':') {
            // A named group; what refers back to it is refused where it stands.
            let named = self.eat('<') && self.peek().is_some_and(|c| c.is_alphabetic() || c == '_');
            let name = self.chars[self.at.min(self.chars.len())..].iter().position(|c| *c == '>');
            match name {
                Some(length) if named => self.at += length + 1,
                _ => return Err(self.wrong("look-around and flags")),
            }
        }
        let inner = self.alternatives()?;
        if !self.eat(')') {
            return Err(self.wrong("a missing `)`"));
        }
        self.depth -= 1;
        Ok(inner)
    }

    fn repeated(&mut self, mut part: Regex) -> Result<Regex, String> {
        let bounds = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.at += 1;
                let min = self.number()?;
                let max = match (self.eat(','), self.peek()) {
                    (false, _) => Some(min),
                    (true, Some('}')) => None,
                    (true, _) => Some(self.number()?),
                };
                if self.peek() != Some('}') || max.is_some_and(|max| max < min) {
                    return Err(self.wrong("a bare `{`"));
                }
                (min, max)
            }
            _ => return Ok(part),
        };
        self.at += 1;
        part = Regex::Repeat(Box::new(part), bounds.0, bounds.1);
        // A lazy repetition finds other matches, but the same strings.
        self.eat('?');
        match self.peek() {
            Some(c @ ('*' | '+' | '{')) => Err(self.wrong(&format!("`{c}` after a repetition"))),
            _ => Ok(part),
        }
    }

    fn number(&mut self) -> Result<u32, String> {
        let from = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        let text: String = self.chars[from..self.at].iter().collect();
        text.parse().map_err(|_| self.wrong("a bare `{`"))
    }

    fn escape(&mut self, in_class: bool) -> Result<Vec<(u32, u32)>, String> {
        self.at += 1;
        let Some(c) = self.peek() else { return Err(self.wrong("a trailing `\\`")) };
        self.at += 1;
        let one = |code: u32| Ok(vec![(code, code)]);
        match c {
            'd' => Ok(DIGIT.to_vec()),
            'D' => Ok(utf8::complement(DIGIT)),
            'w' => Ok(WORD.to_vec()),
            'W' => Ok(utf8::complement(WORD)),
            's' => Ok(SPACE.to_vec()),
            'S' => Ok(utf8::complement(SPACE)),
            't' => one(9),
            'n' => one(10),
            'v' => one(11),
            'f' => one(12),
            'r' => one(13),
            'b' if in_class => one(8),
            '0' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => one(0),
            'c' if self.peek().is_some_and(|c| c.is_ascii_alphabetic()) => {
                let code = self.peek().map_or(0, |c| c as u32 % 32);
                self.at += 1;
                one(code)
            }
            'x' | 'u' => {
                let len = if c == 'x' { 2 } else { 4 };
                let text: String = self.chars[self.at..].iter().take(len).collect();
                let code = u32::from_str_radix(&text, 16).ok().filter(|_| text.len() == len);
                match code.filter(|code| char::from_u32(*code).is_some()) {
                    Some(code) => {
                        self.at += len;
                        one(code)
                    }
                    None => Err(self.wrong(&format!("`\\{c}` without the code of a character"))),
                }
            }
            c if c.is_ascii_alphanumeric() => Err(self.wrong(&format!("`\\{c}`"))),
            c => one(c as u32),
        }
    }

    fn class(&mut self) -> Result<Regex, String> {
        self.at += 1;
        let negated = self.eat('^');
        let mut ranges = Vec::new();
        loop {
            let low = match self.peek() {
                None => return Err(self.wrong("a missing `]`")),
                Some(']') => break,
                Some('\\') => self.escape(true)?,
                Some(c) => {
                    self.at += 1;
                    vec![(c as u32, c as u32)]
                }
            };
            let ranged = self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
            let [(single, last)] = low[..] else {
                // Behind a set the hyphen stands for itself (ECMA-262, annex B).
                ranges.extend(low);
                continue;
            };
            if !ranged || single != last {
                ranges.push((single, last));
                continue;
            }
            self.at += 1;
            let high = match self.peek() {
                Some('\\') => self.escape(true)?,
                Some(c) => {
                    self.at += 1;
                    vec![(c as u32, c as u32)]
                }
                None => return Err(self.wrong("a missing `]`")),
            };
            match high[..] {
                [(a, b)] if a == b && a >= single => ranges.push((single, a)),
                ref set if set.len() > 1 || set.iter().any(|(a, b)| a != b) => {
                    ranges.extend([(single, single), (45, 45)]);
                    ranges.extend(set);
                }
                _ => return Err(self.wrong("a range that runs backwards")),
            }
        }
        self.at += 1;
        Ok(Regex::Class(if negated { utf8::complement(&ranges) } else { ranges }))
    }
}
