//! What a run remembers: values made numbers, and how much there is of them.

use std::sync::Arc;

use super::super::automaton::{NEVER, Register, Taken};
use super::{COMPLETE, Config, DEAD, END, Engine, Frame, Item, ROOT, Return, UNKNOWN};
use crate::grammar::fx::FxMap;

impl Engine {
    pub(super) fn clear(&mut self) {
        self.frames = Vec::new();
        self.frame_ids = FxMap::default();
        self.configs = Vec::new();
        self.config_ids = FxMap::default();
        self.closed = FxMap::default();
        self.taken = Vec::new();
        self.taken_ids = FxMap::default();
        self.behind = 0;
        self.intern_taken(Taken::default());
        self.intern_frame(vec![(END, 0, ROOT)]);
        self.intern_config(Vec::new(), false);
    }

    /// Bytes in use for what is remembered.
    pub(in crate::grammar) fn memory(&self) -> usize {
        self.behind
            + self.configs.capacity() * size_of::<Config>()
            + self.config_ids.capacity() * (size_of::<(Arc<[Item]>, u32)>() + 1)
            + self.closed.capacity() * (size_of::<(Box<[Return]>, u32)>() + 1)
            + self.frames.capacity() * size_of::<Frame>()
            + self.frame_ids.capacity() * (size_of::<(Arc<[Return]>, u32)>() + 1)
            + self.taken.capacity() * size_of::<Arc<Taken>>()
            + self.taken_ids.capacity() * (size_of::<(Arc<Taken>, u32)>() + 1)
    }

    pub(super) fn intern_taken(&mut self, taken: Taken) -> u32 {
        if let Some(&id) = self.taken_ids.get(&taken) {
            return id;
        }
        let id = self.taken.len() as u32;
        self.behind += taken.memory();
        let taken = Arc::new(taken);
        self.taken.push(taken.clone());
        self.taken_ids.insert(taken, id);
        id
    }

    pub(super) fn intern_frame(&mut self, returns: Vec<Return>) -> u32 {
        if let Some(&id) = self.frame_ids.get(returns.as_slice()) {
            return id;
        }
        let mut canonical: Vec<Return> = returns
            .iter()
            .map(|&(state, count, below)| {
                let below = self.frames.get(below as usize).map_or(below, |frame| frame.canonical);
                (state, self.canonical_count(state, count), below)
            })
            .collect();
        canonical.sort_unstable();
        canonical.dedup();
        let alike = (canonical != returns).then(|| self.intern_frame(canonical));
        let id = self.frames.len() as u32;
        let cost = returns
            .iter()
            .map(|&(state, count, frame)| if state == END { 0 } else { self.item_cost(state, count, frame) })
            .min()
            .unwrap_or(NEVER);
        let returns: Arc<[Return]> = returns.into();
        self.behind += returns.len() * size_of::<Return>() + 16;
        self.frames.push(Frame { returns: returns.clone(), cost, canonical: alike.unwrap_or(id) });
        self.frame_ids.insert(returns, id);
        id
    }

    /// A count that no token can tell from this one: within the bounds, and too far from the upper one
    /// for any token to reach it.
    fn canonical_count(&self, state: u32, count: u32) -> u32 {
        match self.grammar.registers.get(state as usize).and_then(Option::as_deref) {
            Some(Register::Count(counted))
                if count >= counted.min && counted.max.is_none_or(|max| max - count > self.reach) =>
            {
                counted.min
            }
            _ => count,
        }
    }

    /// The configuration with the same mask as this one and all that differ from it only in counts.
    pub(in crate::grammar) fn canonical(&mut self, config: u32) -> u32 {
        let this = &self.configs[config as usize];
        if this.canonical != UNKNOWN {
            return this.canonical;
        }
        let (complete, frames) = (this.complete, &self.frames);
        let of = |&(state, frame): &Item| (state, frames[frame as usize].canonical);
        let alike = if this.items().iter().all(|item| of(item) == *item) {
            config
        } else {
            let items = this.items().iter().map(of).collect();
            self.intern_config(items, complete)
        };
        self.configs[config as usize].canonical = alike;
        self.configs[alike as usize].canonical = alike;
        alike
    }

    pub(super) fn intern_config(&mut self, mut items: Vec<Item>, complete: bool) -> u32 {
        items.sort_unstable();
        items.dedup();
        if complete {
            items.push(COMPLETE);
        }
        if let Some(&id) = self.config_ids.get(items.as_slice()) {
            return id;
        }
        let id = self.configs.len() as u32;
        let cost = if complete {
            0
        } else {
            items.iter().map(|&(state, frame)| self.item_cost(state, 0, frame)).min().unwrap_or(NEVER)
        };
        let items: Arc<[Item]> = items.into();
        self.behind += items.len() * size_of::<Item>() + 16;
        let canonical = if id == DEAD { DEAD } else { UNKNOWN };
        self.configs.push(Config { items: items.clone(), complete, cost, canonical, next: Box::new([]) });
        self.config_ids.insert(items, id);
        id
    }

    /// Forgets everything except what `keep` needs; their numbers are replaced by the new ones.
    pub(in crate::grammar) fn forget(&mut self, keep: &mut [u32]) {
        let old = std::mem::take(&mut self.configs);
        let frames = std::mem::take(&mut self.frames);
        let taken = std::mem::take(&mut self.taken);
        self.clear();
        // A frame is made after the frames it refers to, so old order is a safe order.
        let mut needed = vec![false; frames.len()];
        let mut work: Vec<u32> =
            keep.iter().flat_map(|&c| old[c as usize].items().iter().map(|item| item.1)).collect();
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
            let this = &old[*config as usize];
            let items = this.items().iter().map(|&(s, f)| (s, new_ids[f as usize])).collect();
            *config = self.intern_config(items, this.complete);
        }
    }
}
