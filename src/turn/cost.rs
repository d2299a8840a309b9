//! What each part of a prompt costs.

use serde::Serialize;

use crate::prompt::pintail::{Piece, Token};

/// A part of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What it holds.
    pub part: &'static str,
    /// Its tokens.
    pub tokens: usize,
}

/// The parts in which a prompt of the bundled model stands, in their order.
const PARTS: [&str; 6] = ["built-in tools", "own tools", "kinds", "areas", "devices", "request"];

/// The tokens of each part. `count` says how many a piece has.
pub(super) fn parts(pieces: &[Piece], mut count: impl FnMut(&Piece) -> usize) -> Vec<Part> {
    let mut tokens = [0; PARTS.len()];
    let mut part = 0;
    for piece in pieces {
        if let Piece::Token(token) = piece {
            let begins = match token {
                Token::Tool(_) => 1,
                Token::Kind(_) => 2,
                Token::Area(_) => 3,
                Token::Device(_) => 4,
                Token::Request => 5,
                _ => 0,
            };
            // Within a part there are pointers to parts before it; it only goes on.
            part = part.max(begins);
        }
        tokens[part] += count(piece);
    }
    PARTS
        .into_iter()
        .zip(tokens)
        .filter(|(_, tokens)| *tokens > 0)
        .map(|(part, tokens)| Part { part, tokens })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_and_miss_nothing() {
        use Piece::{Text, Token as T};
        let pieces = [
            T(Token::Tools),
            T(Token::On),
            T(Token::Tool(0)),
            Text(" feed".into()),
            T(Token::Kind(0)),
            Text(" lamp".into()),
            T(Token::Device(0)),
            Text(" desk".into()),
            T(Token::Kind(0)),
            T(Token::Request),
            Text(" on".into()),
            T(Token::Device(0)),
            T(Token::Answer),
        ];
        let parts = parts(&pieces, |_| 1);
        let found: Vec<(&str, usize)> = parts.iter().map(|part| (part.part, part.tokens)).collect();
        assert_eq!(
            found,
            [("built-in tools", 2), ("own tools", 2), ("kinds", 2), ("devices", 3), ("request", 4)]
        );
    }
}
