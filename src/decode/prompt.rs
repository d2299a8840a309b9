//! Prefix reuse: a prompt that begins like the last one is computed only from where it differs.

use crate::model::{LanguageModel, ModelError};

/// What bringing a model to the end of a prompt took, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromptFed {
    /// Tokens that the model held already.
    pub cached: usize,
    /// Tokens that were computed.
    pub fed: usize,
}

/// Brings `model` to exactly the tokens `wanted`. `held` is what it is known to hold from its start (it
/// may hold more after that, such as an answer); afterwards it is `wanted`. At least the last token is
/// computed, so that there are logits after it.
///
/// # Errors
/// What [`LanguageModel::feed`] refuses; `held` then says what is held.
pub fn feed_prompt(
    model: &mut (impl LanguageModel + ?Sized),
    held: &mut Vec<u32>,
    wanted: &[u32],
) -> Result<PromptFed, ModelError> {
    let same = held.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    let cached = same.min(model.len()).min(wanted.len().saturating_sub(1));
    model.truncate(cached);
    held.truncate(cached);
    if cached < wanted.len() {
        model.feed(&wanted[cached..])?;
        held.extend_from_slice(&wanted[cached..]);
    }
    Ok(PromptFed { cached, fed: wanted.len() - cached })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ScriptedModel;

    #[test]
    fn only_what_differs_is_computed() {
        let mut model = ScriptedModel::new(10, 8, []);
        let mut held = Vec::new();
        let mut go = |model: &mut ScriptedModel, wanted: &[u32]| {
            let fed = feed_prompt(model, &mut held, wanted).map(|f| (f.cached, f.fed));
            if fed.is_ok() {
                assert_eq!((model.fed(), held.as_slice()), (wanted, wanted));
            }
            fed
        };
        assert_eq!(go(&mut model, &[1, 2, 3]).unwrap(), (0, 3));
        model.feed(&[9, 9]).unwrap();
        assert_eq!(go(&mut model, &[1, 2, 3, 4]).unwrap(), (3, 1));
        assert_eq!(go(&mut model, &[1, 2, 3, 4]).unwrap(), (3, 1), "the last is computed again");
        assert_eq!(go(&mut model, &[1, 5]).unwrap(), (1, 1));
        assert!(go(&mut model, &[1; 9]).is_err());
        assert_eq!(go(&mut model, &[1, 1]).unwrap(), (1, 1));
        assert_eq!(go(&mut model, &[]).unwrap(), (0, 0));
    }
}
