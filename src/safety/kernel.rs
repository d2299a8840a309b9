//! The kernel: owns the board, carries out checked calls, leaves outputs safe.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::Serialize;

use crate::board::{
    Board, BoardError, Cancel, Clock, Device, Direction, Drive, Edges, Key, LineId, LineRef, SimBoard, State,
};
use crate::tool::Call;

use super::plan::{Bench, Plan};
use super::{Change, Confirmed, Legal, Outcome, Reading, SafetyError};

/// Whether lines move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They do.
    #[default]
    Live,
    /// Calls are checked and what they would change is reported; no line is even taken.
    DryRun,
}

/// The only holder of a board. All calls on devices pass through [`Kernel::perform`].
pub struct Kernel {
    board: Box<dyn Board>,
    clock: Arc<dyn Clock>,
    cancel: Cancel,
    mode: Mode,
    devices: Vec<Device>,
    /// Whether the board has each of them.
    present: Vec<bool>,
    /// What each device does, by place in `devices`; in a dry run, what it would do by now.
    states: Vec<State>,
    open: bool,
}

/// A device and what it does, for `/devices` and the printed board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeviceState {
    /// The device.
    pub device: String,
    /// Its kind.
    pub kind: String,
    /// Its area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<String>,
    /// Its line as the agent file names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Unit of its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether the board has it.
    pub present: bool,
    /// What it does, or measures.
    #[serde(flatten)]
    pub state: State,
}

impl std::fmt::Display for DeviceState {
    /// As the board is printed: `kitchen light (line 17): on 100 %`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.device)?;
        if let Some(line) = &self.line {
            write!(f, " (line {line})")?;
        }
        if !self.present {
            return f.write_str(": not on this board");
        }
        write!(f, ": {}", self.state.describe(self.unit.as_deref()))
    }
}

impl Kernel {
    /// Claims the devices' lines on the board (in a dry run only looks at them).
    ///
    /// # Errors
    /// What the board says: no chip, no permission, a busy line, a device that a line cannot serve.
    pub fn new(
        devices: Vec<Device>,
        mut board: Box<dyn Board>,
        clock: Arc<dyn Clock>,
        mode: Mode,
    ) -> Result<Kernel, BoardError> {
        let lines = board.lines(Key::of_the_kernel());
        match mode {
            Mode::Live => lines.claim(&devices)?,
            Mode::DryRun => lines.inspect(&devices)?,
        }
        let present: Vec<bool> = (0..devices.len()).map(|place| lines.present(place)).collect();
        let read = |place| if present[place] { lines.read(place) } else { Ok(State::Unknown) };
        let states = (0..devices.len()).map(read).collect::<Result<_, _>>()?;
        let cancel = Arc::new(AtomicBool::new(false));
        Ok(Kernel { board, clock, cancel, mode, devices, present, states, open: true })
    }

    /// A kernel over a fresh simulated board, with a handle to look at it.
    ///
    /// # Errors
    /// None today; the simulated board takes every device.
    pub fn simulated(
        devices: Vec<Device>,
        clock: Arc<dyn Clock>,
        mode: Mode,
    ) -> Result<(Kernel, SimBoard), BoardError> {
        let sim = SimBoard::with_clock(clock.clone());
        Ok((Kernel::new(devices, Box::new(sim.clone()), clock, mode)?, sim))
    }

    /// The flag that ends a `wait` or a `blink` at once when set; shared, for signal handlers. It stays
    /// set until whoever set it clears it.
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// The clock that it waits by.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// What the device at this place in the list does now; inputs are asked. Unknown when the board cannot say.
    pub fn state(&mut self, place: usize) -> State {
        match self.present.get(place) {
            Some(true) => self.read(place).unwrap_or_default(),
            _ => State::Unknown,
        }
    }

    /// The board's name: `sim`, or the chip's path.
    pub fn board_name(&self) -> &str {
        self.board.name()
    }

    /// Whether this is a dry run.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The devices, in the order of the agent's file.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Whether the board has this device. An agent for a real board may hold devices without a line;
    /// they should not be offered to the model.
    pub fn has(&self, device: &str) -> bool {
        self.place(device).is_some_and(|place| self.present[place])
    }

    /// Checks a call as [`Kernel::perform`] does, and moves nothing.
    ///
    /// # Errors
    /// Every reason for which it would not be carried out.
    pub fn check(
        &self,
        call: &Call,
        legal: &Legal,
        confirmed: Option<&Confirmed>,
    ) -> Result<(), SafetyError> {
        self.plan(call, legal, confirmed).map(|_| ())
    }

    /// Carries out a call of a built-in device tool or of `wait`, the whole of it or, when anything about
    /// it is not legal, nothing. Blocks while it waits or blinks.
    ///
    /// # Errors
    /// [`SafetyError::Board`] when the board fails half-way (it says what had moved); otherwise the reason
    /// for which the call was refused, with no line moved.
    pub fn perform(
        &mut self,
        call: &Call,
        legal: &Legal,
        confirmed: Option<Confirmed>,
    ) -> Result<Outcome, SafetyError> {
        let plan = self.plan(call, legal, confirmed.as_ref())?;
        let mut outcome =
            Outcome { notes: plan.notes, dry_run: self.mode == Mode::DryRun, ..Outcome::default() };
        if let Some(time) = plan.wait {
            outcome.interrupted = !outcome.dry_run && !self.clock.sleep(time, &self.cancel);
        }
        for place in plan.read {
            let state = self.read(place)?;
            let device = &self.devices[place];
            outcome.readings.push(Reading { device: device.name.clone(), unit: device.unit.clone(), state });
        }
        match plan.blink {
            Some((times, interval)) => {
                outcome.interrupted = self.blink(&plan.set, times, interval)?;
            }
            None => self.set_all(&plan.set, &mut outcome)?,
        }
        Ok(outcome)
    }

    fn plan(&self, call: &Call, legal: &Legal, confirmed: Option<&Confirmed>) -> Result<Plan, SafetyError> {
        if !self.open {
            return Err(SafetyError::ShutDown);
        }
        let bench = Bench {
            devices: &self.devices,
            states: &self.states,
            present: &self.present,
            board: self.board.name(),
        };
        bench.plan(call, legal, confirmed)
    }

    fn set_all(&mut self, set: &[(usize, State)], outcome: &mut Outcome) -> Result<(), SafetyError> {
        for &(place, after) in set {
            let before = self.states[place];
            if before == after {
                outcome.unchanged.push(self.devices[place].name.clone());
                continue;
            }
            if let Err(source) = self.set(place, after) {
                let moved = std::mem::take(&mut outcome.changes);
                return Err(SafetyError::Board { source: Box::new(source), moved });
            }
            outcome.changes.push(self.change(place, before, after));
        }
        Ok(())
    }

    /// Switches to the given states and back, `times` times, the interval between one change and the
    /// next. Says whether it was cut short; either way the devices end as they began.
    fn blink(
        &mut self,
        other: &[(usize, State)],
        times: u32,
        interval: std::time::Duration,
    ) -> Result<bool, SafetyError> {
        if self.mode == Mode::DryRun {
            return Ok(false);
        }
        let begin: Vec<(usize, State)> =
            other.iter().map(|&(place, _)| (place, self.states[place])).collect();
        for round in 0..times {
            if round > 0 && !self.clock.sleep(interval, &self.cancel) {
                return Ok(true);
            }
            let ran = self.drive(other).map(|()| self.clock.sleep(interval, &self.cancel));
            let back = self.drive(&begin);
            if !ran? {
                return back.map(|()| true);
            }
            back?;
        }
        Ok(false)
    }

    fn lines(&mut self) -> &mut dyn Drive {
        self.board.lines(Key::of_the_kernel())
    }

    fn drive(&mut self, set: &[(usize, State)]) -> Result<(), SafetyError> {
        set.iter().try_for_each(|&(place, state)| Ok(self.set(place, state)?))
    }

    fn set(&mut self, place: usize, state: State) -> Result<(), BoardError> {
        if self.mode == Mode::Live {
            // Whatever a failing board has done to the line, what it was is no longer known.
            self.lines().set(place, state).inspect_err(|_| self.states[place] = State::Unknown)?;
        }
        self.states[place] = state;
        Ok(())
    }

    /// Outputs answer with what they were told, inputs are asked.
    fn read(&mut self, place: usize) -> Result<State, BoardError> {
        if self.devices[place].direction == Direction::In && self.open {
            self.states[place] = self.lines().read(place)?;
        }
        Ok(self.states[place])
    }

    fn change(&self, place: usize, before: State, after: State) -> Change {
        let device = &self.devices[place];
        Change {
            device: device.name.clone(),
            line: line_name(device),
            unit: device.unit.clone(),
            before,
            after,
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.devices.iter().position(|device| device.name == name)
    }

    /// What every device does now; inputs are asked, and are `unknown` when the board cannot say.
    pub fn snapshot(&mut self) -> Vec<DeviceState> {
        (0..self.devices.len())
            .map(|place| {
                let present = self.present[place];
                let state = if present { self.read(place).unwrap_or_default() } else { State::Unknown };
                let device = &self.devices[place];
                DeviceState {
                    device: device.name.clone(),
                    kind: device.kind.clone(),
                    area: device.area.clone(),
                    line: line_name(device),
                    unit: device.unit.clone(),
                    present,
                    state,
                }
            })
            .collect()
    }

    /// The edges of the inputs from now on, to be waited on by a thread of its own.
    ///
    /// # Errors
    /// What the board says.
    pub fn edges(&mut self) -> Result<Box<dyn Edges>, BoardError> {
        self.lines().edges()
    }

    /// Puts every output into its safe state and lets the board go; after it no call is carried out.
    /// Dropping the kernel does the same, without telling of errors.
    ///
    /// # Errors
    /// The first thing that the board could not do; it goes on with the rest all the same.
    pub fn shutdown(&mut self) -> Result<(), BoardError> {
        if !std::mem::take(&mut self.open) || self.mode == Mode::DryRun {
            return Ok(());
        }
        for (device, state) in self.devices.iter().zip(&mut self.states) {
            *state = device.safe_state(*state).unwrap_or(*state);
        }
        self.lines().release()
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if let Err(error) = self.shutdown() {
            tracing::error!("leaving the board: {error}");
        }
    }
}

/// A device's line as people write it: `17`, `GPIO17`, `/dev/gpiochip1:4`, with both lines of a cover.
fn line_name(device: &Device) -> Option<String> {
    let one = |line: &LineRef| {
        let name = match &line.line {
            LineId::Offset(offset) => offset.to_string(),
            LineId::Name(name) => name.clone(),
        };
        line.chip.as_ref().map(|chip| format!("{chip}:{name}")).unwrap_or(name)
    };
    let first = device.line.as_ref().map(one)?;
    Some(match &device.close_line {
        Some(second) => format!("{first}/{}", one(second)),
        None => first,
    })
}

#[cfg(test)]
#[path = "kernel_tests.rs"]
mod tests;
