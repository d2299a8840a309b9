//! Control and user-defined tokens, found in a text by their strings.

use super::vocab::{TokenType, Vocab};

/// The special tokens of a vocabulary in the order of their strings.
pub(super) struct SpecialTokens {
    ids: Box<[u32]>,
    /// Which bytes such a string starts with.
    first: [bool; 256],
}

impl SpecialTokens {
    pub(super) fn new(vocab: &Vocab) -> SpecialTokens {
        let wanted = [TokenType::Control, TokenType::UserDefined, TokenType::Unknown];
        let mut ids: Vec<u32> = (0..vocab.len() as u32)
            .filter(|&id| wanted.contains(&vocab.token_type(id)) && !vocab.raw(id).is_empty())
            .collect();
        ids.sort_by_key(|&id| vocab.raw(id));
        ids.dedup_by_key(|id| vocab.raw(*id));
        let mut first = [false; 256];
        for &id in &ids {
            first[vocab.raw(id)[0] as usize] = true;
        }
        SpecialTokens { ids: ids.into(), first }
    }

    /// The first special token in a text: its id and where it stands. Of several that start at the same
    /// place, the longest.
    pub(super) fn find(&self, vocab: &Vocab, text: &[u8]) -> Option<(u32, std::ops::Range<usize>)> {
        let starts = text.iter().enumerate().filter(|&(_, &byte)| self.first[byte as usize]);
        for (start, _) in starts {
            if let Some(id) = self.longest_prefix(vocab, &text[start..]) {
                return Some((id, start..start + vocab.raw(id).len()));
            }
        }
        None
    }

    /// Narrows the sorted list byte by byte to the strings that share the text's beginning.
    fn longest_prefix(&self, vocab: &Vocab, text: &[u8]) -> Option<u32> {
        let mut range = &self.ids[..];
        let mut best = None;
        for (depth, &byte) in text.iter().enumerate() {
            let at = |id: &u32| vocab.raw(*id).get(depth).copied();
            let low = range.partition_point(|id| at(id) < Some(byte));
            let high = range.partition_point(|id| at(id) <= Some(byte));
            range = &range[low..high];
            match range.first() {
                None => break,
                Some(&id) if vocab.raw(id).len() == depth + 1 => best = Some(id),
                Some(_) => {}
            }
        }
        best
    }

    pub(super) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.ids)
    }
}
