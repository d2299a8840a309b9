//! What every form of picture shows: nodes inside of nodes, and arrows between them.

use super::words;
use crate::agent::{Agent, Kind};

/// A statechart to be drawn. [`Diagram::mermaid`], [`Diagram::dot`] and [`Diagram::svg`] write it.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagram {
    /// The agent's name.
    pub title: String,
    /// The states, in the order of [`Agent::states`].
    pub nodes: Vec<Node>,
    /// The outermost states, in the order of the file.
    pub outermost: Vec<usize>,
    /// Where it begins.
    pub initial: Vec<usize>,
    /// Transitions with targets, in the order of the file.
    pub arrows: Vec<Arrow>,
}

/// A state.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// What kind of state it is.
    pub kind: Kind,
    /// The states just inside.
    pub children: Vec<usize>,
    /// Where it begins.
    pub initial: Vec<usize>,
    /// Its transitions without a target, in words.
    pub within: Vec<String>,
    /// Whether it is active.
    pub active: bool,
}

/// A transition with a target. One with several is drawn as several.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrow {
    /// The state it leaves.
    pub from: usize,
    /// The state it enters.
    pub to: usize,
    /// What sets it off, in words.
    pub label: String,
}

impl Diagram {
    /// The diagram of an agent, with these states marked as active.
    pub fn new(agent: &Agent, active: &[usize]) -> Diagram {
        let mut arrows = Vec::new();
        let mut nodes = Vec::new();
        for (at, state) in agent.states.iter().enumerate() {
            let mut within = Vec::new();
            for transition in &state.transitions {
                let label = words::label(agent, transition);
                match transition.to.as_slice() {
                    [] => within.push(label),
                    targets => {
                        arrows.extend(targets.iter().map(|&to| Arrow { from: at, to, label: label.clone() }))
                    }
                }
            }
            nodes.push(Node {
                name: state.name.clone(),
                kind: state.kind,
                children: state.children.clone(),
                initial: state.initial.targets.clone(),
                within,
                active: active.contains(&at),
            });
        }
        let outermost = (0..agent.states.len()).filter(|&at| agent.states[at].parent.is_none()).collect();
        Diagram { title: agent.name.clone(), nodes, outermost, initial: agent.initial.clone(), arrows }
    }

    /// Whether a state has others inside that are drawn.
    pub(super) fn is_box(&self, node: usize) -> bool {
        !self.nodes[node].children.is_empty()
    }

    /// Whether a state is another one or lies around it.
    pub(super) fn holds(&self, node: usize, at: usize) -> bool {
        node == at || self.nodes[node].children.iter().any(|&child| self.holds(child, at))
    }

    /// What a history state is called: its name stands for the state around.
    pub(super) fn shown(&self, node: usize) -> String {
        match self.nodes[node].kind {
            Kind::History { deep: true } => format!("{} (H*)", self.nodes[node].name),
            Kind::History { deep: false } => format!("{} (H)", self.nodes[node].name),
            _ => self.nodes[node].name.clone(),
        }
    }
}
