//! Which transitions an event sets off: from the inside out, the first of a state, and of two that would leave the same
//! state the inner one, or else the one that comes first in the file.

use super::event::{Event, Occurrence};
use super::machine::Run;
use super::tree::{ancestors, exit_set, inside};
use crate::agent::chart_file::When;
use crate::agent::checked::{Agent, Kind, ToolRef, Transition, Trigger};

/// What transitions are held against.
pub(super) enum Stimulus<'a> {
    /// Nothing: only those without a trigger.
    Nothing,
    /// An event with a name.
    Named(&'a Occurrence),
    /// Something of another kind.
    Other(&'a Event),
    /// The timer of one transition.
    Fired {
        /// Its state.
        state: usize,
        /// Its place in the state.
        transition: usize,
    },
}

/// A transition by its state and its place in it.
pub(super) type Chosen = (usize, usize);

impl Run<'_> {
    /// The transitions that are taken, in document order of the states that were asked.
    pub(super) fn select(&mut self, stimulus: &Stimulus<'_>) -> Vec<Chosen> {
        let agent = self.agent;
        let mut enabled: Vec<Chosen> = Vec::new();
        let leaves: Vec<usize> =
            self.machine.active.iter().copied().filter(|&at| agent.states[at].children.is_empty()).collect();
        // A guard is looked at once, however many regions inherit its transition.
        let mut refused: Vec<Chosen> = Vec::new();
        for leaf in leaves {
            'leaf: for at in std::iter::once(leaf).chain(ancestors(agent, leaf)) {
                for (index, transition) in agent.states[at].transitions.iter().enumerate() {
                    let chosen = (at, index);
                    if enabled.contains(&chosen) {
                        break 'leaf;
                    }
                    if refused.contains(&chosen) || !self.sets_off(chosen, transition, stimulus) {
                        continue;
                    }
                    if self.holds(transition) {
                        enabled.push(chosen);
                        break 'leaf;
                    }
                    refused.push(chosen);
                }
            }
        }
        self.without_conflicts(enabled)
    }

    fn without_conflicts(&self, enabled: Vec<Chosen>) -> Vec<Chosen> {
        let agent = self.agent;
        let exits =
            |(at, index): Chosen| exit_set(agent, &self.machine, at, &agent.states[at].transitions[index]);
        let mut taken: Vec<(Chosen, Vec<usize>)> = Vec::new();
        for one in enabled {
            let leaves = exits(one);
            let conflicts: Vec<usize> = (0..taken.len())
                .filter(|&other| taken[other].1.iter().any(|state| leaves.contains(state)))
                .collect();
            // The inner one wins; otherwise the one that was there first.
            if conflicts.iter().all(|&other| inside(agent, one.0, Some(taken[other].0.0))) {
                for other in conflicts.into_iter().rev() {
                    taken.remove(other);
                }
                taken.push((one, leaves));
            }
        }
        taken.into_iter().map(|(chosen, _)| chosen).collect()
    }

    fn holds(&mut self, transition: &Transition) -> bool {
        let Some(guard) = &transition.guard else { return true };
        match guard.flag(self) {
            Ok(holds) => holds,
            Err(message) => {
                self.failed(transition.line, message);
                false
            }
        }
    }

    fn sets_off(&self, (at, index): Chosen, transition: &Transition, stimulus: &Stimulus<'_>) -> bool {
        match (&transition.trigger, stimulus) {
            (Trigger::Always, Stimulus::Nothing) => true,
            (Trigger::Event(descriptors), Stimulus::Named(event)) => event.is(descriptors),
            (_, Stimulus::Fired { state, transition }) => (*state, *transition) == (at, index),
            (trigger, Stimulus::Other(event)) => self.answers((at, index), trigger, event),
            _ => false,
        }
    }

    fn answers(&self, chosen: Chosen, trigger: &Trigger, event: &Event) -> bool {
        match (trigger, event) {
            (Trigger::Call { tool, device }, Event::Called { call, result: Ok(_), .. })
            | (Trigger::Error { tool, device }, Event::Called { call, result: Err(_), .. }) => {
                is_call(self.agent, *tool, *device, call)
            }
            (Trigger::Unserved, Event::Unserved { .. }) => true,
            (Trigger::Edge { device, when }, Event::Edge { device: changed, rising }) => {
                device == changed
                    && match when {
                        When::Rising => *rising,
                        When::Falling => !*rising,
                        When::Both => true,
                    }
            }
            (Trigger::Threshold(threshold), Event::Reading { device, value }) => {
                threshold.device == *device
                    && threshold.crossed(*value)
                    && !self.machine.latched.contains(&chosen)
            }
            _ => false,
        }
    }
}

fn is_call(agent: &Agent, tool: ToolRef, device: Option<usize>, call: &crate::tool::Call) -> bool {
    let addresses = |device: usize| {
        let name = agent.devices[device].name.as_str();
        let devices = call.arguments.get("devices").and_then(|devices| devices.as_array());
        devices.is_some_and(|devices| devices.iter().any(|addressed| addressed == name))
    };
    call.tool == agent.tool_name(tool) && device.is_none_or(addresses)
}

/// Whether everything inside of a state has come to its end.
pub(super) fn is_done(agent: &Agent, active: &[usize], state: usize) -> bool {
    let children = &agent.states[state].children;
    match agent.states[state].kind {
        Kind::Compound => {
            children.iter().any(|child| agent.states[*child].kind == Kind::Final && active.contains(child))
        }
        Kind::Parallel => children
            .iter()
            .filter(|child| !matches!(agent.states[**child].kind, Kind::History { .. }))
            .all(|&child| is_done(agent, active, child)),
        _ => false,
    }
}
