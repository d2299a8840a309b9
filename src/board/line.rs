//! A line of a GPIO chip: found, looked at, requested.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gpiocdev::line::{Direction, EdgeDetection, Value};
use gpiocdev::{Chip, Request};

use super::{BoardError, Device, LineId, LineRef};

/// What others see as the holder of our lines.
const CONSUMER: &str = "pintail";

/// A line that exists and that nobody holds.
#[derive(Debug)]
pub(super) struct Found {
    pub device: String,
    pub chip: PathBuf,
    pub offset: u32,
    /// It is an output now.
    pub is_output: bool,
}

/// A line that this process holds.
#[derive(Clone)]
pub(super) struct Line {
    device: String,
    chip: PathBuf,
    offset: u32,
    request: Arc<Request>,
}

/// Opens a chip, with errors that say what to do.
pub(super) fn open_chip(path: &Path) -> Result<Chip, BoardError> {
    let path = if path.is_absolute() { path.to_owned() } else { existing(path) };
    Chip::from_path(&path).map_err(|error| match error {
        gpiocdev::Error::Os(errno) if errno.0 == libc::ENOENT => {
            let hint = match gpiocdev::chip::chips() {
                Ok(chips) if !chips.is_empty() => {
                    let names: Vec<_> = chips.iter().map(|chip| chip.display().to_string()).collect();
                    format!("this machine has {}", names.join(", "))
                }
                _ => "this machine has none; `--board sim` needs no hardware".to_owned(),
            };
            BoardError::ChipMissing { path, hint }
        }
        gpiocdev::Error::Os(errno) if errno.0 == libc::EACCES || errno.0 == libc::EPERM => {
            BoardError::ChipDenied { path }
        }
        gpiocdev::Error::GpioChip(_, kind) => BoardError::NotAChip { path, reason: format!("it {kind}") },
        error => BoardError::NotAChip { path, reason: error.to_string() },
    })
}

/// `gpiochip1` in an agent file means the chip in `/dev`, unless there is such a file.
fn existing(path: &Path) -> PathBuf {
    if path.exists() { path.to_owned() } else { Path::new("/dev").join(path) }
}

/// Finds a device's line on its own chip, or on the board's.
pub(super) fn find(device: &Device, line: &LineRef, board: &Path) -> Result<Found, BoardError> {
    let chip = open_chip(line.chip.as_deref().map_or(board, Path::new))?;
    let path = chip.path().to_owned();
    let missing = |hint: String| {
        let line = match &line.line {
            LineId::Offset(offset) => offset.to_string(),
            LineId::Name(name) => format!("`{name}`"),
        };
        BoardError::LineMissing { device: device.name.clone(), chip: path.clone(), line, hint }
    };
    let lines = chip.info().map_err(|error| missing(error.to_string()))?.num_lines;
    let info = match &line.line {
        LineId::Offset(offset) if *offset < lines => chip.line_info(*offset),
        LineId::Offset(_) => {
            return Err(missing(format!("it has {lines} lines, 0 to {}", lines.saturating_sub(1))));
        }
        LineId::Name(name) => match chip.find_line_info(name) {
            Some(info) => Ok(info),
            None => return Err(missing("`gpioinfo` lists the names it has".to_owned())),
        },
    };
    let info = info.map_err(|error| missing(error.to_string()))?;
    if info.used {
        let consumer = if info.consumer.is_empty() { "the kernel".to_owned() } else { info.consumer };
        let (device, line) = (device.name.clone(), info.offset);
        return Err(BoardError::LineBusy { device, chip: path, line, consumer });
    }
    let is_output = info.direction == Direction::Output;
    Ok(Found { device: device.name.clone(), chip: path, offset: info.offset, is_output })
}

impl Found {
    fn error(&self, doing: &'static str, error: &gpiocdev::Error) -> BoardError {
        let (device, chip) = (self.device.clone(), self.chip.clone());
        BoardError::Line { device, doing, chip, line: self.offset, reason: error.to_string() }
    }

    fn request(&self) -> gpiocdev::request::Builder {
        let mut builder = Request::builder();
        builder.on_chip(&self.chip).with_consumer(CONSUMER).with_line(self.offset);
        builder
    }

    fn held(&self, request: Request) -> Line {
        let (device, chip) = (self.device.clone(), self.chip.clone());
        Line { device, chip, offset: self.offset, request: Arc::new(request) }
    }

    /// Takes the line as an output that starts `active` or not; the kernel sets the value before it turns
    /// the line's direction, so that it never shows the other one.
    pub fn output(&self, active_low: bool, active: bool) -> Result<Line, BoardError> {
        let mut builder = self.request();
        builder.as_output(Value::from(active));
        if active_low {
            builder.as_active_low();
        }
        Ok(self.held(builder.request().map_err(|error| self.error("take", &error))?))
    }

    /// Takes the line as an output that goes on showing what it shows; `false` in the answer is inactive.
    /// A line that is an input starts inactive.
    pub fn output_as_found(&self, active_low: bool) -> Result<(Line, bool), BoardError> {
        if !self.is_output {
            return Ok((self.output(active_low, false)?, false));
        }
        let mut builder = self.request();
        builder.as_is();
        if active_low {
            builder.as_active_low();
        }
        let request = builder.request().map_err(|error| self.error("take", &error))?;
        let value = request.value(self.offset).map_err(|error| self.error("read", &error))?;
        let mut config = request.config();
        config.with_line(self.offset).as_output(value);
        request.reconfigure(&config).map_err(|error| self.error("drive", &error))?;
        Ok((self.held(request), value == Value::Active))
    }

    /// Takes the line as an input, with edges where the chip can tell them.
    pub fn input(&self, active_low: bool) -> Result<Line, BoardError> {
        let mut builder = self.request();
        builder.as_input();
        if active_low {
            builder.as_active_low();
        }
        let without_edges = builder.config();
        builder.with_edge_detection(EdgeDetection::BothEdges);
        let request = builder.request().or_else(|error| {
            // Not every chip has interrupts; such an input can still be read.
            tracing::warn!("device `{}`: line {} reports no edges ({error})", self.device, self.offset);
            let mut plain = Request::from_config(without_edges);
            plain.on_chip(&self.chip).with_consumer(CONSUMER).request()
        });
        Ok(self.held(request.map_err(|error| self.error("take", &error))?))
    }
}

impl Line {
    fn error(&self, doing: &'static str, error: &gpiocdev::Error) -> BoardError {
        let (device, chip) = (self.device.clone(), self.chip.clone());
        BoardError::Line { device, doing, chip, line: self.offset, reason: error.to_string() }
    }

    pub fn set(&self, active: bool) -> Result<(), BoardError> {
        self.request.set_value(self.offset, Value::from(active)).map_err(|error| self.error("drive", &error))
    }

    pub fn is_active(&self) -> Result<bool, BoardError> {
        let value = self.request.value(self.offset).map_err(|error| self.error("read", &error))?;
        Ok(value == Value::Active)
    }

    /// The kernel's handle of the line, which reports its edges.
    pub fn request(&self) -> Arc<Request> {
        self.request.clone()
    }
}
