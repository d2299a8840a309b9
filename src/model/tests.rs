//! The model as a whole: what it refuses, and that how tokens are fed changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::testing::{VOCAB, file, formats, gguf, keys, read, tensors};
use super::{Config, LanguageModel, Model, ModelError, Options, Session};
use crate::gguf::{Bytes, GgmlType, Gguf, Value, Writer};
use crate::kernels::{Cpu, Format, woven_bytes};

fn session(model: &Arc<Model>, threads: usize, cpu: Cpu) -> Session {
    Session::new(Arc::clone(model), Options { threads, cpu, ..Options::default() }).unwrap()
}

fn model(format: Format, tied: bool) -> Arc<Model> {
    Arc::new(Model::from_gguf(gguf(format, tied)).unwrap())
}

fn prompt(n: usize) -> Vec<u32> {
    (0..n).map(|i| (i * i + 7 * i + 3) as u32 % VOCAB as u32).collect()
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn copies_for_decoding_change_no_bit_and_keep_to_their_limit() {
    let with = |model: &Arc<Model>, copies| {
        let options = Options { threads: 2, copies: Some(copies), ..Options::default() };
        Session::new(Arc::clone(model), options).unwrap()
    };
    for format in formats() {
        let model = model(format, format == Format::Q5_1);
        let [mut none, mut small, mut all] = [0, 1000, usize::MAX].map(|most| with(&model, most));
        for token in prompt(40) {
            for session in [&mut none, &mut small, &mut all] {
                session.feed(&[token]).unwrap();
            }
            let want = bits(none.logits(None));
            assert_eq!(bits(all.logits(None)), want, "{format:?}");
            assert_eq!(bits(small.logits(Some(&[3, 1]))), [want[3], want[1]]);
        }
        let head = woven_bytes(Cpu::best(), &model.weights().head());
        assert_eq!((none.copies_bytes(), small.copies_bytes()), (0, 0));
        assert!(all.copies_bytes() >= head.unwrap_or(0) && (all.copies_bytes() > 0) == head.is_some());
    }
}

#[test]
fn batches_threads_and_truncation_change_no_bit() {
    for format in formats() {
        let model = model(format, format == Format::Q8_0);
        // Longer than a chunk, and no multiple of anything.
        let prompt = prompt(151);
        for cpu in Cpu::all() {
            let mut one_by_one = session(&model, 1, cpu);
            prompt.iter().for_each(|&t| one_by_one.feed(&[t]).unwrap());
            let want = bits(one_by_one.logits(None));
            assert!(
                want.iter().any(|&b| b != want[0]) && one_by_one.logits(None).iter().all(|x| x.is_finite())
            );
            for threads in [1, 3] {
                let mut batch = session(&model, threads, cpu);
                batch.feed(&prompt).unwrap();
                assert_eq!(
                    (batch.len(), bits(batch.logits(None))),
                    (151, want.clone()),
                    "{format:?} {cpu:?}"
                );
                batch.truncate(40);
                batch.feed(&prompt[..9]).unwrap();
                assert_ne!(bits(batch.logits(None)), want);
                batch.truncate(40);
                batch.feed(&prompt[40..44]).unwrap();
                batch.feed(&prompt[44..]).unwrap();
                assert_eq!(bits(batch.logits(None)), want);
            }
        }
    }
}

#[test]
fn the_scalar_and_the_vector_path_agree() {
    let Some(fast) = Cpu::fastest() else { return eprintln!("SKIPPED: no vector path here") };
    for format in formats() {
        let model = model(format, false);
        let [a, b] = [Cpu::scalar(), fast].map(|cpu| {
            let mut session = session(&model, 1, cpu);
            session.feed(&prompt(30)).unwrap();
            session.logits(None).to_vec()
        });
        let size = a.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        // Attention is in floats; a last bit there can move an 8-bit code by one step.
        let slack = if format.is_integer() { 0.03 } else { 1e-4 };
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= slack * size), "{format:?}: {a:?} {b:?}");
    }
}

#[test]
fn sparse_logits_are_the_rows_of_the_full_ones() {
    let mut session = session(&model(Format::Q4_0, true), 2, Cpu::best());
    assert_eq!(session.logits(Some(&[1, 2])), [0.0, 0.0]);
    session.feed(&prompt(5)).unwrap();
    let full = session.logits(None).to_vec();
    assert_eq!(full.len(), VOCAB as usize);
    let rows = [49, 3, 3, 50, 0];
    let want = [full[49], full[3], full[3], f32::NEG_INFINITY, full[0]];
    assert_eq!(session.logits(Some(&rows)), want);
    session.truncate(9);
    assert_eq!(session.logits(Some(&rows)), want);
    session.truncate(4);
    assert_eq!(session.logits(Some(&rows)), [0.0; 5]);
}

#[test]
fn bundled_bytes_at_any_offset_give_the_same() {
    let bytes = file(Format::Q8_0, true, &[], &|_, ty, shape, data| Some((ty, shape, data)));
    let mut results = Vec::new();
    for offset in 0..4 {
        let room: &'static mut [u8] = Box::leak(vec![0u8; bytes.len() + offset].into_boxed_slice());
        room[offset..].copy_from_slice(&bytes);
        let file = Gguf::parse(Bytes::Static(&room[offset..])).unwrap();
        let mut session = session(&Arc::new(Model::from_gguf(file).unwrap()), 1, Cpu::best());
        session.feed(&prompt(7)).unwrap();
        results.push(bits(session.logits(None)));
    }
    assert!(results.iter().all(|r| *r == results[0]));
}

#[test]
fn a_full_context_and_foreign_tokens_feed_nothing() {
    let model = model(Format::F16, true);
    let options = Options { context: Some(8), threads: 1, ..Options::default() };
    let mut session = Session::new(Arc::clone(&model), options).unwrap();
    assert_eq!(session.cache_bytes(), 2 * 2 * 2 * 32 * 8);
    session.feed(&prompt(6)).unwrap();
    let before = bits(session.logits(None));
    let full = session.feed(&prompt(3)).unwrap_err();
    assert_eq!(full.to_string(), "the context is full: 6 of 8 tokens are taken and 3 more were given");
    let foreign = session.feed(&[1, 50]).unwrap_err();
    assert_eq!(foreign.to_string(), "token 50 is not in the vocabulary of 50");
    session.feed(&[]).unwrap();
    assert_eq!((session.len(), bits(session.logits(None))), (6, before));
    session.feed(&prompt(2)).unwrap();
    for context in [0, 201, usize::MAX] {
        let refused =
            Session::new(Arc::clone(&model), Options { context: Some(context), ..Options::default() });
        assert!(matches!(refused, Err(ModelError::Context { most: 200, .. })));
    }
}

#[test]
fn a_past_is_set_aside_and_taken_up_again() {
    let model = model(Format::Q8_0, true);
    let mut alone = session(&model, 1, Cpu::best());
    alone.feed(&prompt(9)).unwrap();
    let wanted = bits(alone.logits(None));
    let mut session = session(&model, 1, Cpu::best());
    let mut past = session.another_past().unwrap();
    session.feed(&prompt(6)).unwrap();
    session.exchange(&mut past);
    assert_eq!(session.len(), 0);
    session.feed(&prompt(3)).unwrap();
    assert_ne!(bits(session.logits(None)), wanted);
    session.exchange(&mut past);
    assert_eq!(session.len(), 6);
    session.feed(&prompt(9)[6..]).unwrap();
    assert_eq!(bits(session.logits(None)), wanted);
}

#[test]
fn a_set_flag_cancels_and_the_session_lives_on() {
    let cancel = Arc::new(AtomicBool::new(true));
    let model = model(Format::Q8_0, true);
    let options = Options { cancel: Some(Arc::clone(&cancel)), threads: 1, ..Options::default() };
    let mut session = Session::new(Arc::clone(&model), options).unwrap();
    assert!(matches!(session.feed(&prompt(4)), Err(ModelError::Cancelled)));
    assert_eq!((session.len(), session.logits(Some(&[0]))), (0, &[0.0][..]));
    cancel.store(false, Ordering::Relaxed);
    session.feed(&prompt(4)).unwrap();
    assert_eq!(session.len(), 4);
}

#[test]
fn every_missing_or_misshapen_tensor_is_named() {
    for (wanted, _) in tensors(false).into_iter().filter(|(name, _)| name != "output.weight") {
        let without = |name: &str, ty, shape, data| (name != wanted).then_some((ty, shape, data));
        let error = Model::from_gguf(read(file(Format::F16, false, &[], &without))).unwrap_err();
        assert!(matches!(&error, ModelError::MissingTensor { name, .. } if *name == wanted), "{error}");
    }
    for (wanted, _) in tensors(false).into_iter().filter(|(name, _)| name != "token_embd.weight") {
        let shorter = |name: &str, ty: GgmlType, mut shape: Vec<u64>, mut data: Vec<u8>| {
            if name == wanted {
                let last = shape.last_mut().unwrap();
                data.truncate(data.len() / *last as usize * (*last as usize - 1));
                *last -= 1;
            }
            Some((ty, shape, data))
        };
        let error = Model::from_gguf(read(file(Format::F16, false, &[], &shorter))).unwrap_err();
        assert!(matches!(&error, ModelError::Tensor { name, .. } if *name == wanted), "{error}");
    }
    let transposed = |name: &str, ty, mut shape: Vec<u64>, data| {
        if name == "blk.1.ffn_up.weight" {
            shape.reverse();
        }
        Some((ty, shape, data))
    };
    let error = Model::from_gguf(read(file(Format::F16, true, &[], &transposed))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tensor blk.1.ffn_up.weight is F16 [96, 64], but a matrix [64, 96] is needed"
    );
}

#[test]
fn other_types_architectures_and_unknown_tensors_are_refused() {
    let i16 = |name: &str, ty, shape, data| {
        Some((if name == "blk.0.attn_k.weight" { GgmlType::I16 } else { ty }, shape, data))
    };
    let error = Model::from_gguf(read(file(Format::F16, true, &[], &i16))).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("tensor blk.0.attn_k.weight is I16 [64, 32], but one of the types F32, F16, BF16,"),
        "{error}"
    );
    let mut out = Writer::new();
    out.str("general.architecture", "mamba").unwrap();
    let error = Model::from_gguf(read(out.to_bytes())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "general.architecture is \"mamba\", which is not supported (llama, qwen2, qwen3, gemma3 and smollm3 are)"
    );
    // One layer fewer in the keys leaves tensors that nobody would use.
    let less = file(Format::F16, true, &[("llama.block_count", Some(1))], &|_, t, s, d| Some((t, s, d)));
    let error = Model::from_gguf(read(less)).unwrap_err();
    assert!(
        matches!(&error, ModelError::UnknownTensor { name, .. } if name == "blk.1.attn_norm.weight"),
        "{error}"
    );
}

#[test]
fn keys_that_cannot_be_are_refused_by_name() {
    let load = |replace: &[(&str, Option<u32>)]| {
        Model::from_gguf(read(file(Format::F16, true, replace, &|_, t, s, d| Some((t, s, d)))))
    };
    for (key, _) in keys().into_iter().filter(|(key, _)| !key.ends_with("_kv")) {
        for value in [None, Some(0), Some(u32::MAX)] {
            let error = load(&[(key, value)]).unwrap_err();
            assert!(error.to_string().contains(key), "{key} = {value:?}: {error}");
        }
    }
    for (key, value) in [
        ("llama.attention.head_count_kv", 0),
        ("llama.attention.head_count_kv", 3),
        ("llama.attention.head_count_kv", 5),
        ("llama.attention.key_length", 0),
        ("llama.attention.value_length", 8),
        ("llama.rope.dimension_count", 7),
        ("llama.rope.dimension_count", 18),
        ("llama.expert_count", 8),
    ] {
        let error = load(&[(key, Some(value))]).unwrap_err();
        assert!(matches!(&error, ModelError::Key { key: named, .. } if named == key), "{key}: {error}");
    }
    assert_eq!(
        load(&[("llama.attention.head_count", Some(0))]).unwrap_err().to_string(),
        "key llama.attention.head_count: 0 cannot be: 1 to 4096 is possible"
    );
    load(&[("llama.rope.dimension_count", Some(8)), ("llama.attention.key_length", Some(16))]).unwrap();
    load(&[("llama.attention.head_count_kv", None)]).unwrap_err();
}

/// The made-up model with further keys.
fn with_keys(more: &[(&str, Value<'_>)]) -> Result<Model, ModelError> {
    let file = gguf(Format::F16, true);
    let mut out = Writer::new();
    for (key, value) in file.metadata().chain(more.iter().copied()) {
        out.set(key, value).unwrap();
    }
    for tensor in file.tensors() {
        let shape: Vec<u64> = tensor.shape[..tensor.dims].iter().map(|&extent| extent as u64).collect();
        out.tensor(tensor.name, tensor.ty, &shape, file.tensor_bytes(&tensor).to_vec()).unwrap();
    }
    Model::from_gguf(read(out.to_bytes()))
}

#[test]
fn positions_are_scaled_as_llama_cpp_reads_the_keys() {
    const TYPE: &str = "llama.rope.scaling.type";
    const FACTOR: &str = "llama.rope.scaling.factor";
    for (keys, scale) in [
        (&[][..], 1.0),
        (&[(TYPE, Value::Str("linear")), (FACTOR, Value::F32(4.0))], 4.0),
        (&[(FACTOR, Value::F32(4.0))], 4.0),
        (&[("llama.rope.scale_linear", Value::F32(2.0))], 2.0),
        (&[(TYPE, Value::Str("none")), (FACTOR, Value::F32(4.0))], 1.0),
    ] {
        assert_eq!(with_keys(keys).unwrap().config().ropes[0].scale, scale, "{keys:?}");
    }
    for (key, value) in [
        (TYPE, Value::Str("yarn")),
        (TYPE, Value::Str("linear")),
        (FACTOR, Value::F32(0.0)),
        ("llama.attention.causal", Value::Bool(false)),
        ("llama.rope.scaling.attn_factor", Value::F32(2.0)),
        ("llama.rope.dimension_count_swa", Value::U32(8)),
        ("llama.attention.key_length_swa", Value::U32(8)),
    ] {
        let error = with_keys(&[(key, value)]).unwrap_err().to_string();
        assert!(error.contains(key) || error.contains(FACTOR), "{key}: {error}");
    }
    with_keys(&[
        ("llama.attention.causal", Value::Bool(true)),
        ("llama.rope.dimension_count_swa", Value::U32(16)),
    ])
    .unwrap();
}

#[test]
fn windows_are_spread_as_llama_cpp_reads_the_pattern() {
    const PATTERN: &str = "gemma3.attention.sliding_window_pattern";
    // A letter for each of six layers: windowed, or all seeing.
    let layers = |window: Option<u32>, pattern: &dyn Fn(&mut Writer)| {
        let mut out = Writer::new();
        out.str("general.architecture", "gemma3").unwrap();
        out.f32("gemma3.attention.layer_norm_rms_epsilon", 1e-5).unwrap();
        for (key, value) in keys().into_iter().filter(|(key, _)| *key != "llama.block_count") {
            out.u32(&key.replace("llama", "gemma3"), value).unwrap();
        }
        out.u32("gemma3.block_count", 6).unwrap();
        if let Some(window) = window {
            out.u32("gemma3.attention.sliding_window", window).unwrap();
        }
        pattern(&mut out);
        out.tensor("token_embd.weight", GgmlType::F32, &[64, 2], vec![0; 512]).unwrap();
        let config = Config::from_gguf(&read(out.to_bytes()))?;
        Ok(config.layers.iter().fold(String::new(), |all, layer| {
            assert_eq!(layer.rope, Some(usize::from(layer.window.is_some())));
            assert!(
                layer.window.is_none_or(|window| window == 7) && config.ropes.len() > layer.rope.unwrap()
            );
            all + if layer.window.is_some() { "w" } else { "a" }
        }))
    };
    let number = |n: u32| {
        move |out: &mut Writer| {
            out.u32(PATTERN, n).unwrap();
        }
    };
    let list = |all: &'static [i32]| {
        move |out: &mut Writer| {
            out.i32s(PATTERN, all).unwrap();
        }
    };
    let text = |out: &mut Writer| {
        out.str(PATTERN, "3").unwrap();
    };
    let good: Result<Vec<String>, ModelError> = [
        layers(Some(7), &|_| ()),
        layers(Some(7), &number(3)),
        layers(Some(7), &number(1)),
        layers(Some(7), &number(0)),
        layers(Some(7), &list(&[1, 0, 0, 1, 1, 0])),
        layers(Some(0), &number(3)),
        layers(None, &number(3)),
    ]
    .into_iter()
    .collect();
    assert_eq!(good.unwrap(), ["wwwwwa", "wwawwa", "aaaaaa", "wwwwww", "waawwa", "aaaaaa", "aaaaaa"]);
    let bad: [&dyn Fn(&mut Writer); 4] =
        [&list(&[1, 0, 0]), &list(&[1, 0, 0, 1, 1, 0, 1]), &number(u32::MAX), &text];
    for pattern in bad {
        let error: ModelError = layers(Some(7), pattern).unwrap_err();
        assert!(error.to_string().contains(PATTERN), "{error}");
    }
}

#[test]
fn a_vocabulary_only_is_told_as_one() {
    let none = |_: &str, _, _, _| None;
    let error = Model::from_gguf(read(file(Format::F16, true, &[], &none))).unwrap_err().to_string();
    assert!(error.contains("token_embd.weight") && error.contains("vocabulary and no weights"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Whatever a few changed bytes make of a file, it is refused or it runs; it never panics.
    #[test]
    fn mutated_files_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
                                 head in any::<bool>()) {
        let mut bytes = file(Format::Q8_0, true, &[], &|_, ty, shape, data| Some((ty, shape, data)));
        // Half of the cases change only keys and tensor entries, where there is most to break.
        let range = if head { 2000.min(bytes.len()) } else { bytes.len() };
        for (at, value) in changes {
            bytes[at.index(range)] = value;
        }
        if let Ok(Ok(model)) = Gguf::parse(Bytes::Owned(bytes.into())).map(Model::from_gguf) {
            let context = Some(model.config().context.min(16));
            let options = Options { context, threads: 1, ..Options::default() };
            if let Ok(mut session) = Session::new(Arc::new(model), options) {
                let _ = session.feed(&[1, 2, 3]);
                let _ = session.logits(None);
            }
        }
    }
}
