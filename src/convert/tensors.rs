//! Which tensor of the folder becomes which tensor of the file, and what is done to it on the way.

use std::collections::HashSet;
use std::io;

use half::{bf16, f16};

use super::ConvertError;
use super::safetensors::{Shards, Source};
use super::settings::Settings;
use crate::gguf::GgmlType;

/// A tensor of the file.
pub(super) struct Tensor {
    /// Its name in the file.
    pub(super) name: String,
    /// Its extents there, the length of a row first.
    pub(super) shape: Vec<u64>,
    origin: Origin,
}

enum Origin {
    /// A tensor of the folder.
    Source { name: String, change: Change },
    /// Made here.
    Floats(Vec<f32>),
}

/// What happens to a tensor's numbers.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    None,
    /// Rows of heads of this size, from RoPE that turns halves to RoPE that turns neighbours.
    Interleave(u64),
    /// 1 is added (Gemma stores norms less 1).
    AddOne,
}

/// An extent by its name.
#[derive(Clone, Copy)]
enum Extent {
    Width,
    Queries,
    Keys,
    Head,
    Ffn,
    Vocab,
}

use Extent::{Ffn, Head, Keys, Queries, Vocab, Width};

/// A matrix or vector of a layer: names there and here, rows and (of a matrix) columns, whether it may be missing.
type Part = (&'static str, &'static str, Extent, Option<Extent>, bool);

const PARTS: &[Part] = &[
    ("input_layernorm.weight", "attn_norm.weight", Width, None, false),
    ("self_attn.q_proj.weight", "attn_q.weight", Queries, Some(Width), false),
    ("self_attn.q_proj.bias", "attn_q.bias", Queries, None, true),
    ("self_attn.k_proj.weight", "attn_k.weight", Keys, Some(Width), false),
    ("self_attn.k_proj.bias", "attn_k.bias", Keys, None, true),
    ("self_attn.v_proj.weight", "attn_v.weight", Keys, Some(Width), false),
    ("self_attn.v_proj.bias", "attn_v.bias", Keys, None, true),
    ("self_attn.o_proj.weight", "attn_output.weight", Width, Some(Queries), false),
    ("mlp.gate_proj.weight", "ffn_gate.weight", Ffn, Some(Width), false),
    ("mlp.up_proj.weight", "ffn_up.weight", Ffn, Some(Width), false),
    ("mlp.down_proj.weight", "ffn_down.weight", Width, Some(Ffn), false),
];
/// The norm before the feed-forward layer, except in Gemma.
const FFN_NORM: &[Part] = &[("post_attention_layernorm.weight", "ffn_norm.weight", Width, None, false)];
const GEMMA_NORMS: &[Part] = &[
    ("post_attention_layernorm.weight", "post_attention_norm.weight", Width, None, false),
    ("pre_feedforward_layernorm.weight", "ffn_norm.weight", Width, None, false),
    ("post_feedforward_layernorm.weight", "post_ffw_norm.weight", Width, None, false),
];
/// Norms of single heads, of Qwen3 and Gemma.
const HEAD_NORMS: &[Part] = &[
    ("self_attn.q_norm.weight", "attn_q_norm.weight", Head, None, false),
    ("self_attn.k_norm.weight", "attn_k_norm.weight", Head, None, false),
];

/// The file's tensors in their order. Every tensor of the folder has a place, or is refused.
pub(super) fn plan(settings: &Settings, shards: &Shards) -> Result<Vec<Tensor>, ConvertError> {
    let mut plan = Plan { settings, shards, used: HashSet::new(), tensors: Vec::new() };
    plan.add("model.embed_tokens.weight", "token_embd.weight", (Vocab, Some(Width)))?;
    if let Some(freqs) = settings.rope_freqs() {
        let shape = vec![freqs.len() as u64];
        plan.tensors.push(Tensor {
            name: "rope_freqs.weight".to_owned(),
            shape,
            origin: Origin::Floats(freqs),
        });
    }
    let gemma = settings.architecture == "gemma3";
    let heads = if gemma || settings.architecture == "qwen3" { HEAD_NORMS } else { &[] };
    let norms = if gemma { GEMMA_NORMS } else { FFN_NORM };
    for layer in 0..settings.layers {
        for &(there, here, rows, cols, optional) in PARTS.iter().chain(norms).chain(heads) {
            let there = format!("model.layers.{layer}.{there}");
            if !optional || shards.get(&there).is_some() {
                plan.add(&there, &format!("blk.{layer}.{here}"), (rows, cols))?;
            }
        }
    }
    plan.add("model.norm.weight", "output_norm.weight", (Width, None))?;
    if settings.tied {
        // Some folders hold the embeddings a second time under this name.
        plan.used.insert("lm_head.weight".to_owned());
    } else {
        plan.add("lm_head.weight", "output.weight", (Vocab, Some(Width)))?;
    }
    let unknown = |name: &&str| !plan.used.contains(*name) && !name.ends_with(".rotary_emb.inv_freq");
    match shards.names().filter(unknown).min() {
        Some(name) => {
            let problem = format!("has no place in the {} architecture", settings.architecture);
            Err(ConvertError::Tensor { name: name.to_owned(), problem })
        }
        None => Ok(plan.tensors),
    }
}

struct Plan<'a> {
    settings: &'a Settings,
    shards: &'a Shards,
    used: HashSet<String>,
    tensors: Vec<Tensor>,
}

impl Plan<'_> {
    fn extent(&self, extent: Extent) -> u64 {
        let s = self.settings;
        match extent {
            Width => s.width,
            Queries => s.heads * s.head_dim,
            Keys => s.kv_heads * s.head_dim,
            Head => s.head_dim,
            Ffn => s.ffn,
            Vocab => s.vocab,
        }
    }

    fn add(
        &mut self,
        there: &str,
        here: &str,
        (rows, cols): (Extent, Option<Extent>),
    ) -> Result<(), ConvertError> {
        let expected: Vec<u64> = [Some(rows), cols].into_iter().flatten().map(|e| self.extent(e)).collect();
        let wrong = |problem| Err(ConvertError::Tensor { name: there.to_owned(), problem });
        let Some(source) = self.shards.get(there) else {
            return wrong(format!("is missing; {expected:?} is needed"));
        };
        if source.shape != expected {
            return wrong(format!("is {:?}, but config.json asks for {expected:?}", source.shape));
        }
        let gemma = self.settings.architecture == "gemma3";
        let neighbours = matches!(self.settings.architecture, "llama" | "smollm3");
        let turned = ["attn_q.weight", "attn_k.weight", "attn_q.bias", "attn_k.bias"];
        let change = if neighbours && turned.iter().any(|name| here.ends_with(name)) {
            Change::Interleave(self.settings.head_dim)
        } else if gemma && here.ends_with("norm.weight") {
            Change::AddOne
        } else {
            Change::None
        };
        self.used.insert(there.to_owned());
        let shape = expected.into_iter().rev().collect();
        let origin = Origin::Source { name: there.to_owned(), change };
        self.tensors.push(Tensor { name: here.to_owned(), shape, origin });
        Ok(())
    }
}

impl Tensor {
    /// Its type in the file: matrices are `ty`, vectors F32.
    pub(super) fn stored_as(&self, ty: GgmlType) -> GgmlType {
        if self.shape.len() > 1 { ty } else { GgmlType::F32 }
    }

    pub(super) fn elements(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Hands its rows on, in order.
    pub(super) fn write(
        &self,
        shards: &Shards,
        ty: GgmlType,
        put: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let ty = self.stored_as(ty);
        let mut out = Vec::new();
        let (name, change) = match &self.origin {
            Origin::Source { name, change } => (name, *change),
            Origin::Floats(floats) => {
                floats.iter().for_each(|&float| push(ty, float, &mut out));
                return put(&out);
            }
        };
        let source = shards.get(name).ok_or_else(|| io::Error::other(format!("{name} is gone")))?;
        let bytes = shards.bytes(source);
        // The elements of a vector are rows of one.
        let (rows, cols) = match self.shape[..] {
            [cols, rows] => (rows, cols),
            _ => (self.elements(), 1),
        };
        let size = cols as usize * source.ty.block_bytes();
        for row in 0..rows {
            let from = match change {
                Change::Interleave(head) => interleaved(row, head),
                _ => row,
            } as usize;
            let row = &bytes[from * size..(from + 1) * size];
            if source.ty == ty && change != Change::AddOne {
                out.extend(row);
            } else {
                let changed = |x: f32| if change == Change::AddOne { x + 1.0 } else { x };
                row.chunks_exact(source.ty.block_bytes())
                    .for_each(|bytes| push(ty, changed(read(source, bytes)), &mut out));
            }
            if out.len() >= 1 << 20 {
                put(&out)?;
                out.clear();
            }
        }
        put(&out)
    }
}

/// The row of the folder that becomes row `row`: of each head, element `i` of the first half becomes `2 i`, of the second
/// half `2 i + 1`.
fn interleaved(row: u64, head: u64) -> u64 {
    let (first, at) = (row / head * head, row % head);
    first + at % 2 * (head / 2) + at / 2
}

fn read(source: &Source, bytes: &[u8]) -> f32 {
    match (source.ty, bytes) {
        (GgmlType::F16, &[a, b]) => f16::from_le_bytes([a, b]).to_f32(),
        (GgmlType::BF16, &[a, b]) => bf16::from_le_bytes([a, b]).to_f32(),
        (_, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        _ => 0.0,
    }
}

fn push(ty: GgmlType, float: f32, out: &mut Vec<u8>) {
    match ty {
        GgmlType::F16 => out.extend(f16::from_f32(float).to_le_bytes()),
        GgmlType::BF16 => out.extend(bf16::from_f32(float).to_le_bytes()),
        _ => out.extend(float.to_le_bytes()),
    }
}
