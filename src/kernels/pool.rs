//! Threads that live as long as a session and share out the rows of a product.
//!
//! Starting threads per matrix costs more than a small matrix does, so workers wait: they spin for some microseconds,
//! because the next product follows soon, then park. The caller works too, and never waits for a worker that has not
//! begun: when all parts are taken it closes the job, and only those who entered it are waited for. On a busy machine a
//! job thus costs what it costs alone.
//!
//! Parts are dealt out beforehand, neighbours to the same thread, which does them in order: weights are then read as a few long
//! streams, and what was fetched ahead at the end of a part is the next one's beginning. Who has done its own takes from the
//! end of another's.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

/// Looks at the job word before parking; about 20 to 100 µs, by the length of the CPU's pause.
const SPINS: usize = 1000;

/// The job word: number of the job in the high half, whether it can be entered, and how many workers are inside.
const OPEN: u64 = 1 << 31;
const INSIDE: u64 = OPEN - 1;
const NEXT: u64 = 1 << 32;

type Job = dyn Fn(usize) + Sync;

/// A fixed set of threads. [`Pool::run`] is the only verb.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    word: AtomicU64,
    /// The open job; written only while no worker is inside and the word is closed.
    job: UnsafeCell<Option<*const Job>>,
    /// The parts that each thread has left, the caller's first.
    lanes: Box<[Lane]>,
    panicked: AtomicBool,
    /// One job at a time, although `run` takes `&self`.
    busy: AtomicBool,
    quit: AtomicBool,
    parked: Vec<AtomicBool>,
}

/// Parts from the first, in the upper half, to before the last, in the lower half. On a cache line of its own.
#[repr(align(128))]
#[derive(Default)]
struct Lane(AtomicU64);

impl Lane {
    /// Takes the first part, or the last.
    fn take(&self, first: bool) -> Option<usize> {
        let rest = |left: u64| {
            let (from, to) = (left >> 32, left & u64::from(u32::MAX));
            (from < to).then(|| if first { left + (1 << 32) } else { left - 1 })
        };
        // Nothing but the numbers goes from thread to thread here; the job itself went through the word.
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest).ok()?;
        Some(if first { left >> 32 } else { (left & u64::from(u32::MAX)) - 1 } as usize)
    }
}

// SAFETY: `job` is written by the one caller that holds `busy`, while the word is closed and nobody is inside; workers
// read it only after entering through the word (acquire), which the caller opened after writing (release).
unsafe impl Sync for Shared {}
// SAFETY: the raw pointer in `job` is used only as described for `Sync`.
unsafe impl Send for Shared {}

impl Pool {
    /// `threads` in all, the caller's included; 0 counts as 1, and 1 starts none. Threads that the machine refuses are
    /// done without.
    pub fn new(threads: usize) -> Self {
        let extra = threads.clamp(1, 256) - 1;
        let shared = Arc::new(Shared {
            word: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            lanes: (0..=extra).map(|_| Lane::default()).collect(),
            panicked: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            quit: AtomicBool::new(false),
            parked: (0..extra).map(|_| AtomicBool::new(false)).collect(),
        });
        let start = |i| {
            let shared = Arc::clone(&shared);
            let builder = std::thread::Builder::new().name(format!("pintail-{i}")).stack_size(256 * 1024);
            builder.spawn(move || shared.work(i)).ok()
        };
        let workers = (0..extra).map_while(start).collect();
        Self { shared, workers }
    }

    /// Threads that a job may run on, the caller's included.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `job` once for each part below `parts`, on any thread, and returns when all are done. Of `n` threads each begins with
    /// one `n`th of the parts, and does them in order unless another thread takes the last ones from it.
    /// Called from inside a job, or from two threads at once, the later call does all its parts itself.
    ///
    /// # Panics
    /// If a part panicked, after all others have ended; if there are 2^32 parts.
    pub fn run(&self, parts: usize, job: &(dyn Fn(usize) + Sync)) {
        let shared = &*self.shared;
        assert!(u32::try_from(parts).is_ok(), "a job of {parts} parts");
        if self.workers.is_empty() || parts < 2 || shared.busy.swap(true, Ordering::Acquire) {
            (0..parts).for_each(job);
            return;
        }
        let edge = |i: usize| parts as u64 * i as u64 / shared.lanes.len() as u64;
        for (i, lane) in shared.lanes.iter().enumerate() {
            lane.0.store(edge(i) << 32 | edge(i + 1), Ordering::Relaxed);
        }
        // SAFETY: only the lifetime is changed; this function does not return (nor unwind) before the job is closed and
        // nobody is inside it.
        let job: &'static Job = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static Job>(job) };
        // SAFETY: `busy` is ours, the word is closed and nobody is inside, so nobody reads this now.
        unsafe { *shared.job.get() = Some(job) };
        let word = (shared.word.load(Ordering::Relaxed) & !(NEXT - 1)).wrapping_add(NEXT) | OPEN;
        shared.word.store(word, Ordering::SeqCst);
        for (parked, worker) in shared.parked.iter().zip(&self.workers) {
            if parked.load(Ordering::SeqCst) && parked.swap(false, Ordering::SeqCst) {
                worker.thread().unpark();
            }
        }
        let ours = catch_unwind(AssertUnwindSafe(|| shared.take_parts(job, 0)));
        let mut inside = shared.word.fetch_and(!OPEN, Ordering::AcqRel) & INSIDE;
        let mut waits = 0usize;
        while inside > 0 {
            waits += 1;
            // A worker that lost its core in the middle of a part needs ours.
            if waits.is_multiple_of(SPINS) {
                std::thread::yield_now()
            } else {
                std::hint::spin_loop()
            }
            inside = shared.word.load(Ordering::Acquire) & INSIDE;
        }
        let panicked = shared.panicked.swap(false, Ordering::Relaxed);
        shared.busy.store(false, Ordering::Release);
        if let Err(panic) = ours {
            resume_unwind(panic);
        }
        assert!(!panicked, "a worker of the pool panicked");
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.quit.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker's panic was reported by `run`.
            let _ = worker.join();
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pool({} threads)", self.threads())
    }
}

impl Shared {
    /// Does the parts of thread `me`, then what others have left.
    fn take_parts(&self, job: &Job, me: usize) {
        while let Some(part) = self.lanes[me].take(true) {
            job(part);
        }
        for other in (1..self.lanes.len()).map(|i| &self.lanes[(me + i) % self.lanes.len()]) {
            while let Some(part) = other.take(false) {
                job(part);
            }
        }
    }

    fn work(&self, me: usize) {
        let mut done = 0;
        while let Some(number) = self.wait(me, done) {
            done = number;
            // SAFETY: this worker is counted inside, so the job cannot be replaced, nor what it borrows end.
            if let Some(job) = unsafe { *self.job.get() } {
                // SAFETY: as above.
                let job = unsafe { &*job };
                if catch_unwind(AssertUnwindSafe(|| self.take_parts(job, me + 1))).is_err() {
                    self.panicked.store(true, Ordering::Relaxed);
                }
            }
            self.word.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Enters the next open job and returns its number; `None` at the end.
    fn wait(&self, me: usize, done: u64) -> Option<u64> {
        let mut spins = 0;
        loop {
            let word = self.word.load(Ordering::SeqCst);
            let number = word & !(NEXT - 1);
            if word & OPEN != 0 && number != done {
                let enter =
                    self.word.compare_exchange_weak(word, word + 1, Ordering::AcqRel, Ordering::Relaxed);
                if enter.is_ok() {
                    self.parked[me].store(false, Ordering::SeqCst);
                    return Some(number);
                }
                continue;
            }
            if self.quit.load(Ordering::SeqCst) {
                return None;
            }
            spins += 1;
            if spins < SPINS {
                std::hint::spin_loop();
            } else if self.parked[me].swap(true, Ordering::SeqCst) {
                // Said at least one look ago that it sleeps, so no job that opened since can have missed that.
                std::thread::park();
                spins = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_lane_is_taken_from_both_ends() {
        let lane = Lane(AtomicU64::new(3 << 32 | 7));
        let taken = [true, true, false, true, false, true].map(|first| lane.take(first));
        assert_eq!(taken, [Some(3), Some(4), Some(6), Some(5), None, None]);
        assert_eq!(Lane::default().take(true), None);
    }

    #[test]
    fn every_part_runs_once_job_after_job() {
        for threads in [0, 1, 2, 3, 8] {
            let pool = Pool::new(threads);
            for round in 0..300 {
                let parts = round % 17;
                let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
                pool.run(parts, &|part| {
                    counts[part].fetch_add(1, Ordering::Relaxed);
                });
                assert!(
                    counts.iter().all(|c| c.load(Ordering::Relaxed) == 1),
                    "{threads} threads, round {round}"
                );
                if round % 100 == 99 {
                    // Long enough for the workers to park.
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            }
        }
    }

    #[test]
    fn a_panic_in_a_part_comes_out_and_the_pool_lives_on() {
        let pool = Pool::new(3);
        for _ in 0..20 {
            let run = || pool.run(8, &|part| assert!(part != 5, "part five"));
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
            let sum = AtomicUsize::new(0);
            pool.run(8, &|part| {
                sum.fetch_add(part, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 28);
        }
    }

    #[test]
    fn a_run_inside_a_run_and_two_callers_at_once_work() {
        let pool = Pool::new(2);
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        pool.run(3, &|_| {
                            pool.run(2, &|_| {
                                sum.fetch_add(1, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(sum.into_inner(), 2 * 200 * 6);
    }
}
