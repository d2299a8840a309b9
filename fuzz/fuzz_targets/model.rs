//! Any bytes as a model: refused, or a token goes through it. Give it small models of every architecture as a corpus
//! (`pintail convert` makes them of tests/golden/folders).

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pintail::model::{LanguageModel, Model, Options, Session};

fuzz_target!(|data: &[u8]| {
    let Ok(model) = Model::from_bytes(data.to_vec()) else { return };
    let options = Options { context: Some(4), threads: 1, ..Options::default() };
    // A file may ask for a cache that is larger than the machine; that is an error too.
    let Ok(mut session) = Session::new(Arc::new(model), options) else { return };
    if session.feed(&[0]).is_ok() {
        assert_eq!(session.logits(Some(&[0])).len(), 1);
    }
});
