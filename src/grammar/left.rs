//! Left recursion, removed from the automaton.
//!
//! Rules that begin with each other form a knot. For a rule A of a knot a new automaton is made that
//! reads its texts from the left corner up: first what the innermost rule begins with, then, each time
//! a rule of the knot is complete, what follows it where another rule of the knot begins with it, until
//! A is complete. The innermost-first order needs no stack, so the new rule begins with no rule of the
//! knot; the language is the same (the left-corner transform: Rosenkrantz and Lewis, 1970).
//!
//! A nullable rule at the beginning is passed over, or called as a rule that matches only its
//! non-empty texts.

use super::GrammarError;
use super::automaton::{Choose, Counted, Edge, Grammar, Packed, Parts, Register};
use super::builder::MAX_SIZE;
use super::fx::{FxMap, FxSet, sort_by};
use super::texts::Names;

/// The rules of `grammar` without left recursion.
///
/// # Errors
/// The new automaton has too many states.
pub(super) fn eliminate(grammar: Grammar, ends: &[u32]) -> Result<Parts, GrammarError> {
    let states = grammar.states() as u32;
    let knots = knots(&grammar);
    // A state that begins a rule begins no other.
    let rule_of =
        |state: u32| grammar.starts.iter().position(|start| *start == state).map(|rule| rule as u32);
    let plain = grammar.plain.iter().filter_map(|state| rule_of(*state)).collect();
    let registers = grammar.starts.iter().map(|&start| grammar.register(start).cloned()).collect();
    let mut work = Work {
        out: (0..states).map(|state| grammar.edges_of(state).collect()).collect(),
        starts: grammar.starts,
        ends: ends.to_vec(),
        registers,
        names: grammar.names,
        nullable: grammar.nullable,
        only_full: FxSet::default(),
        full: FxMap::default(),
    };
    // Inner knots first: what is called at the beginning of a knot is free of left recursion by then.
    for knot in knots {
        work.untie(&knot, grammar.root)?;
    }
    let mut first = vec![0];
    let mut edges: Vec<Packed> = Vec::new();
    for of_state in work.out {
        edges.extend(of_state.into_iter().map(Packed::from));
        first.push(edges.len() as u32);
    }
    let registers = work.registers.into_iter().zip(&work.starts);
    let mut registers: Vec<(u32, Register)> =
        registers.filter_map(|(register, &start)| Some((start, register?))).collect();
    sort_by(&mut registers, &mut |a, b| a.0 < b.0);
    Ok(Parts {
        first,
        edges,
        starts: work.starts,
        ends: work.ends,
        registers,
        names: work.names,
        sets: grammar.sets,
        root: grammar.root,
        plain,
        free: grammar.free,
    })
}

/// The strongly connected groups of "begins with", inner ones first (Tarjan, without recursion).
fn knots(grammar: &Grammar) -> Vec<Vec<u32>> {
    const NEW: u32 = u32::MAX;
    let count = grammar.starts.len();
    let begins = grammar.beginnings();
    let (mut index, mut low) = (vec![NEW; count], vec![0; count]);
    let (mut open, mut is_open) = (Vec::new(), vec![false; count]);
    let mut next = 0;
    let mut knots = Vec::new();
    for root in 0..count as u32 {
        let mut stack = if index[root as usize] == NEW { vec![(root, 0)] } else { Vec::new() };
        while let Some(&(rule, at)) = stack.last() {
            let r = rule as usize;
            if at == 0 {
                (index[r], low[r]) = (next, next);
                next += 1;
                open.push(rule);
                is_open[r] = true;
            }
            if let Some(&child) = begins[r].get(at) {
                if let Some(top) = stack.last_mut() {
                    top.1 += 1;
                }
                if index[child as usize] == NEW {
                    stack.push((child, 0));
                } else if is_open[child as usize] {
                    low[r] = low[r].min(index[child as usize]);
                }
                continue;
            }
            stack.pop();
            if let Some(&(parent, _)) = stack.last() {
                low[parent as usize] = low[parent as usize].min(low[r]);
            }
            if low[r] == index[r] {
                let mut knot = Vec::new();
                while let Some(member) = open.pop() {
                    is_open[member as usize] = false;
                    knot.push(member);
                    if member == rule {
                        break;
                    }
                }
                if knot.len() > 1 || begins[r].contains(&rule) {
                    knots.push(knot);
                }
            }
        }
    }
    knots
}

struct Work {
    out: Vec<Vec<Edge>>,
    starts: Vec<u32>,
    ends: Vec<u32>,
    registers: Vec<Option<Register>>,
    names: Names,
    nullable: Vec<bool>,
    /// States whose calls stand for non-empty texts only.
    only_full: FxSet<u32>,
    /// The rule of the non-empty texts of a nullable rule.
    full: FxMap<u32, u32>,
}

impl Work {
    fn state(&mut self) -> u32 {
        self.out.push(Vec::new());
        self.out.len() as u32 - 1
    }

    fn rule(&mut self, name: &str, register: Option<Register>, nullable: bool) -> u32 {
        let (start, end) = (self.state(), self.state());
        self.starts.push(start);
        self.ends.push(end);
        self.registers.push(register);
        self.names.push(name);
        self.nullable.push(nullable);
        self.starts.len() as u32 - 1
    }

    fn check(&self) -> Result<(), GrammarError> {
        if self.out.len() > MAX_SIZE / 2 {
            return Err(GrammarError::TooLarge {
                what: "number of automaton states without left recursion",
                limit: MAX_SIZE / 2,
                rule: String::new(),
            });
        }
        Ok(())
    }

    fn untie(&mut self, knot: &[u32], root: u32) -> Result<(), GrammarError> {
        let inside: FxSet<u32> = knot.iter().copied().collect();
        for &rule in knot {
            self.unroll(rule);
        }
        let mut own = FxSet::default();
        for &rule in knot {
            let mut work = vec![self.starts[rule as usize]];
            while let Some(state) = work.pop() {
                if own.insert(state) {
                    work.extend(self.out[state as usize].iter().map(|edge| edge.target()));
                }
            }
        }
        // Rules of the knot that something else calls; others may turn up as the new rules are made.
        let mut wanted: Vec<u32> = Vec::new();
        let calls = self.out.iter().enumerate().filter(|(state, _)| !own.contains(&(*state as u32)));
        wanted.extend(calls.flat_map(|(_, edges)| edges).filter_map(|edge| match *edge {
            Edge::Call { rule, .. } => Some(rule),
            _ => None,
        }));
        wanted.extend(self.registers.iter().flatten().flat_map(Register::bodies));
        wanted.push(root);
        wanted.retain(|rule| inside.contains(rule));
        let mut made: FxMap<u32, (u32, u32)> = FxMap::default();
        while let Some(target) = wanted.pop() {
            if !made.contains_key(&target) {
                let new = self.left_corner(target, &inside, &mut wanted)?;
                made.insert(target, new);
            }
        }
        for &rule in knot {
            // What nothing calls any more has no texts.
            let (start, end) = made.get(&rule).copied().unwrap_or_else(|| (self.state(), self.state()));
            self.starts[rule as usize] = start;
            self.ends[rule as usize] = end;
        }
        Ok(())
    }

    /// A counted rule of a knot as its first round and a counted rest, which is not at the beginning.
    fn unroll(&mut self, rule: u32) {
        let Some(Register::Count(Counted { body, min, max })) = self.registers[rule as usize].take() else {
            return;
        };
        let (start, end) = (self.starts[rule as usize], self.ends[rule as usize]);
        let after = self.state();
        self.out[start as usize].push(Edge::Call { rule: body, to: after });
        if min == 0 {
            self.out[start as usize].push(Edge::Empty { to: end });
        }
        // With such a body empty rounds are not counted: the first round is the first that is not.
        if self.nullable[body as usize] {
            self.only_full.insert(start);
        }
        let rest = Counted { body, min: min.saturating_sub(1), max: max.map(|max| max - 1) };
        if rest.max == Some(0) {
            self.out[after as usize].push(Edge::Empty { to: end });
        } else {
            let name = self.names.get(rule);
            let nullable = rest.min == 0 || self.nullable[body as usize];
            let rest = self.rule(&name, Some(Register::Count(rest)), nullable);
            self.out[after as usize].push(Edge::Call { rule: rest, to: end });
        }
    }

    /// The new automaton of `target`: its start and its end.
    fn left_corner(
        &mut self,
        target: u32,
        inside: &FxSet<u32>,
        wanted: &mut Vec<u32>,
    ) -> Result<(u32, u32), GrammarError> {
        let (start, end) = (self.state(), self.state());
        let mut copies: FxMap<u32, u32> = FxMap::default();
        let mut uncopied: Vec<u32> = Vec::new();
        // Where it goes on when a rule of the knot is complete.
        let mut after: Vec<(u32, u32)> = Vec::new();
        let mut spine = vec![target];
        let mut met = FxSet::from_iter([target]);
        while let Some(rule) = spine.pop() {
            self.check()?;
            let first = self.starts[rule as usize];
            let mut heads = vec![first];
            let mut seen = FxSet::from_iter([first]);
            while let Some(head) = heads.pop() {
                for edge in self.out[head as usize].clone() {
                    let mut to = edge.target();
                    let passes = match edge {
                        Edge::Empty { .. } => true,
                        Edge::Call { rule, .. } => {
                            self.nullable[rule as usize] && !self.only_full.contains(&head)
                        }
                        _ => false,
                    };
                    if passes && seen.insert(to) {
                        heads.push(to);
                    }
                    if matches!(edge, Edge::Empty { .. }) {
                        continue;
                    }
                    let old = to;
                    to = *copies.or_insert_with(old, || {
                        uncopied.push(old);
                        self.out.push(Vec::new());
                        self.out.len() as u32 - 1
                    });
                    match edge {
                        Edge::Call { rule, .. } if inside.contains(&rule) => {
                            after.push((rule, to));
                            if met.insert(rule) {
                                spine.push(rule);
                            }
                        }
                        Edge::Call { rule, .. } => {
                            let rule = self.full(rule);
                            self.out[start as usize].push(Edge::Call { rule, to });
                        }
                        Edge::Bytes { lo, hi, .. } => {
                            self.out[start as usize].push(Edge::Bytes { lo, hi, to });
                        }
                        Edge::Tokens { set, .. } => {
                            self.out[start as usize].push(Edge::Tokens { set, to });
                        }
                        Edge::Empty { .. } => {}
                    }
                }
            }
        }
        while let Some(old) = uncopied.pop() {
            self.check()?;
            let mut edges = Vec::new();
            for mut edge in self.out[old as usize].clone() {
                if let Edge::Call { rule, .. } = edge
                    && inside.contains(&rule)
                {
                    wanted.push(rule);
                }
                let (Edge::Empty { to }
                | Edge::Bytes { to, .. }
                | Edge::Tokens { to, .. }
                | Edge::Call { to, .. }) = &mut edge;
                let next = *to;
                *to = *copies.or_insert_with(next, || {
                    uncopied.push(next);
                    self.out.push(Vec::new());
                    self.out.len() as u32 - 1
                });
                edges.push(edge);
            }
            if let Some(&copy) = copies.get(&old) {
                self.out[copy as usize].extend(edges);
            }
        }
        for &rule in met.iter() {
            let Some(&complete) = copies.get(&self.ends[rule as usize]) else { continue };
            if rule == target {
                self.out[complete as usize].push(Edge::Empty { to: end });
            }
            for &(_, to) in after.iter().filter(|(begun, _)| *begun == rule) {
                self.out[complete as usize].push(Edge::Empty { to });
            }
        }
        if self.nullable[target as usize] {
            self.out[start as usize].push(Edge::Empty { to: end });
        }
        Ok((start, end))
    }

    /// The rule itself if it is not nullable, else a rule of its non-empty texts.
    fn full(&mut self, rule: u32) -> u32 {
        if !self.nullable[rule as usize] {
            return rule;
        }
        if let Some(&known) = self.full.get(&rule) {
            return known;
        }
        let name = self.names.get(rule);
        match self.registers[rule as usize].clone() {
            Some(Register::Choose(choose)) => {
                let choose = Choose { min: choose.min.max(1), ..choose };
                let new = self.rule(&name, Some(Register::Choose(choose)), false);
                self.full.insert(rule, new);
                new
            }
            Some(Register::Count(Counted { body, max, .. })) => {
                let new = self.rule(&name, None, false);
                self.full.insert(rule, new);
                let (start, end) = (self.starts[new as usize], self.ends[new as usize]);
                let first = self.full(body);
                let rest = Counted { body, min: 0, max: max.map(|max| max - 1) };
                let rest = self.rule(&name, Some(Register::Count(rest)), true);
                let after = self.state();
                self.out[start as usize].push(Edge::Call { rule: first, to: after });
                self.out[after as usize].push(Edge::Call { rule: rest, to: end });
                if max == Some(1) {
                    self.out[after as usize] = vec![Edge::Empty { to: end }];
                }
                new
            }
            None => {
                let new = self.rule(&name, None, false);
                self.full.insert(rule, new);
                self.ends[new as usize] = self.ends[rule as usize];
                let first = self.starts[rule as usize];
                let mut heads = vec![first];
                let mut seen = FxSet::from_iter([first]);
                while let Some(head) = heads.pop() {
                    for edge in self.out[head as usize].clone() {
                        let to = edge.target();
                        let (passes, kept) = match edge {
                            Edge::Empty { .. } => (true, None),
                            Edge::Call { rule, to } => {
                                let passes = self.nullable[rule as usize] && !self.only_full.contains(&head);
                                (passes, Some(Edge::Call { rule: self.full(rule), to }))
                            }
                            edge => (false, Some(edge)),
                        };
                        if passes && seen.insert(to) {
                            heads.push(to);
                        }
                        let start = self.starts[new as usize];
                        self.out[start as usize].extend(kept);
                    }
                }
                new
            }
        }
    }
}

#[cfg(test)]
mod tests;
