//! The macrostep: an event, and everything that it sets off until nothing is left to do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::event::{Action, By, Event, Occurrence, Origin, Surroundings, TimerId};
use super::expression::View;
use super::select::{Chosen, Stimulus, is_done};
use super::tree::{self, Entry};
use super::value::Value;
use crate::agent::checked::{Agent, Kind};
use crate::board;

/// So many events in a row may be reports of calls that transitions made; then the machine stays where it is until
/// something else happens.
pub const MAX_CHAIN: u32 = 8;

/// Microsteps that one event may set off at most. A loop without end is cut, and what is still waiting is dropped.
pub const MAX_STEPS: usize = 256;

/// Events that may wait in a queue, and timers that may run, at most. What does not fit fails, as an action does.
pub const MAX_WAITING: usize = 256;

/// Where the machine is: all that it needs to go on, small, and written out whole for crash recovery.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MachineState {
    /// Indices of the active states, in document order.
    pub active: Vec<usize>,
    /// The context variables, in the order of the file.
    pub variables: Vec<Value>,
    /// What history states remember.
    pub history: BTreeMap<usize, Vec<usize>>,
    /// Timers that run, oldest first.
    pub pending: Vec<Pending>,
    /// Thresholds that were crossed and wait for the value to come back: state, transition.
    pub latched: BTreeSet<(usize, usize)>,
    /// Inputs that are settling after an edge.
    pub settling: BTreeMap<usize, Settling>,
    /// Names timers.
    pub serial: u64,
    /// Reports of calls that set transitions off since something else did.
    pub chain: u32,
    /// Whether the agent has not come to its end.
    pub running: bool,
}

/// A timer that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Its name.
    pub id: TimerId,
    /// The state with which it ends; `None`: with the agent.
    pub owner: Option<usize>,
    /// What it is for.
    pub due: Due,
}

/// What a timer is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// A transition.
    Transition {
        /// Its state.
        state: usize,
        /// Its place in the state.
        transition: usize,
    },
    /// An event that was sent.
    Event {
        /// The event.
        event: Occurrence,
        /// The name under which it was sent.
        sent_as: Option<String>,
    },
    /// An input may have settled.
    Settled(usize),
}

/// An input after an edge, until it is quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settling {
    /// What was last told: active, or not.
    pub told: bool,
    /// What it is now.
    pub now: bool,
}

/// The machine in its first states, and what starting it asks for.
pub fn start(agent: &Agent, around: &Surroundings) -> (MachineState, Vec<Action>) {
    let variables = agent.variables.iter().map(|variable| variable.initial.clone()).collect();
    let machine = MachineState { variables, running: true, ..MachineState::default() };
    let mut run = Run::new(agent, around, machine);
    let mut entry = Entry::default();
    entry.add(agent, &run.machine, &agent.initial, None);
    run.enter(entry);
    run.go_on();
    run.end()
}

/// One event, to the end of all that it sets off.
///
/// A machine state of another agent (indices that are not there) is taken as one that has to be started anew.
pub fn step(
    agent: &Agent,
    machine: &MachineState,
    event: Event,
    around: &Surroundings,
) -> (MachineState, Vec<Action>) {
    let fits = machine.variables.len() == agent.variables.len()
        && machine.active.iter().chain(machine.history.values().flatten()).all(|&at| at < agent.states.len());
    if !fits {
        return start(agent, around);
    }
    let mut run = Run::new(agent, around, machine.clone());
    if run.machine.running {
        run.feed(event);
        run.go_on();
    }
    run.end()
}

/// What waits in the external queue.
pub(super) enum Waiting {
    Given(Event),
    Fired { state: usize, transition: usize },
    Named(Occurrence),
}

/// A machine while it runs.
pub(super) struct Run<'a> {
    pub agent: &'a Agent,
    around: &'a Surroundings,
    pub machine: MachineState,
    pub actions: Vec<Action>,
    internal: VecDeque<Occurrence>,
    pub external: VecDeque<Waiting>,
    /// The event that is being handled.
    pub event: Option<Occurrence>,
    /// The state to which what is being carried out belongs.
    pub owner: Option<usize>,
    steps: usize,
    /// Lines of guards that have failed since the last microstep; each is reported once.
    complained: Vec<usize>,
}

impl<'a> Run<'a> {
    fn new(agent: &'a Agent, around: &'a Surroundings, machine: MachineState) -> Run<'a> {
        Run {
            agent,
            around,
            machine,
            actions: Vec::new(),
            internal: VecDeque::new(),
            external: VecDeque::new(),
            event: None,
            owner: None,
            steps: 0,
            complained: Vec::new(),
        }
    }

    fn end(mut self) -> (MachineState, Vec<Action>) {
        if !self.machine.running && !self.machine.active.is_empty() && !self.finished() {
            self.finish();
        }
        (self.machine, self.actions)
    }

    fn finished(&self) -> bool {
        // The end was reached in an earlier step: nothing was done in this one.
        self.steps == 0 && self.actions.is_empty()
    }

    /// Leaves every state, for good; which ones they were stays visible.
    fn finish(&mut self) {
        for at in self.machine.active.clone().into_iter().rev() {
            self.leave(at);
        }
        for pending in std::mem::take(&mut self.machine.pending) {
            self.actions.push(Action::CancelTimer(pending.id));
        }
        self.actions.push(Action::Finished);
    }

    /// Takes in an event from outside.
    fn feed(&mut self, event: Event) {
        if !matches!(event, Event::Called { by: By::Transition, .. }) {
            self.machine.chain = 0;
        }
        match event {
            Event::Timer(id) => self.timer(id),
            Event::Edge { device, rising } => self.edge(device, rising),
            Event::Named { name, data } => {
                self.external.push_back(Waiting::Named(Occurrence { name, origin: Origin::External, data }));
            }
            event => {
                if matches!(
                    event,
                    Event::Called { by: By::Turn, .. } | Event::Activity | Event::Unserved { .. }
                ) {
                    self.restart_idle();
                }
                if let Event::Reading { device, value } = event {
                    self.unlatch(device, value);
                }
                self.external.push_back(Waiting::Given(event));
            }
        }
    }

    /// Works until both queues are empty, the machine has ended, or the limit is met.
    fn go_on(&mut self) {
        self.settle();
        while self.machine.running
            && let Some(next) = self.external.pop_front()
        {
            let (event, stimulus) = match &next {
                Waiting::Given(event) => (Occurrence::of(event), Stimulus::Other(event)),
                Waiting::Fired { state, transition } => {
                    let event = Occurrence { name: "timer".into(), ..Occurrence::default() };
                    (event, Stimulus::Fired { state: *state, transition: *transition })
                }
                Waiting::Named(event) => (event.clone(), Stimulus::Named(event)),
            };
            self.event = Some(event);
            let chosen = self.select(&stimulus);
            let caused = matches!(next, Waiting::Given(Event::Called { by: By::Transition, .. }));
            if let Some(&(state, transition)) = chosen.first()
                && caused
                && self.machine.chain == MAX_CHAIN
            {
                let line = self.agent.states[state].transitions[transition].line;
                self.actions
                    .push(Action::Cut { line, why: "calls that transitions make and that set others off" });
                continue;
            }
            if !chosen.is_empty() {
                // The first event of a chain counts as its first link.
                self.machine.chain += u32::from(matches!(next, Waiting::Given(Event::Called { .. })));
                self.microstep(&chosen);
            }
            if let Waiting::Given(Event::Reading { .. }) = next {
                self.latch(&chosen);
            }
            self.settle();
        }
    }

    /// Transitions without a trigger, then internal events, until there are none.
    fn settle(&mut self) {
        while self.machine.running {
            let mut chosen = self.select(&Stimulus::Nothing);
            if chosen.is_empty() {
                let Some(event) = self.internal.pop_front() else { return };
                self.event = Some(event.clone());
                chosen = self.select(&Stimulus::Named(&event));
            }
            if let Some(&(state, transition)) = chosen.first() {
                if self.steps == MAX_STEPS {
                    let line = self.agent.states[state].transitions[transition].line;
                    self.actions.push(Action::Cut { line, why: "transitions that one event set off" });
                    self.internal.clear();
                    self.external.clear();
                    return;
                }
                self.microstep(&chosen);
            }
        }
    }

    /// Leaves, acts, enters: one set of transitions.
    fn microstep(&mut self, chosen: &[Chosen]) {
        let agent = self.agent;
        self.steps += 1;
        self.complained.clear();
        let mut leaving: Vec<usize> = chosen
            .iter()
            .flat_map(|&(at, index)| {
                tree::exit_set(agent, &self.machine, at, &agent.states[at].transitions[index])
            })
            .collect();
        leaving.sort_by_key(|&at| std::cmp::Reverse(agent.states[at].order));
        leaving.dedup();
        self.remember(&leaving);
        // Domains are those of the configuration that is left.
        let domains: Vec<Option<usize>> = chosen
            .iter()
            .map(|&(at, index)| {
                let transition = &agent.states[at].transitions[index];
                match transition.to.is_empty() {
                    true => Some(at),
                    false => tree::domain(agent, &self.machine, at, transition),
                }
            })
            .collect();
        let mut entry = Entry::default();
        for (&(at, index), &domain) in chosen.iter().zip(&domains) {
            entry.add(agent, &self.machine, &agent.states[at].transitions[index].to, domain);
        }
        for &at in &leaving {
            self.leave(at);
            self.machine.active.retain(|&active| active != at);
            self.machine.latched.retain(|&(state, _)| state != at);
            self.actions.push(Action::Exit(at));
        }
        for (&(at, index), &domain) in chosen.iter().zip(&domains) {
            self.owner = domain;
            self.carry_out(&agent.states[at].transitions[index].actions);
        }
        self.enter(entry);
    }

    /// What history states of the states that are left remember.
    fn remember(&mut self, leaving: &[usize]) {
        let agent = self.agent;
        for &at in leaving {
            for &child in &agent.states[at].children {
                let Kind::History { deep } = agent.states[child].kind else { continue };
                let stored = self.machine.active.iter().copied().filter(|&active| match deep {
                    true => agent.states[active].children.is_empty() && tree::inside(agent, active, Some(at)),
                    false => agent.states[active].parent == Some(at),
                });
                let stored = stored.collect();
                self.machine.history.insert(child, stored);
            }
        }
    }

    /// The exit actions of a state, and the end of its timers.
    fn leave(&mut self, at: usize) {
        self.cancel(|pending| pending.owner == Some(at));
        self.owner = self.agent.states[at].parent;
        self.carry_out(&self.agent.states[at].exit);
    }

    fn enter(&mut self, entry: Entry) {
        let agent = self.agent;
        for &at in entry.states.values() {
            let state = &agent.states[at];
            let place =
                self.machine.active.partition_point(|&active| agent.states[active].order < state.order);
            if self.machine.active.get(place) == Some(&at) {
                continue;
            }
            self.machine.active.insert(place, at);
            self.actions.push(Action::Enter(at));
            for transition in 0..state.transitions.len() {
                self.set_timer_of(at, transition);
            }
            self.owner = Some(at);
            self.carry_out(&state.entry);
            if entry.by_default.contains(&at) {
                self.carry_out(&state.initial.actions);
            }
            if let Some(&history) = entry.history.get(&at) {
                self.carry_out(&agent.states[history].initial.actions);
            }
            if state.kind == Kind::Final {
                self.reached_end(at);
            }
        }
    }

    fn reached_end(&mut self, at: usize) {
        let agent = self.agent;
        let Some(parent) = agent.states[at].parent else {
            self.machine.running = false;
            return;
        };
        let data = self.data(&agent.states[at].data).unwrap_or_else(|message| {
            self.failed(agent.states[at].line, message);
            BTreeMap::new()
        });
        self.done(parent, data);
        if let Some(around) = agent.states[parent].parent
            && agent.states[around].kind == Kind::Parallel
            && is_done(agent, &self.machine.active, around)
        {
            self.done(around, BTreeMap::new());
        }
    }

    fn done(&mut self, state: usize, data: BTreeMap<String, Value>) {
        let name = format!("done.state.{}", self.agent.states[state].name);
        self.raise(Occurrence { name, origin: Origin::Platform, data });
    }

    /// Puts an event into the internal queue. A full queue drops it: that takes hundreds of events of one step, whose
    /// limit speaks next.
    pub(super) fn raise(&mut self, event: Occurrence) -> bool {
        let fits = self.internal.len() < MAX_WAITING;
        if fits {
            self.internal.push_back(event);
        }
        fits
    }

    /// Puts an event behind those that wait.
    pub(super) fn send(&mut self, event: Occurrence) -> bool {
        let fits = self.external.len() < MAX_WAITING;
        if fits {
            self.external.push_back(Waiting::Named(event));
        }
        fits
    }

    /// An expression or an action that could not be carried out: said to the caller, and to the agent as an event.
    pub(super) fn failed(&mut self, line: usize, message: String) {
        if self.complained.contains(&line) {
            return;
        }
        self.complained.push(line);
        let data = BTreeMap::from([("message".to_owned(), Value::Text(message.clone()))]);
        self.raise(Occurrence { name: "error.execution".into(), origin: Origin::Platform, data });
        self.actions.push(Action::Failed { line, message });
    }
}

impl View for Run<'_> {
    fn variable(&self, index: usize) -> &Value {
        &self.machine.variables[index]
    }

    fn event(&self, key: &str) -> Option<Value> {
        match (key, &self.event) {
            ("name", event) => {
                Some(Value::Text(event.as_ref().map(|event| event.name.clone()).unwrap_or_default()))
            }
            ("type", event) => {
                let word = event.as_ref().map_or("", |event| event.origin.word());
                Some(Value::Text(word.to_owned()))
            }
            (key, event) => event.as_ref()?.data.get(key).cloned(),
        }
    }

    fn active(&self, state: usize) -> bool {
        self.machine.active.contains(&state)
    }

    fn device(&self, index: usize) -> board::State {
        self.around.devices.get(&index).copied().unwrap_or_default()
    }

    fn clock(&self) -> Option<u64> {
        self.around.clock
    }
}
