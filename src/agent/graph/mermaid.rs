//! Mermaid's `stateDiagram-v2` (<https://mermaid.js.org/syntax/stateDiagram.html>), which Markdown viewers draw.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Diagram;
use crate::agent::Kind;

impl Diagram {
    /// As Mermaid.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("stateDiagram-v2\n");
        let _ = writeln!(out, "    %% {}", plain(&self.title));
        self.inside(&self.outermost, &self.initial, false, 1, &mut out);
        for arrow in &self.arrows {
            let _ = writeln!(out, "    s{} --> s{} : {}", arrow.from, arrow.to, plain(&arrow.label));
        }
        for node in &self.outermost {
            if self.nodes[*node].kind == Kind::Final {
                let _ = writeln!(out, "    s{node} --> [*]");
            }
        }
        for (at, node) in self.nodes.iter().enumerate() {
            if !node.within.is_empty() && !self.is_box(at) {
                let _ = writeln!(out, "    note right of s{at}");
                for line in &node.within {
                    let _ = writeln!(out, "        {}", plain(line));
                }
                out.push_str("    end note\n");
            }
        }
        let active: Vec<String> =
            (0..self.nodes.len()).filter(|&at| self.nodes[at].active).map(|at| format!("s{at}")).collect();
        if !active.is_empty() {
            out.push_str("    classDef active font-weight:bold,stroke-width:3px\n");
            let _ = writeln!(out, "    class {} active", active.join(","));
        }
        out
    }

    fn inside(&self, nodes: &[usize], initial: &[usize], regions: bool, depth: usize, out: &mut String) {
        let indent = "    ".repeat(depth);
        if !regions {
            // Where it begins may lie deeper: the state around it is what is entered here.
            let around = |at: &usize| nodes.iter().copied().find(|&node| self.holds(node, *at));
            let begins: BTreeSet<usize> = initial.iter().filter_map(around).collect();
            for at in begins {
                let _ = writeln!(out, "{indent}[*] --> s{at}");
            }
        }
        for (place, &at) in nodes.iter().enumerate() {
            if regions && place > 0 {
                let _ = writeln!(out, "{indent}--");
            }
            let node = &self.nodes[at];
            let name = plain(&self.shown(at));
            if self.is_box(at) {
                let _ = writeln!(out, "{indent}state \"{name}\" as s{at} {{");
                self.inside(&node.children, &node.initial, node.kind == Kind::Parallel, depth + 1, out);
                let _ = writeln!(out, "{indent}}}");
            } else {
                let _ = writeln!(out, "{indent}state \"{name}\" as s{at}");
                if node.kind == Kind::Final && !self.outermost.contains(&at) {
                    let _ = writeln!(out, "{indent}s{at} --> [*]");
                }
            }
        }
    }
}

/// Text without what Mermaid reads as its own: quotes, colons, semicolons, `#`, braces and line breaks.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => '\'',
            ':' | ';' | '#' | '{' | '}' => ' ',
            '<' => '\u{2039}',
            '>' => '\u{203a}',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect()
}
