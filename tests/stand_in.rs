//! Small stand-in models against llama.cpp: greedy runs recorded by `golden/make_stand_in.py`, and logits of every family and
//! weight type recorded by `golden/make_peer.py`.

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

/// `golden/make_peer.py` feeds these, prompt and forced tokens alike.
fn token(i: usize, vocab: usize) -> u32 {
    ((i * i + 5 * i + 3) % vocab) as u32
}

/// Logarithms of the probabilities.
fn log_softmax(logits: impl Iterator<Item = f64>) -> Vec<f64> {
    let logits: Vec<f64> = logits.collect();
    let most = logits.iter().copied().fold(f64::MIN, f64::max);
    let total = logits.iter().map(|x| (x - most).exp()).sum::<f64>().ln();
    logits.iter().map(|x| x - most - total).collect()
}

#[test]
fn forced_tokens_give_the_distributions_of_llama_cpp() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let golden: Value = serde_json::from_slice(&std::fs::read(folder.join("peer.json")).unwrap()).unwrap();
    let files = golden.as_object().unwrap();
    assert_eq!(files.len(), 8);
    for (name, runs) in files {
        let mixed = name == "types-mixed.gguf";
        let path = if mixed { folder.join(name) } else { folder.join("architectures").join(name) };
        let model = Arc::new(Model::from_gguf(Gguf::parse(Bytes::map(path).unwrap()).unwrap()).unwrap());
        let vocab = model.config().vocab;
        // Float weights and quantised ones; llama.cpp rounds activations to what its kernels take, as ours do.
        let (most, far) = if mixed { (1e-3, 0.1) } else { (1e-4, 0.05) };
        for cpu in Cpu::all() {
            let (mut worst, mut behind) = (0.0f64, 0.0f64);
            for (prompt, steps) in runs.as_object().unwrap() {
                let options = Options { threads: 1, cpu, ..Options::default() };
                let mut session = Session::new(Arc::clone(&model), options).unwrap();
                let prompt: usize = prompt.parse().unwrap();
                session.feed(&(0..prompt).map(|i| token(i, vocab)).collect::<Vec<_>>()).unwrap();
                for step in 0..64 {
                    if step > 0 {
                        session.feed(&[token(prompt + step - 1, vocab)]).unwrap();
                    }
                    let Some(theirs) = steps.get(step.to_string()) else { continue };
                    let logits = session.logits(None);
                    let theirs: Vec<f64> =
                        theirs.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
                    let best = theirs.iter().copied().fold(f64::MIN, f64::max);
                    behind = behind.max(best - theirs[self::best(logits) as usize]);
                    let (p, q) =
                        (log_softmax(theirs.into_iter()), log_softmax(logits.iter().map(|x| f64::from(*x))));
                    worst = worst.max(p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum());
                }
            }
            eprintln!(
                "{name} on {}: KL at most {worst:.2e}, best token at most {behind:.4} behind",
                cpu.name()
            );
            assert!(worst <= most, "{name} on {}: KL {worst} from llama.cpp", cpu.name());
            assert!(behind <= far, "{name} on {}: best token {behind} behind theirs", cpu.name());
        }
    }
}
