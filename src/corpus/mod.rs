//! Worlds and sentences for training and calibration.
//!
//! A [`Generator`] makes random scenes (tools and devices with names from a lexicon, from words that name nothing,
//! from owners and numbers) and requests with the steps that they mean. What it writes teaches reading, not
//! recall: no name, area or tool set is the same from one example to the next. The lexicon and the sentences are data
//! files in `lexicon/`, and others in `lexicon/held/`, which training never sees ([`Words`]). Everything is drawn from one
//! seed.

mod except;
mod generator;
mod group;
mod heard;
mod lexicon;
mod measure;
mod noise;
mod phrases;
mod refusal;
mod request;
mod rng;
mod says;
mod several;
mod template;
mod tools;
mod who;
mod world;

pub use generator::{Example, Generator};
pub use lexicon::Words;
pub use rng::Rng;
