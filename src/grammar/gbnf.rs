//! GBNF, llama.cpp's grammar notation.
//!
//! A rule is `name ::= alternatives`; it goes on over line ends inside parentheses and after `|` or
//! `::=`. Parts: `"literal"`, `[classes]` with ranges and `^`, `.` (any character), `( )`, `|`, `*`,
//! `+`, `?`, `{m}`, `{m,}`, `{m,n}`, other rules, `<[123]>` (the token with this id), `<text>` (the one
//! token with this text), `!<...>` (any other token that is not special). `#` starts a comment. Escapes:
//! `\t \r \n \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH`. Characters are code points, matched as
//! UTF-8. The text starts at the rule `root`. Names may hold letters, digits, `-` and `_`.
//!
//! Unlike llama.cpp a second definition of a rule is an error, left recursion is allowed, and bounds of
//! any size are exact.

use std::collections::HashMap;

use super::{Expr, Grammar, GrammarBuilder, GrammarError, RuleId, utf8};

/// How deep parentheses may nest.
const MAX_NESTING: usize = 100;
/// How long a grammar may be, in bytes.
const MAX_LENGTH: usize = 1 << 20;

/// Compiles a GBNF text; the grammar may not use `<text>`, since no vocabulary is given.
///
/// # Errors
/// [`GrammarError::Gbnf`] with line and column for everything that stands in the text, and for a
/// root without a finite text.
pub fn parse(text: &str) -> Result<Grammar, GrammarError> {
    parse_with(text, &|_| None)
}

/// Compiles a GBNF text; `token(text)` is the id of the one token that `<text>` names (brackets
/// included), if there is one.
///
/// # Errors
/// As [`parse`].
pub fn parse_with(text: &str, token: &dyn Fn(&str) -> Option<u32>) -> Result<Grammar, GrammarError> {
    let Parts { builder, root, at } = parts(text, token)?;
    builder.build(root).map_err(|error| match error {
        GrammarError::Impossible(_) => {
            let what = "no finite text fits: every way through `root` comes back to itself";
            place(text, at, what.to_owned())
        }
        other => other,
    })
}

/// A GBNF text as the parts of a grammar.
pub struct Parts {
    /// The rules, ready to be built.
    pub builder: GrammarBuilder,
    /// The rule `root`.
    pub root: RuleId,
    /// Where `root` is defined, in bytes.
    at: usize,
}

/// Reads a GBNF text and builds nothing yet; `token` as for [`parse_with`].
///
/// # Errors
/// [`GrammarError::Gbnf`] for everything that stands in the text.
pub fn parts(text: &str, token: &dyn Fn(&str) -> Option<u32>) -> Result<Parts, GrammarError> {
    if text.len() > MAX_LENGTH {
        return Err(GrammarError::TooLarge {
            what: "length of the grammar",
            limit: MAX_LENGTH,
            rule: String::new(),
        });
    }
    let mut parser =
        Parser { text, at: 0, depth: 0, builder: GrammarBuilder::new(), rules: HashMap::new(), token };
    parser.space(true);
    while parser.at < text.len() {
        parser.rule()?;
        parser.space(true);
    }
    let mut undefined: Vec<(usize, &str)> =
        parser.rules.iter().filter(|(_, r)| r.defined.is_none()).map(|(name, r)| (r.seen, *name)).collect();
    undefined.sort_unstable();
    if let Some(&(at, name)) = undefined.first() {
        let known = parser.rules.iter().filter(|(_, r)| r.defined.is_some()).map(|(name, _)| *name);
        let close = known.map(|k| (strsim::damerau_levenshtein(k, name), k)).min();
        let hint = match close {
            Some((distance, k)) if distance <= 2 => format!("; is `{k}` meant?"),
            _ => String::new(),
        };
        return Err(parser.error_at(at, format!("rule `{name}` is used and never defined{hint}")));
    }
    let Some(root) = parser.rules.get("root") else {
        return Err(parser.error_at(0, "there is no rule `root` to start with".to_owned()));
    };
    let (root, at) = (root.id, root.defined.unwrap_or(0));
    Ok(Parts { builder: parser.builder, root, at })
}

struct Known {
    id: RuleId,
    /// Where it was first named.
    seen: usize,
    /// Where it was defined.
    defined: Option<usize>,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    builder: GrammarBuilder,
    rules: HashMap<&'a str, Known>,
    token: &'a dyn Fn(&str) -> Option<u32>,
}

/// A part, with its text if it is a plain literal (so that lists of words become a trie).
struct Part {
    expr: Expr,
    literal: Option<String>,
}

fn place(text: &str, at: usize, what: String) -> GrammarError {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    GrammarError::Gbnf { line, column, what }
}

impl<'a> Parser<'a> {
    fn error_at(&self, at: usize, what: String) -> GrammarError {
        place(self.text, at, what)
    }

    fn error<T>(&self, what: impl Into<String>) -> Result<T, GrammarError> {
        Err(self.error_at(self.at, what.into()))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, what: &str) -> bool {
        let found = self.rest().starts_with(what);
        if found {
            self.at += what.len();
        }
        found
    }

    fn found(&self) -> String {
        match self.peek() {
            None => "the end of the text".to_owned(),
            Some('\n') => "the end of the line".to_owned(),
            Some(c) => format!("`{}`", c.escape_debug()),
        }
    }

    /// Skips blanks and comments, and line ends where they mean nothing.
    fn space(&mut self, lines: bool) {
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' => self.at += 1,
                '\r' | '\n' if lines => self.at += 1,
                '\u{FEFF}' if self.at == 0 => self.at += c.len_utf8(),
                '#' => self.at += self.rest().find(['\n', '\r']).unwrap_or(self.rest().len()),
                _ => break,
            }
        }
    }

    fn name(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let len =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).unwrap_or(rest.len());
        self.at += len;
        (len > 0).then_some(&rest[..len])
    }

    fn rule_id(&mut self, name: &'a str, at: usize) -> RuleId {
        if let Some(known) = self.rules.get(name) {
            return known.id;
        }
        let id = self.builder.rule(name);
        self.rules.insert(name, Known { id, seen: at, defined: None });
        id
    }

    fn rule(&mut self) -> Result<(), GrammarError> {
        let at = self.at;
        let Some(name) = self.name() else {
            return self.error(format!("expected the name of a rule, found {}", self.found()));
        };
        self.space(false);
        if !self.eat("::=") {
            return self.error(format!("expected `::=` after `{name}`, found {}", self.found()));
        }
        self.space(true);
        let id = self.rule_id(name, at);
        if let Some(first) = self.rules.get(name).and_then(|known| known.defined) {
            let GrammarError::Gbnf { line, .. } = self.error_at(first, String::new()) else { unreachable!() };
            return Err(
                self.error_at(at, format!("rule `{name}` is defined a second time (first in line {line})"))
            );
        }
        if let Some(known) = self.rules.get_mut(name) {
            known.defined = Some(at);
        }
        let body = self.alternatives(false)?;
        self.builder.define(id, body);
        match self.peek() {
            None | Some('\r' | '\n') => Ok(()),
            _ => self.error(format!("expected the end of the rule, found {}", self.found())),
        }
    }

    /// `inside` parentheses line ends are blanks.
    fn alternatives(&mut self, inside: bool) -> Result<Expr, GrammarError> {
        let mut parts = vec![self.sequence(inside)?];
        while self.eat("|") {
            self.space(true);
            parts.push(self.sequence(inside)?);
        }
        if parts.len() > 1 && parts.iter().all(|part| part.literal.is_some()) {
            return Ok(self.builder.literals(parts.into_iter().filter_map(|part| part.literal)));
        }
        let parts: Vec<Expr> = parts.into_iter().map(|part| part.expr).collect();
        Ok(self.builder.alt(&parts))
    }

    fn sequence(&mut self, inside: bool) -> Result<Part, GrammarError> {
        let mut parts: Vec<Part> = Vec::new();
        self.space(inside);
        while let Some(mut part) = self.part()? {
            self.space(inside);
            while let Some((min, max)) = self.bounds()? {
                part = Part { expr: self.builder.repeat(part.expr, min, max), literal: None };
                self.space(inside);
            }
            parts.push(part);
        }
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return Ok(only);
        }
        let parts: Vec<Expr> = parts.into_iter().map(|part| part.expr).collect();
        Ok(Part { expr: self.builder.seq(&parts), literal: None })
    }

    /// One part without what repeats it; none at the end of a sequence.
    fn part(&mut self) -> Result<Option<Part>, GrammarError> {
        let at = self.at;
        let expr = match self.peek() {
            Some('"') => {
                let text = self.literal()?;
                return Ok(Some(Part { expr: self.builder.literal(&text), literal: Some(text) }));
            }
            Some('[') => self.class()?,
            Some('.') => {
                self.at += 1;
                self.builder.chars(&[(0, 0x10FFFF)])
            }
            Some('(') => {
                self.depth += 1;
                if self.depth > MAX_NESTING {
                    return self.error(format!("parentheses nest deeper than {MAX_NESTING}"));
                }
                self.at += 1;
                let inner = self.alternatives(true)?;
                self.space(true);
                if !self.eat(")") {
                    return self.error(format!("expected `)`, found {}", self.found()));
                }
                self.depth -= 1;
                inner
            }
            Some('<') => self.named_token(false)?,
            Some('!') => {
                self.at += 1;
                self.named_token(true)?
            }
            Some('*' | '+' | '?' | '{') => {
                return self.error(format!("{} has nothing before it to repeat", self.found()));
            }
            _ => match self.name() {
                Some(name) => {
                    let id = self.rule_id(name, at);
                    self.builder.call(id)
                }
                None => return Ok(None),
            },
        };
        Ok(Some(Part { expr, literal: None }))
    }

    fn bounds(&mut self) -> Result<Option<(u32, Option<u32>)>, GrammarError> {
        let simple = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                let at = self.at;
                self.at += 1;
                self.space(true);
                let min = self.number()?;
                self.space(true);
                let max = if self.eat(",") {
                    self.space(true);
                    if self.peek().is_some_and(|c| c.is_ascii_digit()) { Some(self.number()?) } else { None }
                } else {
                    Some(min)
                };
                self.space(true);
                if !self.eat("}") {
                    return self.error(format!("expected `}}`, found {}", self.found()));
                }
                if max.is_some_and(|max| max < min) {
                    return Err(self.error_at(at, "the upper bound is below the lower one".to_owned()));
                }
                return Ok(Some((min, max)));
            }
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(simple))
    }

    fn number(&mut self) -> Result<u32, GrammarError> {
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if len == 0 {
            return self.error(format!("expected a number, found {}", self.found()));
        }
        let Ok(number) = rest[..len].parse() else {
            return self.error(format!("{} is over the largest bound, {}", &rest[..len.min(30)], u32::MAX));
        };
        self.at += len;
        Ok(number)
    }

    fn literal(&mut self) -> Result<String, GrammarError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                Some('"') => {
                    self.at += 1;
                    return Ok(text);
                }
                None | Some('\n' | '\r') => {
                    return Err(self.error_at(start, "this literal has no closing `\"`".to_owned()));
                }
                Some(_) => {
                    let at = self.at;
                    let code = self.character()?;
                    let Some(c) = char::from_u32(code) else {
                        return Err(self.error_at(at, format!("U+{code:04X} is not a character")));
                    };
                    text.push(c);
                }
            }
        }
    }

    /// One character of a literal or a class, escapes read.
    fn character(&mut self) -> Result<u32, GrammarError> {
        let at = self.at;
        let Some(c) = self.peek() else { return self.error("expected a character") };
        self.at += c.len_utf8();
        if c != '\\' {
            return Ok(c as u32);
        }
        let Some(escaped) = self.peek() else { return self.error("expected an escape after `\\`") };
        self.at += escaped.len_utf8();
        let digits = match escaped {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            't' => return Ok(9),
            'r' => return Ok(13),
            'n' => return Ok(10),
            '\\' | '"' | '[' | ']' | '-' | '^' => return Ok(escaped as u32),
            other => {
                return Err(self.error_at(at, format!("unknown escape `\\{}`", other.escape_debug())));
            }
        };
        let hex = self.rest().get(..digits).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()) else {
            return Err(self.error_at(at, format!("`\\{escaped}` takes {digits} hexadecimal digits")));
        };
        self.at += digits;
        Ok(code)
    }

    fn class(&mut self) -> Result<Expr, GrammarError> {
        let start = self.at;
        self.at += 1;
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        loop {
            match self.peek() {
                Some(']') => break,
                None | Some('\n' | '\r') => {
                    return Err(self.error_at(start, "this class has no closing `]`".to_owned()));
                }
                Some(_) => {}
            }
            let at = self.at;
            let low = self.character()?;
            let mut high = low;
            if self.rest().starts_with('-') && !self.rest().starts_with("-]") {
                self.at += 1;
                match self.peek() {
                    None | Some('\n' | '\r') => continue,
                    Some(_) => high = self.character()?,
                }
            }
            if high < low {
                return Err(self.error_at(at, "the range runs backwards".to_owned()));
            }
            if high > 0x10FFFF {
                return Err(self.error_at(at, format!("U+{high:X} is not a character")));
            }
            ranges.push((low, high));
        }
        self.at += 1;
        if negated {
            ranges = utf8::complement(&ranges);
        }
        Ok(self.builder.chars(&ranges))
    }

    /// `<[id]>` or `<text>`.
    fn named_token(&mut self, negated: bool) -> Result<Expr, GrammarError> {
        let at = self.at;
        if self.peek() != Some('<') {
            return self.error(format!("expected `<` of a token after `!`, found {}", self.found()));
        }
        let Some(len) = self.rest().find(['>', '\n']).filter(|&i| self.rest().as_bytes()[i] == b'>') else {
            return self.error("this token has no closing `>`");
        };
        let text = &self.rest()[..=len];
        let inner = &text[1..len];
        self.at += len + 1;
        let id = match inner.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
            Some(digits) => digits
                .parse()
                .map_err(|_| self.error_at(at, format!("`{text}` does not hold the number of a token")))?,
            None => (self.token)(text).ok_or_else(|| {
                self.error_at(at, format!("`{text}` is not exactly one token of the vocabulary"))
            })?,
        };
        Ok(if negated { self.builder.tokens_except([id]) } else { self.builder.token(id) })
    }
}

#[cfg(test)]
mod tests;
