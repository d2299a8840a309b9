//! `config.json`: the family of the model and the numbers that shape it.

use std::f64::consts::TAU;
use std::path::Path;

use serde_json::Value as Json;

use super::ConvertError;
use crate::gguf::{GgufError, Writer};

/// The settings of a model, checked as far as the conversion depends on them.
#[derive(Debug)]
pub(super) struct Settings {
    /// `general.architecture`.
    pub(super) architecture: &'static str,
    pub(super) layers: u64,
    pub(super) width: u64,
    pub(super) heads: u64,
    pub(super) kv_heads: u64,
    pub(super) head_dim: u64,
    pub(super) ffn: u64,
    pub(super) vocab: u64,
    pub(super) tied: bool,
    context: u64,
    eps: f32,
    rope_base: f32,
    /// Gemma's base of the layers with a window, and that window.
    window: Option<(u64, f32)>,
    scaling: Scaling,
    /// How often each block is run (MobileLLM's layer sharing).
    repeat: u32,
}

#[derive(Debug)]
enum Scaling {
    None,
    Linear(f32),
    /// Factor, low and high frequency factor, original context.
    Llama3([f64; 4]),
}

/// Every `SLIDING_PATTERN`th layer of Gemma 3 has no window; readers of the format know no other pattern.
const SLIDING_PATTERN: u64 = 6;
/// Every `NO_ROPE_STEP`th layer of SmolLM3 has no RoPE; likewise.
const NO_ROPE_STEP: usize = 4;

struct Reader<'a> {
    json: &'a Json,
    path: &'a Path,
}

impl Reader<'_> {
    fn wrong(&self, key: &str, problem: impl Into<String>) -> ConvertError {
        ConvertError::Setting { path: self.path.to_owned(), key: key.to_owned(), problem: problem.into() }
    }

    /// A setting that is there and not null.
    fn get(&self, key: &str) -> Option<&Json> {
        self.json.get(key).filter(|value| !value.is_null())
    }

    fn count(&self, key: &str) -> Result<u64, ConvertError> {
        match self.get(key).map(|value| value.as_u64().filter(|&count| (1..=1 << 28).contains(&count))) {
            None => Err(self.wrong(key, "is missing")),
            Some(None) => Err(self.wrong(key, format!("{} is no count", self.json[key]))),
            Some(Some(count)) => Ok(count),
        }
    }

    fn count_or(&self, key: &str, default: u64) -> Result<u64, ConvertError> {
        if self.get(key).is_some() { self.count(key) } else { Ok(default) }
    }

    fn number_or(&self, key: &str, default: f64) -> Result<f64, ConvertError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_f64().ok_or_else(|| self.wrong(key, format!("{value} is no number")))
    }

    fn flag_or(&self, key: &str, default: bool) -> Result<bool, ConvertError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_bool().ok_or_else(|| self.wrong(key, format!("{value} is neither true nor false")))
    }

    /// Refuses a setting that would compute something else.
    fn only(&self, key: &str, known: &[&str]) -> Result<(), ConvertError> {
        match self.get(key) {
            Some(value) if !known.iter().any(|known| value == known) => {
                Err(self.wrong(key, format!("{value} is not supported ({} is)", known.join(" or "))))
            }
            _ => Ok(()),
        }
    }
}

impl Settings {
    pub(super) fn read(json: &Json, path: &Path) -> Result<Settings, ConvertError> {
        let r = Reader { json, path };
        let class = r.get("architectures").and_then(|all| all.get(0)).and_then(Json::as_str);
        let class = class.ok_or_else(|| r.wrong("architectures", "is missing"))?;
        let architecture = match class {
            "LlamaForCausalLM" | "MobileLLMForCausalLM" => "llama",
            "Qwen2ForCausalLM" => "qwen2",
            "Qwen3ForCausalLM" => "qwen3",
            "Gemma3ForCausalLM" => "gemma3",
            "SmolLM3ForCausalLM" => "smollm3",
            other => {
                let known = "Llama, MobileLLM, Qwen2, Qwen3, Gemma3 and SmolLM3 (ForCausalLM) are";
                return Err(r.wrong("architectures", format!("{other:?} is not supported; {known}")));
            }
        };
        let gemma = architecture == "gemma3";
        let activation = if gemma { "hidden_activation" } else { "hidden_act" };
        r.only(activation, if gemma { &["gelu_pytorch_tanh"] } else { &["silu"] })?;
        for key in ["attn_logit_softcapping", "final_logit_softcapping", "quantization_config"] {
            if r.get(key).is_some() {
                return Err(r.wrong(key, "is not supported"));
            }
        }
        if !gemma && r.flag_or("use_sliding_window", false)? {
            return Err(r.wrong("use_sliding_window", "is not supported"));
        }
        let layers = r.count("num_hidden_layers")?;
        let (width, heads) = (r.count("hidden_size")?, r.count("num_attention_heads")?);
        let kv_heads = r.count_or("num_key_value_heads", heads)?;
        if heads % kv_heads != 0 {
            return Err(r.wrong("num_key_value_heads", format!("{kv_heads} does not divide {heads} heads")));
        }
        let head_dim = r.count_or("head_dim", if gemma { 256 } else { width / heads })?;
        if head_dim == 0 || head_dim % 2 != 0 {
            return Err(r.wrong("head_dim", format!("{head_dim} is not even")));
        }
        if r.number_or("partial_rotary_factor", 1.0)? != 1.0 {
            return Err(r.wrong("partial_rotary_factor", "only 1 is supported"));
        }
        // Readers of the format divide by the root of the head's size.
        if gemma && r.number_or("query_pre_attn_scalar", head_dim as f64)? != head_dim as f64 {
            let found = &json["query_pre_attn_scalar"];
            return Err(
                r.wrong("query_pre_attn_scalar", format!("{found} is not the head's size, {head_dim}"))
            );
        }
        // Newer folders keep what concerns RoPE together, Gemma's by kind of layer.
        let rope = r.get("rope_parameters");
        let full = rope.map(|rope| rope.get("full_attention").unwrap_or(rope));
        let default_base = if gemma { 1e6 } else { 1e4 };
        let rope_base = match full.and_then(|rope| rope.get("rope_theta")).and_then(Json::as_f64) {
            Some(base) => base,
            None => r.number_or("rope_theta", default_base)?,
        };
        let scaling = match full.or_else(|| r.get("rope_scaling")) {
            Some(scaling) => Scaling::read(&r, scaling)?,
            None => Scaling::None,
        };
        let window = if gemma { Some(window(&r, layers)?) } else { None };
        if architecture == "smollm3" {
            check_no_rope(&r)?;
        }
        let tied = r.flag_or("tie_word_embeddings", gemma)? || r.flag_or("share_embedding", false)?;
        Ok(Settings {
            architecture,
            layers,
            width,
            heads,
            kv_heads,
            head_dim,
            ffn: r.count("intermediate_size")?,
            vocab: r.count("vocab_size")?,
            tied,
            context: r.count_or("max_position_embeddings", 2048)?,
            eps: r.number_or("rms_norm_eps", 1e-6)? as f32,
            rope_base: rope_base as f32,
            window,
            scaling,
            repeat: if r.flag_or("layer_sharing", false)? { 2 } else { 1 },
        })
    }

    /// Adds the `llama.*` keys and their like.
    pub(super) fn write(&self, out: &mut Writer<'_>) -> Result<(), GgufError> {
        let key = |name: &str| format!("{}.{name}", self.architecture);
        let mut count = |name: &str, value: u64| out.u32(&key(name), value as u32).map(|_| ());
        count("block_count", self.layers)?;
        count("context_length", self.context)?;
        count("embedding_length", self.width)?;
        count("feed_forward_length", self.ffn)?;
        count("attention.head_count", self.heads)?;
        count("attention.head_count_kv", self.kv_heads)?;
        count("attention.key_length", self.head_dim)?;
        count("attention.value_length", self.head_dim)?;
        count("rope.dimension_count", self.head_dim)?;
        count("vocab_size", self.vocab)?;
        if let Some((window, _)) = self.window {
            count("attention.sliding_window", window)?;
        }
        if self.repeat > 1 {
            count("block_repeat", self.repeat.into())?;
        }
        out.f32(&key("attention.layer_norm_rms_epsilon"), self.eps)?;
        out.f32(&key("rope.freq_base"), self.rope_base)?;
        if let Some((_, base)) = self.window {
            out.f32(&key("rope.freq_base_swa"), base)?;
        }
        if let Scaling::Linear(factor) = self.scaling {
            out.str(&key("rope.scaling.type"), "linear")?.f32(&key("rope.scaling.factor"), factor)?;
        }
        Ok(())
    }

    /// The divisors of llama3's scaled frequencies, one a pair of elements.
    pub(super) fn rope_freqs(&self) -> Option<Vec<f32>> {
        let Scaling::Llama3([factor, low, high, context]) = self.scaling else { return None };
        let (base, dims) = (f64::from(self.rope_base), self.head_dim as f64);
        let divisor = |pair: u64| {
            let turns = context / (TAU * base.powf(2.0 * pair as f64 / dims));
            if turns > high {
                return 1.0;
            }
            if turns < low {
                return factor;
            }
            let smooth = (turns - low) / (high - low);
            1.0 / ((1.0 - smooth) / factor + smooth)
        };
        Some((0..self.head_dim / 2).map(|pair| divisor(pair) as f32).collect())
    }
}

impl Scaling {
    fn read(r: &Reader<'_>, json: &Json) -> Result<Scaling, ConvertError> {
        let kind = json.get("rope_type").or_else(|| json.get("type")).and_then(Json::as_str);
        let number = |key: &str| {
            let found = json.get(key).and_then(Json::as_f64).filter(|&number| number > 0.0);
            found.ok_or_else(|| r.wrong("rope_scaling", format!("{key} is missing or no number")))
        };
        match kind {
            None | Some("default") => Ok(Scaling::None),
            Some("linear") => Ok(Scaling::Linear(number("factor")? as f32)),
            Some("llama3") => Ok(Scaling::Llama3([
                number("factor")?,
                number("low_freq_factor")?,
                number("high_freq_factor")?,
                number("original_max_position_embeddings")?,
            ])),
            Some(other) => Err(r.wrong(
                "rope_scaling",
                format!(
                    "{other:?} is not supported (linear and llama3 are); where it was only added for longer texts, as \
                     with Qwen, take it out and set max_position_embeddings to the length of training"
                ),
            )),
        }
    }
}

/// Gemma's window and the RoPE base of the layers that have it.
fn window(r: &Reader<'_>, layers: u64) -> Result<(u64, f32), ConvertError> {
    let full = |layer: u64| (layer + 1).is_multiple_of(SLIDING_PATTERN);
    if let Some(kinds) = r.get("layer_types").and_then(Json::as_array) {
        let expected = |layer: u64| if full(layer) { "full_attention" } else { "sliding_attention" };
        if kinds.len() as u64 != layers || !kinds.iter().zip(0..).all(|(kind, i)| kind == expected(i)) {
            return Err(
                r.wrong("layer_types", format!("only every {SLIDING_PATTERN}th may be full_attention"))
            );
        }
    } else if r.count_or("sliding_window_pattern", SLIDING_PATTERN)? != SLIDING_PATTERN {
        return Err(r.wrong("sliding_window_pattern", format!("only {SLIDING_PATTERN} is supported")));
    }
    let local = r.get("rope_parameters").and_then(|rope| rope.get("sliding_attention")?.get("rope_theta"));
    let base = match local.and_then(Json::as_f64) {
        Some(base) => base,
        None => r.number_or("rope_local_base_freq", 1e4)?,
    };
    Ok((r.count("sliding_window")?, base as f32))
}

/// SmolLM3 lists its layers with RoPE as 1 and those without as 0.
fn check_no_rope(r: &Reader<'_>) -> Result<(), ConvertError> {
    let Some(layers) = r.get("no_rope_layers").and_then(Json::as_array) else { return Ok(()) };
    let expected = |layer: usize| u64::from(!(layer + 1).is_multiple_of(NO_ROPE_STEP));
    match layers.iter().enumerate().all(|(i, layer)| layer.as_u64() == Some(expected(i))) {
        true => Ok(()),
        false => Err(r.wrong("no_rope_layers", format!("only every {NO_ROPE_STEP}th may be without RoPE"))),
    }
}
