//! Readings of one request beside each other: where the model was close to another answer, and which one is best.

use crate::decode::Decoded;
use crate::link::{Mark, quotes};
use crate::prompt::pintail::{Piece, Pointers, Token};
use crate::prompt::{Argument, Step, Turn};
use crate::tool::Call;

/// One reading of a request beside others.
pub(super) struct Candidate {
    pub decoded: Decoded,
    pub answer: Vec<Piece>,
    /// What the answer comes to; several answers may come to the same.
    pub calls: Vec<Call>,
    /// Of the whole answer among all legal ones.
    pub probability: f64,
    /// Mentions of the request that it makes nothing of.
    pub unused: usize,
    /// Choices that it takes and that no word of the request was linked to.
    pub unsaid: usize,
    /// Texts that it copies and that end within a clause of which nothing else is used.
    pub cut: usize,
    /// Whether it acts on what was named only beside a word that may tell of something else.
    pub strange: bool,
}

/// Other readings are looked at where the model gave the runner-up at least this probability ...
const RIVAL: f32 = 0.04;
/// ... at so many places at most, the closest first.
const MOST_RIVALS: usize = 5;
/// How much less likely a reading is held to be for each mention that it makes nothing of. "Everything off in the
/// kitchen" that leaves the kitchen out is a worse reading than the model may think.
const UNUSED: f64 = 0.15;
/// And for each choice of a tool's that no word stands for.
const UNSAID: f64 = 0.3;
/// And for each text that is cut short: the note of "note: calf 14 has a cough" is not "calf 14".
const CUT: f64 = 0.3;
/// And where all that it acts on was named beside a word that may tell of something else: nobody has moved the table saw by asking for
/// the band saw.
const STRANGE: f64 = 0.2;

impl Candidate {
    /// Beginnings of other answers: this one up to a close decision, then the runner-up; and their probabilities.
    pub fn openings(&self) -> Vec<(Vec<u32>, f64)> {
        let mut openings = Vec::new();
        let mut before = 1.0;
        for step in &self.decoded.steps {
            if step.runner_up >= RIVAL && step.rival != step.token {
                let mut opening = self.decoded.tokens[..step.at].to_vec();
                opening.push(step.rival);
                openings.push((opening, before * f64::from(step.runner_up)));
            }
            before *= f64::from(step.probability);
        }
        openings.sort_by(|a, b| b.1.total_cmp(&a.1));
        openings.truncate(MOST_RIVALS);
        openings
    }
}

/// The readings, best first, and how sure the best one is beside the others and all that was not looked at. Readings that
/// come to the same calls count together.
pub(super) fn ranked(mut readings: Vec<Candidate>) -> (Vec<Candidate>, f64) {
    let weight = |reading: &Candidate| {
        let faults = UNUSED.powi(reading.unused as i32)
            * UNSAID.powi(reading.unsaid as i32)
            * CUT.powi(reading.cut as i32)
            * if reading.strange { STRANGE } else { 1.0 };
        reading.probability * faults
    };
    let seen: f64 = readings.iter().map(|reading| reading.probability).sum();
    let all: f64 = readings.iter().map(weight).sum::<f64>() + (1.0 - seen).max(0.0);
    // Of equal ones the later, which the model looked at because the earlier was close to it.
    readings.reverse();
    let together =
        |calls: &[Call]| readings.iter().filter(|other| other.calls == calls).map(weight).sum::<f64>();
    let shares: Vec<f64> = readings.iter().map(|reading| together(&reading.calls)).collect();
    let mut order: Vec<usize> = (0..readings.len()).collect();
    order.sort_by(|&a, &b| {
        shares[b].total_cmp(&shares[a]).then_with(|| weight(&readings[b]).total_cmp(&weight(&readings[a])))
    });
    let best = order.first().map_or(0.0, |&at| shares[at]);
    let mut readings: Vec<Option<Candidate>> = readings.into_iter().map(Some).collect();
    let readings = order.iter().filter_map(|&at| readings[at].take()).collect();
    (readings, if all > 0.0 { best / all } else { 0.0 })
}

/// How many choices an answer takes that no word of the request was linked to.
pub(super) fn unsaid(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece]) -> usize {
    let marks = || turn.links.iter().flat_map(|link| &link.marks).filter_map(|mark| pointers.mark(mark));
    let taken = |piece: &&Piece| match piece {
        Piece::Token(token @ Token::Value(_)) => !marks().any(|mark| mark == *token),
        _ => false,
    };
    answer.iter().filter(taken).count()
}

/// Whether an answer points at a device or kind that all its mentions tell of strangely.
pub(super) fn strange(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece]) -> bool {
    answer.iter().any(|piece| {
        let Piece::Token(token @ (Token::Device(_) | Token::Kind(_))) = piece else { return false };
        let mut mentions = turn
            .links
            .iter()
            .filter(|link| link.marks.iter().any(|mark| pointers.mark(mark) == Some(*token)))
            .peekable();
        mentions.peek().is_some() && mentions.all(|link| link.strange)
    })
}

/// Words that may follow a text that is copied and belong to nothing.
const COURTESY: &str =
    "please pls plz thanks thank thx you now ok okay then will would can could for me us cheers ta dear if";

/// How many texts an answer copies that end within a clause whose rest serves nothing.
pub(super) fn cut(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece], steps: &[Step]) -> usize {
    let request = turn.request;
    let texts: Vec<&str> = steps
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
        .collect();
    let used =
        |token: &Token| answer.iter().any(|piece| matches!(piece, Piece::Token(taken) if taken == token));
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
        let mut numbers = 0;
        let served = turn.links.iter().any(|link| {
            link.marks.iter().any(|mark| {
                let token = match mark {
                    Mark::Number(_) => {
                        numbers += 1;
                        Some(Token::Number(numbers - 1))
                    }
                    Mark::Tool(tool) => pointers.tool(*tool),
                    mark => pointers.mark(mark),
                };
                link.end > end && link.start < end + length && token.is_some_and(|token| used(&token))
            })
        });
        let other = texts.iter().any(|other| other != *text && rest[..length].contains(other));
        !idle && !served && !other
    };
    texts.iter().filter(is_cut).count()
}

/// How many mentions (devices, areas, kinds, choices, numbers, quotations) an answer points at with none of their marks and
/// does not copy either.
pub(super) fn unused(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece]) -> usize {
    let mut number = 0;
    let copied =
        |said: &str| answer.iter().any(|piece| matches!(piece, Piece::Text(text) if text.contains(said)));
    let linked = |at: &std::ops::Range<usize>| {
        turn.links.iter().any(|link| link.start < at.end && at.start < link.end)
    };
    let quoted = quotes(turn.request)
        .into_iter()
        .filter(|at| !linked(at) && !copied(&turn.request[at.clone()].to_lowercase()))
        .count();
    let links = turn
        .links
        .iter()
        .filter(|link| {
            let marks: Vec<Token> = link
                .marks
                .iter()
                .filter_map(|mark| {
                    if let Mark::Number(_) = mark {
                        number += 1;
                        return Some(Token::Number((number - 1) as u8));
                    }
                    pointers.mark(mark)
                })
                .collect();
            let said = turn.request[link.start..link.end].to_lowercase();
            let pointed =
                answer.iter().any(|piece| matches!(piece, Piece::Token(token) if marks.contains(token)));
            !marks.is_empty() && !pointed && !copied(&said)
        })
        .count();
    links + quoted
}
