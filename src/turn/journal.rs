//! What outlives a power cut: the agent's state, appended to a file a line at a time.
//!
//! A line is a checksum and a [`Record`] as JSON. What was being written when the power went is a line without its end or
//! with a wrong checksum; the last whole line counts. The file is written anew when it has grown, beside itself and then
//! renamed, so that at every moment a whole one is there.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::schedule::Kept;
use crate::agent::chart::Cron;
use crate::agent::{Flush, MachineState, TimerId};
use crate::board;

/// The file is written anew when it has more bytes.
const MOST: u64 = 256 << 10;
/// A file with more bytes was not written by us.
const MOST_READ: u64 = 16 << 20;

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file or its folder.
    #[error("the journal {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another program writes it.
    #[error("the journal {} is in use: is this agent running already? --state-dir keeps another one apart", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
}

/// All that an agent needs to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Of the agent that it belongs to; another file's state is of no use.
    pub agent: String,
    /// What the clock on the wall showed.
    pub clock: Option<u64>,
    /// The machine.
    pub machine: MachineState,
    /// Its timers.
    pub timers: Vec<Left>,
    /// What the outputs did, by name.
    pub outputs: BTreeMap<String, board::State>,
    /// Acts for later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) scheduled: Vec<Kept>,
}

/// What is left of a timer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Left {
    /// Its name.
    pub id: TimerId,
    /// Milliseconds that it had to run when this was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    /// When it strikes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<Cron>,
}

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    bytes: u64,
    sync: Flush,
    /// When the disk had all of it, and whether something was written since.
    synced: Duration,
    dirty: bool,
    /// Held for as long as the journal is.
    _lock: File,
}

impl Journal {
    /// Opens or makes the journal and reads its last whole record. A file in which no line is whole is put aside as
    /// `….corrupt`, and that is logged.
    ///
    /// # Errors
    /// What the system says of the folder or the file, and when another program has it open.
    pub fn open(path: &Path, sync: Flush) -> Result<(Journal, Option<Record>), JournalError> {
        let fault = |source| JournalError::File { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(fault)?;
        }
        let lock = locked(&path.with_extension("lock")).map_err(fault)?;
        let Some(lock) = lock else { return Err(JournalError::Locked { path: path.to_owned() }) };
        let open =
            |path: &Path| OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = open(path).map_err(fault)?;
        let mut text = Vec::new();
        Read::by_ref(&mut file).take(MOST_READ + 1).read_to_end(&mut text).map_err(fault)?;
        let (end, record) = last(&text);
        if record.is_none() && !text.is_empty() {
            let aside = path.with_extension("corrupt");
            tracing::warn!("no line of {} is whole: it is now {}", path.display(), aside.display());
            fs::rename(path, aside).map_err(fault)?;
            file = open(path).map_err(fault)?;
        }
        // What comes next must not stand behind half a line.
        file.set_len(end).and_then(|()| file.seek(SeekFrom::Start(end))).map_err(fault)?;
        let path = path.to_owned();
        let journal =
            Journal { path, file, bytes: end, sync, synced: Duration::ZERO, dirty: false, _lock: lock };
        Ok((journal, record))
    }

    /// Appends a record at the time `now`; with [`Flush::Always`] it is on the disk when this returns.
    ///
    /// # Errors
    /// What the system says.
    pub fn append(&mut self, record: &Record, now: Duration) -> Result<(), JournalError> {
        let fault = |source| JournalError::File { path: self.path.clone(), source };
        let line = line(record).map_err(|error| fault(error.into()))?;
        if self.bytes + line.len() as u64 > MOST {
            let beside = self.path.with_extension("new");
            let mut file = File::create(&beside).map_err(fault)?;
            file.write_all(&line).and_then(|()| file.sync_all()).map_err(fault)?;
            fs::rename(&beside, &self.path).map_err(fault)?;
            if let Some(folder) = self.path.parent() {
                // The new name is on the disk when the folder is.
                File::open(folder).and_then(|folder| folder.sync_all()).map_err(fault)?;
            }
            (self.file, self.bytes, self.dirty, self.synced) = (file, line.len() as u64, false, now);
            return Ok(());
        }
        self.file.write_all(&line).map_err(fault)?;
        self.bytes += line.len() as u64;
        self.dirty = true;
        self.flush(now)
    }

    /// Has the disk take what was written, when it is time to.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self, now: Duration) -> Result<(), JournalError> {
        let due = match self.sync {
            Flush::Always => true,
            Flush::Every(time) => now >= self.synced.saturating_add(time),
            Flush::Never => false,
        };
        if self.dirty && due {
            let fault = |source| JournalError::File { path: self.path.clone(), source };
            self.file.sync_data().map_err(fault)?;
            (self.dirty, self.synced) = (false, now);
        }
        Ok(())
    }
}

fn line(record: &Record) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_string(record)?;
    Ok(format!("{:016x} {json}\n", checksum(json.as_bytes())).into_bytes())
}

/// The last whole record, and where its line ends.
fn last(text: &[u8]) -> (u64, Option<Record>) {
    let mut end = text.len();
    while let Some(newline) = text[..end].iter().rposition(|&byte| byte == b'\n') {
        let start = text[..newline].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        if let Some(record) = whole(&text[start..newline]) {
            return (newline as u64 + 1, Some(record));
        }
        end = newline;
    }
    (0, None)
}

fn whole(line: &[u8]) -> Option<Record> {
    let line = std::str::from_utf8(line).ok()?;
    let (sum, json) = line.split_once(' ')?;
    (u64::from_str_radix(sum, 16).ok()? == checksum(json.as_bytes())).then_some(())?;
    serde_json::from_str(json).ok()
}

/// FNV-1a, 64 bits (<https://www.rfc-editor.org/rfc/rfc9923>): tells torn lines from whole ones, and one agent from another.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// How long a lock is waited for.
#[cfg(target_os = "linux")]
const LOCK_WAIT: std::time::Duration = std::time::Duration::from_millis(200);

/// The file, held against other programs; `None` when another one has it. The lock ends with the process, however that ends.
#[cfg(target_os = "linux")]
fn locked(path: &Path) -> io::Result<Option<File>> {
    use std::os::fd::AsRawFd;
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let since = std::time::Instant::now();
    loop {
        // SAFETY: the descriptor is open for as long as `file` lives; flock(2) touches no memory of ours.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            return Ok(Some(file));
        }
        match io::Error::last_os_error() {
            // A tool that is being started holds our files until it is another program, and one who was killed a moment longer.
            error if error.kind() == io::ErrorKind::WouldBlock && since.elapsed() < LOCK_WAIT => {
                std::thread::sleep(LOCK_WAIT / 20);
            }
            error if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            error => return Err(error),
        }
    }
}

/// Elsewhere nobody else is expected.
#[cfg(not(target_os = "linux"))]
fn locked(path: &Path) -> io::Result<Option<File>> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(n: u64) -> Record {
        let machine = MachineState { active: vec![0], serial: n, running: true, ..MachineState::default() };
        let outputs = BTreeMap::from([("lämp".to_owned(), board::State::On { level: Some(n as f64) })]);
        let timers = vec![Left { id: TimerId(n), left: Some(n * 1000), cron: None }];
        Record { agent: "a".into(), clock: Some(n), machine, timers, outputs, scheduled: Vec::new() }
    }

    #[test]
    fn a_file_cut_at_every_byte_gives_the_last_whole_record_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        let mut ends = vec![0];
        {
            let (mut journal, none) = Journal::open(&path, Flush::Always).unwrap();
            assert_eq!(none, None);
            for n in 0..4 {
                journal.append(&record(n), Duration::ZERO).unwrap();
                ends.push(fs::metadata(&path).unwrap().len());
            }
        }
        let whole = fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, found) = Journal::open(&path, Flush::Always).unwrap();
            let lines = ends.iter().filter(|&&end| end > 0 && end <= cut as u64).count() as u64;
            assert_eq!(found, lines.checked_sub(1).map(record), "cut at {cut}");
            journal.append(&record(9), Duration::ZERO).unwrap();
            drop(journal);
            assert_eq!(Journal::open(&path, Flush::Always).unwrap().1, Some(record(9)), "cut at {cut}");
        }
    }

    #[test]
    fn a_damaged_line_falls_back_to_the_one_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        {
            let (mut journal, _) = Journal::open(&path, Flush::Always).unwrap();
            journal.append(&record(1), Duration::ZERO).unwrap();
            journal.append(&record(2), Duration::ZERO).unwrap();
        }
        let whole = fs::read(&path).unwrap();
        let first = whole.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        for at in first..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x15;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(Journal::open(&path, Flush::Always).unwrap().1, Some(record(1)), "byte {at}");
        }
        fs::write(&path, b"\x00\xff no journal\n").unwrap();
        assert_eq!(Journal::open(&path, Flush::Always).unwrap().1, None);
        assert!(path.with_extension("corrupt").is_file());
    }

    #[test]
    fn it_stays_small_and_belongs_to_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.journal");
        let (mut journal, _) = Journal::open(&path, Flush::Always).unwrap();
        #[cfg(target_os = "linux")]
        assert!(matches!(Journal::open(&path, Flush::Always), Err(JournalError::Locked { .. })));
        for n in 0..3000 {
            journal.append(&record(n), Duration::ZERO).unwrap();
        }
        assert!(fs::metadata(&path).unwrap().len() <= MOST);
        drop(journal);
        assert_eq!(Journal::open(&path, Flush::Always).unwrap().1, Some(record(2999)));
    }

    #[test]
    fn the_disk_is_made_to_take_it_as_often_as_the_agent_says() {
        let folder = tempfile::tempdir().unwrap();
        for (sync, dirty) in [
            (Flush::Always, [false, false, false, false]),
            (Flush::Every(Duration::from_secs(10)), [true, true, false, true]),
            (Flush::Never, [true, true, true, true]),
        ] {
            let path = folder.path().join(format!("{sync:?}.journal"));
            let (mut journal, _) = Journal::open(&path, sync).unwrap();
            for (n, (seconds, dirty)) in [1, 9, 11, 20].into_iter().zip(dirty).enumerate() {
                journal.append(&record(n as u64), Duration::from_secs(seconds)).unwrap();
                assert_eq!(journal.dirty, dirty, "{sync:?} at {seconds} s");
            }
            journal.flush(Duration::from_secs(30)).unwrap();
            assert_eq!(journal.dirty, sync == Flush::Never, "{sync:?}");
            drop(journal);
            assert_eq!(Journal::open(&path, sync).unwrap().1, Some(record(3)), "{sync:?}");
        }
    }
}
