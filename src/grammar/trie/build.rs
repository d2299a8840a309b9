//! A trie from the tokens of a vocabulary.

use super::nodes::{Built, encode};
use super::{Header, LEVELS, MAX_TOKEN, MAX_VOCABULARY, TokenTrie};
use crate::grammar::fx::{sort, sort_by};
use crate::grammar::texts::Texts;

impl TokenTrie {
    /// A trie over tokens `0..vocab_size`. `bytes(id)` is what the token adds to the text (a byte
    /// token its one byte, a leading-space mark already turned into a space); it is not asked for
    /// tokens that `is_special`. Tokens without bytes are never legal except by id.
    ///
    /// Tokens past [`MAX_VOCABULARY`] are left out; one of more than 1,000 bytes counts as one without.
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
                let text = bytes(id);
                texts.push(Some(text.as_ref()).filter(|text| text.len() <= MAX_TOKEN).unwrap_or_default());
            }
        }
        let slice = |id: u32| texts.get(id as usize);
        let order = texts.order();
        let mut header = Header { vocabulary: hash, tokens: vocab_size as u32, ..Header::default() };
        let mut plain = vec![0u64; words * LEVELS];
        let mut long: Vec<(u32, u32)> = Vec::new();
        let mut nodes: Vec<Built> = Vec::with_capacity(order.len() * 2);
        // Whether all tokens of a node's subtree, its own included, are plain.
        let mut pure: Vec<bool> = Vec::with_capacity(order.len() * 2);
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
                    node.twins = true;
                    twins.extend(node.token.map(|token| (token, id)));
                }
                continue;
            }
            let shared = before.iter().zip(bytes).take_while(|(a, b)| a == b).count();
            close(&mut open, shared, &mut nodes, &mut pure);
            for &byte in &bytes[shared..] {
                open.push((nodes.len(), true));
                nodes.push(Built { byte, token: None, twins: false, end: 0 });
                pure.push(false);
            }
            if let Some((last, pure)) = open.last_mut() {
                nodes[*last].token = Some(id);
                *pure &= characters.is_some();
            }
            previous = Some(id);
        }
        close(&mut open, 0, &mut nodes, &mut pure);
        sort(&mut twins);
        sort_by(&mut long, &mut |a, b| a > b);
        let is_plain = |id: u32| plain[(LEVELS - 1) * words + id as usize / 64] >> (id % 64) & 1 == 1;
        let (rest, rest_bytes) = encode(&rest(&nodes, &pure, is_plain), header.tokens);
        let (nodes, node_bytes) = encode(&nodes, header.tokens);
        let (text, ends) = texts.into_parts();
        header.text = text.len() as u32;
        header.rest = rest_bytes;
        header.nodes = node_bytes;
        header.twins = twins.len() as u32;
        header.long = long.len() as u32;

        let mut out = Vec::with_capacity(header.places()[8]);
        header.write(&mut out);
        out.extend_from_slice(&nodes);
        out.extend(twins.into_iter().flat_map(|(a, b)| [a.to_le_bytes(), b.to_le_bytes()]).flatten());
        out.extend(special.iter().chain(&plain).flat_map(|word| word.to_le_bytes()));
        out.extend(long.into_iter().flat_map(|(a, b)| [a.to_le_bytes(), b.to_le_bytes()]).flatten());
        let begins: Vec<u32> = [0].into_iter().chain(ends).collect();
        for block in begins.chunks(64) {
            out.extend_from_slice(&block[0].to_le_bytes());
            out.extend(block.iter().flat_map(|begin| ((begin - block[0]) as u16).to_le_bytes()));
        }
        out.resize(header.places()[6], 0);
        out.extend_from_slice(&text);
        out.resize(header.places()[7], 0);
        out.extend_from_slice(&rest);
        TokenTrie { bytes: out.into(), header, places: header.places() }
    }

    /// The trie of a tokenizer's vocabulary; tokens that are no text are special.
    pub fn of(tokenizer: &crate::tokenizer::Tokenizer) -> TokenTrie {
        TokenTrie::new(tokenizer.vocab_size(), |id| tokenizer.token_bytes(id), |id| tokenizer.is_special(id))
    }
}

/// The nodes that lead to tokens that are not plain, without the tokens that are.
fn rest(nodes: &[Built], pure: &[bool], is_plain: impl Fn(u32) -> bool) -> Vec<Built> {
    let mut rest: Vec<Built> = Vec::new();
    // Nodes on the way, and where the subtrees of the originals end.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(&node) = nodes.get(at) {
        while let Some(&(above, _)) = open.last().filter(|(_, end)| *end <= at) {
            rest[above].end = rest.len() as u32;
            open.pop();
        }
        if pure[at] {
            at = node.end as usize;
            continue;
        }
        let token = node.token.filter(|token| !is_plain(*token));
        open.push((rest.len(), node.end as usize));
        rest.push(Built { token, twins: token.is_some() && node.twins, ..node });
        at += 1;
    }
    for (node, _) in open.into_iter().rev() {
        rest[node].end = rest.len() as u32;
    }
    rest
}

fn set(words: &mut [u64], id: u32) {
    words[id as usize / 64] |= 1 << (id % 64);
}

/// Closes the open nodes from `depth` on.
fn close(open: &mut Vec<(usize, bool)>, depth: usize, nodes: &mut [Built], pure: &mut [bool]) {
    let end = nodes.len() as u32;
    while open.len() > depth {
        let Some((node, is_pure)) = open.pop() else { break };
        nodes[node].end = end;
        pure[node] = is_pure;
        if let Some((_, above)) = open.last_mut() {
            *above &= is_pure;
        }
    }
}

/// How many characters of [`utf8::PLAIN`](crate::grammar::utf8::PLAIN); `None` where there is another.
fn plain_characters(bytes: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_plain = |c: char| c >= ' ' && !matches!(c, '"' | '\\' | '\u{7F}' | '\u{2028}' | '\u{2029}');
    text.chars().try_fold(0, |count, c| is_plain(c).then_some(count + 1))
}
