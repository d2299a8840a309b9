//! What speaks against the texts that a reading copies out of the request.

use crate::link::Mark;
use crate::prompt::pintail::{Piece, Pointers};
use crate::prompt::span::TextSpans;
use crate::prompt::{Argument, Step, Turn, trimmed};

use super::{holds, pointed};

/// The texts that an answer copies.
pub(super) fn texts(steps: &[Step]) -> impl Iterator<Item = &str> {
    steps
        .iter()
        .filter_map(|step| match step {
            Step::User { arguments, .. } => Some(arguments),
            _ => None,
        })
        .flatten()
        .filter_map(|argument| match argument {
            Some(Argument::Text(text)) => Some(text.as_str()),
            _ => None,
        })
}

/// How many texts hold a mention that the answer points at too, or a device's behind "and" or "then".
pub(super) fn swallowed(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece], steps: &[Step]) -> usize {
    let links = pointed(turn, pointers);
    let swallows = |text: &&str| {
        let Some(start) = turn.request.find(*text) else { return false };
        links.iter().filter(|(link, _)| link.start >= start && link.end <= start + text.len()).any(
            |(link, tokens)| {
                let thing = matches!(link.marks[..], [Mark::Device(_) | Mark::Kind(_), ..]);
                let before = &turn.request[start..link.start];
                let hint = link.marks.iter().all(|mark| matches!(mark, Mark::Tool(_)));
                (!hint && holds(answer, tokens))
                    || (thing && [" and ", " then "].iter().any(|word| before.contains(word)))
            },
        )
    };
    texts(steps).filter(swallows).count()
}

/// How unlikely the texts of an answer are, each as it will be taken.
pub(super) fn surprise(spans: &TextSpans<'_>, steps: &[Step]) -> f64 {
    let turn = spans.turn;
    let of_step = |step: &Step| {
        let Step::User { tool, arguments } = step else { return 0.0 };
        let Some((_, _, parameters)) = turn.scene.user_tools().nth(*tool) else { return 0.0 };
        let texts =
            parameters.iter().zip(arguments).enumerate().filter_map(
                |(at, (param, argument))| match argument {
                    Some(Argument::Text(text)) => Some((at, trimmed(&param.name, text, turn.request))),
                    _ => None,
                },
            );
        texts.map(|(at, text)| -spans.of(*tool, at).of_text(turn.request, text)).sum()
    };
    steps.iter().map(of_step).sum()
}

/// How many texts stand within another text of the same call, or are the same.
pub(super) fn shared(steps: &[Step]) -> usize {
    let of_step = |step: &Step| {
        let texts: Vec<&str> = texts(std::slice::from_ref(step)).collect();
        let within = |(at, text): &(usize, &&str)| {
            texts.iter().enumerate().any(|(other, whole)| {
                other != *at && whole.contains(**text) && (whole != *text || other < *at)
            })
        };
        texts.iter().enumerate().filter(within).count()
    };
    steps.iter().map(of_step).sum()
}
