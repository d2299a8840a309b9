//! Against the reference implementations (`tests/golden/quants.json`, from `make_quants.py` beside it), and whole files.

use serde_json::Value as Json;

use super::*;
use crate::gguf::{Gguf, Value, Writer};
use crate::kernels::Format;

/// The floats of `make_quants.py`.
fn floats(n: usize, seed: u64, kind: &str) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        let mut total = 0u64;
        for _ in 0..4 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            total += state >> 48;
        }
        let x = (total as i64 - 131072) as f32 * 2f32.powi(-20);
        match kind {
            "plain" => x,
            "cubed" => x * x * x * 64.0,
            "positive" => x.abs() + 0.0625,
            other => panic!("{other}"),
        }
    };
    (0..n).map(|_| next()).collect()
}

fn blocks() -> Vec<f32> {
    let mut all = [floats(384, 1, "plain"), floats(384, 2, "cubed"), floats(384, 3, "positive")].concat();
    let mut special = [[0.0f32; 32]; 12];
    let ramp: [f32; 32] = std::array::from_fn(|j| j as f32);
    special[1] = [1.0; 32];
    special[2] = [-0.3; 32];
    special[3][17] = 2.5;
    special[4][0] = -2.5;
    special[5] = ramp.map(|j| j - 15.5);
    (special[6][3], special[6][4]) = (1.0, -1.0);
    special[7] = [1e-7; 32];
    special[8] = ramp.map(|j| 60000.0 * (j % 3.0 - 1.0));
    special[9] = ramp.map(|j| j / 31.0);
    special[10] = ramp.map(|j| -j / 7.0);
    special[11] = ramp.map(|j| 3e-5 * (j % 5.0));
    all.extend(special.as_flattened());
    all
}

fn golden() -> Json {
    serde_json::from_str(include_str!("../../tests/golden/quants.json")).unwrap()
}

fn quantized(ty: GgmlType, x: &[f32]) -> Vec<u8> {
    let mut out = Vec::new();
    quantize_row(ty, x, &mut out);
    assert_eq!(Some(out.len()), ty.row_bytes(x.len()));
    out
}

/// Blocks as floats, by the kernels' definition of their layout (which `kernels` holds against the `gguf` package).
fn dequantized(ty: GgmlType, blocks: &[u8]) -> Vec<f32> {
    let mut out = vec![0.0; blocks.len() / ty.block_bytes() * ty.block_len()];
    Format::from_ggml(ty).unwrap().dequantize(blocks, &mut out);
    out
}

#[test]
fn small_blocks_are_those_of_the_reference() {
    let x = blocks();
    for (name, expected) in golden()["exact"].as_object().unwrap() {
        let ty = *WRITABLE.iter().find(|ty| ty.name() == name).unwrap();
        let found: Vec<String> = quantized(ty, &x).iter().map(|byte| format!("{byte:02x}")).collect();
        let size = ty.row_bytes(32).unwrap() * 2;
        let (found, expected) = (found.concat(), expected.as_str().unwrap());
        assert_eq!(found.len(), expected.len());
        for block in 0..x.len() / 32 {
            let part = block * size..(block + 1) * size;
            assert_eq!(found[part.clone()], expected[part], "{name}, block {block}");
        }
    }
}

#[test]
fn k_types_err_no_more_than_llama_cpp() {
    for (name, kinds) in golden()["error"].as_object().unwrap() {
        let ty = *WRITABLE.iter().find(|ty| ty.name() == name).unwrap();
        for (seed, kind) in (11..).zip(["plain", "cubed", "positive"]) {
            let x = floats(400 * 256, seed, kind);
            let back = dequantized(ty, &quantized(ty, &x));
            let miss = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
            let error: f64 = x.iter().zip(&back).map(miss).sum();
            let theirs = kinds[kind].as_f64().unwrap();
            println!("{name} of {kind}: squared error {error:.4e}, {:.4} of llama.cpp's", error / theirs);
            assert!(error <= 1.01 * theirs, "{name} of {kind}: {error:e} against {theirs:e}");
        }
    }
}

#[test]
fn k_types_take_what_is_hard() {
    let zero = [0.0f32; 256];
    let mut one = zero;
    one[77] = -3.0;
    let constant = [0.25f32; 256];
    let negative = [-0.25f32; 256];
    let tiny = [1e-30f32; 256];
    let large: [f32; 256] = std::array::from_fn(|j| if j % 2 == 0 { 65_504.0 } else { -65_504.0 });
    for ty in [GgmlType::Q4_K, GgmlType::Q5_K, GgmlType::Q6_K] {
        for x in [zero, one, constant, negative, tiny, large] {
            let back = dequantized(ty, &quantized(ty, &x));
            let widest = x.iter().fold(0.0f32, |widest, x| widest.max(x.abs()));
            for (x, back) in x.iter().zip(&back) {
                assert!((x - back).abs() <= widest * 0.04 + 1e-6, "{ty}: {x} became {back}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "no whole blocks")]
fn part_of_a_block_is_no_row() {
    quantize_row(GgmlType::Q4_K, &[0.0; 128], &mut Vec::new());
}

/// A file with the matrices of a small llama: `width` columns, so many layers.
fn model(width: u64, layers: u64, tied: bool) -> Gguf {
    let mut w = Writer::new();
    w.str("general.architecture", "llama").unwrap();
    w.u32("general.file_type", 0).unwrap();
    w.strings("tokenizer.ggml.tokens", &["a", "b"]).unwrap();
    let mut add = |name: &str, shape: &[u64]| {
        let n = shape.iter().product::<u64>() as usize;
        let data: Vec<u8> = floats(n, n as u64, "plain").iter().flat_map(|x| x.to_le_bytes()).collect();
        w.tensor(name, GgmlType::F32, shape, data).unwrap();
    };
    add("token_embd.weight", &[width, 3]);
    for layer in 0..layers {
        for name in ["attn_q", "attn_v", "ffn_down"] {
            add(&format!("blk.{layer}.{name}.weight"), &[width, 2]);
        }
        add(&format!("blk.{layer}.attn_norm.weight"), &[width]);
        add(&format!("blk.{layer}.attn_q.bias"), &[width]);
    }
    if !tied {
        add("output.weight", &[width, 3]);
    }
    Gguf::parse(w.to_bytes().into()).unwrap()
}

fn types(mix: &str, pure: bool, file: &Gguf) -> Vec<(String, GgmlType)> {
    let types = Mix::from_name(mix).unwrap().types(file, pure);
    file.tensors().zip(types).map(|(tensor, ty)| (tensor.name.to_owned(), ty)).collect()
}

#[test]
fn mixes_are_those_of_llama_cpp() {
    use GgmlType::*;
    let of = |types: &[(String, GgmlType)], name: &str| types.iter().find(|(n, _)| n == name).unwrap().1;
    let layers = |types: &[(String, GgmlType)], name: &str, ty: GgmlType| -> Vec<usize> {
        (0..16).filter(|i| of(types, &format!("blk.{i}.{name}.weight")) == ty).collect()
    };
    let file = model(256, 16, false);
    let m = types("q4_k_m", false, &file);
    assert_eq!(layers(&m, "ffn_down", Q6_K), [0, 1, 4, 7, 10, 13, 14, 15]);
    assert_eq!(layers(&m, "attn_v", Q6_K), [0, 1, 4, 7, 10, 13, 14, 15]);
    assert_eq!(layers(&m, "attn_v", Q4_K).len(), 8);
    assert_eq!(layers(&m, "attn_q", Q4_K).len(), 16);
    assert_eq!((of(&m, "output.weight"), of(&m, "token_embd.weight")), (Q6_K, Q4_K));
    assert_eq!((of(&m, "blk.3.attn_norm.weight"), of(&m, "blk.3.attn_q.bias")), (F32, F32));
    let s = types("Q4_K_S", false, &file);
    assert_eq!(layers(&s, "attn_v", Q5_K), [0, 1, 2, 3]);
    assert_eq!(layers(&s, "ffn_down", Q5_K), [0, 1]);
    assert_eq!(of(&types("Q8_0", false, &file), "output.weight"), Q8_0);
    assert_eq!(of(&types("Q4_0", false, &file), "output.weight"), Q6_K);
    assert_eq!(of(&types("Q4_0", true, &file), "output.weight"), Q4_0);

    // The rows of most small models are no multiples of 256.
    let small = model(96, 16, true);
    let m = types("Q4_K_M", false, &small);
    assert_eq!((of(&m, "token_embd.weight"), of(&m, "blk.2.attn_q.weight")), (Q8_0, Q5_0));
    assert_eq!((of(&m, "blk.0.attn_v.weight"), of(&m, "blk.2.attn_v.weight")), (Q8_0, Q5_0));
    assert_eq!(of(&types("Q5_K_M", false, &small), "blk.2.attn_q.weight"), Q5_1);
    let odd = model(48, 1, true);
    assert_eq!(of(&types("Q4_0", false, &odd), "blk.0.attn_q.weight"), F16);
    for mix in Mix::ALL {
        assert_eq!(Mix::from_name(&mix.name().to_lowercase()), Some(*mix));
    }
    assert_eq!(Mix::from_name("Q3_K_M"), None);
}

fn run(file: &Gguf, mix: &str, threads: usize) -> Result<Vec<u8>, QuantizeError> {
    let mut out = Vec::new();
    let job = Job::new(file, Mix::from_name(mix).unwrap(), false, false, threads)?;
    let mut last = 0;
    job.write(&mut out, &mut |progress| last = progress.done)?;
    assert_eq!(last, job.weights());
    Ok(out)
}

#[test]
fn a_file_keeps_its_keys_and_its_weights() {
    let file = model(256, 3, false);
    for mix in Mix::ALL {
        let bytes = run(&file, mix.name(), 1).unwrap();
        assert!(bytes == run(&file, mix.name(), 3).unwrap(), "{} depends on threads", mix.name());
        let out = Gguf::parse(bytes.into()).unwrap();
        assert_eq!(out.u32("general.file_type").unwrap(), mix.file_type());
        assert_eq!(out.get("general.quantization_version").is_some(), mix.is_quantized());
        assert_eq!(out.get("general.architecture"), Some(Value::Str("llama")));
        assert_eq!(out.array("tokenizer.ggml.tokens").unwrap().len(), 2);
        assert_eq!(out.tensors().len(), file.tensors().len());
        for (before, after) in file.tensors().zip(out.tensors()) {
            assert_eq!((before.name, before.shape), (after.name, after.shape));
            let row: Vec<f32> = file.tensor_bytes(&before).as_chunks::<4>().0[..256]
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect();
            let expected = quantized(after.ty, &row);
            assert_eq!(
                out.tensor_bytes(&after)[..expected.len()],
                expected,
                "{} of {}",
                after.name,
                mix.name()
            );
        }
    }
}

#[test]
fn what_cannot_be_quantised_is_refused_by_name() {
    let q8 = Gguf::parse(run(&model(256, 1, true), "Q8_0", 1).unwrap().into()).unwrap();
    let error = run(&q8, "Q4_0", 1).unwrap_err().to_string();
    assert!(error.contains("token_embd.weight is Q8_0 already"), "{error}");
    let mix = Mix::from_name("Q4_0").unwrap();
    let mut out = Vec::new();
    Job::new(&q8, mix, false, true, 1).unwrap().write(&mut out, &mut |_| {}).unwrap();
    assert!(Gguf::parse(out.into()).is_ok());

    let mut w = Writer::new();
    w.tensor("blk.0.attn_q.weight", GgmlType::IQ2_S, &[256, 2], vec![0; 164]).unwrap();
    let file = Gguf::parse(w.to_bytes().into()).unwrap();
    let error = Job::new(&file, mix, false, true, 1).err().unwrap().to_string();
    assert!(error.contains("blk.0.attn_q.weight is IQ2_S, which cannot be read"), "{error}");

    for bad in [f32::NAN, f32::INFINITY, 1e6] {
        let mut data = vec![0.5f32; 64];
        data[37] = bad;
        let mut w = Writer::new();
        let data: Vec<u8> = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        w.tensor("blk.0.attn_q.weight", GgmlType::F32, &[32, 2], data).unwrap();
        let file = Gguf::parse(w.to_bytes().into()).unwrap();
        let error = run(&file, "Q4_0", 2).unwrap_err().to_string();
        assert!(error.contains("blk.0.attn_q.weight: element 37 is"), "{error}");
    }
}
