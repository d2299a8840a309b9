//! The reading half of a turn: a request in a scene to calls, by a model under the scene's grammar.

mod error;
mod look;
mod proposals;
mod reading;
mod refill;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use crate::agent::ModelRef;
use crate::board::Device;
use crate::decode::sampler::{Sampler, Sampling};
use crate::decode::{DecodeError, Decoded, Guide, Settings, feed_prompt};
use crate::gguf::{Bytes, Gguf};
use crate::grammar::{Grammar, Matcher, TokenTrie, cache_folder};
use crate::link::{Link, Mark, deferred, gist, in_english};
use crate::model::{LanguageModel, Model, Options, Past, Session, bundled};
use crate::prompt::chat::{Chat, Today};
use crate::prompt::pintail::{self, MOST_REQUEST, Piece, Pointers, Token};
use crate::prompt::{Background, Scene, Tool, Turn};
use crate::tokenizer::{Specials, Tokenizer};
use crate::tool::{Builtin, Call};

pub use error::MindError;
pub use reading::Reading;

use super::calibration::{Calibration, fingerprint};
use super::choices::Choice;
use super::cost::Part;
use super::report::TokenCounts;

/// Most tokens of an answer.
const MOST_ANSWER: usize = 256;
/// Tokens of context: the longest prompt and answer. Its KV state is some MiB for the bundled model.
const CONTEXT: usize = 1536;

/// How a model is spoken to.
pub(super) enum Dialect {
    /// Pointers; the ids of the control tokens, by [`Token::index`].
    Pintail(Vec<u32>),
    /// The model's own chat template and notation of calls.
    Chat(Arc<Chat>),
}

/// A reading that is this sure is not looked at twice.
const SURE: f64 = 0.5;

/// A turn's prompt, and what may answer it.
pub(super) struct Prepared {
    pub pointers: Pointers,
    pub pieces: Vec<Piece>,
    pub prompt: Vec<u32>,
    pub grammar: Arc<Grammar>,
}

/// A model with its tokenizer, ready to read requests.
pub struct Mind {
    pub(super) name: String,
    pub(super) tokenizer: Tokenizer,
    trie: Arc<TokenTrie>,
    pub(super) session: Session,
    /// The tokens that the session holds.
    held: Vec<u32>,
    /// What second looks were fed, and its tokens; there from the first one on.
    aside: Option<(Past, Vec<u32>)>,
    pub(super) dialect: Dialect,
    calibration: Option<Calibration>,
    file: Bytes,
    legal: Option<Legal>,
    /// Whether it is shown what the matcher finds; without it, numbers only.
    linked: bool,
}

/// The grammar of a state's calls, which depends on its tools and devices and on nothing else.
struct Legal {
    tools: Vec<Tool>,
    devices: Vec<Device>,
    grammar: Arc<Grammar>,
}

impl Mind {
    /// Loads the bundled model or a file. Memory: the KV state and the tokenizer's tables; weights stay in the map.
    ///
    /// # Errors
    /// Every way in which the file is not a model that this program can run.
    pub fn load(model: &ModelRef, threads: usize, cancel: Arc<AtomicBool>) -> Result<Mind, MindError> {
        let (name, bytes) = match model {
            ModelRef::Bundled => ("bundled".to_owned(), Ok(bundled())),
            ModelRef::File(path) => (path.display().to_string(), Bytes::map(path)),
        };
        let file =
            bytes.and_then(Gguf::parse).map_err(|source| MindError::File { name: name.clone(), source })?;
        let tokenizer = Tokenizer::from_gguf(&file)
            .map_err(|source| MindError::Tokenizer { name: name.clone(), source })?;
        let version = file
            .optional::<u32>("pintail.rendering")
            .map_err(|source| MindError::File { name: name.clone(), source })?;
        let dialect = match version {
            None => {
                let wrong = |source| MindError::Chat { name: name.clone(), source };
                Dialect::Chat(Arc::new(Chat::of(&file, &tokenizer).map_err(wrong)?))
            }
            Some(pintail::VERSION) => {
                let ids = Token::all()
                    .map(|token| {
                        let text = token.text();
                        tokenizer
                            .token_id(&text)
                            .ok_or_else(|| MindError::Vocabulary { name: name.clone(), token: text })
                    })
                    .collect::<Result<_, _>>()?;
                Dialect::Pintail(ids)
            }
            Some(found) => {
                return Err(MindError::Rendering { name, found, expected: pintail::VERSION });
            }
        };
        let trie = TokenTrie::cached(&tokenizer, cache_folder().as_deref());
        let wrong = |source| MindError::Model { name: name.clone(), source };
        let bytes = file.bytes().clone();
        let model = Model::from_gguf(file).map_err(wrong)?;
        let context = match dialect {
            Dialect::Pintail(_) => CONTEXT.min(model.config().context),
            Dialect::Chat(_) => (4 * CONTEXT).min(model.config().context),
        };
        // An answer of pointers is a few tokens long: copies of the weights would cost more memory than they win time.
        let copies = matches!(dialect, Dialect::Pintail(_)).then_some(0);
        let options =
            Options { context: Some(context), threads, copies, cancel: Some(cancel), ..Options::default() };
        let session = Session::new(Arc::new(model), options).map_err(wrong)?;
        Ok(Mind {
            name,
            tokenizer,
            trie: Arc::new(trie),
            session,
            held: Vec::new(),
            aside: None,
            dialect,
            calibration: None,
            file: bytes,
            legal: None,
            linked: true,
        })
    }

    /// What tells this model from others: a number of its file's length and of a MiB of it, in hexadecimal. Reads that MiB.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.file)
    }

    /// From now on confidences are those of a calibration. One of another model's is not taken: `false`.
    pub fn calibrate(&mut self, calibration: Calibration) -> bool {
        let fits = calibration.model == self.fingerprint();
        self.calibration = Some(calibration).filter(|_| fits);
        fits
    }

    /// From now on no mention of a device, area, kind, choice or tool is shown to the model, and none narrows its grammar: what
    /// the links are worth is what is lost without them. Numbers stay, because answers point at them.
    pub fn forget_links(&mut self) {
        self.linked = false;
    }

    /// A request with what the model is shown of its links.
    fn turn<'s>(&self, scene: &'s Scene, request: &'s str) -> Turn<'s> {
        let mut links = scene.index().links(request);
        if !self.linked {
            links.retain_mut(|link| {
                link.marks.retain(|mark| matches!(mark, Mark::Number(_)));
                *link = Link::new(link.start..link.end, std::mem::take(&mut link.marks));
                !link.marks.is_empty()
            });
        }
        Turn::with_links(scene, request, links)
    }

    /// The model's file, or `bundled`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads a request of which nothing is known but the scene. `prose` is the state's prompt, for models that read it.
    ///
    /// # Errors
    /// As [`Mind::read_in`].
    pub fn read(
        &mut self,
        scene: &Scene,
        prose: Option<&str>,
        request: &str,
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError> {
        self.read_in(&Background::prose(prose), scene, request, cancel)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// A request or scene too long for the model, cancellation, a failing model.
    pub fn read_in(
        &mut self,
        background: &Background<'_>,
        scene: &Scene,
        request: &str,
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError> {
        if request.len() > MOST_REQUEST {
            return Err(MindError::TooLong { bytes: request.len() });
        }
        let full = match &self.dialect {
            Dialect::Pintail(_) => background.in_full(scene, request),
            Dialect::Chat(_) => request.into(),
        };
        let request = if full.len() > MOST_REQUEST { request } else { &*full };
        // Models that read prose may know the language themselves.
        let english = match &self.dialect {
            Dialect::Pintail(_) => in_english(request, scene.index()),
            Dialect::Chat(_) => request.into(),
        };
        let request = if english.len() > MOST_REQUEST { request } else { &*english };
        let turn = self.turn(scene, request);
        let mut reading = match &self.dialect {
            Dialect::Pintail(ids) => {
                let ids = ids.clone();
                let whole = self.point(&turn, &ids, cancel)?;
                // What a tool of the user's copies may look like talk.
                let builtin = |call: &Call| Builtin::from_name(&call.tool).is_some();
                let unsure = whole.confidence < SURE && whole.calls.iter().all(builtin);
                let mut reading = match gist(request, &turn.links).filter(|_| unsure) {
                    Some(part) => {
                        let bare = self.point(&self.turn(scene, &request[part]), &ids, cancel)?;
                        whole.or(bare)
                    }
                    None => whole,
                };
                let read = reading.request.clone();
                self.disambiguate(&self.turn(scene, &read), &ids, &mut reading, cancel)?;
                reading
            }
            Dialect::Chat(chat) => {
                let chat = chat.clone();
                self.write(&turn, &chat, background, cancel)?
            }
        };
        // What is asked for another time is not done now, whatever the model makes of it.
        let moves = |call: &Call| {
            Builtin::from_name(&call.tool).is_some_and(|tool| tool.needs().is_some() && tool != Builtin::Read)
        };
        if deferred(request) {
            reading.choices.retain(|choice| !choice.calls.iter().any(moves));
            reading.ambiguous &= !reading.choices.is_empty();
            if reading.calls.iter().any(moves) {
                reading.calls.clear();
            }
        }
        if let Some(calibration) = &self.calibration {
            reading.confidence = calibration.confidence(reading.confidence, reading.calls.is_empty());
        }
        Ok(reading)
    }

    /// The prompt of a turn, its pointers turned on by `by`, and what its answer may be.
    pub(super) fn prepare(&self, turn: &Turn<'_>, ids: &[u32], by: usize) -> Result<Prepared, MindError> {
        let pointers = Pointers::new(turn.scene, Some(turn)).turned(|_| by);
        let mut pieces = pintail::scene(turn.scene, &pointers);
        pieces.extend(pintail::request(turn, &pointers));
        let mut prompt = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Token(token) => prompt.push(ids[token.index() as usize]),
                Piece::Text(text) => self.tokenizer.encode(text, Specials::Text, &mut prompt),
            }
        }
        let grammar = Arc::new(pintail::grammar(turn, &pointers, &|token| ids[token.index() as usize])?);
        Ok(Prepared { pointers, pieces, prompt, grammar })
    }

    fn write(
        &mut self,
        turn: &Turn<'_>,
        chat: &Chat,
        background: &Background<'_>,
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError> {
        let today = Today::at(SystemTime::now());
        let wrong = |source| MindError::Chat { name: self.name.clone(), source };
        let mut background = *background;
        let mut prompt = chat.prompt(turn, &background, &self.tokenizer, today).map_err(wrong)?;
        // Earlier turns that do not fit are left out, the oldest first.
        while let [_, later @ ..] = background.before
            && prompt.tokens.len() + MOST_ANSWER > self.session.context()
        {
            background.before = later;
            prompt = chat.prompt(turn, &background, &self.tokenizer, today).map_err(wrong)?;
        }
        let grammar = self.legal(chat, turn.scene)?;
        let stops = chat.stops(&self.tokenizer);
        let (decoded, counts) = self.decode(&prompt.tokens, &[], grammar, &stops, cancel)?;
        let mut answer = Vec::new();
        decoded.tokens.iter().for_each(|&token| self.tokenizer.append_bytes(token, &mut answer));
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let calls = chat.parse(&answer)?;
        Ok(Reading {
            request: turn.request.to_owned(),
            choices: (!calls.is_empty()).then(|| Choice::new(calls.clone())).into_iter().collect(),
            calls,
            confidence: decoded.confidence(),
            tokens: counts,
            links: turn.links.clone(),
            prompt: prompt.text,
            answer,
            ambiguous: false,
            parts: vec![Part { part: "prompt", tokens: counts.prompt }],
        })
    }

    /// The grammar of a scene's calls, compiled anew only when its tools or devices change.
    fn legal(&mut self, chat: &Chat, scene: &Scene) -> Result<Arc<Grammar>, MindError> {
        if let Some(known) = &self.legal
            && known.tools == scene.tools
            && known.devices == scene.devices
        {
            return Ok(known.grammar.clone());
        }
        let grammar = Arc::new(chat.grammar(scene, &self.tokenizer)?);
        let (tools, devices) = (scene.tools.clone(), scene.devices.clone());
        self.legal = Some(Legal { tools, devices, grammar: grammar.clone() });
        Ok(grammar)
    }

    /// Feeds a prompt and decodes its answer greedily, from `opening` on. The answer holds the opening; its steps are
    /// those behind it.
    pub(super) fn decode(
        &mut self,
        prompt: &[u32],
        opening: &[u32],
        grammar: Arc<Grammar>,
        stop: &[u32],
        cancel: &AtomicBool,
    ) -> Result<(Decoded, TokenCounts), MindError> {
        let context = self.session.context();
        if prompt.len() + opening.len() + 16 > context {
            return Err(MindError::Context { tokens: prompt.len(), context });
        }
        let wanted = [prompt, opening].concat();
        let fed = feed_prompt(&mut self.session, &mut self.held, &wanted).map_err(DecodeError::from)?;
        let mut matcher = Matcher::new(grammar, self.trie.clone())?;
        for &token in opening {
            matcher.accept(token)?;
        }
        let mut sampler = Sampler::new(Sampling { temperature: 0.0, ..Sampling::default() });
        let tokenizer = &self.tokenizer;
        let mut tokenize = |bytes: &[u8], out: &mut Vec<u32>| {
            if let Ok(text) = std::str::from_utf8(bytes) {
                tokenizer.encode(text, Specials::Text, out);
            }
        };
        let mut decoded = crate::decode::run(
            &mut self.session,
            Some(Guide { matcher: &mut matcher, tokenize: &mut tokenize }),
            &mut sampler,
            Settings { max_tokens: MOST_ANSWER, stop },
            cancel,
            &mut |_| {},
        )?;
        decoded.tokens.splice(0..0, opening.iter().copied());
        let counts = TokenCounts {
            prompt: prompt.len(),
            cached: fed.cached.min(prompt.len()),
            sampled: decoded.sampled(),
            forced: decoded.forced,
        };
        Ok((decoded, counts))
    }

    /// Tokens of an answer as pieces.
    pub(super) fn pieces(&self, tokens: &[u32], ids: &[u32]) -> Vec<Piece> {
        let controls: Vec<Token> = Token::all().collect();
        let mut out: Vec<Piece> = Vec::new();
        let mut text = Vec::new();
        let flush = |text: &mut Vec<u8>, out: &mut Vec<Piece>| {
            if !text.is_empty() {
                out.push(Piece::Text(String::from_utf8_lossy(text).into_owned()));
                text.clear();
            }
        };
        for &token in tokens {
            match ids.iter().position(|&id| id == token) {
                Some(at) => {
                    flush(&mut text, &mut out);
                    out.push(Piece::Token(controls[at]));
                }
                None => self.tokenizer.append_bytes(token, &mut text),
            }
        }
        flush(&mut text, &mut out);
        out
    }
}
