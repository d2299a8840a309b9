//! Confidences that mean what they say on an agent's own devices.
//!
//! The probability that a model gives its reading is no share of right answers: it depends on the model and on how alike the agent's
//! devices are. A [`Calibration`] is a logistic model of being right (J. Platt 1999), of the probability's log-odds and of whether
//! the reading refuses, fitted on requests that are generated for the agent, and the thresholds that go with it. It lies in a
//! file beside the agent's.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Mind;
use crate::agent::{self, Agent};
use crate::gguf::write_atomically;

/// A reading of a request of which the right one is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// What the model gave it, 0 to 1.
    pub confidence: f64,
    /// It refuses.
    pub refuses: bool,
    /// It is right.
    pub right: bool,
}

/// What turns a model's confidences into shares of right readings, for one agent and one model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The form of the file: 1.
    format: u32,
    /// The model that it was fitted on ([`super::Mind::fingerprint`]), in hexadecimal.
    pub model: String,
    /// On how many requests.
    pub requests: usize,
    /// Of one, of the log-odds, of refusing.
    weights: [f64; 3],
    /// From this confidence on a request is done.
    pub act: f64,
    /// Below this one it is refused.
    pub ask: f64,
}

/// Why a calibration could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no calibration.
    #[error("{path}: {message}: delete it, or make it again with `pintail calibrate`")]
    Form {
        /// The file.
        path: String,
        /// What is wrong with it, and where.
        message: String,
    },
}

/// Steps of Newton's method; it converges in some five.
const STEPS: usize = 30;
/// How strongly the weights are held to "the confidence is right": as much as by this many readings.
const PRIOR: f64 = 1.0;
/// Of what is done, this share may be wrong on the generated requests.
const WRONG: f64 = 0.05;
/// `act` stays between these: also where generated requests are all too easy or too hard.
const ACT: [f64; 2] = [0.4, 0.9];
/// A reading that is right one time in five is worth a question.
const ASK: f64 = 0.2;

fn features(confidence: f64, refuses: bool) -> [f64; 3] {
    let p = confidence.clamp(1e-4, 1.0 - 1e-4);
    [1.0, (p / (1.0 - p)).ln(), f64::from(u8::from(refuses))]
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Calibration {
    /// Fits the weights to readings by Newton's method, and picks the thresholds. Of no readings it changes nothing.
    pub fn fit(model: String, readings: &[Judged]) -> Calibration {
        let before = [0.0, 1.0, 0.0];
        let mut weights = before;
        for _ in 0..STEPS {
            let mut slope = [0.0; 3];
            let mut curve = [[0.0; 3]; 3];
            for (i, known) in before.iter().enumerate() {
                slope[i] = PRIOR * (known - weights[i]);
                curve[i][i] = PRIOR;
            }
            for reading in readings {
                let x = features(reading.confidence, reading.refuses);
                let p = logistic(dot(&weights, &x));
                let error = f64::from(u8::from(reading.right)) - p;
                for i in 0..3 {
                    slope[i] += error * x[i];
                    for j in 0..3 {
                        curve[i][j] += p * (1.0 - p) * x[i] * x[j];
                    }
                }
            }
            let step = solve(curve, slope);
            weights.iter_mut().zip(step).for_each(|(weight, by)| *weight += by);
            if step.iter().all(|by| by.abs() < 1e-9) {
                break;
            }
        }
        // A surer model that is less often right is noise: confidences keep their order.
        weights[1] = weights[1].max(0.05);
        let mut out =
            Calibration { format: 1, model, requests: readings.len(), weights, act: ACT[0], ask: ASK };
        out.act = out.threshold(readings);
        out
    }

    /// The lowest confidence from which on few enough acts are wrong.
    fn threshold(&self, readings: &[Judged]) -> f64 {
        let mut acts: Vec<(f64, bool)> = readings
            .iter()
            .filter(|reading| !reading.refuses)
            .map(|reading| (self.confidence(reading.confidence, false), reading.right))
            .collect();
        acts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut lowest = if acts.is_empty() { agent::ACT } else { ACT[1] };
        let (mut wrong, mut count) = (0, 0);
        // All that are equally sure are done, or none of them.
        for equal in acts.chunk_by(|a, b| a.0 == b.0) {
            wrong += equal.iter().filter(|(_, right)| !right).count();
            count += equal.len();
            if wrong as f64 <= WRONG * count as f64 {
                lowest = equal[0].0;
            }
        }
        (lowest.clamp(ACT[0], ACT[1]) * 100.0).floor() / 100.0
    }

    /// How likely a reading with this confidence is right, 0 to 1; a confidence that is no number is none.
    pub fn confidence(&self, confidence: f64, refuses: bool) -> f64 {
        if confidence.is_nan() {
            return 0.0;
        }
        logistic(dot(&self.weights, &features(confidence, refuses)))
    }

    /// The file beside an agent's: `home.toml` has `home.calibration.toml`.
    pub fn path(agent: &Path) -> PathBuf {
        agent.with_extension("calibration.toml")
    }

    /// Reads the calibration beside an agent's file; `None` where there is none.
    ///
    /// # Errors
    /// A file that cannot be read or is no calibration.
    pub fn beside(agent: &Path) -> Result<Option<Calibration>, CalibrationError> {
        let path = Calibration::path(agent);
        let name = || path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(CalibrationError::File { path: name(), source }),
            Ok(text) => text,
        };
        let bad = |message: String| CalibrationError::Form { path: name(), message };
        let read: Calibration = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if read.format != 1 {
            return Err(bad(format!("format {} is not known, this program reads 1", read.format)));
        }
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if !share(read.act)
            || !share(read.ask)
            || read.ask > read.act
            || read.weights.iter().any(|w| !w.is_finite())
        {
            return Err(bad(
                "`ask` and `act` are shares from 0 to 1 in this order, weights are numbers".into()
            ));
        }
        Ok(Some(read))
    }

    /// Writes it beside an agent's file, whole or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, agent: &Path) -> Result<PathBuf, CalibrationError> {
        let path = Calibration::path(agent);
        let wrong = |source| CalibrationError::File { path: path.display().to_string(), source };
        let Calibration { format, model, requests, weights, act, ask } = self;
        let text = format!(
            "# Made by `pintail calibrate`: how sure the model must be on this agent. Delete it to go without.\n\
             format = {format}\nmodel = \"{model}\"\nrequests = {requests}\nweights = {weights:?}\nact = {act:?}\nask = {ask:?}\n"
        );
        write_atomically(&path, |file| file.write_all(text.as_bytes())).map_err(wrong)?;
        Ok(path)
    }
}

/// Takes the calibration beside the agent's file, if there is one, for the model's confidences, and its thresholds for the states
/// that the file leaves at the usual ones. One of another model's is left alone, with a warning.
///
/// # Errors
/// As [`Calibration::beside`].
pub fn calibrate(agent: &mut Agent, mind: &mut Mind) -> Result<(), CalibrationError> {
    let Some(path) = agent.path.clone() else { return Ok(()) };
    let Some(found) = Calibration::beside(&path)? else { return Ok(()) };
    let (act, ask) = (found.act, found.ask);
    if !mind.calibrate(found) {
        tracing::warn!(
            "{} was made for another model and is not used: run `pintail calibrate` again, or delete it",
            Calibration::path(&path).display()
        );
        return Ok(());
    }
    thresholds(agent, act, ask);
    Ok(())
}

/// As [`calibrate`], the thresholds alone: for a trace, whose confidences are written down.
///
/// # Errors
/// As [`Calibration::beside`].
pub fn calibrate_thresholds(agent: &mut Agent) -> Result<(), CalibrationError> {
    let Some(path) = agent.path.clone() else { return Ok(()) };
    if let Some(found) = Calibration::beside(&path)? {
        thresholds(agent, found.act, found.ask);
    }
    Ok(())
}

fn thresholds(agent: &mut Agent, act: f64, ask: f64) {
    for state in agent.states.iter_mut().filter(|state| state.act == agent::ACT && state.ask == agent::ASK) {
        (state.act, state.ask) = (act, ask);
    }
}

/// Bytes of a file that are read together, and how many such blocks of it are read.
const BLOCK: usize = 4096;
const BLOCKS: usize = 256;

/// FNV-1a of a file's length and of blocks from its beginning to its end, or of all of a small one: not against forgers, but
/// against taking one model for another, of which one may be fitted from the other and alike in all but some weights.
pub(super) fn fingerprint(file: &[u8]) -> String {
    let count = file.len().div_ceil(BLOCK);
    let picked =
        (0..count.min(BLOCKS)).map(|at| at * count.saturating_sub(1) / (count.min(BLOCKS) - 1).max(1));
    let blocks = picked.flat_map(|block| &file[block * BLOCK..file.len().min((block + 1) * BLOCK)]);
    let length = (file.len() as u64).to_le_bytes();
    let hash = blocks.chain(&length).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves a positive definite system of three by elimination.
fn solve(mut a: [[f64; 3]; 3], mut b: [f64; 3]) -> [f64; 3] {
    for i in 0..3 {
        for j in i + 1..3 {
            let (part, above) = (a[j][i] / a[i][i], a[i]);
            a[j].iter_mut().zip(above).for_each(|(value, above)| *value -= part * above);
            b[j] -= part * b[i];
        }
    }
    for i in (0..3).rev() {
        for j in i + 1..3 {
            b[i] -= a[i][j] * b[j];
        }
        b[i] /= a[i][i];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings of which a share is right that the confidence does not tell.
    fn readings(confidence: f64, refuses: bool, right: usize, wrong: usize) -> Vec<Judged> {
        let one = |right| Judged { confidence, refuses, right };
        [vec![one(true); right], vec![one(false); wrong]].concat()
    }

    #[test]
    fn shares_of_right_readings_come_out() {
        let all =
            [readings(0.9, false, 60, 40), readings(0.5, false, 20, 80), readings(0.9, true, 95, 5)].concat();
        let fitted = Calibration::fit("x".into(), &all);
        for (confidence, refuses, share) in [(0.9, false, 0.6), (0.5, false, 0.2), (0.9, true, 0.95)] {
            let found = fitted.confidence(confidence, refuses);
            assert!((found - share).abs() < 0.04, "{confidence} {refuses}: {found}");
        }
        assert_eq!(fitted.act, ACT[1], "even the surest acts are wrong too often");
        assert_eq!(fitted.confidence(f64::NAN, false), 0.0);
    }

    #[test]
    fn models_that_differ_in_some_weights_are_told_apart() {
        for len in [0, 1, BLOCK, BLOCK + 1, 3 * BLOCKS * BLOCK + 5] {
            let file = vec![7u8; len];
            let mut other = file.clone();
            other[len / 3..].iter_mut().for_each(|byte| *byte ^= 1);
            assert_eq!(fingerprint(&file), fingerprint(&file.clone()));
            assert!(len == 0 || fingerprint(&file) != fingerprint(&other), "{len}");
            assert_ne!(fingerprint(&file), fingerprint(&[&file[..], &[7]].concat()), "{len}");
            // The last byte is among those that are read.
            if let Some(last) = other.last_mut() {
                let before = fingerprint(&file);
                let mut end = file.clone();
                *end.last_mut().unwrap() = *last;
                assert_ne!(before, fingerprint(&end), "{len}");
            }
        }
    }

    #[test]
    fn few_readings_change_little() {
        let none = Calibration::fit("x".into(), &[]);
        assert!((none.confidence(0.7, false) - 0.7).abs() < 1e-9);
        let one = Calibration::fit("x".into(), &readings(0.7, false, 1, 0));
        assert!((one.confidence(0.7, false) - 0.7).abs() < 0.1);
    }

    #[test]
    fn sure_and_right_acts_are_done() {
        let all = [readings(0.95, false, 99, 1), readings(0.5, false, 30, 30)].concat();
        let fitted = Calibration::fit("x".into(), &all);
        let (sure, unsure) = (fitted.confidence(0.95, false), fitted.confidence(0.5, false));
        assert!(unsure < fitted.act && fitted.act <= sure, "{unsure} {} {sure}", fitted.act);
    }

    #[test]
    fn files_are_read_back_and_foreign_ones_refused() {
        let dir = tempfile::tempdir().unwrap();
        let agent = dir.path().join("home.toml");
        assert_eq!(Calibration::beside(&agent).unwrap(), None);
        let fitted = Calibration::fit("1a".into(), &readings(0.8, false, 9, 1));
        let path = fitted.write(&agent).unwrap();
        assert_eq!(path.file_name().unwrap(), "home.calibration.toml");
        assert_eq!(Calibration::beside(&agent).unwrap(), Some(fitted));
        for (text, expected) in [
            ("format = 1", "missing field"),
            ("{", "TOML"),
            ("format = 2\nmodel = ''\nrequests = 0\nweights = [0, 1, 0]\nact = 0.5\nask = 0.2", "format 2"),
            (
                "format = 1\nmodel = ''\nrequests = 0\nweights = [0, 1, 0]\nact = 0.1\nask = 0.2",
                "in this order",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Calibration::beside(&agent).unwrap_err().to_string();
            assert!(
                error.contains("home.calibration.toml") && (error.contains(expected) || expected == "TOML"),
                "{error}"
            );
        }
    }
}
