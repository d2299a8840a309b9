//! What the bundled model makes of a request: the likeliest answer beside those it was close to, and a second look where it is in doubt.

use std::sync::atomic::AtomicBool;

use serde_json::json;

use super::proposals::{Draft, Proposal};
use super::{Mind, MindError, Prepared, Reading};
use crate::decode::{DecodeError, Decoded};
use crate::prompt::pintail::{self, Pointers};
use crate::prompt::span::TextSpans;
use crate::prompt::{Step, Turn, resolve};
use crate::turn::candidate::{Candidate, Opening, ranked};
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
/// How many readings are looked at with other arguments, and how many such answers in one look.
const REARGUED: usize = 2;
const MOST_PROPOSALS: usize = 4;
/// How many in the second look, which only weighs what the first has found.
const MOST_PROPOSED_AGAIN: usize = 2;

/// What the model makes of a turn with one set of pointers.
struct Look {
    prepared: Prepared,
    readings: Vec<Candidate>,
    counts: TokenCounts,
}

impl Mind {
    /// A request in the bundled model's own notation.
    pub(super) fn point(
        &mut self,
        turn: &Turn<'_>,
        ids: &[u32],
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError> {
        let spans = TextSpans::new(turn);
        let Look { prepared, readings, mut counts } = self.look(&spans, ids, 0, cancel)?;
        let (mut readings, mut confidence) = ranked(readings);
        let mut looks = vec![prepared];
        if confidence < AGAIN {
            let second = self.look_again(&spans, ids, cancel)?;
            counts.sampled += second.counts.sampled;
            counts.forced += second.counts.forced;
            looks.push(second.prepared);
            readings.extend(second.readings.into_iter().map(|reading| Candidate { look: 1, ..reading }));
            readings.iter_mut().for_each(|reading| reading.probability /= 2.0);
            (readings, confidence) = ranked(readings);
        }
        // What `training/weigh.py` fits the weights of the signs to.
        if tracing::enabled!(tracing::Level::TRACE) {
            let each: Vec<_> = readings.iter().map(Candidate::traced).collect();
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

    /// What the model makes of a turn whose pointers are turned on by `by`: the likeliest answer first, then those it was close to, then those with
    /// other arguments.
    fn look(
        &mut self,
        spans: &TextSpans<'_>,
        ids: &[u32],
        by: usize,
        cancel: &AtomicBool,
    ) -> Result<Look, MindError> {
        let prepared = self.prepare(spans.turn, ids, by)?;
        let (first, counts) = self.decode(&prepared.prompt, &[], prepared.grammar.clone(), &[], cancel)?;
        let first = self.weigh(spans, &prepared.pointers, ids, first, 1.0)?;
        let openings = first.openings();
        let mut look = Look { prepared, readings: vec![first], counts };
        for opening in openings {
            self.follow(&mut look, spans, ids, &opening, cancel)?;
        }
        for proposal in self.retooled(&look, spans, ids)? {
            if let Some(opening) = self.opened(&look.prepared, &proposal)? {
                self.follow(&mut look, spans, ids, &opening, cancel)?;
            }
        }
        let Look { prepared, readings, .. } = &look;
        let mut best: Vec<&Candidate> = readings.iter().collect();
        best.sort_by(|a, b| b.weight().total_cmp(&a.weight()));
        let mut proposals: Vec<Proposal> = Vec::new();
        for reading in best.into_iter().take(REARGUED) {
            let steps = pintail::parse(spans.turn, &prepared.pointers, &reading.answer)?;
            let draft = Draft { spans, pointers: &prepared.pointers, reading, steps: &steps, ids };
            for proposal in self.proposals(&draft) {
                let tokens = proposal.tokens();
                if proposals.iter().all(|known| known.tokens() != tokens)
                    && readings.iter().all(|known| !known.decoded.tokens.starts_with(&tokens))
                {
                    proposals.push(proposal);
                }
            }
        }
        proposals.sort_by(|a, b| b.promise.total_cmp(&a.promise));
        let most = if by == 0 { MOST_PROPOSALS } else { MOST_PROPOSED_AGAIN };
        for proposal in proposals.iter().take(most) {
            if let Some(opening) = self.opened(&look.prepared, proposal)? {
                self.follow(&mut look, spans, ids, &opening, cancel)?;
            }
        }
        Ok(look)
    }

    /// The best of the readings with tools that none of them calls.
    fn retooled(&self, look: &Look, spans: &TextSpans<'_>, ids: &[u32]) -> Result<Vec<Proposal>, MindError> {
        let Look { prepared, readings, .. } = look;
        let Some(reading) = readings.iter().max_by(|a, b| a.weight().total_cmp(&b.weight())) else {
            return Ok(Vec::new());
        };
        let mut called = Vec::new();
        for reading in readings {
            let steps = pintail::parse(spans.turn, &prepared.pointers, &reading.answer)?;
            called.extend(steps.iter().filter_map(|step| match step {
                Step::User { tool, .. } => Some(*tool),
                _ => None,
            }));
        }
        let draft = Draft { spans, pointers: &prepared.pointers, reading, steps: &[], ids };
        Ok(self.other_tools(&draft, &called))
    }

    /// Goes on from the beginning of another answer, and takes it up among the readings if it is new.
    fn follow(
        &mut self,
        look: &mut Look,
        spans: &TextSpans<'_>,
        ids: &[u32],
        opening: &Opening,
        cancel: &AtomicBool,
    ) -> Result<(), MindError> {
        let Look { prepared, readings, counts } = look;
        let grammar = prepared.grammar.clone();
        let (rest, more) = self.decode(&prepared.prompt, &opening.tokens, grammar, &[], cancel)?;
        counts.sampled += more.sampled;
        counts.forced += more.forced;
        let other = self.weigh(spans, &prepared.pointers, ids, rest, opening.probability)?;
        if readings.iter().all(|known| known.answer != other.answer) {
            readings.push(other);
        }
        Ok(())
    }

    /// A second look, with other pointers. What it feeds is kept beside what the first looks feed, so that neither makes the other
    /// read its tools and devices anew.
    fn look_again(
        &mut self,
        spans: &TextSpans<'_>,
        ids: &[u32],
        cancel: &AtomicBool,
    ) -> Result<Look, MindError> {
        let mut aside = match self.aside.take() {
            Some(aside) => aside,
            None => (self.session.another_past().map_err(DecodeError::from)?, Vec::new()),
        };
        let mut exchange = |mind: &mut Mind| {
            mind.session.exchange(&mut aside.0);
            std::mem::swap(&mut mind.held, &mut aside.1);
        };
        exchange(self);
        let looked = self.look(spans, ids, TURNED, cancel);
        exchange(self);
        self.aside = Some(aside);
        looked
    }

    /// Reads a decoded answer back, with what speaks against it; `opened` is the probability of its beginning that was not decoded.
    fn weigh(
        &self,
        spans: &TextSpans<'_>,
        pointers: &Pointers,
        ids: &[u32],
        decoded: Decoded,
        opened: f64,
    ) -> Result<Candidate, MindError> {
        let answer = self.pieces(&decoded.tokens, ids);
        let steps = pintail::parse(spans.turn, pointers, &answer)?;
        let signs = Signs::of(spans, pointers, &answer, &steps);
        let calls = resolve(spans.turn, &steps);
        let probability = opened * decoded.confidence();
        let told = signs.weight();
        Ok(Candidate { look: 0, decoded, answer, calls, probability, signs, told })
    }
}
