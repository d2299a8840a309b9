//! The run of an automaton: sets of items, made canonical and remembered.
//!
//! An item is a state and a *frame*; a frame is the set of places where the rule's callers go on
//! (return state, its register, the caller's own frame). Because there is no left recursion, the callers
//! of a rule at one place in the text are all known before the rule is entered, if rules are entered
//! in the grammar's order; so each frame is built once, complete, and is a plain value. Frames and
//! item sets (*configurations*) are interned by value: equal futures are equal numbers, transitions
//! and masks are remembered by number, and a grammar that needs no stack runs as the deterministic
//! automaton that it is. The number of items is bounded as in Earley's algorithm: states × frames.
//!
//! Two refinements keep numbers few: a nullable rule is passed over when it is called (Aycock and
//! Horspool), and a call in tail position hands on its caller's places instead of its own, so
//! right recursion runs in constant space.
//!
//! Counters that are far from their bounds are alike for as long as a token is: a configuration's
//! *canonical* one has all of them at their least, and the same mask.

mod close;
mod memory;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use super::automaton::{Edge, Grammar, NEVER, Register, Taken, TokenSet, add};
use super::fx::{FxSet, Table, hash_of};
use super::{MatchError, TokenTrie, utf8};

/// The configuration without items: nothing is legal, not even the end.
pub(super) const DEAD: u32 = 0;
const UNKNOWN: u32 = u32::MAX;
/// In place of a next configuration that was not asked for, or whose number is not below this one: it is found
/// by its places each time. A run that holds so many at once is far over what its cache keeps.
const NOT_KEPT: u16 = u16::MAX;
/// The return state of the root's frame: the end of the text.
const END: u32 = u32::MAX;
/// The frame of the root rule.
const ROOT: u32 = 0;

/// Where a caller goes on: return state, its register (a count, or a number of a [`Taken`]), the
/// caller's frame.
type Return = (u32, u32, u32);
/// A state that consumes, and its frame.
type Item = (u32, u32);

#[derive(Clone, Copy)]
struct Frame {
    /// Its part of the engine's returns; sorted.
    from: u32,
    to: u32,
    cost: u32,
    /// The frame with all counters at their least that lie within the bounds all the same.
    canonical: u32,
}

#[derive(Clone, Copy)]
struct Config {
    /// Its part of the engine's items; sorted.
    from: u32,
    to: u32,
    /// The text may end.
    complete: bool,
    cost: u32,
    /// The configuration with canonical frames; [`UNKNOWN`] until asked for.
    canonical: u32,
    /// Where its row of next configurations begins; [`UNKNOWN`] until one is asked for.
    row: u32,
}

impl Frame {
    fn returns(self) -> Range<usize> {
        self.from as usize..self.to as usize
    }
}

impl Config {
    fn items(self) -> Range<usize> {
        self.from as usize..self.to as usize
    }
}

/// A run reached its limit of so many bytes. Smaller than a [`MatchError`]: each step gives a configuration or this.
#[derive(Clone, Copy, Debug)]
pub(super) struct Full(usize);

impl From<Full> for MatchError {
    fn from(Full(limit): Full) -> MatchError {
        MatchError::Memory { limit }
    }
}

/// What a list of places leads to with nothing.
#[derive(Clone, Copy)]
struct Closed {
    /// Its part of the engine's places.
    from: u32,
    to: u32,
    config: u32,
}

/// A place inside a text of any characters.
pub(super) struct Plain {
    /// How many characters may follow.
    pub(super) characters: u64,
    /// What the text costs at most after one of them.
    pub(super) cost: u32,
}

/// The remembered part of a run. All numbers (frames, configurations) are its own.
#[derive(Clone)]
pub(super) struct Engine {
    pub(super) grammar: Arc<Grammar>,
    costs: Arc<Vec<u32>>,
    frames: Vec<Frame>,
    returns: Vec<Return>,
    frame_ids: Table,
    configs: Vec<Config>,
    items: Vec<Item>,
    config_ids: Table,
    /// Next configurations by byte class, a row for each configuration that was asked.
    next: Vec<u16>,
    /// The configurations that lists of places lead to with nothing.
    closed: Vec<Closed>,
    places: Vec<Return>,
    closed_ids: Table,
    /// What choices have taken; number 0 is nothing.
    taken: Vec<Arc<Taken>>,
    taken_ids: Table,
    /// Bytes behind `taken`.
    behind: usize,
    limit: usize,
    /// Length of the longest token in bytes.
    reach: u32,
    // Room for one closure, kept between calls.
    seen: FxSet<Return>,
    work: Vec<Return>,
    /// Places to go on at by the rank of the rule that is called, the least first.
    calls: BinaryHeap<Reverse<(u32, Return)>>,
    kept: Vec<Item>,
}

impl Engine {
    /// An engine whose costs count only what the vocabulary can spell.
    ///
    /// # Errors
    /// No text of the grammar can be spelled with single-byte tokens and the tokens it names.
    pub(super) fn new(grammar: Arc<Grammar>, trie: &TokenTrie, limit: usize) -> Result<Engine, MatchError> {
        let whole = (0..=255).all(|byte| trie.has_byte(byte));
        let holds =
            |set: &TokenSet| set.negated || set.ids.iter().any(|&id| (id as usize) < trie.vocab_size());
        let costs = if whole && grammar.sets.iter().all(holds) {
            grammar.costs.clone()
        } else {
            let spells = |lo: u8, hi: u8| (lo..=hi).any(|byte| trie.has_byte(byte));
            Arc::new(grammar.shortest(&spells, &holds))
        };
        let start = grammar.starts[grammar.root as usize];
        if costs[start as usize] == NEVER {
            let missing: Vec<String> = grammar
                .edges()
                .filter_map(|edge| match edge {
                    Edge::Bytes { lo, hi, .. } if !(lo..=hi).any(|byte| trie.has_byte(byte)) => {
                        Some(format!("no token is a byte of 0x{lo:02X}-0x{hi:02X}"))
                    }
                    Edge::Tokens { set, .. } if !holds(&grammar.sets[set as usize]) => {
                        Some(format!("token {:?} is outside", grammar.sets[set as usize].ids))
                    }
                    _ => None,
                })
                .take(3)
                .collect();
            return Err(MatchError::Vocabulary(missing.join(", ")));
        }
        let mut engine = Engine {
            grammar,
            costs,
            frames: Vec::new(),
            returns: Vec::new(),
            frame_ids: Table::default(),
            configs: Vec::new(),
            items: Vec::new(),
            config_ids: Table::default(),
            next: Vec::new(),
            closed: Vec::new(),
            places: Vec::new(),
            closed_ids: Table::default(),
            taken: Vec::new(),
            taken_ids: Table::default(),
            behind: 0,
            limit,
            reach: trie.longest() as u32,
            seen: FxSet::default(),
            work: Vec::new(),
            calls: BinaryHeap::new(),
            kept: Vec::new(),
        };
        engine.clear();
        Ok(engine)
    }

    fn items_of(&self, config: u32) -> &[Item] {
        &self.items[self.configs[config as usize].items()]
    }

    /// The configuration before any text.
    pub(super) fn start(&mut self) -> Result<u32, Full> {
        let start = self.grammar.starts[self.grammar.root as usize];
        self.work.clear();
        self.work.push((start, 0, ROOT));
        self.close()
    }

    pub(super) fn is_complete(&self, config: u32) -> bool {
        self.configs[config as usize].complete
    }

    /// Tokens that suffice to end from here, spelling byte by byte; [`NEVER`] for [`DEAD`].
    pub(super) fn cost(&self, config: u32) -> u32 {
        self.configs[config as usize].cost
    }

    /// The configuration after a byte.
    pub(super) fn step(&mut self, config: u32, byte: u8) -> Result<u32, Full> {
        let class = self.grammar.class_of[byte as usize] as usize;
        let Config { row, .. } = self.configs[config as usize];
        if row != UNKNOWN {
            let next = self.next[row as usize + class];
            if next != NOT_KEPT {
                return Ok(u32::from(next));
            }
        }
        if config == DEAD {
            return Ok(DEAD);
        }
        self.work.clear();
        for &(state, frame) in &self.items[self.configs[config as usize].items()] {
            for edge in self.grammar.edges_of(state) {
                if let Edge::Bytes { lo, hi, to } = edge
                    && (lo..=hi).contains(&byte)
                {
                    self.work.push((to, 0, frame));
                }
            }
        }
        // Most bytes lead where another one led already.
        let hash = hash_of(&self.work);
        let led = |known: u32| {
            let Closed { from, to, .. } = self.closed[known as usize];
            self.places[from as usize..to as usize] == self.work
        };
        let next = match self.closed_ids.find(hash, led) {
            Some(known) => self.closed[known as usize].config,
            None => {
                let from = self.places.len() as u32;
                self.places.extend_from_slice(&self.work);
                let to = self.places.len() as u32;
                let config = self.close()?;
                self.closed_ids.insert(hash, self.closed.len() as u32);
                self.closed.push(Closed { from, to, config });
                config
            }
        };
        let this = &mut self.configs[config as usize];
        if this.row == UNKNOWN {
            this.row = self.next.len() as u32;
            self.next.resize(self.next.len() + self.grammar.class_byte.len(), NOT_KEPT);
        }
        self.next[this.row as usize + class] = u16::try_from(next).unwrap_or(NOT_KEPT);
        Ok(next)
    }

    /// The configuration after a token: its bytes and the terminals that name it.
    pub(super) fn step_token(&mut self, config: u32, token: u32, trie: &TokenTrie) -> Result<u32, Full> {
        let mut by_bytes = DEAD;
        if !trie.bytes(token).is_empty() {
            by_bytes = config;
            for &byte in trie.bytes(token) {
                by_bytes = self.step(by_bytes, byte)?;
                if by_bytes == DEAD {
                    break;
                }
            }
        }
        self.work.clear();
        for &(state, frame) in &self.items[self.configs[config as usize].items()] {
            for edge in self.grammar.edges_of(state) {
                if let Edge::Tokens { set, to } = edge
                    && self.set_holds(set, token, trie)
                {
                    self.work.push((to, 0, frame));
                }
            }
        }
        if self.work.is_empty() {
            return Ok(by_bytes);
        }
        let by_name = self.close()?;
        if by_bytes == DEAD {
            return Ok(by_name);
        }
        let (a, b) = (self.configs[by_bytes as usize], self.configs[by_name as usize]);
        let both = [&self.items[a.items()], &self.items[b.items()]].concat();
        Ok(self.intern_config(both, a.complete || b.complete))
    }

    fn set_holds(&self, set: u32, token: u32, trie: &TokenTrie) -> bool {
        let set = &self.grammar.sets[set as usize];
        let listed = set.ids.binary_search(&token).is_ok();
        if set.negated { !listed && !trie.is_special(token) } else { listed }
    }

    /// Calls back with each token that a terminal names here and the cost after it.
    pub(super) fn named_tokens(&self, config: u32, trie: &TokenTrie, mut each: impl FnMut(u32, u32)) {
        for &(state, frame) in self.items_of(config) {
            for edge in self.grammar.edges_of(state) {
                let Edge::Tokens { set, to } = edge else { continue };
                let cost = self.item_cost(to, 0, frame);
                if cost == NEVER {
                    continue;
                }
                let set = &self.grammar.sets[set as usize];
                if set.negated {
                    for token in 0..trie.vocab_size() as u32 {
                        if !trie.is_special(token) && set.ids.binary_search(&token).is_err() {
                            each(token, cost);
                        }
                    }
                } else {
                    set.ids
                        .iter()
                        .filter(|&&id| (id as usize) < trie.vocab_size())
                        .for_each(|&id| each(id, cost));
                }
            }
        }
    }

    /// Whether some byte continues the text.
    pub(super) fn wants_bytes(&self, config: u32) -> bool {
        self.items_of(config)
            .iter()
            .any(|&(state, _)| self.grammar.edges_of(state).any(|e| matches!(e, Edge::Bytes { .. })))
    }

    /// The only byte that continues the text, when neither its end nor a token terminal is legal.
    pub(super) fn only_byte(&self, config: u32) -> Option<u8> {
        let mut only = None;
        if self.configs[config as usize].complete {
            return None;
        }
        for &(state, frame) in self.items_of(config) {
            for edge in self.grammar.edges_of(state) {
                match edge {
                    Edge::Bytes { lo, hi, to } if self.item_cost(to, 0, frame) != NEVER => {
                        if lo != hi || only.is_some_and(|byte| byte != lo) {
                            return None;
                        }
                        only = Some(lo);
                    }
                    Edge::Tokens { .. } => return None,
                    _ => {}
                }
            }
        }
        only
    }

    /// The bytes that may come next, for messages.
    pub(super) fn expected(&mut self, config: u32) -> String {
        let mut parts = Vec::new();
        let mut run: Option<(u8, u8)> = None;
        let mut flush = |run: &mut Option<(u8, u8)>| {
            let show = |b: u8| {
                if b.is_ascii_graphic() { format!("`{}`", b as char) } else { format!("0x{b:02X}") }
            };
            if let Some((lo, hi)) = run.take() {
                parts.push(if lo == hi { show(lo) } else { format!("{}-{}", show(lo), show(hi)) });
            }
        };
        for byte in 0..=255u8 {
            let legal = self.step(config, byte).is_ok_and(|next| next != DEAD);
            match &mut run {
                Some((_, hi)) if legal => *hi = byte,
                None if legal => run = Some((byte, byte)),
                _ => flush(&mut run),
            }
        }
        flush(&mut run);
        if self.is_complete(config) {
            parts.push("the end".to_owned());
        }
        if parts.is_empty() { "a token".to_owned() } else { parts.join(", ") }
    }

    /// Whether the text stands inside (or at the beginning of) a stretch of any characters, so that most
    /// of the vocabulary is legal.
    pub(super) fn plain(&self, config: u32) -> Option<Plain> {
        let grammar = &self.grammar;
        let mut best: Option<(Plain, u32)> = None;
        let mut counted_only = true;
        for &(state, frame) in self.items_of(config) {
            let found = if grammar.plain.binary_search(&state).is_ok() {
                let returns = &self.returns[self.frames[frame as usize].returns()];
                let runs = returns.iter().filter_map(|&(back, count, below)| {
                    let register = grammar.register(back);
                    let Some(Register::Count(counted)) = register else {
                        // One character of something else, which may go on with more.
                        counted_only = false;
                        return None;
                    };
                    // The count already holds the character that comes.
                    let left = counted.max.map_or(u64::MAX, |max| u64::from(max.saturating_sub(count)) + 1);
                    Some((left, self.item_cost(back, count, below)))
                });
                runs.max().map(|(characters, cost)| Plain { characters, cost })
            } else if let Ok(at) = grammar.free.binary_search_by_key(&state, |free| free.0)
                && Arc::ptr_eq(&self.costs, &grammar.costs)
            {
                let (worst, rest) = (grammar.free[at].1, self.frames[frame as usize].cost);
                let cost = if worst == NEVER || rest == NEVER { NEVER } else { add(worst, rest) };
                Some(Plain { characters: u64::MAX, cost })
            } else {
                None
            };
            let Some(found) = found.filter(|found| found.cost != NEVER) else { continue };
            if best.as_ref().is_none_or(|(known, _)| found.characters > known.characters) {
                best = Some((found, state));
            }
        }
        // Where so many characters may come, others may only begin with what is no plain character: no
        // token of more of them is legal.
        let (plain, from) = best?;
        let begins_plain = |&(state, _): &Item| {
            state != from
                && grammar.edges_of(state).any(
                    |edge| matches!(edge, Edge::Bytes { lo, hi, .. } if (lo..=hi).any(utf8::begins_plain)),
                )
        };
        let bounded = plain.characters != u64::MAX;
        if bounded && (!counted_only || self.items_of(config).iter().any(begins_plain)) {
            return None;
        }
        Some(plain)
    }
}
