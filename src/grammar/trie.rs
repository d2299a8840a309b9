//! The vocabulary as a flat trie, and sets of its tokens.

/// The tokens of a vocabulary by their bytes: a flat array in depth-first order, 8 bytes a node and
/// about two nodes a token. Special tokens have no bytes here: only a token terminal matches them.
#[derive(Debug)]
pub struct TokenTrie {
    nodes: Vec<Node>,
    /// `(a, b)`: token `b` has the same bytes as token `a`, which stands in the trie; sorted.
    twins: Vec<(u32, u32)>,
    /// Where each token's bytes lie in `bytes`; one more than there are tokens.
    offsets: Vec<u32>,
    bytes: Vec<u8>,
    special: Vec<u64>,
    single: [bool; 256],
    longest: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Byte in the low 8 bits, token id + 1 (0: none) above.
    word: u32,
    /// One past the last node below.
    pub(super) end: u32,
}

impl Node {
    pub(super) fn byte(self) -> u8 {
        self.word as u8
    }
    pub(super) fn token(self) -> Option<u32> {
        (self.word >> 8).checked_sub(1)
    }
}

/// The most tokens a vocabulary may have.
pub const MAX_VOCABULARY: usize = (1 << 24) - 2;

impl TokenTrie {
    /// A trie over tokens `0..vocab_size`. `bytes(id)` is what the token adds to the text (a byte
    /// token its one byte, a leading-space mark already turned into a space); it is not asked for
    /// tokens that `is_special`. Tokens without bytes are never legal except by id.
    ///
    /// Tokens past [`MAX_VOCABULARY`] are left out.
    pub fn new<B: AsRef<[u8]>>(
        vocab_size: usize,
        bytes: impl Fn(u32) -> B,
        is_special: impl Fn(u32) -> bool,
    ) -> TokenTrie {
        let vocab_size = vocab_size.min(MAX_VOCABULARY);
        let mut special = vec![0u64; vocab_size.div_ceil(64)];
        let mut offsets = Vec::with_capacity(vocab_size + 1);
        let mut all = Vec::new();
        for id in 0..vocab_size as u32 {
            offsets.push(all.len() as u32);
            if is_special(id) {
                special[id as usize / 64] |= 1 << (id % 64);
            } else {
                all.extend_from_slice(bytes(id).as_ref());
            }
        }
        offsets.push(all.len() as u32);
        let slice = |id: u32| &all[offsets[id as usize] as usize..offsets[id as usize + 1] as usize];
        let mut order: Vec<u32> = (0..vocab_size as u32).filter(|&id| !slice(id).is_empty()).collect();
        order.sort_by(|&a, &b| slice(a).cmp(slice(b)).then(a.cmp(&b)));

        let mut nodes: Vec<Node> = Vec::with_capacity(order.len() * 2);
        let mut twins = Vec::new();
        let mut single = [false; 256];
        let mut longest = 0;
        let mut open: Vec<usize> = Vec::new();
        let mut previous: Option<u32> = None;
        for &id in &order {
            let text = slice(id);
            longest = longest.max(text.len());
            if let [byte] = text {
                single[*byte as usize] = true;
            }
            let before = previous.map_or(&[][..], slice);
            if before == text {
                twins.push((previous.unwrap_or(id), id));
                continue;
            }
            let shared = before.iter().zip(text).take_while(|(a, b)| a == b).count();
            for node in open.drain(shared..) {
                nodes[node].end = nodes.len() as u32;
            }
            for &byte in &text[shared..] {
                open.push(nodes.len());
                nodes.push(Node { word: u32::from(byte), end: 0 });
            }
            if let Some(&last) = open.last() {
                nodes[last].word |= (id + 1) << 8;
            }
            previous = Some(id);
        }
        for node in open {
            nodes[node].end = nodes.len() as u32;
        }
        nodes.shrink_to_fit();
        twins.sort_unstable();
        TokenTrie { nodes, twins, offsets, bytes: all, special, single, longest }
    }

    /// The trie of a tokenizer's vocabulary; tokens that are no text are special.
    pub fn of(tokenizer: &crate::tokenizer::Tokenizer) -> TokenTrie {
        TokenTrie::new(tokenizer.vocab_size(), |id| tokenizer.token_bytes(id), |id| tokenizer.is_special(id))
    }

    /// Number of tokens.
    pub fn vocab_size(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The bytes of a token; empty for special tokens and ids outside.
    pub fn bytes(&self, token: u32) -> &[u8] {
        match (self.offsets.get(token as usize), self.offsets.get(token as usize + 1)) {
            (Some(&from), Some(&to)) => &self.bytes[from as usize..to as usize],
            _ => &[],
        }
    }

    /// Whether only a token terminal matches it.
    pub fn is_special(&self, token: u32) -> bool {
        self.special.get(token as usize / 64).is_some_and(|word| word >> (token % 64) & 1 == 1)
    }

    /// Whether some token is exactly this byte.
    pub fn has_byte(&self, byte: u8) -> bool {
        self.single[byte as usize]
    }

    /// Length of the longest token in bytes.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Bytes that this trie holds.
    pub fn memory(&self) -> usize {
        self.nodes.len() * size_of::<Node>()
            + self.offsets.len() * 4
            + self.bytes.len()
            + self.special.len() * 8
            + self.twins.len() * 8
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Tokens with the same bytes as `token`, which must be the one in the trie.
    pub(super) fn twins(&self, token: u32) -> impl Iterator<Item = u32> + '_ {
        let from = self.twins.partition_point(|&(a, _)| a < token);
        self.twins[from..].iter().take_while(move |&&(a, _)| a == token).map(|&(_, b)| b)
    }

    /// The nodes below the node that `text` leads to (all nodes for the empty text); `None` when no
    /// token begins with `text`.
    pub(super) fn below(&self, text: &[u8]) -> Option<std::ops::Range<usize>> {
        let mut range = 0..self.nodes.len();
        for &byte in text {
            let mut i = range.start;
            loop {
                if i >= range.end {
                    return None;
                }
                let end = self.nodes[i].end as usize;
                if self.nodes[i].byte() == byte {
                    range = i + 1..end;
                    break;
                }
                i = end;
            }
        }
        Some(range)
    }
}

/// A set of tokens: one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenMask {
    words: Vec<u64>,
    count: usize,
}

impl TokenMask {
    /// The empty set over a vocabulary.
    pub fn new(vocab_size: usize) -> TokenMask {
        TokenMask { words: vec![0; vocab_size.div_ceil(64)], count: 0 }
    }

    /// How many tokens are in it.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether the token is in it.
    pub fn contains(&self, token: u32) -> bool {
        self.words.get(token as usize / 64).is_some_and(|word| word >> (token % 64) & 1 == 1)
    }

    /// Its tokens in order of id.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(i, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.checked_sub(1)?;
                Some(i as u32 * 64 + bit)
            })
        })
    }

    /// The only token in it.
    pub fn only(&self) -> Option<u32> {
        if self.count == 1 { self.iter().next() } else { None }
    }

    /// The bits, 64 tokens a word, lowest id in the lowest bit.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    pub(super) fn insert(&mut self, token: u32) {
        if let Some(word) = self.words.get_mut(token as usize / 64) {
            let bit = 1 << (token % 64);
            self.count += usize::from(*word & bit == 0);
            *word |= bit;
        }
    }

    pub(super) fn clear(&mut self) {
        self.words.fill(0);
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_found_by_its_bytes() {
        let vocabulary = ["a", "ab", "abc", "b", "", "ab", "\u{e9}", "bcd", "<s>"];
        let trie = TokenTrie::new(vocabulary.len(), |id| vocabulary[id as usize], |id| id == 8);
        assert!(trie.has_byte(b'a') && !trie.has_byte(b'c'));
        assert_eq!((trie.longest(), trie.vocab_size()), (3, 9));
        assert!(trie.is_special(8) && trie.bytes(8).is_empty() && trie.bytes(99).is_empty());
        let mut found = Vec::new();
        for node in trie.nodes() {
            if let Some(token) = node.token() {
                found.push(token);
                found.extend(trie.twins(token));
            }
        }
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2, 3, 5, 6, 7]);
        assert_eq!(trie.twins(1).collect::<Vec<_>>(), [5]);
        let below = trie.below(b"ab").unwrap();
        assert_eq!(trie.nodes()[below.clone()].iter().map(|n| n.byte()).collect::<Vec<_>>(), [b'c']);
        assert!(trie.below(b"ac").is_none() && trie.below(b"bcde").is_none());
    }

    #[test]
    fn masks_count_and_list() {
        let mut mask = TokenMask::new(130);
        for token in [0, 63, 64, 129, 129] {
            mask.insert(token);
        }
        assert_eq!((mask.count(), mask.iter().collect::<Vec<_>>()), (4, vec![0, 63, 64, 129]));
        assert!(mask.contains(63) && !mask.contains(62) && mask.only().is_none());
    }
}
