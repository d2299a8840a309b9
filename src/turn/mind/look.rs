//! What the bundled model makes of a request: the likeliest answer beside those it was close to, and a second look where it is in doubt.

use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::{Mind, MindError, Prepared, Reading};
use crate::decode::{DecodeError, Decoded};
use crate::prompt::pintail::{self, Pointers};
use crate::prompt::{Turn, resolve};
use crate::turn::candidate::{Candidate, ranked};
use crate::turn::choices::{self, Choice};
use crate::turn::cost;
use crate::turn::effects::Effects;
use crate::turn::report::TokenCounts;
use crate::turn::signs::Signs;

/// A reading that is less sure than this is done a second time with other pointers, and each counts half: what a request means does
/// not hang on them, but a small model's doubts do.
const AGAIN: f64 = 0.9;
/// By how much the pointers are turned on for it.
const TURNED: usize = 5;

impl Mind {
    /// A request in the bundled model's own notation.
    pub(super) fn point(
        &mut self,
        turn: &Turn<'_>,
        ids: &[u32],
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError> {
        let (first, readings, mut counts) = self.look(turn, ids, 0, cancel)?;
        let (mut readings, mut confidence) = ranked(readings);
        let mut looks = vec![first];
        if confidence < AGAIN {
            let (second, more, spent) = self.look_again(turn, ids, cancel)?;
            counts.sampled += spent.sampled;
            counts.forced += spent.forced;
            looks.push(second);
            readings.extend(more.into_iter().map(|reading| Candidate { look: 1, ..reading }));
            readings.iter_mut().for_each(|reading| reading.probability /= 2.0);
            (readings, confidence) = ranked(readings);
        }
        // What `training/weigh.py` fits the weights of the signs to.
        if tracing::enabled!(tracing::Level::TRACE) {
            let each: Vec<_> = readings
                .iter()
                .map(|one| json!({ "p": one.probability, "calls": one.calls, "signs": one.signs }))
                .collect();
            tracing::trace!(readings = %json!({ "text": turn.request, "readings": each }));
        }
        let prepared = &looks[readings[0].look];
        let mut choices: Vec<Choice> = Vec::new();
        for Candidate { calls, .. } in &readings {
            let effects = Effects::whole(calls);
            if !calls.is_empty() && choices.iter().all(|known| Effects::whole(&known.calls) != effects) {
                choices.push(Choice::new(calls.clone()));
            }
        }
        choices.truncate(choices::MOST);
        Ok(Reading {
            request: turn.request.to_owned(),
            calls: readings[0].calls.clone(),
            confidence,
            tokens: counts,
            links: turn.links.clone(),
            prompt: pintail::text(&prepared.pieces),
            answer: pintail::text(&readings[0].answer),
            choices,
            ambiguous: false,
            parts: cost::parts(&prepared.pieces, |piece| self.tokens_of(piece)),
        })
    }

    /// What the model makes of a turn whose pointers are turned on by `by`: the likeliest answer first, then those it was close to.
    fn look(
        &mut self,
        turn: &Turn<'_>,
        ids: &[u32],
        by: usize,
        cancel: &AtomicBool,
    ) -> Result<(Prepared, Vec<Candidate>, TokenCounts), MindError> {
        let prepared = self.prepare(turn, ids, by)?;
        let (first, mut counts) =
            self.decode(&prepared.prompt, &[], prepared.grammar.clone(), &[], cancel)?;
        let mut readings = vec![self.weigh(turn, &prepared.pointers, ids, first)?];
        for (opening, probability) in readings[0].openings() {
            let grammar = prepared.grammar.clone();
            let (rest, more) = self.decode(&prepared.prompt, &opening, grammar, &[], cancel)?;
            counts.sampled += more.sampled;
            counts.forced += more.forced;
            let mut other = self.weigh(turn, &prepared.pointers, ids, rest)?;
            other.probability *= probability;
            if readings.iter().all(|known| known.answer != other.answer) {
                readings.push(other);
            }
        }
        Ok((prepared, readings, counts))
    }

    /// A second look, with other pointers. What it feeds is kept beside what the first looks feed, so that neither makes the other
    /// read its tools and devices anew.
    fn look_again(
        &mut self,
        turn: &Turn<'_>,
        ids: &[u32],
        cancel: &AtomicBool,
    ) -> Result<(Prepared, Vec<Candidate>, TokenCounts), MindError> {
        let mut aside = match self.aside.take() {
            Some(aside) => aside,
            None => (self.session.another_past().map_err(DecodeError::from)?, Vec::new()),
        };
        let mut exchange = |mind: &mut Mind| {
            mind.session.exchange(&mut aside.0);
            std::mem::swap(&mut mind.held, &mut aside.1);
        };
        exchange(self);
        let looked = self.look(turn, ids, TURNED, cancel);
        exchange(self);
        self.aside = Some(aside);
        looked
    }

    /// Reads a decoded answer back, with what speaks against it.
    fn weigh(
        &self,
        turn: &Turn<'_>,
        pointers: &Pointers,
        ids: &[u32],
        decoded: Decoded,
    ) -> Result<Candidate, MindError> {
        let answer = self.pieces(&decoded.tokens, ids);
        let steps = pintail::parse(turn, pointers, &answer)?;
        let signs = Signs::of(turn, pointers, &answer, &steps);
        let (calls, probability) = (resolve(turn, &steps), decoded.confidence());
        Ok(Candidate { look: 0, decoded, answer, calls, probability, signs })
    }
}
