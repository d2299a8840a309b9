//! Text that is certain.

use super::{MatchError, Matcher};
use crate::grammar::engine::DEAD;

/// Longest stretch of forced text handed out at once, in bytes.
const FORCED: usize = 4096;

impl Matcher {
    /// Appends the tokens that are certain from here on to `out`, without taking them, and says how
    /// many: a single legal token terminal, or text that is the only continuation, spelled by
    /// `tokenize` (bytes to tokens, canonically). Tokens at the end of that text that a longer legal
    /// token could replace are left to the model. Nothing is appended when nothing is certain.
    ///
    /// # Errors
    /// The memory limit.
    pub fn forced(
        &mut self,
        tokenize: &mut dyn FnMut(&[u8], &mut Vec<u32>),
        out: &mut Vec<u32>,
    ) -> Result<usize, MatchError> {
        self.make_room();
        if self.is_complete() {
            return Ok(0);
        }
        let mut named = None;
        let mut several = false;
        self.engine.named_tokens(self.config, &self.trie, |token, _| {
            several |= named.is_some_and(|known| known != token);
            named = Some(token);
        });
        if several || (named.is_some() && self.engine.wants_bytes(self.config)) {
            return Ok(0);
        }
        if let Some(token) = named {
            out.push(token);
            return Ok(1);
        }
        let mut text = Vec::new();
        let mut end = self.config;
        while text.len() < FORCED
            && let Some(byte) = self.engine.only_byte(end)
        {
            text.push(byte);
            end = self.engine.step(end, byte)?;
        }
        if text.is_empty() {
            return Ok(0);
        }
        let mut tokens = Vec::new();
        tokenize(&text, &mut tokens);
        let spelled: Vec<u8> = tokens.iter().flat_map(|&t| self.trie.bytes(t)).copied().collect();
        if spelled != text || tokens.iter().any(|&t| self.trie.bytes(t).is_empty()) {
            return Ok(0);
        }
        let mut at = 0;
        let mut sure = 0;
        for &token in &tokens {
            if self.may_straddle(&text[at..], end)? {
                break;
            }
            at += self.trie.bytes(token).len();
            sure += 1;
        }
        out.extend_from_slice(&tokens[..sure]);
        Ok(sure)
    }

    /// Whether a token that begins with all of `rest` and goes on is legal where `rest` ends at `end`.
    fn may_straddle(&mut self, rest: &[u8], end: u32) -> Result<bool, MatchError> {
        if rest.len() >= self.trie.longest() {
            return Ok(false);
        }
        let Some(below) = self.trie.below(rest) else { return Ok(false) };
        let trie = self.trie.clone();
        let nodes = trie.nodes();
        self.path.clear();
        self.path.push((end, below.end));
        let mut i = below.start;
        while i < below.end {
            let node = nodes.get(i);
            while self.path.len() > 1 && self.path[self.path.len() - 1].1 <= i {
                self.path.pop();
            }
            let next = self.engine.step(self.path[self.path.len() - 1].0, node.byte())?;
            if next == DEAD {
                i = node.end();
                continue;
            }
            if node.token().is_some() {
                return Ok(true);
            }
            i = node.below();
            if i < node.end() {
                self.path.push((next, node.end()));
            }
        }
        Ok(false)
    }
}
