//! Words that hint at the user's tools: those of their names and descriptions in every form, the beginnings of joined ones, and what
//! people say instead.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::super::lexicon::{is_everyday, is_filler, names_of_unit};
use super::super::words::{Word, stem, words};
use super::super::{Mark, ToolWords};
use super::{Index, Phrase, RANK_HINT, RANK_RELATED};

/// What is kept in a list is put "on the list".
const LIST: &str = "list";

/// Everyday words that ask for a tool when they stand in its name.
const NAMING: &[&str] = &["call", "report", "status", "next", "find", "remind", "help"];

/// What other words are joined with behind: a "logbook" is asked for with "log".
const TAILS: &[&str] = &[
    "bell", "board", "book", "box", "call", "card", "clock", "door", "down", "file", "in", "lamp", "light",
    "line", "list", "log", "mail", "note", "off", "out", "page", "phone", "room", "sheet", "table", "time",
    "timer", "up",
];
/// Words that have no other forms.
const PARTICLES: &[&str] =
    &["in", "out", "up", "down", "off", "on", "over", "away", "back", "to", "of", "and", "for", "with", "by"];
/// Fewest letters before them.
const LEAST_HEAD: usize = 3;

/// The table `hints.txt`, by stems: the lines that a word is a head of, and the words of each line.
struct Related {
    lines: Vec<Vec<String>>,
    heads: HashMap<String, Vec<usize>>,
}

static RELATED: LazyLock<Related> = LazyLock::new(|| {
    let mut related = Related { lines: Vec::new(), heads: HashMap::new() };
    let stems = |part: &str| -> Vec<String> { part.split_whitespace().map(stem).collect() };
    let lines = include_str!("../hints.txt").lines().filter(|line| !line.starts_with('#'));
    for (heads, cues) in lines.filter_map(|line| line.split_once(':')) {
        let heads = stems(heads);
        for head in &heads {
            related.heads.entry(head.clone()).or_default().push(related.lines.len());
        }
        related.lines.push([heads, stems(cues)].concat());
    }
    related
});

impl Index {
    /// Adds what hints at the tool with this index among the user's.
    pub(super) fn add_tool(&mut self, at: usize, tool: &ToolWords) {
        let mark = Mark::Tool(at);
        let common = |word: &str| is_everyday(word) || is_filler(word);
        for word in words(&tool.name) {
            let text = word.text.as_str();
            let short = text.chars().count() == 2 && text.chars().all(char::is_alphabetic);
            if NAMING.contains(&text) || (short && !common(text)) {
                self.add(text, mark, RANK_HINT);
            }
            let heads = TAILS.iter().filter_map(|tail| text.strip_suffix(tail));
            for head in heads.filter(|head| head.len() >= LEAST_HEAD && !common(head)) {
                self.add_stem(stem(head), mark, RANK_HINT);
            }
        }
        let told: Vec<Word> = words(&tool.name).into_iter().chain(words(&tool.about)).collect();
        if told.iter().any(|word| word.text == LIST) {
            self.add(LIST, mark, RANK_HINT);
        }
        let to_do = |two: &[Word]| [two[0].text.as_str(), two[1].text.as_str()] == ["to", "do"];
        if told.iter().any(|word| word.text == "todo") || told.windows(2).any(to_do) {
            self.add("to do", mark, RANK_HINT);
            self.add("todo", mark, RANK_HINT);
        }
        let mut related: HashSet<&str> = HashSet::new();
        for word in &told {
            if word.text.len() > 2 && !common(&word.text) {
                self.add(&word.text, mark, RANK_HINT);
                self.add_stem(stem(&word.text), mark, RANK_HINT);
            }
            // A tool that takes `ml` is meant by millilitres.
            for name in names_of_unit(&word.text) {
                self.add(name, mark, RANK_HINT);
            }
            let lines = RELATED.heads.get(&stem(&word.text)).into_iter().flatten();
            related.extend(lines.flat_map(|&line| &RELATED.lines[line]).map(String::as_str));
        }
        // The set's order is random; that of the ids may not be.
        let mut related: Vec<&str> = related.into_iter().collect();
        related.sort_unstable();
        for cue in related {
            self.add_stem(cue.to_owned(), mark, RANK_RELATED);
        }
    }

    /// Adds a name whose words may stand in any of their forms: "letting out" is `let_out`, "to be hemmed" is `hem`.
    pub(super) fn add_forms(&mut self, name: &str, mark: Mark) {
        let words = words(name);
        let common = |word: &str| is_everyday(word) || is_filler(word);
        let letters = |word: &str| word.chars().all(char::is_alphabetic);
        if words.iter().any(|word| !letters(&word.text)) || words.len() == 1 && common(&words[0].text) {
            return;
        }
        let mut ids: Vec<u32> = Vec::new();
        for Word { text, .. } in words {
            let known = self.vocabulary.get(&text).copied().filter(|_| PARTICLES.contains(&text.as_str()));
            let id = known.unwrap_or_else(|| self.stem_id(stem(&text)));
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        for &id in &ids {
            self.holders[id as usize].push(self.phrases.len() as u32);
        }
        self.phrases.push(Phrase { words: ids, mark, rank: RANK_HINT });
    }

    fn stem_id(&mut self, stem: String) -> u32 {
        let next = self.holders.len() as u32;
        let id = *self.stems.entry(stem).or_insert(next);
        if id == next {
            self.holders.push(Vec::new());
        }
        id
    }

    /// Adds a word that is known by its stem alone: never misspelt, and no part of a name.
    pub(super) fn add_stem(&mut self, stem: String, mark: Mark, rank: u8) {
        let id = self.stem_id(stem);
        let held = &mut self.holders[id as usize];
        if held.iter().all(|&phrase| self.phrases[phrase as usize].mark != mark) {
            held.push(self.phrases.len() as u32);
            self.phrases.push(Phrase { words: vec![id], mark, rank });
        }
    }
}
