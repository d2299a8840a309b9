//! Any bytes as a vocabulary, and any text for it. Give it vocabulary-only GGUF files as a corpus; the
//! last 64 bytes of an input are the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pintail::gguf::Gguf;
use pintail::tokenizer::{Specials, Tokenizer};

fuzz_target!(|data: &[u8]| {
    let (file, text) = data.split_at(data.len().saturating_sub(64));
    let Ok(file) = Gguf::parse(file.to_vec().into()) else { return };
    let Ok(tokenizer) = Tokenizer::from_gguf(&file) else { return };
    let text = String::from_utf8_lossy(text);
    for specials in [Specials::Text, Specials::Parse] {
        let mut ids = Vec::new();
        tokenizer.encode(&text, specials, &mut ids);
        assert!(ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
        tokenizer.decode(&ids, specials);
    }
});
