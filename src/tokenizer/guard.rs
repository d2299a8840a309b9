//! Guarded text: what comes from outside, made so that it spells no special token however it is put into a frame.
//!
//! A chat template mixes its own marks with the words of people, and only its marks may become special tokens. Before
//! words go in, [`Tokenizer::guard`] puts a [`BARRIER`] into every string of a special token that they hold; the frame is
//! then encoded with [`Tokenizer::encode_guarded`], which finds no special token across a barrier and otherwise reads the
//! text as if there were none. (A frame that ends in the beginning of such a string right before the words would spell it
//! together with them; no chat template does.)

use std::borrow::Cow;
use std::ops::Range;

use super::{TokenType, Tokenizer};

/// A code point that Unicode keeps out of all texts; one in a text from outside becomes U+FFFD.
pub(super) const BARRIER: char = '\u{fdd0}';

impl Tokenizer {
    /// A text from outside, guarded.
    pub fn guard<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let clean = if text.contains(BARRIER) {
            text.replace(BARRIER, "\u{fffd}").into()
        } else {
            Cow::Borrowed(text)
        };
        if self.find_special(&clean).is_none() {
            return clean;
        }
        let mut out = String::with_capacity(clean.len() + 16);
        let mut rest = &*clean;
        while let Some((_, place)) = self.find_special(rest) {
            // Behind the first character: another special token may begin at the second.
            let first = rest[place.start..].chars().next().map_or(1, char::len_utf8);
            let (before, after) = rest.split_at(place.start + first);
            out.push_str(before);
            out.push(BARRIER);
            rest = after;
        }
        out.push_str(rest);
        out.into()
    }

    /// A guarded text without its barriers.
    pub fn unguard<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.contains(BARRIER) { text.replace(BARRIER, "").into() } else { Cow::Borrowed(text) }
    }

    /// Appends the tokens of a frame into which guarded texts were put: strings of special tokens are these tokens, except
    /// where they stand in guarded text.
    pub fn encode_guarded(&self, text: &str, out: &mut Vec<u32>) {
        let mut rest = text;
        let mut from = 0;
        while let Some((id, place)) = self.find_special(&rest[from..]) {
            let (start, end) = (from + place.start, from + place.end);
            if rest[end..].starts_with(BARRIER) {
                // A special token of one character has its barrier behind it.
                from = end;
                continue;
            }
            self.encode_text(&self.unguard(&rest[..start]), out);
            out.push(id);
            rest = &rest[end..];
            from = 0;
        }
        self.encode_text(&self.unguard(rest), out);
    }

    /// The first special or user-defined token whose string stands in a text, and where.
    pub fn find_special(&self, text: &str) -> Option<(u32, Range<usize>)> {
        self.specials.find(&self.vocab, text.as_bytes())
    }

    /// Whether a token is a mark of its own: a control token, or one that was added whole.
    pub fn is_marker(&self, id: u32) -> bool {
        matches!(self.token_type(id), TokenType::Control | TokenType::UserDefined)
    }
}
