//! The parent's side: starts the stage, feeds the tool, reads at most so much, and ends everything in time.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::policy::Policy;
use super::stage::Report;
use super::{Layer, SandboxError, sys};

/// The hidden command that runs the stage.
pub const STAGE: &str = "cage-stage";
/// Bytes of standard error that are kept; the rest is read and thrown away.
const ERROR_LIMIT: usize = 4096;
/// How long the stage may take to kill what is in the cage before it is killed itself.
const GRACE: Duration = Duration::from_secs(2);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with an exit code; a signal counts as 128 and its number.
    Exit(i32),
    /// Killed at its wall-time limit.
    TimedOut,
    /// Killed because it wrote more than the output limit.
    Overflow,
    /// Killed because the caller asked for it.
    Cancelled,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// Standard output, at most the limit.
    pub output: Vec<u8>,
    /// The beginning of standard error, at most 4 KiB.
    pub complaint: Vec<u8>,
    /// The layers that were in force.
    pub layers: Vec<Layer>,
    /// Wall time of the whole, cage included.
    pub elapsed: Duration,
}

/// Runs a program in a cage and waits for its end; `exe` is a pintail binary to make the stage of. When this comes
/// back nothing of the cage runs any more.
///
/// # Errors
/// When the cage cannot be built as the policy says, or the stage cannot be started. The program did not run then.
pub fn run(policy: &Policy, exe: &Path, input: &[u8], cancel: &AtomicBool) -> Result<Outcome, SandboxError> {
    let start = Instant::now();
    let system = |step: &'static str| {
        let tool = policy.name.clone();
        move |source| SandboxError::System { tool, step, source }
    };
    let (mut socket, theirs) = UnixStream::pair().map_err(system("make a socket"))?;
    let fd = theirs.as_raw_fd();
    let mut command = Command::new(exe);
    command.arg(STAGE).arg(fd.to_string()).env_clear().current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // SAFETY: between fork and exec only fcntl runs, which is async-signal-safe; the descriptor lives until after spawn.
    unsafe { command.pre_exec(move || sys::close_on_exec(fd, false)) };
    let child = command.spawn().map_err(system("start the stage"))?;
    drop(theirs);
    let mut cage = Cage(child);

    let text = serde_json::to_vec(policy).map_err(|error| system("write the policy")(error.into()))?;
    // A stage that is gone already says why on the other way.
    let _ = socket.write_all(&text);
    let _ = socket.shutdown(std::net::Shutdown::Write);

    let mut streams = Streams::new(&mut cage.0, socket, input).map_err(system("set up its streams"))?;
    let deadline = start + policy.limits.time;
    let limit = usize::try_from(policy.limits.output).unwrap_or(usize::MAX);
    let mut exited = None;
    let ending = loop {
        if streams.output.len() > limit {
            streams.output.truncate(limit);
            break Ending::Overflow;
        }
        // What it wrote last may have come after a pump that found nothing, and before this: only a pump from here on that finds
        // nothing has read all there is.
        let drained = exited.is_some() && !streams.progress;
        exited = cage.0.try_wait().map_err(system("wait for it"))?;
        if let Some(status) = exited
            && (streams.all_ended() || drained)
        {
            break Ending::Exit(status.code().unwrap_or(128));
        }
        if cancel.load(Ordering::Relaxed) {
            break Ending::Cancelled;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break Ending::TimedOut;
        }
        let wait = if exited.is_some() { Duration::ZERO } else { left.min(streams.patience()) };
        streams.pump(wait, limit).map_err(system("read from it"))?;
    };
    cage.end();
    // The socket's last words may still be in it.
    streams.read_report();
    let layers = streams.judge(policy)?;
    Ok(Outcome {
        ending,
        output: streams.output,
        complaint: streams.complaint,
        layers,
        elapsed: start.elapsed(),
    })
}

/// The stage's process; ended, with all that is in it, when this goes.
struct Cage(Child);

impl Cage {
    fn end(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        // Asked first, because only the stage can wait until the last process of the cage is gone.
        let _ = sys::kill(self.0.id() as libc::pid_t, libc::SIGTERM);
        let start = Instant::now();
        while start.elapsed() < GRACE {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        self.end();
    }
}

/// The four ways between parent and cage. None of them can block the parent.
struct Streams<'a> {
    stdin: Option<std::process::ChildStdin>,
    input: &'a [u8],
    stdout: Option<std::process::ChildStdout>,
    output: Vec<u8>,
    stderr: Option<std::process::ChildStderr>,
    complaint: Vec<u8>,
    socket: Option<UnixStream>,
    report: Vec<u8>,
    /// Whether the last pump moved a byte.
    progress: bool,
    idle: u32,
}

impl<'a> Streams<'a> {
    fn new(child: &mut Child, socket: UnixStream, input: &'a [u8]) -> std::io::Result<Streams<'a>> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let fds = [
            stdin.as_ref().map(AsRawFd::as_raw_fd),
            stdout.as_ref().map(AsRawFd::as_raw_fd),
            stderr.as_ref().map(AsRawFd::as_raw_fd),
            Some(socket.as_raw_fd()),
        ];
        for fd in fds.into_iter().flatten() {
            sys::non_blocking(fd)?;
        }
        Ok(Streams {
            stdin,
            input,
            stdout,
            output: Vec::new(),
            stderr,
            complaint: Vec::new(),
            socket: Some(socket),
            report: Vec::new(),
            progress: true,
            idle: 0,
        })
    }

    fn all_ended(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// How long to wait for a descriptor: shortly once the tool has closed its output, for then only its end is awaited,
    /// which no descriptor tells.
    fn patience(&self) -> Duration {
        if self.all_ended() {
            Duration::from_millis(1 << self.idle.min(5))
        } else {
            Duration::from_millis(50)
        }
    }

    fn pump(&mut self, wait: Duration, limit: usize) -> std::io::Result<()> {
        self.progress = false;
        if self.input.is_empty() {
            self.stdin = None;
        }
        let none: RawFd = -1;
        let fd = |fd: Option<RawFd>, events| libc::pollfd { fd: fd.unwrap_or(none), events, revents: 0 };
        let mut fds = [
            fd(self.stdin.as_ref().map(AsRawFd::as_raw_fd), libc::POLLOUT),
            fd(self.stdout.as_ref().map(AsRawFd::as_raw_fd), libc::POLLIN),
            fd(self.stderr.as_ref().map(AsRawFd::as_raw_fd), libc::POLLIN),
            fd(self.socket.as_ref().map(AsRawFd::as_raw_fd), libc::POLLIN),
        ];
        self.idle += u32::from(self.all_ended());
        // At least one millisecond, unless the stage has ended and only the remains are read.
        let milliseconds = if wait.is_zero() { 0 } else { wait.as_millis().max(1) as i32 };
        sys::poll(&mut fds, milliseconds)?;
        if fds[0].revents != 0 {
            self.feed();
        }
        if fds[1].revents != 0 && drain(&mut self.stdout, &mut self.output, limit + 1, &mut self.progress)? {
            self.stdout = None;
        }
        if fds[2].revents != 0
            && drain(&mut self.stderr, &mut self.complaint, ERROR_LIMIT, &mut self.progress)?
        {
            self.stderr = None;
        }
        if fds[3].revents != 0 {
            self.read_report();
        }
        Ok(())
    }

    fn feed(&mut self) {
        let Some(stdin) = &mut self.stdin else { return };
        match stdin.write(self.input) {
            Ok(count) => {
                self.input = &self.input[count..];
                self.progress = true;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // A tool need not read its arguments.
            Err(_) => self.input = &[],
        }
    }

    fn read_report(&mut self) {
        let mut ignored = false;
        if let Ok(true) | Err(_) = drain(&mut self.socket, &mut self.report, 1 << 16, &mut ignored) {
            self.socket = None;
        }
    }

    fn judge(&self, policy: &Policy) -> Result<Vec<Layer>, SandboxError> {
        let tool = || policy.name.clone();
        let mut ready = None;
        for line in self.report.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(Report::Ready(layers)) => ready = Some(layers),
                Ok(Report::Refused(refusal)) => {
                    return Err(match refusal.layer {
                        Some(layer) => SandboxError::Lacking { tool: tool(), layer, why: refusal.message },
                        None => SandboxError::Refused { tool: tool(), why: refusal.message },
                    });
                }
                Err(_) => {}
            }
        }
        ready.ok_or_else(|| {
            let said = String::from_utf8_lossy(&self.complaint);
            let why = match said.trim() {
                "" => "the stage ended before the cage stood".to_owned(),
                said => format!("the stage ended before the cage stood: {said}"),
            };
            SandboxError::Refused { tool: tool(), why }
        })
    }
}

/// Reads what is there, keeping at most `limit` bytes in all. True at the end of the stream. Stops when the
/// limit is reached, so that a tool that never stops writing cannot hold the parent here.
fn drain(
    from: &mut Option<impl Read>,
    to: &mut Vec<u8>,
    limit: usize,
    progress: &mut bool,
) -> std::io::Result<bool> {
    let Some(from) = from else { return Ok(true) };
    let mut buffer = [0; 8192];
    for _ in 0..16 {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(count) => {
                *progress = true;
                let room = limit.saturating_sub(to.len()).min(count);
                to.extend_from_slice(&buffer[..room]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}
