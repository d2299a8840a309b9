//! Tokenizers built from GGUF metadata: byte-level BPE and SentencePiece-style, over the map.
//!
//! The strings of a vocabulary stay in the file. A [`Tokenizer`] adds an offset, a type and a slot of an
//! index a token, and three ids and a slot a merge: 1.4 MB for 49,152 tokens and as many merges.
//!
//! Text from people is encoded with [`Specials::Text`]: then no control token can come of it, whatever
//! it says. Only the prompt's own frame is encoded with [`Specials::Parse`]; where a frame and words from
//! outside are one text (chat templates), the words are [guarded](Tokenizer::guard) first.

mod bpe;
mod decoder;
mod error;
mod guard;
mod index;
mod special;
mod split;
mod spm;
mod unicode;
mod vocab;

use std::borrow::Cow;

use bpe::Bpe;
#[cfg(test)]
pub(crate) use bpe::byte_to_char as byte_spelling;
use special::SpecialTokens;
use spm::Spm;
use vocab::Vocab;

pub use decoder::Decoder;
pub use error::TokenizerError;
pub use split::Split;
pub use vocab::TokenType;

use crate::gguf::Gguf;

/// No token, no symbol.
const NONE: u32 = u32::MAX;
/// Longest stretch that is encoded at once, in bytes, so that positions fit 32 bits with room to spare.
const MAX_STRETCH: usize = 1 << 28;
/// What models end a turn with, when the file names no such token.
const TURN_ENDS: [&str; 5] = ["<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|eom_id|>"];

/// Whether the strings of special tokens mean those tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Specials {
    /// Special strings are text like any other (what a person writes), and special tokens are not shown.
    #[default]
    Text,
    /// Special strings are their tokens, and special tokens are shown as their strings.
    Parse,
}

/// A vocabulary and the way that text becomes its tokens. Immutable; share it by reference.
pub struct Tokenizer {
    vocab: Vocab,
    kind: Kind,
    specials: SpecialTokens,
    bos: Option<u32>,
    eos: Option<u32>,
    eot: Option<u32>,
    add_bos: bool,
    ends: Vec<u32>,
}

enum Kind {
    Bpe(Bpe),
    Spm(Spm),
}

impl Tokenizer {
    /// Builds the tokenizer that a model file describes: `tokenizer.ggml.model` of `gpt2` (byte-level
    /// BPE, with the pre-tokenizer of `tokenizer.ggml.pre`) or `llama` (SentencePiece).
    ///
    /// # Errors
    /// What is missing, unsupported or does not fit, with its key, token or merge.
    pub fn from_gguf(file: &Gguf) -> Result<Tokenizer, TokenizerError> {
        const MODEL: &str = "tokenizer.ggml.model";
        const PRE: &str = "tokenizer.ggml.pre";
        let unsupported =
            |key, found: &str, known| TokenizerError::Unsupported { key, found: found.to_owned(), known };
        let model = file.str(MODEL)?;
        let vocab = match model {
            "gpt2" | "llama" => Vocab::from_gguf(file)?,
            other => return Err(unsupported(MODEL, other, "gpt2, llama")),
        };
        let kind = if model == "gpt2" {
            let pre = file.str_or(PRE, "default")?;
            let split = Split::from_name(pre).ok_or_else(|| unsupported(PRE, pre, Split::NAMES))?;
            Kind::Bpe(Bpe::from_gguf(file, &vocab, split)?)
        } else {
            Kind::Spm(Spm::from_gguf(file, &vocab)?)
        };
        // As llama.cpp has it where the file does not say.
        let add_bos = match &kind {
            Kind::Bpe(bpe) => bpe.adds_bos(),
            Kind::Spm(_) => true,
        };
        let mut tokenizer = Tokenizer {
            specials: SpecialTokens::new(&vocab),
            bos: id_key(file, &vocab, "tokenizer.ggml.bos_token_id")?,
            eos: id_key(file, &vocab, "tokenizer.ggml.eos_token_id")?,
            eot: id_key(file, &vocab, "tokenizer.ggml.eot_token_id")?,
            add_bos: file.bool_or("tokenizer.ggml.add_bos_token", add_bos)?,
            ends: Vec::new(),
            vocab,
            kind,
        };
        let named = TURN_ENDS.iter().filter_map(|text| tokenizer.token_id(text));
        let named: Vec<u32> = named.filter(|&id| !tokenizer.vocab.is_plain(id)).collect();
        tokenizer.eot = tokenizer.eot.or(named.first().copied());
        tokenizer.ends = tokenizer.eos.into_iter().chain(tokenizer.eot).chain(named).collect();
        tokenizer.ends.sort_unstable();
        tokenizer.ends.dedup();
        Ok(tokenizer)
    }

    /// Appends the tokens of a text to `out`. No BOS or EOS is added: see [`Tokenizer::add_bos`].
    ///
    /// With [`Specials::Text`] no control, unknown or user-defined token is ever appended, except that a
    /// SentencePiece vocabulary without byte tokens gives its unknown token for what it cannot spell. A
    /// byte-level vocabulary that lacks a byte leaves it out. Takes n log n time, and heap of about 30
    /// bytes a byte of the longest word (of the whole text for SentencePiece, which has no words).
    pub fn encode(&self, text: &str, specials: Specials, out: &mut Vec<u32>) {
        let mut rest = text;
        if specials == Specials::Parse {
            while let Some((id, place)) = self.specials.find(&self.vocab, rest.as_bytes()) {
                self.encode_text(&rest[..place.start], out);
                out.push(id);
                rest = &rest[place.end..];
            }
        }
        self.encode_text(rest, out);
    }

    fn encode_text(&self, text: &str, out: &mut Vec<u32>) {
        let mut rest = text;
        while !rest.is_empty() {
            let (stretch, after) = rest.split_at(boundary(rest, MAX_STRETCH));
            match &self.kind {
                Kind::Bpe(bpe) => bpe.encode(&self.vocab, stretch, out),
                Kind::Spm(spm) => spm.encode(&self.vocab, stretch, rest.len() == text.len(), out),
            }
            rest = after;
        }
    }

    /// The text of tokens from its beginning: what [`Tokenizer::encode`] was given, if they come from it
    /// and special tokens are treated alike. Invalid UTF-8 becomes U+FFFD.
    pub fn decode(&self, ids: &[u32], specials: Specials) -> String {
        let mut decoder = Decoder::from_start(self, specials);
        let mut out = String::new();
        for &id in ids {
            decoder.push(self, id, &mut out);
        }
        decoder.finish(&mut out);
        out
    }

    /// The bytes that a token stands for in a text: BPE's spelling undone, `▁` a space, a byte token its
    /// byte; the string itself for control, unknown and user-defined tokens. Empty for an id that is none.
    pub fn token_bytes(&self, id: u32) -> Cow<'_, [u8]> {
        let raw = self.vocab.raw(id);
        let as_is = match &self.kind {
            Kind::Bpe(_) => raw.iter().all(u8::is_ascii_graphic),
            Kind::Spm(_) => raw.is_ascii() && self.vocab.token_type(id) != TokenType::Byte,
        };
        if as_is || self.is_verbatim(id) {
            return Cow::Borrowed(raw);
        }
        let mut out = Vec::with_capacity(raw.len());
        self.append_bytes(id, &mut out);
        Cow::Owned(out)
    }

    /// Appends [`Tokenizer::token_bytes`] without allocating for itself.
    pub fn append_bytes(&self, id: u32, out: &mut Vec<u8>) {
        let raw = self.vocab.raw(id);
        if self.is_verbatim(id) {
            return out.extend(raw);
        }
        match &self.kind {
            Kind::Spm(_) if self.vocab.token_type(id) == TokenType::Byte => out.extend(spm::byte_of(raw)),
            Kind::Spm(_) => {
                let mut parts = self.token_text(id).split(spm::SPACE);
                out.extend(parts.next().unwrap_or("").bytes());
                for part in parts {
                    out.push(b' ');
                    out.extend(part.bytes());
                }
            }
            Kind::Bpe(_) => {
                for c in self.token_text(id).chars() {
                    match bpe::char_to_byte(c) {
                        Some(byte) => out.push(byte),
                        None => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                    }
                }
            }
        }
    }

    /// Whether a token's string is its text.
    fn is_verbatim(&self, id: u32) -> bool {
        use TokenType::{Control, Unknown, UserDefined};
        matches!(self.vocab.token_type(id), Control | Unknown | UserDefined)
    }

    /// The string of a token as it stands in the vocabulary; empty for an id that is none.
    pub fn token_text(&self, id: u32) -> &str {
        // Checked when the vocabulary was read; reads as empty should the file have been changed since.
        std::str::from_utf8(self.vocab.raw(id)).unwrap_or("")
    }

    /// The token with exactly this string in the vocabulary.
    pub fn token_id(&self, text: &str) -> Option<u32> {
        self.vocab.find(text.as_bytes())
    }

    /// What a token is for; [`TokenType::Undefined`] for an id that is none.
    pub fn token_type(&self, id: u32) -> TokenType {
        self.vocab.token_type(id)
    }

    /// Whether a token is no text: control, unknown and unused ones. User-defined tokens are text that
    /// was added whole.
    pub fn is_special(&self, id: u32) -> bool {
        use TokenType::{Control, Unknown, Unused};
        matches!(self.token_type(id), Control | Unknown | Unused)
    }

    /// How many tokens there are; ids are below it.
    pub fn vocab_size(&self) -> usize {
        self.vocab.len()
    }

    /// The token that begins a text.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }
    /// The token that ends a text.
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }
    /// The token that ends a turn: the file's, or the first control token with a name known for it.
    pub fn eot(&self) -> Option<u32> {
        self.eot
    }
    /// Whether generation ends at this token: EOS, EOT, and other ends of turns known by name.
    pub fn is_end(&self, id: u32) -> bool {
        self.ends.contains(&id)
    }
    /// The tokens at which generation ends, in order.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }
    /// Whether the model expects [`Tokenizer::bos`] in front of its prompt.
    pub fn add_bos(&self) -> bool {
        self.add_bos
    }
    /// Whether encoding puts a space in front of a text.
    pub fn adds_space_prefix(&self) -> bool {
        matches!(&self.kind, Kind::Spm(spm) if spm.space_prefix)
    }

    /// Bytes on the heap; the vocabulary's strings are not among them.
    pub fn heap_bytes(&self) -> usize {
        let kind = match &self.kind {
            Kind::Bpe(bpe) => bpe.heap_bytes(),
            Kind::Spm(spm) => spm.heap_bytes(),
        };
        self.vocab.heap_bytes() + self.specials.heap_bytes() + kind
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Bpe(_) => "byte-level BPE",
            Kind::Spm(_) => "SentencePiece",
        };
        write!(f, "Tokenizer({kind}, {} tokens)", self.vocab_size())
    }
}

/// The last end of a character at or before `limit`.
fn boundary(text: &str, limit: usize) -> usize {
    if text.len() <= limit {
        return text.len();
    }
    (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// A key that holds a token's id, if the file has it.
fn id_key(file: &Gguf, vocab: &Vocab, key: &'static str) -> Result<Option<u32>, TokenizerError> {
    match file.optional::<u32>(key)? {
        // Written by some converters for "none".
        None | Some(NONE) => Ok(None),
        Some(id) if (id as usize) < vocab.len() => Ok(Some(id)),
        Some(id) => {
            let problem = format!("{id}, but the vocabulary has {} tokens", vocab.len());
            Err(TokenizerError::Key { key, problem })
        }
    }
}

#[cfg(test)]
mod tests;
