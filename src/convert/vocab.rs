//! The folder's tokenizer as `tokenizer.*` keys.
//!
//! `tokenizer.json` is read where it is; a folder that has only `tokenizer.model` is read from that. Merges with byte
//! fallback (Llama 2, Gemma) become SentencePiece scores: merging by the score of the result and by the rank of the pair
//! is the same when the scores fall with the ranks.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value as Json;

use super::{ConvertError, metadata_only, read_json, read_optional_json, sentencepiece};
use crate::gguf::Writer;
use crate::tokenizer::{Specials, TokenType, Tokenizer};

/// A vocabulary in the making.
struct Vocabulary {
    tokens: Vec<String>,
    types: Vec<TokenType>,
    kind: Kind,
}

enum Kind {
    /// Byte-level BPE: the name of the pre-tokenizer, and the merges.
    Bytes(&'static str, Vec<String>),
    /// SentencePiece: a score a token, and whether a space is put in front.
    Scores(Vec<f32>, bool),
}

/// The score of what no merge makes.
const NO_MERGE: f32 = -1e7;
/// Texts on which the converted tokenizer must agree with the folder's. They are in normal form C, which some folders ask
/// for and the format has no place for.
const SAMPLES: &[&str] = &[
    "Turn on the kitchen light, please!",
    "dim it to 30% at 7:45 and 12345678 more",
    "I'm sure they'll say it's what we've got; don't SHE'LL",
    "  leading,   inner  and trailing spaces  ",
    "line one\nline two\r\n\n\tindented\t\tend\n",
    "naïve Straße Überfluß Привет мир 你好，世界 こんにちは العربية",
    "🦆 flies 👩‍👩‍👧‍👦 ½ ² ⅷ €99",
    "{\"tool\": \"on\", \"arguments\": {\"devices\": [\"hall\"]}} <b>=</b> x->y //",
];

/// Adds the vocabulary of the folder, with as many tokens as the embeddings have rows.
pub(super) fn write(
    folder: &Path,
    config: &Json,
    rows: u64,
    out: &mut Writer<'_>,
) -> Result<(), ConvertError> {
    let path = folder.join("tokenizer.json");
    let json = read_optional_json(path.clone())?;
    let settings = read_optional_json(folder.join("tokenizer_config.json"))?.unwrap_or(Json::Null);
    let wrong = |problem: String| ConvertError::File { path: path.clone(), problem };
    let mut vocabulary = match &json {
        Some(json) => from_json(json).map_err(wrong)?,
        None if folder.join("tokenizer.model").exists() => from_model(&folder.join("tokenizer.model"))?,
        None => {
            let problem = "neither tokenizer.json nor tokenizer.model is here; load the tokenizer in Python and write \
                           it with save_pretrained(folder)";
            return Err(ConvertError::File { path: folder.to_owned(), problem: problem.into() });
        }
    };
    let added = settings.get("added_tokens_decoder").and_then(Json::as_object);
    for (id, token) in added.into_iter().flatten().filter(|_| json.is_none()) {
        vocabulary.add(id.parse().ok(), token).map_err(wrong)?;
    }
    vocabulary.pad(rows as usize).map_err(wrong)?;
    vocabulary.write(out)?;

    // The name of a special token: a string, or an object with its content.
    let named = |key: &str| {
        let value = settings.get(key)?;
        value.as_str().or_else(|| value.get("content")?.as_str())
    };
    let id = |name: &str| {
        let by_name = named(&format!("{name}_token"))
            .and_then(|text| vocabulary.tokens.iter().position(|token| token == text));
        let number = |value: &Json| value.as_u64().or_else(|| value.get(0)?.as_u64());
        let by_number = || number(config.get(format!("{name}_token_id"))?).map(|id| id as usize);
        by_name.or_else(by_number).filter(|&id| id < vocabulary.tokens.len())
    };
    let keys = [("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")];
    for (name, key) in keys {
        if let Some(id) = id(name) {
            out.u32(&format!("tokenizer.ggml.{key}_token_id"), id as u32)?;
        }
    }
    let said = settings.get("add_bos_token").and_then(Json::as_bool);
    let begins = json.as_ref().and_then(|json| begins_with(json.get("post_processor")?));
    let begins = begins.is_some_and(|first| id("bos").is_some_and(|bos| vocabulary.tokens[bos] == first));
    out.bool("tokenizer.ggml.add_bos_token", id("bos").is_some() && said.unwrap_or(begins))?;
    templates(folder, &settings, out)?;
    let converted = Tokenizer::from_gguf(&metadata_only(out)?)?;
    if json.is_some() { check(&path, &converted) } else { Ok(()) }
}

impl Vocabulary {
    fn write(&self, out: &mut Writer<'_>) -> Result<(), ConvertError> {
        let types: Vec<i32> = self.types.iter().map(|&ty| ty as i32).collect();
        let (model, pre) = match &self.kind {
            Kind::Bytes(pre, _) => ("gpt2", *pre),
            Kind::Scores(..) => ("llama", "default"),
        };
        out.str("tokenizer.ggml.model", model)?.str("tokenizer.ggml.pre", pre)?;
        out.strings("tokenizer.ggml.tokens", &self.tokens)?;
        if let Kind::Scores(scores, _) = &self.kind {
            out.f32s("tokenizer.ggml.scores", scores)?;
        }
        out.i32s("tokenizer.ggml.token_type", &types)?;
        match &self.kind {
            Kind::Bytes(_, merges) => out.strings("tokenizer.ggml.merges", merges)?,
            Kind::Scores(_, space) => out.bool("tokenizer.ggml.add_space_prefix", *space)?,
        };
        Ok(())
    }

    /// Grows to `count` tokens; places without one are unused.
    fn pad(&mut self, count: usize) -> Result<(), String> {
        if self.tokens.len() > count {
            return Err(format!("{} tokens, but the embeddings have {count} rows", self.tokens.len()));
        }
        for id in 0..count {
            if id == self.tokens.len() {
                self.tokens.push(String::new());
                self.types.push(TokenType::Unused);
                if let Kind::Scores(scores, _) = &mut self.kind {
                    scores.push(NO_MERGE);
                }
            }
            if self.tokens[id].is_empty() && self.types[id] == TokenType::Unused {
                self.tokens[id] = format!("[PAD{id}]");
            }
        }
        Ok(())
    }

    /// Puts a token that was added to the vocabulary in its place.
    fn add(&mut self, id: Option<usize>, token: &Json) -> Result<(), String> {
        let content = token.get("content").and_then(Json::as_str);
        let (Some(id), Some(content)) = (id.filter(|&id| id < 1 << 24), content) else {
            return Err(format!("added token {token}: no id or no content"));
        };
        let missing = (id + 1).saturating_sub(self.tokens.len());
        self.tokens.extend((0..missing).map(|_| String::new()));
        self.types.extend((0..missing).map(|_| TokenType::Unused));
        let special = token.get("special").and_then(Json::as_bool) == Some(true) || looks_special(content);
        self.types[id] = if special { TokenType::Control } else { TokenType::UserDefined };
        self.tokens[id] = match &mut self.kind {
            Kind::Scores(scores, _) => {
                scores.extend((0..missing).map(|_| NO_MERGE));
                // What is added is text as it stands, so its spaces are spaces.
                if special { content.to_owned() } else { content.replace('\u{2581}', " ") }
            }
            Kind::Bytes(..) => content.to_owned(),
        };
        Ok(())
    }
}

/// Marks that folders do not always declare special.
fn looks_special(text: &str) -> bool {
    let between = |start: &str, end: &str| text.starts_with(start) && text.ends_with(end);
    ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].contains(&text)
        || between("<|", "|>")
        || between("<｜", "｜>")
        || between("<unused", ">")
}

fn from_json(json: &Json) -> Result<Vocabulary, String> {
    let model = json.get("model").ok_or("model is missing")?;
    match model.get("type").and_then(Json::as_str) {
        Some("BPE") => {}
        other => {
            return Err(format!(
                "model.type is {:?}, and only BPE has a form in GGUF that runs here: take a model with such a tokenizer",
                other.unwrap_or("missing")
            ));
        }
    }
    let vocab = model.get("vocab").and_then(Json::as_object).ok_or("model.vocab is missing")?;
    let count = vocab.len() + json.get("added_tokens").and_then(Json::as_array).map_or(0, Vec::len);
    let mut tokens = vec![String::new(); vocab.len()];
    let mut types = vec![TokenType::Unused; vocab.len()];
    for (text, id) in vocab {
        let id = id.as_u64().filter(|&id| id < count as u64);
        let id = id.ok_or_else(|| format!("model.vocab: {text:?} has no id below {count}"))? as usize;
        if id >= tokens.len() {
            tokens.resize(id + 1, String::new());
            types.resize(id + 1, TokenType::Unused);
        }
        if types[id] != TokenType::Unused {
            return Err(format!("model.vocab: {text:?} and {:?} have the id {id}", tokens[id]));
        }
        (tokens[id], types[id]) = (text.clone(), TokenType::Normal);
    }
    let merges = model.get("merges").and_then(Json::as_array).ok_or("model.merges is missing")?;
    let merges: Vec<(&str, &str)> = merges
        .iter()
        .map(|merge| read_merge(merge).ok_or_else(|| format!("model.merges: {merge} is no pair of strings")))
        .collect::<Result<_, _>>()?;
    let fallback = model.get("byte_fallback").and_then(Json::as_bool) == Some(true);
    let kind = if fallback {
        let unknown = model.get("unk_token").and_then(Json::as_str);
        for (text, ty) in tokens.iter().zip(&mut types) {
            if Some(text.as_str()) == unknown {
                *ty = TokenType::Unknown;
            } else if text.len() == 6 && text.starts_with("<0x") && text.ends_with('>') {
                *ty = TokenType::Byte;
            }
        }
        Kind::Scores(scores(&tokens, &merges), space_prefix(json))
    } else {
        let pre = pre_tokenizer(json, model)?;
        Kind::Bytes(pre, merges.iter().map(|(left, right)| format!("{left} {right}")).collect())
    };
    let mut vocabulary = Vocabulary { tokens, types, kind };
    for token in json.get("added_tokens").and_then(Json::as_array).into_iter().flatten() {
        let id = token.get("id").and_then(Json::as_u64).map(|id| id as usize);
        // The unknown token is often listed here as well, and stays what it is.
        if id.is_none_or(|id| vocabulary.types.get(id) != Some(&TokenType::Unknown)) {
            vocabulary.add(id, token)?;
        }
    }
    Ok(vocabulary)
}

/// Older files write a merge as one string, newer ones as two.
fn read_merge(merge: &Json) -> Option<(&str, &str)> {
    match merge {
        Json::String(text) => text.split_once(' '),
        Json::Array(pair) if pair.len() == 2 => Some((pair[0].as_str()?, pair[1].as_str()?)),
        _ => None,
    }
}

/// A score for each token: less the rank of the first merge that makes it.
fn scores(tokens: &[String], merges: &[(&str, &str)]) -> Vec<f32> {
    let mut ranks: HashMap<String, usize> = HashMap::with_capacity(merges.len());
    for (rank, (left, right)) in merges.iter().enumerate() {
        ranks.entry([*left, *right].concat()).or_insert(rank);
    }
    tokens.iter().map(|token| ranks.get(token).map_or(NO_MERGE, |&rank| -(rank as f32))).collect()
}

/// Every object of a nest of `Sequence`s.
fn steps<'a>(json: Option<&'a Json>, out: &mut Vec<&'a Json>) {
    let Some(json) = json.filter(|json| !json.is_null()) else { return };
    let inner =
        ["normalizers", "pretokenizers", "processors"].iter().find_map(|key| json.get(key)?.as_array());
    match inner {
        Some(inner) => inner.iter().for_each(|json| steps(Some(json), out)),
        None => out.push(json),
    }
}

fn is(step: &Json, kind: &str) -> bool {
    step.get("type").and_then(Json::as_str) == Some(kind)
}

/// Whether a SentencePiece-like tokenizer puts a space in front of a text.
fn space_prefix(json: &Json) -> bool {
    let mut all = Vec::new();
    steps(json.get("normalizer"), &mut all);
    steps(json.get("pre_tokenizer"), &mut all);
    all.iter().any(|step| {
        let scheme = step.get("prepend_scheme").and_then(Json::as_str);
        let old = step.get("add_prefix_space").and_then(Json::as_bool).unwrap_or(true);
        is(step, "Prepend") || is(step, "Metaspace") && scheme.map_or(old, |scheme| scheme != "never")
    })
}

/// The name in GGUF files of the pre-tokenizer.
fn pre_tokenizer(json: &Json, model: &Json) -> Result<&'static str, String> {
    const LETTERS: &str = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}";
    let mut all = Vec::new();
    steps(json.get("pre_tokenizer"), &mut all);
    let flag = |step: &Json, key: &str| step.get(key).and_then(Json::as_bool);
    let pattern = |step: &'static str| -> Option<&str> {
        all.iter().find(|json| is(json, step))?.get("pattern")?.get("Regex")?.as_str()
    };
    let whole = flag(model, "ignore_merges") == Some(true);
    let words = all.iter().any(|step| is(step, "ByteLevel") && flag(step, "use_regex") != Some(false));
    let digits = all.iter().any(|step| is(step, "Digits") && flag(step, "individual_digits") == Some(true));
    match (pattern("Split"), all.len()) {
        (None, 2) if words && digits => Ok("smollm"),
        (None, 1) if words => Ok("gpt-2"),
        (Some(regex), 2) if regex.contains(&format!("{LETTERS}{{1,3}}|")) => {
            Ok(if whole { "llama-bpe" } else { "smaug-bpe" })
        }
        (Some(regex), 2) if regex.contains(&format!("{LETTERS}|")) => Ok("qwen2"),
        _ => {
            let shown = json.get("pre_tokenizer").map(Json::to_string).unwrap_or_default();
            Err(format!("pre_tokenizer: {shown} is none of those of GPT-2, SmolLM, Qwen2 and Llama 3"))
        }
    }
}

/// The special token that a post-processor puts first.
fn begins_with(json: &Json) -> Option<String> {
    let mut all = Vec::new();
    steps(Some(json), &mut all);
    let template = all.into_iter().find(|step| is(step, "TemplateProcessing"))?;
    Some(template.get("single")?.get(0)?.get("SpecialToken")?.get("id")?.as_str()?.to_owned())
}

fn from_model(path: &Path) -> Result<Vocabulary, ConvertError> {
    let bytes = std::fs::read(path).map_err(|source| ConvertError::Read { path: path.to_owned(), source })?;
    let model = sentencepiece::parse(&bytes);
    let model = model.map_err(|problem| ConvertError::File { path: path.to_owned(), problem })?;
    let mut scores = Vec::with_capacity(model.pieces.len());
    let (mut tokens, mut types) = (Vec::new(), Vec::new());
    for (text, score, ty) in model.pieces {
        tokens.push(text);
        scores.push(score);
        types.push(ty);
    }
    Ok(Vocabulary { tokens, types, kind: Kind::Scores(scores, model.space_prefix) })
}

/// The chat templates: in the tokenizer's settings (one, or several by name), or in a file of their own.
fn templates(folder: &Path, settings: &Json, out: &mut Writer<'_>) -> Result<(), ConvertError> {
    const KEY: &str = "tokenizer.chat_template";
    let path = folder.join("chat_template.jinja");
    let file = match path.exists() {
        true => Some(std::fs::read_to_string(&path).map_err(|source| ConvertError::Read { path, source })?),
        false => read_optional_json(folder.join("chat_template.json"))?
            .and_then(|json| Some(json.get("chat_template")?.as_str()?.to_owned())),
    };
    match (file, settings.get("chat_template")) {
        (Some(text), _) => drop(out.str(KEY, &text)?),
        (None, Some(Json::String(text))) => drop(out.str(KEY, text)?),
        (None, Some(Json::Array(all))) => {
            let text = |entry: &Json, key: &str| entry.get(key).and_then(Json::as_str).map(str::to_owned);
            for entry in all {
                match (text(entry, "name").as_deref(), text(entry, "template")) {
                    (Some("default"), Some(template)) => drop(out.str(KEY, &template)?),
                    (Some(name), Some(template)) => drop(out.str(&format!("{KEY}.{name}"), &template)?),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// Holds the converted tokenizer against the folder's.
fn check(path: &Path, converted: &Tokenizer) -> Result<(), ConvertError> {
    let wrong = |problem: String| ConvertError::File { path: path.to_owned(), problem };
    let theirs = tokenizers::Tokenizer::from_bytes(read_json(path)?.to_string());
    let theirs = theirs.map_err(|error| wrong(error.to_string()))?;
    for text in SAMPLES {
        let expected = theirs.encode_fast(*text, false).map_err(|error| wrong(error.to_string()))?;
        let expected = expected.get_ids().to_vec();
        let mut found = Vec::new();
        converted.encode(text, Specials::Parse, &mut found);
        if found != expected {
            return Err(ConvertError::Tokenizer { text: (*text).to_owned(), expected, found });
        }
    }
    Ok(())
}
