//! What is trained is what is run: renderings, and the ids that they become, are pinned.
//!
//! `training/golden.py` made the file. A change of the rendering, the linker or the generator's draws changes it;
//! then the bundled model has to be trained again, or the change has to be shown to be harmless to it.

use pintail::corpus::Generator;
use pintail::gguf::Gguf;
use pintail::model::bundled;
use pintail::prompt::pintail::{Piece, VERSION, text};
use pintail::tokenizer::{Specials, Tokenizer};
use serde_json::Value;

#[test]
fn renderings_and_their_ids_are_those_of_the_trainer() {
    let file = Gguf::parse(bundled()).unwrap();
    assert_eq!(file.required::<u32>("pintail.rendering").unwrap(), VERSION);
    let tokenizer = Tokenizer::from_gguf(&file).unwrap();
    let golden =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/rendering.jsonl"))
            .unwrap();
    let mut count = 0;
    for (line, example) in golden.lines().zip(Generator::new(3)) {
        let line: Value = serde_json::from_str(line).unwrap();
        let (prompt, answer) = example.pieces().unwrap();
        assert_eq!((text(&prompt), text(&answer)), (string(&line["prompt"]), string(&line["answer"])));
        let mut ids = Vec::new();
        for piece in prompt.iter().chain(&answer) {
            match piece {
                Piece::Token(token) => ids.push(tokenizer.token_id(&token.text()).unwrap()),
                Piece::Text(text) => tokenizer.encode(text, Specials::Text, &mut ids),
            }
        }
        let wanted: Vec<u32> = serde_json::from_value(line["ids"].clone()).unwrap();
        assert_eq!(ids, wanted, "{}", text(&prompt));
        count += 1;
    }
    assert_eq!(count, 24);
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
