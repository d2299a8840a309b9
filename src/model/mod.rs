//! The forward pass over mapped weights, and the session (KV cache) that changes.
//!
//! A [`Model`] is a value: a checked [`Config`] and [`Weights`] that lie in the file's bytes, immutable and shared. What
//! changes lives in a [`Session`]: the key-value cache, scratch rows, the position. Decoding sees only the
//! [`LanguageModel`] trait. Families of models differ by data ([`Architecture`], [`LayerPlan`]), not by code of their own.

mod architecture;
mod bundled;
mod cache;
mod config;
mod copies;
mod error;
mod language_model;
mod session;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod weights;

pub use architecture::{Architecture, Gate};
pub use bundled::bundled;
pub use config::{Config, LayerPlan, Rope};
pub use error::ModelError;
pub use language_model::{LanguageModel, ScriptedModel};
pub use session::{Options, Past, Session};
pub use weights::{Layer, Weights};

use std::os::fd::AsFd;
use std::path::Path;

use crate::gguf::{Bytes, Gguf};

/// A model that runs here: every key and tensor was checked.
#[derive(Debug)]
pub struct Model {
    config: Config,
    weights: Weights,
}

impl Model {
    /// Takes a parsed file. Nothing of the weights is copied but the norms; heap use is about 1 KiB a layer beside them.
    ///
    /// # Errors
    /// An unknown architecture, keys that cannot be, tensors that are missing, of another shape or type, or
    /// unknown: each names what was found and what is needed.
    pub fn from_gguf(file: Gguf) -> Result<Self, ModelError> {
        let config = Config::from_gguf(&file)?;
        let weights = Weights::from_gguf(file, &config)?;
        Ok(Self { config, weights })
    }

    /// A model in memory: bytes of the program, of a map, or on the heap. They are used where they are.
    ///
    /// # Errors
    /// As [`Model::from_gguf`], and for what is no GGUF file.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self, ModelError> {
        Self::from_gguf(Gguf::parse(bytes.into())?)
    }

    /// A model file, mapped.
    ///
    /// # Errors
    /// As [`Model::from_bytes`], and for a path that cannot be opened.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        Self::from_bytes(Bytes::map(path)?)
    }

    /// A model inside another file: `len` bytes from `offset`, mapped. The descriptor is only borrowed.
    ///
    /// # Errors
    /// As [`Model::from_bytes`], and when there are fewer bytes.
    pub fn from_fd(file: &impl AsFd, offset: u64, len: usize) -> Result<Self, ModelError> {
        Self::from_bytes(Bytes::map_part(file, offset, len)?)
    }

    /// Its shape.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The file it came from; the tokenizer reads its vocabulary there.
    pub fn file(&self) -> &Gguf {
        self.weights.file()
    }
}
