//! Other arguments for a reading's calls of the user's tools, which the model does not come to by itself: words that stand like an argument in the
//! sentence as far as its edges tell, numbers and choices that were said and that nothing is made of.

use std::ops::Range;

use super::refill::other_token;
use super::{Mind, MindError, Prepared};
use crate::decode::{DecodeError, feed_prompt};
use crate::grammar::Matcher;
use crate::link::Mark;
use crate::model::LanguageModel;
use crate::prompt::pintail::{MOST_NUMBERS, Piece, Pointers, Token};
use crate::prompt::span::TextSpans;
use crate::prompt::{Argument, ParamKind, Step, Turn, trimmed};
use crate::tokenizer::Specials;
use crate::turn::candidate::{Candidate, Opening};

/// Other words are looked at whose probability by their edges is at least this, as a natural logarithm, ...
const LEAST: f64 = -3.0;
/// ... and where none were copied, this.
const LEAST_MORE: f64 = -1.5;
/// ... and that are not much less likely than those that were copied.
const BEHIND: f64 = 1.5;
/// How many other words are looked at for one text.
const MOST: usize = 3;
/// Other tools are looked at whose probability by the request's words is at least this, as a natural logarithm, ...
const LEAST_TOOL: f64 = -2.3;
/// ... and so many at most.
const MOST_TOOLS: usize = 2;
/// What the model holds to be less likely than this is given up.
const HOPELESS: f64 = 1e-6;
/// How likely a number or choice that was said and not used is the argument, before the model is asked.
pub(super) const SAID: f64 = 0.3;

/// The beginning of another answer, but for one argument or several beside each other.
pub(super) struct Proposal {
    /// What it has in common with the reading.
    pub common: Opening,
    /// What comes instead.
    pub argument: Vec<u32>,
    /// How likely the answer is as far as can be told without the model.
    pub promise: f64,
}

impl Proposal {
    /// The tokens that the other answer begins with.
    pub fn tokens(&self) -> Vec<u32> {
        [&self.common.tokens[..], &self.argument].concat()
    }
}

/// An answer that is looked at with other arguments.
pub(super) struct Draft<'d, 't> {
    pub spans: &'d TextSpans<'t>,
    pub pointers: &'d Pointers,
    pub reading: &'d Candidate,
    pub steps: &'d [Step],
    /// The tokenizer's ids of the model's own tokens.
    pub ids: &'d [u32],
}

impl Draft<'_, '_> {
    pub fn id(&self, token: Token) -> u32 {
        self.ids[token.index() as usize]
    }

    pub fn places(&self) -> Vec<Place<'_>> {
        places(self.steps, &self.reading.decoded.tokens, self.ids)
    }
}

/// An argument of a call, and where it stands among the tokens of the answer.
pub(super) struct Place<'s> {
    pub tool: usize,
    pub param: usize,
    pub arguments: &'s [Option<Argument>],
    pub tokens: Range<usize>,
}

/// The text that fills a parameter, as it will be taken.
pub(super) fn copied<'t>(name: &str, argument: &'t Option<Argument>, request: &str) -> Option<&'t str> {
    match argument {
        Some(Argument::Text(text)) => Some(trimmed(name, text, request)),
        _ => None,
    }
}

/// The arguments of the user's tools in an answer.
fn places<'s>(steps: &'s [Step], tokens: &[u32], ids: &[u32]) -> Vec<Place<'s>> {
    let token_of = |token: u32| ids.iter().position(|id| *id == token).and_then(|at| Token::all().nth(at));
    let mut places = Vec::new();
    let mut at = 0;
    for step in steps {
        let Step::User { tool, arguments } = step else { continue };
        let is_tool = |token: &u32| matches!(token_of(*token), Some(Token::Tool(_)));
        let Some(called) = tokens[at..].iter().position(is_tool) else { break };
        at += called + 1;
        for (param, argument) in arguments.iter().enumerate() {
            let ends = |token: &u32| token_of(*token) == Some(Token::TextEnd);
            let length = match argument {
                Some(Argument::Text(_)) => tokens[at..].iter().position(ends).map_or(0, |end| end + 1),
                _ => 1,
            };
            places.push(Place { tool: *tool, param, arguments, tokens: at..at + length });
            at = (at + length).min(tokens.len());
        }
    }
    places
}

/// The beginning of a reading, up to a place.
pub(super) fn opening(reading: &Candidate, end: usize) -> Opening {
    let behind = reading.decoded.steps.iter().filter(|step| step.at >= end);
    let behind: f64 = behind.map(|step| f64::from(step.probability)).product();
    let probability = reading.probability / behind.max(f64::MIN_POSITIVE);
    Opening { tokens: reading.decoded.tokens[..end].to_vec(), probability }
}

/// The choices that were said.
pub(super) fn said_choices(
    turn: &Turn<'_>,
    pointers: &Pointers,
    choices: &[String],
) -> impl Iterator<Item = Token> {
    turn.links.iter().flat_map(|link| &link.marks).filter_map(|mark| match mark {
        Mark::Value(at) if choices.contains(&turn.scene.values[*at]) => pointers.mark(mark),
        _ => None,
    })
}

/// Other words for a text, the likeliest by their edges first, with the logarithms of their probabilities.
fn other_words<'t>(
    spans: &TextSpans<'t>,
    (tool, param): (usize, usize),
    arguments: &[Option<Argument>],
) -> Vec<(&'t str, f64)> {
    let turn = spans.turn;
    let Some((_, _, parameters)) = turn.scene.user_tools().nth(tool) else { return Vec::new() };
    let name = &parameters[param].name;
    let likely = spans.of(tool, param);
    let copied = copied(name, &arguments[param], turn.request);
    let least = match copied {
        Some(copied) => LEAST.max(likely.of_text(turn.request, copied) - BEHIND),
        None => LEAST_MORE,
    };
    let taken = |words: &str| {
        let beside = arguments.iter().flatten().any(
            |argument| matches!(argument, Argument::Text(text) if text.contains(words) || words.contains(text)),
        );
        match copied {
            Some(copied) => copied.eq_ignore_ascii_case(words),
            None => beside,
        }
    };
    let likeliest = likely.likeliest().iter().take_while(|(_, likelihood)| *likelihood >= least);
    let words = likeliest
        .map(|(span, likelihood)| (trimmed(name, &turn.request[span.clone()], turn.request), *likelihood));
    words.filter(|(words, _)| !taken(words)).take(MOST).collect()
}

impl Mind {
    /// The answers that differ from a reading in one argument, or in all texts of a call.
    pub(super) fn proposals(&self, draft: &Draft<'_, '_>) -> Vec<Proposal> {
        let Draft { spans, pointers, reading, .. } = draft;
        let turn = spans.turn;
        let holds = |token: Token| reading.answer.contains(&Piece::Token(token));
        let mut proposals = Vec::new();
        for place in draft.places() {
            let Place { tool, param, arguments, .. } = place;
            let Some((_, _, parameters)) = turn.scene.user_tools().nth(tool) else { continue };
            let (parameter, argument) = (&parameters[param], &arguments[param]);
            let mut others: Vec<(Vec<u32>, f64)> = Vec::new();
            let mut token = |token: Token| others.push((vec![draft.id(token)], SAID));
            match &parameter.kind {
                ParamKind::Text { .. } => {
                    let words = other_words(spans, (tool, param), arguments);
                    others.extend(
                        words
                            .iter()
                            .map(|(words, likelihood)| (self.written(words, draft.ids), likelihood.exp())),
                    );
                }
                ParamKind::Number { .. } => {
                    for (at, number) in turn.numbers.iter().take(MOST_NUMBERS).enumerate() {
                        let pointer = Token::Number(at as u8);
                        if parameter.number(number).is_some() && !holds(pointer) {
                            token(pointer);
                        }
                    }
                }
                ParamKind::Choice(choices) if argument.is_none() => {
                    said_choices(turn, pointers, choices).filter(|said| !holds(*said)).for_each(token);
                }
                ParamKind::Flag => {
                    other_token(turn, pointers, parameters, &[], &place).into_iter().for_each(token);
                }
                ParamKind::Choice(_) => {}
            }
            let common = opening(reading, place.tokens.start);
            let probability = common.probability;
            proposals.extend(others.into_iter().map(|(argument, likelihood)| Proposal {
                common: common.clone(),
                argument,
                promise: probability * likelihood,
            }));
        }
        proposals.extend(self.refilled(draft));
        proposals
    }

    /// The answer with another tool than the first that it calls, or with one where it calls none: those that the request is likely for and that none of
    /// the readings calls (`called`), the likeliest first.
    pub(super) fn other_tools(&self, draft: &Draft<'_, '_>, called: &[usize]) -> Vec<Proposal> {
        let Draft { spans, pointers, reading, .. } = draft;
        let intent = spans.intent();
        let tools = || {
            (0..spans.turn.scene.user_tools().count())
                .filter_map(|tool| Some((tool, draft.id(pointers.tool(tool)?))))
        };
        let mut likely: Vec<_> = tools().filter(|(tool, _)| !called.contains(tool)).collect();
        likely.retain(|(tool, _)| intent.of_tool(*tool) + intent.of_any() >= LEAST_TOOL);
        likely.sort_by(|(a, _), (b, _)| intent.of_tool(*b).total_cmp(&intent.of_tool(*a)));
        let is_tool = |token: &u32| tools().any(|(_, id)| id == *token);
        let start = reading.decoded.tokens.iter().position(is_tool).unwrap_or(0);
        let common = opening(reading, start);
        let instead = |(tool, id): &(usize, u32)| Proposal {
            common: common.clone(),
            argument: vec![*id],
            promise: intent.of_tool(*tool).exp(),
        };
        likely.iter().take(MOST_TOOLS).map(instead).collect()
    }

    /// Words as the text of an answer.
    pub(super) fn written(&self, words: &str, ids: &[u32]) -> Vec<u32> {
        let mut written = Vec::new();
        self.tokenizer.encode(&format!(" {}", words.to_lowercase()), Specials::Text, &mut written);
        written.push(ids[Token::TextEnd.index() as usize]);
        written
    }

    /// The beginning of the other answer with its probability; `None` where its argument is not legal.
    pub(super) fn opened(
        &mut self,
        prepared: &Prepared,
        proposal: &Proposal,
    ) -> Result<Option<Opening>, MindError> {
        let wanted = [&prepared.prompt[..], &proposal.common.tokens].concat();
        if wanted.len() + proposal.argument.len() + 16 > self.session.context() {
            return Ok(None);
        }
        feed_prompt(&mut self.session, &mut self.held, &wanted).map_err(DecodeError::from)?;
        let mut matcher = Matcher::new(prepared.grammar.clone(), self.trie.clone())?;
        for &token in &proposal.common.tokens {
            matcher.accept(token)?;
        }
        let mut probability = 1.0;
        for &token in &proposal.argument {
            let legal: Vec<u32> = matcher.mask(None)?.iter().collect();
            let Ok(at) = legal.binary_search(&token) else { return Ok(None) };
            if legal.len() > 1 {
                let scores = self.session.logits(Some(&legal));
                let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let sum: f64 = scores.iter().map(|score| f64::from(score - most).exp()).sum();
                probability *= f64::from(scores[at] - most).exp() / sum;
                if probability < HOPELESS {
                    return Ok(None);
                }
            }
            matcher.accept(token)?;
            self.session.feed(&[token]).map_err(DecodeError::from)?;
            self.held.push(token);
        }
        Ok(Some(Opening {
            tokens: proposal.tokens(),
            probability: proposal.common.probability * probability,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_stand_behind_their_tools() {
        let ids: Vec<u32> = (0..Token::all().count() as u32).map(|at| 1000 + at).collect();
        let id = |token: Token| ids[token.index() as usize];
        let text = |words: &str| Some(Argument::Text(words.to_owned()));
        let steps = [
            Step::User { tool: 1, arguments: vec![text("silverside"), None] },
            Step::List,
            Step::User { tool: 0, arguments: vec![Some(Argument::Number(0)), text("Ada")] },
        ];
        let tokens = [
            id(Token::Tool(4)),
            7,
            8,
            id(Token::TextEnd),
            id(Token::Skip),
            id(Token::List),
            id(Token::Tool(2)),
            id(Token::Number(0)),
            9,
            id(Token::TextEnd),
            id(Token::End),
        ];
        let found: Vec<_> = places(&steps, &tokens, &ids)
            .into_iter()
            .map(|place| (place.tool, place.param, place.tokens))
            .collect();
        assert_eq!(found, [(1, 0, 1..4), (1, 1, 4..5), (0, 0, 7..8), (0, 1, 8..10)]);
        assert!(places(&steps[1..2], &tokens, &ids).is_empty());
        // Tokens of another answer are no harm.
        assert!(places(&steps, &[], &ids).is_empty());
    }
}
