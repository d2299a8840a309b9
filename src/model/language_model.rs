//! What decoding needs of a model, and a scripted one for tests.

use super::ModelError;

/// A model with its memory of the tokens so far. [`super::Session`] runs a real one, [`ScriptedModel`] plays one.
pub trait LanguageModel {
    /// Ids below this are tokens.
    fn vocab_size(&self) -> usize;

    /// Most tokens that fit.
    fn context(&self) -> usize;

    /// Tokens fed and not forgotten.
    fn len(&self) -> usize;

    /// Whether nothing was fed.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all tokens after the first `len`; more than there are changes nothing. Feed at least one token before
    /// the next [`LanguageModel::logits`] if it did: whoever reuses a prefix keeps its last token for that.
    fn truncate(&mut self, len: usize);

    /// Appends tokens, many in a batch or one.
    ///
    /// # Errors
    /// [`ModelError::ContextFull`], [`ModelError::Token`] (nothing was fed), [`ModelError::Cancelled`].
    fn feed(&mut self, tokens: &[u32]) -> Result<(), ModelError>;

    /// Scores of what comes after the last fed token: of the whole vocabulary, or of `rows` only, in their order (an id
    /// that is no token scores negative infinity). Zeroes if nothing was fed since the start or a truncation.
    fn logits(&mut self, rows: Option<&[u32]>) -> &[f32];
}

/// Plays a model that wishes for one token after another, whatever it is fed.
///
/// Each first `logits` after a `feed` takes the next wish: forced tokens use up none. The wished token scores 10, all
/// others 0; when the wishes are used up all score 0.
#[derive(Clone, Debug)]
pub struct ScriptedModel {
    vocab_size: usize,
    context: usize,
    wishes: Vec<u32>,
    next: usize,
    fresh: bool,
    fed: Vec<u32>,
    logits: Vec<f32>,
}

impl ScriptedModel {
    /// The score of a wished token.
    pub const WISH: f32 = 10.0;

    /// A model of so many tokens and so much context, that wishes for `wishes` in this order.
    pub fn new(vocab_size: usize, context: usize, wishes: impl Into<Vec<u32>>) -> Self {
        let (fed, logits) = (Vec::new(), Vec::new());
        Self { vocab_size, context, wishes: wishes.into(), next: 0, fresh: false, fed, logits }
    }

    /// The tokens fed and not forgotten.
    pub fn fed(&self) -> &[u32] {
        &self.fed
    }

    /// How many wishes were asked for.
    pub fn asked(&self) -> usize {
        self.next
    }
}

impl LanguageModel for ScriptedModel {
    fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    fn context(&self) -> usize {
        self.context
    }

    fn len(&self) -> usize {
        self.fed.len()
    }

    fn truncate(&mut self, len: usize) {
        self.fed.truncate(len);
    }

    fn feed(&mut self, tokens: &[u32]) -> Result<(), ModelError> {
        check_feed(self, tokens)?;
        self.fed.extend_from_slice(tokens);
        self.fresh |= !tokens.is_empty();
        Ok(())
    }

    fn logits(&mut self, rows: Option<&[u32]>) -> &[f32] {
        if std::mem::take(&mut self.fresh) {
            self.next += 1;
        }
        let wish = self.next.checked_sub(1).and_then(|i| self.wishes.get(i)).copied();
        let vocab_size = self.vocab_size;
        let score = |id: u32| match () {
            () if id as usize >= vocab_size => f32::NEG_INFINITY,
            () if Some(id) == wish => Self::WISH,
            () => 0.0,
        };
        self.logits.clear();
        match rows {
            Some(rows) => self.logits.extend(rows.iter().copied().map(score)),
            None => self.logits.extend((0..vocab_size as u32).map(score)),
        }
        &self.logits
    }
}

/// What every model refuses.
pub(super) fn check_feed(model: &(impl LanguageModel + ?Sized), tokens: &[u32]) -> Result<(), ModelError> {
    let (len, context, vocab_size) = (model.len(), model.context(), model.vocab_size());
    if tokens.len() > context - len {
        return Err(ModelError::ContextFull { len, asked: tokens.len(), context });
    }
    match tokens.iter().find(|&&t| t as usize >= vocab_size) {
        Some(&token) => Err(ModelError::Token { token, vocab_size }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_wished_decision_by_decision() {
        let mut model = ScriptedModel::new(5, 6, [3, 1]);
        assert_eq!(model.logits(Some(&[3, 9])), [0.0, f32::NEG_INFINITY]);
        model.feed(&[0, 0]).unwrap();
        assert_eq!(model.logits(None), [0.0, 0.0, 0.0, 10.0, 0.0]);
        assert_eq!(model.logits(Some(&[4, 3])), [0.0, 10.0]);
        model.feed(&[3, 2]).unwrap();
        assert_eq!(model.logits(Some(&[1])), [10.0]);
        model.feed(&[1]).unwrap();
        assert_eq!(model.logits(Some(&[1])), [0.0]);
        assert!(matches!(model.feed(&[1, 1]), Err(ModelError::ContextFull { len: 5, asked: 2, context: 6 })));
        assert!(matches!(model.feed(&[5]), Err(ModelError::Token { token: 5, vocab_size: 5 })));
        model.truncate(2);
        assert_eq!(model.fed(), [0, 0]);
    }
}
