//! Any text as a chat template: refused, or it renders a conversation in bounded time.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pintail::gguf::{Gguf, Writer};
use pintail::prompt::chat::Chat;
use pintail::tokenizer::Tokenizer;

fuzz_target!(|template: &str| {
    let mut w = Writer::new();
    let made = (|| {
        w.str("tokenizer.ggml.model", "gpt2")?.strings("tokenizer.ggml.tokens", &["a", "b", "<|im_end|>"])?;
        w.i32s("tokenizer.ggml.token_type", &[1, 1, 3])?.strings::<&str>("tokenizer.ggml.merges", &[])?;
        w.str("tokenizer.chat_template", template).map(|_| ())
    })();
    assert!(made.is_ok());
    let Ok(file) = Gguf::parse(w.to_bytes().into()) else { return };
    let Ok(tokenizer) = Tokenizer::from_gguf(&file) else { return };
    if let Err(error) = Chat::of(&file, &tokenizer) {
        assert!(error.to_string().contains("tokenizer.chat_template"));
    }
});
