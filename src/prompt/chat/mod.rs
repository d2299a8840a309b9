//! The rendering for models of other families: a state's tools and devices and a request through the chat template in the
//! model's file, and the calls of its answer in the notation that the family was trained on.
//!
//! A file without a template gets a built-in one if its vocabulary shows a known family, else a plain prompt. Whatever the
//! notation ([`Dialect`]), the grammar is drawn from the same [forms](super::form) of calls, so that such a model too can
//! name nothing that is not there. See docs/models.md for the families.
//!
//! Words from outside (request, prose, names) are guarded before they go into a template: none of them can spell a special
//! token of the model, wherever the template puts them.

mod dialect;
mod families;
mod function_gemma;
mod grammar;
mod history;
mod python;
mod template;
mod text;
mod values;

use std::borrow::Cow;

use serde_json::{Value as Json, json};

use crate::gguf::{Gguf, GgufError};
use crate::grammar::{Grammar, GrammarError};
use crate::tokenizer::{Specials, Tokenizer};
use crate::tool::Call;

pub use dialect::{Dialect, REFUSAL};
pub use template::Today;

use super::pintail::AnswerError;
use super::{Background, Scene, Turn, form};
use history::History;
use template::Template;

/// Why a chat template cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// The key with the template.
    #[error(transparent)]
    Gguf(#[from] GgufError),
    /// The template itself, or what it made of a conversation.
    #[error("the chat template ({origin}): {problem}")]
    Template {
        /// The key of the file, or the name of the built-in template.
        origin: String,
        /// What the template engine says.
        problem: String,
    },
}

/// How a model is spoken to.
pub struct Chat {
    /// `None`: a plain text, for models that were not trained on conversations.
    template: Option<Template>,
    dialect: Dialect,
    /// Whether the template has a place for a system message.
    system: bool,
    /// Whether the template declares tools.
    tools: bool,
    /// How it takes earlier calls.
    history: History,
}

/// A prompt, as text and as tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The text, special tokens as their strings.
    pub text: String,
    /// The tokens, BOS included where the model expects it.
    pub tokens: Vec<u32>,
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let origin = self.template.as_ref().map_or("none", Template::origin);
        write!(f, "Chat({:?}, template: {origin})", self.dialect)
    }
}

impl Chat {
    /// The template and dialect of a model file.
    ///
    /// # Errors
    /// A template that is not text, does not compile, or fails on the plainest conversation.
    pub fn of(file: &Gguf, tokenizer: &Tokenizer) -> Result<Chat, ChatError> {
        let family = families::find(file, tokenizer)?;
        let Some((origin, source)) = family.template else {
            return Ok(Chat::new(None, family.dialect));
        };
        let text = |id: Option<u32>| id.map_or("", |id| tokenizer.token_text(id)).to_owned();
        let template = Template::new(origin, source, text(tokenizer.bos()), text(tokenizer.eos()))?;
        let mut chat = Chat::new(Some(template), family.dialect);
        chat.probe(family.declares)?;
        Ok(chat)
    }

    fn new(template: Option<Template>, dialect: Dialect) -> Chat {
        Chat { template, dialect, system: false, tools: false, history: History::Words }
    }

    /// The notation of its calls.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Finds out what the template has a place for, by rendering small conversations.
    fn probe(&mut self, declares: bool) -> Result<(), ChatError> {
        const SYSTEM: &str = "words of the system";
        const USER: &str = "words of the user";
        let Some(template) = &self.template else { return Ok(()) };
        let messages = |system: bool| {
            let first = json!({ "role": self.dialect.system_role(), "content": SYSTEM });
            let user = json!({ "role": "user", "content": USER });
            Json::Array(if system { vec![first, user] } else { vec![user] })
        };
        let tool = json!([{ "type": "function", "function": {
            "name": "probe", "description": "of no use", "parameters": {
                "type": "object", "required": ["word"],
                "properties": { "word": { "type": "string", "description": "a word" } },
            },
        }}]);
        let today = Today::default();
        let alone = template.render(&messages(false), None, today)?;
        if !alone.contains(USER) {
            return Err(template.error(format!("it leaves out what the user says: {alone:?}")));
        }
        let has_system =
            template.render(&messages(true), None, today).is_ok_and(|text| text.contains(SYSTEM));
        let with = template.render(&messages(has_system), Some(&tool), today);
        let (earlier, pieces) = History::probe(self.dialect);
        let text = template.render(&earlier, None, today).unwrap_or_default();
        // All of it, and in this order.
        let places = pieces.map(|piece| text.find(&piece));
        if places.iter().all(Option::is_some) && places.is_sorted() {
            self.history = History::Native;
        }
        self.system = has_system;
        self.tools = declares && with.is_ok_and(|text| text.contains("probe"));
        Ok(())
    }

    /// The prompt of a turn. What does not change from turn to turn comes first; the variables stand beside the request.
    ///
    /// # Errors
    /// A template that fails on this conversation.
    pub fn prompt(
        &self,
        turn: &Turn<'_>,
        background: &Background<'_>,
        tokenizer: &Tokenizer,
        today: Today,
    ) -> Result<Prompt, ChatError> {
        let bos = tokenizer.bos().filter(|_| tokenizer.add_bos());
        let Some(template) = &self.template else {
            let text = text::plain(turn, background);
            let mut tokens: Vec<u32> = bos.into_iter().collect();
            tokenizer.encode(&text, Specials::Text, &mut tokens);
            return Ok(Prompt { text, tokens });
        };
        let mut tools = Json::Array(form::declarations(turn.scene));
        let guard = |text: &str| tokenizer.guard(text).into_owned();
        let system =
            guard(&text::system(turn.scene, background.prose, self.dialect, (!self.tools).then_some(&tools)));
        let (mut messages, results) = self.history.messages(background.before, self.dialect, &guard);
        let request = format!("{results}{}{}", guard(&text::shown(background)), guard(turn.request));
        messages.push(json!({ "role": "user", "content": request }));
        if self.system {
            messages.insert(0, json!({ "role": self.dialect.system_role(), "content": system }));
        } else {
            let first = messages[0]["content"].as_str().unwrap_or_default();
            messages[0]["content"] = Json::from(format!("{system}\n\n{first}"));
        }
        let messages = Json::Array(messages);
        guard_strings(&mut tools, tokenizer);
        let guarded = template.render(&messages, self.tools.then_some(&tools), today)?;
        Ok(framed(&guarded, bos, tokenizer))
    }

    /// The prompt of a question that is answered with words, and with no calls.
    ///
    /// # Errors
    /// As [`Chat::prompt`].
    pub fn question(
        &self,
        question: &str,
        background: &Background<'_>,
        tokenizer: &Tokenizer,
        today: Today,
    ) -> Result<Prompt, ChatError> {
        let bos = tokenizer.bos().filter(|_| tokenizer.add_bos());
        let prose = background.prose.map(|prose| format!("{}\n\n", prose.trim())).unwrap_or_default();
        let Some(template) = &self.template else {
            let text = format!("{prose}{}{question}\n", text::shown(background));
            let mut tokens: Vec<u32> = bos.into_iter().collect();
            tokenizer.encode(&text, Specials::Text, &mut tokens);
            return Ok(Prompt { text, tokens });
        };
        let guard = |text: &str| tokenizer.guard(text).into_owned();
        let words = guard(&format!("{}{question}", text::shown(background)));
        let messages = match (self.system, background.prose) {
            (true, Some(prose)) => json!([
                { "role": self.dialect.system_role(), "content": guard(prose) },
                { "role": "user", "content": words },
            ]),
            _ => json!([{ "role": "user", "content": format!("{}{words}", guard(&prose)) }]),
        };
        Ok(framed(&template.render(&messages, None, today)?, bos, tokenizer))
    }

    /// The legal answers of a turn.
    ///
    /// # Errors
    /// A number or text of a tool that the grammar cannot hold to.
    pub fn grammar(&self, scene: &Scene, tokenizer: &Tokenizer) -> Result<Grammar, GrammarError> {
        grammar::answers(self.dialect, &form::forms(scene), tokenizer)
    }

    /// Reads an answer of the grammar back.
    ///
    /// # Errors
    /// Under the grammar none.
    pub fn parse(&self, answer: &str) -> Result<Vec<Call>, AnswerError> {
        self.dialect.parse(answer)
    }

    /// The tokens that end an answer.
    pub fn stops(&self, tokenizer: &Tokenizer) -> Vec<u32> {
        let mut stops = tokenizer.ends().to_vec();
        // FunctionGemma goes on with the result of its call, if nobody stops it.
        stops.extend(tokenizer.token_id("<start_function_response>").filter(|&id| tokenizer.is_marker(id)));
        stops
    }
}

/// Tokens and text of a rendered conversation.
fn framed(guarded: &str, bos: Option<u32>, tokenizer: &Tokenizer) -> Prompt {
    let mut tokens = Vec::new();
    tokenizer.encode_guarded(guarded, &mut tokens);
    if let Some(bos) = bos.filter(|bos| tokens.first() != Some(bos)) {
        tokens.insert(0, bos);
    }
    Prompt { text: tokenizer.unguard(guarded).into_owned(), tokens }
}

fn guard_strings(json: &mut Json, tokenizer: &Tokenizer) {
    match json {
        Json::String(text) => {
            if let Cow::Owned(guarded) = tokenizer.guard(text) {
                *text = guarded;
            }
        }
        Json::Array(all) => all.iter_mut().for_each(|json| guard_strings(json, tokenizer)),
        Json::Object(all) => all.values_mut().for_each(|json| guard_strings(json, tokenizer)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
