//! The numbers that shape a model, read from the file's keys and checked against each other.

use std::ops::RangeInclusive;

use super::ModelError;
use crate::gguf::Gguf;
use crate::kernels::RopeStyle;

/// A llama model's shape. Every number is within bounds that keep products of them far from overflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Layers, at least 1.
    pub layers: usize,
    /// Width of the residual stream.
    pub width: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Elements of a head.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub ffn: usize,
    /// Tokens of the vocabulary.
    pub vocab: usize,
    /// Tokens the model was trained to see at once.
    pub context: usize,
    /// Added to the mean square in norms.
    pub eps: f32,
    /// Elements of a head that turn with the position (even).
    pub rope_dims: usize,
    /// Base of the frequencies.
    pub rope_base: f64,
    /// Positions are divided by this (linear scaling; 1 without).
    pub rope_scale: f64,
    /// Which elements of a head turn together.
    pub rope_style: RopeStyle,
}

impl Config {
    /// Reads the `llama.*` keys.
    ///
    /// # Errors
    /// [`ModelError::Architecture`], [`ModelError::Key`] and, for missing keys, [`ModelError::Gguf`].
    pub fn from_gguf(file: &Gguf) -> Result<Self, ModelError> {
        let architecture = file.str("general.architecture")?;
        if architecture != "llama" {
            return Err(ModelError::Architecture { found: architecture.escape_debug().to_string() });
        }
        let count = |key: &str, range: RangeInclusive<u64>| {
            let found = file.u64(key)?;
            if range.contains(&found) {
                Ok(found as usize)
            } else {
                Err(wrong(key, found, format!("{} to {} is possible", range.start(), range.end())))
            }
        };
        let count_or = |key: &str, range, default| {
            if file.get(key).is_some() { count(key, range) } else { Ok(default) }
        };
        let width = count("llama.embedding_length", 1..=1 << 20)?;
        let heads = count("llama.attention.head_count", 1..=4096)?;
        let kv_heads = count_or("llama.attention.head_count_kv", 1..=heads as u64, heads)?;
        if !heads.is_multiple_of(kv_heads) {
            let expected = format!("it must divide the head count, {heads}");
            return Err(wrong("llama.attention.head_count_kv", kv_heads, expected));
        }
        let head_dim = match file.get("llama.attention.key_length") {
            Some(_) => count("llama.attention.key_length", 1..=4096)?,
            None if width.is_multiple_of(heads) => width / heads,
            None => {
                let expected = format!("it must divide the embedding length, {width}");
                return Err(wrong("llama.attention.head_count", heads, expected));
            }
        };
        let value_dim = count_or("llama.attention.value_length", 1..=4096, head_dim)?;
        if value_dim != head_dim {
            let expected = format!("it must be the key length, {head_dim}");
            return Err(wrong("llama.attention.value_length", value_dim, expected));
        }
        let rope_dims = count_or("llama.rope.dimension_count", 0..=head_dim as u64, head_dim)?;
        if rope_dims % 2 != 0 {
            return Err(wrong("llama.rope.dimension_count", rope_dims, "it must be even"));
        }
        let experts = count_or("llama.expert_count", 0..=u64::MAX, 0)?;
        if experts != 0 {
            return Err(wrong("llama.expert_count", experts, "mixtures of experts are not supported"));
        }
        let positive = |key: &str, default: Option<f32>| {
            let found = match default {
                Some(default) => file.f32_or(key, default)?,
                None => file.f32(key)?,
            };
            if found.is_finite() && found > 0.0 {
                Ok(found)
            } else {
                Err(wrong(key, found, "it must be positive"))
            }
        };
        let scaling = file.str_or("llama.rope.scaling.type", "none")?;
        let rope_scale = match scaling {
            "none" => 1.0,
            "linear" => f64::from(positive("llama.rope.scaling.factor", None)?),
            other => {
                return Err(wrong(
                    "llama.rope.scaling.type",
                    other.escape_debug(),
                    "none and linear are supported",
                ));
            }
        };
        let embedding = file.tensor("token_embd.weight").ok_or_else(|| ModelError::MissingTensor {
            name: "token_embd.weight".into(),
            expected: format!("[{width}, vocabulary size]"),
        })?;
        let vocab = embedding.rows();
        if u32::try_from(vocab).is_err() {
            let found = format!("{:?}", &embedding.shape[..embedding.dims]);
            let expected = "a vocabulary of less than 2^32".into();
            return Err(ModelError::Tensor { name: "token_embd.weight".into(), found, expected });
        }
        if file.get("tokenizer.ggml.tokens").is_some() {
            let tokens = file.array("tokenizer.ggml.tokens")?.len();
            if tokens != vocab {
                let expected = format!("token_embd.weight has {vocab} rows");
                return Err(wrong("tokenizer.ggml.tokens", format!("a list of {tokens}"), expected));
            }
        }
        Ok(Self {
            layers: count("llama.block_count", 1..=4096)?,
            width,
            heads,
            kv_heads,
            head_dim,
            ffn: count("llama.feed_forward_length", 1..=1 << 24)?,
            vocab,
            context: count("llama.context_length", 1..=1 << 28)?,
            eps: positive("llama.attention.layer_norm_rms_epsilon", None)?,
            rope_dims,
            rope_base: f64::from(positive("llama.rope.freq_base", Some(10_000.0))?),
            rope_scale,
            rope_style: RopeStyle::Interleaved,
        })
    }

    /// Elements that all key (or value) heads of a position have together.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Elements that all query heads of a position have together.
    pub fn q_width(&self) -> usize {
        self.heads * self.head_dim
    }
}

fn wrong(key: &str, found: impl ToString, expected: impl ToString) -> ModelError {
    ModelError::Key { key: key.into(), found: found.to_string(), expected: expected.to_string() }
}
