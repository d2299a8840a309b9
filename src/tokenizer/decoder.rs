//! Tokens to text as they come, never half a character.

use super::{Specials, Tokenizer};

/// Turns tokens into text one by one. A character whose bytes are spread over tokens comes out with
/// its last byte; what can no longer become a character comes out as U+FFFD. Holds at most one token's
/// bytes and 3 more.
#[derive(Clone, Debug)]
pub struct Decoder {
    held: Vec<u8>,
    specials: Specials,
    strip_space: bool,
}

impl Decoder {
    /// For text that goes on, such as what a model answers. With [`Specials::Parse`] special tokens
    /// come out as their strings, with [`Specials::Text`] not at all.
    pub fn new(specials: Specials) -> Decoder {
        Decoder { held: Vec::new(), specials, strip_space: false }
    }

    /// For a text from its beginning: the space that [`Tokenizer::encode`] put there is taken away.
    pub fn from_start(tokenizer: &Tokenizer, specials: Specials) -> Decoder {
        Decoder { strip_space: tokenizer.adds_space_prefix(), ..Decoder::new(specials) }
    }

    /// Appends to `out` the text that is complete with this token.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32, out: &mut String) {
        let special = tokenizer.is_special(id);
        if special && self.specials == Specials::Text {
            return;
        }
        let start = self.held.len();
        tokenizer.append_bytes(id, &mut self.held);
        if self.strip_space && self.held.len() > start {
            self.strip_space = false;
            if !special && self.held[start] == b' ' {
                self.held.remove(start);
            }
        }
        self.drain(out, false);
    }

    /// Appends what is left: a character that was cut short, as U+FFFD.
    pub fn finish(&mut self, out: &mut String) {
        self.drain(out, true);
    }

    #[cfg(test)]
    pub(super) fn held_len(&self) -> usize {
        self.held.len()
    }

    fn drain(&mut self, out: &mut String, last: bool) {
        let mut used = 0;
        for chunk in self.held.utf8_chunks() {
            out.push_str(chunk.valid());
            used += chunk.valid().len();
            let invalid = chunk.invalid();
            let at_end = used + invalid.len() == self.held.len();
            if at_end && !last && is_beginning(invalid) {
                break;
            }
            used += invalid.len();
            if !invalid.is_empty() {
                out.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.held.drain(..used);
    }
}

/// Whether more bytes could make a character of these.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}
