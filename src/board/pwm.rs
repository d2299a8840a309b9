//! Software PWM: a thread that switches one line on and off.
//!
//! The character device has no PWM, so a level is made by a thread per dimmed line. It exists only while
//! its level is between 0 and 100 percent; how steady the light is depends on the scheduler.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Switches a line; the PWM thread calls it twice a period.
pub(super) type Switch = Box<dyn FnMut(bool) -> Result<(), String> + Send>;

/// A running PWM channel. Dropping it ends its thread and leaves the line as it happens to be: the
/// owner sets the line right after.
pub(super) struct Pwm {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<Channel>,
    changed: Condvar,
}

struct Channel {
    percent: f64,
    stop: bool,
    error: Option<String>,
}

impl Pwm {
    /// The frequency where the agent file names none, in hertz.
    pub const DEFAULT_HZ: u32 = 100;

    /// Starts a channel at a level between 0 and 100 percent.
    pub fn start(hz: u32, percent: f64, switch: Switch) -> std::io::Result<Pwm> {
        let state = Mutex::new(Channel { percent, stop: false, error: None });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let period = Duration::from_secs(1) / hz.clamp(1, 1000);
        let thread = {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name("pwm".to_owned())
                .stack_size(64 << 10)
                .spawn(move || shared.run(period, switch))?
        };
        Ok(Pwm { shared, thread: Some(thread) })
    }

    /// Changes the level from the next period on.
    ///
    /// # Errors
    /// Why the line could not be switched, if the thread has given up on it.
    pub fn set(&self, percent: f64) -> Result<(), String> {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &state.error {
            return Err(error.clone());
        }
        state.percent = percent;
        Ok(())
    }
}

impl Shared {
    fn run(&self, period: Duration, mut switch: Switch) {
        let mut begin = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.stop {
            let on = period.mul_f64((state.percent / 100.0).clamp(0.0, 1.0));
            for (active, until) in [(true, begin + on), (false, begin + period)] {
                if let Err(error) = switch(active) {
                    state.error = Some(error);
                    return;
                }
                // Waiting on the condition and not sleeping: a stop is then not a period late.
                loop {
                    let left = until.saturating_duration_since(Instant::now());
                    if state.stop || left.is_zero() {
                        break;
                    }
                    state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                }
                if state.stop {
                    return;
                }
            }
            // After a stall periods are dropped, not made up for: that would be a flash.
            begin = (begin + period).max(Instant::now() - period);
        }
    }
}

impl Drop for Pwm {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panicked channel has stopped switching, which is all that is asked of it here.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Log = Arc<Mutex<Vec<(bool, Instant)>>>;

    fn recorded() -> (Log, Switch) {
        let log = Log::default();
        let writer = log.clone();
        let switch = Box::new(move |active| {
            writer.lock().unwrap().push((active, Instant::now()));
            Ok(())
        });
        (log, switch)
    }

    #[test]
    fn it_alternates_at_about_its_duty_and_stops_at_once() {
        let (log, switch) = recorded();
        let pwm = Pwm::start(20, 80.0, switch).unwrap();
        std::thread::sleep(Duration::from_millis(400));
        drop(pwm);
        let log = log.lock().unwrap();
        assert!(log.len() >= 4, "only {} switches in 8 periods", log.len());
        assert!(log.iter().enumerate().all(|(i, (active, _))| *active == (i % 2 == 0)));
        // Not a timing test of the machine it runs on: only that the longer half is the active one.
        let halves = |wanted: bool| -> Duration {
            log.windows(2).filter(|pair| pair[0].0 == wanted).map(|pair| pair[1].1 - pair[0].1).sum()
        };
        assert!(halves(true) > halves(false));
        let (log, switch) = recorded();
        let begin = Instant::now();
        drop(Pwm::start(1, 50.0, switch).unwrap());
        assert!(begin.elapsed() < Duration::from_millis(450));
        assert!(log.lock().unwrap().len() <= 2);
    }

    #[test]
    fn a_line_that_fails_is_reported_at_the_next_change() {
        let pwm = Pwm::start(1000, 50.0, Box::new(|_| Err("gone".to_owned()))).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while pwm.set(20.0).is_ok() {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(pwm.set(20.0), Err("gone".to_owned()));
    }
}
