//! The vocabulary: strings in the map, an offset and a type each, and an index from string to id.

use super::TokenizerError;
use super::index::Index;
use crate::gguf::{Bytes, Gguf};

/// What a token is for, as `tokenizer.ggml.token_type` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TokenType {
    /// Not said.
    Undefined = 0,
    /// Ordinary text.
    Normal = 1,
    /// Stands for what the vocabulary cannot spell.
    Unknown = 2,
    /// A mark that no text contains: turns, ends, links.
    Control = 3,
    /// A string that its maker added whole.
    UserDefined = 4,
    /// A place that is kept free.
    Unused = 5,
    /// A single byte (SentencePiece's `<0x0A>`).
    Byte = 6,
}

impl TokenType {
    fn from_id(id: i32) -> Option<TokenType> {
        use TokenType::*;
        let all = [Undefined, Normal, Unknown, Control, UserDefined, Unused, Byte];
        all.get(usize::try_from(id).ok()?).copied()
    }
}

pub(super) const TOKENS: &str = "tokenizer.ggml.tokens";
const TYPES: &str = "tokenizer.ggml.token_type";

pub(super) struct Vocab {
    bytes: Bytes,
    /// Where the array's elements start in the file.
    base: usize,
    /// From `base` to each string, and one more past the last as if a string followed. Strings stand one
    /// after the other with a length of 8 bytes in front, so the next one's start gives an end.
    starts: Box<[u32]>,
    types: Box<[TokenType]>,
    index: Index,
    longest: usize,
    /// Whether no string stands twice.
    distinct: bool,
}

impl Vocab {
    pub(super) fn from_gguf(file: &Gguf) -> Result<Vocab, TokenizerError> {
        let tokens = file.array(TOKENS)?;
        let key_error = |key, problem| TokenizerError::Key { key, problem };
        let strings =
            tokens.strings().ok_or_else(|| key_error(TOKENS, "not an array of strings".to_owned()))?;
        if tokens.is_empty() {
            return Err(key_error(TOKENS, "an empty vocabulary".to_owned()));
        }
        if u32::try_from(tokens.data().len() + 8).is_err() {
            return Err(key_error(TOKENS, "more than 4 GiB of text".to_owned()));
        }
        let range = file.array_range(TOKENS)?;
        let mut starts = Vec::with_capacity(tokens.len() + 1);
        let mut longest = 0;
        for (id, (range, text)) in strings.enumerate() {
            if std::str::from_utf8(text).is_err() {
                let problem = format!("\"{}\" is not UTF-8", text[..text.len().min(64)].escape_ascii());
                return Err(TokenizerError::Token { id, problem });
            }
            starts.push(range.start as u32);
            longest = longest.max(text.len());
        }
        starts.push(tokens.data().len() as u32 + 8);
        let types = token_types(file, tokens.len())?;
        let mut vocab = Vocab {
            bytes: file.bytes().clone(),
            base: range.start,
            starts: starts.into(),
            types: types.into(),
            index: Index::with_room_for(0),
            longest,
            distinct: true,
        };
        let mut index = Index::with_room_for(vocab.len());
        for id in 0..vocab.len() as u32 {
            let text = vocab.raw(id);
            vocab.distinct &= index.insert(text, id, |other| vocab.raw(other) == text);
        }
        vocab.index = index;
        Ok(vocab)
    }

    pub(super) fn len(&self) -> usize {
        self.types.len()
    }

    /// The string of a token as it stands in the file; empty for an id that is none.
    pub(super) fn raw(&self, id: u32) -> &[u8] {
        let id = id as usize;
        match (self.starts.get(id), self.starts.get(id + 1)) {
            (Some(&start), Some(&next)) => {
                &self.bytes[self.base + start as usize..self.base + next as usize - 8]
            }
            _ => b"",
        }
    }

    pub(super) fn token_type(&self, id: u32) -> TokenType {
        self.types.get(id as usize).copied().unwrap_or(TokenType::Undefined)
    }

    /// The token with exactly this string; the first, should it stand twice.
    pub(super) fn find(&self, text: &[u8]) -> Option<u32> {
        if text.len() > self.longest {
            return None;
        }
        self.index.find(text, |id| self.raw(id) == text)
    }

    /// As [`Vocab::find`], for what text may become: never a control token or its like.
    pub(super) fn find_plain(&self, text: &[u8]) -> Option<u32> {
        self.find(text).filter(|&id| self.is_plain(id))
    }

    /// As [`Vocab::find_plain`] of two strings together. `likely` is looked at first: merges make tokens in the order of their ids.
    pub(super) fn find_joined(
        &self,
        left: &[u8],
        right: &[u8],
        likely: u32,
        room: &mut Vec<u8>,
    ) -> Option<u32> {
        let guess = self.raw(likely);
        let fits =
            guess.len() == left.len() + right.len() && guess.starts_with(left) && guess.ends_with(right);
        if fits && self.distinct {
            return Some(likely).filter(|&id| self.is_plain(id));
        }
        room.clear();
        room.extend_from_slice(left);
        room.extend_from_slice(right);
        self.find_plain(room)
    }

    /// Whether plain text may be encoded as this token.
    pub(super) fn is_plain(&self, id: u32) -> bool {
        matches!(self.token_type(id), TokenType::Normal | TokenType::Undefined)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.types) + self.index.heap_bytes()
    }
}

fn token_types(file: &Gguf, count: usize) -> Result<Vec<TokenType>, TokenizerError> {
    if file.get(TYPES).is_none() {
        return Ok(vec![TokenType::Normal; count]);
    }
    let types = file.array(TYPES)?;
    if types.len() != count {
        let problem = format!("{} types for {count} tokens", types.len());
        return Err(TokenizerError::Key { key: TYPES, problem });
    }
    let read = |id| {
        types.i32(id).and_then(TokenType::from_id).ok_or_else(|| {
            let found = types.get(id).and_then(|value| value.integer());
            let found = found.map_or("no integer".to_owned(), |number| number.to_string());
            TokenizerError::Token { id, problem: format!("its type in {TYPES} is {found}, expected 0 to 6") }
        })
    };
    (0..count).map(read).collect()
}
