//! Answers in a form: a question of the agent's own, and the model's words under a grammar or as JSON of a schema.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use serde_json::Value;

use super::mind::{Dialect, Mind, MindError};
use crate::agent::chart::Frame;
use crate::grammar::{gbnf, schema};
use crate::prompt::chat::Today;
use crate::prompt::pintail::MOST_REQUEST;
use crate::prompt::{Background, Scene, Tool};

/// The least sure answer of the bundled model that counts.
const LEAST: f64 = 0.5;

impl Mind {
    /// Answers a question. A model of another family reads prose, variables and question and writes under the grammar. The
    /// bundled model writes no words: it takes a schema for a tool, of which the question's own words fill the parameters.
    ///
    /// # Errors
    /// A grammar or schema that this model cannot serve, a question that is too long, cancellation, a failing model.
    pub fn write_answer(
        &mut self,
        background: &Background<'_>,
        request: &str,
        frame: &Frame,
        cancel: &AtomicBool,
    ) -> Result<String, MindError> {
        if request.len() > MOST_REQUEST {
            return Err(MindError::TooLong { bytes: request.len() });
        }
        let chat = match (&self.dialect, frame) {
            (Dialect::Pintail(_), Frame::Gbnf(_)) => return Err(MindError::Wordless),
            (Dialect::Pintail(_), Frame::Schema(schema)) => return self.fill(request, schema, cancel),
            (Dialect::Chat(chat), _) => chat.clone(),
        };
        let grammar = match frame {
            Frame::Gbnf(text) => gbnf::parse(text)?,
            Frame::Schema(schema) => schema::compile(schema, schema::Options::default())?.grammar,
        };
        let wrong = |source| MindError::Chat { name: self.name.clone(), source };
        let prompt = chat
            .question(request, background, &self.tokenizer, Today::at(SystemTime::now()))
            .map_err(wrong)?;
        let stops = chat.stops(&self.tokenizer);
        let (decoded, _) = self.decode(&prompt.tokens, &[], Arc::new(grammar), &stops, cancel)?;
        let mut answer = Vec::new();
        decoded.tokens.iter().for_each(|&token| self.tokenizer.append_bytes(token, &mut answer));
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// JSON of a schema, filled from the words of the question.
    fn fill(&mut self, request: &str, schema: &Value, cancel: &AtomicBool) -> Result<String, MindError> {
        let about = schema.get("description").and_then(Value::as_str).unwrap_or("what is said");
        let tool =
            Tool::user("answer", about, schema).map_err(|property| MindError::Unfillable { property })?;
        let scene = Scene::new(vec![tool], Vec::new());
        let reading = self.read(&scene, None, request, cancel)?;
        match reading.calls.into_iter().next().filter(|_| reading.confidence >= LEAST) {
            Some(call) => Ok(Value::Object(call.arguments).to_string()),
            None => Err(MindError::Unanswered),
        }
    }
}
