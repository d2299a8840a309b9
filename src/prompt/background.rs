//! What surrounds a request beside the scene: what the state says of itself, variables that it shows, earlier turns that it
//! carries. A state asks for each of them; one that asks for none has a prompt without them.
//!
//! Models of other families read all of it. The bundled model was trained on scenes and requests alone, and nothing is added
//! to what it reads: a word that stands for what the turn before was about ("it", "them"), or the name of a variable, is
//! replaced by what it means, and the request is read as if that had been said ([`Background::in_full`]).

use std::borrow::Cow;
use std::ops::Range;

use crate::agent::chart::Value;
use crate::board::Device;
use crate::link::Mark;
use crate::tool::Call;

use super::Scene;

/// An earlier turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    /// What the person said.
    pub request: String,
    /// What was done.
    pub calls: Vec<Call>,
    /// What came of each call, in their order; fewer where that is not known.
    pub results: Vec<serde_json::Value>,
}

/// What surrounds a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Background<'a> {
    /// What the state says of itself.
    pub prose: Option<&'a str>,
    /// Variables that the state shows, by name.
    pub variables: &'a [(String, Value)],
    /// Earlier turns that the state carries, oldest first.
    pub before: &'a [Earlier],
}

/// Words that stand for what was spoken of before.
const PRONOUNS: [&str; 5] = ["it", "them", "they", "that", "those"];

impl<'a> Background<'a> {
    /// Nothing but the state's prose.
    pub fn prose(prose: Option<&'a str>) -> Background<'a> {
        Background { prose, ..Background::default() }
    }

    /// The request with the names of variables and a pronoun replaced by what they mean. Only a request that names no device,
    /// kind or place itself has a pronoun that means something else.
    pub fn in_full<'r>(&self, scene: &Scene, request: &'r str) -> Cow<'r, str> {
        if self.variables.is_empty() && self.before.is_empty() {
            return Cow::Borrowed(request);
        }
        let named = replaced(request, self.named(request));
        let meant = replaced(&named, self.meant(scene, &named).into_iter().collect());
        if meant == request { Cow::Borrowed(request) } else { Cow::Owned(meant) }
    }

    /// Names of variables in the request, with the articles before them, and their values.
    fn named(&self, request: &str) -> Vec<(Range<usize>, String)> {
        let words = words(request);
        let mut found: Vec<(Range<usize>, String)> = Vec::new();
        for (name, value) in self.variables.iter().filter(|(_, value)| !matches!(value, Value::Flag(_))) {
            let name = name.replace('_', " ").to_lowercase();
            let name: Vec<&str> = name.split_whitespace().collect();
            for at in 0..words.len().saturating_sub(name.len().max(1) - 1) {
                let here = &words[at..at + name.len()];
                if name.is_empty() || !here.iter().map(|word| word.text.as_str()).eq(name.iter().copied()) {
                    continue;
                }
                let article = at.checked_sub(1).map(|before| &words[before]);
                let article =
                    article.filter(|word| ["the", "my", "our", "a", "an"].contains(&word.text.as_str()));
                let bytes = article.unwrap_or(&here[0]).start..here[here.len() - 1].end;
                if found.iter().all(|(known, _)| known.end <= bytes.start || bytes.end <= known.start) {
                    found.push((bytes, value.to_string()));
                }
            }
        }
        found
    }

    /// The first pronoun, and what the last turn that did something was about.
    fn meant(&self, scene: &Scene, request: &str) -> Option<(Range<usize>, String)> {
        let names = |mark: &Mark| matches!(mark, Mark::Device(_) | Mark::Area(_) | Mark::Kind(_));
        let links = scene.index().links(request);
        if links.iter().flat_map(|link| &link.marks).any(names) {
            return None;
        }
        let word = words(request).into_iter().find(|word| PRONOUNS.contains(&word.text.as_str()))?;
        let calls = self.before.iter().rev().map(|turn| &turn.calls).find(|calls| !calls.is_empty())?;
        Some((word.start..word.end, about(scene, calls)?))
    }
}

/// The text with other words in some places.
fn replaced(text: &str, mut places: Vec<(Range<usize>, String)>) -> String {
    places.sort_by_key(|(bytes, _)| bytes.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (bytes, words) in places {
        out.push_str(&text[at..bytes.start]);
        out.push_str(&words);
        at = bytes.end;
    }
    out.push_str(&text[at..]);
    out
}

/// What calls were about, in words: one device, or all of a kind or of a place.
fn about(scene: &Scene, calls: &[Call]) -> Option<String> {
    let named = |device: &Device| {
        calls
            .iter()
            .filter_map(|call| call.arguments.get("devices")?.as_array())
            .flatten()
            .any(|name| name == device.name.as_str())
    };
    let all: Vec<usize> = (0..scene.devices.len()).filter(|&at| named(&scene.devices[at])).collect();
    if let [one] = all[..] {
        return Some(format!("the {}", scene.devices[one].name));
    }
    let same = |belongs: &dyn Fn(&Device) -> bool| {
        !all.is_empty()
            && (0..scene.devices.len()).filter(|&at| belongs(&scene.devices[at])).eq(all.iter().copied())
    };
    let kind = (0..scene.kinds.len()).find(|&kind| same(&|device| scene.kind_of(device) == Some(kind)));
    let area = || (0..scene.areas.len()).find(|&area| same(&|device| scene.area_of(device) == Some(area)));
    match kind {
        Some(kind) => Some(format!("all {}", plural(&scene.kinds[kind]))),
        None => area().map(|area| format!("everything in the {}", scene.areas[area])),
    }
}

fn plural(noun: &str) -> String {
    let hisses = ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end));
    format!("{noun}{}", if hisses { "es" } else { "s" })
}

/// A word in small letters, and its bytes.
struct Word {
    text: String,
    start: usize,
    end: usize,
}

fn words(request: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = request.char_indices().peekable();
    while let Some(&(start, c)) = rest.peek() {
        rest.next();
        if !c.is_alphanumeric() {
            continue;
        }
        let mut end = start + c.len_utf8();
        while let Some(&(at, c)) = rest.peek()
            && (c.is_alphanumeric() || c == '\'')
        {
            end = at + c.len_utf8();
            rest.next();
        }
        words.push(Word { text: request[start..end].to_lowercase(), start, end });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Tool;
    use crate::tool::Builtin;

    fn scene() -> Scene {
        let device = |name: &str, kind: &str, area: &str| Device::of_kind(name, kind, Some(area));
        let devices = vec![
            device("desk lamp", "lamp", "study"),
            device("floor lamp", "lamp", "hall"),
            device("fan", "fan", "study"),
        ];
        Scene::new(vec![Tool::Builtin(Builtin::On), Tool::Builtin(Builtin::SetLevel)], devices)
    }

    fn before(devices: &[&str]) -> Vec<Earlier> {
        let call =
            serde_json::from_value(serde_json::json!({ "tool": "on", "arguments": { "devices": devices } }));
        vec![Earlier { request: "on".into(), calls: vec![call.unwrap()], results: Vec::new() }]
    }

    #[test]
    fn pronouns_mean_what_the_turn_before_was_about() {
        let scene = scene();
        for (devices, full) in [
            (&["fan"][..], "turn the fan off"),
            (&["desk lamp", "floor lamp"], "turn all lights off"),
            (&["desk lamp", "fan"], "turn everything in the study off"),
            (&["floor lamp", "fan"], "turn it off"),
            (&[], "turn it off"),
        ] {
            let before = before(devices);
            let background = Background { before: &before, ..Background::default() };
            assert_eq!(background.in_full(&scene, "turn it off"), full, "{devices:?}");
        }
        let mut before = before(&["fan"]);
        // The last turn that did something counts.
        before.push(Earlier { request: "sing".into(), calls: Vec::new(), results: Vec::new() });
        let carried = Background { before: &before, ..Background::default() };
        for (request, full) in [
            ("Is it on?", "Is the fan on?"),
            ("them off, please", "the fan off, please"),
            // What names something itself is not about the turn before.
            ("turn on the desk lamp and dim it", "turn on the desk lamp and dim it"),
            ("item off", "item off"),
            ("It's fine", "It's fine"),
            ("", ""),
        ] {
            assert_eq!(carried.in_full(&scene, request), full);
        }
        // A state that carries nothing has no pronouns.
        assert_eq!(Background::default().in_full(&scene, "turn it off"), "turn it off");
    }

    #[test]
    fn names_of_variables_mean_their_values() {
        let text = |text: &str| Value::Text(text.into());
        let variables = [
            ("usual_level".to_owned(), Value::Number(35.0)),
            ("my_room".to_owned(), text("study")),
            ("favourite".to_owned(), text("floor lamp")),
            ("armed".to_owned(), Value::Flag(true)),
        ];
        let shown = Background { variables: &variables, ..Background::default() };
        let scene = scene();
        for (request, full) in [
            ("set the fan to the usual level", "set the fan to 35"),
            ("Usual level for the fan!", "35 for the fan!"),
            ("my favourite on", "floor lamp on"),
            ("everything in My Room off", "everything in study off"),
            ("armed at an unusual level", "armed at an unusual level"),
        ] {
            assert_eq!(shown.in_full(&scene, request), full);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "(it|them|my|the|usual|level|favourite|fan|[a-zéß.,']{0,4}| ){0,14}") {
            let variables = [("usual_level".to_owned(), Value::Number(3.5)), ("favourite".to_owned(), Value::Text("fän".into()))];
            let before = before(&["fan"]);
            let background = Background { variables: &variables, before: &before, ..Background::default() };
            let _ = background.in_full(&scene(), &text);
        }
    }
}
