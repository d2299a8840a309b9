//! Readings of one request beside each other: where the model was close to another answer, and which one is best.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::effects::Effects;
use super::signs::{Signs, weight};
use crate::decode::Decoded;
use crate::prompt::pintail::Piece;
use crate::tool::Call;

/// One reading of a request beside others.
pub(super) struct Candidate {
    /// Which look at the request it is from, and so whose pointers the answer is written in.
    pub look: usize,
    pub decoded: Decoded,
    pub answer: Vec<Piece>,
    /// What the answer comes to; several answers may come to the same.
    pub calls: Vec<Call>,
    /// Of the whole answer among all legal ones.
    pub probability: f64,
    /// What speaks for and against it.
    pub signs: Signs,
    /// What the signs are worth, in nats.
    pub told: f64,
}

/// Other readings are looked at where the model gave the runner-up at least this probability ...
const RIVAL: f32 = 0.04;
/// ... at so many places at most, the closest first.
const MOST_RIVALS: usize = 5;
/// No reading is less likely than this, and what was not looked at is not less likely than that.
const LEAST: f64 = 1e-9;
const UNSEEN_LEAST: f64 = 1e-4;

impl Candidate {
    /// How likely it is beside others, in nats: signs and all.
    pub fn weight(&self) -> f64 {
        weight("trust") * self.probability.max(LEAST).ln() + self.told
    }

    /// What `training/weigh.py` fits the weights of the signs to.
    pub fn traced(&self) -> Value {
        let signs: BTreeMap<&str, f64> = self.signs.each().collect();
        json!({ "p": self.probability, "calls": self.calls, "signs": signs })
    }

    /// Beginnings of other answers: this one up to a close decision, then the runner-up.
    pub fn openings(&self) -> Vec<Opening> {
        let mut openings = Vec::new();
        let mut before = 1.0;
        for step in &self.decoded.steps {
            if step.runner_up >= RIVAL && step.rival != step.token {
                let mut tokens = self.decoded.tokens[..step.at].to_vec();
                tokens.push(step.rival);
                openings.push(Opening { tokens, probability: before * f64::from(step.runner_up) });
            }
            before *= f64::from(step.probability);
        }
        openings.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        openings.truncate(MOST_RIVALS);
        openings
    }
}

/// The beginning of an answer.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub tokens: Vec<u32>,
    /// Of all answers that begin so.
    pub probability: f64,
}

/// The readings, best first, and how sure the best one is beside the others and all that was not looked at. Readings that
/// come to the same effects count together.
pub(super) fn ranked(mut readings: Vec<Candidate>) -> (Vec<Candidate>, f64) {
    let seen: f64 = readings.iter().map(|reading| reading.probability).sum();
    let rest = weight("unseen") + weight("unseen trust") * (1.0 - seen).max(UNSEEN_LEAST).ln();
    // Of equal ones the later, which the model looked at because the earlier was close to it.
    readings.reverse();
    let most = readings.iter().map(Candidate::weight).fold(rest, f64::max);
    let shares: Vec<f64> = readings.iter().map(|reading| (reading.weight() - most).exp()).collect();
    let all = shares.iter().sum::<f64>() + (rest - most).exp();
    // "How warm is the cellar and how damp the loft" reads two devices at once or one after the other.
    let effects: Vec<Effects> =
        readings.iter().map(|reading| Effects::whole(&plain(&reading.calls))).collect();
    let together = |same: &Effects| -> f64 {
        shares.iter().zip(&effects).filter(|(_, other)| *other == same).map(|(share, _)| share).sum()
    };
    let together: Vec<f64> = effects.iter().map(together).collect();
    let mut order: Vec<usize> = (0..readings.len()).collect();
    order.sort_by(|&a, &b| together[b].total_cmp(&together[a]).then_with(|| shares[b].total_cmp(&shares[a])));
    let best = order.first().map_or(0.0, |&at| together[at]);
    let mut readings: Vec<Option<Candidate>> = readings.into_iter().map(Some).collect();
    let readings = order.iter().filter_map(|&at| readings[at].take()).collect();
    (readings, best / all)
}

/// Calls without the articles that their texts begin with: whether "the Dutch family" or "Dutch family" is booked in is no doubt about what to do.
fn plain(calls: &[Call]) -> Vec<Call> {
    let mut calls = calls.to_vec();
    for value in calls.iter_mut().flat_map(|call| call.arguments.values_mut()) {
        if let Value::String(text) = value {
            let bare = ["the ", "a ", "an "].iter().find_map(|article| {
                text.get(..article.len())
                    .filter(|start| start.eq_ignore_ascii_case(article))
                    .map(|_| article.len())
            });
            text.drain(..bare.unwrap_or(0));
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Ending;

    #[test]
    fn readings_that_come_to_the_same_count_together() {
        let reading = |probability: f64, tool: &str| Candidate {
            look: 0,
            decoded: Decoded { tokens: Vec::new(), steps: Vec::new(), forced: 0, ending: Ending::Complete },
            answer: Vec::new(),
            calls: vec![Call { tool: tool.into(), arguments: serde_json::Map::new() }],
            probability,
            signs: Signs::default(),
            told: 0.0,
        };
        let (best, confidence) = ranked(vec![reading(0.4, "read"), reading(0.3, "on"), reading(0.3, "on")]);
        assert_eq!(best[0].calls[0].tool, "on");
        assert!(confidence > 0.55 && confidence < 0.75, "{confidence}");
    }

    #[test]
    fn articles_and_how_devices_are_put_together_are_no_doubt() {
        let call = |tool: &str, arguments: serde_json::Value| -> Call {
            serde_json::from_value(serde_json::json!({ "tool": tool, "arguments": arguments })).unwrap()
        };
        let same =
            |one: &[Call], other: &[Call]| Effects::whole(&plain(one)) == Effects::whole(&plain(other));
        let read = |devices: &[&str]| call("read", serde_json::json!({ "devices": devices }));
        assert!(same(&[read(&["cellar", "loft"])], &[read(&["loft"]), read(&["cellar"])]));
        let book = |name: &str| call("book", serde_json::json!({ "name": name }));
        assert!(same(&[book("The Dutch family")], &[book("Dutch family")]));
        assert!(!same(&[book("Dutch family")], &[book("family")]) && !same(&[book("Theo")], &[book("o")]));
    }
}
