//! A tiny model of every family, against logits of an independent forward pass (`golden/make_architectures.py`).

use std::path::PathBuf;
use std::sync::Arc;

use pintail::gguf::{Bytes, Gguf};
use pintail::kernels::Cpu;
use pintail::model::{LanguageModel, Model, Options, Session};
use serde_json::Value;

/// How far a logit may be from the reference's, which computes in doubles: logits are up to about 30, weights F16, and
/// what differs is rounding to 24 bits and, now and then, of a key or value to the next of 11 bits.
const TOLERANCE: f64 = 0.02;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/architectures")
}

fn golden() -> Value {
    serde_json::from_slice(&std::fs::read(folder().join("logits.json")).unwrap()).unwrap()
}

fn model(name: &str) -> Arc<Model> {
    let file = Gguf::parse(Bytes::map(folder().join(format!("{name}.gguf"))).unwrap()).unwrap();
    Arc::new(Model::from_gguf(file).unwrap_or_else(|error| panic!("{name}: {error}")))
}

fn session(model: &Arc<Model>, cpu: Cpu, threads: usize) -> Session {
    Session::new(Arc::clone(model), Options { cpu, threads, ..Options::default() }).unwrap()
}

fn prompt(golden: &Value) -> Vec<u32> {
    golden["prompt"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn names(golden: &Value) -> Vec<String> {
    golden.as_object().unwrap().keys().filter(|name| *name != "prompt").cloned().collect()
}

#[test]
fn logits_are_those_of_the_reference() {
    let golden = golden();
    let prompt = prompt(&golden);
    let names = names(&golden);
    assert_eq!(names.len(), 7);
    for name in names {
        let model = model(&name);
        for cpu in Cpu::all() {
            let mut worst = 0.0f64;
            for (position, want) in golden[&name].as_object().unwrap() {
                let mut session = session(&model, cpu, 1);
                session.feed(&prompt[..=position.parse::<usize>().unwrap()]).unwrap();
                for (ours, theirs) in session.logits(None).iter().zip(want.as_array().unwrap()) {
                    worst = worst.max((f64::from(*ours) - theirs.as_f64().unwrap()).abs());
                }
            }
            eprintln!("{name} on {}: at most {worst:.5} off", cpu.name());
            assert!(worst < TOLERANCE, "{name} on {}: a logit is {worst} off", cpu.name());
        }
    }
}

#[test]
fn batches_and_threads_change_no_bit() {
    let golden = golden();
    let prompt = prompt(&golden);
    for name in names(&golden) {
        let model = model(&name);
        for cpu in Cpu::all() {
            let mut one_by_one = session(&model, cpu, 1);
            prompt.iter().for_each(|&token| one_by_one.feed(&[token]).unwrap());
            let want = one_by_one.logits(None).to_vec();
            for threads in [1, 2, 3] {
                let mut batch = session(&model, cpu, threads);
                batch.feed(&prompt).unwrap();
                assert_eq!(batch.logits(None), want, "{name} on {}, {threads} threads", cpu.name());
                batch.truncate(20);
                batch.feed(&prompt[20..33]).unwrap();
                batch.feed(&prompt[33..]).unwrap();
                assert_eq!(batch.logits(None), want, "{name} on {}, in pieces", cpu.name());
            }
        }
    }
}

#[test]
fn shared_blocks_have_a_place_in_the_cache_each() {
    let shared = model("llama-shared-blocks");
    assert_eq!((shared.config().blocks, shared.config().layers.len()), (2, 4));
    let plain = session(&model("llama-rope-factors"), Cpu::best(), 1).cache_bytes();
    assert_eq!(session(&shared, Cpu::best(), 1).cache_bytes(), 2 * plain);
}
