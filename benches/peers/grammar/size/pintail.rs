//! Our engine with nothing around it: whether a text fits a schema, asked a byte and a mask at a time.

use std::sync::Arc;

use pintail::grammar::{Matcher, TokenTrie, schema};

fn main() {
    let mut args = std::env::args().skip(1);
    let schema = std::fs::read_to_string(args.next().expect("SCHEMA TEXT")).expect("a file");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    let grammar = schema::compile(&schema, schema::Options::default()).expect("a schema").grammar;
    let trie = TokenTrie::new(256, |id| [id as u8], |_| false);
    let mut run = Matcher::new(Arc::new(grammar), Arc::new(trie)).expect("a run");
    let text = args.next().expect("SCHEMA TEXT");
    let fits = text
        .bytes()
        .map(u32::from)
        .all(|token| run.mask(None).expect("a mask").contains(token) && run.accept(token).is_ok());
    println!("{schema} {}", fits && run.is_complete());
}
