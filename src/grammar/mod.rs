//! GBNF and JSON Schema compiled to one byte-level automaton, and the token mask over a trie of the vocabulary.
//!
//! The data's way: [`gbnf::parse`] or [`schema::compile`] (or a renderer) drives a [`GrammarBuilder`], which
//! lowers to a [`Grammar`] (rules over bytes and tokens); a [`Matcher`] runs it over a [`TokenTrie`] and says
//! at each step which tokens are legal ([`TokenMask`]), which are certain, and whether the text may end.
//! What cannot be enforced exactly is refused at compile time; nothing is weakened.

mod analysis;
mod automaton;
mod builder;
pub mod cases;
mod dot;
mod engine;
mod error;
pub mod explain;
mod fx;
pub mod gbnf;
mod left;
mod lower;
mod matcher;
mod register;
mod sample;
pub mod schema;
mod shipped;
mod show;
mod texts;
mod token_mask;
mod trie;
mod utf8;

pub use automaton::Grammar;
pub use builder::{Expr, GrammarBuilder, Member, RuleId};
pub use error::{GrammarError, MatchError};
pub use matcher::{Limits, Matcher};
pub use sample::Samples;
pub use shipped::shipped;
pub use token_mask::TokenMask;
pub use trie::{MAX_VOCABULARY, TokenTrie, cache_folder};
