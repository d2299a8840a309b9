//! The simulated board: a state per device that can be looked at and set from outside.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::drive::Drive;
use super::{
    Board, BoardError, Capabilities, Clock, Device, Direction, Edge, Edges, Key, RealClock, Safe, State,
};

/// A board that exists in memory. Clones are handles to the same board, so that whoever built it can
/// look at it and press its buttons while the safety kernel owns another handle.
#[derive(Clone)]
pub struct SimBoard {
    inner: Arc<Mutex<Inner>>,
}

/// One recorded change of an output.
#[derive(Clone, Debug, PartialEq)]
pub struct SimChange {
    /// When, on the board's clock.
    pub at: Duration,
    /// The device's name.
    pub device: String,
    /// What it was told.
    pub state: State,
    /// Whether `line` and `close_line` are active after it; both false for what has no digital line.
    pub lines: (bool, bool),
}

/// So many of the last changes are kept at least, twice as many at most: a board may run for years.
const MOST_CHANGES: usize = 4096;

struct Inner {
    clock: Arc<dyn Clock>,
    devices: Vec<Device>,
    states: Vec<State>,
    lines: Vec<(bool, bool)>,
    changes: Vec<SimChange>,
    moved: u64,
    listeners: Vec<Sender<Edge>>,
    held: bool,
}

impl Default for SimBoard {
    fn default() -> Self {
        Self::new()
    }
}

impl SimBoard {
    /// An empty board on the machine's clock.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(RealClock::new()))
    }

    /// An empty board on a clock of its own (time stamps of changes and edges come from it).
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            clock,
            devices: Vec::new(),
            states: Vec::new(),
            lines: Vec::new(),
            changes: Vec::new(),
            moved: 0,
            listeners: Vec::new(),
            held: false,
        };
        SimBoard { inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere must not keep the safe states from being set.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a device is doing; `None` when the board has no device of that name.
    pub fn state(&self, device: &str) -> Option<State> {
        let inner = self.lock();
        inner.find(device).map(|i| inner.states[i])
    }

    /// Whether `line` and `close_line` of a device are active.
    pub fn lines(&self, device: &str) -> Option<(bool, bool)> {
        let inner = self.lock();
        inner.find(device).map(|i| inner.lines[i])
    }

    /// How many changes of outputs there were since the board was made.
    pub fn moved(&self) -> u64 {
        self.lock().moved
    }

    /// The changes of outputs since the board was made, oldest first: all of the first thousands, then the last ones.
    pub fn changes(&self) -> Vec<SimChange> {
        self.lock().changes.clone()
    }

    /// Whether an agent holds the board.
    pub fn held(&self) -> bool {
        self.lock().held
    }

    /// Makes an input active or inactive, with an edge when that is a change. `false` when there is
    /// no such digital input.
    pub fn set_input(&self, device: &str, active: bool) -> bool {
        let mut inner = self.lock();
        let Some(i) = inner.find(device) else { return false };
        let is_digital = inner.devices[i].direction == Direction::In && !inner.devices[i].measures();
        let state = if active { State::Active } else { State::Inactive };
        if is_digital && inner.states[i] != state {
            inner.states[i] = state;
            let edge = Edge { device: i, rising: active, at: inner.clock.now() };
            inner.listeners.retain(|listener| listener.send(edge.clone()).is_ok());
        }
        is_digital
    }

    /// Presses and lets go of a button: two edges. `false` when there is no such digital input.
    pub fn press(&self, device: &str) -> bool {
        self.set_input(device, true) && self.set_input(device, false)
    }

    /// Sets what a numeric sensor measures. `false` when there is no such sensor.
    pub fn set_value(&self, device: &str, value: f64) -> bool {
        let mut inner = self.lock();
        let Some(i) = inner.find(device) else { return false };
        let measures = inner.devices[i].measures();
        if measures {
            inner.states[i] = State::Value { value };
        }
        measures
    }
}

impl Inner {
    fn find(&self, name: &str) -> Option<usize> {
        self.devices.iter().position(|device| device.name == name)
    }

    fn set(&mut self, i: usize, state: State) -> Result<(), BoardError> {
        let device = &self.devices[i];
        let value = matches!(state, State::Value { .. }) && device.can.has(Capabilities::VALUE);
        let lines = state.lines(device.close_line.is_some());
        if device.direction == Direction::In || !(value || lines.is_some()) {
            let (device, state) = (device.name.clone(), state.to_string());
            return Err(BoardError::CannotDrive { device, board: "simulated".to_owned(), state });
        }
        let (at, device, lines) = (self.clock.now(), device.name.clone(), lines.unwrap_or_default());
        self.states[i] = state;
        self.lines[i] = lines;
        if self.changes.len() >= 2 * MOST_CHANGES {
            self.changes.drain(..MOST_CHANGES);
        }
        self.moved += 1;
        self.changes.push(SimChange { at, device, state, lines });
        Ok(())
    }
}

/// What a device of the simulated board does before anyone touches it: switched off, closed, a setting
/// or a measurement in the middle of its range (or at what its unit makes likely).
fn at_rest(device: &Device) -> State {
    let value = match (device.range, device.unit.as_deref()) {
        (Some([least, most]), _) => (least + most) / 2.0,
        (None, Some("°C")) => 20.0,
        (None, Some("°F")) => 68.0,
        (None, Some("%")) => 50.0,
        (None, Some("hPa" | "mbar")) => 1013.0,
        (None, Some("V")) => 12.0,
        (None, Some("lux" | "lx")) => 300.0,
        _ => 0.0,
    };
    if device.measures() {
        State::Value { value }
    } else if device.direction == Direction::In {
        State::Inactive
    } else if device.can.has(Capabilities::VALUE) {
        State::Value { value }
    } else if device.can.has(Capabilities::COVER) {
        State::Closed
    } else if device.safe == Safe::On {
        device.full_on()
    } else {
        State::Off
    }
}

impl Board for SimBoard {
    fn name(&self) -> &str {
        "sim"
    }

    fn lines(&mut self, _key: Key) -> &mut dyn Drive {
        self
    }
}

impl Drive for SimBoard {
    fn claim(&mut self, devices: &[Device]) -> Result<(), BoardError> {
        let mut inner = self.lock();
        inner.states = devices.iter().map(at_rest).collect();
        // A closed cover at rest has no motor running, unlike one that has been told to close.
        inner.lines = inner.states.iter().map(|state| state.lines(false).unwrap_or_default()).collect();
        inner.devices = devices.to_vec();
        inner.held = true;
        Ok(())
    }

    fn inspect(&mut self, devices: &[Device]) -> Result<(), BoardError> {
        self.claim(devices)?;
        self.lock().held = false;
        Ok(())
    }

    fn present(&self, _device: usize) -> bool {
        true
    }

    fn set(&mut self, device: usize, state: State) -> Result<(), BoardError> {
        self.lock().set(device, state)
    }

    fn read(&mut self, device: usize) -> Result<State, BoardError> {
        Ok(self.lock().states[device])
    }

    fn edges(&mut self) -> Result<Box<dyn Edges>, BoardError> {
        let (sender, receiver) = channel();
        self.lock().listeners.push(sender);
        Ok(Box::new(SimEdges { receiver }))
    }

    fn release(&mut self) -> Result<(), BoardError> {
        let mut inner = self.lock();
        if !std::mem::take(&mut inner.held) {
            return Ok(());
        }
        let mut first = Ok(());
        for i in 0..inner.devices.len() {
            if let Some(safe) = inner.devices[i].safe_state(inner.states[i]) {
                first = first.and(inner.set(i, safe));
            }
        }
        inner.listeners.clear();
        first
    }
}

struct SimEdges {
    receiver: Receiver<Edge>,
}

impl Edges for SimEdges {
    fn wait(&mut self, timeout: Duration) -> Result<Vec<Edge>, BoardError> {
        let begin = Instant::now();
        let Ok(first) = self.receiver.recv_timeout(timeout) else {
            // The board is gone: no edge will come, and the caller's pace is kept.
            std::thread::sleep(timeout.saturating_sub(begin.elapsed()));
            return Ok(Vec::new());
        };
        Ok(std::iter::once(first).chain(self.receiver.try_iter()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::SimClock;

    fn board(devices: &[Device]) -> SimBoard {
        let board = SimBoard::with_clock(Arc::new(SimClock::new()));
        board.clone().claim(devices).unwrap();
        board
    }

    #[test]
    fn buttons_make_edges_and_sensors_measure_what_they_are_told() {
        let devices = [
            Device::of_kind("bell button", "button", None),
            Device::of_kind("outside", "thermometer", None),
            Device::of_kind("lamp", "light", None),
        ];
        let sim = board(&devices);
        let mut edges = sim.clone().edges().unwrap();
        assert!(edges.wait(Duration::ZERO).unwrap().is_empty());
        assert!(sim.press("bell button"));
        let got: Vec<bool> =
            edges.wait(Duration::from_secs(1)).unwrap().iter().map(|edge| edge.rising).collect();
        assert_eq!(got, [true, false]);
        assert_eq!(sim.state("outside"), Some(State::Value { value: 20.0 }));
        assert!(sim.set_value("outside", -4.5));
        assert_eq!(sim.clone().read(1).unwrap(), State::Value { value: -4.5 });
        assert!(!sim.set_input("lamp", true) && !sim.set_value("lamp", 1.0) && !sim.press("nothing"));
    }

    #[test]
    fn outputs_are_recorded_and_inputs_refused() {
        let devices = [Device::of_kind("lamp", "light", None), Device::of_kind("button", "button", None)];
        let mut sim = board(&devices);
        sim.set(0, State::On { level: Some(30.0) }).unwrap();
        assert!(matches!(sim.set(1, State::Off), Err(BoardError::CannotDrive { .. })));
        assert!(matches!(sim.set(0, State::Value { value: 1.0 }), Err(BoardError::CannotDrive { .. })));
        sim.release().unwrap();
        sim.release().unwrap();
        let told: Vec<State> = sim.changes().iter().map(|change| change.state).collect();
        assert_eq!(told, [State::On { level: Some(30.0) }, State::Off]);
    }
}
