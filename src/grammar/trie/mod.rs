//! The vocabulary as a flat trie, in one piece of memory that is also its file.
//!
//! A start that finds the file maps it and builds nothing; its pages are shared between processes and
//! come and go with memory pressure. All numbers are little-endian:
//!
//! | bytes | what |
//! | --- | --- |
//! | 96 | the header, see [`Header`] |
//! | some 3.3 a node | nodes in depth-first order, see [`nodes`](mod@nodes) |
//! | 8 a twin | `(a, b)`: token `b` has the bytes of token `a`, which stands in the trie; sorted |
//! | 8 per 64 tokens | special tokens |
//! | 16 × 8 per 64 tokens | plain tokens of at most 1, 2, … 15 and of any number of characters |
//! | 8 a long plain token | its number of characters (16 or more) and its id, longest first |
//! | 132 per 64 tokens | where their bytes begin: of the first, and how much further of each (2 bytes) |
//! | all tokens' bytes | padded to 8 |
//! | some 3.3 a node | the nodes that lead to tokens that are not plain, as a trie of its own |
//!
//! A token is *plain* when it is whole characters that JSON strings hold as they are. Most tokens
//! are: inside a string their set is taken as a whole, and only the trie of the rest is walked.

mod build;
mod file;
mod nodes;

use crate::gguf::Bytes;
pub use file::cache_folder;
pub(super) use nodes::Nodes;

/// The tokens of a vocabulary by their bytes. Special tokens have no bytes here: only a token terminal
/// matches them. Some 16 to 18 bytes a token in all; see [`TokenTrie::memory`].
#[derive(Debug)]
pub struct TokenTrie {
    bytes: Bytes,
    header: Header,
    /// [`Header::places`].
    places: [usize; 9],
}

/// What a trie begins with; 12 words of 8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Header {
    /// Hash of the vocabulary, see [`TokenTrie::hash_of`].
    vocabulary: u64,
    tokens: u32,
    /// Bytes of the nodes, those that only pad not counted.
    nodes: u32,
    twins: u32,
    long: u32,
    /// Bytes of all tokens together.
    text: u32,
    /// Length of the longest token in bytes.
    longest: u32,
    /// Bytes that are tokens of their own, a bit each.
    single: [u64; 4],
    /// Bytes of the nodes of the trie of tokens that are not plain.
    rest: u32,
}

/// The most tokens a vocabulary may have.
pub const MAX_VOCABULARY: usize = (1 << 24) - 2;
/// Longest token in bytes; a longer one counts as a token without bytes. (So that in a block of 64 each begins
/// less than 2^16 bytes behind the first.)
const MAX_TOKEN: usize = 1000;
/// Bytes of the beginnings of 64 tokens.
const BLOCK: usize = 4 + 64 * 2;
/// Characters from which on plain tokens are listed one by one.
pub(super) const LEVELS: usize = 16;

impl Header {
    const SIZE: usize = 96;

    fn words(self) -> usize {
        (self.tokens as usize).div_ceil(64)
    }

    /// Where each part begins: nodes, twins, special, plain, long, offsets, text, rest; and the whole size.
    fn places(self) -> [usize; 9] {
        // A damaged header may hold any numbers.
        let of = |count: u32, size: usize| (count as usize).saturating_mul(size);
        let words = self.words() * 8;
        let sizes = [
            nodes::padded(self.nodes),
            of(self.twins, 8),
            words,
            words.saturating_mul(LEVELS),
            of(self.long, 8),
            // The last token's end is a beginning too.
            (self.tokens as usize / 64 + 1).saturating_mul(BLOCK),
            of(self.text, 1).saturating_add(7) & !7,
            nodes::padded(self.rest),
        ];
        let mut at = Header::SIZE;
        let mut places = [at; 9];
        for (i, size) in sizes.into_iter().enumerate() {
            at = at.saturating_add(size);
            places[i + 1] = at;
        }
        places
    }
}

impl TokenTrie {
    fn part(&self, i: usize) -> &[u8] {
        &self.bytes[self.places[i]..self.places[i + 1]]
    }

    /// Number of tokens.
    pub fn vocab_size(&self) -> usize {
        self.header.tokens as usize
    }

    /// The bytes of a token; empty for special tokens and ids outside.
    pub fn bytes(&self, token: u32) -> &[u8] {
        let Some(next) = token.checked_add(1).filter(|next| *next <= self.header.tokens) else { return &[] };
        self.part(6).get(self.begin(token)..self.begin(next)).unwrap_or(&[])
    }

    /// Where the bytes of a token begin, or end those of the one before.
    fn begin(&self, token: u32) -> usize {
        let block = &self.part(5)[token as usize / 64 * BLOCK..][..BLOCK];
        let (base, further) = block.split_at(4);
        let base = base.try_into().map_or(0, u32::from_le_bytes);
        base as usize + usize::from(u16::from_le_bytes(further.as_chunks().0[token as usize % 64]))
    }

    /// Whether only a token terminal matches it.
    pub fn is_special(&self, token: u32) -> bool {
        let (words, _) = self.part(2).as_chunks::<8>();
        words.get(token as usize / 64).is_some_and(|word| u64::from_le_bytes(*word) >> (token % 64) & 1 == 1)
    }

    /// Whether some token is exactly this byte.
    pub fn has_byte(&self, byte: u8) -> bool {
        self.header.single[byte as usize / 64] >> (byte % 64) & 1 == 1
    }

    /// Length of the longest token in bytes.
    pub fn longest(&self) -> usize {
        self.header.longest as usize
    }

    /// Bytes that this trie holds, in a map or not.
    pub fn memory(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn nodes(&self) -> Nodes<'_> {
        Nodes::new(self.part(0), self.header.nodes, self.header.tokens)
    }

    /// The trie of the tokens that are not plain.
    pub(super) fn rest(&self) -> Nodes<'_> {
        Nodes::new(self.part(7), self.header.rest, self.header.tokens)
    }

    /// The plain tokens of at most `characters` characters: their bits without those of long tokens
    /// that are longer, which are listed.
    pub(super) fn plain(&self, characters: u64) -> (&[[u8; 8]], impl Iterator<Item = u32>) {
        let words = self.header.words();
        let level = characters.clamp(1, LEVELS as u64) as usize - 1;
        let (all, _) = self.part(3).as_chunks::<8>();
        let listed = if level + 1 == LEVELS { self.part(4).as_chunks::<8>().0 } else { &[] };
        let longer = listed.iter().map(|pair| u64::from_le_bytes(*pair));
        let longer = longer.take_while(move |pair| u64::from(*pair as u32) > characters);
        (&all[level * words..(level + 1) * words], longer.map(|pair| (pair >> 32) as u32))
    }

    /// Tokens with the same bytes as `token`, which must be the one in the trie.
    pub(super) fn twins(&self, token: u32) -> impl Iterator<Item = u32> + '_ {
        let (twins, _) = self.part(1).as_chunks::<8>();
        let pair = |pair: &[u8; 8]| u64::from_le_bytes(*pair);
        let from = twins.partition_point(move |two| (pair(two) as u32) < token);
        let same = twins[from..].iter().map(pair).take_while(move |two| *two as u32 == token);
        same.map(|two| (two >> 32) as u32)
    }

    /// Where the nodes lie below the node that `text` leads to (all nodes for the empty text); `None` when no
    /// token begins with `text`.
    pub(super) fn below(&self, text: &[u8]) -> Option<std::ops::Range<usize>> {
        let nodes = self.nodes();
        let mut range = 0..nodes.len();
        for &byte in text {
            let mut i = range.start;
            loop {
                if i >= range.end {
                    return None;
                }
                let node = nodes.get(i);
                if node.byte() == byte {
                    range = node.below()..node.end();
                    break;
                }
                i = node.end();
            }
        }
        Some(range)
    }
}

#[cfg(test)]
mod tests;
