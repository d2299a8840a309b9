//! Masks: computed by a walk over the trie, remembered by configuration.

use std::sync::Arc;

use super::Matcher;
use crate::grammar::automaton::NEVER;
use crate::grammar::engine::{DEAD, Plain};
use crate::grammar::fx::{FxMap, sort};
use crate::grammar::{MatchError, TokenMask, TokenTrie};

/// The masks that were computed last, within a number of bytes.
#[derive(Clone, Default)]
pub(super) struct Masks {
    known: FxMap<u32, Known>,
    bytes: usize,
    clock: u64,
    /// The configuration whose whole mask is the one to be seen.
    shown: Option<u32>,
}

#[derive(Clone)]
struct Known {
    tokens: Tokens,
    /// The budget from which on this is the whole mask.
    from_budget: u32,
    used: u64,
}

#[derive(Clone)]
enum Tokens {
    Few(Box<[u32]>),
    /// The plain tokens of at most so many characters (see [`TokenTrie::plain`]), and these.
    Plain(u64, Box<[u32]>),
    Many(Box<[u64]>),
}

/// What is known of a mask that was computed.
struct Computed {
    /// The budget from which on it is the whole mask.
    from_budget: u32,
    /// It holds all plain tokens of at most so many characters.
    plain: Option<u64>,
}

impl Known {
    fn memory(&self) -> usize {
        let behind = match &self.tokens {
            Tokens::Few(ids) | Tokens::Plain(_, ids) => ids.len() * 4,
            Tokens::Many(words) => words.len() * 8,
        };
        // With what the table keeps for an entry.
        behind + size_of::<(u32, Known)>() * 2
    }
}

impl Masks {
    pub(super) fn memory(&self) -> usize {
        self.bytes
    }

    /// Shows the mask of a configuration if it is known and whole within the budget.
    fn show(&mut self, config: u32, budget: u32, mask: &mut TokenMask, trie: &TokenTrie) -> bool {
        self.clock += 1;
        let Some(known) = self.known.get_mut(&config).filter(|known| known.from_budget <= budget) else {
            return false;
        };
        known.used = self.clock;
        if self.shown != Some(config) {
            mask.clear();
            match &known.tokens {
                Tokens::Few(ids) => ids.iter().for_each(|&id| mask.insert(id)),
                Tokens::Plain(characters, ids) => {
                    add_plain(mask, trie, *characters);
                    ids.iter().for_each(|&id| mask.insert(id));
                }
                Tokens::Many(words) => mask.set_all(words),
            }
            self.shown = Some(config);
        }
        true
    }

    /// The configurations whose masks are known.
    pub(super) fn configs(&self) -> impl Iterator<Item = u32> + '_ {
        self.known.iter().map(|(config, _)| *config)
    }

    /// Gives the masks of the configurations `old` to those that are called `new` now.
    pub(super) fn rename(&mut self, old: &[u32], new: &[u32]) {
        debug_assert!(self.configs().eq(old.iter().copied()));
        let known = self.known.take().into_iter().map(|(_, known)| known);
        self.known = new.iter().copied().zip(known).collect();
        self.bytes = self.known.iter().map(|(_, known)| known.memory()).sum();
        self.shown = None;
    }

    /// Remembers a mask that is whole from a budget on; the least recently used ones make room.
    fn remember(&mut self, config: u32, computed: Computed, mask: &TokenMask, room: (&TokenTrie, usize)) {
        self.shown = Some(config);
        let (trie, limit) = room;
        let Computed { from_budget, plain } = computed;
        let whole = mask.words().len() * 8;
        let tokens = if mask.count() * 4 < whole {
            Tokens::Few(mask.iter().collect())
        } else if let Some(characters) = plain
            && let ids = besides_plain(mask, trie, characters)
            && ids.len() * 4 < whole
        {
            Tokens::Plain(characters, ids)
        } else {
            Tokens::Many(mask.words().into())
        };
        let known = Known { tokens, from_budget, used: self.clock };
        self.bytes += known.memory();
        if let Some(old) = self.known.insert(config, known) {
            self.bytes -= old.memory();
        }
        if self.bytes <= limit {
            return;
        }
        // Down to half, so that this is done seldom.
        let mut ages: Vec<(u64, usize)> =
            self.known.iter().map(|(_, known)| (known.used, known.memory())).collect();
        sort(&mut ages);
        let mut oldest = 0;
        for (used, bytes) in ages {
            if self.bytes <= limit / 2 || used == self.clock {
                break;
            }
            oldest = used + 1;
            self.bytes -= bytes;
        }
        self.known = self.known.take().into_iter().filter(|(_, known)| known.used >= oldest).collect();
    }
}

impl Matcher {
    /// The tokens that may come next. With `budget` tokens left (the next one included, end-of-text
    /// not), only those after which the text can still end in time. Empty when only the end is legal.
    ///
    /// # Errors
    /// Nothing is legal within the budget, not even the end; or the memory limit is reached.
    pub fn mask(&mut self, budget: Option<usize>) -> Result<&TokenMask, MatchError> {
        let budget = budget.map_or(NEVER - 1, |n| n.min(NEVER as usize - 1) as u32);
        self.make_room();
        let config = self.engine.canonical(self.config);
        if !self.masks.show(config, budget, &mut self.scratch, &self.trie) {
            self.masks.shown = None;
            let computed = self.compute(config, budget)?;
            if computed.from_budget <= budget {
                self.masks.remember(config, computed, &self.scratch, (&self.trie, self.limits.masks));
            }
        }
        if self.scratch.count() == 0 && !self.is_complete() {
            return Err(MatchError::Budget { budget: budget as usize, needed: self.needed() });
        }
        Ok(&self.scratch)
    }

    /// Computes the mask into `scratch`.
    fn compute(&mut self, config: u32, budget: u32) -> Result<Computed, MatchError> {
        let trie = Arc::clone(&self.trie);
        let Matcher { engine, scratch, path, .. } = self;
        let mut from_budget = 0;
        scratch.clear();
        // Inside any text the plain tokens are legal, and only the rest of the trie is walked.
        let plain = engine.plain(config).filter(|plain| plain.cost < budget);
        let nodes = if plain.is_some() { trie.rest() } else { trie.nodes() };
        if let Some(Plain { characters, cost }) = plain {
            from_budget = cost.saturating_add(1);
            add_plain(scratch, &trie, characters);
        }
        let plain = plain.map(|plain| plain.characters);
        // A token that costs `cost` afterwards needs `cost + 1` of the budget.
        engine.named_tokens(config, &trie, |token, cost| {
            from_budget = from_budget.max(cost.saturating_add(1));
            if cost < budget {
                scratch.insert(token);
            }
        });
        if !engine.wants_bytes(config) {
            return Ok(Computed { from_budget, plain });
        }
        path.clear();
        path.push((config, nodes.len()));
        let mut i = 0;
        while i < nodes.len() {
            let node = nodes.get(i);
            while path.len() > 1 && path[path.len() - 1].1 <= i {
                path.pop();
            }
            let next = engine.step(path[path.len() - 1].0, node.byte())?;
            if next == DEAD {
                i = node.end();
                continue;
            }
            if let Some(token) = node.token() {
                let cost = engine.cost(next);
                from_budget = from_budget.max(cost.saturating_add(1));
                if cost < budget {
                    scratch.insert(token);
                    if node.has_twins() {
                        trie.twins(token).for_each(|twin| scratch.insert(twin));
                    }
                }
            }
            i = node.below();
            if i < node.end() {
                path.push((next, node.end()));
            }
        }
        Ok(Computed { from_budget, plain })
    }
}

/// Takes in the plain tokens of at most so many characters.
fn add_plain(mask: &mut TokenMask, trie: &TokenTrie, characters: u64) {
    let (words, longer) = trie.plain(characters);
    mask.add_all(words);
    longer.for_each(|token| mask.remove(token));
}

/// The tokens of a mask besides those.
fn besides_plain(mask: &TokenMask, trie: &TokenTrie, characters: u64) -> Box<[u32]> {
    let mut plain = TokenMask::new(trie.vocab_size());
    add_plain(&mut plain, trie, characters);
    mask.besides(&plain).collect()
}
