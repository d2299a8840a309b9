//! The nodes of a trie as a string of bytes, in depth-first order.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | the node's byte |
//! | 1 | [`TOKEN`] and [`TWINS`], and the size in bytes of what is below it, or how many bytes say so |
//! | 0, 2 or 3 | its token's id; 2 where ids fit |
//! | 0, 1, 2 or 4 | the size of what is below where it is [`LONG`] or more |
//!
//! Four nodes of five have little below them and half have no token: numbers of one width would take two to
//! three times as much.

/// The node has a token.
const TOKEN: u8 = 1 << 7;
/// Other tokens have the same bytes.
const TWINS: u8 = 1 << 6;
const SIZE: u8 = TWINS - 1;
/// From here on a size has bytes of its own: 1, 2 or 4.
const LONG: u8 = 61;
/// Bytes behind the nodes, so that each can be read as whole words.
const PADDING: usize = 16;

/// Bytes that nodes of so many take in the file.
pub(super) fn padded(bytes: u32) -> usize {
    (bytes as usize).saturating_add(PADDING + 7) & !7
}

/// A node of the trie: its byte, its token, where what is below it begins and ends.
#[derive(Clone, Copy, Debug)]
pub(in crate::grammar) struct Node {
    first: u64,
    below: usize,
    end: usize,
    ids: u64,
}

impl Node {
    #[inline]
    pub(in crate::grammar) fn byte(self) -> u8 {
        self.first as u8
    }

    #[inline]
    pub(in crate::grammar) fn token(self) -> Option<u32> {
        let has = (self.first >> 8) as u8 & TOKEN != 0;
        has.then_some((self.first >> 16 & self.ids) as u32)
    }

    /// Whether other tokens have the same bytes as its token.
    #[inline]
    pub(in crate::grammar) fn has_twins(self) -> bool {
        (self.first >> 8) as u8 & TWINS != 0
    }

    /// The place of the first node below it; its [`end`](Self::end) where there is none.
    #[inline]
    pub(in crate::grammar) fn below(self) -> usize {
        self.below
    }

    /// The place behind the last node below.
    #[inline]
    pub(in crate::grammar) fn end(self) -> usize {
        self.end
    }
}

/// The nodes of a trie; a place among them is a number of bytes.
#[derive(Clone, Copy)]
pub(in crate::grammar) struct Nodes<'a> {
    bytes: &'a [u8],
    len: usize,
    /// Bytes of a token's id.
    id: usize,
}

/// Bytes of an id in a vocabulary of so many tokens.
fn id_bytes(tokens: u32) -> usize {
    if tokens <= 1 << 16 { 2 } else { 3 }
}

impl<'a> Nodes<'a> {
    /// The first `len` of `bytes`, which are [`padded`], over so many tokens.
    pub(super) fn new(bytes: &'a [u8], len: u32, tokens: u32) -> Nodes<'a> {
        Nodes { bytes, len: len as usize, id: id_bytes(tokens) }
    }

    /// The place behind the last node.
    pub(in crate::grammar) fn len(self) -> usize {
        self.len
    }

    /// The node at a place below [`len`](Self::len).
    #[inline]
    pub(in crate::grammar) fn get(self, at: usize) -> Node {
        let first = self.word(at);
        let flags = (first >> 8) as u8;
        let at = at + 2 + usize::from(flags >> 7) * self.id;
        let (below, size) = match flags & SIZE {
            size if size < LONG => (at, usize::from(size)),
            width => {
                let word = self.word(at);
                match width - LONG {
                    0 => (at + 1, word as u8 as usize),
                    1 => (at + 2, word as u16 as usize),
                    _ => (at + 4, word as u32 as usize),
                }
            }
        };
        Node { first, below, end: below + size, ids: (1 << (self.id * 8)) - 1 }
    }

    #[inline]
    fn word(self, at: usize) -> u64 {
        // Eight bytes: a slice of another length does not become an array.
        self.bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes)
    }

    /// Whether all of them lie inside what they are below of and have tokens that there are.
    pub(super) fn are_sound(self, tokens: u32) -> bool {
        // Ends of the subtrees around a node.
        let mut around: Vec<usize> = vec![self.len];
        let mut at = 0;
        while at < self.len {
            let node = self.get(at);
            while around.last() == Some(&at) {
                around.pop();
            }
            let inside = around.last().is_some_and(|end| node.end() <= *end);
            if !inside || node.token().is_some_and(|token| token >= tokens) {
                return false;
            }
            at = node.below();
            if node.end() > at {
                around.push(node.end());
            }
        }
        true
    }
}

/// A node while a trie is built.
#[derive(Clone, Copy, Debug)]
pub(super) struct Built {
    pub(super) byte: u8,
    pub(super) token: Option<u32>,
    pub(super) twins: bool,
    /// The number of the node behind those below it.
    pub(super) end: u32,
}

/// Nodes in depth-first order as bytes, and how many there are before the padding.
pub(super) fn encode(nodes: &[Built], tokens: u32) -> (Vec<u8>, u32) {
    let id = id_bytes(tokens);
    // Bytes from each node on, found from behind: a node's own size depends on the size of those below it.
    let mut from = vec![0u32; nodes.len() + 1];
    let width = |size: u32| match size {
        0..61 => 0,
        61..0x100 => 1,
        0x100..0x1_0000 => 2,
        _ => 4,
    };
    for (at, node) in nodes.iter().enumerate().rev() {
        let below = from[at + 1] - from[node.end as usize];
        let own = 2 + if node.token.is_some() { id } else { 0 } + width(below);
        from[at] = from[at + 1] + own as u32;
    }
    let mut out = Vec::with_capacity(padded(from[0]));
    for (at, node) in nodes.iter().enumerate() {
        let below = from[at + 1] - from[node.end as usize];
        let size = match width(below) {
            0 => below as u8,
            1 => LONG,
            2 => LONG + 1,
            _ => LONG + 2,
        };
        let token = if node.token.is_some() { TOKEN } else { 0 };
        out.extend([node.byte, token | if node.twins { TWINS } else { 0 } | size]);
        if let Some(token) = node.token {
            out.extend_from_slice(&token.to_le_bytes()[..id]);
        }
        out.extend_from_slice(&below.to_le_bytes()[..width(below)]);
    }
    out.resize(padded(from[0]), 0);
    (out, from[0])
}
