//! A trie from the tokens of a vocabulary.

use super::{Header, LEVELS, MAX_VOCABULARY, TWINS, TokenTrie};
use crate::grammar::fx::{sort, sort_by};
use crate::grammar::texts::Texts;

/// Set in a node's end, while the trie is built, where all tokens of the subtree, the node's own included,
/// are plain.
const PURE: u32 = 1 << 31;

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
        let hash = TokenTrie::hash_of(vocab_size, &bytes, &is_special);
        let words = vocab_size.div_ceil(64);
        let mut special = vec![0u64; words];
        let mut texts = Texts::default();
        for id in 0..vocab_size as u32 {
            if is_special(id) {
                set(&mut special, id);
                texts.push(&[]);
            } else {
                texts.push(bytes(id).as_ref());
            }
        }
        let slice = |id: u32| texts.get(id as usize);
        let order = texts.order();
        let mut header = Header { vocabulary: hash, tokens: vocab_size as u32, ..Header::default() };
        let mut plain = vec![0u64; words * LEVELS];
        let mut long: Vec<(u32, u32)> = Vec::new();
        let mut nodes: Vec<(u32, u32)> = Vec::with_capacity(order.len() * 2);
        let mut twins: Vec<(u32, u32)> = Vec::new();
        // Nodes on the way to the token, and whether all tokens met below them are plain.
        let mut open: Vec<(usize, bool)> = Vec::new();
        let mut previous: Option<u32> = None;
        for &id in order.iter().filter(|id| !slice(**id).is_empty()) {
            let bytes = slice(id);
            header.longest = header.longest.max(bytes.len() as u32);
            if let [byte] = bytes {
                header.single[*byte as usize / 64] |= 1 << (byte % 64);
            }
            let characters = plain_characters(bytes);
            if let Some(characters) = characters {
                for level in (characters as usize).min(LEVELS)..=LEVELS {
                    set(&mut plain[(level - 1) * words..level * words], id);
                }
                if characters as usize >= LEVELS {
                    long.push((characters, id));
                }
            }
            let before = previous.map_or(&[][..], slice);
            if before == bytes {
                if let Some(node) = nodes.last_mut() {
                    node.1 |= TWINS;
                    twins.push(((node.0 >> 8) - 1, id));
                }
                continue;
            }
            let shared = before.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            close(&mut open, shared, &mut nodes);
            for &byte in &bytes[shared..] {
                open.push((nodes.len(), true));
                nodes.push((u32::from(byte), 0));
            }
            if let Some((last, pure)) = open.last_mut() {
                nodes[*last].0 |= (id + 1) << 8;
                *pure &= characters.is_some();
            }
            previous = Some(id);
        }
        close(&mut open, 0, &mut nodes);
        sort(&mut twins);
        sort_by(&mut long, &mut |a, b| a > b);
        let is_plain = |id: u32| plain[(LEVELS - 1) * words + id as usize / 64] >> (id % 64) & 1 == 1;
        let rest = rest(&nodes, is_plain);
        nodes.iter_mut().for_each(|node| node.1 &= !PURE);
        let (text, ends) = texts.into_parts();
        header.text = text.len() as u32;
        header.rest = rest.len() as u32;
        header.nodes = nodes.len() as u32;
        header.twins = twins.len() as u32;
        header.long = long.len() as u32;

        let mut out = Vec::with_capacity(header.places()[8]);
        header.write(&mut out);
        let pairs = nodes.into_iter().chain(twins);
        out.extend(pairs.flat_map(|(a, b)| [a.to_le_bytes(), b.to_le_bytes()]).flatten());
        out.extend(special.iter().chain(&plain).flat_map(|word| word.to_le_bytes()));
        out.extend(long.into_iter().flat_map(|(a, b)| [a.to_le_bytes(), b.to_le_bytes()]).flatten());
        out.extend([0].iter().chain(&ends).flat_map(|at: &u32| at.to_le_bytes()));
        out.extend_from_slice(&text);
        out.resize(header.places()[7], 0);
        out.extend(rest.into_iter().flat_map(|(a, b)| [a.to_le_bytes(), b.to_le_bytes()]).flatten());
        TokenTrie { bytes: out.into(), header, places: header.places() }
    }

    /// The trie of a tokenizer's vocabulary; tokens that are no text are special.
    pub fn of(tokenizer: &crate::tokenizer::Tokenizer) -> TokenTrie {
        TokenTrie::new(tokenizer.vocab_size(), |id| tokenizer.token_bytes(id), |id| tokenizer.is_special(id))
    }
}

/// The nodes that lead to tokens that are not plain, without the tokens that are.
fn rest(nodes: &[(u32, u32)], is_plain: impl Fn(u32) -> bool) -> Vec<(u32, u32)> {
    let mut rest: Vec<(u32, u32)> = Vec::new();
    // Nodes on the way, and where the subtrees of the originals end.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < nodes.len() {
        let (first, second) = nodes[at];
        let end = (second & !(PURE | TWINS)) as usize;
        while let Some(&(node, _)) = open.last().filter(|(_, end)| *end <= at) {
            rest[node].1 |= rest.len() as u32;
            open.pop();
        }
        if second & PURE != 0 {
            at = end;
            continue;
        }
        let token = (first >> 8).checked_sub(1).filter(|token| !is_plain(*token));
        open.push((rest.len(), end));
        rest.push(match token {
            Some(_) => (first, second & TWINS),
            None => (first & 0xFF, 0),
        });
        at += 1;
    }
    for (node, _) in open.into_iter().rev() {
        rest[node].1 |= rest.len() as u32;
    }
    rest
}

fn set(words: &mut [u64], id: u32) {
    words[id as usize / 64] |= 1 << (id % 64);
}

/// Closes the open nodes from `depth` on.
fn close(open: &mut Vec<(usize, bool)>, depth: usize, nodes: &mut [(u32, u32)]) {
    let end = nodes.len() as u32;
    while open.len() > depth {
        let Some((node, pure)) = open.pop() else { break };
        nodes[node].1 |= end | if pure { PURE } else { 0 };
        if let Some((_, above)) = open.last_mut() {
            *above &= pure;
        }
    }
}

/// How many characters of [`utf8::PLAIN`](crate::grammar::utf8::PLAIN); `None` where there is another.
fn plain_characters(bytes: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_plain = |c: char| c >= ' ' && !matches!(c, '"' | '\\' | '\u{7F}' | '\u{2028}' | '\u{2029}');
    text.chars().try_fold(0, |count, c| is_plain(c).then_some(count + 1))
}
