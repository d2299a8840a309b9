//! The matcher: where a text stands in its grammar, and which tokens may come next.

use std::sync::Arc;

use super::automaton::NEVER;
use super::engine::{DEAD, Engine, FxMap};
use super::{Grammar, MatchError, TokenMask, TokenTrie};

/// Steps that can be taken back.
const HISTORY: usize = 64;
/// Longest stretch of forced text handed out at once, in bytes.
const FORCED: usize = 4096;

/// How much memory a matcher may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes for remembered states and stacks. Half of it is a cache that is dropped when full.
    pub states: usize,
    /// Bytes for remembered masks (a mask is an eighth of a byte a token).
    pub masks: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { states: 8 << 20, masks: 1 << 20 }
    }
}

#[derive(Clone)]
struct Remembered {
    mask: TokenMask,
    /// The budget from which on this is the whole mask.
    from_budget: u32,
}

/// A run of a grammar over the tokens of a vocabulary. Cloning forks the run.
#[derive(Clone)]
pub struct Matcher {
    trie: Arc<TokenTrie>,
    engine: Engine,
    config: u32,
    history: Vec<u32>,
    masks: FxMap<u32, Remembered>,
    limits: Limits,
    /// Memory in use at which the cache is dropped.
    room_at: usize,
    scratch: TokenMask,
    /// Configurations along the walk over the trie, with the end of their nodes.
    path: Vec<(u32, u32)>,
}

impl Matcher {
    /// A matcher at the start of the text, with default [`Limits`].
    ///
    /// # Errors
    /// The vocabulary cannot spell the grammar: every byte that a text needs must be a token of its
    /// own (byte-level and byte-fallback vocabularies have them all).
    pub fn new(grammar: Arc<Grammar>, trie: Arc<TokenTrie>) -> Result<Matcher, MatchError> {
        Matcher::with_limits(grammar, trie, Limits::default())
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
            masks: FxMap::default(),
            limits,
            room_at: limits.states / 2,
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
        self.engine.memory() + self.masks.len() * self.scratch.words().len() * 8
    }

    /// The tokens that may come next. With `budget` tokens left (the next one included, end-of-text
    /// not), only those after which the text can still end in time. Empty when only the end is legal.
    ///
    /// # Errors
    /// Nothing is legal within the budget, not even the end; or the memory limit is reached.
    pub fn mask(&mut self, budget: Option<usize>) -> Result<&TokenMask, MatchError> {
        let budget = budget.map_or(NEVER - 1, |n| n.min(NEVER as usize - 1) as u32);
        self.make_room();
        if self.masks.get(&self.config).is_none_or(|known| known.from_budget > budget) {
            let from_budget = self.compute(budget)?;
            if from_budget > budget {
                if self.scratch.count() == 0 && !self.is_complete() {
                    return Err(MatchError::Budget { budget: budget as usize, needed: self.needed() });
                }
                return Ok(&self.scratch);
            }
            let room = self.limits.masks / (self.scratch.words().len() * 8 + 32).max(1);
            if self.masks.len() >= room.max(4) {
                self.masks.clear();
            }
            self.masks.insert(self.config, Remembered { mask: self.scratch.clone(), from_budget });
        }
        match self.masks.get(&self.config) {
            Some(known) if known.mask.count() > 0 || self.engine.is_complete(self.config) => Ok(&known.mask),
            _ => Err(MatchError::Budget { budget: budget as usize, needed: self.needed() }),
        }
    }

    /// Computes the mask into `scratch`; says from which budget on it is the whole mask.
    fn compute(&mut self, budget: u32) -> Result<u32, MatchError> {
        let Matcher { trie, engine, config, scratch, path, .. } = self;
        scratch.clear();
        let mut from_budget = 0;
        // A token that costs `cost` afterwards needs `cost + 1` of the budget.
        engine.named_tokens(*config, trie, |token, cost| {
            from_budget = from_budget.max(cost.saturating_add(1));
            if cost < budget {
                scratch.insert(token);
            }
        });
        if !engine.wants_bytes(*config) {
            return Ok(from_budget);
        }
        path.clear();
        let nodes = trie.nodes();
        path.push((*config, nodes.len() as u32));
        let mut i = 0;
        while i < nodes.len() {
            let node = nodes[i];
            while path.len() > 1 && path[path.len() - 1].1 as usize <= i {
                path.pop();
            }
            let next = engine.step(path[path.len() - 1].0, node.byte())?;
            if next == DEAD {
                i = node.end as usize;
                continue;
            }
            if let Some(token) = node.token() {
                let cost = engine.cost(next);
                from_budget = from_budget.max(cost.saturating_add(1));
                if cost < budget {
                    scratch.insert(token);
                    for twin in trie.twins(token) {
                        scratch.insert(twin);
                    }
                }
            }
            path.push((next, node.end));
            i += 1;
        }
        Ok(from_budget)
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
                    return Err(error);
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
        let nodes = self.trie.nodes();
        self.path.clear();
        self.path.push((end, below.end as u32));
        let mut i = below.start;
        while i < below.end {
            let node = nodes[i];
            while self.path.len() > 1 && self.path[self.path.len() - 1].1 as usize <= i {
                self.path.pop();
            }
            let next = self.engine.step(self.path[self.path.len() - 1].0, node.byte())?;
            if next == DEAD {
                i = node.end as usize;
                continue;
            }
            if node.token().is_some() {
                return Ok(true);
            }
            self.path.push((next, node.end));
            i += 1;
        }
        Ok(false)
    }

    /// Drops what is remembered when half the memory is used, except what the run stands on.
    fn make_room(&mut self) {
        if self.engine.memory() <= self.room_at {
            return;
        }
        self.masks.clear();
        self.history.push(self.config);
        self.engine.forget(&mut self.history);
        self.config = self.history.pop().unwrap_or(DEAD);
        // What stays may be large (deep nesting): do not try again at each step.
        self.room_at = (self.limits.states / 2).max((self.engine.memory() * 2).min(self.limits.states));
    }
}

#[cfg(test)]
mod tests;
