//! `tokenizer.model`: the pieces of a SentencePiece model, as far as they make a vocabulary.
//!
//! The file is a protocol buffer (`sentencepiece_model.proto`): field 1 of the model repeats the pieces (1: text,
//! 2: score, 3: type), field 2 how it was trained (3: the kind of model), field 3 is the normaliser (3: whether a space is
//! put in front).

use crate::tokenizer::TokenType;

/// A piece: its text, score and type.
pub(super) type Piece = (String, f32, TokenType);

/// What a model holds.
pub(super) struct Model {
    pub(super) pieces: Vec<Piece>,
    pub(super) space_prefix: bool,
}

/// The kind of models that merge pairs, among those that the trainer writes.
const BPE: u64 = 2;

pub(super) fn parse(bytes: &[u8]) -> Result<Model, String> {
    let mut model = Model { pieces: Vec::new(), space_prefix: true };
    let mut fields = Fields { bytes, at: 0 };
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Bytes(bytes)) => {
                let index = model.pieces.len();
                let piece = piece(bytes).map_err(|problem| format!("piece {index}: {problem}"))?;
                model.pieces.push(piece);
            }
            (2, Value::Bytes(bytes)) => {
                // Unigram is the kind of those that say none.
                let kind = third(bytes)?.unwrap_or(1);
                if kind != BPE {
                    let name = ["unigram", "BPE", "word", "char"].get((kind as usize).wrapping_sub(1));
                    let name = name.unwrap_or(&"unknown");
                    return Err(format!(
                        "a {name} model; BPE is the kind that GGUF's merging by scores can be"
                    ));
                }
            }
            (3, Value::Bytes(bytes)) => {
                if let Some(flag) = third(bytes)? {
                    model.space_prefix = flag != 0;
                }
            }
            _ => {}
        }
    }
    if model.pieces.is_empty() { Err("it has no pieces".to_owned()) } else { Ok(model) }
}

/// The number in field 3 of a message.
fn third(bytes: &[u8]) -> Result<Option<u64>, String> {
    let (mut fields, mut found) = (Fields { bytes, at: 0 }, None);
    while let Some(field) = fields.next()? {
        if let (3, Value::Number(number)) = field {
            found = Some(number);
        }
    }
    Ok(found)
}

fn piece(bytes: &[u8]) -> Result<Piece, String> {
    let (mut text, mut score, mut kind) = (String::new(), 0.0, TokenType::Normal);
    let mut fields = Fields { bytes, at: 0 };
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(bytes)) => {
                text = String::from_utf8(bytes.to_vec()).map_err(|_| "its text is not UTF-8")?;
            }
            (2, Value::Fixed(bytes)) => {
                score = f32::from_le_bytes(*bytes.first_chunk().ok_or("its score is no float")?);
            }
            (3, Value::Number(number)) => {
                kind = match number {
                    1 => TokenType::Normal,
                    2 => TokenType::Unknown,
                    3 => TokenType::Control,
                    4 => TokenType::UserDefined,
                    5 => TokenType::Unused,
                    6 => TokenType::Byte,
                    other => return Err(format!("its type is {other}, expected 1 to 6")),
                };
            }
            _ => {}
        }
    }
    Ok((text, score, kind))
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes.
    Fixed(&'a [u8]),
}

/// The fields of a message, one after the other.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, String> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => Value::Fixed(self.take(8)?),
            2 => {
                let length = self.number()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed(self.take(4)?),
            other => return Err(format!("a field of the unknown kind {other} at byte {}", self.at)),
        };
        Ok(Some((tag >> 3, value)))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let taken = taken.ok_or_else(|| format!("it ends inside a field at byte {}", self.at))?;
        self.at += taken.len();
        Ok(taken)
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn number(&mut self) -> Result<u64, String> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(number);
            }
        }
        Err(format!("a number of more than 64 bits at byte {}", self.at))
    }
}
