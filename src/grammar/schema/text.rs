//! JSON text: strings, every character in exactly one spelling, the one that serialisers write; and
//! what stands between values.

use super::language::Dfa;
use crate::grammar::fx::{FxMap, sort};
use crate::grammar::{Expr, GrammarBuilder, RuleId, utf8};

/// All characters.
pub(super) const ANY: [(u32, u32); 1] = [(0, 0x10FFFF)];

/// Writes JSON into a grammar that is being built.
pub(super) struct Writer<'b> {
    pub(super) b: &'b mut GrammarBuilder,
    /// Most blanks at a place where they mean nothing.
    blanks: u32,
    classes: FxMap<Vec<(u32, u32)>, RuleId>,
    /// What [`one_of`](Self::one_of) gave.
    sets: FxMap<Vec<(u32, u32)>, Expr>,
    /// What [`other_than`](Self::other_than) gave for sets of keys.
    others: FxMap<Vec<String>, Expr>,
    blank: Option<Expr>,
}

impl<'b> Writer<'b> {
    pub(super) fn new(b: &'b mut GrammarBuilder, blanks: u32) -> Writer<'b> {
        Writer {
            b,
            blanks,
            classes: FxMap::default(),
            sets: FxMap::default(),
            others: FxMap::default(),
            blank: None,
        }
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

    /// One character of a JSON string.
    pub(super) fn character(&mut self, ranges: &[(u32, u32)]) -> Expr {
        let ranges = utf8::normalise(ranges);
        if !utf8::holds_plain(&ranges) {
            return self.one_of(&ranges);
        }
        // Any character is a rule, whose repetition the engine knows as any text.
        let rule = self.shared(&ranges, |b| {
            let plain = b.chars(&utf8::intersect(&ranges, &[(0x20, 0x21), (0x23, 0x5B), (0x5D, 0x10FFFF)]));
            let escaped = b.literals(escaped_of(&ranges).into_iter().map(escape));
            b.alt(&[plain, escaped])
        });
        self.b.call(rule)
    }

    /// One character of these; what is larger than some bytes is a rule, written once.
    fn one_of(&mut self, ranges: &[(u32, u32)]) -> Expr {
        if let Some(&known) = self.sets.get(ranges) {
            return known;
        }
        let made = self.make_one_of(ranges);
        self.sets.insert(ranges.to_vec(), made);
        made
    }

    fn make_one_of(&mut self, ranges: &[(u32, u32)]) -> Expr {
        let mut parts = Vec::new();
        let ascii = utf8::intersect(ranges, &[(0x20, 0x21), (0x23, 0x5B), (0x5D, 0x7F)]);
        if !ascii.is_empty() {
            let bytes: Vec<(u8, u8)> = ascii.iter().map(|&(lo, hi)| (lo as u8, hi as u8)).collect();
            parts.push(self.b.bytes(&bytes));
        }
        let wide = utf8::intersect(ranges, &[(0x80, 0x10FFFF)]);
        if wide.iter().any(|(lo, hi)| lo != hi) {
            let rule = self.shared(&wide, |b| b.chars(&wide));
            parts.push(self.b.call(rule));
        } else if !wide.is_empty() {
            parts.push(self.b.chars(&wide));
        }
        let escaped = escaped_of(ranges);
        if escaped.len() > 2 {
            let key: Vec<(u32, u32)> = escaped.iter().map(|&code| (code, code)).collect();
            let rule = self.shared(&key, |b| b.literals(escaped.iter().map(|&code| escape(code))));
            parts.push(self.b.call(rule));
        } else if !escaped.is_empty() {
            parts.push(self.b.literals(escaped.into_iter().map(escape)));
        }
        self.b.alt(&parts)
    }

    /// One character that is none of these: a rule, made once. Where that is any plain character it is
    /// written out, since a state must be left by bytes for the engine to know it as one of free text.
    fn besides(&mut self, taken: &[(u32, u32)]) -> Expr {
        let ranges = utf8::complement(taken);
        if utf8::holds_plain(&ranges) {
            return self.one_of(&ranges);
        }
        let rule = match self.classes.get(&ranges) {
            Some(&rule) => rule,
            None => {
                let body = self.one_of(&ranges);
                self.shared(&ranges, |_| body)
            }
        };
        self.b.call(rule)
    }

    /// The rule of a set of characters, made once.
    fn shared(&mut self, ranges: &[(u32, u32)], body: impl FnOnce(&mut GrammarBuilder) -> Expr) -> RuleId {
        if let Some(&rule) = self.classes.get(ranges) {
            return rule;
        }
        let body = body(self.b);
        let rule = self.b.rule("a character");
        self.b.define(rule, body);
        self.classes.insert(ranges.to_vec(), rule);
        rule
    }

    /// A JSON string of so many characters.
    pub(super) fn string(&mut self, min: u32, max: Option<u32>) -> Expr {
        let one = self.character(&ANY);
        let all = self.b.repeat(one, min, max);
        self.quoted(all)
    }

    /// The inside of a string between quotes.
    pub(super) fn quoted(&mut self, inside: Expr) -> Expr {
        let quote = self.b.literal("\"");
        self.b.seq(&[quote, inside, quote])
    }

    /// The inside of the strings of an automaton.
    pub(super) fn strings(&mut self, dfa: &Dfa) -> Expr {
        let sets: Vec<Expr> = dfa.sets.iter().map(|ranges| self.one_of(ranges)).collect();
        let mut edges = Vec::new();
        for from in 0..dfa.len() {
            edges.extend(dfa.edges(from).iter().map(|&(set, to)| (from as u32, sets[set as usize], to)));
        }
        let accepts: Vec<bool> = (0..dfa.len()).map(|state| dfa.label(state).is_some()).collect();
        match dfa.free() {
            Some(free) => self.b.free_graph(&edges, &accepts, free.into_iter()),
            None => self.b.graph(&edges, &accepts),
        }
    }

    /// The inside of any string that is none of `keys`: a trie of them, which every other character
    /// leaves for any text.
    pub(super) fn other_than(&mut self, keys: &[&str]) -> Expr {
        const ANY_TEXT: u32 = 1;
        let mut sorted: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        sort(&mut sorted);
        sorted.dedup();
        if let Some(&known) = self.others.get(&sorted) {
            return known;
        }
        // State 0 is the root of the trie.
        let mut accepts = vec![true; 2];
        let every = self.besides(&[]);
        let mut edges = vec![(ANY_TEXT, every, ANY_TEXT)];
        // Keys that are alike up to a byte, and their state.
        let mut work = vec![(0, sorted.len(), 0, 0)];
        while let Some((mut from, to, skip, at)) = work.pop() {
            if sorted.get(from).is_some_and(|key| key.len() == skip) {
                accepts[at as usize] = false;
                from += 1;
            }
            let mut taken = Vec::new();
            while let Some(c) = sorted[..to].get(from).and_then(|key| key[skip..].chars().next()) {
                let alike = sorted[from..to].iter().take_while(|key| key[skip..].starts_with(c)).count();
                let child = accepts.len() as u32;
                accepts.push(true);
                edges.push((at, self.one_of(&[(c as u32, c as u32)]), child));
                work.push((from, from + alike, skip + c.len_utf8(), child));
                taken.push((c as u32, c as u32));
                from += alike;
            }
            edges.push((at, self.besides(&taken), ANY_TEXT));
        }
        let body = self.b.free_graph(&edges, &accepts, accepts.iter().map(|_| true));
        let call = self.b.named("another text", body);
        self.others.insert(sorted, call);
        call
    }
}

/// Characters that JSON strings hold only escaped.
const ESCAPED: [u32; 34] = {
    let mut all = [0; 34];
    let mut code = 0;
    while code < 0x20 {
        all[code as usize] = code;
        code += 1;
    }
    all[32] = 0x22;
    all[33] = 0x5C;
    all
};

fn escaped_of(ranges: &[(u32, u32)]) -> Vec<u32> {
    ESCAPED.into_iter().filter(|code| ranges.iter().any(|(lo, hi)| (lo..=hi).contains(&code))).collect()
}

/// As serialisers write it.
fn escape(code: u32) -> String {
    match code {
        8 => "\\b".to_owned(),
        9 => "\\t".to_owned(),
        10 => "\\n".to_owned(),
        12 => "\\f".to_owned(),
        13 => "\\r".to_owned(),
        0x22 => "\\\"".to_owned(),
        0x5C => "\\\\".to_owned(),
        code => format!("\\u{code:04x}"),
    }
}

/// The JSON text of a string.
pub(super) fn spelled(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
