//! A grammar as GBNF, from the parts of a builder.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use super::automaton::{Choose, TokenSet};
use super::builder::{Expr, GrammarBuilder, MAX_DEPTH, Node, RuleId};

/// How wide a rule may be before its alternatives get a line each, in characters.
const WIDTH: usize = 100;

/// How many states of a graph are written into each other.
const INLINE: u32 = 24;

/// How tightly a part of a rule binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Alternatives,
    Sequence,
    /// What a repetition may follow.
    Part,
}

impl GrammarBuilder {
    /// The rules that `root` reaches, as GBNF whose texts are the same; `root` is the first and called `root`.
    ///
    /// Two things GBNF cannot say; where one is met, a comment at the head says that the text is to be read
    /// only. Bytes that are no characters of their own are written as `\xHH`, which GBNF reads as the character
    /// U+00HH. Parts in any order are written as a repetition, with their bounds in a comment.
    pub fn gbnf(&self, root: RuleId) -> String {
        let mut printer = Printer {
            builder: self,
            names: HashMap::new(),
            taken: HashSet::new(),
            numbers: HashMap::new(),
            queue: Vec::new(),
            graphs: HashMap::new(),
            raw: false,
            loose: false,
        };
        printer.name(Item::Rule(root.0));
        let mut out = String::new();
        let mut next = 0;
        while let Some(&item) = printer.queue.get(next) {
            next += 1;
            printer.item(item, &mut out);
        }
        if printer.loose {
            out.insert_str(
                0,
                "# Parts in any order are written as repetitions here, with their bounds in comments: this is to be read, not to be parsed.\n",
            );
        }
        if printer.raw {
            out.insert_str(
                0,
                "# Some \\xHH here are bytes and not characters: this is to be read, not to be parsed.\n",
            );
        }
        out
    }
}

impl GrammarBuilder {
    /// The names of rules that `root` does not reach, in the order in which they were declared.
    pub fn unused(&self, root: RuleId) -> Vec<String> {
        let mut seen = vec![false; self.rules()];
        let mut looked_at = vec![false; self.len()];
        let (mut rules, mut called) = (vec![root.0], Vec::new());
        seen[root.0 as usize] = true;
        while let Some(rule) = rules.pop() {
            let mut work: Vec<Expr> = self.body(rule).into_iter().collect();
            while let Some(expr) = work.pop() {
                if std::mem::replace(&mut looked_at[expr.0 as usize], true) {
                    continue;
                }
                match self.node(expr) {
                    Node::Seq(parts) | Node::Alt(parts) => work.extend(parts),
                    Node::Repeat(inner, ..) => work.push(inner),
                    Node::Graph(graph) => work.extend(graph.edges.iter().map(|edge| edge.1)),
                    Node::Call(rule) => called.push(rule.0),
                    Node::Choose(choose) => {
                        called.extend(choose.parts.iter().flat_map(|part| [part.first, part.next]))
                    }
                    Node::Empty
                    | Node::Bytes(_)
                    | Node::Class(_)
                    | Node::Chars(_)
                    | Node::Tokens(_)
                    | Node::Literals(_) => {}
                }
                called.retain(|&rule| !std::mem::replace(&mut seen[rule as usize], true));
                rules.append(&mut called);
            }
        }
        (0..).zip(seen).filter(|(_, seen)| !seen).map(|(rule, _)| self.name(rule)).collect()
    }
}

/// What is printed as a rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Item {
    Rule(u32),
    /// A state of the graph at this node.
    State(u32, u32),
    /// The choice at this node.
    Choice(u32),
}

impl Item {
    fn node(self) -> Option<u32> {
        match self {
            Item::Rule(_) => None,
            Item::State(node, _) | Item::Choice(node) => Some(node),
        }
    }
}

/// The edges of a graph by the state they leave, and where states are met.
struct States {
    leaving: Vec<Vec<(Expr, u32)>>,
    entered: Vec<u32>,
}

impl States {
    fn of(edges: &[(u32, Expr, u32)]) -> States {
        let states = edges.iter().map(|edge| edge.0.max(edge.2) as usize + 1).max().unwrap_or(1);
        let mut graph = States { leaving: vec![Vec::new(); states], entered: vec![0; states] };
        // The beginning is met once where the graph stands.
        graph.entered[0] = 1;
        for &(from, expr, to) in edges {
            graph.leaving[from as usize].push((expr, to));
            graph.entered[to as usize] += 1;
        }
        graph
    }
}

struct Printer<'a> {
    builder: &'a GrammarBuilder,
    names: HashMap<Item, String>,
    taken: HashSet<String>,
    /// The last number behind a name that several rules have.
    numbers: HashMap<String, u32>,
    /// Rules in the order in which they were met.
    queue: Vec<Item>,
    graphs: HashMap<u32, States>,
    raw: bool,
    loose: bool,
}

impl Printer<'_> {
    /// The name of a rule, made from the builder's when it is first met.
    fn name(&mut self, item: Item) -> String {
        if let Some(name) = self.names.get(&item) {
            return name.clone();
        }
        let base = match item {
            _ if self.queue.is_empty() => "root".to_owned(),
            Item::Rule(rule) => spelled(&self.builder.name(rule)),
            Item::State(..) => "state".to_owned(),
            Item::Choice(_) => "any-order".to_owned(),
        };
        let mut name = base.clone();
        while !self.taken.insert(name.clone()) {
            let n = self.numbers.entry(base.clone()).or_insert(1);
            *n += 1;
            name = format!("{base}-{n}");
        }
        self.names.insert(item, name.clone());
        self.queue.push(item);
        name
    }

    fn item(&mut self, item: Item, out: &mut String) {
        let builder = self.builder;
        match (item, item.node().map(|node| builder.node(Expr(node)))) {
            (Item::Rule(rule), _) => self.rule(rule, out),
            (Item::Choice(_), Some(Node::Choose(choose))) => {
                let name = self.name(item);
                self.choice(&name, choose, out);
            }
            (Item::State(node, state), Some(Node::Graph(graph))) => {
                let name = self.name(item);
                let (_, text) = self.state(node, state, &graph.accepts, INLINE);
                let _ = writeln!(out, "{name} ::= {text}");
            }
            _ => {}
        }
    }

    fn choice(&mut self, name: &str, choose: &Choose, out: &mut String) {
        self.loose = true;
        let most = choose.max.map_or_else(String::new, |max| format!(", at most {max} in all"));
        let _ = writeln!(out, "# In any order, at least {} different ones{most}:", choose.min);
        let mut names = |rule| self.name(Item::Rule(rule));
        let parts: Vec<(String, String)> =
            choose.parts.iter().map(|part| (names(part.first), names(part.next))).collect();
        for (part, (first, _)) in choose.parts.iter().zip(&parts) {
            let required = if part.required { ", required" } else { "" };
            let _ = writeln!(out, "#   {first}: {}{required}", if part.once { "once" } else { "any number" });
        }
        let firsts: Vec<&str> = parts.iter().map(|(first, _)| first.as_str()).collect();
        let nexts: Vec<&str> = parts.iter().map(|(_, next)| next.as_str()).collect();
        let may_be_empty = choose.min == 0 && !choose.parts.iter().any(|part| part.required);
        let end = if may_be_empty { "?" } else { "" };
        let _ = writeln!(out, "{name} ::= (({}) ({})*){end}", firsts.join(" | "), nexts.join(" | "));
    }

    /// What leads from a state of a graph to its end. A state that is met once stands where it is met, `inline`
    /// deep at most; others are rules of their own.
    fn state(&mut self, node: u32, state: u32, accepts: &[bool], inline: u32) -> (Level, String) {
        let graph = &self.graphs[&node];
        let leaving = graph.leaving.get(state as usize).cloned().unwrap_or_default();
        let may_end = accepts.get(state as usize).copied().unwrap_or(false);
        let mut parts = Vec::new();
        for (expr, to) in leaving {
            let over = self.graphs[&node].leaving.get(to as usize).is_none_or(Vec::is_empty);
            if over && accepts.get(to as usize).copied().unwrap_or(false) {
                parts.push(self.expr(expr, Level::Sequence));
                continue;
            }
            let step = self.expr(expr, Level::Part);
            let once = self.graphs[&node].entered.get(to as usize) == Some(&1);
            let rest = if once && inline > 0 {
                let (level, rest) = self.state(node, to, accepts, inline - 1);
                if level == Level::Alternatives { format!("({rest})") } else { rest }
            } else {
                self.name(Item::State(node, to))
            };
            let nothing = matches!(self.builder.node(expr), Node::Empty);
            parts.push(if nothing { rest } else { format!("{step} {rest}") });
        }
        match (may_end, parts.len()) {
            (true, 0) => (Level::Part, "\"\"".to_owned()),
            (true, _) => (Level::Part, format!("({})?", parts.join(" | "))),
            (false, _) => alternatives(parts),
        }
    }

    /// The first state of a graph, where the graph stands.
    fn graph(
        &mut self,
        node: u32,
        edges: &[(u32, Expr, u32)],
        accepts: &[bool],
        inline: u32,
    ) -> (Level, String) {
        self.graphs.entry(node).or_insert_with(|| States::of(edges));
        if self.graphs[&node].entered[0] == 1 {
            self.state(node, 0, accepts, inline)
        } else {
            (Level::Part, self.name(Item::State(node, 0)))
        }
    }

    fn rule(&mut self, rule: u32, out: &mut String) {
        let known = self.builder.name(rule);
        let name = self.name(Item::Rule(rule));
        if known != name {
            let _ = writeln!(out, "# {}", known.escape_debug());
        }
        let Some(body) = self.builder.body(rule) else {
            let _ = writeln!(out, "# {name} is declared and not defined");
            return;
        };
        // Such a rule cannot be built either.
        if self.builder.depth(body) > MAX_DEPTH {
            let _ = writeln!(out, "# {name} nests too deeply to be shown");
            return;
        }
        let whole = self.expr(body, Level::Alternatives);
        if whole.chars().count() + name.len() > WIDTH
            && let Node::Alt(parts) = self.builder.node(body)
        {
            let lines: Vec<String> = parts.iter().map(|part| self.expr(*part, Level::Sequence)).collect();
            let _ = writeln!(out, "{name} ::=\n    {}", lines.join(" |\n    "));
        } else {
            let _ = writeln!(out, "{name} ::= {whole}");
        }
    }

    fn expr(&mut self, expr: Expr, least: Level) -> String {
        let builder = self.builder;
        let (level, text) = match builder.node(expr) {
            Node::Empty => (Level::Part, "\"\"".to_owned()),
            Node::Bytes(bytes) => (Level::Part, self.literal(bytes)),
            Node::Class(ranges) => {
                self.raw |= ranges.iter().any(|(_, hi)| !hi.is_ascii());
                (Level::Part, class(ranges.iter().map(|&(lo, hi)| (u32::from(lo), u32::from(hi)))))
            }
            Node::Chars(ranges) => (Level::Part, class(ranges.iter().copied())),
            Node::Tokens(set) => self.tokens(&builder.sets[set as usize]),
            Node::Literals(texts) => {
                let all: Vec<String> = texts.iter().map(|text| self.literal(text)).collect();
                alternatives(all)
            }
            Node::Seq(parts) => {
                let mut all = Vec::new();
                for part in parts {
                    match builder.node(*part) {
                        Node::Empty => {}
                        Node::Seq(_) => all.push(self.expr(*part, Level::Sequence)),
                        _ => all.push(self.expr(*part, Level::Part)),
                    }
                }
                if all.is_empty() {
                    all.push("\"\"".to_owned());
                }
                (Level::Sequence, all.join(" "))
            }
            Node::Alt(parts) if parts.len() == 1 => (Level::Part, self.expr(parts[0], least)),
            Node::Alt(parts) => {
                alternatives(parts.iter().map(|part| self.expr(*part, Level::Alternatives)).collect())
            }
            Node::Repeat(inner, min, max) => {
                let inner = self.expr(inner, Level::Part);
                let times = match (min, max) {
                    (0, None) => "*".to_owned(),
                    (1, None) => "+".to_owned(),
                    (0, Some(1)) => "?".to_owned(),
                    (min, None) => format!("{{{min},}}"),
                    (min, Some(max)) if min == max => format!("{{{min}}}"),
                    (min, Some(max)) => format!("{{{min},{max}}}"),
                };
                (Level::Part, inner + &times)
            }
            Node::Graph(graph) => self.graph(expr.0, &graph.edges, &graph.accepts, INLINE),
            Node::Choose(_) => (Level::Part, self.name(Item::Choice(expr.0))),
            Node::Call(rule) => (Level::Part, self.name(Item::Rule(rule.0))),
        };
        if level < least { format!("({text})") } else { text }
    }

    fn literal(&mut self, bytes: &[u8]) -> String {
        let mut out = String::from("\"");
        match std::str::from_utf8(bytes) {
            Ok(text) => text.chars().for_each(|c| character(u32::from(c), "\"", &mut out)),
            Err(_) => {
                self.raw = true;
                bytes.iter().for_each(|&byte| character(u32::from(byte), "\"", &mut out));
            }
        }
        out + "\""
    }

    fn tokens(&mut self, set: &TokenSet) -> (Level, String) {
        let mark = if set.negated { "!" } else { "" };
        match (&*set.ids, set.negated) {
            ([], true) => (Level::Part, "!<[4294967295]>".to_owned()),
            // GBNF has a negation of one token only.
            ([_, _, ..], true) => {
                self.raw = true;
                let ids: Vec<String> = set.ids.iter().map(u32::to_string).collect();
                (Level::Part, format!("!<[{}]>", ids.join(",")))
            }
            (ids, _) => alternatives(ids.iter().map(|id| format!("{mark}<[{id}]>")).collect()),
        }
    }
}

/// Alternatives in one line; none of nothing is a class without characters.
fn alternatives(parts: Vec<String>) -> (Level, String) {
    match parts.len() {
        0 => (Level::Part, "[]".to_owned()),
        1 => (Level::Sequence, parts.concat()),
        _ => (Level::Alternatives, parts.join(" | ")),
    }
}

/// A builder's name as GBNF takes it: `#/properties/a b` is `properties-a-b`.
fn spelled(name: &str) -> String {
    let mut out = String::new();
    for part in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push('-');
        }
        out.push_str(part);
    }
    if out.is_empty() { "rule".to_owned() } else { out }
}

/// Code points as a class of GBNF, brackets included.
pub(super) fn class(ranges: impl Iterator<Item = (u32, u32)>) -> String {
    let mut out = String::from("[");
    for (lo, hi) in ranges {
        character(lo, "]^-[", &mut out);
        if hi > lo {
            if hi > lo + 1 {
                out.push('-');
            }
            character(hi, "]^-[", &mut out);
        }
    }
    out + "]"
}

/// A character of a literal or class; those of `special` get a backslash.
fn character(code: u32, special: &str, out: &mut String) {
    match char::from_u32(code) {
        Some('\\') => out.push_str("\\\\"),
        Some('\n') => out.push_str("\\n"),
        Some('\r') => out.push_str("\\r"),
        Some('\t') => out.push_str("\\t"),
        Some(c) if special.contains(c) => {
            out.push('\\');
            out.push(c);
        }
        Some(c) if c.is_ascii_graphic() || c == ' ' || (c.is_alphabetic() && code < 0xD800) => out.push(c),
        _ if code <= 0xFF => {
            let _ = write!(out, "\\x{code:02X}");
        }
        _ if code <= 0xFFFF => {
            let _ = write!(out, "\\u{code:04X}");
        }
        _ => {
            let _ = write!(out, "\\U{code:08X}");
        }
    }
}

#[cfg(test)]
mod tests;
