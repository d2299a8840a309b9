//! What a configuration reaches with nothing.

use std::cmp::Reverse;

use super::super::automaton::{Choose, Edge, Grammar, NEVER, Register, add, times};
use super::{END, Engine, Full, Return};

/// Most entries of the room for a closure that is kept for the next one.
const KEPT: usize = 4096;

impl Engine {
    pub(super) fn item_cost(&self, state: u32, count: u32, frame: u32) -> u32 {
        let rest = self.frames[frame as usize].cost;
        let own = match self.grammar.register(state) {
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
    pub(super) fn close(&mut self) -> Result<u32, Full> {
        if self.work.iter().all(|&(state, ..)| state != END && self.grammar.consumes(state)) {
            let mut kept = std::mem::take(&mut self.kept);
            while let Some((state, _, frame)) = self.work.pop() {
                if self.item_cost(state, 0, frame) != NEVER {
                    kept.push((state, frame));
                }
            }
            if self.memory() > self.limit {
                return Err(Full(self.limit));
            }
            return Ok(self.intern_config(kept, false));
        }
        // Clearing a large table costs its capacity.
        if self.seen.capacity() > KEPT {
            self.seen = Default::default()
        } else {
            self.seen.clear()
        }
        self.calls.clear();
        let grammar = self.grammar.clone();
        let mut kept = std::mem::take(&mut self.kept);
        let mut complete = false;
        // Once a rule has been entered here, reaching an end means that it matched nothing; its
        // callers were told when they called a nullable rule, or count no empty rounds.
        let mut entered = false;
        let mut returns: Vec<Return> = Vec::new();
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
                    return Err(Full(self.limit));
                }
                match grammar.register(state) {
                    None => {}
                    Some(Register::Count(counted)) => {
                        if count >= counted.min && !entered {
                            self.go_on(frame);
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
                    match edge {
                        Edge::Empty { to } => self.work.push((to, 0, frame)),
                        Edge::Call { rule, to } => {
                            if grammar.nullable[rule as usize] {
                                self.work.push((to, 0, frame));
                            }
                            self.call(&grammar, rule, (to, 0, frame), grammar.is_tail(to));
                        }
                        Edge::Bytes { .. } | Edge::Tokens { .. } => consumes = true,
                    }
                }
                if consumes {
                    kept.push((state, frame));
                }
                if grammar.accepts(state) && !entered {
                    self.go_on(frame);
                }
            }
            // All items that may call the first rule in order are in: it can be entered.
            let Some(&Reverse((rank, _))) = self.calls.peek() else { break };
            entered = true;
            returns.clear();
            while let Some(&Reverse((next, back))) = self.calls.peek()
                && next == rank
            {
                self.calls.pop();
                if returns.last() != Some(&back) {
                    returns.push(back);
                }
            }
            let frame = self.intern_frame(&returns);
            let rule = grammar.by_rank[rank as usize];
            self.work.push((grammar.starts[rule as usize], 0, frame));
        }
        if self.memory() > self.limit {
            return Err(Full(self.limit));
        }
        Ok(self.intern_config(kept, complete))
    }

    /// Behind the rule that a frame is of.
    fn go_on(&mut self, frame: u32) {
        self.work.extend_from_slice(&self.returns[self.frames[frame as usize].returns()]);
    }

    /// Offers what a choice may take next, and its end.
    fn choose(&mut self, grammar: &Grammar, choose: &Choose, at: Return, entered: bool) {
        let (state, count, frame) = at;
        let taken = self.taken[count as usize].clone();
        let costs = self.costs.clone();
        let of_rule = |rule: u32| costs[grammar.starts[rule as usize] as usize];
        if !entered && choose.cost(&taken, of_rule) == 0 {
            self.go_on(frame);
        }
        let empty = taken.different() == 0;
        for (i, part) in choose.parts.iter().enumerate() {
            let Some(next) = choose.take(&taken, i) else { continue };
            // Without an upper bound no choice closes the way to the end.
            if choose.max.is_some() && choose.cost(&next, of_rule) == NEVER {
                continue;
            }
            let next = self.intern_taken(next);
            let rule = if empty { part.first } else { part.next };
            self.call(grammar, rule, (state, next, frame), false);
        }
    }

    fn call(&mut self, grammar: &Grammar, rule: u32, back: Return, tail: bool) {
        if self.costs[grammar.starts[rule as usize] as usize] == NEVER {
            return;
        }
        let rank = grammar.rank[rule as usize];
        if tail {
            let returns = &self.returns[self.frames[back.2 as usize].returns()];
            self.calls.extend(returns.iter().map(|&back| Reverse((rank, back))));
        } else {
            self.calls.push(Reverse((rank, back)));
        }
    }
}
