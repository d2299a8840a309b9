//! Other arguments for all of a call at once: texts that are likeliest together, numbers for what is named beside them, choices and answers to
//! yes-or-no questions that were said. One argument after the other does not come from three coffees for Ada to Ada's table three.

use std::ops::Range;

use super::Mind;
use super::proposals::{Draft, Place, Proposal, SAID, copied, opening, said_choices};
use crate::link::answered;
use crate::prompt::pintail::{Pointers, Token};
use crate::prompt::{Argument, Param, ParamKind, Step, Turn, trimmed};
use crate::turn::candidate::Candidate;
use crate::turn::signs::named_numbers;

/// The texts of a call are sought together where there are so many at most (each more would take nine times as long), ...
const MOST_TEXTS: usize = 4;
/// ... among so many spans for each, ...
const TOGETHER: usize = 8;
/// ... and how likely an optional one is left out, as a natural logarithm.
const LEFT_OUT: f64 = -2.0;

/// What fills a text parameter, nothing if it is left out, and the logarithm of its probability.
type Filling = (Option<Range<usize>>, f64);

/// The texts of one call that are likeliest together, none within another, with the logarithm of their probability.
#[derive(Default)]
struct Together {
    found: Option<(Vec<Option<Range<usize>>>, f64)>,
    chosen: Vec<Option<Range<usize>>>,
}

impl Together {
    /// Among what may fill each of them; `None` where all would overlap.
    fn of(texts: &[Vec<Filling>]) -> Option<(Vec<Option<Range<usize>>>, f64)> {
        let mut together = Together::default();
        together.seek(texts, 0.0);
        together.found
    }

    /// Fills the texts that are left, `sum` being the logarithm for those that are chosen.
    fn seek(&mut self, texts: &[Vec<Filling>], sum: f64) {
        // A logarithm is never above nothing: what is behind already stays behind.
        if self.found.as_ref().is_some_and(|(_, best)| *best >= sum) {
            return;
        }
        let Some((first, others)) = texts.split_first() else {
            self.found = Some((self.chosen.clone(), sum));
            return;
        };
        for (span, likelihood) in first {
            let within = |other: &Range<usize>| {
                span.as_ref().is_some_and(|span| span.start < other.end && other.start < span.end)
            };
            if !self.chosen.iter().flatten().any(within) {
                self.chosen.push(span.clone());
                self.seek(others, sum + likelihood);
                self.chosen.pop();
            }
        }
    }
}

/// What stands in an argument's place instead, nothing where it stays.
type Instead = Option<Vec<u32>>;

impl Mind {
    /// The answers with other arguments in its only call of a user's tool: with other texts, with other numbers, choices and flags, with both.
    pub(super) fn refilled(&self, draft: &Draft<'_, '_>) -> Vec<Proposal> {
        let Draft { spans, pointers, reading, steps, .. } = draft;
        let turn = spans.turn;
        if steps.iter().filter(|step| matches!(step, Step::User { .. })).count() != 1 {
            return Vec::new();
        }
        let places = draft.places();
        let Some(Place { tool, .. }) = places.first() else { return Vec::new() };
        let Some((_, _, parameters)) = turn.scene.user_tools().nth(*tool) else { return Vec::new() };
        if places.len() != parameters.len() {
            return Vec::new();
        }
        let texts = self.other_texts(draft, parameters, &places);
        let named = named_numbers(turn, parameters);
        let other = |place: &Place<'_>| {
            let token = other_token(turn, pointers, parameters, &named, place)?;
            Some(vec![draft.id(token)])
        };
        let others: Vec<Instead> = places.iter().map(other).collect();
        let mut proposals = Vec::new();
        if let Some((texts, likelihood)) = texts {
            proposals.extend(rewritten(reading, &places, &texts, likelihood));
            if others.iter().any(Option::is_some) {
                let both: Vec<Instead> =
                    texts.iter().zip(&others).map(|(text, other)| text.clone().or(other.clone())).collect();
                proposals.extend(rewritten(reading, &places, &both, SAID * likelihood));
            }
        }
        proposals.extend(rewritten(reading, &places, &others, SAID));
        proposals
    }

    /// The texts that are likeliest together by their edges, where there are several and they are others than those of the reading, with how likely
    /// they are.
    fn other_texts(
        &self,
        draft: &Draft<'_, '_>,
        parameters: &[Param],
        places: &[Place<'_>],
    ) -> Option<(Vec<Instead>, f64)> {
        let Draft { spans, ids, .. } = draft;
        let turn = spans.turn;
        let is_text = |place: &&Place<'_>| matches!(parameters[place.param].kind, ParamKind::Text { .. });
        let texts: Vec<&Place<'_>> = places.iter().filter(is_text).collect();
        if !(2..=MOST_TEXTS).contains(&texts.len()) {
            return None;
        }
        let options = |place: &&Place<'_>| {
            let likely = spans.of(place.tool, place.param);
            let spans = likely.likeliest().iter().take(TOGETHER);
            let mut options: Vec<_> =
                spans.map(|(span, likelihood)| (Some(span.clone()), *likelihood)).collect();
            options.extend((!parameters[place.param].required).then_some((None, LEFT_OUT)));
            options
        };
        let (found, likelihood) = Together::of(&texts.iter().map(options).collect::<Vec<_>>())?;
        let likelihood = (likelihood / texts.len() as f64).exp();
        let mut found = found.into_iter();
        let instead = |place: &Place<'_>| {
            if !is_text(&place) {
                return None;
            }
            let name = &parameters[place.param].name;
            let words = found.next()?.map(|span| trimmed(name, &turn.request[span], turn.request));
            if copied(name, &place.arguments[place.param], turn.request) == words {
                return None;
            }
            let skip = || vec![draft.id(Token::Skip)];
            Some(words.map_or_else(skip, |words| self.written(words, ids)))
        };
        Some((places.iter().map(instead).collect(), likelihood))
    }
}

/// What was said for a number, a choice or a flag and is not what the reading takes for it. `named`: parameters that are named beside numbers.
pub(super) fn other_token(
    turn: &Turn<'_>,
    pointers: &Pointers,
    parameters: &[Param],
    named: &[(usize, usize)],
    place: &Place<'_>,
) -> Option<Token> {
    let (parameter, argument) = (&parameters[place.param], &place.arguments[place.param]);
    match &parameter.kind {
        ParamKind::Number { .. } => {
            let fits =
                |at: &usize| turn.numbers.get(*at).is_some_and(|said| parameter.number(said).is_some());
            let own = named.iter().find(|(param, at)| *param == place.param && fits(at)).map(|(_, at)| *at);
            let taken = match argument {
                Some(Argument::Number(at)) => Some(*at),
                _ => None,
            };
            match own {
                Some(own) => (taken != Some(own)).then_some(Token::Number(u8::try_from(own).ok()?)),
                None => {
                    let anothers = taken.is_some_and(|taken| {
                        named.iter().any(|(param, at)| *param != place.param && *at == taken)
                    });
                    (anothers && !parameter.required).then_some(Token::Skip)
                }
            }
        }
        ParamKind::Choice(choices) if argument.is_none() => said_choices(turn, pointers, choices).next(),
        ParamKind::Flag => {
            let yes = answered(&parameter.name, turn.request)?;
            let token = if yes { Token::Yes } else { Token::No };
            (*argument != Some(Argument::Flag(yes))).then_some(token)
        }
        _ => None,
    }
}

/// The answer with something else in some places; `None` if it is nowhere.
fn rewritten(
    reading: &Candidate,
    places: &[Place<'_>],
    instead: &[Instead],
    likelihood: f64,
) -> Option<Proposal> {
    let mut others =
        places.iter().zip(instead).filter_map(|(place, instead)| Some((place, instead.as_ref()?)));
    let start = others.clone().next()?.0.tokens.start;
    let (argument, _) = others.by_ref().fold((Vec::new(), start), |(mut argument, at), (place, instead)| {
        argument.extend(&reading.decoded.tokens[at..place.tokens.start]);
        argument.extend(instead);
        (argument, place.tokens.end)
    });
    let common = opening(reading, start);
    let promise = common.probability * likelihood;
    Some(Proposal { common, argument, promise })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Scene, Tool};

    #[test]
    fn texts_of_one_call_are_sought_apart_from_each_other() {
        let fillings = |spans: &[(Range<usize>, f64)]| -> Vec<Filling> {
            spans.iter().map(|(span, likelihood)| (Some(span.clone()), *likelihood)).collect()
        };
        let item = fillings(&[(20..25, -0.2), (0..5, -0.9)]);
        let mut customer = fillings(&[(20..25, -0.1), (22..25, -0.3)]);
        let (found, likelihood) = Together::of(&[item.clone(), customer.clone()]).unwrap();
        assert_eq!(found, [Some(0..5), Some(20..25)]);
        assert!((likelihood + 1.0).abs() < 1e-9);
        assert!(Together::of(&[item[..1].to_vec(), customer.clone()]).is_none());
        customer.push((None, -2.0));
        assert_eq!(Together::of(&[item[..1].to_vec(), customer]).unwrap().0, [Some(20..25), None]);
        assert_eq!(Together::of(&[]).unwrap().0, []);
    }

    /// What stands instead of the arguments that a reading of `request` has, of a tool that seats guests at a table.
    fn instead(request: &str, arguments: &[Option<Argument>]) -> Vec<Option<Token>> {
        let number = |name: &str, required| Param {
            name: name.into(),
            kind: ParamKind::Number { min: 0.0, max: 99.0, integer: true },
            required,
            unit: None,
        };
        let drink = ParamKind::Choice(vec!["tea".into(), "coffee".into()]);
        let param = |name: &str, kind| Param { name: name.into(), kind, required: false, unit: None };
        let parameters = vec![
            number("guests", true),
            number("table", false),
            param("drink", drink),
            param("urgent", ParamKind::Flag),
        ];
        let tool = Tool::User { name: "seat".into(), description: "seat people".into(), parameters };
        let scene = Scene::new(vec![tool], Vec::new());
        let turn = Turn::new(&scene, request);
        let pointers = Pointers::new(&scene, Some(&turn));
        let (_, _, parameters) = scene.user_tools().next().unwrap();
        let named = named_numbers(&turn, parameters);
        let other = |param| {
            other_token(
                &turn,
                &pointers,
                parameters,
                &named,
                &Place { tool: 0, param, arguments, tokens: 0..1 },
            )
        };
        (0..arguments.len()).map(other).collect()
    }

    #[test]
    fn what_was_said_for_an_argument_stands_instead_of_it() {
        let number = |at| Some(Argument::Number(at));
        let said = "table 4, six guests, tea, no rush";
        let other = instead(said, &[number(0), number(1), None, None]);
        assert_eq!(other[..2], [Some(Token::Number(1)), Some(Token::Number(0))]);
        assert!(matches!(other[2], Some(Token::Value(_))));
        assert_eq!(other[3], Some(Token::No));
        let right = [number(1), number(0), Some(Argument::Choice(0)), Some(Argument::Flag(false))];
        assert_eq!(instead(said, &right), [None; 4]);
        // Six are the guests, not the table.
        let other = instead("six guests", &[number(0), number(0), None, None]);
        assert_eq!(other, [None, Some(Token::Skip), None, None]);
    }
}
