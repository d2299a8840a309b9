//! Reads regular expressions: the part of ECMA-262 that is regular and means the same everywhere.

use super::pattern::{Assert, End, Pattern, Regex, WORD, closed};
use crate::grammar::utf8;

/// How deep groups may nest.
const MAX_NESTING: usize = 50;

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

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

const DIGIT: &[(u32, u32)] = &[(48, 57)];
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
            let named = self.eat('<')
                && self
                    .peek()
                    .is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '$' || !c.is_ascii());
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
