//! Time in a machine: timers of transitions and of delayed events, contacts that bounce, thresholds that were crossed.

use std::time::Duration;

use super::event::{Action, Event, TimerId};
use super::machine::{Due, Pending, Run, Settling, Waiting};
use super::select::Chosen;
use crate::agent::checked::Trigger;

impl Run<'_> {
    pub(super) fn timer(&mut self, id: TimerId) {
        let Some(at) = self.machine.pending.iter().position(|pending| pending.id == id) else { return };
        let pending = self.machine.pending.remove(at);
        match pending.due {
            Due::Transition { state, transition } => {
                let trigger = &self.agent.states[state].transitions[transition].trigger;
                if matches!(trigger, Trigger::Every(_) | Trigger::Cron(_)) {
                    self.set_timer_of(state, transition);
                }
                self.external.push_back(Waiting::Fired { state, transition });
            }
            Due::Event { event, .. } => self.external.push_back(Waiting::Named(event)),
            Due::Settled(device) => {
                if let Some(settling) = self.machine.settling.remove(&device)
                    && settling.now != settling.told
                {
                    self.edge(device, settling.now);
                }
            }
        }
    }

    /// An edge counts at once; those that follow it while the contact bounces do not, but what it says in the end does.
    pub(super) fn edge(&mut self, device: usize, rising: bool) {
        let debounce = self.agent.debounce.get(device).copied().unwrap_or_default();
        if !debounce.is_zero() {
            if let Some(settling) = self.machine.settling.get_mut(&device) {
                settling.now = rising;
                return;
            }
            self.machine.settling.insert(device, Settling { told: rising, now: rising });
            self.set_timer(debounce, None, Due::Settled(device));
        }
        self.external.push_back(Waiting::Given(Event::Edge { device, rising }));
    }

    /// Thresholds whose value has come back may be crossed again.
    pub(super) fn unlatch(&mut self, device: usize, value: f64) {
        let states = &self.agent.states;
        self.machine.latched.retain(|&(state, transition)| {
            match &states[state].transitions[transition].trigger {
                Trigger::Threshold(threshold) => threshold.device != device || !threshold.recovered(value),
                _ => false,
            }
        });
    }

    pub(super) fn restart_idle(&mut self) {
        for at in self.machine.active.clone() {
            for (index, transition) in self.agent.states[at].transitions.iter().enumerate() {
                if matches!(transition.trigger, Trigger::Idle(_)) {
                    let due = Due::Transition { state: at, transition: index };
                    self.cancel(|pending| pending.due == due);
                    self.set_timer_of(at, index);
                }
            }
        }
    }

    pub(super) fn latch(&mut self, chosen: &[Chosen]) {
        for &(state, transition) in chosen {
            let trigger = &self.agent.states[state].transitions[transition].trigger;
            if matches!(trigger, Trigger::Threshold(_)) && self.machine.active.contains(&state) {
                self.machine.latched.insert((state, transition));
            }
        }
    }

    /// The timer of a transition that waits for time to pass.
    pub(super) fn set_timer_of(&mut self, state: usize, transition: usize) {
        let due = Due::Transition { state, transition };
        match &self.agent.states[state].transitions[transition].trigger {
            Trigger::After(time) | Trigger::Every(time) | Trigger::Idle(time) => {
                self.set_timer(*time, Some(state), due);
            }
            Trigger::Cron(cron) => {
                let id = self.pend(Some(state), due);
                self.actions.push(Action::SetCron { cron: *cron, id });
            }
            _ => {}
        }
    }

    pub(super) fn set_timer(&mut self, after: Duration, owner: Option<usize>, due: Due) {
        let id = self.pend(owner, due);
        self.actions.push(Action::SetTimer { after, id });
    }

    fn pend(&mut self, owner: Option<usize>, due: Due) -> TimerId {
        self.machine.serial += 1;
        let id = TimerId(self.machine.serial);
        self.machine.pending.push(Pending { id, owner, due });
        id
    }

    /// Ends the timers that fit.
    pub(super) fn cancel(&mut self, fits: impl Fn(&Pending) -> bool) {
        let actions = &mut self.actions;
        self.machine.pending.retain(|pending| {
            let cancelled = fits(pending);
            if cancelled {
                actions.push(Action::CancelTimer(pending.id));
            }
            !cancelled
        });
    }
}
