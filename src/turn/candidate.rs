//! Readings of one request beside each other: where the model was close to another answer, and which one is best.

use crate::decode::Decoded;
use crate::link::Mark;
use crate::prompt::pintail::{Piece, Pointers, Token};
use crate::prompt::{Step, Turn};

/// One reading of a request beside others.
pub(super) struct Candidate {
    pub decoded: Decoded,
    pub answer: Vec<Piece>,
    pub steps: Vec<Step>,
    /// Of the whole answer among all legal ones.
    pub probability: f64,
    /// Mentions of the request that it makes nothing of.
    pub unused: usize,
    /// Choices that it takes and that no word of the request was linked to.
    pub unsaid: usize,
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

/// The readings, best first, and how sure the best one is beside the others and all that was not looked at.
pub(super) fn ranked(mut readings: Vec<Candidate>) -> (Vec<Candidate>, f64) {
    let weight = |reading: &Candidate| {
        reading.probability * UNUSED.powi(reading.unused as i32) * UNSAID.powi(reading.unsaid as i32)
    };
    let seen: f64 = readings.iter().map(|reading| reading.probability).sum();
    let all: f64 = readings.iter().map(weight).sum::<f64>() + (1.0 - seen).max(0.0);
    // Of equal ones the later, which the model looked at because the earlier was close to it.
    readings.reverse();
    readings.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    let best = readings.first().map_or(0.0, weight);
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

/// How many mentions (devices, areas, kinds, choices, numbers) an answer points at with none of their marks and does
/// not copy either.
pub(super) fn unused(turn: &Turn<'_>, pointers: &Pointers, answer: &[Piece]) -> usize {
    let mut number = 0;
    turn.links
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
            let used = answer.iter().any(|piece| match piece {
                Piece::Token(token) => marks.contains(token),
                Piece::Text(text) => text.contains(&said),
            });
            !marks.is_empty() && !used
        })
        .count()
}
