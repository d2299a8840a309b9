//! Small vocabularies, and merging written to be read.

use std::collections::HashMap;

use super::*;

/// What the byte-level vocabulary learns its merges from.
pub(super) const CORPUS: &str = "turn on the kitchen light and turn off the lights in the living room \
    then set the heater to 21 degrees and dim the lamp to 40 percent please open the blinds close the \
    garage what is the temperature in the greenhouse the pump the fan don't won't I'll we're 'tis \
    schalte das Licht in der Küche ein é è ñ 漢字 漢字 🦆🦆 aaaa aaaaaaaa bbbb abab abababab    \n\n\t\tif x == y: ";

/// The parts of a vocabulary-only file.
#[derive(Clone)]
pub(super) struct Small {
    pub model: &'static str,
    pub pre: &'static str,
    pub tokens: Vec<String>,
    pub types: Vec<i32>,
    pub merges: Vec<String>,
    pub scores: Vec<f32>,
    pub eos: u32,
}

impl Small {
    pub fn bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.str("tokenizer.ggml.model", self.model).unwrap();
        w.str("tokenizer.ggml.pre", self.pre).unwrap();
        w.strings("tokenizer.ggml.tokens", &self.tokens).unwrap();
        w.i32s("tokenizer.ggml.token_type", &self.types).unwrap();
        if !self.merges.is_empty() {
            w.strings("tokenizer.ggml.merges", &self.merges).unwrap();
        }
        if !self.scores.is_empty() {
            w.f32s("tokenizer.ggml.scores", &self.scores).unwrap();
            w.u32("tokenizer.ggml.unknown_token_id", 0).unwrap();
        }
        w.u32("tokenizer.ggml.eos_token_id", self.eos).unwrap();
        w.to_bytes()
    }

    pub fn gguf(&self) -> Gguf {
        Gguf::parse(self.bytes().into()).unwrap()
    }

    /// The tokens of a text (`gpt-2` or SentencePiece), by looking at every pair before every merge.
    pub fn encode_slowly(&self, text: &str) -> Vec<u32> {
        let mut out = Vec::new();
        if self.model == "llama" {
            if !text.is_empty() {
                self.encode_pieces(text, &mut out);
            }
            return out;
        }
        let rank = |a: &str, b: &str| self.merges.iter().position(|merge| *merge == format!("{a} {b}"));
        Split::Gpt2.words(text, |word| {
            let mut parts: Vec<String> =
                word.bytes().map(|b| super::super::bpe::byte_to_char(b).into()).collect();
            while let Some((_, at)) =
                (1..parts.len()).filter_map(|at| Some((rank(&parts[at - 1], &parts[at])?, at))).min()
            {
                let right = parts.remove(at);
                parts[at - 1] += &right;
            }
            out.extend(parts.iter().map(|part| self.id(part).unwrap()));
        });
        out
    }

    fn encode_pieces(&self, text: &str, out: &mut Vec<u32>) {
        // A `▁` of the text's own is kept apart under another name until the end.
        let own = "\u{e000}";
        let text = format!(" {text}").replace('\u{2581}', own).replace(' ', "\u{2581}");
        let mut parts: Vec<String> = text.chars().map(String::from).collect();
        let score = |at: usize, parts: &[String]| {
            let id = self.id(&format!("{}{}", parts[at - 1], parts[at]))?;
            (self.types[id as usize] == 1).then(|| self.scores[id as usize])
        };
        loop {
            let pairs = (1..parts.len()).filter_map(|at| Some((score(at, &parts)?, at)));
            let best = pairs.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            let Some((_, at)) = best else { break };
            let right = parts.remove(at);
            parts[at - 1] += &right;
        }
        for part in parts {
            match self.id(&part) {
                Some(id) => out.push(id),
                None if part == own => out.extend("\u{2581}".bytes().map(|byte| 3 + u32::from(byte))),
                None => out.extend(part.bytes().map(|byte| 3 + u32::from(byte))),
            }
        }
    }

    fn id(&self, text: &str) -> Option<u32> {
        self.tokens.iter().position(|token| token == text).map(|id| id as u32)
    }
}

pub(super) fn load(small: &Small) -> Tokenizer {
    Tokenizer::from_gguf(&small.gguf()).unwrap()
}

/// A byte-level vocabulary: 256 bytes, up to 400 merges learnt from [`CORPUS`], 20 control tokens.
pub(super) fn bpe(pre: &'static str) -> Small {
    let mut tokens: Vec<String> = (0..=255u8).map(|b| super::super::bpe::byte_to_char(b).into()).collect();
    let mut merges = Vec::new();
    let mut words: Vec<Vec<String>> = Vec::new();
    Split::from_name(pre).unwrap().words(CORPUS, |word| {
        words.push(word.bytes().map(|b| super::super::bpe::byte_to_char(b).into()).collect());
    });
    while merges.len() < 400 {
        let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
        for word in &words {
            for pair in word.windows(2) {
                *counts.entry((&pair[0], &pair[1])).or_default() += 1;
            }
        }
        let Some(((a, b), _)) =
            counts.into_iter().max_by_key(|&(pair, count)| (count, std::cmp::Reverse(pair)))
        else {
            break;
        };
        let (a, b) = (a.to_owned(), b.to_owned());
        for word in &mut words {
            let mut at = 1;
            while at < word.len() {
                if word[at - 1] == a && word[at] == b {
                    word.remove(at);
                    word[at - 1] += &b;
                }
                at += 1;
            }
        }
        let merged = format!("{a}{b}");
        if !tokens.contains(&merged) {
            tokens.push(merged);
        }
        merges.push(format!("{a} {b}"));
    }
    let mut types = vec![1; tokens.len()];
    tokens.extend((0..20).map(|number| format!("<|d{number}|>")));
    types.resize(tokens.len(), 3);
    let eos = tokens.len() as u32 - 1;
    Small { model: "gpt2", pre, tokens, types, merges, scores: Vec::new(), eos }
}

/// A SentencePiece vocabulary: 3 special tokens, 256 bytes, and the beginnings of the corpus's words
/// with scores that make neighbours compete.
pub(super) fn spm() -> Small {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(String::from).into();
    let mut types = vec![2, 3, 3];
    tokens.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    types.resize(tokens.len(), 6);
    // "<s>" could be reached by merging if control tokens took part.
    let mut pieces: Vec<String> =
        ["<s", "s>", "<", ">", "\u{2581}", "\u{2581}\u{2581}"].map(String::from).into();
    for word in CORPUS.split(' ').filter(|word| word.is_ascii()) {
        let word = format!("\u{2581}{word}");
        let ends: Vec<usize> = word.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
        for (i, &end) in ends.iter().enumerate() {
            pieces.push(word[..end].to_owned());
            pieces.extend(ends[..i].iter().rev().take(3).map(|&start| word[start..end].to_owned()));
        }
    }
    for piece in pieces {
        if !tokens.contains(&piece) {
            tokens.push(piece);
        }
    }
    types.resize(tokens.len(), 1);
    // Scattered and with ties.
    let scores =
        (0..tokens.len()).map(|id| if id < 259 { 0.0 } else { -((id * 7919 % 97) as f32) }).collect();
    Small { model: "llama", pre: "default", tokens, types, merges: Vec::new(), scores, eos: 2 }
}
