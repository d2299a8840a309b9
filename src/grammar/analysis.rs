//! What is known of a grammar before any text: rules that match nothing, an order of the rules,
//! shortest texts.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use super::GrammarError;
use super::automaton::{Counted, Edge, Grammar, NEVER, Register, TokenSet, add};

impl Grammar {
    /// Rules that match the empty text. A counted rule with such a body can stop at any count, so
    /// its minimum is set to zero: rounds that consume nothing need not be counted.
    pub(super) fn find_nullable(&mut self) {
        let states = self.accepts.len();
        // `reaches[s]`: the end of the rule can be reached from `s` with nothing.
        let mut reaches = self.accepts.clone();
        let mut before: Vec<Vec<(u32, Option<u32>)>> = vec![Vec::new(); states];
        let mut callers: Vec<Vec<(u32, u32)>> = vec![Vec::new(); self.starts.len()];
        let mut counters: Vec<Vec<u32>> = vec![Vec::new(); self.starts.len()];
        let mut rule_of_start = vec![None; states];
        let mut work: Vec<u32> = (0..states as u32).filter(|&s| reaches[s as usize]).collect();
        for (rule, &start) in self.starts.iter().enumerate() {
            rule_of_start[start as usize] = Some(rule as u32);
            if let Some(register) = &self.registers[start as usize] {
                if let Register::Count(Counted { body, .. }) = **register {
                    counters[body as usize].push(start);
                }
                if register.may_be_empty() && !reaches[start as usize] {
                    reaches[start as usize] = true;
                    work.push(start);
                }
            }
        }
        for s in 0..states as u32 {
            for edge in self.edges_of(s) {
                match *edge {
                    Edge::Empty { to } => before[to as usize].push((s, None)),
                    Edge::Call { rule, to } => {
                        before[to as usize].push((s, Some(rule)));
                        callers[rule as usize].push((s, to));
                    }
                    _ => {}
                }
            }
        }
        while let Some(state) = work.pop() {
            let mut found = Vec::new();
            for &(from, rule) in &before[state as usize] {
                if rule.is_none_or(|rule| self.nullable[rule as usize]) {
                    found.push(from);
                }
            }
            if let Some(rule) = rule_of_start[state as usize] {
                self.nullable[rule as usize] = true;
                found.extend(
                    callers[rule as usize].iter().filter(|(_, to)| reaches[*to as usize]).map(|c| c.0),
                );
                for &start in &counters[rule as usize] {
                    if let Some(Register::Count(counted)) = self.registers[start as usize].as_deref_mut() {
                        counted.min = 0;
                    }
                    found.push(start);
                }
            }
            for from in found {
                if !reaches[from as usize] {
                    reaches[from as usize] = true;
                    work.push(from);
                }
            }
        }
    }

    /// Rules that a rule may begin with, nothing consumed before.
    pub(super) fn begins_with(&self, rule: u32) -> Vec<u32> {
        let start = self.starts[rule as usize];
        if let Some(register) = &self.registers[start as usize] {
            return register.bodies();
        }
        let mut seen = HashSet::from([start]);
        let mut work = vec![start];
        let mut out = Vec::new();
        while let Some(state) = work.pop() {
            for edge in self.edges_of(state) {
                let next = match *edge {
                    Edge::Empty { to } => to,
                    Edge::Call { rule, to } => {
                        out.push(rule);
                        if !self.nullable[rule as usize] {
                            continue;
                        }
                        to
                    }
                    _ => continue,
                };
                if seen.insert(next) {
                    work.push(next);
                }
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Orders the rules so that a rule comes before those it may begin with; a circle is left
    /// recursion.
    pub(super) fn order_rules(&mut self) -> Result<(), GrammarError> {
        let count = self.starts.len();
        let begins: Vec<Vec<u32>> = (0..count as u32).map(|rule| self.begins_with(rule)).collect();
        // Depth first with an own stack: rules may chain deeper than the thread's stack.
        let mut state = vec![0u8; count];
        let mut order = Vec::with_capacity(count);
        for root in 0..count as u32 {
            if state[root as usize] != 0 {
                continue;
            }
            state[root as usize] = 1;
            let mut stack = vec![(root, 0usize)];
            while let Some((rule, next)) = stack.last_mut() {
                let Some(&child) = begins[*rule as usize].get(*next) else {
                    state[*rule as usize] = 2;
                    order.push(*rule);
                    stack.pop();
                    continue;
                };
                *next += 1;
                match state[child as usize] {
                    0 => {
                        state[child as usize] = 1;
                        stack.push((child, 0));
                    }
                    1 => {
                        let from = stack.iter().position(|(rule, _)| *rule == child).unwrap_or(0);
                        let name = |rule: u32| format!("`{}`", self.names[rule as usize]);
                        let mut path: Vec<String> =
                            stack[from..].iter().take(8).map(|(rule, _)| name(*rule)).collect();
                        path.push(name(child));
                        return Err(GrammarError::LeftRecursion(format!(
                            "{} (each begins with the next)",
                            path.join(" → ")
                        )));
                    }
                    _ => {}
                }
            }
        }
        order.reverse();
        self.rank = vec![0; count];
        for (rank, &rule) in order.iter().enumerate() {
            self.rank[rule as usize] = rank as u32;
        }
        self.by_rank = order;
        Ok(())
    }

    /// Fewest steps from each state to the end of its rule, where a byte edge may be taken if
    /// `spells(lo, hi)` and a token edge if `holds(set)`. Knuth's generalisation of Dijkstra's
    /// algorithm: the cost of a call is the cost of its rule plus what follows.
    pub(super) fn shortest(
        &self,
        spells: &dyn Fn(u8, u8) -> bool,
        holds: &dyn Fn(&TokenSet) -> bool,
    ) -> Vec<u32> {
        let states = self.accepts.len();
        let mut before: Vec<Vec<(u32, Edge)>> = vec![Vec::new(); states];
        let mut callers: Vec<Vec<(u32, u32)>> = vec![Vec::new(); self.starts.len()];
        let mut counters: Vec<Vec<u32>> = vec![Vec::new(); self.starts.len()];
        let mut rule_of_start = vec![None; states];
        let mut cost = vec![NEVER; states];
        let mut heap = BinaryHeap::new();
        for (rule, &start) in self.starts.iter().enumerate() {
            rule_of_start[start as usize] = Some(rule);
            if let Some(register) = &self.registers[start as usize] {
                for body in register.bodies() {
                    counters[body as usize].push(start);
                }
                if register.may_be_empty() {
                    heap.push(Reverse((0, start)));
                }
            }
        }
        for s in 0..states as u32 {
            if self.accepts[s as usize] {
                heap.push(Reverse((0, s)));
            }
            for &edge in self.edges_of(s) {
                before[edge.target() as usize].push((s, edge));
                if let Edge::Call { rule, to } = edge {
                    callers[rule as usize].push((s, to));
                }
            }
        }
        while let Some(Reverse((found, state))) = heap.pop() {
            if cost[state as usize] != NEVER {
                continue;
            }
            cost[state as usize] = found;
            for &(from, edge) in &before[state as usize] {
                let step = match edge {
                    Edge::Empty { .. } => 0,
                    Edge::Bytes { lo, hi, .. } if spells(lo, hi) => 1,
                    Edge::Tokens { set, .. } if holds(&self.sets[set as usize]) => 1,
                    Edge::Call { rule, .. } => cost[self.starts[rule as usize] as usize],
                    _ => NEVER,
                };
                if step != NEVER && cost[from as usize] == NEVER {
                    heap.push(Reverse((add(found, step), from)));
                }
            }
            if let Some(rule) = rule_of_start[state as usize] {
                for &(from, to) in &callers[rule] {
                    if cost[from as usize] == NEVER && cost[to as usize] != NEVER {
                        heap.push(Reverse((add(found, cost[to as usize]), from)));
                    }
                }
                for &start in &counters[rule] {
                    if let Some(register) = &self.registers[start as usize]
                        && cost[start as usize] == NEVER
                    {
                        let whole = register.cost(|rule| cost[self.starts[rule as usize] as usize]);
                        if whole != NEVER {
                            heap.push(Reverse((whole, start)));
                        }
                    }
                }
            }
        }
        cost
    }
}
