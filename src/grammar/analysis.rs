//! What is known of a grammar before any text: rules that match nothing, an order of the rules,
//! shortest texts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::GrammarError;
use super::automaton::{Edge, Grammar, Marked, NEVER, Register, TokenSet, add};
use super::fx::{sort, sort_by};

/// Lists by number, one behind the other in one piece of memory.
pub(super) struct Lists<T> {
    first: Vec<u32>,
    all: Vec<T>,
}

impl<T: Copy> Lists<T> {
    /// The lists of `count` numbers; `entries` calls its argument with each number and entry, the same
    /// each time.
    pub(super) fn new(count: usize, entries: impl Fn(&mut dyn FnMut(u32, T))) -> Lists<T> {
        // The ends of the lists first; each entry that is put in, from behind, makes an end a beginning.
        let mut first = vec![0u32; count + 1];
        let mut any = None;
        entries(&mut |at, entry| {
            first[at as usize] += 1;
            any = Some(entry);
        });
        for i in 0..count {
            first[i + 1] += first[i];
        }
        let mut all = any.map_or_else(Vec::new, |entry| vec![entry; first[count] as usize]);
        entries(&mut |at, entry| {
            let place = &mut first[at as usize];
            *place -= 1;
            all[*place as usize] = entry;
        });
        Lists { first, all }
    }

    pub(super) fn of(&self, at: u32) -> &[T] {
        &self.all[self.first[at as usize] as usize..self.first[at as usize + 1] as usize]
    }
}

/// States by cost, the least first. Nearly all costs are small: those have a list each.
struct Queue {
    near: Vec<Vec<u32>>,
    /// Where the least of `near` is to be looked for.
    least: usize,
    far: BinaryHeap<Reverse<(u32, u32)>>,
}

impl Queue {
    const NEAR: usize = 256;

    fn new() -> Queue {
        Queue { near: vec![Vec::new(); Queue::NEAR], least: 0, far: BinaryHeap::new() }
    }

    /// Takes an entry in; its cost is not below that of the entry popped last.
    fn push(&mut self, cost: u32, state: u32) {
        match self.near.get_mut(cost as usize) {
            Some(list) => {
                self.least = self.least.min(cost as usize);
                list.push(state);
            }
            None => self.far.push(Reverse((cost, state))),
        }
    }

    fn pop(&mut self) -> Option<(u32, u32)> {
        while let Some(list) = self.near.get_mut(self.least) {
            if let Some(state) = list.pop() {
                return Some((self.least as u32, state));
            }
            self.least += 1;
        }
        self.far.pop().map(|Reverse(entry)| entry)
    }
}

const NO_RULE: u32 = u32::MAX;

/// The rules by their first states.
struct Starts {
    starts: Marked,
    rules: Vec<u32>,
}

impl Starts {
    fn new(grammar: &Grammar) -> Starts {
        let mut rules: Vec<u32> = (0..grammar.starts.len() as u32).collect();
        let start = |rule: &u32| grammar.starts[*rule as usize];
        sort_by(&mut rules, &mut |a, b| start(a) < start(b));
        Starts { starts: Marked::new(grammar.states(), rules.iter().map(start)), rules }
    }

    /// The rule that begins with a state.
    fn rule(&self, state: u32) -> Option<u32> {
        self.starts.number(state).map(|at| self.rules[at])
    }
}

/// The states that edges leave, by the edge's number: one of so many is kept, and the others are behind it.
struct Sources<'a> {
    grammar: &'a Grammar,
    some: Vec<u32>,
}

impl Sources<'_> {
    const EVERY: u32 = 16;

    fn new(grammar: &Grammar) -> Sources<'_> {
        let mut some = Vec::with_capacity(grammar.edges().len().div_ceil(Sources::EVERY as usize));
        for state in 0..grammar.states() as u32 {
            while (some.len() as u32 * Sources::EVERY) < grammar.first_edge(state + 1) {
                some.push(state);
            }
        }
        Sources { grammar, some }
    }

    fn of(&self, edge: u32) -> u32 {
        let mut state = self.some[(edge / Sources::EVERY) as usize];
        while self.grammar.first_edge(state + 1) <= edge {
            state += 1;
        }
        state
    }
}

impl Grammar {
    /// Calls of each rule: from where, and where it goes on.
    fn callers(&self) -> Lists<(u32, u32)> {
        Lists::new(self.starts.len(), |entry| {
            for from in 0..self.states() as u32 {
                for edge in self.edges_of(from) {
                    if let Edge::Call { rule, to } = edge {
                        entry(rule, (from, to));
                    }
                }
            }
        })
    }

    /// The rules with a register that call each rule.
    fn keepers(&self) -> Lists<u32> {
        Lists::new(self.starts.len(), |entry| {
            for &start in &self.starts {
                if let Some(register) = self.register(start) {
                    register.bodies().into_iter().for_each(|body| entry(body, start));
                }
            }
        })
    }

    /// Rules that match the empty text. A counted rule with such a body can stop at any count, so
    /// its minimum is set to zero: rounds that consume nothing need not be counted.
    pub(super) fn find_nullable(&mut self) {
        let states = self.states();
        // `reaches[s]`: the end of the rule can be reached from `s` with nothing.
        let mut reaches: Vec<bool> = (0..states as u32).map(|state| self.accepts(state)).collect();
        let callers = self.callers();
        let keepers = self.keepers();
        let starts = Starts::new(self);
        let before: Lists<(u32, u32)> = Lists::new(states, |entry| {
            for from in 0..states as u32 {
                for edge in self.edges_of(from) {
                    match edge {
                        Edge::Empty { to } => entry(to, (from, NO_RULE)),
                        Edge::Call { rule, to } => entry(to, (from, rule)),
                        _ => {}
                    }
                }
            }
        });
        for &start in &self.starts {
            if self.register(start).is_some_and(Register::may_be_empty) {
                reaches[start as usize] = true;
            }
        }
        let mut work: Vec<u32> = (0..states as u32).filter(|&s| reaches[s as usize]).collect();
        let mut found = Vec::new();
        while let Some(state) = work.pop() {
            for &(from, rule) in before.of(state) {
                if rule == NO_RULE || self.nullable[rule as usize] {
                    found.push(from);
                }
            }
            if let Some(rule) = starts.rule(state) {
                self.nullable[rule as usize] = true;
                found.extend(
                    callers.of(rule).iter().filter(|call| reaches[call.1 as usize]).map(|call| call.0),
                );
                for &start in keepers.of(rule) {
                    if let Some(Register::Count(counted)) = self.register_mut(start) {
                        counted.min = 0;
                        found.push(start);
                    }
                }
            }
            for from in found.drain(..) {
                if !std::mem::replace(&mut reaches[from as usize], true) {
                    work.push(from);
                }
            }
        }
    }

    /// Rules that each rule may begin with, nothing consumed before.
    pub(super) fn beginnings(&self) -> Vec<Vec<u32>> {
        let mut seen = vec![NO_RULE; self.states()];
        let mut work = Vec::new();
        let of = |(rule, &start): (usize, &u32)| {
            if let Some(register) = self.register(start) {
                return register.bodies();
            }
            let mut out = Vec::new();
            work.push(start);
            seen[start as usize] = rule as u32;
            while let Some(state) = work.pop() {
                for edge in self.edges_of(state) {
                    let next = match edge {
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
                    if seen[next as usize] != rule as u32 {
                        seen[next as usize] = rule as u32;
                        work.push(next);
                    }
                }
            }
            sort(&mut out);
            out.dedup();
            out
        };
        self.starts.iter().enumerate().map(of).collect()
    }

    /// Orders the rules so that a rule comes before those it may begin with; a circle is left
    /// recursion.
    pub(super) fn order_rules(&mut self) -> Result<(), GrammarError> {
        let count = self.starts.len();
        let begins = self.beginnings();
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
                        let name = |rule: u32| format!("`{}`", self.names.get(rule));
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
        let states = self.states();
        let callers = self.callers();
        let keepers = self.keepers();
        let starts = Starts::new(self);
        // Edges by their numbers: this is where compiling takes the most memory.
        let before: Lists<u32> = Lists::new(states, |entry| {
            self.edges().zip(0..).for_each(|(edge, number)| entry(edge.target(), number));
        });
        let sources = Sources::new(self);
        let mut cost = vec![NEVER; states];
        let mut heap = Queue::new();
        for state in 0..states as u32 {
            if self.accepts(state) || self.register(state).is_some_and(Register::may_be_empty) {
                heap.push(0, state);
            }
        }
        while let Some((found, state)) = heap.pop() {
            if cost[state as usize] != NEVER {
                continue;
            }
            cost[state as usize] = found;
            for &edge in before.of(state) {
                let from = sources.of(edge);
                if cost[from as usize] != NEVER {
                    continue;
                }
                let step = match self.edge(edge) {
                    Edge::Empty { .. } => 0,
                    Edge::Bytes { lo, hi, .. } if spells(lo, hi) => 1,
                    Edge::Tokens { set, .. } if holds(&self.sets[set as usize]) => 1,
                    Edge::Call { rule, .. } => cost[self.starts[rule as usize] as usize],
                    _ => NEVER,
                };
                if step != NEVER {
                    heap.push(add(found, step), from);
                }
            }
            let Some(rule) = starts.rule(state) else { continue };
            for &(from, to) in callers.of(rule) {
                if cost[from as usize] == NEVER && cost[to as usize] != NEVER {
                    heap.push(add(found, cost[to as usize]), from);
                }
            }
            for &start in keepers.of(rule) {
                if let Some(register) = self.register(start)
                    && cost[start as usize] == NEVER
                {
                    let whole = register.cost(|rule| cost[self.starts[rule as usize] as usize]);
                    if whole != NEVER {
                        heap.push(whole, start);
                    }
                }
            }
        }
        cost
    }
}
