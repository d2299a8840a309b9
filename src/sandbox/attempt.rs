//! Forbidden acts, to be tried inside a cage (and, as a baseline, outside of one): what `pintail doctor --prove`
//! and the tests show denials with. Each answers with a JSON object on standard output: `{"done": ...}`
//! with what it got, or `{"denied": ...}` with what the system said.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::sys::{self, Fork};

/// The hidden command.
pub const ATTEMPT: &str = "cage-attempt";

/// An act that a cage denies or bounds.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Act {
    /// Reads a file; says how many bytes there were.
    Read {
        /// Which.
        path: PathBuf,
    },
    /// Lists a directory.
    Entries {
        /// Which.
        path: PathBuf,
    },
    /// Writes a byte to a file, which is made when it is not there.
    Write {
        /// Which.
        path: PathBuf,
    },
    /// Makes a UDP and a TCP socket.
    Socket,
    /// Connects over TCP.
    Connect {
        /// Where.
        address: SocketAddr,
    },
    /// Makes a child and traces it.
    Trace,
    /// Makes a user namespace.
    Unshare,
    /// Sends a signal to a process, to see whether it can.
    Signal {
        /// Which.
        pid: i32,
    },
    /// Starts children until that fails or there are this many; says how many there were.
    Fork {
        /// At most.
        most: u32,
    },
    /// Takes this many bytes of memory and touches them.
    Memory {
        /// How many.
        bytes: usize,
    },
    /// Writes this many bytes to standard output (and no JSON).
    Output {
        /// How many.
        bytes: u64,
    },
    /// Uses the processor for so long.
    Spin {
        /// Milliseconds.
        milliseconds: u64,
    },
    /// Starts a child in a session of its own that holds on to the output and, every 20 ms, adds a byte to a file;
    /// then sleeps.
    Linger {
        /// The child's file.
        path: PathBuf,
        /// How long the parent sleeps.
        milliseconds: u64,
    },
    /// Says which environment variables there are.
    Environment,
    /// Says which descriptors are open.
    Descriptors,
    /// Says who it is: user, process, capabilities, no_new_privs.
    Identity,
    /// Gives back standard input.
    Echo,
    /// Ends with this exit code.
    Exit {
        /// The code.
        code: i32,
    },
}

/// Tries it and prints what came of it.
pub fn main(act: Act) -> i32 {
    let answer = match act {
        Act::Output { bytes } => {
            let chunk = [b'x'; 4096];
            let mut left = bytes;
            let mut out = std::io::stdout().lock();
            while left > 0 && out.write_all(&chunk[..left.min(4096) as usize]).is_ok() {
                left -= left.min(4096);
            }
            return 0;
        }
        Act::Exit { code } => {
            eprintln!("ends with {code}");
            return code;
        }
        act => match attempt(act) {
            Ok(done) => json!({ "done": done }),
            Err(error) => json!({ "denied": error.to_string() }),
        },
    };
    println!("{answer}");
    0
}

fn attempt(act: Act) -> std::io::Result<Value> {
    Ok(match act {
        Act::Read { path } => {
            let mut bytes = Vec::new();
            std::fs::File::open(path)?.read_to_end(&mut bytes)?.into()
        }
        Act::Entries { path } => {
            let mut names = std::fs::read_dir(path)?
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<std::io::Result<Vec<_>>>()?;
            names.sort();
            names.into()
        }
        Act::Write { path } => {
            std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(b"x")?;
            true.into()
        }
        Act::Socket => {
            UdpSocket::bind("127.0.0.1:0")?;
            TcpListener::bind("127.0.0.1:0")?;
            true.into()
        }
        Act::Connect { address } => {
            TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
            true.into()
        }
        Act::Trace => {
            let Fork::Parent(child) = sys::fork()? else {
                std::thread::sleep(Duration::from_secs(5));
                sys::exit_now(0)
            };
            let traced = sys::seize(child);
            let _ = sys::kill(child, libc::SIGKILL);
            sys::wait(child, true);
            traced?;
            true.into()
        }
        Act::Unshare => {
            sys::unshare(libc::CLONE_NEWUSER)?;
            true.into()
        }
        Act::Signal { pid } => {
            sys::kill(pid, 0)?;
            true.into()
        }
        Act::Fork { most } => fork_up_to(most).into(),
        Act::Memory { bytes } => {
            let mut block: Vec<u8> = Vec::new();
            block.try_reserve_exact(bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
            block.resize(bytes, 1);
            std::hint::black_box(&block).len().into()
        }
        Act::Spin { milliseconds } => {
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_millis(milliseconds) {
                std::hint::spin_loop();
            }
            true.into()
        }
        Act::Linger { path, milliseconds } => {
            if let Fork::Child = sys::fork()? {
                let _ = sys::new_session();
                loop {
                    if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(&path) {
                        let _ = file.write_all(b"x");
                    }
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            std::thread::sleep(Duration::from_millis(milliseconds));
            true.into()
        }
        Act::Environment => {
            let mut names: Vec<String> =
                std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
            names.sort();
            names.into()
        }
        Act::Descriptors => (0..1024).filter(|&fd| sys::is_open(fd)).collect::<Vec<_>>().into(),
        Act::Identity => identity()?,
        Act::Echo => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text.into()
        }
        Act::Output { .. } | Act::Exit { .. } => Value::Null,
    })
}

/// Children that sleep; all are killed again.
fn fork_up_to(most: u32) -> usize {
    let mut children = Vec::new();
    while children.len() < most as usize {
        match sys::fork() {
            Ok(Fork::Child) => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            Ok(Fork::Parent(pid)) => children.push(pid),
            Err(_) => break,
        }
    }
    for &pid in &children {
        let _ = sys::kill(pid, libc::SIGKILL);
        sys::wait(pid, true);
    }
    children.len()
}

fn identity() -> std::io::Result<Value> {
    let (user, group) = sys::ids();
    Ok(json!({
        "user": user,
        "group": group,
        "pid": std::process::id(),
        "administrator": sys::is_administrator(),
        "no_new_privs": sys::has_no_new_privileges(),
        "directory": std::env::current_dir()?,
    }))
}
