//! Any text as a chat template: refused, or it renders conversations in bounded time.

use pintail::gguf::{Gguf, Writer};
use pintail::prompt::chat::Chat;
use pintail::tokenizer::Tokenizer;

/// Whether it was taken for a template.
pub fn run(template: &str) -> bool {
    let mut w = Writer::new();
    let made = (|| {
        w.str("tokenizer.ggml.model", "gpt2")?.strings("tokenizer.ggml.tokens", &["a", "b", "<|im_end|>"])?;
        w.i32s("tokenizer.ggml.token_type", &[1, 1, 3])?.strings::<&str>("tokenizer.ggml.merges", &[])?;
        w.str("tokenizer.chat_template", template).map(|_| ())
    })();
    assert!(made.is_ok(), "a file can hold any text");
    let file = Gguf::parse(w.to_bytes().into()).unwrap_or_else(|error| panic!("{error}"));
    let tokenizer = Tokenizer::from_gguf(&file).unwrap_or_else(|error| panic!("{error}"));
    match Chat::of(&file, &tokenizer) {
        Ok(_) => true,
        Err(error) => {
            assert!(error.to_string().contains("tokenizer.chat_template"), "{error}");
            false
        }
    }
}
