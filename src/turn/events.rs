//! What happens without a person: timers run out, clocks strike, inputs change, sensors are read. No model is asked.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::Engine;
use super::act::called;
use super::journal::Left;
use super::trace::{self, Given};
use crate::agent::chart::Cron;
use crate::agent::graph::call as in_words;
use crate::agent::{self, Action, By, Event, Surroundings, TimerId};
use crate::board::{SimClock, State};
use crate::safety::Legal;

/// How often sensors that thresholds look at are read.
const SAMPLE: Duration = Duration::from_secs(1);

/// Answers of the model may set off other questions; so many in a row at most.
const MOST_ASKED: usize = 8;

/// A timer of the machine.
#[derive(Debug)]
pub(super) struct Timer {
    id: TimerId,
    due: Due,
}

#[derive(Debug)]
pub(super) enum Due {
    /// On the clock that never jumps.
    At(Duration),
    /// On the clock on the wall; looked up when that clock is set, and again when it has gone back.
    Cron { cron: Cron, set_at: Option<u64>, next: Option<u64> },
    /// By no clock.
    Open,
}

impl Due {
    /// Whether its time has come, by the one clock or the other.
    pub(super) fn is_due(&self, now: Duration, wall: Option<u64>) -> bool {
        match self {
            Due::At(at) => *at <= now,
            Due::Cron { next, .. } => next.zip(wall).is_some_and(|(next, wall)| next <= wall),
            Due::Open => false,
        }
    }

    /// When it comes, on the clock that never jumps.
    fn on_clock(&self, now: Duration, wall: Option<u64>) -> Option<Duration> {
        match self {
            Due::At(at) => Some(*at),
            Due::Cron { next, .. } => Some(now + Duration::from_secs((*next)?.saturating_sub(wall?))),
            Due::Open => None,
        }
    }
}

impl Timer {
    pub(super) fn at(id: TimerId, at: Duration) -> Timer {
        Timer { id, due: Due::At(at) }
    }

    /// `since`: what the clock on the wall showed when it was set.
    pub(super) fn cron(id: TimerId, cron: Cron, since: Option<u64>) -> Timer {
        Timer { id, due: Due::Cron { cron, set_at: since, next: since.and_then(|since| cron.after(since)) } }
    }

    /// What is left of it, to be written down.
    pub(super) fn left(&self, now: Duration) -> Left {
        let (left, cron) = match self.due {
            Due::At(at) => (Some(at.saturating_sub(now)), None),
            Due::Cron { cron, .. } => (None, Some(cron)),
            Due::Open => (None, None),
        };
        // Never more than a year: it fits.
        Left { id: self.id, left: left.map(|left| left.as_millis() as u64), cron }
    }
}

impl Engine {
    /// The machine in its first state.
    pub(super) fn begin(&mut self, said: &mut Vec<String>) {
        let around = self.surroundings();
        let (machine, actions) = agent::start(&self.agent, &around);
        self.machine = machine;
        self.look_around();
        self.carry_out(actions, said);
        self.commit();
    }

    /// Feeds the machine one event and carries out what it asks for.
    pub(super) fn event(&mut self, event: Event, said: &mut Vec<String>) {
        let actions = self.step(event);
        self.carry_out(actions, said);
        self.commit();
    }

    fn step(&mut self, event: Event) -> Vec<Action> {
        let around = self.surroundings();
        let (machine, actions) = agent::step(&self.agent, &self.machine, event, &around);
        let moved = machine.active != self.machine.active;
        self.machine = machine;
        if moved {
            self.look_around();
        }
        actions
    }

    /// What guards and sentences look at.
    fn surroundings(&mut self) -> Surroundings {
        let devices = self.outside.states(&self.agent.observed);
        Surroundings { devices, clock: self.outside.wall() }
    }

    /// Carries out actions in order; calls are reported back to the machine, whose actions come after.
    fn carry_out(&mut self, actions: Vec<Action>, said: &mut Vec<String>) {
        let mut queue: VecDeque<Action> = actions.into();
        let mut asked = 0;
        while let Some(action) = queue.pop_front() {
            match action {
                Action::Say(text) => said.push(text),
                Action::Do(call) => {
                    let (report, _) = self.perform(call, &Legal::by_author(), false, &mut Vec::new());
                    match &report.error {
                        Some(error) => said.push(format!("That did not work: {error}.")),
                        None => tracing::info!("done by a transition: {}", in_words(&report.call)),
                    }
                    queue.extend(self.step(called(&report, By::Transition)));
                }
                Action::Ask(request, None) => self.ask_model(&request, said),
                Action::Ask(request, Some(_)) if asked == MOST_ASKED => {
                    tracing::warn!(
                        "more than {MOST_ASKED} questions to the model in a row: not asked: {request}"
                    );
                }
                Action::Ask(request, Some(form)) => {
                    asked += 1;
                    let event = self.ask_form(&request, &form);
                    queue.extend(self.step(event));
                }
                Action::Enter(state) => tracing::info!("state {}", self.agent.states[state].name),
                Action::Exit(state) => tracing::debug!("leaves {}", self.agent.states[state].name),
                Action::SetTimer { after, id } => {
                    let at = self.outside.now().saturating_add(after);
                    self.timers.push(Timer::at(id, at));
                }
                Action::SetCron { cron, id } => {
                    self.timers.push(Timer::cron(id, cron, self.outside.wall()));
                }
                Action::CancelTimer(id) => self.timers.retain(|timer| timer.id != id),
                Action::Cut { line, why } => {
                    tracing::warn!("line {line}: too many {why}; the transition was not taken");
                }
                Action::Failed { line, message } => tracing::warn!("line {line}: {message}"),
                Action::Finished => tracing::info!("the agent has come to its end"),
            }
        }
    }

    /// When something is due next, on the clock that never jumps; crons only while the clock on the wall is set.
    pub fn next_due(&self) -> Option<Duration> {
        let (now, wall) = self.outside.this_moment();
        let timers =
            self.timers.iter().map(|timer| &timer.due).chain(self.scheduled.iter().map(|act| &act.due));
        let timers = timers.filter_map(|due| due.on_clock(now, wall));
        let looks = !self.agent.sampled.is_empty() || self.awaited().next().is_some();
        let sample = (looks && self.machine.running).then_some(self.sample_at);
        timers.chain(sample).min()
    }

    /// Timers that are due and sensors that are to be read; what is said on the way.
    pub fn tick(&mut self) -> Vec<String> {
        let out = |(said, moved): &(Vec<String>, bool)| moved.then(|| trace::said(said));
        let (said, _) = self.given(|| Given::Tick, Engine::pass_time, out);
        self.flush();
        said
    }

    /// As [`Engine::tick`]; whether anything came of it.
    fn pass_time(&mut self) -> (Vec<String>, bool) {
        let mut said = Vec::new();
        let mut moved = false;
        let now = self.outside.now();
        // A timer's actions may set others; each round takes the earliest one that is due.
        while let Some(id) = self.earliest(now) {
            self.timers.retain(|timer| timer.id != id);
            self.event(Event::Timer(id), &mut said);
            moved = true;
        }
        moved |= self.strike(&mut said);
        moved |= self.do_scheduled(&mut said);
        if now >= self.sample_at {
            self.sample_at = now + SAMPLE;
            let places: BTreeSet<usize> = self.agent.sampled.iter().copied().chain(self.awaited()).collect();
            moved |= !places.is_empty();
            for (device, state) in self.outside.states(&places.into_iter().collect::<Vec<_>>()) {
                if let State::Value { value } = state
                    && self.agent.sampled.binary_search(&device).is_ok()
                {
                    self.event(Event::Reading { device, value }, &mut said);
                }
                self.do_awaited(device, state, false, &mut said);
            }
        }
        (said, moved)
    }

    fn earliest(&self, now: Duration) -> Option<TimerId> {
        let due = self.timers.iter().filter_map(|timer| match timer.due {
            Due::At(at) if at <= now => Some((at, timer.id)),
            _ => None,
        });
        due.min().map(|(_, id)| id)
    }

    /// Crons whose time has come. A clock that jumps forward over several times strikes once; one that goes back
    /// waits for the next time from there. Whether anything struck or was put off.
    fn strike(&mut self, said: &mut Vec<String>) -> bool {
        let Some(wall) = self.outside.wall() else { return false };
        let mut due = Vec::new();
        let mut moved = false;
        for timer in &mut self.timers {
            let Due::Cron { cron, set_at, next } = &mut timer.due else { continue };
            if set_at.is_none_or(|set_at| wall < set_at) {
                *next = cron.after(wall);
                moved = true;
            }
            *set_at = Some(wall);
            if next.is_some_and(|next| next <= wall) {
                due.push((*next, timer.id));
            }
        }
        due.sort_unstable();
        for (_, id) in due {
            self.timers.retain(|timer| timer.id != id);
            self.event(Event::Timer(id), said);
            moved = true;
        }
        moved
    }

    /// An input changed; what is said on the way.
    ///
    /// # Panics
    /// When `device` is not an index of the agent's devices.
    pub fn edge(&mut self, device: usize, rising: bool) -> Vec<String> {
        let name = self.agent.devices[device].name.clone();
        let work = |engine: &mut Engine| {
            let mut said = Vec::new();
            engine.event(Event::Edge { device, rising }, &mut said);
            let state = if rising { State::Active } else { State::Inactive };
            engine.do_awaited(device, state, true, &mut said);
            said
        };
        self.given(|| Given::Edge { device: name, rising }, work, |said| Some(trace::said(said)))
    }

    /// An event with a name, from outside; what is said on the way.
    pub fn signal(&mut self, name: &str) -> Vec<String> {
        let work = |engine: &mut Engine| {
            let mut said = Vec::new();
            engine.event(Event::Named { name: name.to_owned(), data: Default::default() }, &mut said);
            said
        };
        self.given(|| Given::Event(name.to_owned()), work, |said| Some(trace::said(said)))
    }

    /// Lets simulated time pass and everything happen that falls due in it; what is said, and when.
    pub fn pass(&mut self, clock: &SimClock, time: Duration) -> Vec<(Duration, String)> {
        use crate::board::Clock;
        let end = clock.now() + time;
        let mut told = Vec::new();
        loop {
            let now = clock.now();
            let next = self.next_due().unwrap_or(end).min(end).max(now);
            clock.advance(next - now);
            told.extend(self.tick().into_iter().map(|text| (clock.now(), text)));
            // A call may have waited, and so let time pass as well.
            if clock.now() >= end && self.next_due().is_none_or(|next| next > clock.now()) {
                return told;
            }
        }
    }
}
