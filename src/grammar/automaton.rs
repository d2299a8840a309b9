//! The automaton: rules over bytes and tokens, with what is known of them before any text.
//!
//! A rule is a small non-deterministic automaton; its edges consume a byte, consume a token, call
//! another rule or nothing. A counted repetition is a rule of its own with one state and a counter
//! that lives in the run, so its bound costs nothing; so is a choice of parts in any order, each at
//! most once. Left recursion is removed (see `left`), which lets the engine merge the callers of a
//! rule in one pass (see `engine`).

use std::sync::Arc;

use super::GrammarError;
use super::fx::FxMap;

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

/// A part that a [`Choose`] may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// The rule where nothing was taken before, and where something was (it begins with a separator).
    pub(super) first: u32,
    pub(super) next: u32,
    /// At most once.
    pub(super) once: bool,
    /// At least once.
    pub(super) required: bool,
}

/// A rule that takes its parts in any order. At least `min` different ones, at most `max` in all.
#[derive(Clone, Debug)]
pub(super) struct Choose {
    pub(super) parts: Box<[Part]>,
    pub(super) min: u32,
    pub(super) max: Option<u32>,
}

/// What a [`Choose`] took so far: a bit for each part taken, and how often parts were taken again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Taken {
    bits: Box<[u64]>,
    again: u32,
}

impl Taken {
    fn has(&self, part: usize) -> bool {
        self.bits.get(part / 64).is_some_and(|word| word >> (part % 64) & 1 == 1)
    }

    pub(super) fn different(&self) -> u32 {
        self.bits.iter().map(|word| word.count_ones()).sum()
    }

    pub(super) fn memory(&self) -> usize {
        self.bits.len() * 8 + 64
    }
}

impl Choose {
    /// What is taken after a part more; `None` where it cannot be taken.
    pub(super) fn take(&self, taken: &Taken, part: usize) -> Option<Taken> {
        let mut next = taken.clone();
        if taken.has(part) {
            if self.parts[part].once {
                return None;
            }
            // Without an upper bound the number does not matter.
            next.again += u32::from(self.max.is_some());
        } else {
            let mut bits = next.bits.into_vec();
            bits.resize(bits.len().max(part / 64 + 1), 0);
            bits[part / 64] |= 1 << (part % 64);
            next.bits = bits.into();
        }
        self.max.is_none_or(|max| next.different() + next.again <= max).then_some(next)
    }

    /// Fewest steps to the end, given those of the rules; [`NEVER`] where the bounds leave no way.
    pub(super) fn cost(&self, taken: &Taken, of_rule: impl Fn(u32) -> u32) -> u32 {
        let (mut cost, mut missing, mut saved) = (0, 0, 0);
        for (i, part) in self.parts.iter().enumerate().filter(|(i, part)| part.required && !taken.has(*i)) {
            let next = of_rule(part.next);
            if next == NEVER {
                return NEVER;
            }
            debug_assert!(!taken.has(i));
            cost = add(cost, next);
            missing += 1;
            saved = saved.max(next.saturating_sub(of_rule(part.first)));
        }
        let different = taken.different();
        let needed = self.min.saturating_sub(different + missing) as usize;
        if self.max.is_some_and(|max| different + taken.again + missing + needed as u32 > max) {
            return NEVER;
        }
        if needed > 0 {
            let mut others: Vec<(u32, u32)> = (0..self.parts.len())
                .filter(|&i| !self.parts[i].required && !taken.has(i))
                .map(|i| (of_rule(self.parts[i].next), of_rule(self.parts[i].first)))
                .filter(|(next, _)| *next != NEVER)
                .collect();
            if others.len() < needed {
                return NEVER;
            }
            others.sort_unstable();
            for (next, first) in &others[..needed] {
                cost = add(cost, *next);
                saved = saved.max(next.saturating_sub(*first));
            }
        }
        if different == 0 { cost - saved.min(cost) } else { cost }
    }
}

/// What a run keeps for a rule besides its state.
#[derive(Clone, Debug)]
pub(super) enum Register {
    Count(Counted),
    Choose(Choose),
}

impl Register {
    fn memory(&self) -> usize {
        size_of::<Register>()
            + match self {
                Register::Count(_) => 0,
                Register::Choose(choose) => choose.parts.len() * size_of::<Part>(),
            }
    }

    /// The rules that it calls.
    pub(super) fn bodies(&self) -> Vec<u32> {
        match self {
            Register::Count(counted) => vec![counted.body],
            Register::Choose(choose) => {
                choose.parts.iter().flat_map(|part| [part.first, part.next]).collect()
            }
        }
    }

    /// Whether it may end before anything is taken.
    pub(super) fn may_be_empty(&self) -> bool {
        match self {
            Register::Count(counted) => counted.min == 0,
            Register::Choose(choose) => choose.min == 0 && !choose.parts.iter().any(|part| part.required),
        }
    }

    /// Fewest steps when nothing is taken yet.
    pub(super) fn cost(&self, of_rule: impl Fn(u32) -> u32) -> u32 {
        match self {
            Register::Count(Counted { min: 0, .. }) => 0,
            Register::Count(counted) => match of_rule(counted.body) {
                NEVER => NEVER,
                body => times(body, counted.min),
            },
            Register::Choose(choose) => choose.cost(&Taken::default(), of_rule),
        }
    }
}

/// What a builder hands over.
pub(super) struct Parts {
    pub(super) edges: Vec<(u32, Edge)>,
    pub(super) states: u32,
    pub(super) starts: Vec<u32>,
    pub(super) ends: Vec<u32>,
    pub(super) registers: Vec<Option<Register>>,
    pub(super) names: Vec<String>,
    pub(super) sets: Vec<TokenSet>,
    pub(super) root: u32,
    /// Rules of one character whatever it is.
    pub(super) plain: Vec<u32>,
    /// States of free text, each with a number of its text; sorted.
    pub(super) free: Vec<(u32, u32)>,
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
    /// What the run keeps for the rule whose only state this is.
    pub(super) registers: Vec<Option<Box<Register>>>,
    pub(super) starts: Vec<u32>,
    pub(super) nullable: Vec<bool>,
    /// Place of each rule in an order where a rule comes before those it may begin with.
    pub(super) rank: Vec<u32>,
    pub(super) by_rank: Vec<u32>,
    pub(super) names: Vec<String>,
    pub(super) sets: Vec<TokenSet>,
    pub(super) root: u32,
    /// First states of rules of one character whatever it is (those in [`utf8::PLAIN`] at least), sorted.
    ///
    /// [`utf8::PLAIN`]: super::utf8::PLAIN
    pub(super) plain: Vec<u32>,
    /// States of free text: each plain character leads from each of them to another one of the same text.
    /// With the most that any of that text's states costs, sorted.
    pub(super) free: Vec<(u32, u32)>,
    /// States that are left by bytes and tokens only, and end nothing.
    pub(super) consumes: Vec<bool>,
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
        let consuming = |s: u32| {
            !grammar.accepts[s as usize]
                && grammar.registers[s as usize].is_none()
                && !grammar.edges_of(s).is_empty()
                && grammar.edges_of(s).iter().all(|e| matches!(e, Edge::Bytes { .. } | Edge::Tokens { .. }))
        };
        grammar.consumes = (0..grammar.accepts.len() as u32).map(consuming).collect();
        if grammar.costs[grammar.starts[grammar.root as usize] as usize] == NEVER {
            return Err(GrammarError::Impossible(format!(
                "rule `{}` never comes to an end",
                grammar.names[grammar.root as usize]
            )));
        }
        Ok(grammar)
    }

    fn lay_out(parts: Parts) -> Grammar {
        let Parts { edges, states, starts, ends, registers: of_rules, names, sets, root, plain, free } =
            parts;
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
        let mut registers: Vec<Option<Box<Register>>> = vec![None; states];
        for (rule, register) in of_rules.into_iter().enumerate() {
            if let Some(register) = register {
                registers[starts[rule] as usize] = Some(Box::new(register));
                accepts[ends[rule] as usize] = false;
            }
        }
        let mut plain: Vec<u32> = plain.into_iter().map(|rule| starts[rule as usize]).collect();
        plain.sort_unstable();
        Grammar {
            edges: sorted,
            first,
            accepts,
            tail: Vec::new(),
            registers,
            nullable: vec![false; starts.len()],
            rank: Vec::new(),
            by_rank: Vec::new(),
            starts,
            names,
            sets,
            root,
            plain,
            free,
            consumes: Vec::new(),
            class_of: Box::new([0; 256]),
            class_byte: Vec::new(),
            costs: Arc::new(Vec::new()),
        }
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
            + self.accepts.len() * (4 + 1 + 1 + 1 + 8 + 4)
            + self.registers.iter().flatten().map(|r| r.memory()).sum::<usize>()
            + self.names.iter().map(|name| name.len() + 24 + 16).sum::<usize>()
            + self.sets.iter().map(|set| set.ids.len() * 4 + 24).sum::<usize>()
            + self.free.len() * 8
    }

    pub(super) fn edges_of(&self, state: u32) -> &[Edge] {
        &self.edges[self.first[state as usize] as usize..self.first[state as usize + 1] as usize]
    }

    /// Turns the numbers of free texts to their costs.
    fn find_free(&mut self) {
        let mut worst: FxMap<u32, u32> = FxMap::default();
        for &(state, text) in &self.free {
            let most = worst.entry(text).or_default();
            *most = (*most).max(self.costs[state as usize]);
        }
        for (_, text) in &mut self.free {
            *text = worst[text];
        }
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
}

/// Sum of two finite costs, finite however large.
pub(super) fn add(a: u32, b: u32) -> u32 {
    a.saturating_add(b).min(NEVER - 1)
}

/// A finite cost a number of times, finite however large.
pub(super) fn times(a: u32, n: u32) -> u32 {
    a.saturating_mul(n).min(NEVER - 1)
}
