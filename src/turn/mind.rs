//! The reading half of a turn: a request in a scene to calls, by a model under the scene's grammar.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::agent::ModelRef;
use crate::decode::sampler::{Sampler, Sampling};
use crate::decode::{DecodeError, Guide, Settings, feed_prompt};
use crate::gguf::{Bytes, Gguf, GgufError};
use crate::grammar::{Grammar, GrammarError, MatchError, Matcher, TokenTrie};
use crate::link::Link;
use crate::model::{LanguageModel, Model, ModelError, Options, Session, bundled};
use crate::prompt::pintail::{self, AnswerError, MOST_REQUEST, Piece, Pointers, Token};
use crate::prompt::{Scene, Turn, json, resolve};
use crate::tokenizer::{Specials, Tokenizer, TokenizerError};
use crate::tool::Call;

use super::report::TokenCounts;

/// Most tokens of an answer.
const MOST_ANSWER: usize = 256;
/// Tokens of context: the longest prompt and answer. Its KV state is some MiB for the bundled model.
const CONTEXT: usize = 1536;

/// Why a request could not be read.
#[derive(Debug, thiserror::Error)]
pub enum MindError {
    /// The model's file.
    #[error("model {name}: {source}")]
    File {
        /// The file, or `bundled`.
        name: String,
        /// What is wrong with it.
        source: GgufError,
    },
    /// The model's tokenizer.
    #[error("model {name}: {source}")]
    Tokenizer {
        /// The file, or `bundled`.
        name: String,
        /// What is wrong with it.
        source: TokenizerError,
    },
    /// The model's weights.
    #[error("model {name}: {source}")]
    Model {
        /// The file, or `bundled`.
        name: String,
        /// What is wrong with it.
        source: ModelError,
    },
    /// The model was made for another version of the rendering.
    #[error(
        "model {name}: key `pintail.rendering` is {found}, this program renders version {expected}: use a model made for it"
    )]
    Rendering {
        /// The file, or `bundled`.
        name: String,
        /// The file's version.
        found: u32,
        /// This program's.
        expected: u32,
    },
    /// The model's vocabulary lacks a control token of the rendering.
    #[error("model {name}: its vocabulary lacks the control token {token}")]
    Vocabulary {
        /// The file, or `bundled`.
        name: String,
        /// What it lacks.
        token: String,
    },
    /// The request is too long to be one.
    #[error("the request has {bytes} bytes; at most {MOST_REQUEST} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The turn's prompt is longer than the context.
    #[error(
        "the prompt of this state has {tokens} tokens, the model's context {context}: give the state fewer devices or tools"
    )]
    Context {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens that fit.
        context: usize,
    },
    /// The turn's grammar.
    #[error("the grammar of this state: {0}")]
    Grammar(#[from] GrammarError),
    /// Following the grammar.
    #[error(transparent)]
    Match(#[from] MatchError),
    /// Decoding.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The answer does not read back. A fault of this program.
    #[error(transparent)]
    Answer(#[from] AnswerError),
}

/// How a model is spoken to.
enum Dialect {
    /// Pointers; the ids of the control tokens, by [`Token::index`].
    Pintail(Vec<u32>),
    /// Prose and JSON, for models of other families.
    Json,
}

/// What a request means.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The person's words.
    pub request: String,
    /// The calls; none: nothing legal serves the request.
    pub calls: Vec<Call>,
    /// The probability of this reading among all legal ones, 0 to 1.
    pub confidence: f64,
    /// Tokens.
    pub tokens: TokenCounts,
    /// What the matcher found in the request.
    pub links: Vec<Link>,
    /// The prompt as text.
    pub prompt: String,
    /// The answer as text.
    pub answer: String,
}

/// A model with its tokenizer, ready to read requests.
pub struct Mind {
    name: String,
    tokenizer: Tokenizer,
    trie: Arc<TokenTrie>,
    session: Session,
    /// The tokens that the session holds.
    held: Vec<u32>,
    dialect: Dialect,
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
            None => Dialect::Json,
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
        let trie = TokenTrie::new(
            tokenizer.vocab_size(),
            |id| tokenizer.token_bytes(id),
            |id| tokenizer.is_special(id),
        );
        let wrong = |source| MindError::Model { name: name.clone(), source };
        let model = Model::from_gguf(file).map_err(wrong)?;
        let context = match dialect {
            Dialect::Pintail(_) => CONTEXT.min(model.config().context),
            Dialect::Json => (4 * CONTEXT).min(model.config().context),
        };
        let options = Options { context: Some(context), threads, cancel: Some(cancel), ..Options::default() };
        let session = Session::new(Arc::new(model), options).map_err(wrong)?;
        Ok(Mind { name, tokenizer, trie: Arc::new(trie), session, held: Vec::new(), dialect })
    }

    /// The model's file, or `bundled`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the model points (the bundled rendering) or writes JSON.
    pub fn points(&self) -> bool {
        matches!(self.dialect, Dialect::Pintail(_))
    }

    /// Reads a request. `prose` is the state's prompt, for models that read it.
    ///
    /// # Errors
    /// A request or scene too long for the model, cancellation, a failing model.
    pub fn read(
        &mut self,
        scene: &Scene,
        prose: Option<&str>,
        request: &str,
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError> {
        if request.len() > MOST_REQUEST {
            return Err(MindError::TooLong { bytes: request.len() });
        }
        let turn = Turn::new(scene, request);
        match &self.dialect {
            Dialect::Pintail(ids) => {
                let ids = ids.clone();
                self.point(&turn, &ids, cancel)
            }
            Dialect::Json => self.write(&turn, prose, cancel),
        }
    }

    fn point(&mut self, turn: &Turn<'_>, ids: &[u32], cancel: &AtomicBool) -> Result<Reading, MindError> {
        let pointers = Pointers::new(turn.scene, Some(turn));
        let mut pieces = pintail::scene(turn.scene, &pointers);
        pieces.extend(pintail::request(turn, &pointers));
        let mut prompt = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Token(token) => prompt.push(ids[token.index() as usize]),
                Piece::Text(text) => self.tokenizer.encode(text, Specials::Text, &mut prompt),
            }
        }
        let grammar = pintail::grammar(turn, &pointers, &|token| ids[token.index() as usize])?;
        let (tokens, confidence, counts) = self.decode(&prompt, grammar, &[], cancel)?;
        let answer = self.pieces(&tokens, ids);
        let steps = pintail::parse(turn, &pointers, &answer)?;
        Ok(Reading {
            request: turn.request.to_owned(),
            calls: resolve(turn, &steps),
            confidence,
            tokens: counts,
            links: turn.links.clone(),
            prompt: pintail::text(&pieces),
            answer: pintail::text(&answer),
        })
    }

    fn write(
        &mut self,
        turn: &Turn<'_>,
        prose: Option<&str>,
        cancel: &AtomicBool,
    ) -> Result<Reading, MindError> {
        let text = json::prompt(turn, prose);
        let mut prompt = Vec::new();
        if self.tokenizer.add_bos() {
            prompt.extend(self.tokenizer.bos());
        }
        self.tokenizer.encode(&text, Specials::Text, &mut prompt);
        let grammar = json::grammar(turn)?;
        let (tokens, confidence, counts) = self.decode(&prompt, grammar, &[], cancel)?;
        let answer = self.tokenizer.decode(&tokens, Specials::Text);
        let calls = json::parse(turn, &answer)?;
        let request = turn.request.to_owned();
        Ok(Reading {
            request,
            calls,
            confidence,
            tokens: counts,
            links: turn.links.clone(),
            prompt: text,
            answer,
        })
    }

    /// Feeds a prompt and decodes its answer greedily: tokens, confidence, counts.
    fn decode(
        &mut self,
        prompt: &[u32],
        grammar: Grammar,
        stop: &[u32],
        cancel: &AtomicBool,
    ) -> Result<(Vec<u32>, f64, TokenCounts), MindError> {
        let context = self.session.context();
        if prompt.len() + 16 > context {
            return Err(MindError::Context { tokens: prompt.len(), context });
        }
        let fed = feed_prompt(&mut self.session, &mut self.held, prompt).map_err(DecodeError::from)?;
        let mut matcher = Matcher::new(Arc::new(grammar), self.trie.clone())?;
        let mut sampler = Sampler::new(Sampling { temperature: 0.0, ..Sampling::default() });
        let tokenizer = &self.tokenizer;
        let mut tokenize = |bytes: &[u8], out: &mut Vec<u32>| {
            if let Ok(text) = std::str::from_utf8(bytes) {
                tokenizer.encode(text, Specials::Text, out);
            }
        };
        let decoded = crate::decode::run(
            &mut self.session,
            Some(Guide { matcher: &mut matcher, tokenize: &mut tokenize }),
            &mut sampler,
            Settings { max_tokens: MOST_ANSWER, stop },
            cancel,
            &mut |_| {},
        )?;
        let counts = TokenCounts {
            prompt: prompt.len(),
            cached: fed.cached,
            sampled: decoded.sampled(),
            forced: decoded.forced,
        };
        let confidence = decoded.confidence();
        Ok((decoded.tokens, confidence, counts))
    }

    /// Tokens of an answer as pieces.
    fn pieces(&self, tokens: &[u32], ids: &[u32]) -> Vec<Piece> {
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
