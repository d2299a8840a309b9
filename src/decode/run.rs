//! The loop: mask, ask, choose, accept.

use std::sync::atomic::{AtomicBool, Ordering};

use super::sampler::Sampler;
use crate::grammar::{MatchError, Matcher};
use crate::model::{LanguageModel, ModelError};

/// The grammar of a run.
pub struct Guide<'a> {
    /// Where the text stands; moved along with it.
    pub matcher: &'a mut Matcher,
    /// Appends the tokens of certain text, as the model's tokenizer would spell it. Only saves questions
    /// to the model: one that does nothing is sound.
    pub tokenize: &'a mut dyn FnMut(&[u8], &mut Vec<u32>),
}

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Most tokens, forced ones included, the stop token not. The room left in the context may be less.
    pub max_tokens: usize,
    /// Tokens that end the text where it may end (end of text, end of turn). Without any, a text under a
    /// grammar ends as soon as it may.
    pub stop: &'a [u32],
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The grammar allows nothing more.
    Complete,
    /// The model chose this stop token.
    Stop(u32),
    /// The limit of tokens.
    Limit,
}

/// A token that the model was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The token; the last one may be a stop token.
    pub token: u32,
    /// Its place among the run's tokens.
    pub at: usize,
    /// How many were legal.
    pub legal: usize,
    /// Its probability among the legal ones (temperature 1, before cuts).
    pub probability: f32,
    /// The best other legal one (the token itself when there is none).
    pub rival: u32,
    /// The probability of that one.
    pub runner_up: f32,
}

/// What a run made.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The tokens, forced ones included, without a stop token.
    pub tokens: Vec<u32>,
    /// The decisions of the model, in order.
    pub steps: Vec<Step>,
    /// How many of `tokens` were certain without the model.
    pub forced: usize,
    /// Why it ended.
    pub ending: Ending,
}

impl Decoded {
    /// How many times the model was asked.
    pub fn sampled(&self) -> usize {
        self.steps.len()
    }

    /// How sure the model was of the whole: the product of its decisions' probabilities under the mask,
    /// which is the probability of this text among all legal ones (up to other spellings of the same
    /// text). 1 if it was never asked.
    pub fn confidence(&self) -> f64 {
        self.steps.iter().map(|step| f64::from(step.probability)).product()
    }

    /// Its least sure decision; 1 if it was never asked.
    pub fn least_sure(&self) -> f32 {
        self.steps.iter().map(|step| step.probability).fold(1.0, f32::min)
    }
}

/// A run that came to no end. Nothing of its text may be used.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It was asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The model failed.
    #[error(transparent)]
    Model(ModelError),
    /// The grammar cannot be followed.
    #[error(transparent)]
    Grammar(#[from] MatchError),
    /// No legal token has a usable score.
    #[error("the model gives no legal token a finite score (damaged weights?)")]
    Scores,
}

impl From<ModelError> for DecodeError {
    fn from(error: ModelError) -> DecodeError {
        match error {
            ModelError::Cancelled => DecodeError::Cancelled,
            other => DecodeError::Model(other),
        }
    }
}

/// Goes on from where `model` stands (a prompt was fed) until the text ends. `on_token` is called with
/// each token as soon as it is certain. The last tokens are not fed back to the model.
///
/// # Errors
/// Cancellation (looked at before each token, and inside the model if its session was given the flag), a
/// failing model, or a limit too small for any text of the grammar.
pub fn run(
    model: &mut (impl LanguageModel + ?Sized),
    mut guide: Option<Guide<'_>>,
    sampler: &mut Sampler,
    settings: Settings<'_>,
    cancel: &AtomicBool,
    on_token: &mut dyn FnMut(u32),
) -> Result<Decoded, DecodeError> {
    let limit = settings.max_tokens.min(model.context().saturating_sub(model.len()));
    let mut done = Decoded { tokens: Vec::new(), steps: Vec::new(), forced: 0, ending: Ending::Limit };
    // Tokens before `fed` are in the model.
    let mut fed = 0;
    let mut certain = Vec::new();
    let mut legal: Vec<u32> = Vec::new();
    loop {
        if cancel.load(Ordering::Relaxed) {
            return Err(DecodeError::Cancelled);
        }
        let left = limit - done.tokens.len();
        legal.clear();
        if let Some(guide) = &mut guide {
            certain.clear();
            // Certain text is never longer in tokens than in bytes, so it fits if the bytes do.
            if guide.matcher.needed() <= left {
                guide.matcher.forced(guide.tokenize, &mut certain)?;
            }
            if certain.is_empty() {
                let mask = guide.matcher.mask(Some(left))?;
                legal.extend(mask.iter());
                if guide.matcher.is_complete() {
                    if legal.is_empty() {
                        done.ending = if left == 0 { Ending::Limit } else { Ending::Complete };
                        return Ok(done);
                    }
                    if settings.stop.is_empty() {
                        done.ending = Ending::Complete;
                        return Ok(done);
                    }
                    legal.extend(settings.stop.iter().filter(|id| (**id as usize) < model.vocab_size()));
                    legal.sort_unstable();
                    legal.dedup();
                } else if let [only] = legal[..] {
                    certain.push(only);
                }
            }
            if !certain.is_empty() {
                for &token in &certain {
                    guide.matcher.accept(token)?;
                    on_token(token);
                }
                done.forced += certain.len();
                done.tokens.extend_from_slice(&certain);
                continue;
            }
        } else if left == 0 {
            return Ok(done);
        }
        if fed < done.tokens.len() {
            model.feed(&done.tokens[fed..])?;
            fed = done.tokens.len();
        }
        let guided = guide.is_some();
        let scores = model.logits(guided.then_some(&legal[..]));
        let chosen = if guided { sampler.sample(&legal, scores) } else { sampler.sample_all(scores) };
        let chosen = chosen.ok_or(DecodeError::Scores)?;
        let index = if guided { legal.binary_search(&chosen.id).unwrap_or(0) } else { chosen.id as usize };
        let (rival, best_other) =
            scores.iter().enumerate().filter(|(i, score)| *i != index && !score.is_nan()).fold(
                (index, f32::NEG_INFINITY),
                |best, (i, score)| if *score > best.1 { (i, *score) } else { best },
            );
        done.steps.push(Step {
            token: chosen.id,
            at: done.tokens.len(),
            legal: scores.len(),
            probability: chosen.probability,
            rival: if guided { legal[rival] } else { rival as u32 },
            runner_up: ((best_other - scores[index]).exp() * chosen.probability).min(1.0),
        });
        if settings.stop.contains(&chosen.id)
            && guide.as_ref().is_none_or(|guide| guide.matcher.is_complete())
        {
            done.ending = Ending::Stop(chosen.id);
            return Ok(done);
        }
        if let Some(guide) = &mut guide {
            guide.matcher.accept(chosen.id)?;
        }
        on_token(chosen.id);
        done.tokens.push(chosen.id);
    }
}

#[cfg(test)]
mod tests;
