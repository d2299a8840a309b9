//! A real board: the Linux GPIO character device.
//!
//! Lines are held from the claim to the release. A device without a line is absent here. Levels are
//! software PWM; what a digital line cannot do is refused when the agent is loaded.

use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::line::EdgeKind;

use super::drive::Drive;
use super::line::{Found, Line, find, open_chip};
use super::pwm::Pwm;
use super::{Board, BoardError, Capabilities, Device, Direction, Edge, Edges, Key, Safe, State};

/// The lines of GPIO chips: one chip that is the board, others where the agent file names them.
pub struct GpioBoard {
    path: PathBuf,
    name: String,
    devices: Vec<Device>,
    slots: Vec<Slot>,
}

enum Slot {
    Absent,
    /// Looked at and not taken (a dry run): what it would start as.
    Seen(State),
    In(Line),
    Out(Output),
}

/// `line`, and the `close_line` of a cover.
type FoundLines = (Found, Option<Found>);

struct Output {
    line: Line,
    close: Option<Line>,
    pwm: Option<Pwm>,
    state: State,
}

impl GpioBoard {
    /// A board on the chip at `path`. Opens nothing before devices are claimed.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.display().to_string();
        GpioBoard { path, name, devices: Vec::new(), slots: Vec::new() }
    }

    /// The lines of each device, found and free, none of them twice; `None` for a device without one.
    fn find_all(&self, devices: &[Device]) -> Result<Vec<Option<FoundLines>>, BoardError> {
        open_chip(&self.path)?;
        let mut taken: Vec<(PathBuf, u32, String)> = Vec::new();
        devices
            .iter()
            .map(|device| {
                let Some(line) = &device.line else { return Ok(None) };
                can_be_digital(device)?;
                let mut free = |line| {
                    let found = find(device, line, &self.path)?;
                    let same = taken
                        .iter()
                        .find(|(chip, offset, _)| *offset == found.offset && same_chip(chip, &found.chip));
                    if let Some((_, line, first)) = same {
                        let (first, second) = (first.clone(), device.name.clone());
                        return Err(BoardError::LineShared { first, second, chip: found.chip, line: *line });
                    }
                    taken.push((found.chip.clone(), found.offset, device.name.clone()));
                    Ok(found)
                };
                let first = free(line)?;
                let second = device.close_line.as_ref().map(free).transpose()?;
                Ok(Some((first, second)))
            })
            .collect()
    }
}

fn same_chip(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

fn can_be_digital(device: &Device) -> Result<(), BoardError> {
    let what = if device.can.has(Capabilities::VALUE) {
        "be set to a value"
    } else if device.measures() {
        "measure a number"
    } else {
        return Ok(());
    };
    Err(BoardError::NotDigital { device: device.name.clone(), what })
}

/// What an output starts as, before its line is looked at; `None` when it keeps what it shows. A cover on
/// two lines starts stopped, whatever its safe state: starting a program must not move a gate.
fn start_state(device: &Device) -> Option<State> {
    if device.close_line.is_some() {
        return Some(State::Stopped);
    }
    device.safe_state(State::Unknown)
}

/// The state that a single line shows.
fn shown(device: &Device, active: bool) -> State {
    match (device.can.has(Capabilities::COVER), active) {
        (true, true) => State::Open,
        (true, false) => State::Closed,
        (false, true) => device.full_on(),
        (false, false) => State::Off,
    }
}

impl Output {
    fn take(device: &Device, line: &Found, close: Option<&Found>) -> Result<Output, BoardError> {
        let low = device.active_low;
        let close = close.map(|line| line.output(low, false)).transpose()?;
        let (line, state) = match start_state(device) {
            Some(state) => {
                let (active, _) = state.lines(close.is_some()).unwrap_or_default();
                (line.output(low, active)?, state)
            }
            None => {
                let (line, active) = line.output_as_found(low)?;
                (line, shown(device, active))
            }
        };
        let mut output = Output { line, close, pwm: None, state };
        output.set(device, state)?;
        Ok(output)
    }

    fn set(&mut self, device: &Device, state: State) -> Result<(), BoardError> {
        let Some((open, close)) = state.lines(self.close.is_some()) else {
            let (device, state) = (device.name.clone(), state.to_string());
            return Err(BoardError::CannotDrive { device, board: "GPIO".to_owned(), state });
        };
        match state {
            State::On { level: Some(percent) } if percent < 100.0 => self.dim(device, percent)?,
            _ => {
                self.pwm = None;
                self.set_lines(open, close)?;
            }
        }
        self.state = state;
        Ok(())
    }

    /// What has to go inactive does so first: the two relays of a cover are never both pulled.
    fn set_lines(&self, open: bool, close: bool) -> Result<(), BoardError> {
        let Some(close_line) = &self.close else { return self.line.set(open) };
        if close {
            self.line.set(open)?;
            close_line.set(close)
        } else {
            close_line.set(close)?;
            self.line.set(open)
        }
    }

    fn dim(&mut self, device: &Device, percent: f64) -> Result<(), BoardError> {
        let failed = |reason| BoardError::Pwm { device: device.name.clone(), reason };
        if let Some(pwm) = &self.pwm {
            return pwm.set(percent).map_err(failed);
        }
        let line = self.line.clone();
        let switch = Box::new(move |active| line.set(active).map_err(|error| error.to_string()));
        let hz = device.pwm_hz.unwrap_or(Pwm::DEFAULT_HZ);
        self.pwm = Some(Pwm::start(hz, percent, switch).map_err(|error| failed(error.to_string()))?);
        Ok(())
    }

    /// Into the safe state. A level cannot be kept by a line that nobody switches any more: it goes off,
    /// because full power was never asked for.
    fn make_safe(&mut self, device: &Device) -> Result<(), BoardError> {
        let dimmed = self.pwm.is_some() && device.safe == Safe::Keep;
        match device.safe_state(self.state).or(dimmed.then_some(State::Off)) {
            Some(safe) => self.set(device, safe),
            None => Ok(()),
        }
    }
}

impl Board for GpioBoard {
    fn name(&self) -> &str {
        &self.name
    }

    fn lines(&mut self, _key: Key) -> &mut dyn Drive {
        self
    }
}

impl Drive for GpioBoard {
    fn claim(&mut self, devices: &[Device]) -> Result<(), BoardError> {
        self.release()?;
        let found = self.find_all(devices)?;
        self.slots = devices
            .iter()
            .zip(found)
            .map(|(device, found)| match found {
                None => Ok(Slot::Absent),
                Some((line, _)) if device.direction == Direction::In => {
                    Ok(Slot::In(line.input(device.active_low)?))
                }
                Some((line, close)) => Output::take(device, &line, close.as_ref()).map(Slot::Out),
            })
            .collect::<Result<_, _>>()?;
        self.devices = devices.to_vec();
        Ok(())
    }

    fn inspect(&mut self, devices: &[Device]) -> Result<(), BoardError> {
        let found = self.find_all(devices)?;
        self.slots = devices
            .iter()
            .zip(found)
            .map(|(device, found)| match found {
                None => Slot::Absent,
                Some(_) if device.direction == Direction::In => Slot::Seen(State::Unknown),
                Some(_) => Slot::Seen(start_state(device).unwrap_or_else(|| shown(device, false))),
            })
            .collect();
        self.devices = devices.to_vec();
        Ok(())
    }

    fn present(&self, device: usize) -> bool {
        !matches!(self.slots.get(device), None | Some(Slot::Absent))
    }

    fn set(&mut self, device: usize, state: State) -> Result<(), BoardError> {
        let about = &self.devices[device];
        match &mut self.slots[device] {
            Slot::Out(output) => output.set(about, state),
            Slot::Absent => Err(BoardError::NoLine { device: about.name.clone(), board: self.name.clone() }),
            Slot::In(_) | Slot::Seen(_) => {
                let (device, state) = (about.name.clone(), state.to_string());
                Err(BoardError::CannotDrive { device, board: self.name.clone(), state })
            }
        }
    }

    fn read(&mut self, device: usize) -> Result<State, BoardError> {
        match &self.slots[device] {
            Slot::Out(output) => Ok(output.state),
            Slot::In(line) => Ok(if line.is_active()? { State::Active } else { State::Inactive }),
            Slot::Seen(state) => Ok(*state),
            Slot::Absent => Err(BoardError::NoLine {
                device: self.devices[device].name.clone(),
                board: self.name.clone(),
            }),
        }
    }

    fn edges(&mut self) -> Result<Box<dyn Edges>, BoardError> {
        let inputs = self.slots.iter().enumerate().filter_map(|(device, slot)| match slot {
            Slot::In(line) => Some((device, Arc::downgrade(&line.request()))),
            _ => None,
        });
        Ok(Box::new(GpioEdges { inputs: inputs.collect() }))
    }

    fn release(&mut self) -> Result<(), BoardError> {
        let slots = std::mem::take(&mut self.slots);
        let mut first = Ok(());
        for (slot, device) in slots.into_iter().zip(&self.devices) {
            if let Slot::Out(mut output) = slot {
                first = first.and(output.make_safe(device));
            }
        }
        first
    }
}

impl Drop for GpioBoard {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            tracing::error!("leaving {}: {error}", self.name);
        }
    }
}

/// Holds no line by itself: once the board has let go, no more edges come and the lines are free.
struct GpioEdges {
    inputs: Vec<(usize, Weak<Request>)>,
}

impl GpioEdges {
    /// Edges taken from one line before the next has its turn: a line that never rests starves no other.
    const AT_ONCE: usize = 64;
}

impl Edges for GpioEdges {
    fn wait(&mut self, timeout: Duration) -> Result<Vec<Edge>, BoardError> {
        let inputs: Vec<(usize, Arc<Request>)> =
            self.inputs.iter().filter_map(|(device, request)| Some((*device, request.upgrade()?))).collect();
        let mut polled: Vec<libc::pollfd> = inputs
            .iter()
            .map(|(_, request)| libc::pollfd { fd: request.as_raw_fd(), events: libc::POLLIN, revents: 0 })
            .collect();
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: `polled` is a live array of exactly that many pollfd, and its descriptors are kept
        // open by `inputs`.
        let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, millis) };
        if ready < 0 {
            let error = std::io::Error::last_os_error();
            // A signal is no edge; the caller looks at its flags and comes back.
            let interrupted = error.kind() == std::io::ErrorKind::Interrupted;
            return if interrupted { Ok(Vec::new()) } else { Err(BoardError::Edges(error.to_string())) };
        }
        let failed = |error: gpiocdev::Error| BoardError::Edges(error.to_string());
        let mut edges = Vec::new();
        for ((device, request), polled) in inputs.iter().zip(&polled) {
            for _ in 0..Self::AT_ONCE {
                if polled.revents & libc::POLLIN == 0 || !request.has_edge_event().map_err(failed)? {
                    break;
                }
                let event = request.read_edge_event().map_err(failed)?;
                let (rising, at) = (event.kind == EdgeKind::Rising, Duration::from_nanos(event.timestamp_ns));
                edges.push(Edge { device: *device, rising, at });
            }
        }
        edges.sort_by_key(|edge| edge.at);
        Ok(edges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{LineId, LineRef};

    fn on_line(name: &str, kind: &str, offset: u32) -> Device {
        let mut device = Device::of_kind(name, kind, None);
        device.line = Some(LineRef { chip: None, line: LineId::Offset(offset) });
        device
    }

    #[test]
    fn what_a_line_cannot_do_is_refused_by_name() {
        for (kind, words) in [("thermostat", "set to a value"), ("thermometer", "measure a number")] {
            let error = can_be_digital(&on_line("hall thing", kind, 3)).unwrap_err().to_string();
            assert!(error.contains("`hall thing`") && error.contains(words), "{error}");
        }
        let mut sensor = on_line("door", "sensor", 4);
        assert!(can_be_digital(&sensor).is_ok());
        sensor.unit = Some("lux".to_owned());
        assert!(can_be_digital(&sensor).is_err());
    }

    #[test]
    fn a_board_that_is_not_there_says_so() {
        let mut board = GpioBoard::new("/dev/gpiochip-of-nobody");
        let error = board.claim(&[on_line("lamp", "light", 1)]).unwrap_err().to_string();
        assert!(error.contains("/dev/gpiochip-of-nobody") && error.contains("this machine has"), "{error}");
        for path in ["/dev/null", "/proc/self/status"] {
            let error = GpioBoard::new(path).claim(&[]).unwrap_err();
            assert!(matches!(error, BoardError::NotAChip { .. }), "{path}: {error}");
        }
    }

    #[test]
    fn starting_never_moves_a_gate() {
        let mut gate = on_line("gate", "gate", 1);
        gate.safe = Safe::Open;
        gate.close_line = Some(LineRef { chip: None, line: LineId::Offset(2) });
        assert_eq!(start_state(&gate), Some(State::Stopped));
        let mut lamp = on_line("lamp", "light", 1);
        assert_eq!(start_state(&lamp), Some(State::Off));
        lamp.safe = Safe::Keep;
        assert_eq!(start_state(&lamp), None);
    }
}
