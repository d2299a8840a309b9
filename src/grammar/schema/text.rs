//! JSON text: strings, every character in exactly one spelling, the one that serialisers write; and
//! what stands between values.

use std::collections::HashMap;

use super::language::Dfa;
use crate::grammar::{Expr, GrammarBuilder, RuleId, utf8};

/// All characters.
pub(super) const ANY: [(u32, u32); 1] = [(0, 0x10FFFF)];

/// Writes JSON into a grammar that is being built.
pub(super) struct Writer<'b> {
    pub(super) b: &'b mut GrammarBuilder,
    /// Most blanks at a place where they mean nothing.
    blanks: u32,
    classes: HashMap<Vec<(u32, u32)>, RuleId>,
    blank: Option<Expr>,
}

impl<'b> Writer<'b> {
    pub(super) fn new(b: &'b mut GrammarBuilder, blanks: u32) -> Writer<'b> {
        Writer { b, blanks, classes: HashMap::new(), blank: None }
    }

    /// Blanks, where they are allowed at all.
    fn blank(&mut self) -> Option<Expr> {
        if self.blanks > 0 && self.blank.is_none() {
            let one = self.b.bytes(&[(9, 10), (13, 13), (32, 32)]);
            let all = self.b.repeat(one, 0, Some(self.blanks));
            self.blank = Some(self.b.named("white space", all));
        }
        self.blank
    }

    /// An opening bracket and what may follow it.
    pub(super) fn open(&mut self, bracket: &str) -> Expr {
        let mark = self.b.literal(bracket);
        match self.blank() {
            Some(blank) => self.b.seq(&[mark, blank]),
            None => mark,
        }
    }

    /// A closing bracket.
    pub(super) fn close(&mut self, bracket: &str) -> Expr {
        let mark = self.b.literal(bracket);
        match self.blank() {
            Some(blank) => self.b.seq(&[blank, mark]),
            None => mark,
        }
    }

    /// A comma or colon.
    pub(super) fn between(&mut self, mark: &str) -> Expr {
        let mark = self.b.literal(mark);
        match self.blank() {
            Some(blank) => self.b.seq(&[blank, mark, blank]),
            None => mark,
        }
    }

    /// One character of a JSON string. Sets of many are a rule, so that they are written once.
    pub(super) fn character(&mut self, ranges: &[(u32, u32)]) -> Expr {
        let ranges = utf8::normalise(ranges);
        let small = |(lo, hi): &(u32, u32)| *lo >= 0x20 && *hi < 0x80;
        if ranges.len() <= 4 && (ranges.iter().all(small) || ranges.iter().all(|(lo, hi)| lo == hi)) {
            return self.spell(&ranges);
        }
        let rule = match self.classes.get(&ranges) {
            Some(&rule) => rule,
            None => {
                let body = self.spell(&ranges);
                let rule = self.b.rule("a character");
                self.b.define(rule, body);
                if ranges == utf8::normalise(&ANY) {
                    self.b.plain_character(rule);
                }
                self.classes.insert(ranges, rule);
                rule
            }
        };
        self.b.call(rule)
    }

    fn spell(&mut self, ranges: &[(u32, u32)]) -> Expr {
        let plain = utf8::intersect(ranges, &[(0x20, 0x21), (0x23, 0x5B), (0x5D, 0x10FFFF)]);
        let escaped: Vec<String> = (0..0x20u32)
            .chain([0x22, 0x5C])
            .filter(|code| ranges.iter().any(|(lo, hi)| (lo..=hi).contains(&code)))
            .map(|code| match code {
                8 => "\\b".to_owned(),
                9 => "\\t".to_owned(),
                10 => "\\n".to_owned(),
                12 => "\\f".to_owned(),
                13 => "\\r".to_owned(),
                0x22 => "\\\"".to_owned(),
                0x5C => "\\\\".to_owned(),
                code => format!("\\u{code:04x}"),
            })
            .collect();
        let plain = self.b.chars(&plain);
        if escaped.is_empty() {
            return plain;
        }
        let escaped = self.b.literals(escaped);
        self.b.alt(&[plain, escaped])
    }

    /// A JSON string of so many characters.
    pub(super) fn string(&mut self, min: u32, max: Option<u32>) -> Expr {
        let one = self.character(&ANY);
        let all = self.b.repeat_counted(one, min, max);
        self.quoted(all)
    }

    /// The inside of a string between quotes.
    pub(super) fn quoted(&mut self, inside: Expr) -> Expr {
        let quote = self.b.literal("\"");
        self.b.seq(&[quote, inside, quote])
    }

    /// The inside of the strings of an automaton.
    pub(super) fn strings(&mut self, dfa: &Dfa) -> Expr {
        let mut edges = Vec::new();
        for (from, state) in dfa.states.iter().enumerate() {
            for (ranges, to) in &state.edges {
                edges.push((from as u32, self.character(ranges), *to));
            }
        }
        let accepts: Vec<bool> = dfa.states.iter().map(|state| state.label.is_some()).collect();
        self.b.graph(&edges, &accepts)
    }

    /// The inside of any string that is none of `keys`.
    pub(super) fn other_than(&mut self, keys: &[&str]) -> Expr {
        let mut sorted: Vec<Vec<u32>> = keys.iter().map(|key| key.chars().map(u32::from).collect()).collect();
        sorted.sort();
        sorted.dedup();
        let one = self.character(&ANY);
        let any = self.b.repeat_counted(one, 0, None);
        let any = self.b.named("any text", any);
        // From the deepest shared beginning outwards, so that no recursion is as deep as a key is long.
        let mut memo: std::collections::HashMap<(usize, usize, usize), Expr> = Default::default();
        let mut work = vec![(0, sorted.len(), 0, false)];
        while let Some((first, last, skip, ready)) = work.pop() {
            let groups: Vec<(u32, usize, usize)> = {
                let mut groups = Vec::new();
                let mut i = first;
                while i < last {
                    let Some(&c) = sorted[i].get(skip) else {
                        i += 1;
                        continue;
                    };
                    let run = sorted[i..last].iter().take_while(|key| key.get(skip) == Some(&c)).count();
                    groups.push((c, i, i + run));
                    i += run;
                }
                groups
            };
            if !ready {
                work.push((first, last, skip, true));
                work.extend(groups.iter().map(|&(_, from, to)| (from, to, skip + 1, false)));
                continue;
            }
            let ends_here = sorted[first..last].iter().any(|key| key.len() == skip);
            let taken: Vec<(u32, u32)> = groups.iter().map(|&(c, ..)| (c, c)).collect();
            let other = self.character(&utf8::complement(&taken));
            let mut parts = vec![self.b.seq(&[other, any])];
            if !ends_here {
                parts.push(self.b.empty());
            }
            for (c, from, to) in groups {
                let step = self.character(&[(c, c)]);
                let rest = memo.remove(&(from, to, skip + 1)).unwrap_or(any);
                parts.push(self.b.seq(&[step, rest]));
            }
            let body = self.b.alt(&parts);
            // A rule each keeps expressions flat.
            let call = self.b.named("another key", body);
            memo.insert((first, last, skip), call);
        }
        memo.remove(&(0, sorted.len(), 0)).unwrap_or(any)
    }
}

/// The JSON text of a string.
pub(super) fn spelled(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
