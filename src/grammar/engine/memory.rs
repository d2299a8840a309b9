//! What a run remembers: values made numbers, and how much there is of them.

use std::sync::Arc;

use super::super::automaton::{NEVER, Register, Taken};
use super::{Closed, Config, DEAD, END, Engine, Frame, Item, ROOT, Return, UNKNOWN};
use crate::grammar::fx::{Table, hash_of, sort};

impl Engine {
    pub(super) fn clear(&mut self) {
        (self.frames, self.returns, self.frame_ids) = Default::default();
        (self.configs, self.items, self.config_ids) = Default::default();
        (self.closed, self.places, self.closed_ids) = Default::default();
        (self.taken, self.taken_ids, self.next) = Default::default();
        self.behind = 0;
        self.intern_taken(Taken::default());
        self.intern_frame(&[(END, 0, ROOT)]);
        self.intern_config(Vec::new(), false);
    }

    /// Bytes in use for what is remembered.
    pub(in crate::grammar) fn memory(&self) -> usize {
        let tables = [&self.config_ids, &self.frame_ids, &self.closed_ids, &self.taken_ids];
        self.behind
            + tables.into_iter().map(Table::memory).sum::<usize>()
            + self.configs.len() * size_of::<Config>()
            + self.items.len() * size_of::<Item>()
            + self.next.len() * size_of::<u16>()
            + self.frames.len() * size_of::<Frame>()
            + self.closed.len() * size_of::<Closed>()
            + (self.returns.len() + self.places.len()) * size_of::<Return>()
    }

    pub(super) fn intern_taken(&mut self, taken: Taken) -> u32 {
        let hash = hash_of(&taken);
        if let Some(id) = self.taken_ids.find(hash, |id| *self.taken[id as usize] == taken) {
            return id;
        }
        let id = self.taken.len() as u32;
        self.behind += taken.memory() + size_of::<Arc<Taken>>();
        self.taken.push(Arc::new(taken));
        self.taken_ids.insert(hash, id);
        id
    }

    /// The number of a frame; its returns are sorted.
    pub(super) fn intern_frame(&mut self, returns: &[Return]) -> u32 {
        let hash = hash_of(returns);
        let same = |id: u32| self.returns[self.frames[id as usize].returns()] == *returns;
        if let Some(id) = self.frame_ids.find(hash, same) {
            return id;
        }
        let of = |&(state, count, below): &Return| {
            let below = self.frames.get(below as usize).map_or(below, |frame| frame.canonical);
            (state, self.canonical_count(state, count), below)
        };
        let alike = if returns.iter().all(|back| of(back) == *back) {
            None
        } else {
            let mut canonical: Vec<Return> = returns.iter().map(of).collect();
            sort(&mut canonical);
            canonical.dedup();
            Some(self.intern_frame(&canonical))
        };
        let id = self.frames.len() as u32;
        let cost = returns
            .iter()
            .map(|&(state, count, frame)| if state == END { 0 } else { self.item_cost(state, count, frame) })
            .min()
            .unwrap_or(NEVER);
        let from = self.returns.len() as u32;
        self.returns.extend_from_slice(returns);
        let to = self.returns.len() as u32;
        self.frames.push(Frame { from, to, cost, canonical: alike.unwrap_or(id) });
        self.frame_ids.insert(hash, id);
        id
    }

    /// A count that no token can tell from this one: within the bounds, and too far from the upper one
    /// for any token to reach it.
    fn canonical_count(&self, state: u32, count: u32) -> u32 {
        match self.grammar.register(state) {
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
        let this = self.configs[config as usize];
        if this.canonical != UNKNOWN {
            return this.canonical;
        }
        let of = |&(state, frame): &Item| (state, self.frames[frame as usize].canonical);
        let alike = if self.items_of(config).iter().all(|item| of(item) == *item) {
            config
        } else {
            let items = self.items_of(config).iter().map(of).collect();
            self.intern_config(items, this.complete)
        };
        self.configs[config as usize].canonical = alike;
        self.configs[alike as usize].canonical = alike;
        alike
    }

    /// The number of a configuration; the list goes back to the room for closures.
    pub(super) fn intern_config(&mut self, mut items: Vec<Item>, complete: bool) -> u32 {
        sort(&mut items);
        items.dedup();
        let hash = hash_of(&(&items, complete));
        let same =
            |id: u32| self.configs[id as usize].complete == complete && self.items_of(id) == items.as_slice();
        let known = self.config_ids.find(hash, same);
        let id = known.unwrap_or(self.configs.len() as u32);
        if known.is_none() {
            let cost = if complete {
                0
            } else {
                items.iter().map(|&(state, frame)| self.item_cost(state, 0, frame)).min().unwrap_or(NEVER)
            };
            let from = self.items.len() as u32;
            self.items.extend_from_slice(&items);
            let to = self.items.len() as u32;
            let canonical = if id == DEAD { DEAD } else { UNKNOWN };
            self.configs.push(Config { from, to, complete, cost, canonical, row: UNKNOWN });
            self.config_ids.insert(hash, id);
        }
        items.clear();
        self.kept = items;
        id
    }

    /// Forgets everything except what `keep` needs; their numbers are replaced by the new ones.
    pub(in crate::grammar) fn forget(&mut self, keep: &mut [u32]) {
        // Of what is not needed for this the room is given back first.
        (self.next, self.places, self.closed) = Default::default();
        (self.closed_ids, self.config_ids, self.frame_ids) = Default::default();
        let (old, items) = (std::mem::take(&mut self.configs), std::mem::take(&mut self.items));
        let (frames, returns) = (std::mem::take(&mut self.frames), std::mem::take(&mut self.returns));
        let taken = std::mem::take(&mut self.taken);
        self.clear();
        // A frame is made after the frames it refers to, so old order is a safe order.
        let mut needed = vec![false; frames.len()];
        let mut work: Vec<u32> =
            keep.iter().flat_map(|&c| items[old[c as usize].items()].iter().map(|item| item.1)).collect();
        while let Some(frame) = work.pop() {
            if !std::mem::replace(&mut needed[frame as usize], true) {
                work.extend(returns[frames[frame as usize].returns()].iter().map(|r| r.2));
            }
        }
        let mut new_ids = vec![ROOT; frames.len()];
        for (i, frame) in frames.iter().enumerate().skip(1) {
            if needed[i] {
                let mut back = returns[frame.returns()].to_vec();
                for (state, register, below) in &mut back {
                    let kind = self.grammar.register(*state);
                    if matches!(kind, Some(Register::Choose(_))) {
                        *register = self.intern_taken(Taken::clone(&taken[*register as usize]));
                    }
                    *below = new_ids[*below as usize];
                }
                sort(&mut back);
                new_ids[i] = self.intern_frame(&back);
            }
        }
        for config in keep {
            let this = old[*config as usize];
            let items = items[this.items()].iter().map(|&(s, f)| (s, new_ids[f as usize])).collect();
            *config = self.intern_config(items, this.complete);
        }
    }
}
