//! Expressions to states and edges.

use super::GrammarError;
use super::automaton::{Counted, Edge, Packed, Parts, Register, TokenSet};
use super::builder::{Expr, GrammarBuilder, Graph, MAX_DEPTH, MAX_SIZE, Node, RuleId};
use super::fx::{FxMap, sort};
use super::texts::{Names, Texts};
use super::utf8;

/// Lowers all rules of a builder; `names` are theirs.
///
/// # Errors
/// An undefined rule, or more states and edges than fit.
pub(super) fn lower(
    builder: &GrammarBuilder,
    names: Names,
    sets: Vec<TokenSet>,
    root: RuleId,
) -> Result<Parts, GrammarError> {
    let count = builder.rules();
    let parts = Parts {
        first: vec![0],
        edges: Vec::new(),
        starts: vec![0; count],
        ends: vec![0; count],
        registers: Vec::new(),
        names,
        sets,
        root: root.0,
        plain: Vec::new(),
        free: Vec::new(),
    };
    let mut lowering = Lowering { builder, parts, edges: Vec::new(), states: 0, counters: FxMap::default() };
    // States and edges that the largest rule took, and the rule.
    let mut largest = (0, 0);
    for rule in 0..count as u32 {
        let name = |lowering: &Lowering<'_>, rule| lowering.parts.names.get(rule);
        let Some(body) = builder.body(rule) else {
            return Err(GrammarError::Undefined(name(&lowering, rule)));
        };
        if builder.depth(body) > MAX_DEPTH {
            return Err(GrammarError::TooLarge {
                what: "nesting of expressions",
                limit: MAX_DEPTH as usize,
                rule: name(&lowering, rule),
            });
        }
        let before = lowering.size();
        let (from, to) = (lowering.state(), lowering.state());
        (lowering.parts.starts[rule as usize], lowering.parts.ends[rule as usize]) = (from, to);
        let whole = lowering.lower(body, from, to);
        lowering.settle();
        let took = lowering.size() - before;
        if took > largest.0 {
            largest = (took, rule);
        }
        if !whole {
            return Err(GrammarError::TooLarge {
                what: "number of automaton states and edges",
                limit: MAX_SIZE,
                rule: name(&lowering, largest.1),
            });
        }
    }
    let mut parts = lowering.parts;
    sort(&mut parts.plain);
    parts.plain.dedup();
    Ok(parts)
}

struct Lowering<'a> {
    builder: &'a GrammarBuilder,
    /// What is done.
    parts: Parts,
    /// Edges of the rule that is being lowered, and their states.
    edges: Vec<(u32, Edge)>,
    states: u32,
    /// The rules of repetitions: of what (a rule, or an expression), and its bounds. The same one is the same rule
    /// wherever it stands.
    counters: FxMap<(bool, u32, u32, Option<u32>), u32>,
}

impl Lowering<'_> {
    fn state(&mut self) -> u32 {
        self.states += 1;
        self.states - 1
    }

    fn new_rule(&mut self, name: &str) -> u32 {
        let (start, end) = (self.state(), self.state());
        self.parts.starts.push(start);
        self.parts.ends.push(end);
        self.parts.names.push(name);
        self.parts.starts.len() as u32 - 1
    }

    /// A rule that is a register.
    fn keep(&mut self, name: &str, register: Register) -> u32 {
        let rule = self.new_rule(name);
        self.parts.registers.push((self.parts.starts[rule as usize], register));
        rule
    }

    /// Puts the edges of the rule that is done behind those of the rules before it, by state.
    fn settle(&mut self) {
        let Parts { first, edges, .. } = &mut self.parts;
        let before = first.len() as u32 - 1;
        let mut fill = vec![0u32; (self.states - before) as usize + 1];
        for (from, _) in &self.edges {
            fill[(from - before) as usize + 1] += 1;
        }
        let base = edges.len() as u32;
        fill[0] = base;
        for at in 1..fill.len() {
            fill[at] += fill[at - 1];
        }
        first.extend_from_slice(&fill[1..]);
        edges.resize(edges.len() + self.edges.len(), Packed::default());
        for (from, edge) in self.edges.drain(..) {
            let slot = &mut fill[(from - before) as usize];
            edges[*slot as usize] = edge.into();
            *slot += 1;
        }
    }

    fn edge(&mut self, from: u32, edge: Edge) {
        self.edges.push((from, edge));
    }

    /// States and edges so far.
    fn size(&self) -> usize {
        self.states as usize + self.parts.edges.len() + self.edges.len()
    }

    /// Adds edges so that exactly the texts of `expr` lead from `from` to `to`; `false` where that takes
    /// too many. `from` gets no new incoming edges unless it is `to`.
    fn lower(&mut self, expr: Expr, from: u32, to: u32) -> bool {
        if self.size() > MAX_SIZE {
            return false;
        }
        let builder = self.builder;
        let mut whole = true;
        match builder.node(expr) {
            Node::Empty => self.edge(from, Edge::Empty { to }),
            Node::Bytes(bytes) => whole &= self.chain(bytes, from, to),
            Node::Class(ranges) => {
                for &(lo, hi) in ranges {
                    self.edge(from, Edge::Bytes { lo, hi, to });
                }
            }
            Node::Chars(ranges) => self.chars(ranges, from, to),
            Node::Tokens(set) => self.edge(from, Edge::Tokens { set, to }),
            Node::Seq(parts) => {
                let mut at = from;
                for (i, part) in parts.iter().enumerate() {
                    let next = if i + 1 == parts.len() { to } else { self.state() };
                    whole &= self.lower(*part, at, next);
                    at = next;
                }
            }
            Node::Alt(parts) => {
                for part in parts {
                    whole &= self.lower(*part, from, to);
                }
            }
            Node::Literals(texts) => whole &= self.trie(texts, from, to),
            Node::Repeat(inner, 0, Some(1)) => {
                self.edge(from, Edge::Empty { to });
                whole &= self.lower(inner, from, to);
            }
            Node::Repeat(inner, 0, None) if !builder.is_any_text(inner) => {
                let hub = self.state();
                self.edge(from, Edge::Empty { to: hub });
                whole &= self.lower(inner, hub, hub);
                self.edge(hub, Edge::Empty { to });
            }
            Node::Repeat(inner, 1, None) if !builder.is_any_text(inner) => {
                let (first, last) = (self.state(), self.state());
                self.edge(from, Edge::Empty { to: first });
                whole &= self.lower(inner, first, last);
                self.edge(last, Edge::Empty { to: first });
                self.edge(last, Edge::Empty { to });
            }
            Node::Repeat(inner, min, max) => {
                let key = match builder.node(inner) {
                    Node::Call(rule) => (true, rule.0, min, max),
                    _ => (false, inner.0, min, max),
                };
                let counter = match self.counters.get(&key) {
                    Some(known) => *known,
                    None => {
                        let counter = self.counter(inner, min, max, &mut whole);
                        self.counters.insert(key, counter);
                        counter
                    }
                };
                self.edge(from, Edge::Call { rule: counter, to });
            }
            Node::Graph(Graph { edges, accepts, free }) => {
                let first = self.states;
                let count = edges.iter().map(|e| e.0.max(e.2) + 1).max().unwrap_or(0);
                self.states += count.max(accepts.len() as u32).max(1);
                let states = (first..self.states).zip(free).filter(|(_, free)| **free);
                self.parts.free.extend(states.map(|(state, _)| (state, first)));
                self.edge(from, Edge::Empty { to: first });
                for (a, expr, b) in edges {
                    whole &= self.lower(*expr, first + a, first + b);
                }
                for at in (0..accepts.len()).filter(|&at| accepts[at]) {
                    self.edge(first + at as u32, Edge::Empty { to });
                }
            }
            Node::Choose(choose) => {
                let rule = self.keep("parts in any order", Register::Choose(choose.clone()));
                self.edge(from, Edge::Call { rule, to });
            }
            Node::Call(rule) => self.edge(from, Edge::Call { rule: rule.0, to }),
        }
        whole
    }

    /// The rule of a repetition that is counted; `whole` turns false where its part takes too many.
    fn counter(&mut self, inner: Expr, min: u32, max: Option<u32>, whole: &mut bool) -> u32 {
        let body = match self.builder.node(inner) {
            Node::Call(rule) => rule.0,
            _ => {
                let body = self.new_rule("a repeated part");
                let (start, end) = (self.parts.starts[body as usize], self.parts.ends[body as usize]);
                *whole &= self.lower(inner, start, end);
                body
            }
        };
        if self.builder.is_any_text(inner) {
            self.parts.plain.push(body);
        }
        self.keep("a repetition", Register::Count(Counted { body, min, max }))
    }

    fn chain(&mut self, bytes: &[u8], from: u32, to: u32) -> bool {
        if self.size() + 2 * bytes.len() > MAX_SIZE {
            return false;
        }
        let mut at = from;
        for (i, &byte) in bytes.iter().enumerate() {
            let next = if i + 1 == bytes.len() { to } else { self.state() };
            self.edge(at, Edge::Bytes { lo: byte, hi: byte, to: next });
            at = next;
        }
        if bytes.is_empty() {
            self.edge(from, Edge::Empty { to });
        }
        true
    }

    /// Sorted texts as a trie. Iterative: texts may be long.
    fn trie(&mut self, texts: &Texts, from: u32, to: u32) -> bool {
        let mut work = vec![(0, texts.len(), 0, from)];
        while let Some((first, last, skip, at)) = work.pop() {
            if self.size() > MAX_SIZE {
                return false;
            }
            if last - first == 1 {
                if !self.chain(&texts.get(first)[skip..], at, to) {
                    return false;
                }
                continue;
            }
            let mut i = first;
            while i < last {
                let Some(&byte) = texts.get(i).get(skip) else {
                    self.edge(at, Edge::Empty { to });
                    i += 1;
                    continue;
                };
                let run = (i..last).take_while(|&i| texts.get(i).get(skip) == Some(&byte)).count();
                let next = self.state();
                self.edge(at, Edge::Bytes { lo: byte, hi: byte, to: next });
                work.push((i, i + run, skip + 1, next));
                i += run;
            }
        }
        true
    }

    fn chars(&mut self, ranges: &[(u32, u32)], from: u32, to: u32) {
        let mut all = Vec::new();
        for &(lo, hi) in ranges {
            utf8::sequences(lo, hi, &mut all);
        }
        // Sequences that end alike share the states of their end.
        let mut tails: FxMap<&[(u8, u8)], u32> = FxMap::default();
        for ranges in &all {
            let mut target = to;
            for cut in (1..ranges.len()).rev() {
                target = match tails.get(&ranges[cut..]) {
                    Some(&state) => state,
                    None => {
                        let state = self.state();
                        let (lo, hi) = ranges[cut];
                        self.edge(state, Edge::Bytes { lo, hi, to: target });
                        tails.insert(&ranges[cut..], state);
                        state
                    }
                };
            }
            let (lo, hi) = ranges[0];
            self.edge(from, Edge::Bytes { lo, hi, to: target });
        }
    }
}
