//! Graphviz DOT (<https://graphviz.org/doc/info/lang.html>): states with others inside are clusters.

use std::fmt::Write;

use super::Diagram;
use crate::agent::Kind;

impl Diagram {
    /// As DOT, to be drawn by `dot -Tsvg`.
    pub fn dot(&self) -> String {
        let mut out = String::from("digraph agent {\n");
        let _ = writeln!(out, "  label={}; compound=true; fontname=\"sans-serif\";", quoted(&self.title));
        out.push_str("  node [shape=box, style=rounded, fontname=\"sans-serif\"]; edge [fontname=\"sans-serif\", fontsize=10];\n");
        for &at in &self.outermost {
            self.cluster(at, 1, &mut out);
        }
        let begin = |initial: &[usize], name: String, out: &mut String| {
            for &at in initial {
                let _ =
                    writeln!(out, "  {name} [shape=point];\n  {name} -> {}{};", self.leaf(at), self.head(at));
            }
        };
        begin(&self.initial, "begin".to_owned(), &mut out);
        for (at, node) in self.nodes.iter().enumerate() {
            if node.kind == Kind::Compound {
                begin(&node.initial, format!("begin{at}"), &mut out);
            }
        }
        for arrow in &self.arrows {
            let mut ends = Vec::new();
            if self.is_box(arrow.from) {
                ends.push(format!("ltail=cluster{}", arrow.from));
            }
            if self.is_box(arrow.to) {
                ends.push(format!("lhead=cluster{}", arrow.to));
            }
            ends.push(format!("label={}", quoted(&arrow.label)));
            let _ = writeln!(
                out,
                "  {} -> {} [{}];",
                self.leaf(arrow.from),
                self.leaf(arrow.to),
                ends.join(", ")
            );
        }
        out.push_str("}\n");
        out
    }

    fn cluster(&self, at: usize, depth: usize, out: &mut String) {
        let indent = "  ".repeat(depth);
        let node = &self.nodes[at];
        let mut lines = vec![self.shown(at)];
        lines.extend(node.within.iter().cloned());
        let label = quoted(&lines.join("\n"));
        let bold = if node.active { ", bold" } else { "" };
        if !self.is_box(at) {
            let end = if node.kind == Kind::Final { ", peripheries=2" } else { "" };
            let _ = writeln!(out, "{indent}s{at} [label={label}, style=\"rounded{bold}\"{end}];");
            return;
        }
        let _ = writeln!(out, "{indent}subgraph cluster{at} {{");
        let dashed = if node.kind == Kind::Parallel { ", dashed" } else { "" };
        let _ = writeln!(out, "{indent}  label={label}; style=\"rounded{bold}{dashed}\";");
        for &child in &node.children {
            self.cluster(child, depth + 1, out);
        }
        let _ = writeln!(out, "{indent}}}");
    }

    /// DOT draws arrows between nodes only: the first one inside stands for a cluster.
    fn leaf(&self, at: usize) -> String {
        let mut at = at;
        while let Some(&child) = self.nodes[at].children.first() {
            at = child;
        }
        format!("s{at}")
    }

    fn head(&self, at: usize) -> String {
        if self.is_box(at) { format!(" [lhead=cluster{at}]") } else { String::new() }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
