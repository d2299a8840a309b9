//! Mentions in a request: devices, areas, kinds, values, tools and numbers, found before the model reads it.
//!
//! A plain fuzzy matcher: it tolerates typos, plurals, word order and split or joined words, and it
//! explains itself (every [`Link`] says which bytes of the request it stands on). Links are hints: the
//! prompt shows them beside the words, and the model may overrule them. It decides nothing.
//!
//! Beside it, [`corrections`]: how the words between the links are spelt; [`deferred`]: whether the request is for
//! another time; [`answered`]: what is said in passing for a yes-or-no question; [`gist`]: what is asked without the talk around it; [`quotes`]: what is said in quotation marks; and [`in_english`]: requests in other
//! languages.
//!
//! [`Index`] is built once per scene from names alone; [`Index::links`] reads one request.

mod deferral;
mod flags;
mod foreign;
mod gist;
mod index;
mod lexicon;
mod number;
mod quotes;
mod sound;
mod spell;
mod talk;
mod words;

pub use deferral::deferred;
pub use flags::{answered, denies};
pub use foreign::in_english;
pub use gist::gist;
pub use index::Index;
pub use lexicon::{family, kind_words};
pub use number::{Measure, Number, ONES, ORDINALS, Quantity, Unit, is_measure, seconds_in};
pub use quotes::quotes;
pub use spell::{Correction, corrections};
pub use talk::telling;
pub use words::spoken;
pub(crate) use words::stem;

use serde::{Deserialize, Serialize};

/// What a tool of the user's is asked for with.
#[derive(Clone, Debug)]
pub struct ToolWords {
    /// Its name, in words.
    pub name: String,
    /// What else tells of it: its description, its parameters.
    pub about: String,
}

impl From<&str> for ToolWords {
    /// `NAME: ABOUT`, or a name alone.
    fn from(text: &str) -> ToolWords {
        let (name, about) = text.split_once(':').unwrap_or((text, ""));
        ToolWords { name: name.to_owned(), about: about.trim().to_owned() }
    }
}

/// What a mention may mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The device with this index in the scene.
    Device(usize),
    /// The area with this index.
    Area(usize),
    /// The kind with this index.
    Kind(usize),
    /// The value (of some tool's choices) with this index.
    Value(usize),
    /// The user's tool with this index.
    Tool(usize),
    /// A number said in digits or words.
    Number(Number),
}

/// A mention: bytes of the request, and what they may mean (more than one mark: ambiguous).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// First byte in the request.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The readings, best first.
    pub marks: Vec<Mark>,
    /// Whether the words are a whole name of the device (or devices), rightly spelt, or name the only one by its kind, and its place if need be.
    #[serde(default)]
    pub named: bool,
    /// The name in its own spelling, where the words are another spelling of the whole of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meant: Option<String>,
    /// Whether the word before belongs to no name of these and may tell of another: the "band" of "band saw" where there is a table
    /// saw.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strange: bool,
}

impl Link {
    /// A mention of which nothing is known but its place and its readings.
    pub fn new(bytes: std::ops::Range<usize>, marks: Vec<Mark>) -> Link {
        Link { start: bytes.start, end: bytes.end, marks, named: false, meant: None, strange: false }
    }

    /// The devices that it may mean, best first.
    pub fn devices(&self) -> impl Iterator<Item = usize> {
        self.marks.iter().filter_map(|mark| match mark {
            Mark::Device(device) => Some(*device),
            _ => None,
        })
    }
}

/// The numbers among the links, in the order they are said; pointers to numbers count along this list.
pub fn numbers(links: &[Link]) -> Vec<Number> {
    links
        .iter()
        .flat_map(|link| &link.marks)
        .filter_map(|mark| match mark {
            Mark::Number(number) => Some(*number),
            _ => None,
        })
        .collect()
}
