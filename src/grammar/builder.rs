//! The builder: expressions and rules, lowered to the automaton. GBNF, JSON Schema and the prompt
//! renderers all build their grammars with it.

use super::automaton::{Choose, Counted, Edge, Grammar, Part, Parts, Register, TokenSet};
use super::{GrammarError, utf8};
use crate::grammar::fx::FxMap;

/// How deep expressions may nest.
pub(super) const MAX_DEPTH: u32 = 400;
/// How many states and edges a grammar may have together.
pub(super) const MAX_SIZE: usize = 300_000;

/// An expression of a [`GrammarBuilder`]; valid only for the builder that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expr(pub(super) u32);

/// A rule of a [`GrammarBuilder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleId(pub(super) u32);

pub(super) enum Node {
    Empty,
    Bytes(Box<[u8]>),
    Class(Box<[(u8, u8)]>),
    Chars(Box<[(u32, u32)]>),
    Tokens(u32),
    Seq(Box<[Expr]>),
    Alt(Box<[Expr]>),
    Literals(Vec<Box<[u8]>>),
    Repeat(Expr, u32, Option<u32>),
    Graph(Box<[(u32, Expr, u32)]>, Box<[bool]>),
    Choose(Choose),
    Call(RuleId),
}

/// A part of [`GrammarBuilder::choose`].
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its text where it is the first that is taken.
    pub first: RuleId,
    /// Its text behind another one: it begins with the separator.
    pub next: RuleId,
    /// Whether it can be taken at most once.
    pub once: bool,
    /// Whether it must be taken.
    pub required: bool,
}

pub(super) struct Rule {
    pub(super) name: String,
    pub(super) body: Option<Expr>,
}

/// Builds a [`Grammar`] from parts. Everything is a cheap handle; an expression that is used twice
/// is lowered twice, so make a [`rule`](Self::rule) of what is large and shared.
#[derive(Default)]
pub struct GrammarBuilder {
    pub(super) nodes: Vec<Node>,
    pub(super) depth: Vec<u32>,
    pub(super) rules: Vec<Rule>,
    pub(super) sets: Vec<TokenSet>,
    /// The states of free text of graphs.
    free: FxMap<u32, Box<[bool]>>,
}

impl GrammarBuilder {
    /// A builder with no rules.
    pub fn new() -> GrammarBuilder {
        GrammarBuilder::default()
    }

    fn push(&mut self, node: Node) -> Expr {
        let below = |e: &Expr| self.depth[e.0 as usize];
        let depth = match &node {
            Node::Seq(parts) | Node::Alt(parts) => parts.iter().map(below).max().unwrap_or(0) + 1,
            Node::Repeat(inner, ..) => below(inner) + 1,
            Node::Graph(edges, _) => edges.iter().map(|(_, e, _)| below(e)).max().unwrap_or(0) + 1,
            _ => 1,
        };
        self.nodes.push(node);
        self.depth.push(depth);
        Expr(self.nodes.len() as u32 - 1)
    }

    /// The empty text.
    pub fn empty(&mut self) -> Expr {
        self.push(Node::Empty)
    }

    /// No text at all: an alternative that cannot be taken.
    pub fn never(&mut self) -> Expr {
        self.push(Node::Alt(Box::new([])))
    }

    /// Exactly these bytes.
    pub fn literal(&mut self, bytes: impl AsRef<[u8]>) -> Expr {
        match bytes.as_ref() {
            [] => self.empty(),
            bytes => self.push(Node::Bytes(bytes.into())),
        }
    }

    /// Any one of these texts; they share their prefixes, so thousands are cheap.
    pub fn literals<T: AsRef<[u8]>>(&mut self, texts: impl IntoIterator<Item = T>) -> Expr {
        let mut all: Vec<Box<[u8]>> = texts.into_iter().map(|text| text.as_ref().into()).collect();
        all.sort_unstable();
        all.dedup();
        self.push(Node::Literals(all))
    }

    /// One byte of these inclusive ranges.
    pub fn bytes(&mut self, ranges: &[(u8, u8)]) -> Expr {
        self.push(Node::Class(ranges.into()))
    }

    /// One code point of these inclusive ranges, as UTF-8. Surrogates are left out.
    pub fn chars(&mut self, ranges: &[(u32, u32)]) -> Expr {
        let ranges = utf8::normalise(ranges);
        self.push(Node::Chars(ranges.into()))
    }

    /// The token with this id, whatever its bytes.
    pub fn token(&mut self, id: u32) -> Expr {
        self.tokens([id])
    }

    /// Any one of these tokens: one terminal however many they are.
    pub fn tokens(&mut self, ids: impl IntoIterator<Item = u32>) -> Expr {
        self.token_set(ids, false)
    }

    /// Any one token that is neither special nor one of these.
    pub fn tokens_except(&mut self, ids: impl IntoIterator<Item = u32>) -> Expr {
        self.token_set(ids, true)
    }

    fn token_set(&mut self, ids: impl IntoIterator<Item = u32>, negated: bool) -> Expr {
        let mut ids: Vec<u32> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        self.sets.push(TokenSet { ids: ids.into(), negated });
        self.push(Node::Tokens(self.sets.len() as u32 - 1))
    }

    /// One after the other.
    pub fn seq(&mut self, parts: &[Expr]) -> Expr {
        match parts {
            [] => self.empty(),
            [one] => *one,
            parts => self.push(Node::Seq(parts.into())),
        }
    }

    /// One of them; none of nothing is [`never`](Self::never).
    pub fn alt(&mut self, parts: &[Expr]) -> Expr {
        match parts {
            [one] => *one,
            parts => self.push(Node::Alt(parts.into())),
        }
    }

    /// It or nothing.
    pub fn optional(&mut self, inner: Expr) -> Expr {
        self.repeat(inner, 0, Some(1))
    }

    /// At least `min` and at most `max` times. Bounds are counted, not unrolled: a million costs
    /// what two cost.
    pub fn repeat(&mut self, inner: Expr, min: u32, max: Option<u32>) -> Expr {
        match (min, max) {
            (_, Some(0)) => self.empty(),
            (_, Some(max)) if max < min => self.never(),
            (1, Some(1)) => inner,
            _ => self.push(Node::Repeat(inner, min, max)),
        }
    }

    /// As [`graph`](Self::graph), with states of free text: each character of [`utf8::PLAIN`] leads from each
    /// of them to another one of them. Masks are quicker for it; that it is so is the caller's promise.
    pub(super) fn free_graph(
        &mut self,
        edges: &[(u32, Expr, u32)],
        accepts: &[bool],
        free: impl Iterator<Item = bool>,
    ) -> Expr {
        let graph = self.graph(edges, accepts);
        self.free.insert(graph.0, free.collect());
        graph
    }

    /// How many expressions there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it matches any one character (of [`utf8::PLAIN`] at least).
    fn is_any_character(&self, expr: Expr) -> bool {
        match &self.nodes[expr.0 as usize] {
            Node::Chars(ranges) => utf8::holds_plain(ranges),
            Node::Alt(parts) => parts.iter().any(|part| {
                matches!(self.nodes[part.0 as usize], Node::Chars(_)) && self.is_any_character(*part)
            }),
            _ => false,
        }
    }

    /// Whether it is repeated as a counter that the engine knows to be a run of any characters.
    fn is_any_text(&self, inner: Expr) -> bool {
        match self.nodes[inner.0 as usize] {
            Node::Call(rule) => {
                self.rules[rule.0 as usize].body.is_some_and(|body| self.is_any_character(body))
            }
            _ => self.is_any_character(inner),
        }
    }

    /// A finite automaton over expressions: from state 0 along `(from, expression, to)` to a state
    /// that accepts. States not in `accepts` do not.
    pub fn graph(&mut self, edges: &[(u32, Expr, u32)], accepts: &[bool]) -> Expr {
        self.push(Node::Graph(edges.into(), accepts.into()))
    }

    /// Members in any order: at least `min` different ones, at most `max` in all. What was taken is
    /// kept in the run, so their orders cost nothing. Members may not match the empty text.
    pub fn choose(&mut self, members: &[Member], min: u32, max: Option<u32>) -> Expr {
        let parts = members
            .iter()
            .map(|m| Part { first: m.first.0, next: m.next.0, once: m.once, required: m.required })
            .collect();
        self.push(Node::Choose(Choose { parts, min, max }))
    }

    /// Declares a rule; the name is for messages and need not be unique.
    pub fn rule(&mut self, name: &str) -> RuleId {
        self.rules.push(Rule { name: name.to_owned(), body: None });
        RuleId(self.rules.len() as u32 - 1)
    }

    /// Says what a rule is; the last definition holds.
    pub fn define(&mut self, rule: RuleId, body: Expr) {
        self.rules[rule.0 as usize].body = Some(body);
    }

    /// Declares and defines a rule, and calls it.
    pub fn named(&mut self, name: &str, body: Expr) -> Expr {
        let rule = self.rule(name);
        self.define(rule, body);
        self.call(rule)
    }

    /// A text of the rule.
    pub fn call(&mut self, rule: RuleId) -> Expr {
        self.push(Node::Call(rule))
    }

    /// Lowers everything that `root` reaches.
    ///
    /// # Errors
    /// An undefined rule, a root without a finite text, or more states than fit.
    pub fn build(self, root: RuleId) -> Result<Grammar, GrammarError> {
        let mut lowering = Lowering {
            builder: &self,
            edges: Vec::new(),
            states: 0,
            starts: Vec::new(),
            ends: Vec::new(),
            registers: Vec::new(),
            extra_names: Vec::new(),
            plain: Vec::new(),
            free: Vec::new(),
        };
        for _ in &self.rules {
            lowering.new_rule();
        }
        // States and edges that the largest rule took, and the rule.
        let mut largest = (0, 0);
        for (i, rule) in self.rules.iter().enumerate() {
            let body = rule.body.ok_or_else(|| GrammarError::Undefined(rule.name.clone()))?;
            if self.depth[body.0 as usize] > MAX_DEPTH {
                return Err(GrammarError::TooLarge {
                    what: "nesting of expressions",
                    limit: MAX_DEPTH as usize,
                    rule: rule.name.clone(),
                });
            }
            let before = lowering.size();
            let (from, to) = (lowering.starts[i], lowering.ends[i]);
            let whole = lowering.lower(body, from, to);
            let took = lowering.size() - before;
            if took > largest.0 {
                largest = (took, i);
            }
            if !whole {
                return Err(GrammarError::TooLarge {
                    what: "number of automaton states and edges",
                    limit: MAX_SIZE,
                    rule: self.rules[largest.1].name.clone(),
                });
            }
        }
        let Lowering { edges, states, starts, ends, registers, extra_names, mut plain, free, .. } = lowering;
        plain.sort_unstable();
        plain.dedup();
        let mut names: Vec<String> = self.rules.into_iter().map(|rule| rule.name).collect();
        names.extend(extra_names);
        Grammar::from_parts(Parts {
            edges,
            states,
            starts,
            ends,
            registers,
            names,
            sets: self.sets,
            root: root.0,
            plain,
            free,
        })
    }
}

struct Lowering<'a> {
    builder: &'a GrammarBuilder,
    edges: Vec<(u32, Edge)>,
    states: u32,
    starts: Vec<u32>,
    ends: Vec<u32>,
    registers: Vec<Option<Register>>,
    extra_names: Vec<String>,
    /// Bodies of repetitions that are any one character.
    plain: Vec<u32>,
    /// States of free text, each with a number of its text; in order.
    free: Vec<(u32, u32)>,
}

impl Lowering<'_> {
    fn state(&mut self) -> u32 {
        self.states += 1;
        self.states - 1
    }

    fn new_rule(&mut self) -> u32 {
        let (start, end) = (self.state(), self.state());
        self.starts.push(start);
        self.ends.push(end);
        self.registers.push(None);
        self.starts.len() as u32 - 1
    }

    fn edge(&mut self, from: u32, edge: Edge) {
        self.edges.push((from, edge));
    }

    /// States and edges so far.
    fn size(&self) -> usize {
        self.states as usize + self.edges.len()
    }

    /// Adds edges so that exactly the texts of `expr` lead from `from` to `to`; `false` where that takes
    /// too many. `from` gets no new incoming edges unless it is `to`.
    fn lower(&mut self, expr: Expr, from: u32, to: u32) -> bool {
        if self.size() > MAX_SIZE {
            return false;
        }
        let builder = self.builder;
        let mut whole = true;
        match &builder.nodes[expr.0 as usize] {
            Node::Empty => self.edge(from, Edge::Empty { to }),
            Node::Bytes(bytes) => whole &= self.chain(bytes, from, to),
            Node::Class(ranges) => {
                for &(lo, hi) in ranges {
                    self.edge(from, Edge::Bytes { lo, hi, to });
                }
            }
            Node::Chars(ranges) => self.chars(ranges, from, to),
            Node::Tokens(set) => self.edge(from, Edge::Tokens { set: *set, to }),
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
                whole &= self.lower(*inner, from, to);
            }
            Node::Repeat(inner, 0, None) if !builder.is_any_text(*inner) => {
                let hub = self.state();
                self.edge(from, Edge::Empty { to: hub });
                whole &= self.lower(*inner, hub, hub);
                self.edge(hub, Edge::Empty { to });
            }
            Node::Repeat(inner, 1, None) if !builder.is_any_text(*inner) => {
                let (first, last) = (self.state(), self.state());
                self.edge(from, Edge::Empty { to: first });
                whole &= self.lower(*inner, first, last);
                self.edge(last, Edge::Empty { to: first });
                self.edge(last, Edge::Empty { to });
            }
            Node::Repeat(inner, min, max) => {
                let body = match builder.nodes[inner.0 as usize] {
                    Node::Call(rule) => rule.0,
                    _ => {
                        let body = self.new_rule();
                        self.extra_names.push("a repeated part".to_owned());
                        let (start, end) = (self.starts[body as usize], self.ends[body as usize]);
                        whole &= self.lower(*inner, start, end);
                        body
                    }
                };
                if builder.is_any_text(*inner) {
                    self.plain.push(body);
                }
                let counter = self.new_rule();
                self.extra_names.push("a repetition".to_owned());
                let counted = Counted { body, min: *min, max: *max };
                self.registers[counter as usize] = Some(Register::Count(counted));
                self.edge(from, Edge::Call { rule: counter, to });
            }
            Node::Graph(edges, accepts) => {
                let first = self.states;
                let count = edges.iter().map(|e| e.0.max(e.2) + 1).max().unwrap_or(0);
                self.states += count.max(accepts.len() as u32).max(1);
                if let Some(free) = builder.free.get(&expr.0) {
                    let states = (first..self.states).zip(free).filter(|(_, free)| **free);
                    self.free.extend(states.map(|(state, _)| (state, first)));
                }
                self.edge(from, Edge::Empty { to: first });
                for (a, expr, b) in edges {
                    whole &= self.lower(*expr, first + a, first + b);
                }
                for at in (0..accepts.len()).filter(|&at| accepts[at]) {
                    self.edge(first + at as u32, Edge::Empty { to });
                }
            }
            Node::Choose(choose) => {
                let rule = self.new_rule();
                self.extra_names.push("parts in any order".to_owned());
                self.registers[rule as usize] = Some(Register::Choose(choose.clone()));
                self.edge(from, Edge::Call { rule, to });
            }
            Node::Call(rule) => self.edge(from, Edge::Call { rule: rule.0, to }),
        }
        whole
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
    fn trie(&mut self, texts: &[Box<[u8]>], from: u32, to: u32) -> bool {
        let mut work = vec![(0, texts.len(), 0, from)];
        while let Some((first, last, skip, at)) = work.pop() {
            if self.size() > MAX_SIZE {
                return false;
            }
            if last - first == 1 {
                if !self.chain(&texts[first][skip..], at, to) {
                    return false;
                }
                continue;
            }
            let mut i = first;
            while i < last {
                let Some(&byte) = texts[i].get(skip) else {
                    self.edge(at, Edge::Empty { to });
                    i += 1;
                    continue;
                };
                let run = texts[i..last].iter().take_while(|text| text.get(skip) == Some(&byte)).count();
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
