//! The numbers that shape a model, read from the file's keys and checked against each other.

use std::ops::RangeInclusive;

use super::{Architecture, ModelError};
use crate::gguf::{Gguf, Value};

/// A model's shape. Every number is within bounds that keep products of them far from overflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The family, which says what the forward pass is made of.
    pub architecture: &'static Architecture,
    /// Blocks of weights, at least 1.
    pub blocks: usize,
    /// What a token goes through, in order; each layer has its own place in the key-value cache.
    pub layers: Vec<LayerPlan>,
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
    /// Embeddings are multiplied by this.
    pub embedding_scale: f32,
    /// Products of queries and keys are multiplied by this.
    pub attention_scale: f32,
    /// Elements of a head that turn with the position (even).
    pub rope_dims: usize,
    /// Frequencies of the turns: those of most layers first, then, in families that have them, those of windowed layers.
    pub ropes: Vec<Rope>,
}

/// How a layer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerPlan {
    /// Its weights. Layers may share a block's weights.
    pub block: usize,
    /// Which of [`Config::ropes`] turns its queries and keys; `None` leaves them.
    pub rope: Option<usize>,
    /// How many tokens it sees, itself included; `None` is all.
    pub window: Option<usize>,
}

/// Frequencies of rotary positions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// Base of the frequencies.
    pub base: f64,
    /// Positions are divided by this (linear scaling; 1 without).
    pub scale: f64,
}

/// How often each block runs, one run after the other (MobileLLM's immediate block-wise sharing): a key of ours, because
/// GGUF has none. 1 without it.
const REPEAT: &str = "block_repeat";

impl Config {
    /// Reads the keys of the file's architecture.
    ///
    /// # Errors
    /// [`ModelError::Architecture`], [`ModelError::Key`] and, for missing keys, [`ModelError::Gguf`].
    pub fn from_gguf(file: &Gguf) -> Result<Self, ModelError> {
        let name = file.str("general.architecture")?;
        let Some(architecture) = Architecture::named(name) else {
            return Err(ModelError::Architecture { found: name.to_owned() });
        };
        let keys = Keys { file, prefix: architecture.name };
        let width = keys.count("embedding_length", 1..=1 << 20)?;
        let heads = keys.count("attention.head_count", 1..=4096)?;
        let kv_heads = keys.count_or("attention.head_count_kv", 1..=heads as u64, heads)?;
        if !heads.is_multiple_of(kv_heads) {
            let expected = format!("it must divide the head count, {heads}");
            return Err(keys.wrong("attention.head_count_kv", kv_heads, expected));
        }
        let head_dim = match keys.has("attention.key_length") {
            true => keys.count("attention.key_length", 1..=4096)?,
            false if width.is_multiple_of(heads) => width / heads,
            false => {
                let expected = format!("it must divide the embedding length, {width}");
                return Err(keys.wrong("attention.head_count", heads, expected));
            }
        };
        let value_dim = keys.count_or("attention.value_length", 1..=4096, head_dim)?;
        if value_dim != head_dim {
            let expected = format!("it must be the key length, {head_dim}");
            return Err(keys.wrong("attention.value_length", value_dim, expected));
        }
        let rope_dims = keys.count_or("rope.dimension_count", 0..=head_dim as u64, head_dim)?;
        if rope_dims % 2 != 0 {
            return Err(keys.wrong("rope.dimension_count", rope_dims, "it must be even"));
        }
        let experts = keys.count_or("expert_count", 0..=u64::MAX, 0)?;
        if experts != 0 {
            return Err(keys.wrong("expert_count", experts, "mixtures of experts are not supported"));
        }
        refuse_variants(&keys, head_dim, rope_dims)?;
        let blocks = keys.count("block_count", 1..=4096)?;
        let repeat = keys.count_or(REPEAT, 1..=16, 1)?;
        let windows = windows(&keys, architecture, blocks * repeat)?;
        let plan = |(i, &window): (usize, &Option<usize>)| {
            let unturned = architecture.nope_every.is_some_and(|n| (i + 1).is_multiple_of(n));
            let rope = if unturned { None } else { Some(usize::from(window.is_some())) };
            LayerPlan { block: i / repeat, rope, window }
        };
        // Gemma 3 has one size (27B, 62 layers) whose queries are scaled by the width of a head that it does not have; no
        // key says so.
        let scaled_by = if architecture.name == "gemma3" && blocks == 62 {
            width as f32 / heads as f32
        } else {
            head_dim as f32
        };
        Ok(Self {
            architecture,
            blocks,
            layers: windows.iter().enumerate().map(plan).collect(),
            width,
            heads,
            kv_heads,
            head_dim,
            ffn: keys.count("feed_forward_length", 1..=1 << 24)?,
            vocab: vocabulary(file, width)?,
            context: keys.count("context_length", 1..=1 << 28)?,
            eps: keys.positive("attention.layer_norm_rms_epsilon", None)?,
            embedding_scale: if architecture.scaled_embedding { (width as f32).sqrt() } else { 1.0 },
            attention_scale: 1.0 / scaled_by.sqrt(),
            rope_dims,
            ropes: ropes(&keys, windows.iter().any(Option::is_some))?,
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

/// Refuses keys that would change what is computed and that the forward pass knows nothing of.
fn refuse_variants(keys: &Keys<'_>, head_dim: usize, rope_dims: usize) -> Result<(), ModelError> {
    if !keys.file.bool_or(&keys.key("attention.causal"), true)? {
        return Err(keys.wrong("attention.causal", false, "a model that writes text looks back only"));
    }
    for softcap in ["attn_logit_softcapping", "final_logit_softcapping"] {
        if keys.has(softcap) {
            return Err(keys.wrong(softcap, "capping", "it is not supported"));
        }
    }
    let factor = keys.positive("rope.scaling.attn_factor", Some(1.0))?;
    if factor != 1.0 {
        return Err(keys.wrong("rope.scaling.attn_factor", factor, "only 1 is supported"));
    }
    for (name, usual) in [
        ("attention.key_length_swa", head_dim),
        ("attention.value_length_swa", head_dim),
        ("rope.dimension_count_swa", rope_dims),
    ] {
        let found = keys.count_or(name, 0..=4096, usual)?;
        if found != usual {
            return Err(keys.wrong(name, found, format!("it must be that of the other layers, {usual}")));
        }
    }
    Ok(())
}

/// The window of each of `layers` layers, as llama.cpp reads the keys: without a window (or with one of 0) all see everything. Else the
/// pattern says which do, a number `n` every `n`th (0: none), a list of bools or numbers those where it has false or 0.
fn windows(
    keys: &Keys<'_>,
    architecture: &Architecture,
    layers: usize,
) -> Result<Vec<Option<usize>>, ModelError> {
    const WINDOW: &str = "attention.sliding_window";
    const PATTERN: &str = "attention.sliding_window_pattern";
    let window = match architecture.global_every {
        Some(_) => keys.count_or(WINDOW, 0..=1 << 28, 0)?,
        None => 0,
    };
    let Some(usual) = architecture.global_every.filter(|_| window > 0) else { return Ok(vec![None; layers]) };
    if let Some(Value::Array(list)) = keys.file.get(&keys.key(PATTERN)) {
        let windowed = |i: usize| match list.get(i)? {
            Value::Bool(windowed) => Some(windowed),
            number => Some(number.integer()? != 0),
        };
        let all = (0..layers).map(|i| windowed(i).map(|windowed| windowed.then_some(window)));
        let all = all.collect::<Option<_>>().filter(|_| list.len() == layers);
        let expected = format!("a number, or {layers} bools or numbers, one a layer");
        return all.ok_or_else(|| keys.wrong(PATTERN, format!("{list:?}"), expected));
    }
    let every = keys.count_or(PATTERN, 0..=4096, usual)?;
    Ok((1..=layers).map(|i| (every == 0 || !i.is_multiple_of(every)).then_some(window)).collect())
}

/// The rows of the embeddings, which the list of tokens must have as many of where there is one.
fn vocabulary(file: &Gguf, width: usize) -> Result<usize, ModelError> {
    let embedding = file.tensor("token_embd.weight").ok_or_else(|| ModelError::MissingTensor {
        name: "token_embd.weight".into(),
        expected: match file.tensors().len() {
            0 => "the file holds a vocabulary and no weights; a whole model".into(),
            _ => format!("[{width}, vocabulary size]"),
        },
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
            return Err(ModelError::Key {
                key: "tokenizer.ggml.tokens".into(),
                found: format!("a list of {tokens}"),
                expected: format!("token_embd.weight has {vocab} rows"),
            });
        }
    }
    Ok(vocab)
}

fn ropes(keys: &Keys<'_>, windowed: bool) -> Result<Vec<Rope>, ModelError> {
    // As llama.cpp reads them: a factor without a type scales linearly, and had another name once.
    let factor = ["rope.scaling.factor", "rope.scale_linear"].into_iter().find(|name| keys.has(name));
    let default = if factor.is_some() { "linear" } else { "none" };
    let scale = match keys.file.str_or(&keys.key("rope.scaling.type"), default)? {
        "none" => 1.0,
        "linear" => f64::from(keys.positive(factor.unwrap_or("rope.scaling.factor"), None)?),
        other => {
            let supported =
                "none and linear are supported, and Llama 3's way as the tensor rope_freqs.weight";
            return Err(keys.wrong("rope.scaling.type", other.escape_debug(), supported));
        }
    };
    let base = f64::from(keys.positive("rope.freq_base", Some(10_000.0))?);
    let mut ropes = vec![Rope { base, scale }];
    if windowed {
        // Windowed layers keep short positions, so their frequencies are neither slowed nor scaled.
        let base = f64::from(keys.positive("rope.freq_base_swa", Some(10_000.0))?);
        ropes.push(Rope { base, scale: 1.0 });
    }
    Ok(ropes)
}

/// The keys of one architecture, named without its prefix.
struct Keys<'a> {
    file: &'a Gguf,
    prefix: &'static str,
}

impl Keys<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn has(&self, name: &str) -> bool {
        self.file.get(&self.key(name)).is_some()
    }

    fn count(&self, name: &str, range: RangeInclusive<u64>) -> Result<usize, ModelError> {
        let found = self.file.u64(&self.key(name))?;
        if range.contains(&found) {
            Ok(found as usize)
        } else {
            Err(self.wrong(name, found, format!("{} to {} is possible", range.start(), range.end())))
        }
    }

    fn count_or(&self, name: &str, range: RangeInclusive<u64>, default: usize) -> Result<usize, ModelError> {
        if self.has(name) { self.count(name, range) } else { Ok(default) }
    }

    fn positive(&self, name: &str, default: Option<f32>) -> Result<f32, ModelError> {
        let found = match default {
            Some(default) => self.file.f32_or(&self.key(name), default)?,
            None => self.file.f32(&self.key(name))?,
        };
        if found.is_finite() && found > 0.0 {
            Ok(found)
        } else {
            Err(self.wrong(name, found, "it must be positive"))
        }
    }

    fn wrong(&self, name: &str, found: impl ToString, expected: impl ToString) -> ModelError {
        ModelError::Key { key: self.key(name), found: found.to_string(), expected: expected.to_string() }
    }
}
