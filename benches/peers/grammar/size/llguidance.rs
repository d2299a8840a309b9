//! The peer with nothing around it: whether a text fits a schema, asked a byte and a mask at a time.

use std::sync::Arc;

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::{ApproximateTokEnv, InferenceCapabilities, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};

fn main() {
    let mut args = std::env::args().skip(1);
    let schema = std::fs::read_to_string(args.next().expect("SCHEMA TEXT")).expect("a file");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    let words: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
    let trie = TokTrie::from(&TokRxInfo::new(256, 0), &words);
    let env: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
    let factory = ParserFactory::new(&env, InferenceCapabilities::default(), &[]).expect("an engine");
    let grammar = TopLevelGrammar::from_json_schema(schema.clone());
    let mut run = Matcher::new(factory.create_parser(grammar));
    let text = args.next().expect("SCHEMA TEXT");
    let fits = text.bytes().map(u32::from).all(|token| {
        !run.is_stopped()
            && run.compute_mask().expect("a mask").is_allowed(token)
            && run.consume_token(token).is_ok()
    });
    println!("{schema} {}", fits && run.is_accepting().expect("an answer"));
}
