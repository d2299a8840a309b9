//! Random texts of a grammar, byte by byte, without a model: for looking at what a grammar allows.

use std::sync::Arc;

use super::{Grammar, MatchError, Matcher, TokenTrie};

/// How likely a text ends where it may end.
const STOP: f64 = 0.3;

/// The vocabulary whose tokens are the 256 bytes.
pub(super) fn byte_trie() -> Arc<TokenTrie> {
    Arc::new(TokenTrie::new(256, |id| [id as u8], |_| false))
}

/// An endless supply of random texts; the same seed gives the same texts.
///
/// Every text of the grammar within the length can come (except those with token terminals, which have
/// no bytes); texts that a person would write come more often than others.
pub struct Samples {
    matcher: Matcher,
    random: Random,
    max_bytes: usize,
}

impl Samples {
    /// Texts of at most `max_bytes` bytes.
    ///
    /// # Errors
    /// [`MatchError::Budget`] when the shortest text is longer than that; [`MatchError::Vocabulary`] when
    /// every text needs a token terminal.
    pub fn new(grammar: Arc<Grammar>, seed: u64, max_bytes: usize) -> Result<Samples, MatchError> {
        let matcher = Matcher::new(grammar, byte_trie())?;
        if matcher.needed() > max_bytes {
            return Err(MatchError::Budget { budget: max_bytes, needed: matcher.needed() });
        }
        Ok(Samples { matcher, random: Random(seed), max_bytes })
    }

    /// The next text.
    ///
    /// # Errors
    /// The memory limit.
    pub fn draw(&mut self) -> Result<Vec<u8>, MatchError> {
        self.matcher.reset()?;
        let mut text = Vec::new();
        loop {
            if self.matcher.is_complete() && self.random.unit() < STOP {
                break;
            }
            let legal: Vec<u8> = self
                .matcher
                .mask(Some(self.max_bytes - text.len()))?
                .iter()
                .map(|token| token as u8)
                .collect();
            if legal.is_empty() {
                break;
            }
            let byte = self.choose(&legal);
            self.matcher.accept(u32::from(byte))?;
            text.push(byte);
        }
        Ok(text)
    }

    /// One of the bytes: first a kind, by weight, then any of that kind.
    fn choose(&mut self, legal: &[u8]) -> u8 {
        let mut kinds: Vec<(Kind, Vec<u8>)> = Vec::new();
        for &byte in legal {
            let kind = Kind::of(byte);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, members)) => members.push(byte),
                None => kinds.push((kind, vec![byte])),
            }
        }
        let total: f64 = kinds.iter().map(|(kind, _)| kind.weight()).sum();
        let mut left = self.random.unit() * total;
        for (kind, members) in &kinds {
            left -= kind.weight();
            if left < 0.0 {
                return members[self.random.below(members.len())];
            }
        }
        legal[legal.len() - 1]
    }
}

/// Bytes that are as good as each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lower,
    Upper,
    Digit,
    Space,
    /// What opens, closes and separates: each for itself, so that long lists of letters do not drown it.
    Mark(u8),
    Other,
    Foreign,
    Control,
}

impl Kind {
    fn of(byte: u8) -> Kind {
        match byte {
            b'a'..=b'z' => Kind::Lower,
            b'A'..=b'Z' => Kind::Upper,
            b'0'..=b'9' => Kind::Digit,
            b' ' | b'\n' => Kind::Space,
            b'"' | b',' | b':' | b'[' | b']' | b'{' | b'}' | b'(' | b')' => Kind::Mark(byte),
            0x80.. => Kind::Foreign,
            _ if byte.is_ascii_control() => Kind::Control,
            _ => Kind::Other,
        }
    }

    fn weight(self) -> f64 {
        match self {
            Kind::Lower => 6.0,
            Kind::Digit => 2.0,
            Kind::Upper | Kind::Mark(_) => 1.0,
            Kind::Space | Kind::Other => 0.5,
            Kind::Foreign => 0.1,
            Kind::Control => 0.02,
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// At least 0, below 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::gbnf;

    fn texts(grammar: &str, seed: u64, max_bytes: usize, n: usize) -> Vec<String> {
        let grammar = Arc::new(gbnf::parse(grammar).unwrap());
        let whole = Matcher::new(grammar.clone(), byte_trie()).unwrap();
        let mut samples = Samples::new(grammar, seed, max_bytes).unwrap();
        (0..n)
            .map(|_| {
                let text = samples.draw().unwrap();
                assert!(whole.matches(&text) && text.len() <= max_bytes, "{}", text.escape_ascii());
                String::from_utf8(text).unwrap()
            })
            .collect()
    }

    #[test]
    fn texts_fit_the_grammar_and_the_length() {
        // The deepest of these has no room for anything but closing brackets at its end.
        let nested = r#"root ::= "[" (root ("," root)*)? "]" | "\"" [^"\\\x00-\x1F]* "\"" | [0-9]+"#;
        for max in [2, 3, 7, 40] {
            texts(nested, max as u64, max, 100);
        }
        assert_eq!(texts(nested, 5, 30, 20), texts(nested, 5, 30, 20));
        assert_ne!(texts(nested, 5, 30, 20), texts(nested, 6, 30, 20));
    }

    #[test]
    fn every_alternative_comes() {
        let mut found = texts(r#"root ::= "yes" | "no" | "\U0001F600" | "(" | ")" "#, 1, 9, 500);
        found.sort();
        found.dedup();
        assert_eq!(found, ["(", ")", "no", "yes", "😀"]);
    }

    #[test]
    fn a_length_that_no_text_has_is_an_error() {
        let long = Arc::new(gbnf::parse(r#"root ::= "a"{20}"#).unwrap());
        assert!(matches!(Samples::new(long, 0, 19), Err(MatchError::Budget { budget: 19, needed: 20 })));
        let token = Arc::new(gbnf::parse("root ::= <[700]>").unwrap());
        assert!(matches!(Samples::new(token, 0, 19), Err(MatchError::Vocabulary(_))));
    }
}
