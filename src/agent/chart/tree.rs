//! The tree of states: who is inside of whom, what a transition leaves and what it enters.

use std::collections::BTreeMap;

use super::machine::MachineState;
use crate::agent::checked::{Agent, Kind, Transition};

/// Whether `state` lies inside of `of`; everything lies inside of `None`, the whole chart. A state does not lie inside
/// of itself.
pub(super) fn inside(agent: &Agent, state: usize, of: Option<usize>) -> bool {
    let Some(of) = of else { return true };
    ancestors(agent, state).any(|ancestor| ancestor == of)
}

/// The states around `state`, from the nearest on.
pub(super) fn ancestors(agent: &Agent, state: usize) -> impl Iterator<Item = usize> + '_ {
    std::iter::successors(agent.states[state].parent, |&at| agent.states[at].parent)
}

/// The targets with history states replaced by what they stand for now.
fn effective(agent: &Agent, machine: &MachineState, targets: &[usize]) -> Vec<usize> {
    let mut out = Vec::new();
    for &target in targets {
        match agent.states[target].kind {
            Kind::History { .. } => match machine.history.get(&target) {
                Some(stored) => out.extend(stored),
                None => out.extend(&agent.states[target].initial.targets),
            },
            _ => out.push(target),
        }
    }
    out
}

/// The smallest compound state (or the chart) that holds the transition's source and targets and stays active.
pub(super) fn domain(
    agent: &Agent,
    machine: &MachineState,
    source: usize,
    transition: &Transition,
) -> Option<usize> {
    let targets = effective(agent, machine, &transition.to);
    let holds = |state: usize| targets.iter().all(|&target| inside(agent, target, Some(state)));
    if transition.internal && agent.states[source].kind == Kind::Compound && holds(source) {
        return Some(source);
    }
    ancestors(agent, source).find(|&state| agent.states[state].kind == Kind::Compound && holds(state))
}

/// The active states that a transition leaves; none without targets.
pub(super) fn exit_set(
    agent: &Agent,
    machine: &MachineState,
    source: usize,
    transition: &Transition,
) -> Vec<usize> {
    if transition.to.is_empty() {
        return Vec::new();
    }
    let domain = domain(agent, machine, source, transition);
    machine.active.iter().copied().filter(|&state| inside(agent, state, domain)).collect()
}

/// What is entered, gathered target by target.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The states, by their place in document order.
    pub states: BTreeMap<usize, usize>,
    /// Compound states that are entered without a word on their children: their initial actions are carried out.
    pub by_default: Vec<usize>,
    /// Parents of history states that had nothing stored, with the history state whose actions are carried out.
    pub history: BTreeMap<usize, usize>,
}

impl Entry {
    /// Adds what a transition to `targets` enters below `domain`.
    pub fn add(&mut self, agent: &Agent, machine: &MachineState, targets: &[usize], domain: Option<usize>) {
        for &target in targets {
            self.descendants(agent, machine, target);
        }
        for target in effective(agent, machine, targets) {
            self.ancestors(agent, machine, target, domain);
        }
    }

    fn put(&mut self, agent: &Agent, state: usize) {
        self.states.insert(agent.states[state].order, state);
    }

    /// The state and what is active by default inside of it.
    fn descendants(&mut self, agent: &Agent, machine: &MachineState, at: usize) {
        let state = &agent.states[at];
        if let Kind::History { .. } = state.kind {
            let stored = machine.history.get(&at);
            if stored.is_none()
                && let Some(parent) = state.parent
            {
                self.history.insert(parent, at);
            }
            let targets = stored.unwrap_or(&state.initial.targets);
            for &target in targets {
                self.descendants(agent, machine, target);
            }
            for &target in targets {
                self.ancestors(agent, machine, target, state.parent);
            }
            return;
        }
        self.put(agent, at);
        match state.kind {
            Kind::Compound => {
                if !self.by_default.contains(&at) {
                    self.by_default.push(at);
                }
                for &target in &state.initial.targets {
                    self.descendants(agent, machine, target);
                }
                for target in effective(agent, machine, &state.initial.targets) {
                    self.ancestors(agent, machine, target, Some(at));
                }
            }
            Kind::Parallel => self.regions(agent, machine, at),
            _ => {}
        }
    }

    /// The states around `at` below `end`, and the other regions of the parallel ones among them.
    fn ancestors(&mut self, agent: &Agent, machine: &MachineState, at: usize, end: Option<usize>) {
        for ancestor in ancestors(agent, at).take_while(|&ancestor| Some(ancestor) != end) {
            self.put(agent, ancestor);
            if agent.states[ancestor].kind == Kind::Parallel {
                self.regions(agent, machine, ancestor);
            }
        }
    }

    /// Every region of a parallel state in which nothing is to be entered yet.
    fn regions(&mut self, agent: &Agent, machine: &MachineState, at: usize) {
        for &region in &agent.states[at].children {
            let history = matches!(agent.states[region].kind, Kind::History { .. });
            if !history && !self.states.values().any(|&state| inside(agent, state, Some(region))) {
                self.descendants(agent, machine, region);
            }
        }
    }
}
