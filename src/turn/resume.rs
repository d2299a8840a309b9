//! Going on after a power cut: what is written down of an agent at work, and how it begins from that.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::Engine;
use super::events::Timer;
use super::journal::{Journal, JournalError, Record, checksum};
use super::trace::{self, Given};
use crate::agent::chart::Due;
use crate::agent::{Agent, MachineState, Resume, TimerId};
use crate::board::{Direction, State};
use crate::safety::{Legal, Mode};
use crate::tool::Call;

/// What has to differ before something is written: neither the names of timers nor how long they still run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written {
    machine: MachineState,
    outputs: BTreeMap<String, State>,
    /// Numbers of the acts for later.
    scheduled: Vec<u32>,
}

impl Engine {
    /// Goes on where the journal ends, and writes down from now on what changes; begins anew when there is none, or when it is
    /// another agent's (the file was edited). Without `resume` in the agent's file, and in a dry run, nothing is written.
    ///
    /// # Errors
    /// What is wrong with the journal's file.
    pub fn keep(&mut self, folder: &std::path::Path) -> Result<Vec<String>, JournalError> {
        let Some(resume) = self.agent.resume.filter(|_| self.outside.kernel.mode() == Mode::Live) else {
            return Ok(Vec::new());
        };
        let (journal, record) = Journal::open(&path(folder, &self.agent), self.agent.sync)?;
        self.journal = Some(journal);
        let mut said = Vec::new();
        if let Some(record) = record {
            if record.agent == name(&self.agent) && record.machine.fits(&self.agent) && record.machine.running
            {
                said = self.go_on(record, resume);
            } else {
                tracing::warn!("the journal is of another agent `{}`: it begins anew", self.agent.name);
            }
        }
        self.commit();
        Ok(said)
    }

    /// Goes on from a record.
    pub(super) fn go_on(&mut self, record: Record, resume: Resume) -> Vec<String> {
        let given = Given::GoesOn(Box::new(record.clone()), resume);
        let work = |engine: &mut Engine| {
            let mut said = Vec::new();
            engine.take_up(record, resume, &mut said);
            said
        };
        self.given(|| given, work, |said| Some(trace::said(said)))
    }

    fn take_up(&mut self, record: Record, resume: Resume, said: &mut Vec<String>) {
        let now = self.outside.now();
        // How long the power was away, when clocks were set before and after.
        let away = match (record.clock, self.outside.wall()) {
            (Some(then), Some(now)) => Duration::from_secs(now.saturating_sub(then)),
            _ => Duration::ZERO,
        };
        let since = self.outside.wall().map(|now| now.saturating_sub(away.as_secs()));
        self.timers = record
            .timers
            .into_iter()
            .filter_map(|timer| match (timer.left, timer.cron) {
                (Some(left), _) => {
                    let at = now.saturating_add(Duration::from_millis(left).saturating_sub(away));
                    Some(Timer::at(timer.id, at))
                }
                (None, Some(cron)) => Some(Timer::cron(timer.id, cron, record.clock.and(since))),
                (None, None) => None,
            })
            .collect();
        self.reschedule(record.scheduled, away, record.clock.and(since));
        self.machine = record.machine;
        self.look_around();
        tracing::info!("goes on in the state {}", self.state_name());
        if resume == Resume::Restore {
            for (device, state) in record.outputs {
                let Some(call) = setting(&device, state) else { continue };
                let (report, _) = self.perform(call, &Legal::by_author(), false, &mut Vec::new());
                if let Some(error) = report.error {
                    said.push(format!("{device} is not as it was: {error}."));
                }
            }
        }
    }

    /// Writes down what has changed. A journal that cannot be written is given up, and that is said in the log: the agent
    /// goes on.
    pub(super) fn commit(&mut self) {
        if self.journal.is_none() {
            return;
        }
        let scheduled = self.scheduled.iter().map(|act| act.id).collect();
        let written = Written { machine: plain(&self.machine), outputs: self.outputs(), scheduled };
        if self.written.as_ref() == Some(&written) {
            return;
        }
        let record = Record {
            agent: name(&self.agent),
            clock: self.outside.wall(),
            machine: self.machine.clone(),
            timers: self.timers.iter().map(|timer| timer.left(self.outside.now())).collect(),
            outputs: written.outputs.clone(),
            scheduled: self.scheduled.iter().map(|act| act.kept(self.outside.now())).collect(),
        };
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.append(&record, self.outside.now())
        {
            tracing::error!("{error}; from now on nothing is written down");
            self.journal = None;
        }
        self.written = Some(written);
    }

    /// Has the disk take what was written, when the agent's `sync` says so.
    pub(super) fn flush(&mut self) {
        if let Some(journal) = &mut self.journal
            && let Err(error) = journal.flush(self.outside.now())
        {
            tracing::error!("{error}; from now on nothing is written down");
            self.journal = None;
        }
    }

    /// What the outputs do, where they are to be restored.
    fn outputs(&mut self) -> BTreeMap<String, State> {
        if self.agent.resume != Some(Resume::Restore) {
            return BTreeMap::new();
        }
        let outputs =
            (0..self.agent.devices.len()).filter(|&at| self.agent.devices[at].direction == Direction::Out);
        let outputs: Vec<usize> = outputs.collect();
        outputs
            .into_iter()
            .map(|at| (self.agent.devices[at].name.clone(), self.outside.kernel.state(at)))
            .collect()
    }
}

/// Where an agent's journal lies.
fn path(folder: &std::path::Path, agent: &Agent) -> PathBuf {
    let word = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
    folder.join("agents").join(format!("{}.journal", agent.name.chars().map(word).collect::<String>()))
}

/// Tells an agent from another, and from itself before it was edited: indices mean something else then.
pub(super) fn name(agent: &Agent) -> String {
    let devices: Vec<&str> = agent.devices.iter().map(|device| device.name.as_str()).collect();
    let text = format!("{devices:?}{:?}{:?}", agent.variables, agent.states);
    format!("{:016x}", checksum(text.as_bytes()))
}

/// The machine without the names of its timers, which change with every tick of an `every`.
fn plain(machine: &MachineState) -> MachineState {
    let mut plain = machine.clone();
    (plain.serial, plain.chain) = (0, 0);
    plain.pending.iter_mut().for_each(|pending| pending.id = TimerId(0));
    plain.pending.retain(|pending| !matches!(pending.due, Due::Settled(_)));
    plain.settling.clear();
    plain
}

/// The call that brings an output to a state.
fn setting(device: &str, state: State) -> Option<Call> {
    let (tool, more): (&str, Option<(&str, Value)>) = match state {
        State::Off => ("off", None),
        State::On { level: None } => ("on", None),
        State::On { level: Some(level) } => ("set_level", Some(("percent", level.into()))),
        State::Open => ("open", None),
        State::Closed => ("close", None),
        State::Value { value } => ("set_value", Some(("value", value.into()))),
        State::Stopped | State::Unknown | State::Active | State::Inactive => return None,
    };
    let mut arguments = serde_json::Map::new();
    arguments.insert("devices".into(), json!([device]));
    arguments.extend(more.map(|(name, value)| (name.to_owned(), value)));
    Some(Call { tool: tool.into(), arguments })
}
