//! What can go wrong in this room, with its place.

/// A grammar or schema that was not compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrammarError {
    /// A GBNF text that cannot be read; line and column count from 1, columns in characters.
    #[error("line {line}, column {column}: {what}")]
    Gbnf {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What was found and what to do.
        what: String,
    },
    /// A text that is not JSON.
    #[error("the schema is not JSON: {0}")]
    Json(String),
    /// A schema keyword that cannot be enforced exactly, or that is wrong.
    #[error("schema at `{pointer}`: keyword `{keyword}`: {what}")]
    Schema {
        /// JSON pointer to the schema object that holds the keyword (`#` is the root).
        pointer: String,
        /// The keyword.
        keyword: String,
        /// Why it is refused.
        what: String,
    },
    /// A rule that begins with itself.
    #[error("left recursion: {0}; write it as a repetition instead (`a ::= b (\"+\" b)*`)")]
    LeftRecursion(String),
    /// A rule that was declared and never defined.
    #[error("rule `{0}` is used and never defined")]
    Undefined(String),
    /// No finite text fits.
    #[error("no finite text fits: {0}")]
    Impossible(String),
    /// Larger than the limits of this room.
    #[error("{}{what} is over the limit of {limit}", in_rule(rule))]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// The rule that takes the most of it; empty when it is not one rule's doing.
        rule: String,
    },
}

/// A step that a matcher did not take; the matcher stands where it stood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// The token does not continue the text legally.
    #[error("token {0} is not legal here")]
    Token(u32),
    /// The bytes stop being legal at this offset.
    #[error("byte {offset} is not legal here: found {}, expected {expected}", show_byte(*found))]
    Byte {
        /// Offset in the bytes handed in.
        offset: usize,
        /// The byte there.
        found: u8,
        /// What would have been legal.
        expected: String,
    },
    /// No token is legal within the budget.
    #[error("no legal text ends within {budget} more tokens (at most {needed} are needed)")]
    Budget {
        /// Tokens that were left.
        budget: usize,
        /// Tokens that always suffice from here.
        needed: usize,
    },
    /// The vocabulary cannot spell any text of the grammar byte by byte.
    #[error("the vocabulary cannot spell this grammar: {0}")]
    Vocabulary(String),
    /// The working memory reached its limit.
    #[error(
        "the grammar needs more than {limit} bytes of working memory here (deep nesting or great ambiguity)"
    )]
    Memory {
        /// The limit in bytes.
        limit: usize,
    },
    /// More steps to take back than are remembered.
    #[error("cannot take back {asked} tokens, {kept} are remembered")]
    Rollback {
        /// Steps asked for.
        asked: usize,
        /// Steps remembered.
        kept: usize,
    },
}

fn in_rule(rule: &str) -> String {
    if rule.is_empty() { String::new() } else { format!("rule `{rule}`: ") }
}

fn show_byte(byte: u8) -> String {
    if byte.is_ascii_graphic() { format!("`{}`", byte as char) } else { format!("0x{byte:02X}") }
}
