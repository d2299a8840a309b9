//! What speaks against the texts that a reading copies out of the request.

use crate::link::Mark;
use crate::prompt::pintail::{Piece, Pointers};
use crate::prompt::{Argument, Step, Turn};

use super::{holds, pointed};

/// Words that may follow a text that is copied and belong to nothing.
const COURTESY: &str =
    "please pls plz thanks thank thx you now ok okay then will would can could for me us cheers ta dear if";

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

/// How many texts an answer copies that end within a clause whose rest serves nothing.
pub(super) fn cut(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece], steps: &[Step]) -> usize {
    let request = turn.request;
    let texts: Vec<&str> = texts(steps).collect();
    let links = pointed(turn, pointers);
    let is_cut = |text: &&&str| {
        let Some(end) = request.find(**text).map(|at| at + text.len()) else { return false };
        let rest = &request[end..];
        let mut length = rest.find(|c: char| ",;:!?.()\"“”«»\n—–".contains(c)).unwrap_or(rest.len());
        if steps.len() > 1 {
            let next = [" and ", " then "].iter().filter_map(|word| rest[..length].find(word)).min();
            length = next.unwrap_or(length);
        }
        let idle = rest[..length]
            .split_whitespace()
            .all(|word| COURTESY.split(' ').any(|known| word.eq_ignore_ascii_case(known)));
        let served = links
            .iter()
            .filter(|(link, _)| link.end > end && link.start < end + length)
            .any(|(_, tokens)| holds(answer, tokens));
        let other = texts.iter().any(|other| other != *text && rest[..length].contains(other));
        !idle && !served && !other
    };
    texts.iter().filter(is_cut).count()
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

/// Words that no text begins with: who did something, and that it was done.
const LEADING: &str = "she he they we it i has had have is was were took that to for about saying says of";

/// How many texts begin with a word that belongs before a text.
pub(super) fn led(steps: &[Step]) -> usize {
    texts(steps).filter(|text| text.contains(char::is_whitespace) && begins(text, LEADING)).count()
}

/// Whether the first word of a text is one of a list.
fn begins(text: &str, list: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or("");
    list.split(' ').any(|known| first.eq_ignore_ascii_case(known))
}
