//! How states lie inside of each other: parents, kinds, document order, where each of them begins.

use super::super::chart_file::{Depth, StateTable};
use super::super::checked::Kind;
use super::super::file::{At, Table};
use super::super::finding::Findings;
use super::shown;

/// The shape of the chart; everything is indexed as the states in the file.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub parent: Vec<Option<usize>>,
    pub children: Vec<Vec<usize>>,
    pub kind: Vec<Kind>,
    /// Place in document order.
    pub order: Vec<usize>,
    /// States in document order: the outer before the inner.
    pub preorder: Vec<usize>,
    /// Where compound and history states begin.
    pub initial: Vec<Vec<usize>>,
}

impl Tree {
    pub fn check(table: &Table<StateTable>, findings: &mut Findings) -> Tree {
        let count = table.0.len();
        let index = |name: &str| table.0.iter().position(|(known, _)| known.value == name);
        let mut tree = Tree {
            parent: vec![None; count],
            children: vec![Vec::new(); count],
            order: vec![0; count],
            ..Tree::default()
        };
        for (at, (_, state)) in table.0.iter().enumerate() {
            let Some(parent) = &state.parent else { continue };
            match index(&parent.value) {
                Some(found) => {
                    tree.parent[at] = Some(found);
                    tree.children[found].push(at);
                }
                None => {
                    let known = table.0.iter().map(|(name, _)| name.value.as_str());
                    findings.unknown(&parent.span, "state", &parent.value, known);
                }
            }
        }
        // Depth first without recursion: a file may nest as deep as it has states.
        let mut open: Vec<usize> = (0..count).rev().filter(|&at| tree.parent[at].is_none()).collect();
        while let Some(at) = open.pop() {
            tree.order[at] = tree.preorder.len();
            tree.preorder.push(at);
            open.extend(tree.children[at].iter().rev());
        }
        for (at, (name, state)) in table.0.iter().enumerate() {
            if !tree.preorder.contains(&at) {
                let span = state.parent.as_ref().map_or(&name.span, |parent| &parent.span);
                findings.error(span, format!("the state `{}` lies inside of itself", shown(&name.value)));
            }
        }
        tree.kind = (0..count).map(|at| tree.kind_of(at, table, findings)).collect();
        tree.initial = (0..count).map(|at| tree.initial_of(at, table, findings)).collect();
        tree
    }

    /// Whether `state` lies inside of `of`.
    pub fn inside(&self, state: usize, of: usize) -> bool {
        // Bounded: parents that go round are an error that has been reported, but they are still here.
        std::iter::successors(self.parent[state], |&at| self.parent[at])
            .take(self.parent.len())
            .any(|at| at == of)
    }

    fn kind_of(&self, at: usize, table: &Table<StateTable>, findings: &mut Findings) -> Kind {
        let (name, state) = &table.0[at];
        let is = |flag: &Option<At<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
        let words: Vec<&str> = [
            ("parallel", is(&state.parallel)),
            ("final", is(&state.is_final)),
            ("history", state.history.is_some()),
        ]
        .into_iter()
        .filter_map(|(word, is)| is.then_some(word))
        .collect();
        if words.len() > 1 {
            findings.error(&name.span, format!("a state is only one of {}", words.join(" and ")));
        }
        let has_inner = !self.children[at].is_empty();
        let Some(word) = words.first() else {
            if !state.data.0.is_empty() {
                findings.error(&name.span, "`data` goes with `final = true` only");
            }
            return if has_inner { Kind::Compound } else { Kind::Atomic };
        };
        if *word != "parallel" && has_inner {
            findings.error(&name.span, format!("a {word} state has no states inside of it"));
        }
        if *word != "parallel" && !state.on.is_empty() {
            let help = if *word == "final" { "it is an end" } else { "it is never active" };
            findings.error(&state.on[0].span, format!("a {word} state has no transitions")).help(help);
        }
        if *word != "final" && !state.data.0.is_empty() {
            findings.error(&name.span, "`data` goes with `final = true` only");
        }
        match *word {
            "parallel" => {
                let history = |&&child: &&usize| table.0[child].1.history.is_some();
                if self.children[at].len() == self.children[at].iter().filter(history).count() {
                    let help = format!("others say `parent = \"{}\"`", shown(&name.value));
                    findings.error(&name.span, "no state lies inside of this parallel state").help(help);
                }
                Kind::Parallel
            }
            "final" => Kind::Final,
            _ => {
                if state.parent.is_none() {
                    findings
                        .error(&name.span, "a history state lies inside of the state it remembers")
                        .help("say `parent`");
                }
                if !state.entry.is_empty() || !state.exit.is_empty() {
                    findings
                        .error(&name.span, "a history state is never entered")
                        .help("`begin` is carried out when nothing is remembered");
                }
                let deep = state.history.as_ref().is_some_and(|depth| depth.value == Depth::Deep);
                Kind::History { deep }
            }
        }
    }

    fn initial_of(&self, at: usize, table: &Table<StateTable>, findings: &mut Findings) -> Vec<usize> {
        let (name, state) = &table.0[at];
        let within = match self.kind[at] {
            Kind::Compound => at,
            Kind::History { .. } => match self.parent[at] {
                Some(parent) => parent,
                None => return Vec::new(),
            },
            _ => {
                if let Some(start) = &state.start {
                    findings.error(
                        &start.span,
                        "`start` is for states that have others inside of them, one of which is active",
                    );
                }
                if !state.begin.is_empty() {
                    findings
                        .error(&state.begin[0].span, "`begin` goes with `start`")
                        .help("`entry` is carried out when a state is entered");
                }
                return Vec::new();
            }
        };
        let is_history = |at: usize| table.0[at].1.history.is_some();
        let Some(start) = &state.start else {
            if is_history(at) {
                findings
                    .error(&name.span, "where does it lead while nothing is remembered?")
                    .help("say `start`");
                return Vec::new();
            }
            let first = self.children[at].iter().copied().find(|&child| !is_history(child));
            if first.is_none() {
                findings.error(&name.span, "there is nothing but history inside of this state");
            }
            return first.into_iter().collect();
        };
        let mut targets = Vec::new();
        for wanted in start.names() {
            let found = table.0.iter().position(|(known, _)| known.value == wanted.value);
            let Some(found) = found else {
                let inner = (0..table.0.len()).filter(|&other| self.inside(other, within));
                findings.unknown(
                    &wanted.span,
                    "state",
                    &wanted.value,
                    inner.map(|at| table.0[at].0.value.as_str()),
                );
                continue;
            };
            if !self.inside(found, within) {
                let around = shown(&table.0[within].0.value);
                findings.error(
                    &wanted.span,
                    format!("`{}` does not lie inside of `{around}`", shown(&wanted.value)),
                );
            } else if is_history(at) && is_history(found) {
                findings.error(&wanted.span, "a history state does not lead to another one");
            } else {
                targets.push(found);
            }
        }
        self.together(&targets, &start.span, findings);
        targets
    }

    /// Whether states can be active together: none inside of another, and each pair in two regions of a parallel state.
    pub fn together(&self, targets: &[usize], span: &std::ops::Range<usize>, findings: &mut Findings) {
        for (place, &one) in targets.iter().enumerate() {
            for &other in &targets[..place] {
                let around = |at: usize| std::iter::successors(self.parent[at], |&at| self.parent[at]);
                let limit = self.parent.len();
                let meet = around(one).take(limit).find(|&at| self.inside(other, at));
                let apart = one != other && !self.inside(one, other) && !self.inside(other, one);
                if !(apart && meet.is_some_and(|at| self.kind[at] == Kind::Parallel)) {
                    findings
                        .error(span, "these states cannot be active together")
                        .help("several states are named only inside of different states of a parallel one");
                    return;
                }
            }
        }
    }
}
