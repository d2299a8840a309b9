//! The builder: expressions and rules, lowered to the automaton. GBNF, JSON Schema and the prompt
//! renderers all build their grammars with it.

use super::automaton::{Choose, Grammar, Part, TokenSet};
use super::fx::{Table, hash_of, sort};
use super::texts::{Names, Texts};
use super::{GrammarError, utf8};

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

/// An expression to be looked at.
pub(super) enum Node<'a> {
    Empty,
    Bytes(&'a [u8]),
    Class(&'a [(u8, u8)]),
    Chars(&'a [(u32, u32)]),
    Tokens(u32),
    Seq(&'a [Expr]),
    Alt(&'a [Expr]),
    Literals(&'a Texts),
    Repeat(Expr, u32, Option<u32>),
    Graph(&'a Graph),
    Choose(&'a Choose),
    Call(RuleId),
}

/// The kind of an expression.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Empty,
    Bytes,
    Class,
    Chars,
    Tokens,
    Seq,
    Alt,
    Literals,
    Repeat,
    Graph,
    Choose,
    Call,
}

const KINDS: [Kind; 12] = [
    Kind::Empty,
    Kind::Bytes,
    Kind::Class,
    Kind::Chars,
    Kind::Tokens,
    Kind::Seq,
    Kind::Alt,
    Kind::Literals,
    Kind::Repeat,
    Kind::Graph,
    Kind::Choose,
    Kind::Call,
];

/// An expression as it is kept, in few bytes since there may be many: what belongs to it lies in a list of the
/// builder for its kind.
#[derive(Clone, Copy)]
struct Kept {
    /// The kind, and above it how many entries of the list there are.
    what: u32,
    /// The first entry, or a number.
    at: u32,
}

impl Kept {
    /// Bits of the kind; what is left suffices for lists of 2^28 entries.
    const KIND: u32 = 4;

    fn new(kind: Kind, at: u32, count: usize) -> Kept {
        Kept { what: (count as u32) << Kept::KIND | kind as u32, at }
    }

    fn of<T>(self, list: &[T]) -> &[T] {
        &list[self.at as usize..][..(self.what >> Kept::KIND) as usize]
    }
}

/// Puts items into the list for a kind.
fn put<T: Copy>(kind: Kind, list: &mut Vec<T>, items: &[T]) -> Kept {
    let at = list.len() as u32;
    list.extend_from_slice(items);
    Kept::new(kind, at, items.len())
}

/// A finite automaton over expressions.
pub(super) struct Graph {
    pub(super) edges: Box<[(u32, Expr, u32)]>,
    pub(super) accepts: Box<[bool]>,
    /// Its states of free text, if it has any.
    pub(super) free: Box<[bool]>,
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

/// Builds a [`Grammar`] from parts. Everything is a cheap handle; an expression that is used twice
/// is lowered twice, so make a [`rule`](Self::rule) of what is large and shared.
#[derive(Default)]
pub struct GrammarBuilder {
    nodes: Vec<Kept>,
    depth: Vec<u16>,
    bytes: Vec<u8>,
    ranges: Vec<(u8, u8)>,
    chars: Vec<(u32, u32)>,
    exprs: Vec<Expr>,
    repeats: Vec<(Expr, u32, Option<u32>)>,
    /// Expressions that are repetitions, by what they repeat and how often.
    repeat_ids: Table,
    literals: Vec<Texts>,
    graphs: Vec<Graph>,
    choices: Vec<Choose>,
    names: Names,
    bodies: Vec<Option<Expr>>,
    pub(super) sets: Vec<TokenSet>,
}

impl GrammarBuilder {
    /// A builder with no rules.
    pub fn new() -> GrammarBuilder {
        GrammarBuilder::default()
    }

    fn push(&mut self, node: Kept, below: u16) -> Expr {
        self.depth.push(below.saturating_add(1));
        self.nodes.push(node);
        Expr(self.nodes.len() as u32 - 1)
    }

    /// How deep the deepest of some expressions nests.
    fn deepest(&self, parts: impl Iterator<Item = Expr>) -> u16 {
        parts.map(|expr| self.depth[expr.0 as usize]).max().unwrap_or(0)
    }

    /// An expression that is the entry of a list that was pushed last.
    fn last(&mut self, kind: Kind, count: usize, below: u16) -> Expr {
        self.push(Kept::new(kind, count as u32 - 1, 1), below)
    }

    /// The expression.
    pub(super) fn node(&self, expr: Expr) -> Node<'_> {
        let kept = self.nodes[expr.0 as usize];
        let kind = kept.what & ((1 << Kept::KIND) - 1);
        match KINDS[kind as usize] {
            Kind::Empty => Node::Empty,
            Kind::Bytes => Node::Bytes(kept.of(&self.bytes)),
            Kind::Class => Node::Class(kept.of(&self.ranges)),
            Kind::Chars => Node::Chars(kept.of(&self.chars)),
            Kind::Tokens => Node::Tokens(kept.at),
            Kind::Seq => Node::Seq(kept.of(&self.exprs)),
            Kind::Alt => Node::Alt(kept.of(&self.exprs)),
            Kind::Literals => Node::Literals(&self.literals[kept.at as usize]),
            Kind::Repeat => {
                let (inner, min, max) = self.repeats[kept.at as usize];
                Node::Repeat(inner, min, max)
            }
            Kind::Graph => Node::Graph(&self.graphs[kept.at as usize]),
            Kind::Choose => Node::Choose(&self.choices[kept.at as usize]),
            Kind::Call => Node::Call(RuleId(kept.at)),
        }
    }

    /// How deep an expression nests.
    pub(super) fn depth(&self, expr: Expr) -> u32 {
        u32::from(self.depth[expr.0 as usize])
    }

    /// How many rules there are.
    pub(super) fn rules(&self) -> usize {
        self.bodies.len()
    }

    /// The name of a rule.
    pub(super) fn name(&self, rule: u32) -> String {
        self.names.get(rule)
    }

    /// What a rule is, if that was said.
    pub(super) fn body(&self, rule: u32) -> Option<Expr> {
        self.bodies[rule as usize]
    }

    /// The empty text.
    pub fn empty(&mut self) -> Expr {
        self.push(Kept::new(Kind::Empty, 0, 0), 0)
    }

    /// No text at all: an alternative that cannot be taken.
    pub fn never(&mut self) -> Expr {
        self.alt(&[])
    }

    /// Exactly these bytes.
    pub fn literal(&mut self, bytes: impl AsRef<[u8]>) -> Expr {
        match bytes.as_ref() {
            [] => self.empty(),
            bytes => {
                let kept = put(Kind::Bytes, &mut self.bytes, bytes);
                self.push(kept, 0)
            }
        }
    }

    /// Any one of these texts; they share their prefixes, so thousands are cheap.
    pub fn literals<T: AsRef<[u8]>>(&mut self, texts: impl IntoIterator<Item = T>) -> Expr {
        let mut all = Texts::default();
        texts.into_iter().for_each(|text| all.push(text.as_ref()));
        self.literals.push(all.sorted());
        self.last(Kind::Literals, self.literals.len(), 0)
    }

    /// One byte of these inclusive ranges.
    pub fn bytes(&mut self, ranges: &[(u8, u8)]) -> Expr {
        let kept = put(Kind::Class, &mut self.ranges, ranges);
        self.push(kept, 0)
    }

    /// One code point of these inclusive ranges, as UTF-8. Surrogates are left out.
    pub fn chars(&mut self, ranges: &[(u32, u32)]) -> Expr {
        let kept = put(Kind::Chars, &mut self.chars, &utf8::normalise(ranges));
        self.push(kept, 0)
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
        sort(&mut ids);
        ids.dedup();
        self.sets.push(TokenSet { ids: ids.into(), negated });
        self.last(Kind::Tokens, self.sets.len(), 0)
    }

    /// One after the other.
    pub fn seq(&mut self, parts: &[Expr]) -> Expr {
        match parts {
            [] => self.empty(),
            [one] => *one,
            parts => {
                let kept = put(Kind::Seq, &mut self.exprs, parts);
                self.push(kept, self.deepest(parts.iter().copied()))
            }
        }
    }

    /// One of them; none of nothing is [`never`](Self::never).
    pub fn alt(&mut self, parts: &[Expr]) -> Expr {
        match parts {
            [one] => *one,
            parts => {
                let kept = put(Kind::Alt, &mut self.exprs, parts);
                self.push(kept, self.deepest(parts.iter().copied()))
            }
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
            _ => {
                let repeat = (inner, min, max);
                let hash = hash_of(&(inner.0, min, max));
                let same = |known: u32| self.repeats[self.nodes[known as usize].at as usize] == repeat;
                if let Some(known) = self.repeat_ids.find(hash, same) {
                    return Expr(known);
                }
                self.repeats.push(repeat);
                let made = self.last(Kind::Repeat, self.repeats.len(), self.deepest([inner].into_iter()));
                self.repeat_ids.insert(hash, made.0);
                made
            }
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
        self.push_graph(edges, accepts, free.collect())
    }

    /// How many expressions there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether it matches any one character (of [`utf8::PLAIN`] at least).
    fn is_any_character(&self, expr: Expr) -> bool {
        match self.node(expr) {
            Node::Chars(ranges) => utf8::holds_plain(ranges),
            Node::Alt(parts) => parts
                .iter()
                .any(|part| matches!(self.node(*part), Node::Chars(_)) && self.is_any_character(*part)),
            _ => false,
        }
    }

    /// Whether it is repeated as a counter that the engine knows to be a run of any characters.
    pub(super) fn is_any_text(&self, inner: Expr) -> bool {
        match self.node(inner) {
            Node::Call(rule) => self.body(rule.0).is_some_and(|body| self.is_any_character(body)),
            _ => self.is_any_character(inner),
        }
    }

    /// A finite automaton over expressions: from state 0 along `(from, expression, to)` to a state
    /// that accepts. States not in `accepts` do not.
    pub fn graph(&mut self, edges: &[(u32, Expr, u32)], accepts: &[bool]) -> Expr {
        self.push_graph(edges, accepts, Box::default())
    }

    fn push_graph(&mut self, edges: &[(u32, Expr, u32)], accepts: &[bool], free: Box<[bool]>) -> Expr {
        self.graphs.push(Graph { edges: edges.into(), accepts: accepts.into(), free });
        self.last(Kind::Graph, self.graphs.len(), self.deepest(edges.iter().map(|edge| edge.1)))
    }

    /// Members in any order: at least `min` different ones, at most `max` in all. What was taken is
    /// kept in the run, so their orders cost nothing. Members may not match the empty text.
    pub fn choose(&mut self, members: &[Member], min: u32, max: Option<u32>) -> Expr {
        let parts = members
            .iter()
            .map(|m| Part { first: m.first.0, next: m.next.0, once: m.once, required: m.required })
            .collect();
        self.choices.push(Choose { parts, min, max });
        self.last(Kind::Choose, self.choices.len(), 0)
    }

    /// Declares a rule; the name is for messages and need not be unique.
    pub fn rule(&mut self, name: &str) -> RuleId {
        self.names.push(name);
        self.bodies.push(None);
        RuleId(self.bodies.len() as u32 - 1)
    }

    /// Says what a rule is; the last definition holds.
    pub fn define(&mut self, rule: RuleId, body: Expr) {
        self.bodies[rule.0 as usize] = Some(body);
    }

    /// Declares and defines a rule, and calls it.
    pub fn named(&mut self, name: &str, body: Expr) -> Expr {
        let rule = self.rule(name);
        self.define(rule, body);
        self.call(rule)
    }

    /// A text of the rule.
    pub fn call(&mut self, rule: RuleId) -> Expr {
        self.push(Kept::new(Kind::Call, rule.0, 0), 0)
    }

    /// Lowers all rules; `root` is where texts begin.
    ///
    /// # Errors
    /// An undefined rule, a root without a finite text, or more states than fit.
    pub fn build(mut self, root: RuleId) -> Result<Grammar, GrammarError> {
        let names = std::mem::take(&mut self.names);
        let sets = std::mem::take(&mut self.sets);
        let parts = super::lower::lower(&self, names, sets, root)?;
        // What the automaton was made from is not needed to look into it.
        drop(self);
        Grammar::from_parts(parts)
    }
}
