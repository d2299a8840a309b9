//! The data files, parsed once: those that training draws from, and those of `held/` that it never sees.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::phrases::{Sections, sections};
use super::tools::{Archetype, archetypes};

/// Which words, sentences and tools are drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Words {
    /// Those that training, calibration and looking draw from.
    #[default]
    Training,
    /// Those that only evaluation draws from: no name, sentence, tool or off-topic line of theirs stands among those of
    /// training.
    Held,
}

/// A line of `sentences.txt`.
pub(super) struct Line {
    /// Only for devices with this tag.
    pub tag: Option<&'static str>,
    /// Cannot follow another action in one sentence.
    pub alone: bool,
    /// The template.
    pub text: &'static str,
}

/// All lists of words and sentences.
pub(super) struct Lexicon {
    /// Nouns by kind of device.
    pub nouns: Vec<(&'static str, Vec<&'static str>)>,
    pub areas: Vec<&'static str>,
    pub adjectives: Vec<&'static str>,
    pub nicknames: Vec<&'static str>,
    pub words: Vec<&'static str>,
    pub offtopic: Vec<&'static str>,
    /// Sentences by section.
    pub sentences: HashMap<&'static str, Vec<Line>>,
    /// Verbs that an order may begin with, and their gerunds.
    pub verbs: HashMap<&'static str, &'static str>,
    /// Free texts by section.
    pub phrases: Sections,
    /// Tools as people have them.
    pub tools: Vec<Archetype>,
    /// What tools do that are put together: a verb, and other ways to say it.
    pub acts: Vec<Vec<&'static str>>,
}

/// How a sentence takes words around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Begins with the base form of a verb: "turn on the lamp".
    Order,
    /// Asks directly: "is the lamp on".
    Question,
    /// Anything else: "the lamp on", "i'd like the lamp on".
    Other,
}

impl Lexicon {
    /// The mood of a sentence, by its first word alone.
    pub fn mood(&self, text: &str) -> Mood {
        const ASKING: &[&str] = &[
            "what", "what's", "whats", "how", "how's", "is", "isn't", "are", "aren't", "was", "were", "did",
            "does", "do", "has", "have", "which", "who", "why", "when", "where",
        ];
        let mut words = text.split([' ', ',', '?', '.']);
        let (first, next) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        // "have the lamp on" orders, "have i shut the door" asks, "do not open the door" forbids.
        let asked = matches!(next, "i" | "we" | "you" | "they" | "somebody" | "someone" | "anyone");
        if next == "not" {
            Mood::Other
        } else if self.verbs.contains_key(first) && !asked {
            Mood::Order
        } else if ASKING.contains(&first) {
            Mood::Question
        } else {
            Mood::Other
        }
    }

    /// An order with its verb as a gerund: "turning on the lamp".
    pub fn gerund(&self, order: &str) -> Option<String> {
        let (verb, rest) = order.split_once(' ')?;
        self.verbs.get(verb).map(|gerund| format!("{gerund} {rest}"))
    }
}

/// A template with each `$name` replaced by what a line `$name = ...` stands for.
fn unabbreviated(text: &'static str, short: &[(&str, &str)]) -> &'static str {
    if !text.contains('$') {
        return text;
    }
    let text = short.iter().fold(text.to_owned(), |text, (name, long)| text.replace(name, long));
    // Read once and kept as long as the lexicon itself: for good.
    String::leak(text)
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The text of each file.
pub(super) struct Files {
    devices: &'static str,
    areas: &'static str,
    adjectives: &'static str,
    nicknames: &'static str,
    words: &'static str,
    offtopic: &'static str,
    sentences: &'static str,
    phrases: &'static str,
    pub tools: &'static str,
    acts: &'static str,
}

/// Files one behind the other.
macro_rules! joined {
    ($($file:literal),+) => {
        concat!($(include_str!($file), "\n\n"),+)
    };
}

macro_rules! files {
    ($folder:literal, $offtopic:expr, $sentences:expr, $tools:expr) => {
        Files {
            devices: include_str!(concat!($folder, "/devices.txt")),
            areas: include_str!(concat!($folder, "/areas.txt")),
            adjectives: include_str!(concat!($folder, "/adjectives.txt")),
            nicknames: include_str!(concat!($folder, "/nicknames.txt")),
            words: include_str!(concat!($folder, "/words.txt")),
            offtopic: $offtopic,
            sentences: $sentences,
            phrases: include_str!(concat!($folder, "/phrases.txt")),
            tools: $tools,
            acts: include_str!(concat!($folder, "/acts.txt")),
        }
    };
}

static TRAINING_FILES: Files = files!(
    "lexicon",
    joined!("lexicon/offtopic.txt", "lexicon/more_offtopic.txt", "lexicon/third_offtopic.txt"),
    joined!("lexicon/sentences.txt", "lexicon/more_sentences.txt", "lexicon/third_sentences.txt"),
    joined!(
        "lexicon/tools.txt",
        "lexicon/more_tools.txt",
        "lexicon/third_tools.txt",
        "lexicon/fourth_tools.txt"
    )
);
static HELD_FILES: Files = files!(
    "lexicon/held",
    include_str!("lexicon/held/offtopic.txt"),
    include_str!("lexicon/held/sentences.txt"),
    include_str!("lexicon/held/tools.txt")
);

static TRAINING: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(&TRAINING_FILES));
static HELD: LazyLock<Lexicon> = LazyLock::new(|| {
    let mut held = Lexicon::read(&HELD_FILES);
    // The forms of verbs are grammar, and no words that could be learnt by heart.
    held.verbs.extend(&TRAINING.verbs);
    held
});

impl Words {
    /// Both.
    #[cfg(test)]
    pub(super) const ALL: [Words; 2] = [Words::Training, Words::Held];

    /// The parsed files.
    pub(super) fn lexicon(self) -> &'static Lexicon {
        match self {
            Words::Training => &TRAINING,
            Words::Held => &HELD,
        }
    }

    /// The files as they are.
    #[cfg(test)]
    pub(super) fn files(self) -> &'static Files {
        match self {
            Words::Training => &TRAINING_FILES,
            Words::Held => &HELD_FILES,
        }
    }
}

impl Lexicon {
    fn read(files: &Files) -> Lexicon {
        let mut sentences: HashMap<&'static str, Vec<Line>> = HashMap::new();
        let mut short: Vec<(&str, &str)> = Vec::new();
        let mut section = "";
        // `lines` would trim the spaces that open some endings.
        for line in files.sentences.lines() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('@') {
                section = name.trim();
                continue;
            }
            if line.starts_with('$')
                && let Some(pair) = line.split_once(" = ")
            {
                short.push(pair);
                continue;
            }
            let (count, line) = match line.strip_prefix('*').and_then(|rest| rest.split_once(' ')) {
                Some((count, rest)) => (count.parse().unwrap_or(1), rest),
                None => (1, line),
            };
            let (tag, rest) = match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
                Some((tag, rest)) => (Some(tag), rest),
                None => (None, line),
            };
            let (alone, text) = match rest.strip_prefix("! ") {
                Some(text) => (true, text),
                None => (false, rest),
            };
            let text = unabbreviated(text, &short);
            let lines = sentences.entry(section).or_default();
            lines.extend((0..count).map(|_| Line { tag, alone, text }));
        }
        let verbs = sentences.remove("verbs").unwrap_or_default();
        Lexicon {
            verbs: verbs.iter().filter_map(|line| line.text.trim().split_once(' ')).collect(),
            nouns: lines(files.devices)
                .filter_map(|line| line.split_once(':'))
                .map(|(kind, nouns)| (kind.trim(), nouns.split('|').map(str::trim).collect()))
                .collect(),
            areas: lines(files.areas).collect(),
            adjectives: lines(files.adjectives).collect(),
            nicknames: lines(files.nicknames).collect(),
            words: lines(files.words).flat_map(str::split_whitespace).collect(),
            offtopic: lines(files.offtopic).collect(),
            sentences,
            phrases: sections(files.phrases),
            tools: archetypes(files.tools),
            acts: lines(files.acts).map(|line| line.split('|').map(str::trim).collect()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::rng::Rng;
    use std::collections::HashSet;

    use super::super::template::{expand, tidy};
    use super::*;

    #[test]
    fn a_sentence_has_the_mood_of_its_first_word() {
        let lexicon = Words::Training.lexicon();
        assert_eq!(lexicon.mood("turn on the lamp"), Mood::Order);
        assert_eq!(lexicon.mood("have the lamp on"), Mood::Order);
        assert_eq!(lexicon.mood("have i shut the door"), Mood::Question);
        assert_eq!(lexicon.mood("is the lamp on"), Mood::Question);
        assert_eq!(lexicon.mood("do not open the door"), Mood::Other);
        assert_eq!(lexicon.mood("the lamp on"), Mood::Other);
        assert_eq!(lexicon.mood(""), Mood::Other);
        assert_eq!(lexicon.gerund("put the lamp on").as_deref(), Some("putting the lamp on"));
        assert_eq!(lexicon.gerund("lamp on"), None);
    }

    #[test]
    fn every_line_can_be_written_out() {
        let mut rng = Rng::new(1);
        for (section, lines) in Words::ALL.iter().flat_map(|words| &words.lexicon().sentences) {
            for line in lines {
                assert!(!line.text.contains('$'), "{section}: {}", line.text);
                for _ in 0..10 {
                    let said = expand(&mut rng, line.text, &mut |_, slot| Some(slot.to_owned()));
                    let said = said.unwrap_or_else(|| panic!("{section}: {}", line.text));
                    assert!(!said.contains(['(', ')', '|', '{', '}']), "{section}: {}", line.text);
                }
            }
        }
    }

    /// Every way that some draws write a line out.
    fn written(rng: &mut Rng, line: &str, draws: usize) -> Vec<String> {
        let mut slot = |_: &mut Rng, slot: &str| Some(format!("{{{slot}}}"));
        (0..draws).filter_map(|_| expand(rng, line, &mut slot)).map(|text| tidy(&text)).collect()
    }

    #[test]
    fn what_is_held_out_stands_nowhere_in_training() {
        let (training, held) = (Words::Training.lexicon(), Words::Held.lexicon());
        let apart = |what: &str, training: Vec<&str>, held: Vec<&str>, least: usize| {
            let known: HashSet<&str> = training.into_iter().collect();
            let both: Vec<&&str> = held.iter().filter(|text| known.contains(*text)).collect();
            assert!(both.is_empty(), "take these {what} out of the files of training: {both:?}");
            assert!(held.len() >= least, "{} {what} are few", held.len());
        };
        let nouns = |of: &'static Lexicon| of.nouns.iter().flat_map(|(_, nouns)| nouns).copied().collect();
        apart("nouns", nouns(training), nouns(held), 250);
        assert_eq!(held.nouns.len(), training.nouns.len(), "each kind has nouns of its own");
        apart("areas", training.areas.clone(), held.areas.clone(), 80);
        apart("adjectives", training.adjectives.clone(), held.adjectives.clone(), 80);
        apart("nicknames", training.nicknames.clone(), held.nicknames.clone(), 60);
        apart("words", training.words.clone(), held.words.clone(), 300);
        apart("off-topic lines", training.offtopic.clone(), held.offtopic.clone(), 120);
        let sentences =
            |of: &'static Lexicon| of.sentences.values().flatten().map(|line| line.text.trim()).collect();
        apart("sentences", sentences(training), sentences(held), 600);
        for section in training.sentences.keys() {
            assert!(held.sentences.get(section).is_some_and(|lines| lines.len() > 2), "{section}");
        }
        assert!(held.tools.len() >= 70, "{}", held.tools.len());
        type Part = fn(&'static Archetype) -> &'static [&'static str];
        let parts: [(&str, Part); 4] = [
            ("names of tools", |tool| tool.names.as_slice()),
            ("descriptions of tools", |tool| tool.descriptions.as_slice()),
            ("requests for tools", |tool| tool.says.as_slice()),
            ("requests that lack something", |tool| tool.bare.as_slice()),
        ];
        for (what, part) in parts {
            let all = |of: &'static Lexicon| of.tools.iter().flat_map(part).copied().collect();
            apart(what, all(training), all(held), 70);
        }
        let acts = |of: &'static Lexicon| of.acts.iter().map(|words| words[0]).collect();
        apart("acts", acts(training), acts(held), 20);
    }

    #[test]
    fn no_held_sentence_is_written_in_training_in_other_words() {
        let (training, held) = (Words::Training.lexicon(), Words::Held.lexicon());
        let mut rng = Rng::new(1);
        let mut both: Vec<String> = Vec::new();
        let mut compare = |section: &str, training: Vec<&str>, held: Vec<&str>| {
            let known: HashSet<String> =
                training.iter().flat_map(|line| written(&mut rng, line, 12)).collect();
            let told = |line: &&&str| written(&mut rng, line, 6).iter().any(|text| known.contains(text));
            both.extend(held.iter().filter(told).map(|line| format!("{section}: {line}")));
        };
        let texts = |lines: &'static [Line]| lines.iter().map(|line| line.text).collect();
        for (section, lines) in &held.sentences {
            let known = training.sentences.get(section).map_or(&[][..], Vec::as_slice);
            compare(section, texts(known), texts(lines));
        }
        compare("off-topic", training.offtopic.clone(), held.offtopic.clone());
        assert!(both.is_empty(), "take these out of the files of training: {both:#?}");
    }
}
