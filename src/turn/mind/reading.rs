//! What a request was read as.

use crate::link::Link;
use crate::tool::Call;

use super::super::choices::Choice;
use super::super::cost::Part;
use super::super::report::TokenCounts;

/// How much a reading of the whole request counts against one of the request without its talk.
const TALK: f64 = 0.5;

/// What a request means.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The person's words, in English where they were in another language ([`in_english`](crate::link::in_english)), or the part of them
    /// that was read in the end ([`gist`](crate::link::gist)).
    pub request: String,
    /// The calls; none: nothing legal serves the request, or it is for another time ([`deferred`](crate::link::deferred)).
    pub calls: Vec<Call>,
    /// The probability of this reading among all legal ones, 0 to 1.
    pub confidence: f64,
    /// Tokens.
    pub tokens: TokenCounts,
    /// What the matcher found in the request.
    pub links: Vec<Link>,
    /// The prompt as text.
    pub prompt: String,
    /// The answer as text.
    pub answer: String,
    /// Readings that do something, best first: what a person may be asked to choose among.
    pub choices: Vec<Choice>,
    /// A name that means several devices was used for one: the person is to choose, however sure the model is.
    pub ambiguous: bool,
    /// What each part of the prompt costs.
    pub parts: Vec<Part>,
}

impl Reading {
    /// This reading, which is unsure, or that of the request without the talk around it. Talk that was not seen in training looks like a
    /// request for something else, but leaving it out may lose what matters: the other reading counts for less the surer this one is.
    pub(super) fn or(self, bare: Reading) -> Reading {
        let doubt = 1.0 - TALK * self.confidence;
        let confidence = bare.confidence * doubt;
        let tokens = TokenCounts {
            sampled: self.tokens.sampled + bare.tokens.sampled,
            forced: self.tokens.forced + bare.tokens.forced,
            ..self.tokens
        };
        if bare.calls.is_empty() || bare.calls == self.calls {
            let confidence =
                if bare.calls == self.calls { self.confidence.max(confidence) } else { self.confidence };
            return Reading { confidence, tokens, ..self };
        }
        if !self.calls.is_empty() && confidence <= self.confidence {
            return Reading { tokens, ..self };
        }
        Reading { tokens, confidence, ..bare }
    }
}
