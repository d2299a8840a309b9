//! Published vocabularies with texts and the ids that llama.cpp gives them. They are not in this
//! repository: the tests look in `PINTAIL_TEST_DATA`, then beside the checkout, and say when they skip.

use std::path::PathBuf;

use super::*;

const SEPARATOR: &str = "\n__ggml_vocab_test__\n";

fn folder() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let data = std::env::var_os("PINTAIL_TEST_DATA").map_or_else(beside, PathBuf::from);
    let folder = data.join("vocab");
    folder.is_dir().then_some(folder)
}

fn check(name: &str) {
    let Some(folder) = folder() else {
        eprintln!("SKIPPED: no vocabulary {name}; set PINTAIL_TEST_DATA to a folder with vocab/ in it");
        return;
    };
    let path = folder.join(format!("ggml-vocab-{name}.gguf"));
    let file = Gguf::parse(Bytes::map(&path).unwrap()).unwrap();
    let started = std::time::Instant::now();
    let tokenizer = Tokenizer::from_gguf(&file).unwrap();
    println!(
        "{name}: {} tokens, {} heap bytes, loaded in {:?}",
        tokenizer.vocab_size(),
        tokenizer.heap_bytes(),
        started.elapsed()
    );
    let beside = |ending: &str| std::fs::read_to_string(format!("{}.{ending}", path.display())).unwrap();
    let (texts, expected) = (beside("inp"), beside("out"));
    let mut cases = 0;
    for (text, line) in texts.split(SEPARATOR).zip(expected.lines()) {
        let expected: Vec<u32> = line.split_whitespace().map(|id| id.parse().unwrap()).collect();
        let found = ids(&tokenizer, text, Specials::Text);
        assert_eq!(found, expected, "{name}: {text:?}");
        assert_eq!(tokenizer.decode(&found, Specials::Text), text, "{name}");
        cases += 1;
    }
    assert_eq!(cases, expected.lines().count());
    assert!(cases > 40, "{cases} cases");
}

#[test]
fn gpt_2() {
    check("gpt-2");
}

#[test]
fn qwen2() {
    check("qwen2");
}

#[test]
fn llama_bpe() {
    check("llama-bpe");
}

#[test]
fn llama_spm() {
    check("llama-spm");
}
