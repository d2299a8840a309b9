//! What comes from outside while nobody types: signals, edges of inputs, timers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::turn::Engine;

/// How often timers are looked at. Edges wake their own thread at once.
const TICK: Duration = Duration::from_millis(50);

/// Prints what the agent says by itself.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// An engine that can be reached from several threads, one at a time.
#[derive(Clone)]
pub struct Shell {
    engine: Arc<Mutex<Engine>>,
    cancel: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
}

impl Shell {
    /// Takes the engine. `cancel` is the flag that the engine was made with.
    pub fn new(engine: Engine, cancel: Arc<AtomicBool>) -> Shell {
        Shell { engine: Arc::new(Mutex::new(engine)), cancel, stopping: Arc::default() }
    }

    /// The engine, when nobody else uses it. A turn that panicked leaves it usable: the safety kernel's state is
    /// whole between calls.
    pub fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the engine ready for another request after one was cancelled.
    pub fn clear(&self) {
        if !self.stopping.load(Ordering::SeqCst) {
            self.cancel.store(false, Ordering::SeqCst);
        }
    }

    /// Whether the process has been told to end.
    pub fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Returns the lines to their safe states.
    ///
    /// # Errors
    /// What the board says.
    pub fn shutdown(&self) -> Result<(), crate::board::BoardError> {
        self.engine().shutdown()
    }

    /// Starts listening on threads of its own. SIGTERM and SIGHUP (and Ctrl-C unless `interactive`, where it only
    /// ends the current request) return the lines to their safe states and end the process with 128 and the
    /// signal's number.
    ///
    /// # Errors
    /// When the system refuses signal handlers, threads or the inputs' edges.
    pub fn listen(&self, interactive: bool, say: Say) -> anyhow::Result<()> {
        let edges = self.engine().edges()?;
        let (shell, speak) = (self.clone(), say.clone());
        std::thread::Builder::new().name("edges".into()).spawn(move || shell.follow(edges, &speak))?;
        let shell = self.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || runtime.block_on(shell.wait(interactive, say)))?;
        Ok(())
    }

    fn follow(&self, mut edges: Box<dyn crate::board::Edges>, say: &Say) {
        while !self.stopping() {
            match edges.wait(Duration::from_millis(500)) {
                Ok(list) => {
                    for edge in list {
                        for text in self.engine().edge(edge.device, edge.rising) {
                            say(&text);
                        }
                    }
                }
                Err(error) => {
                    say(&format!("The inputs can no longer be followed: {error}"));
                    return;
                }
            }
        }
    }

    async fn wait(&self, interactive: bool, say: Say) {
        let handlers =
            (signal(SignalKind::terminate()), signal(SignalKind::hangup()), signal(SignalKind::interrupt()));
        let (Ok(mut terminate), Ok(mut hangup), Ok(mut interrupt)) = handlers else {
            say(
                "Signals cannot be handled: end the program with Ctrl-D, so that lines return to safe states.",
            );
            return;
        };
        let mut tick = tokio::time::interval(TICK);
        loop {
            let number = tokio::select! {
                _ = terminate.recv() => 15,
                _ = hangup.recv() => 1,
                _ = interrupt.recv() => 2,
                _ = tick.tick() => {
                    // A turn in progress looks after its own time.
                    if let Ok(mut engine) = self.engine.try_lock() {
                        for text in engine.tick() {
                            say(&text);
                        }
                    }
                    continue;
                }
            };
            self.cancel.store(true, Ordering::SeqCst);
            if number == 2 && interactive {
                continue;
            }
            self.stopping.store(true, Ordering::SeqCst);
            if let Err(error) = self.shutdown() {
                say(&format!("The board could not be left safe: {error}"));
            }
            std::process::exit(128 + number);
        }
    }
}
