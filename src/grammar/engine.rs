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

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::automaton::{Choose, Edge, Grammar, NEVER, Register, Taken, add, times};
use super::{MatchError, TokenTrie};

/// The configuration without items: nothing is legal, not even the end.
pub(super) const DEAD: u32 = 0;
const UNKNOWN: u32 = u32::MAX;
/// The return state of the root's frame: the end of the text.
const END: u32 = u32::MAX;
/// The frame of the root rule.
const ROOT: u32 = 0;

/// Where a caller goes on: return state, its register (a count, or a number of a [`Taken`]), the
/// caller's frame.
type Return = (u32, u32, u32);
/// A state that consumes, and its frame.
type Item = (u32, u32);

#[derive(Default, Clone)]
pub(super) struct Fx(u64);

impl Hasher for Fx {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }
    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
}

pub(super) type FxMap<K, V> = HashMap<K, V, BuildHasherDefault<Fx>>;
type FxSet<K> = HashSet<K, BuildHasherDefault<Fx>>;

#[derive(Clone)]
struct Frame {
    returns: Arc<[Return]>,
    cost: u32,
}

#[derive(Clone)]
struct Config {
    items: Arc<[Item]>,
    complete: bool,
    cost: u32,
    /// Next configuration by byte class; empty until asked for.
    next: Box<[u32]>,
}

/// The remembered part of a run. All numbers (frames, configurations) are its own.
#[derive(Clone)]
pub(super) struct Engine {
    pub(super) grammar: Arc<Grammar>,
    costs: Arc<Vec<u32>>,
    frames: Vec<Frame>,
    frame_ids: FxMap<Arc<[Return]>, u32>,
    configs: Vec<Config>,
    config_ids: FxMap<(Arc<[Item]>, bool), u32>,
    /// What choices have taken; number 0 is nothing.
    taken: Vec<Arc<Taken>>,
    taken_ids: FxMap<Arc<Taken>, u32>,
    bytes: usize,
    limit: usize,
    // Room for one closure, kept between calls.
    seen: FxSet<(u32, u32, u32)>,
    work: Vec<(u32, u32, u32)>,
    calls: BTreeMap<u32, Vec<Return>>,
}

impl Engine {
    /// An engine whose costs count only what the vocabulary can spell.
    ///
    /// # Errors
    /// No text of the grammar can be spelled with single-byte tokens and the tokens it names.
    pub(super) fn new(grammar: Arc<Grammar>, trie: &TokenTrie, limit: usize) -> Result<Engine, MatchError> {
        let whole = (0..=255).all(|byte| trie.has_byte(byte));
        let holds = |set: &super::automaton::TokenSet| {
            set.negated || set.ids.iter().any(|&id| (id as usize) < trie.vocab_size())
        };
        let costs = if whole && grammar.sets.iter().all(holds) {
            grammar.costs.clone()
        } else {
            let spells = |lo: u8, hi: u8| (lo..=hi).any(|byte| trie.has_byte(byte));
            Arc::new(grammar.shortest(&spells, &holds))
        };
        let start = grammar.starts[grammar.root as usize];
        if costs[start as usize] == NEVER {
            let missing: Vec<String> = grammar
                .edges
                .iter()
                .filter_map(|edge| match *edge {
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
            frame_ids: FxMap::default(),
            configs: Vec::new(),
            config_ids: FxMap::default(),
            taken: Vec::new(),
            taken_ids: FxMap::default(),
            bytes: 0,
            limit,
            seen: FxSet::default(),
            work: Vec::new(),
            calls: BTreeMap::new(),
        };
        engine.clear();
        Ok(engine)
    }

    fn clear(&mut self) {
        self.frames.clear();
        self.frame_ids.clear();
        self.configs.clear();
        self.config_ids.clear();
        self.taken.clear();
        self.taken_ids.clear();
        self.bytes = 0;
        self.intern_taken(Taken::default());
        self.intern_frame(vec![(END, 0, ROOT)]);
        self.intern_config(Vec::new(), false);
    }

    /// The configuration before any text.
    pub(super) fn start(&mut self) -> Result<u32, MatchError> {
        let start = self.grammar.starts[self.grammar.root as usize];
        self.work.clear();
        self.work.push((start, 0, ROOT));
        self.close()
    }

    /// Bytes remembered, about.
    pub(super) fn memory(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_complete(&self, config: u32) -> bool {
        self.configs[config as usize].complete
    }

    /// Tokens that suffice to end from here, spelling byte by byte; [`NEVER`] for [`DEAD`].
    pub(super) fn cost(&self, config: u32) -> u32 {
        self.configs[config as usize].cost
    }

    /// The configuration after a byte.
    pub(super) fn step(&mut self, config: u32, byte: u8) -> Result<u32, MatchError> {
        let class = self.grammar.class_of[byte as usize] as usize;
        if let Some(&next) = self.configs[config as usize].next.get(class)
            && next != UNKNOWN
        {
            return Ok(next);
        }
        if config == DEAD {
            return Ok(DEAD);
        }
        let items = self.configs[config as usize].items.clone();
        self.work.clear();
        for &(state, frame) in items.iter() {
            for edge in self.grammar.edges_of(state) {
                if let Edge::Bytes { lo, hi, to } = *edge
                    && (lo..=hi).contains(&byte)
                {
                    self.work.push((to, 0, frame));
                }
            }
        }
        let next = self.close()?;
        let classes = self.grammar.class_byte.len();
        let table = &mut self.configs[config as usize].next;
        if table.is_empty() {
            *table = vec![UNKNOWN; classes].into();
            self.bytes += classes * 4;
        }
        table[class] = next;
        Ok(next)
    }

    /// The configuration after a token: its bytes and the terminals that name it.
    pub(super) fn step_token(
        &mut self,
        config: u32,
        token: u32,
        trie: &TokenTrie,
    ) -> Result<u32, MatchError> {
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
        let items = self.configs[config as usize].items.clone();
        self.work.clear();
        for &(state, frame) in items.iter() {
            for edge in self.grammar.edges_of(state) {
                if let Edge::Tokens { set, to } = *edge
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
        let (a, b) = (&self.configs[by_bytes as usize], &self.configs[by_name as usize]);
        let complete = a.complete || b.complete;
        let both: Vec<Item> = a.items.iter().chain(b.items.iter()).copied().collect();
        Ok(self.intern_config(both, complete))
    }

    fn set_holds(&self, set: u32, token: u32, trie: &TokenTrie) -> bool {
        let set = &self.grammar.sets[set as usize];
        let listed = set.ids.binary_search(&token).is_ok();
        if set.negated { !listed && !trie.is_special(token) } else { listed }
    }

    /// Calls back with each token that a terminal names here and the cost after it.
    pub(super) fn named_tokens(&self, config: u32, trie: &TokenTrie, mut each: impl FnMut(u32, u32)) {
        for &(state, frame) in self.configs[config as usize].items.iter() {
            for edge in self.grammar.edges_of(state) {
                let Edge::Tokens { set, to } = *edge else { continue };
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
        self.configs[config as usize]
            .items
            .iter()
            .any(|&(state, _)| self.grammar.edges_of(state).iter().any(|e| matches!(e, Edge::Bytes { .. })))
    }

    /// The only byte that continues the text, when neither its end nor a token terminal is legal.
    pub(super) fn only_byte(&self, config: u32) -> Option<u8> {
        let mut only = None;
        let this = &self.configs[config as usize];
        if this.complete {
            return None;
        }
        for &(state, frame) in this.items.iter() {
            for edge in self.grammar.edges_of(state) {
                match *edge {
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

    fn item_cost(&self, state: u32, count: u32, frame: u32) -> u32 {
        let rest = self.frames[frame as usize].cost;
        let own = match self.grammar.registers[state as usize].as_deref() {
            None => self.costs[state as usize],
            Some(Register::Choose(choose)) => {
                let of_rule = |rule: u32| self.costs[self.grammar.starts[rule as usize] as usize];
                choose.cost(&self.taken[count as usize], of_rule)
            }
            Some(Register::Count(counted)) => {
                let body = self.costs[self.grammar.starts[counted.body as usize] as usize];
                match counted.min.saturating_sub(count) {
                    0 => 0,
                    _ if body == NEVER => NEVER,
                    left => times(body, left),
                }
            }
        };
        if own == NEVER || rest == NEVER { NEVER } else { add(own, rest) }
    }

    /// Follows everything that consumes nothing from the items in `work`, and interns the result.
    fn close(&mut self) -> Result<u32, MatchError> {
        self.seen.clear();
        self.calls.clear();
        let grammar = self.grammar.clone();
        let mut kept: Vec<Item> = Vec::new();
        let mut complete = false;
        // Once a rule has been entered here, reaching an end means that it matched nothing; its
        // callers were told when they called a nullable rule, or count no empty rounds.
        let mut entered = false;
        loop {
            while let Some((state, count, frame)) = self.work.pop() {
                if state == END {
                    complete = true;
                    continue;
                }
                if self.item_cost(state, count, frame) == NEVER || !self.seen.insert((state, count, frame)) {
                    continue;
                }
                if self.seen.len() * 16 > self.limit {
                    return Err(MatchError::Memory { limit: self.limit });
                }
                match grammar.registers[state as usize].as_deref() {
                    None => {}
                    Some(Register::Count(counted)) => {
                        if count >= counted.min && !entered {
                            let returns = self.frames[frame as usize].returns.clone();
                            self.work.extend_from_slice(&returns);
                        }
                        if counted.max.is_none_or(|max| count < max) {
                            // Past an open upper bound the count no longer matters.
                            let next = match counted.max {
                                None => (count + 1).min(counted.min),
                                Some(_) => count + 1,
                            };
                            let last = counted.max == Some(next);
                            self.call(&grammar, counted.body, (state, next, frame), last);
                        }
                        continue;
                    }
                    Some(Register::Choose(choose)) => {
                        self.choose(&grammar, choose, (state, count, frame), entered);
                        continue;
                    }
                }
                let mut consumes = false;
                for edge in grammar.edges_of(state) {
                    match *edge {
                        Edge::Empty { to } => self.work.push((to, 0, frame)),
                        Edge::Call { rule, to } => {
                            if grammar.nullable[rule as usize] {
                                self.work.push((to, 0, frame));
                            }
                            self.call(&grammar, rule, (to, 0, frame), grammar.tail[to as usize]);
                        }
                        Edge::Bytes { .. } | Edge::Tokens { .. } => consumes = true,
                    }
                }
                if consumes {
                    kept.push((state, frame));
                }
                if grammar.accepts[state as usize] && !entered {
                    let returns = self.frames[frame as usize].returns.clone();
                    self.work.extend_from_slice(&returns);
                }
            }
            // All items that may call the first rule in order are in: it can be entered.
            let Some((rank, mut returns)) = self.calls.pop_first() else { break };
            entered = true;
            returns.sort_unstable();
            returns.dedup();
            let frame = self.intern_frame(returns);
            let rule = grammar.by_rank[rank as usize];
            self.work.push((grammar.starts[rule as usize], 0, frame));
        }
        if self.bytes > self.limit {
            return Err(MatchError::Memory { limit: self.limit });
        }
        Ok(self.intern_config(kept, complete))
    }

    /// Offers what a choice may take next, and its end.
    fn choose(&mut self, grammar: &Grammar, choose: &Choose, at: Return, entered: bool) {
        let (state, count, frame) = at;
        let taken = self.taken[count as usize].clone();
        let of_rule = |rule: u32| self.costs[grammar.starts[rule as usize] as usize];
        if !entered && choose.cost(&taken, of_rule) == 0 {
            let returns = self.frames[frame as usize].returns.clone();
            self.work.extend_from_slice(&returns);
        }
        let empty = taken.different() == 0;
        for (i, part) in choose.parts.iter().enumerate() {
            let Some(next) = choose.take(&taken, i) else { continue };
            if choose.cost(&next, |rule| self.costs[grammar.starts[rule as usize] as usize]) == NEVER {
                continue;
            }
            let next = self.intern_taken(next);
            let rule = if empty { part.first } else { part.next };
            self.call(grammar, rule, (state, next, frame), false);
        }
    }

    fn intern_taken(&mut self, taken: Taken) -> u32 {
        if let Some(&id) = self.taken_ids.get(&taken) {
            return id;
        }
        let id = self.taken.len() as u32;
        self.bytes += taken.memory();
        let taken = Arc::new(taken);
        self.taken.push(taken.clone());
        self.taken_ids.insert(taken, id);
        id
    }

    fn call(&mut self, grammar: &Grammar, rule: u32, back: Return, tail: bool) {
        if self.costs[grammar.starts[rule as usize] as usize] == NEVER {
            return;
        }
        let list = self.calls.entry(grammar.rank[rule as usize]).or_default();
        if tail {
            list.extend_from_slice(&self.frames[back.2 as usize].returns);
        } else {
            list.push(back);
        }
    }

    fn intern_frame(&mut self, returns: Vec<Return>) -> u32 {
        if let Some(&id) = self.frame_ids.get(returns.as_slice()) {
            return id;
        }
        let id = self.frames.len() as u32;
        let cost = returns
            .iter()
            .map(|&(state, count, frame)| if state == END { 0 } else { self.item_cost(state, count, frame) })
            .min()
            .unwrap_or(NEVER);
        let returns: Arc<[Return]> = returns.into();
        self.bytes += returns.len() * size_of::<Return>() + 16 + size_of::<Frame>() + 32;
        self.frames.push(Frame { returns: returns.clone(), cost });
        self.frame_ids.insert(returns, id);
        id
    }

    fn intern_config(&mut self, mut items: Vec<Item>, complete: bool) -> u32 {
        items.sort_unstable();
        items.dedup();
        let key: (Arc<[Item]>, bool) = (items.into(), complete);
        if let Some(&id) = self.config_ids.get(&key) {
            return id;
        }
        let id = self.configs.len() as u32;
        let cost = if complete {
            0
        } else {
            key.0.iter().map(|&(state, frame)| self.item_cost(state, 0, frame)).min().unwrap_or(NEVER)
        };
        self.bytes += key.0.len() * size_of::<Item>() + 16 + size_of::<Config>() + 40;
        self.configs.push(Config { items: key.0.clone(), complete, cost, next: Box::new([]) });
        self.config_ids.insert(key, id);
        id
    }

    /// Forgets everything except what `keep` needs; their numbers are replaced by the new ones.
    pub(super) fn forget(&mut self, keep: &mut [u32]) {
        let old = std::mem::take(&mut self.configs);
        let frames = std::mem::take(&mut self.frames);
        let taken = std::mem::take(&mut self.taken);
        self.clear();
        // A frame is made after the frames it refers to, so old order is a safe order.
        let mut needed = vec![false; frames.len()];
        let mut work: Vec<u32> =
            keep.iter().flat_map(|&c| old[c as usize].items.iter().map(|item| item.1)).collect();
        while let Some(frame) = work.pop() {
            if !std::mem::replace(&mut needed[frame as usize], true) {
                work.extend(frames[frame as usize].returns.iter().map(|r| r.2));
            }
        }
        let mut new_ids = vec![ROOT; frames.len()];
        for (i, frame) in frames.iter().enumerate().skip(1) {
            if needed[i] {
                let mut returns = Vec::with_capacity(frame.returns.len());
                for &(state, mut register, below) in frame.returns.iter() {
                    let kind = self.grammar.registers.get(state as usize).and_then(Option::as_deref);
                    if matches!(kind, Some(Register::Choose(_))) {
                        register = self.intern_taken(Taken::clone(&taken[register as usize]));
                    }
                    returns.push((state, register, new_ids[below as usize]));
                }
                returns.sort_unstable();
                new_ids[i] = self.intern_frame(returns);
            }
        }
        for config in keep {
            let Config { items, complete, .. } = &old[*config as usize];
            let items = items.iter().map(|&(s, f)| (s, new_ids[f as usize])).collect();
            *config = self.intern_config(items, *complete);
        }
    }
}
