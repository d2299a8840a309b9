//! The automaton: rules over bytes and tokens, with what is known of them before any text.
//!
//! A rule is a small non-deterministic automaton; its edges consume a byte, consume a token, call
//! another rule or nothing. A counted repetition is a rule of its own with one state and a counter
//! that lives in the run, so its bound costs nothing. Left recursion is refused, which lets the
//! engine merge the callers of a rule in one pass (see `engine`).

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::GrammarError;

/// A cost that no text reaches.
pub(super) const NEVER: u32 = u32::MAX;

/// What leads from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Empty { to: u32 },
    Bytes { lo: u8, hi: u8, to: u32 },
    Tokens { set: u32, to: u32 },
    Call { rule: u32, to: u32 },
}

impl Edge {
    fn target(self) -> u32 {
        match self {
            Edge::Empty { to } | Edge::Bytes { to, .. } | Edge::Tokens { to, .. } | Edge::Call { to, .. } => {
                to
            }
        }
    }
}

/// Tokens by id, or all tokens that are neither special nor listed.
#[derive(Clone, Debug)]
pub(super) struct TokenSet {
    pub(super) ids: Box<[u32]>,
    pub(super) negated: bool,
}

/// A rule that is `body` at least `min` and at most `max` times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) body: u32,
    pub(super) min: u32,
    pub(super) max: Option<u32>,
}

/// What a builder hands over.
pub(super) struct Parts {
    pub(super) edges: Vec<(u32, Edge)>,
    pub(super) states: u32,
    pub(super) starts: Vec<u32>,
    pub(super) ends: Vec<u32>,
    pub(super) counted: Vec<Option<Counted>>,
    pub(super) names: Vec<String>,
    pub(super) sets: Vec<TokenSet>,
    pub(super) root: u32,
}

/// A compiled grammar: immutable, shared by all matchers that run it.
#[derive(Debug)]
pub struct Grammar {
    pub(super) edges: Vec<Edge>,
    /// `edges[first[s]..first[s + 1]]` leave state `s`.
    pub(super) first: Vec<u32>,
    /// The end state of each rule accepts.
    pub(super) accepts: Vec<bool>,
    /// From here the rule can only end, with nothing more.
    pub(super) tail: Vec<bool>,
    /// The counted rule whose state this is.
    pub(super) counter: Vec<Option<Box<Counted>>>,
    pub(super) starts: Vec<u32>,
    pub(super) nullable: Vec<bool>,
    /// Place of each rule in an order where a rule comes before those it may begin with.
    pub(super) rank: Vec<u32>,
    pub(super) by_rank: Vec<u32>,
    pub(super) names: Vec<String>,
    pub(super) sets: Vec<TokenSet>,
    pub(super) root: u32,
    /// Class of each byte; bytes of a class are alike to every edge.
    pub(super) class_of: Box<[u8; 256]>,
    /// A byte of each class.
    pub(super) class_byte: Vec<u8>,
    /// Fewest bytes and tokens from a state to the end of its rule (counters at zero).
    pub(super) costs: Arc<Vec<u32>>,
}

impl Grammar {
    pub(super) fn from_parts(parts: Parts) -> Result<Grammar, GrammarError> {
        let Parts { edges, states, starts, ends, counted, names, sets, root } = parts;
        let states = states as usize;
        let mut first = vec![0u32; states + 1];
        for (from, _) in &edges {
            first[*from as usize + 1] += 1;
        }
        for s in 0..states {
            first[s + 1] += first[s];
        }
        let mut fill = first.clone();
        let mut sorted = vec![Edge::Empty { to: 0 }; edges.len()];
        for (from, edge) in edges {
            let slot = &mut fill[from as usize];
            sorted[*slot as usize] = edge;
            *slot += 1;
        }
        let mut accepts = vec![false; states];
        for &end in &ends {
            accepts[end as usize] = true;
        }
        let mut counter: Vec<Option<Box<Counted>>> = vec![None; states];
        for (rule, counted) in counted.iter().enumerate() {
            if let Some(counted) = counted {
                counter[starts[rule] as usize] = Some(Box::new(*counted));
                accepts[ends[rule] as usize] = false;
            }
        }
        let mut grammar = Grammar {
            edges: sorted,
            first,
            accepts,
            tail: Vec::new(),
            counter,
            nullable: vec![false; starts.len()],
            rank: Vec::new(),
            by_rank: Vec::new(),
            starts,
            names,
            sets,
            root,
            class_of: Box::new([0; 256]),
            class_byte: Vec::new(),
            costs: Arc::new(Vec::new()),
        };
        grammar.find_nullable();
        grammar.order_rules()?;
        grammar.find_tails();
        grammar.find_classes();
        grammar.costs = Arc::new(grammar.shortest(&|_, _| true, &|set| set.negated || !set.ids.is_empty()));
        if grammar.costs[grammar.starts[root as usize] as usize] == NEVER {
            return Err(GrammarError::Impossible(format!(
                "rule `{}` never comes to an end",
                grammar.names[root as usize]
            )));
        }
        Ok(grammar)
    }

    /// Number of states of the automaton.
    pub fn states(&self) -> usize {
        self.accepts.len()
    }

    /// Number of rules, those made for repetitions included.
    pub fn rules(&self) -> usize {
        self.starts.len()
    }

    /// Length of the shortest text, in bytes (a token terminal counts as one).
    pub fn shortest_text(&self) -> usize {
        self.costs[self.starts[self.root as usize] as usize] as usize
    }

    /// Bytes that the compiled grammar holds, about.
    pub fn memory(&self) -> usize {
        self.edges.len() * size_of::<Edge>()
            + self.accepts.len() * (4 + 1 + 1 + 8 + 4)
            + self.names.iter().map(|name| name.len() + 24 + 16).sum::<usize>()
            + self.sets.iter().map(|set| set.ids.len() * 4 + 24).sum::<usize>()
    }

    pub(super) fn edges_of(&self, state: u32) -> &[Edge] {
        &self.edges[self.first[state as usize] as usize..self.first[state as usize + 1] as usize]
    }

    /// Rules that match the empty text. A counted rule with such a body can stop at any count, so
    /// its minimum is set to zero: rounds that consume nothing need not be counted.
    fn find_nullable(&mut self) {
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
            if let Some(counted) = &self.counter[start as usize] {
                counters[counted.body as usize].push(start);
                if counted.min == 0 && !reaches[start as usize] {
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
                    if let Some(counted) = &mut self.counter[start as usize] {
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
    fn begins_with(&self, rule: u32) -> Vec<u32> {
        let start = self.starts[rule as usize];
        if let Some(counted) = &self.counter[start as usize] {
            return vec![counted.body];
        }
        let mut seen = std::collections::HashSet::from([start]);
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
    fn order_rules(&mut self) -> Result<(), GrammarError> {
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

    fn find_tails(&mut self) {
        let states = self.accepts.len();
        let mut tail = self.accepts.clone();
        for s in 0..states as u32 {
            if !self.edges_of(s).is_empty() {
                tail[s as usize] = false;
            }
        }
        // Chains of empty edges are short; a few rounds find almost all, and missing one is harmless.
        for _ in 0..4 {
            let mut changed = false;
            for s in (0..states as u32).rev() {
                let edges = self.edges_of(s);
                if !tail[s as usize]
                    && !edges.is_empty()
                    && edges.iter().all(|e| matches!(e, Edge::Empty { to } if tail[*to as usize]))
                {
                    tail[s as usize] = true;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        self.tail = tail;
    }

    fn find_classes(&mut self) {
        let mut cut = [false; 257];
        cut[0] = true;
        for edge in &self.edges {
            if let Edge::Bytes { lo, hi, .. } = *edge {
                cut[lo as usize] = true;
                cut[hi as usize + 1] = true;
            }
        }
        for (byte, &starts_class) in cut[..256].iter().enumerate() {
            if starts_class {
                self.class_byte.push(byte as u8);
            }
            self.class_of[byte] = (self.class_byte.len() - 1) as u8;
        }
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
            if let Some(counted) = &self.counter[start as usize] {
                counters[counted.body as usize].push(start);
                if counted.min == 0 {
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
                    if let Some(counted) = &self.counter[start as usize] {
                        heap.push(Reverse((times(found, counted.min), start)));
                    }
                }
            }
        }
        cost
    }
}

/// Sum of two finite costs, finite however large.
pub(super) fn add(a: u32, b: u32) -> u32 {
    a.saturating_add(b).min(NEVER - 1)
}

/// A finite cost a number of times, finite however large.
pub(super) fn times(a: u32, n: u32) -> u32 {
    a.saturating_mul(n).min(NEVER - 1)
}
