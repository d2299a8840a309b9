//! The automaton: rules over bytes and tokens, with what is known of them before any text.
//!
//! A rule is a small non-deterministic automaton; its edges consume a byte, consume a token, call
//! another rule or nothing. A counted repetition is a rule of its own with one state and a counter
//! that lives in the run, so its bound costs nothing; so is a choice of parts in any order, each at
//! most once. Left recursion is removed (see `left`), which lets the engine merge the callers of a
//! rule in one pass (see `engine`).

use std::sync::Arc;

use super::GrammarError;
use super::fx::{FxMap, sort};
pub(super) use super::register::{Choose, Counted, Part, Register, Taken};
use super::texts::Names;

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
    pub(super) fn target(self) -> u32 {
        match self {
            Edge::Empty { to } | Edge::Bytes { to, .. } | Edge::Tokens { to, .. } | Edge::Call { to, .. } => {
                to
            }
        }
    }
}

/// An edge in eight bytes: where it leads, with its kind in the highest two bits, and what takes it there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Packed {
    to: u32,
    what: u32,
}

impl Packed {
    const KIND: u32 = 30;

    fn get(self) -> Edge {
        let (to, what) = (self.to & !(3 << Packed::KIND), self.what);
        match self.to >> Packed::KIND {
            0 => Edge::Empty { to },
            1 => Edge::Bytes { lo: (what >> 8) as u8, hi: what as u8, to },
            2 => Edge::Tokens { set: what, to },
            _ => Edge::Call { rule: what, to },
        }
    }
}

impl From<Edge> for Packed {
    /// There are far fewer states than fit (see `builder::MAX_SIZE`).
    fn from(edge: Edge) -> Packed {
        let (kind, what) = match edge {
            Edge::Empty { .. } => (0, 0),
            Edge::Bytes { lo, hi, .. } => (1, u32::from(lo) << 8 | u32::from(hi)),
            Edge::Tokens { set, .. } => (2, set),
            Edge::Call { rule, .. } => (3, rule),
        };
        Packed { to: edge.target() | kind << Packed::KIND, what }
    }
}

/// Some states, a bit each, numbered in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked {
    /// Bits of 64 states, and how many are before them.
    words: Vec<(u64, u32)>,
}

impl Marked {
    /// The states are sorted.
    pub(super) fn new(states: usize, marked: impl Iterator<Item = u32>) -> Marked {
        let mut words = vec![(0u64, 0); states.div_ceil(64)];
        marked.for_each(|state| words[state as usize / 64].0 |= 1 << (state % 64));
        let mut before = 0;
        for (bits, count) in &mut words {
            *count = before;
            before += bits.count_ones();
        }
        Marked { words }
    }

    pub(super) fn number(&self, state: u32) -> Option<usize> {
        let &(bits, before) = self.words.get(state as usize / 64)?;
        let bit = 1u64 << (state % 64);
        (bits & bit != 0).then(|| (before + (bits & (bit - 1)).count_ones()) as usize)
    }
}

/// Tokens by id, or all tokens that are neither special nor listed.
#[derive(Clone, Debug)]
pub(super) struct TokenSet {
    pub(super) ids: Box<[u32]>,
    pub(super) negated: bool,
}

/// What a builder hands over.
pub(super) struct Parts {
    /// `edges[first[s]..first[s + 1]]` leave state `s`.
    pub(super) first: Vec<u32>,
    pub(super) edges: Vec<Packed>,
    pub(super) starts: Vec<u32>,
    pub(super) ends: Vec<u32>,
    /// With the first states of their rules; sorted by them.
    pub(super) registers: Vec<(u32, Register)>,
    pub(super) names: Names,
    pub(super) sets: Vec<TokenSet>,
    pub(super) root: u32,
    /// Rules of one character whatever it is.
    pub(super) plain: Vec<u32>,
    /// States of free text, each with a number of its text; sorted.
    pub(super) free: Vec<(u32, u32)>,
}

/// The end state of a rule accepts.
const ACCEPTS: u8 = 1;
/// From here the rule can only end, with nothing more.
const TAIL: u8 = 2;
/// Left by bytes and tokens only, and ends nothing.
const CONSUMES: u8 = 4;

/// A compiled grammar: immutable, shared by all matchers that run it.
#[derive(Debug)]
pub struct Grammar {
    edges: Vec<Packed>,
    /// `edges[first[s]..first[s + 1]]` leave state `s`.
    first: Vec<u32>,
    /// What a state is, a bit each.
    flags: Vec<u8>,
    /// What the run keeps for the rules whose only states these are.
    registers: Vec<Register>,
    register_of: Marked,
    pub(super) starts: Vec<u32>,
    pub(super) nullable: Vec<bool>,
    /// Place of each rule in an order where a rule comes before those it may begin with.
    pub(super) rank: Vec<u32>,
    pub(super) by_rank: Vec<u32>,
    pub(super) names: Names,
    pub(super) sets: Vec<TokenSet>,
    pub(super) root: u32,
    /// First states of rules of one character whatever it is (those in [`utf8::PLAIN`] at least), sorted.
    ///
    /// [`utf8::PLAIN`]: super::utf8::PLAIN
    pub(super) plain: Vec<u32>,
    /// States of free text: each plain character leads from each of them to another one of the same text.
    /// With the most that any of that text's states costs, sorted.
    pub(super) free: Vec<(u32, u32)>,
    /// Class of each byte; bytes of a class are alike to every edge.
    pub(super) class_of: Box<[u8; 256]>,
    /// A byte of each class.
    pub(super) class_byte: Vec<u8>,
    /// Fewest bytes and tokens from a state to the end of its rule (counters at zero).
    pub(super) costs: Arc<Vec<u32>>,
}

impl Grammar {
    pub(super) fn from_parts(parts: Parts) -> Result<Grammar, GrammarError> {
        let ends = parts.ends.clone();
        let mut grammar = Grammar::lay_out(parts);
        grammar.find_nullable();
        if grammar.order_rules().is_err() {
            grammar = Grammar::lay_out(super::left::eliminate(grammar, &ends)?);
            grammar.find_nullable();
            grammar.order_rules()?;
        }
        grammar.find_tails();
        grammar.find_classes();
        grammar.costs = Arc::new(grammar.shortest(&|_, _| true, &|set| set.negated || !set.ids.is_empty()));
        grammar.find_free();
        for state in 0..grammar.states() as u32 {
            let one = |edge| matches!(edge, Edge::Bytes { .. } | Edge::Tokens { .. });
            if !grammar.accepts(state) && grammar.all_edges(state, one) {
                grammar.flags[state as usize] |= CONSUMES;
            }
        }
        if grammar.costs[grammar.starts[grammar.root as usize] as usize] == NEVER {
            return Err(GrammarError::Impossible(format!(
                "rule `{}` never comes to an end",
                grammar.names.get(grammar.root)
            )));
        }
        Ok(grammar)
    }

    fn lay_out(parts: Parts) -> Grammar {
        let Parts {
            mut first,
            mut edges,
            mut starts,
            ends,
            registers,
            mut names,
            sets,
            root,
            plain,
            mut free,
        } = parts;
        let states = first.len() - 1;
        first.shrink_to_fit();
        edges.shrink_to_fit();
        starts.shrink_to_fit();
        names.shrink();
        free.shrink_to_fit();
        let mut flags = vec![0; states];
        ends.iter().for_each(|&end| flags[end as usize] |= ACCEPTS);
        let register_of = Marked::new(states, registers.iter().map(|(state, _)| *state));
        for (rule, start) in starts.iter().enumerate() {
            if register_of.number(*start).is_some() {
                flags[ends[rule] as usize] = 0;
            }
        }
        let mut plain: Vec<u32> = plain.into_iter().map(|rule| starts[rule as usize]).collect();
        sort(&mut plain);
        Grammar {
            edges,
            first,
            flags,
            registers: registers.into_iter().map(|(_, register)| register).collect(),
            register_of,
            nullable: vec![false; starts.len()],
            rank: Vec::new(),
            by_rank: Vec::new(),
            starts,
            names,
            sets,
            root,
            plain,
            free,
            class_of: Box::new([0; 256]),
            class_byte: Vec::new(),
            costs: Arc::new(Vec::new()),
        }
    }

    /// Number of states of the automaton.
    pub fn states(&self) -> usize {
        self.flags.len()
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
        self.edges.len() * size_of::<Packed>()
            + self.states() * (4 + 1 + 4)
            + self.starts.len() * (4 + 1 + 4 + 4)
            + self.registers.iter().map(|r| r.memory()).sum::<usize>()
            + self.register_of.words.len() * 16
            + self.names.memory()
            + self.sets.iter().map(|set| set.ids.len() * 4 + 24).sum::<usize>()
            + self.free.len() * 8
    }

    /// The edges that leave a state.
    pub(super) fn edges_of(&self, state: u32) -> impl ExactSizeIterator<Item = Edge> + '_ {
        let range = self.first[state as usize] as usize..self.first[state as usize + 1] as usize;
        self.edges[range].iter().map(|edge| edge.get())
    }

    /// Whether something leaves a state, and all of it is so.
    fn all_edges(&self, state: u32, is: impl Fn(Edge) -> bool) -> bool {
        self.edges_of(state).len() > 0 && self.edges_of(state).all(is)
    }

    /// An edge by its number.
    pub(super) fn edge(&self, edge: u32) -> Edge {
        self.edges[edge as usize].get()
    }

    /// All edges.
    pub(super) fn edges(&self) -> impl ExactSizeIterator<Item = Edge> + '_ {
        self.edges.iter().map(|edge| edge.get())
    }

    /// The number of the first edge that leaves a state.
    pub(super) fn first_edge(&self, state: u32) -> u32 {
        self.first[state as usize]
    }

    /// Whether it is the end of a rule.
    pub(super) fn accepts(&self, state: u32) -> bool {
        self.flags[state as usize] & ACCEPTS != 0
    }

    /// Whether the rule can only end from here, with nothing more.
    pub(super) fn is_tail(&self, state: u32) -> bool {
        self.flags[state as usize] & TAIL != 0
    }

    /// Whether it is left by bytes and tokens only, and ends nothing.
    pub(super) fn consumes(&self, state: u32) -> bool {
        self.flags[state as usize] & CONSUMES != 0
    }

    /// What the run keeps for the rule whose only state this is.
    pub(super) fn register(&self, state: u32) -> Option<&Register> {
        self.register_of.number(state).map(|at| &self.registers[at])
    }

    pub(super) fn register_mut(&mut self, state: u32) -> Option<&mut Register> {
        self.register_of.number(state).map(|at| &mut self.registers[at])
    }

    /// Turns the numbers of free texts to their costs.
    fn find_free(&mut self) {
        let mut worst: FxMap<u32, u32> = FxMap::default();
        for &(state, text) in &self.free {
            let most = worst.or_insert_with(text, || 0);
            *most = (*most).max(self.costs[state as usize]);
        }
        for (_, text) in &mut self.free {
            *text = worst.get(text).copied().unwrap_or(NEVER);
        }
    }

    fn find_tails(&mut self) {
        let states = self.states() as u32;
        for state in 0..states {
            if self.accepts(state) && self.edges_of(state).len() == 0 {
                self.flags[state as usize] |= TAIL;
            }
        }
        // Chains of empty edges are short; a few rounds find almost all, and missing one is harmless.
        for _ in 0..4 {
            let mut changed = false;
            for state in (0..states).rev() {
                let ends = |edge| matches!(edge, Edge::Empty { to } if self.is_tail(to));
                if !self.is_tail(state) && self.all_edges(state, ends) {
                    self.flags[state as usize] |= TAIL;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
    }

    fn find_classes(&mut self) {
        let mut cut = [false; 257];
        cut[0] = true;
        for edge in self.edges() {
            if let Edge::Bytes { lo, hi, .. } = edge {
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
}

/// Sum of two finite costs, finite however large.
pub(super) fn add(a: u32, b: u32) -> u32 {
    a.saturating_add(b).min(NEVER - 1)
}

/// A finite cost a number of times, finite however large.
pub(super) fn times(a: u32, n: u32) -> u32 {
    a.saturating_mul(n).min(NEVER - 1)
}
