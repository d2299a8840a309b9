//! SentencePiece-style: the neighbours that make the best-scored token merge until none do; what is then
//! no token is spelled in bytes. Spaces are `▁` (U+2581), and one is put in front of the text.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::vocab::{TokenType, Vocab};
use super::{NONE, TokenizerError};
use crate::gguf::Gguf;

pub(super) const SPACE: &str = "\u{2581}";
const SCORES: &str = "tokenizer.ggml.scores";
/// Set in a symbol's start when it is a `▁` of the text's own, which must not become a space.
const LITERAL: u32 = 1 << 31;

pub(super) struct Spm {
    /// Whether a space is put in front of a text.
    pub(super) space_prefix: bool,
    /// Order of scores, best lowest, one a token.
    order: Box<[u32]>,
    /// The token of each byte, or [`NONE`].
    byte_ids: Box<[u32; 256]>,
    unknown: Option<u32>,
}

impl Spm {
    pub(super) fn from_gguf(file: &Gguf, vocab: &Vocab) -> Result<Spm, TokenizerError> {
        let scores = file.array(SCORES)?;
        if scores.len() != vocab.len() {
            let problem = format!("{} scores for {} tokens", scores.len(), vocab.len());
            return Err(TokenizerError::Key { key: SCORES, problem });
        }
        let order: Option<Vec<u32>> = (0..scores.len()).map(|id| scores.f32(id).map(best_lowest)).collect();
        let order = order.ok_or_else(|| TokenizerError::Key {
            key: SCORES,
            problem: format!("an array of {}, expected f32", scores.element().name()),
        })?;
        let mut byte_ids = Box::new([NONE; 256]);
        for id in (0..vocab.len() as u32).filter(|&id| vocab.token_type(id) == TokenType::Byte) {
            let byte = byte_of(vocab.raw(id)).ok_or_else(|| TokenizerError::Token {
                id: id as usize,
                problem: "a byte that is not written as <0x00> to <0xFF>".to_owned(),
            })?;
            byte_ids[byte as usize] = id;
        }
        Ok(Spm {
            space_prefix: file.bool_or("tokenizer.ggml.add_space_prefix", true)?,
            order: order.into(),
            byte_ids,
            unknown: super::id_key(file, vocab, "tokenizer.ggml.unknown_token_id")?,
        })
    }

    /// Appends the tokens of a text.
    pub(super) fn encode(&self, vocab: &Vocab, text: &str, prefix: bool, out: &mut Vec<u32>) {
        if text.is_empty() {
            return;
        }
        let mut symbols = Symbols::of(text, prefix && self.space_prefix, self.can_spell(SPACE));
        let mut heap = BinaryHeap::new();
        for left in 0..symbols.starts.len() as u32 {
            heap.extend(self.pair(vocab, &symbols, left).map(|order| Reverse((order, left))));
        }
        while let Some(Reverse((order, left))) = heap.pop() {
            // Out of date, unless the pair that starts here now still has this score.
            if !symbols.is_alive(left) || self.pair(vocab, &symbols, left) != Some(order) {
                continue;
            }
            symbols.join(left);
            heap.extend(self.pair(vocab, &symbols, left).map(|order| Reverse((order, left))));
            let before = symbols.previous[left as usize];
            if before != NONE {
                heap.extend(self.pair(vocab, &symbols, before).map(|order| Reverse((order, before))));
            }
        }
        let mut at = 0;
        while at != NONE {
            self.symbol(vocab, &symbols, at, out);
            at = symbols.next[at as usize];
        }
    }

    /// The score of what a symbol and its neighbour would make, if that is a token.
    fn pair(&self, vocab: &Vocab, symbols: &Symbols, left: u32) -> Option<u32> {
        let right = symbols.next[left as usize];
        if right == NONE || symbols.is_literal(left) || symbols.is_literal(right) {
            return None;
        }
        let text = &symbols.text.as_bytes()[symbols.start(left)..symbols.end(right)];
        Some(self.order[vocab.find_plain(text)? as usize])
    }

    fn symbol(&self, vocab: &Vocab, symbols: &Symbols, at: u32, out: &mut Vec<u32>) {
        let mut text = &symbols.text[symbols.start(at)..symbols.end(at)];
        if !symbols.is_literal(at) {
            if let Some(id) = vocab.find_plain(text.as_bytes()) {
                return out.push(id);
            }
            if text == SPACE && self.can_spell(" ") {
                text = " ";
            }
        }
        if self.can_spell(text) {
            out.extend(text.bytes().map(|byte| self.byte_ids[byte as usize]));
        } else {
            out.extend(self.unknown);
        }
    }

    fn can_spell(&self, text: &str) -> bool {
        text.bytes().all(|byte| self.byte_ids[byte as usize] != NONE)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.order) + size_of_val(&*self.byte_ids)
    }
}

/// The pieces of a text, at first its characters: about 12 bytes each beside the text.
struct Symbols {
    text: String,
    starts: Vec<u32>,
    previous: Vec<u32>,
    next: Vec<u32>,
}

/// What stands in `previous` of a symbol that was joined to the one before.
const JOINED: u32 = NONE - 1;

impl Symbols {
    fn of(text: &str, prefix: bool, keep_literal: bool) -> Symbols {
        let mut escaped = String::with_capacity(text.len() + SPACE.len());
        let mut starts = Vec::with_capacity(text.len() + 1);
        for c in prefix.then_some(' ').into_iter().chain(text.chars()) {
            let start = escaped.len() as u32;
            match c {
                ' ' => escaped.push_str(SPACE),
                _ => escaped.push(c),
            }
            let literal = keep_literal && SPACE.starts_with(c);
            starts.push(if literal { start | LITERAL } else { start });
        }
        let count = starts.len() as u32;
        Symbols {
            text: escaped,
            starts,
            previous: (0..count).map(|at| at.checked_sub(1).unwrap_or(NONE)).collect(),
            next: (1..=count).map(|at| if at == count { NONE } else { at }).collect(),
        }
    }

    fn start(&self, at: u32) -> usize {
        (self.starts[at as usize] & !LITERAL) as usize
    }

    fn end(&self, at: u32) -> usize {
        match self.next[at as usize] {
            NONE => self.text.len(),
            next => self.start(next),
        }
    }

    fn is_literal(&self, at: u32) -> bool {
        self.starts[at as usize] & LITERAL != 0
    }

    fn is_alive(&self, at: u32) -> bool {
        self.previous[at as usize] != JOINED
    }

    /// Joins a symbol with the one after it.
    fn join(&mut self, left: u32) {
        let right = self.next[left as usize] as usize;
        let after = self.next[right];
        self.previous[right] = JOINED;
        self.next[left as usize] = after;
        if after != NONE {
            self.previous[after as usize] = left;
        }
    }
}

/// Scores as numbers that sort the other way round; what is not a number comes last.
fn best_lowest(score: f32) -> u32 {
    if score.is_nan() {
        return u32::MAX;
    }
    // Adding zero makes one zero of two.
    let bits = (score + 0.0).to_bits();
    if bits >> 31 == 0 { !(bits | 1 << 31) } else { bits }
}

/// The byte that `<0x0A>` names.
pub(super) fn byte_of(text: &[u8]) -> Option<u8> {
    let hex = text.strip_prefix(b"<0x")?.strip_suffix(b">")?;
    let is_plain = hex.len() == 2 && hex.iter().all(u8::is_ascii_hexdigit);
    if !is_plain {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_sort_best_first() {
        let scores = [f32::INFINITY, 7.5, 1e-30, 0.0, -1e-30, -3.0, -1e9, f32::NEG_INFINITY, f32::NAN];
        assert!(scores.windows(2).all(|pair| best_lowest(pair[0]) < best_lowest(pair[1])));
        assert_eq!(best_lowest(0.0), best_lowest(-0.0));
    }

    #[test]
    fn bytes_by_name() {
        assert_eq!(byte_of(b"<0x0A>"), Some(10));
        assert_eq!(byte_of(b"<0xff>"), Some(255));
        for wrong in ["<0x1>", "<0x+1>", "<0x100>", "0x10", "<0x10", ""] {
            assert_eq!(byte_of(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
