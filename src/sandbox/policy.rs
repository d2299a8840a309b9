//! What a caged program may do: written by the tool room, carried to the stage as JSON.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Layer;

/// Which program runs in the cage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// This binary, run again.
    Itself,
    /// A program file, by absolute path.
    File(PathBuf),
}

/// Everything that the stage needs to build a cage. What is not granted here does not exist inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The tool's name, for messages.
    pub name: String,
    /// What runs.
    pub program: Program,
    /// Its arguments, without the program's own name.
    pub arguments: Vec<String>,
    /// Paths that can be read (and, for programs and libraries, executed). Each must exist.
    pub read: Vec<PathBuf>,
    /// The same, but left out where the machine does not have them.
    pub read_if_present: Vec<PathBuf>,
    /// Directories and files that can be written. Each must exist.
    pub write: Vec<PathBuf>,
    /// Device files. Each must exist.
    pub devices: Vec<PathBuf>,
    /// The private folder outside; inside it is `/state` and the working directory. It must exist.
    pub state: Option<PathBuf>,
    /// An empty `/tmp` in memory, gone afterwards, of at most [`Limits::file_size`] bytes.
    pub tmp: bool,
    /// Whether the network can be reached (TCP and UDP over IP).
    pub network: bool,
    /// Whether there is a `/proc`, of the cage's own processes.
    pub proc: bool,
    /// Layers that the tool's file gives up where the machine lacks them.
    pub without: BTreeSet<Layer>,
    /// Layers that are taken as absent from this machine: shows what a machine without them does (tests, doctor).
    pub lacking: BTreeSet<Layer>,
    /// Bounds.
    pub limits: Limits,
}

/// Bounds on one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// From start to end, by the wall clock; then all of it is killed.
    pub time: Duration,
    /// Processor time of one process, in seconds.
    pub cpu: u64,
    /// Address space of one process, in bytes.
    pub memory: u64,
    /// Bytes of standard output that are read; at one more, all of it is killed.
    pub output: u64,
    /// Processes and threads at a time.
    pub processes: u64,
    /// Open descriptors of one process.
    pub open_files: u64,
    /// Bytes of one file that is written.
    pub file_size: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            time: Duration::from_secs(5),
            cpu: 5,
            memory: 256 << 20,
            output: 64 << 10,
            processes: 8,
            open_files: 64,
            file_size: 1 << 20,
        }
    }
}

impl Policy {
    /// A policy that grants nothing.
    pub fn nothing(name: &str, program: Program) -> Policy {
        Policy {
            name: name.to_owned(),
            program,
            arguments: Vec::new(),
            read: Vec::new(),
            read_if_present: Vec::new(),
            write: Vec::new(),
            devices: Vec::new(),
            state: None,
            tmp: false,
            network: false,
            proc: false,
            without: BTreeSet::new(),
            lacking: BTreeSet::new(),
            limits: Limits::default(),
        }
    }
}
