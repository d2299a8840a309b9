//! The bundled model's rendering, version 2 (GGUF key `pintail.rendering`): pointers and link marks.
//!
//! ```text
//! <|tools|><|on|><|off|><|t1|> feed: feed the cat<|arg|> grams<|num|>
//! <|k1|> light<|a1|> kitchen<|d1|> kitchen light<|k1|><|a1|><|sw|><|bl|><|lv|>...
//! <|req|> turn on the kitchen light<|d1|><|nm|><|sw|><|bl|><|lv|><|ans|>  →  <|on|><|d1|><|end|>
//! ```
//!
//! (One line, no spaces but those before words.) Everything before `<|req|>` depends on the scene alone, so
//! its KV state is reused from turn to turn. Names and requests are lower-cased; text never holds a mark,
//! because marks are control tokens, which a person's text is never parsed for. `docs/rendering.md` has the
//! whole form.

mod answer;
mod grammar;
mod render;
mod token;

pub use answer::{AnswerError, encode, parse};
pub use grammar::grammar;
pub use render::{Piece, Pointers, request, scene, text};
pub use token::{MOST_AREAS, MOST_DEVICES, MOST_KINDS, MOST_NUMBERS, MOST_TOOLS, MOST_VALUES, Token};

/// The version of this rendering, as the model file states it.
pub const VERSION: u32 = 2;

/// Most bytes of a request; a longer one is refused before the model sees it.
pub const MOST_REQUEST: usize = 1000;
