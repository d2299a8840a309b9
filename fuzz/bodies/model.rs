//! Any bytes as a model: refused, or a token goes through it.

use std::sync::Arc;

use pintail::model::{LanguageModel, Model, Options, Session};

/// Whether it was taken for a model.
pub fn run(data: &[u8]) -> bool {
    let Ok(model) = Model::from_bytes(data.to_vec()) else { return false };
    let context = Some(model.config().context.min(4));
    let options = Options { context, threads: 1, ..Options::default() };
    // A file may ask for a cache that is larger than the machine; that is an error too.
    let Ok(mut session) = Session::new(Arc::new(model), options) else { return false };
    if session.feed(&[0]).is_ok() {
        assert_eq!(session.logits(Some(&[0])).len(), 1);
    }
    true
}
