//! A Hugging Face folder (safetensors, `config.json`, tokenizer) as a GGUF file.
//!
//! Names, keys and layouts are those that llama.cpp's converter writes, so that the files run there too: query and key
//! rows of `llama` and `smollm3` in the order of interleaved RoPE, Gemma's norms with their 1 added, llama3's RoPE
//! scaling as `rope_freqs.weight`. Weights keep their float type (norms and biases become F32); `quantize` makes them
//! smaller. Nothing is guessed: a tensor, a setting or a pre-tokenizer that has no place in the result is refused by
//! name, and the tokenizer of the result is held against `tokenizer.json` on sample texts before a weight is written.

mod error;
mod safetensors;
mod sentencepiece;
mod settings;
mod tensors;
mod vocab;

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::gguf::{GgmlType, Gguf, GgufError, Writer};

pub use error::ConvertError;
use safetensors::Shards;
use settings::Settings;
use tensors::Tensor;

/// A folder that was read and checked, ready to be written.
pub struct Conversion {
    shards: Shards,
    head: Writer<'static>,
    tensors: Vec<Tensor>,
    /// What matrices become.
    ty: GgmlType,
}

impl Conversion {
    /// Reads a folder. Matrices become `ty` (F32, F16 or BF16); with `None` they stay what they are.
    ///
    /// # Errors
    /// What is missing, unknown or does not fit, with its file and key or tensor.
    pub fn open(folder: &Path, ty: Option<GgmlType>) -> Result<Conversion, ConvertError> {
        let config = read_json(&folder.join("config.json"))?;
        let settings = Settings::read(&config, &folder.join("config.json"))?;
        let shards = Shards::open(folder)?;
        let tensors = tensors::plan(&settings, &shards)?;
        let stored = shards.get("model.embed_tokens.weight").map_or(GgmlType::F32, |tensor| tensor.ty);
        let ty = ty.unwrap_or(stored);

        let mut head = Writer::new();
        head.str("general.architecture", settings.architecture)?.str("general.type", "model")?;
        if let Some(name) = folder.canonicalize().ok().as_deref().and_then(Path::file_name) {
            head.str("general.name", &name.to_string_lossy())?;
        }
        let file_type = match ty {
            GgmlType::F16 => 1,
            GgmlType::BF16 => 32,
            _ => 0,
        };
        head.u32("general.file_type", file_type)?;
        settings.write(&mut head)?;
        vocab::write(folder, &config, settings.vocab, &mut head)?;
        for tensor in &tensors {
            head.reserve(&tensor.name, tensor.stored_as(ty), &tensor.shape)?;
        }
        Ok(Conversion { shards, head, tensors, ty })
    }

    /// Weights of all tensors.
    pub fn weights(&self) -> u64 {
        self.tensors.iter().map(Tensor::elements).sum()
    }

    /// Writes the file; `progress` is told the tensor at work and the weights done.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(
        &self,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(&str, u64),
    ) -> Result<(), ConvertError> {
        let mut stream = self.head.start(out)?;
        let mut done = 0;
        for tensor in &self.tensors {
            tensor.write(&self.shards, self.ty, &mut |rows| stream.put(rows))?;
            done += tensor.elements();
            progress(&tensor.name, done);
        }
        stream.finish()?;
        Ok(())
    }
}

/// A JSON file of the folder.
fn read_json(path: &Path) -> Result<Json, ConvertError> {
    let text = std::fs::read(path).map_err(|source| ConvertError::Read { path: path.to_owned(), source })?;
    let json = serde_json::from_slice(&text);
    json.map_err(|error| ConvertError::File { path: path.to_owned(), problem: error.to_string() })
}

/// As [`read_json`], for a file that need not be there.
fn read_optional_json(path: PathBuf) -> Result<Option<Json>, ConvertError> {
    if path.exists() { read_json(&path).map(Some) } else { Ok(None) }
}

/// What a writer holds so far, as a file with metadata only.
fn metadata_only(head: &Writer<'_>) -> Result<Gguf, GgufError> {
    Gguf::parse(head.to_bytes().into())
}
