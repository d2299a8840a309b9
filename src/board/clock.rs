//! Time, handed in: the machine's monotonic clock, or one that tests and simulations turn by hand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Set by a signal handler or the terminal: whatever is waiting stops waiting.
pub type Cancel = Arc<AtomicBool>;

/// Monotonic time and a sleep that can be cut short.
pub trait Clock: Send + Sync {
    /// Time since an arbitrary start; never goes back.
    fn now(&self) -> Duration;
    /// Sleeps, and says whether the whole time passed (`false`: `cancel` was set).
    fn sleep(&self, time: Duration, cancel: &AtomicBool) -> bool;
    /// What a clock on the wall shows: seconds of local time since 1970. `None` while it is not set, as on a board
    /// without a battery that has not met a time server yet. May jump.
    fn local(&self) -> Option<u64>;
}

/// The machine's clock.
#[derive(Debug)]
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    /// How long a sleep goes without looking at the cancel flag. A flag and not a condition variable,
    /// because a signal handler may set nothing else.
    const SLICE: Duration = Duration::from_millis(10);

    /// A clock that starts at zero now.
    pub fn new() -> Self {
        RealClock { start: Instant::now() }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RealClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration, cancel: &AtomicBool) -> bool {
        let end = Instant::now() + time;
        loop {
            if cancel.load(Ordering::Relaxed) {
                return false;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(Self::SLICE));
        }
    }

    fn local(&self) -> Option<u64> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        (seconds >= SET_SINCE).then(|| seconds.saturating_add_signed(utc_offset(seconds)))
    }
}

/// A clock that shows an earlier time (the start of 2025) was never set: boards without one begin in 1970, or where
/// their file system was made.
const SET_SINCE: u64 = 1_735_689_600;

/// Seconds that local time is ahead of UTC at that moment.
#[cfg(target_os = "linux")]
#[allow(clippy::useless_conversion, reason = "the offset is an i32 on 32-bit boards")]
fn utc_offset(seconds: u64) -> i64 {
    let Ok(time) = libc::time_t::try_from(seconds) else { return 0 };
    let mut local = std::mem::MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to live values of the right types; `tm` is plain data, for which zeros are a value.
    unsafe {
        libc::localtime_r(&time, local.as_mut_ptr());
        i64::from(local.assume_init().tm_gmtoff)
    }
}

/// Elsewhere local time is UTC.
#[cfg(not(target_os = "linux"))]
fn utc_offset(_: u64) -> i64 {
    0
}

/// A clock that passes only when someone sleeps on it or [`SimClock::advance`]s it. Clones share the time.
#[derive(Clone, Debug, Default)]
pub struct SimClock {
    now: Arc<Mutex<Duration>>,
    /// Local time at zero, while it is set.
    zero: Arc<Mutex<Option<u64>>>,
}

impl SimClock {
    /// A clock that stands at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what the clock on the wall shows now, in seconds since 1970; `None`: it is not set.
    pub fn set_local(&self, seconds: Option<u64>) {
        let zero = seconds.map(|seconds| seconds.saturating_sub(self.now().as_secs()));
        *self.zero.lock().unwrap_or_else(PoisonError::into_inner) = zero;
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }
}

impl Clock for SimClock {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, time: Duration, cancel: &AtomicBool) -> bool {
        if cancel.load(Ordering::Relaxed) {
            return false;
        }
        self.advance(time);
        true
    }

    fn local(&self) -> Option<u64> {
        let zero = *self.zero.lock().unwrap_or_else(PoisonError::into_inner);
        zero.map(|zero| zero + self.now().as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_flag_ends_a_long_sleep() {
        let cancel: Cancel = Arc::default();
        let flag = cancel.clone();
        let setter = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            flag.store(true, Ordering::Relaxed);
        });
        let begin = Instant::now();
        assert!(!RealClock::new().sleep(Duration::from_secs(60), &cancel));
        assert!(begin.elapsed() < Duration::from_secs(10));
        setter.join().unwrap();
    }

    #[test]
    fn simulated_time_passes_by_sleeping() {
        let clock = SimClock::new();
        assert!(clock.sleep(Duration::from_secs(3600), &AtomicBool::new(false)));
        assert_eq!(clock.now(), Duration::from_secs(3600));
    }
}
