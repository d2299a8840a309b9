//! Greedy runs of small stand-in models against llama.cpp's, recorded by `golden/make_stand_in.py`.

use std::path::Path;
use std::sync::Arc;

use pintail::gguf::{Bytes, Gguf};
use pintail::kernels::Cpu;
use pintail::model::{LanguageModel, Model, Options, Session};
use serde_json::Value;

/// How far our logits may be from llama.cpp's, whose best five are between 4 and 40. With integer weights both round
/// activations to 8 bits; the last bits of attention decide which way, so each is as far from the other as from exact
/// arithmetic (measured on these files: 0.23 and 0.21 at most), while a wrong step is off by whole units.
fn tolerance(name: &str) -> f64 {
    if name.contains("f16") { 0.05 } else { 0.4 }
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn best(logits: &[f32]) -> u32 {
    (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap() as u32
}

#[test]
fn greedy_runs_give_the_tokens_of_llama_cpp() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let golden: Value =
        serde_json::from_slice(&std::fs::read(folder.join("stand_in.json")).unwrap()).unwrap();
    let prompt = ids(&golden["prompt"]);
    let mut files = 0;
    for (name, run) in golden.as_object().unwrap().iter().filter(|(name, _)| name.ends_with(".gguf")) {
        files += 1;
        let file = Gguf::parse(Bytes::map(folder.join(name)).unwrap()).unwrap();
        let model = Arc::new(Model::from_gguf(file).unwrap());
        let mut worst = 0.0f64;
        for cpu in [Some(Cpu::scalar()), Cpu::fastest()].into_iter().flatten() {
            let options = Options { threads: 1, cpu, ..Options::default() };
            let mut session = Session::new(Arc::clone(&model), options).unwrap();
            session.feed(&prompt).unwrap();
            let tokens = ids(&run["tokens"]);
            for (step, (&token, top)) in tokens.iter().zip(run["top"].as_array().unwrap()).enumerate() {
                let logits = session.logits(None);
                for pair in top.as_array().unwrap() {
                    let (id, theirs) = (pair[0].as_u64().unwrap() as usize, pair[1].as_f64().unwrap());
                    worst = worst.max((f64::from(logits[id]) - theirs).abs());
                }
                let ours = best(logits);
                assert_eq!(ours, token, "{name} on {}, step {step}: {worst} from {top}", cpu.name());
                session.feed(&[token]).unwrap();
            }
        }
        eprintln!("{name}: logits at most {worst:.4} from llama.cpp's");
        assert!(worst < tolerance(name), "{name}: a logit is {worst} from llama.cpp's");
    }
    assert_eq!(files, 3);
}
