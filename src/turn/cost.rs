//! What each part of a prompt costs.

use std::time::SystemTime;

use serde::Serialize;

use super::mind::{Dialect, Mind};
use crate::model::LanguageModel;
use crate::prompt::chat::Today;
use crate::prompt::pintail::{self, Piece, Pointers, Token};
use crate::prompt::{Background, Scene, Turn};
use crate::tokenizer::Specials;

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

impl Mind {
    pub(super) fn tokens_of(&self, piece: &Piece) -> usize {
        match piece {
            Piece::Token(_) => 1,
            Piece::Text(text) => {
                let mut ids = Vec::new();
                self.tokenizer.encode(text, Specials::Text, &mut ids);
                ids.len()
            }
        }
    }

    /// What a state's prompt costs before anything is said, part by part, with this model's tokenizer.
    pub fn measure(&self, scene: &Scene, background: &Background<'_>) -> Vec<Part> {
        match &self.dialect {
            Dialect::Pintail(_) => {
                let pieces = pintail::scene(scene, &Pointers::new(scene, None));
                parts(&pieces, |piece| self.tokens_of(piece))
            }
            Dialect::Chat(chat) => {
                let turn = Turn::with_links(scene, "", Vec::new());
                let prompt = chat.prompt(&turn, background, &self.tokenizer, Today::at(SystemTime::now()));
                // A template that cannot be rendered is said when a request is read.
                let tokens = prompt.map_or(0, |prompt| prompt.tokens.len());
                vec![Part { part: "prompt", tokens }]
            }
        }
    }

    /// How many tokens a text has for this model.
    pub fn tokens(&self, text: &str) -> usize {
        self.tokens_of(&Piece::Text(text.to_owned()))
    }

    /// Tokens of context: the longest prompt with its answer.
    pub fn context(&self) -> usize {
        self.session.context()
    }
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
