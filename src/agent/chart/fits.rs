//! Whether a machine state that was read back belongs to an agent.

use super::machine::{Due, MachineState};
use crate::agent::checked::{Agent, Kind};

impl MachineState {
    /// Whether every index is one of this agent's, the variables have its types, and the active states are a legal
    /// configuration: one outermost state, of a compound state one state inside, of a parallel one all.
    pub fn fits(&self, agent: &Agent) -> bool {
        let variables = self.variables.len() == agent.variables.len()
            && self
                .variables
                .iter()
                .zip(&agent.variables)
                .all(|(value, known)| value.kind() == known.initial.kind());
        let state = |at: &usize| *at < agent.states.len();
        let transition = |at: usize, index: usize| state(&at) && index < agent.states[at].transitions.len();
        let pending = self.pending.iter().all(|pending| {
            pending.owner.is_none_or(|owner| state(&owner))
                && match &pending.due {
                    Due::Transition { state, transition: index } => transition(*state, *index),
                    Due::Settled(device) => *device < agent.devices.len(),
                    Due::Event { .. } => true,
                }
        });
        variables
            && pending
            && self.history.iter().all(|(at, stored)| state(at) && stored.iter().all(state))
            && self.latched.iter().all(|&(at, index)| transition(at, index))
            && self.settling.keys().all(|device| *device < agent.devices.len())
            && self.active.iter().all(state)
            && self.is_legal(agent)
    }

    /// Whether the active states can be active together.
    pub(super) fn is_legal(&self, agent: &Agent) -> bool {
        let active = |at: &usize| self.active.contains(at);
        let history = |at: &usize| matches!(agent.states[*at].kind, Kind::History { .. });
        let outermost = self.active.iter().filter(|at| agent.states[**at].parent.is_none()).count();
        outermost == 1
            && self.active.windows(2).all(|pair| agent.states[pair[0]].order < agent.states[pair[1]].order)
            && self.active.iter().all(|at| {
                let state = &agent.states[*at];
                let inner = state.children.iter().filter(|child| active(child)).count();
                let regions = state.children.iter().filter(|child| !history(child)).count();
                state.parent.is_none_or(|parent| active(&parent))
                    && !history(at)
                    && match state.kind {
                        Kind::Compound => inner == 1,
                        Kind::Parallel => inner == regions,
                        _ => inner == 0,
                    }
            })
    }
}
