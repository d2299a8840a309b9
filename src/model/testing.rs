//! A made-up model for tests, in any format, from a seed.

use crate::gguf::{Bytes, GgmlType, Gguf, Writer};
use crate::kernels::Format;
use crate::kernels::testing::{floats, rows};

/// Shape of the made-up model: two layers, four query heads over two key-value heads of 16.
pub const WIDTH: u64 = 64;
pub const FFN: u64 = 96;
pub const VOCAB: u64 = 50;
pub const LAYERS: u64 = 2;
pub const CONTEXT: u32 = 200;

/// A change to a tensor as it is written: its type, shape and bytes; `None` leaves it out.
pub type Edit<'a> = dyn Fn(&str, GgmlType, Vec<u64>, Vec<u8>) -> Option<(GgmlType, Vec<u64>, Vec<u8>)> + 'a;

/// Name and shape of every tensor.
pub fn tensors(tied: bool) -> Vec<(String, Vec<u64>)> {
    let mut all = vec![("token_embd.weight".to_string(), vec![WIDTH, VOCAB])];
    for i in 0..LAYERS {
        let shapes: [(&str, &[u64]); 9] = [
            ("attn_norm", &[WIDTH]),
            ("attn_q", &[WIDTH, 64]),
            ("attn_k", &[WIDTH, 32]),
            ("attn_v", &[WIDTH, 32]),
            ("attn_output", &[64, WIDTH]),
            ("ffn_norm", &[WIDTH]),
            ("ffn_gate", &[WIDTH, FFN]),
            ("ffn_up", &[WIDTH, FFN]),
            ("ffn_down", &[FFN, WIDTH]),
        ];
        all.extend(shapes.iter().map(|(name, shape)| (format!("blk.{i}.{name}.weight"), shape.to_vec())));
    }
    all.push(("output_norm.weight".into(), vec![WIDTH]));
    if !tied {
        all.push(("output.weight".into(), vec![WIDTH, VOCAB]));
    }
    all
}

/// The keys of the made-up model.
pub fn keys() -> Vec<(&'static str, u32)> {
    vec![
        ("llama.block_count", LAYERS as u32),
        ("llama.embedding_length", WIDTH as u32),
        ("llama.feed_forward_length", FFN as u32),
        ("llama.attention.head_count", 4),
        ("llama.attention.head_count_kv", 2),
        ("llama.context_length", CONTEXT),
    ]
}

/// The file, with keys replaced (or, with `None`, left out) and tensors edited.
pub fn file(format: Format, tied: bool, replace: &[(&str, Option<u32>)], edit: &Edit<'_>) -> Vec<u8> {
    let mut out = Writer::new();
    out.str("general.architecture", "llama").unwrap();
    out.f32("llama.attention.layer_norm_rms_epsilon", 1e-5).unwrap();
    let mut keys: Vec<_> = keys().into_iter().map(|(k, v)| (k, Some(v))).collect();
    for &(key, value) in replace {
        keys.retain(|(k, _)| *k != key);
        keys.push((key, value));
    }
    for (key, value) in keys {
        if let Some(value) = value {
            out.u32(key, value).unwrap();
        }
    }
    let ty = format.ggml_type();
    for (i, (name, shape)) in tensors(tied).into_iter().enumerate() {
        let (ty, data) = if shape.len() == 1 {
            let norm =
                floats(shape[0] as usize, i as u64).into_iter().flat_map(|x| (1.0 + x / 4.0).to_le_bytes());
            (GgmlType::F32, norm.collect())
        } else {
            (ty, rows(format, shape[1] as usize, shape[0] as usize, i as u64))
        };
        if let Some((ty, shape, data)) = edit(&name, ty, shape, data) {
            out.tensor(&name, ty, &shape, data).unwrap();
        }
    }
    out.to_bytes()
}

/// The file as it should be, read.
pub fn gguf(format: Format, tied: bool) -> Gguf {
    read(file(format, tied, &[], &|_, ty, shape, data| Some((ty, shape, data))))
}

/// A file's bytes, read.
pub fn read(bytes: Vec<u8>) -> Gguf {
    Gguf::parse(Bytes::Owned(bytes.into())).unwrap()
}

/// The formats that rows of the made-up model are whole blocks of.
pub fn formats() -> impl Iterator<Item = Format> {
    Format::ALL.iter().copied().filter(|format| format.block_len() <= 32)
}
