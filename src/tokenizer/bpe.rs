//! Byte-level BPE: a word is its bytes, and the pair with the lowest rank merges until none is left.
//!
//! Vocabularies of this kind spell each byte as one printable character (`Ġ` is the space). Here that
//! spelling is met only in the file: words are merged as token ids from the start.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::index::Index;
use super::split::Split;
use super::vocab::Vocab;
use super::{NONE, TokenizerError};
use crate::gguf::Gguf;

const MERGES: &str = "tokenizer.ggml.merges";

/// Two tokens that become one; the rank is the place in the list.
struct Merge {
    left: u32,
    right: u32,
    merged: u32,
}

pub(super) struct Bpe {
    split: Split,
    /// A word that is a token is that token, even if no merges lead there.
    whole_words: bool,
    /// The token of each byte, or [`NONE`].
    byte_ids: Box<[u32; 256]>,
    merges: Box<[Merge]>,
    index: Index,
}

/// Room to work in, kept from word to word: 12 bytes a byte of the longest word, and the heap's 8.
#[derive(Default)]
pub(super) struct Scratch {
    ids: Vec<u32>,
    previous: Vec<u32>,
    next: Vec<u32>,
    /// Rank and left symbol of pairs, lowest first; some are out of date.
    heap: BinaryHeap<Reverse<(u32, u32)>>,
    spelled: String,
}

impl Bpe {
    pub(super) fn from_gguf(file: &Gguf, vocab: &Vocab, split: Split) -> Result<Bpe, TokenizerError> {
        let list = file.array(MERGES)?;
        let strings = list.strings().ok_or_else(|| TokenizerError::Key {
            key: MERGES,
            problem: "not an array of strings".to_owned(),
        })?;
        let mut merges: Vec<Merge> = Vec::with_capacity(list.len());
        let mut index = Index::with_room_for(list.len());
        let mut room = Vec::new();
        for (rank, (_, text)) in strings.enumerate() {
            let likely = merges.last().map_or(0, |merge| merge.merged.saturating_add(1));
            let merge =
                read_merge(vocab, text, likely, &mut room).map_err(|problem| TokenizerError::Merge {
                    index: rank,
                    text: String::from_utf8_lossy(&text[..text.len().min(64)]).into_owned(),
                    problem,
                })?;
            let pair = (merge.left, merge.right);
            merges.push(merge);
            let is = |other: u32| {
                let other = &merges[other as usize];
                (other.left, other.right) == pair
            };
            index.insert(&pair, rank as u32, is);
        }
        let byte_ids = Box::new(std::array::from_fn(|byte| {
            let mut buffer = [0; 4];
            let spelled = byte_to_char(byte as u8).encode_utf8(&mut buffer);
            vocab.find_plain(spelled.as_bytes()).unwrap_or(NONE)
        }));
        Ok(Bpe { split, whole_words: split == Split::Llama3, byte_ids, merges: merges.into(), index })
    }

    /// Appends the tokens of a text. A byte that the vocabulary lacks is left out.
    pub(super) fn encode(&self, vocab: &Vocab, text: &str, out: &mut Vec<u32>) {
        let mut scratch = Scratch::default();
        self.split.words(text, |word| self.word(vocab, word.as_bytes(), &mut scratch, out));
    }

    fn word(&self, vocab: &Vocab, word: &[u8], scratch: &mut Scratch, out: &mut Vec<u32>) {
        if self.whole_words {
            scratch.spelled.clear();
            scratch.spelled.extend(word.iter().map(|&byte| byte_to_char(byte)));
            if let Some(id) = vocab.find_plain(scratch.spelled.as_bytes()) {
                return out.push(id);
            }
        }
        let Scratch { ids, previous, next, heap, .. } = scratch;
        ids.clear();
        ids.extend(word.iter().map(|&byte| self.byte_ids[byte as usize]).filter(|&id| id != NONE));
        let count = ids.len() as u32;
        previous.clear();
        previous.extend((0..count).map(|at| at.checked_sub(1).unwrap_or(NONE)));
        next.clear();
        next.extend((1..=count).map(|at| if at == count { NONE } else { at }));

        let ranked = ids.windows(2).zip(0u32..);
        let ranked = ranked.filter_map(|(pair, at)| Some(Reverse((self.rank(pair[0], pair[1])?, at))));
        heap.extend(ranked);
        while let Some(Reverse((rank, left))) = heap.pop() {
            let at = left as usize;
            let right = next[at];
            // Out of date, unless the pair that starts here now still has this rank. A symbol that was
            // merged away is NONE, which no merge contains.
            if right == NONE || self.rank(ids[at], ids[right as usize]) != Some(rank) {
                continue;
            }
            ids[at] = self.merges[rank as usize].merged;
            ids[right as usize] = NONE;
            let after = next[right as usize];
            next[at] = after;
            if after != NONE {
                previous[after as usize] = left;
                heap.extend(self.rank(ids[at], ids[after as usize]).map(|rank| Reverse((rank, left))));
            }
            let before = previous[at];
            if before != NONE {
                heap.extend(self.rank(ids[before as usize], ids[at]).map(|rank| Reverse((rank, before))));
            }
        }
        out.extend(ids.iter().filter(|&&id| id != NONE));
    }

    /// Whether models with this pre-tokenizer expect BOS when the file does not say.
    pub(super) fn adds_bos(&self) -> bool {
        self.split == Split::Llama3
    }

    fn rank(&self, left: u32, right: u32) -> Option<u32> {
        self.index.find(&(left, right), |rank| {
            let merge = &self.merges[rank as usize];
            (merge.left, merge.right) == (left, right)
        })
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.byte_ids) + size_of_val(&*self.merges) + self.index.heap_bytes()
    }
}

/// A merge as the file writes it: two strings with a space between, which neither can contain.
fn read_merge(vocab: &Vocab, text: &[u8], likely: u32, room: &mut Vec<u8>) -> Result<Merge, &'static str> {
    let space = text.iter().position(|&byte| byte == b' ').ok_or("no space between two strings")?;
    let (left, right) = (&text[..space], &text[space + 1..]);
    let find = |part: &[u8]| vocab.find_plain(part);
    Ok(Merge {
        left: find(left).ok_or("the left string is not in the vocabulary as plain text")?,
        right: find(right).ok_or("the right string is not in the vocabulary as plain text")?,
        merged: vocab
            .find_joined(left, right, likely, room)
            .ok_or("the result is not in the vocabulary as plain text")?,
    })
}

/// The character that spells a byte: printable Latin-1 as itself, the rest from U+0100 on, in order.
pub(crate) const fn byte_to_char(byte: u8) -> char {
    let code = match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => byte as u32,
        0..=b' ' => 0x100 + byte as u32,
        0x7f..=0xa0 => 0x100 + 33 + (byte - 0x7f) as u32,
        0xad => 0x100 + 67,
    };
    // All of these are far below the surrogates.
    char::from_u32(code).unwrap()
}

/// The byte that a character spells.
pub(super) const fn char_to_byte(c: char) -> Option<u8> {
    match c as u32 {
        code @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => Some(code as u8),
        code @ 0x100..=0x120 => Some((code - 0x100) as u8),
        code @ 0x121..=0x142 => Some((code - 0x121) as u8 + 0x7f),
        0x143 => Some(0xad),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_spelling_of_its_own() {
        for byte in 0..=255u8 {
            let c = byte_to_char(byte);
            assert_eq!(char_to_byte(c), Some(byte));
            assert!(!c.is_control() && !c.is_whitespace(), "{byte:#x} as {c:?}");
        }
        assert_eq!((byte_to_char(b' '), byte_to_char(b'\n'), byte_to_char(0x7f)), ('Ġ', 'Ċ', 'ġ'));
        assert_eq!((byte_to_char(0xa0), byte_to_char(0xad)), ('ł', 'Ń'));
        assert_eq!(char_to_byte('\u{144}'), None);
        assert_eq!(char_to_byte(' '), None);
    }
}
