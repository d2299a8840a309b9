//! The families of models that run here, as data: one forward pass serves all of them.
//!
//! What they share: RMSNorm before attention and before the feed-forward layer, grouped-query attention with rotary
//! positions, a gated feed-forward layer, an output norm. What differs is in [`Architecture`]; shapes are in [`super::Config`].

use crate::kernels::RopeStyle;

/// What a family's forward pass has beyond the common form.
#[derive(Debug, PartialEq)]
pub struct Architecture {
    /// The value of `general.architecture`, and the prefix of its keys.
    pub name: &'static str,
    /// Which elements of a head turn together, as the family's GGUF files lay them out.
    pub rope_style: RopeStyle,
    /// Biases on queries, keys and values (Qwen2 technical report).
    pub qkv_bias: bool,
    /// RMSNorm on each head of queries and keys, before they turn (Qwen3, Gemma 3).
    pub qk_norm: bool,
    /// RMSNorm on what attention and the feed-forward layer give back, too (Gemma 2 and 3).
    pub post_norms: bool,
    /// The gate's function.
    pub gate: Gate,
    /// Embeddings times the square root of the width (Gemma).
    pub scaled_embedding: bool,
    /// Every `n`-th layer attends to everything, the others to a sliding window and with a RoPE base of their own
    /// (Gemma 3 report: five local layers to one global). The key `attention.sliding_window_pattern` may say otherwise.
    pub global_every: Option<usize>,
    /// Every `n`-th layer has no positions at all (SmolLM3, after "RoPE to NoPE and back again").
    pub nope_every: Option<usize>,
}

/// The function of the gate in a feed-forward layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// `x * sigmoid(x)`: SwiGLU.
    Silu,
    /// GELU, its approximation with tanh: GeGLU.
    Gelu,
}

const LLAMA: Architecture = Architecture {
    name: "llama",
    rope_style: RopeStyle::Interleaved,
    qkv_bias: false,
    qk_norm: false,
    post_norms: false,
    gate: Gate::Silu,
    scaled_embedding: false,
    global_every: None,
    nope_every: None,
};

impl Architecture {
    /// Every family. Llama covers TinyLlama, SmolLM2, MobileLLM and Llama 3.2.
    pub const ALL: &[Self] = &[
        LLAMA,
        Self { name: "qwen2", rope_style: RopeStyle::Halves, qkv_bias: true, ..LLAMA },
        Self { name: "qwen3", rope_style: RopeStyle::Halves, qk_norm: true, ..LLAMA },
        Self {
            name: "gemma3",
            rope_style: RopeStyle::Halves,
            qk_norm: true,
            post_norms: true,
            gate: Gate::Gelu,
            scaled_embedding: true,
            global_every: Some(6),
            ..LLAMA
        },
        Self { name: "smollm3", nope_every: Some(4), ..LLAMA },
    ];

    /// The family with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|architecture| architecture.name == name)
    }
}
