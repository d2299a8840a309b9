//! The matcher: where a text stands in its grammar, and which tokens may come next.

mod forced;
mod mask;

use std::sync::Arc;

use super::engine::{DEAD, Engine};
use super::{Grammar, MatchError, TokenMask, TokenTrie};
use mask::Masks;

/// Steps that can be taken back.
const HISTORY: usize = 64;
/// How much memory a matcher may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes for states and stacks. A run that needs more than this at once fails; deep nesting and great
    /// ambiguity do.
    pub states: usize,
    /// Bytes of states and stacks from which on those are dropped that the run does not stand on.
    pub cache: usize,
    /// Bytes for remembered masks (one of few tokens, or of few besides those that any text may hold, is
    /// four bytes each of them; others are an eighth of a byte a token of the vocabulary).
    pub masks: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { states: 8 << 20, cache: 256 << 10, masks: 128 << 10 }
    }
}

impl Limits {
    /// The usual limits, with room for 32 masks of the largest kind.
    pub fn of(trie: &TokenTrie) -> Limits {
        Limits { masks: trie.vocab_size() * 4, ..Limits::default() }
    }
}

/// A run of a grammar over the tokens of a vocabulary. Cloning forks the run.
#[derive(Clone)]
pub struct Matcher {
    trie: Arc<TokenTrie>,
    engine: Engine,
    config: u32,
    history: Vec<u32>,
    masks: Masks,
    limits: Limits,
    /// Memory in use at which the cache is dropped.
    room_at: usize,
    scratch: TokenMask,
    /// Configurations along the walk over the trie, with the end of their nodes.
    path: Vec<(u32, usize)>,
}

impl Matcher {
    /// A matcher at the start of the text, with [`Limits::of`] its vocabulary.
    ///
    /// # Errors
    /// The vocabulary cannot spell the grammar: every byte that a text needs must be a token of its
    /// own (byte-level and byte-fallback vocabularies have them all).
    pub fn new(grammar: Arc<Grammar>, trie: Arc<TokenTrie>) -> Result<Matcher, MatchError> {
        let limits = Limits::of(&trie);
        Matcher::with_limits(grammar, trie, limits)
    }

    /// A matcher with the given limits.
    ///
    /// # Errors
    /// As [`Matcher::new`], or the limits are too small for the first state.
    pub fn with_limits(
        grammar: Arc<Grammar>,
        trie: Arc<TokenTrie>,
        limits: Limits,
    ) -> Result<Matcher, MatchError> {
        let mut engine = Engine::new(grammar, &trie, limits.states)?;
        let config = engine.start()?;
        let scratch = TokenMask::new(trie.vocab_size());
        Ok(Matcher {
            trie,
            engine,
            config,
            history: Vec::new(),
            masks: Masks::default(),
            limits,
            room_at: limits.cache,
            scratch,
            path: Vec::new(),
        })
    }

    /// The vocabulary it runs over.
    pub fn trie(&self) -> &Arc<TokenTrie> {
        &self.trie
    }

    /// Back to the start of the text; what was learned is kept.
    ///
    /// # Errors
    /// As [`Matcher::with_limits`].
    pub fn reset(&mut self) -> Result<(), MatchError> {
        self.history.clear();
        self.make_room();
        self.config = self.engine.start()?;
        Ok(())
    }

    /// Whether the text may end here (so that end-of-text is legal).
    pub fn is_complete(&self) -> bool {
        self.engine.is_complete(self.config)
    }

    /// Tokens that always suffice to end the text from here (0 when it may end). The true least
    /// number can be smaller, since tokens of several bytes count as their bytes.
    pub fn needed(&self) -> usize {
        self.engine.cost(self.config) as usize
    }

    /// Bytes of working memory in use, about.
    pub fn memory(&self) -> usize {
        self.engine.memory() + self.masks.memory() + self.scratch.words().len() * 8
    }

    /// Takes a token.
    ///
    /// # Errors
    /// The token is not legal here (with any budget), or the memory limit is reached; the matcher
    /// stands where it stood.
    pub fn accept(&mut self, token: u32) -> Result<(), MatchError> {
        self.make_room();
        let next = self.engine.step_token(self.config, token, &self.trie)?;
        if next == DEAD {
            return Err(MatchError::Token(token));
        }
        if self.history.len() == HISTORY {
            self.history.remove(0);
        }
        self.history.push(self.config);
        self.config = next;
        Ok(())
    }

    /// Takes bytes, whatever tokens they come from; all of them or none.
    ///
    /// # Errors
    /// The first byte that is not legal, or the memory limit.
    pub fn accept_bytes(&mut self, bytes: &[u8]) -> Result<(), MatchError> {
        let before = self.clone_position();
        for (offset, &byte) in bytes.iter().enumerate() {
            self.make_room();
            let next = match self.engine.step(self.config, byte) {
                Ok(next) => next,
                Err(error) => {
                    self.restore(before);
                    return Err(error.into());
                }
            };
            if next == DEAD {
                let expected = self.engine.expected(self.config);
                self.restore(before);
                return Err(MatchError::Byte { offset, found: byte, expected });
            }
            self.config = next;
        }
        let now = self.config;
        self.restore(before);
        self.history.push(self.config);
        self.config = now;
        Ok(())
    }

    // While bytes are taken the place to go back to is the last of the history, so that it survives
    // `make_room`.
    fn clone_position(&mut self) -> usize {
        if self.history.len() == HISTORY {
            self.history.remove(0);
        }
        self.history.push(self.config);
        self.history.len()
    }

    fn restore(&mut self, depth: usize) {
        debug_assert_eq!(depth, self.history.len());
        if let Some(config) = self.history.pop() {
            self.config = config;
        }
    }

    /// Whether the bytes, from here, are a whole text.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        let mut fork = self.clone();
        fork.accept_bytes(bytes).is_ok() && fork.is_complete()
    }

    /// Takes back the last `steps` accepted tokens (a stretch of bytes counts as one).
    ///
    /// # Errors
    /// More steps than are remembered (the last 64 are).
    pub fn rollback(&mut self, steps: usize) -> Result<(), MatchError> {
        let Some(keep) = self.history.len().checked_sub(steps) else {
            return Err(MatchError::Rollback { asked: steps, kept: self.history.len() });
        };
        if steps > 0 {
            self.config = self.history[keep];
            self.history.truncate(keep);
        }
        Ok(())
    }

    /// Drops what is remembered when there is much of it, except what the run stands on and what has a
    /// mask.
    fn make_room(&mut self) {
        if self.engine.memory() <= self.room_at {
            return;
        }
        let masked: Vec<u32> = self.masks.configs().collect();
        let mut keep = [&self.history[..], &[self.config], &masked].concat();
        self.engine.forget(&mut keep);
        let steps = self.history.len();
        self.history.copy_from_slice(&keep[..steps]);
        self.config = keep[steps];
        self.masks.rename(&masked, &keep[steps + 1..]);
        if self.engine.memory() > self.limits.cache {
            // Room for the run comes before masks.
            self.masks = Masks::default();
            self.history.push(self.config);
            self.engine.forget(&mut self.history);
            self.config = self.history.pop().unwrap_or(DEAD);
        }
        // What stays may be large (deep nesting): do not try again at each step.
        self.room_at = self.limits.cache.max((self.engine.memory() * 2).min(self.limits.states));
    }
}

#[cfg(test)]
mod tests;
