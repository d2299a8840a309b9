//! A grammar's automaton as a graph to look at.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use super::automaton::{Edge, Grammar, Register};
use super::show::class;

impl Grammar {
    /// The automaton as a graph in Graphviz's DOT language: a cluster a rule, a node a state (two circles
    /// where the rule may end), an edge for what is consumed; a call of another rule is dashed.
    pub fn dot(&self) -> String {
        let mut out =
            String::from("digraph grammar {\n  rankdir=LR;\n  node [shape=circle, fontname=monospace];\n");
        out.push_str("  edge [fontname=monospace];\n");
        let mut work = vec![self.root];
        let mut seen: HashSet<u32> = HashSet::from([self.root]);
        while let Some(rule) = work.pop() {
            let start = self.starts[rule as usize];
            let name = quoted(&self.names.get(rule));
            let _ = writeln!(out, "  subgraph cluster_{rule} {{\n    label={name};");
            let mut edges: BTreeMap<(u32, u32, &str), Vec<String>> = BTreeMap::new();
            let mut states = vec![start];
            let mut known: HashSet<u32> = HashSet::from([start]);
            if let Some(register) = self.register(start) {
                let labels = edges.entry((start, start, "dashed")).or_default();
                labels.extend(self.repeated(register));
                work.extend(register.bodies().into_iter().filter(|body| seen.insert(*body)));
            }
            let mut next = 0;
            while let Some(&state) = states.get(next) {
                next += 1;
                let shape = if self.accepts(state) || self.register(state).is_some() {
                    "doublecircle"
                } else {
                    "circle"
                };
                let bold = if state == start { ", style=bold" } else { "" };
                let _ = writeln!(out, "    s{state} [label=\"{state}\", shape={shape}{bold}];");
                for edge in self.edges_of(state) {
                    let (to, style, label) = match edge {
                        Edge::Empty { to } => (to, "dotted", String::new()),
                        Edge::Bytes { lo, hi, to } => {
                            let range = class(std::iter::once((u32::from(lo), u32::from(hi))));
                            (to, "solid", range[1..range.len() - 1].to_owned())
                        }
                        Edge::Tokens { set, to } => {
                            let set = &self.sets[set as usize];
                            let ids: Vec<String> = set.ids.iter().take(8).map(u32::to_string).collect();
                            let not = if set.negated { "no " } else { "" };
                            let more = if set.ids.len() > 8 { " …" } else { "" };
                            (to, "solid", format!("{not}token {}{more}", ids.join(" ")))
                        }
                        Edge::Call { rule, to } => {
                            if seen.insert(rule) {
                                work.push(rule);
                            }
                            (to, "dashed", self.names.get(rule))
                        }
                    };
                    edges.entry((state, to, style)).or_default().push(label);
                    if known.insert(to) {
                        states.push(to);
                    }
                }
            }
            out.push_str("  }\n");
            for ((from, to, style), labels) in edges {
                let label = quoted(&labels.join(" "));
                let _ = writeln!(out, "  s{from} -> s{to} [label={label}, style={style}];");
            }
        }
        out.push_str("}\n");
        out
    }

    /// What a rule with a register takes, how often.
    fn repeated(&self, register: &Register) -> Vec<String> {
        let bound = |max: Option<u32>| max.map_or_else(String::new, |max| max.to_string());
        match register {
            Register::Count(counted) => {
                let body = self.names.get(counted.body);
                vec![format!("{body} {{{},{}}}", counted.min, bound(counted.max))]
            }
            Register::Choose(choose) => {
                let mut labels = vec![format!("in any order {{{},{}}}:", choose.min, bound(choose.max))];
                labels.extend(choose.parts.iter().map(|part| {
                    let required = if part.required { "!" } else { "" };
                    let many = if part.once { "" } else { "*" };
                    format!("{}{many}{required}", self.names.get(part.first))
                }));
                labels
            }
        }
    }
}

/// A string of DOT.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use crate::grammar::gbnf;

    #[test]
    fn a_dot_graph_has_every_rule_and_edge() {
        let dot = gbnf::parse("root ::= \"\\\"\" word{2,9}\nword ::= [a-c\\\\] | <[7]>").unwrap().dot();
        for part in
            ["digraph grammar {", "label=\"word\"", "label=\"\\\"\"", "{2,9}", "a-c", "token 7", "\\\\"]
        {
            assert!(dot.contains(part), "{part}: {dot}");
        }
        assert_eq!(dot.matches('{').count(), dot.matches('}').count());
    }
}
