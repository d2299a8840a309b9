//! Examples: a scene, a request, what it means; a good share of them to be refused.

use std::sync::Arc;

use crate::link::{Link, Mark, Unit};
use crate::prompt::pintail::{Piece, Pointers, encode, request, scene};
use crate::prompt::{Argument, Param, ParamKind, Scene, Step, Turn, merged};
use crate::tool::Builtin;

use super::heard::heard;
use super::lexicon::{Mood, Words};
use super::noise::{dress, misspell};
use super::phrases::phrase as free_phrase;
use super::refusal::refusal;
use super::request::{Draft, builtin, remark, which};
use super::rng::Rng;
use super::says::user;
use super::several::several;
use super::template::{expand, tidy};
use super::tools::SaidTool;
use super::world::random_scene;

/// A request in a random scene, and what it means.
#[derive(Debug)]
pub struct Example {
    /// Tools and devices; examples that follow each other may share them.
    pub scene: Arc<Scene>,
    /// The person's words.
    pub request: String,
    /// Links, some of them left out on purpose.
    pub links: Vec<Link>,
    /// What is meant; empty: to be refused. Numbers are indices among the links' numbers.
    pub steps: Vec<Step>,
    /// Which pointer stands for what, in this prompt.
    pub pointers: Pointers,
    /// What sort of request it is.
    pub category: &'static str,
}

impl Example {
    /// The prompt's pieces, and the answer's.
    pub fn pieces(&self) -> Option<(Vec<Piece>, Vec<Piece>)> {
        let turn = Turn::with_links(&self.scene, &self.request, self.links.clone());
        let mut prompt = scene(&self.scene, &self.pointers);
        prompt.extend(request(&turn, &self.pointers));
        let answer = encode(&turn, &self.pointers, &self.steps)?;
        Some((prompt, answer))
    }
}

/// Draws examples from a seed.
#[derive(Debug)]
pub struct Generator {
    seed: u64,
    rng: Rng,
    per_scene: usize,
    world: Option<World>,
    /// The scene is given and stays.
    fixed: bool,
}

/// A scene that examples are drawn in, until it is used up.
#[derive(Debug)]
struct World {
    scene: Arc<Scene>,
    said: Vec<SaidTool>,
    pointers: Pointers,
    wanted: usize,
    tries: usize,
}

impl Iterator for Generator {
    type Item = Example;

    fn next(&mut self) -> Option<Example> {
        loop {
            if let Some(example) = self.draw() {
                return Some(example);
            }
        }
    }
}

impl Generator {
    /// A generator with this seed and a new scene for every request.
    pub fn new(seed: u64) -> Generator {
        Generator { seed, rng: Rng::new(seed), per_scene: 1, world: None, fixed: false }
    }

    /// A generator of requests in this scene, whose user tools are asked for by their names and descriptions.
    ///
    /// A scene that nothing can be asked of yields requests to be refused.
    pub fn in_scene(seed: u64, scene: Scene) -> Generator {
        let said: Vec<SaidTool> = scene.tools.iter().filter_map(heard).collect();
        let pointers = Pointers::new(&scene, None);
        let world = World { scene: Arc::new(scene), said, pointers, wanted: usize::MAX, tries: usize::MAX };
        Generator { seed, rng: Rng::new(seed), per_scene: 1, world: Some(world), fixed: true }
    }

    /// Draws from these words. Scenes that are given keep theirs.
    pub fn words(mut self, words: Words) -> Generator {
        self.rng = Rng::of(words, self.seed);
        self
    }

    /// About `count` requests in each scene, one after another: a trainer reads the scene once for all of them.
    pub fn per_scene(mut self, count: usize) -> Generator {
        self.per_scene = count.max(1);
        self
    }

    /// One try at an example; many draws fit nothing and are given up.
    fn draw(&mut self) -> Option<Example> {
        let rng = &mut self.rng;
        let world = self.world.get_or_insert_with(|| {
            let (scene, said) = random_scene(rng);
            let pointers = shuffled(rng, &scene);
            let wanted = self.per_scene;
            World { scene: Arc::new(scene), said, pointers, wanted, tries: wanted * 4 }
        });
        let scene = world.scene.clone();
        let said = &world.said;
        let drawn = match rng.weighted(&[36, 17, 4, 3, if said.is_empty() { 0 } else { 32 }, 20]) {
            0 => single(rng, &scene).map(|draft| (draft, "one")),
            1 => several(rng, &scene, said).map(|draft| (draft, "several")),
            2 => remark(rng, &scene).map(|draft| (draft, "remark")),
            3 => which(rng, &scene).map(|draft| (draft, "which")),
            4 => {
                let at = wordy(rng, &scene).unwrap_or_else(|| rng.below(said.len()));
                user(rng, &scene, &said[at], at).map(|draft| (draft, "tool"))
            }
            _ => refusal(rng, &scene, said).map(|draft| (draft, "refuse")),
        };
        let example =
            drawn.and_then(|(draft, category)| finish(rng, scene, &world.pointers, draft, category));
        if self.fixed {
            return example;
        }
        world.wanted -= usize::from(example.is_some());
        world.tries -= 1;
        if world.wanted == 0 || world.tries == 0 || self.per_scene == 1 {
            self.world = None;
        }
        example
    }
}

/// Sometimes a user's tool that copies words: that is learnt slower than to choose.
fn wordy(rng: &mut Rng, scene: &Scene) -> Option<usize> {
    if rng.chance(0.6) {
        return None;
    }
    let copies = |param: &Param| matches!(param.kind, ParamKind::Text { .. });
    let wordy: Vec<usize> = scene
        .user_tools()
        .enumerate()
        .filter(|(_, (_, _, parameters))| parameters.iter().any(copies))
        .map(|(at, _)| at)
        .collect();
    (!wordy.is_empty()).then(|| *rng.pick(&wordy))
}

/// A request for one built-in tool.
fn single(rng: &mut Rng, scene: &Scene) -> Option<Draft> {
    const WEIGHTS: [u32; 13] = [16, 16, 4, 17, 11, 14, 14, 5, 34, 13, 8, 2, 0];
    let tool = Builtin::ALL[rng.weighted(&WEIGHTS)];
    builtin(rng, scene, tool, true).filter(|_| scene.has(tool))
}

/// An action that others can stand beside in one sentence.
pub(super) fn part(rng: &mut Rng, scene: &Scene, said: &[SaidTool], last: bool) -> Option<Draft> {
    if !said.is_empty() && rng.chance(0.14) {
        let at = rng.below(said.len());
        // Free text would swallow the rest of the sentence.
        return user(rng, scene, &said[at], at).filter(|draft| last || !draft.verbatim);
    }
    const WEIGHTS: [u32; 13] = [18, 18, 3, 14, 7, 11, 11, 3, 14, 6, 5, 0, 4];
    let tool = Builtin::ALL[rng.weighted(&WEIGHTS)];
    builtin(rng, scene, tool, false).filter(|_| scene.has(tool))
}

/// A line of a section of `sentences.txt` that has no slots, written out.
fn phrase(rng: &mut Rng, section: &str) -> Option<String> {
    let line = rng.pick(rng.lexicon().sentences.get(section)?);
    expand(rng, line.text, &mut |_, _| None)
}

/// A line that tells something of a device or place of the scene and asks for nothing; another one where there is none.
fn beside(rng: &mut Rng, scene: &Scene, section: &str) -> Option<String> {
    if scene.devices.is_empty() || !rng.lexicon().sentences.contains_key(section) {
        return phrase(rng, if section == "beside" { "chatter" } else { "purpose" });
    }
    let device = rng.pick(&scene.devices);
    let name = match rng.below(6) {
        0 => device.area.as_deref().unwrap_or(&device.name),
        1 if !device.aliases.is_empty() => rng.pick(&device.aliases),
        2 | 3 => device.name.rsplit(' ').next().unwrap_or(&device.name),
        _ => &device.name,
    };
    let name = name.strip_prefix("the ").unwrap_or(name).to_owned();
    let line = rng.pick(rng.lexicon().sentences.get(section)?);
    expand(rng, line.text, &mut |_, _| Some(name.clone()))
}

/// Words around a sentence, as many people say none as some. What is refused is wrapped like what is done: politeness
/// must tell nothing.
fn wrap(rng: &mut Rng, scene: &Scene, draft: &Draft, category: &str) -> Option<String> {
    let text = draft.text.trim();
    // A name may begin like an order: "heat pump on".
    let named = || {
        let links = scene.index().links(text);
        links.first().is_some_and(|link| link.start == 0 && matches!(link.marks[..], [Mark::Device(_)]))
    };
    let mood = match rng.lexicon().mood(text) {
        Mood::Order if named() => Mood::Other,
        mood => mood,
    };
    let (before, after, chatter) = match rng.weighted(&[50, 24, 9, 7, 5, 5]) {
        0 => return Some(text.to_owned()),
        1 => (true, false, false),
        2 => (false, true, false),
        3 => (false, false, true),
        4 => (true, false, true),
        _ => (true, true, rng.chance(0.4)),
    };
    let mut out = text.to_owned();
    // Free text would swallow what stands behind it.
    if after && !draft.verbatim {
        let section = if mood == Mood::Order && rng.chance(0.4) { "after_order" } else { "after" };
        out = format!("{out}{}", phrase(rng, section)?);
    }
    if before {
        out = match mood {
            // A gerund fits the first verb only.
            Mood::Order if category != "several" && rng.chance(0.12) => {
                format!("{} {}", phrase(rng, "before_gerund")?, rng.lexicon().gerund(&out)?)
            }
            Mood::Order if rng.chance(0.65) => format!("{} {out}", phrase(rng, "before_order")?),
            Mood::Question if rng.chance(0.4) => format!("{} {out}", phrase(rng, "before_question")?),
            _ => format!("{} {out}", phrase(rng, "before")?),
        };
        if rng.chance(0.08) {
            out = format!("{} {out}", phrase(rng, "before")?);
        }
    }
    if chatter {
        // Only a whole clause can be a reason.
        let clause = rng.chance(0.8);
        let said = match clause {
            true if rng.chance(0.25) => beside(rng, scene, "beside")?,
            true if rng.chance(0.25) => free_phrase(rng, "clause")?,
            true => phrase(rng, "chatter")?,
            false => phrase(rng, "exclamation")?,
        };
        // The numbers of a request are looked for from its start on: those of a reason before it are to be others.
        let meant = |known: f64| draft.values.iter().any(|value| (known - value).abs() < 1e-6);
        let counts = scene.index().links(&said).iter().any(|link| {
            matches!(link.marks[..], [Mark::Number(number)] if meant(number.value) || meant(number.said))
        });
        out = match rng.below(8) {
            0..=1 if mood == Mood::Order && !draft.verbatim => {
                let purpose = match rng.chance(0.3) {
                    true => beside(rng, scene, "beside_purpose")?,
                    false => phrase(rng, "purpose")?,
                };
                format!("{out}{}{purpose}", rng.pick(&[" ", " ", ", "]))
            }
            0..=4 if !draft.verbatim => {
                let joints = &[", ", ". ", ". ", " - ", ", ", "; ", "! ", " because ", " as "];
                let asks = ["could ", "can ", "would ", "will ", "may ", "might ", "any "];
                let asks = mood == Mood::Question || asks.iter().any(|word| out.starts_with(word));
                let joint = match () {
                    () if out.ends_with(['?', '!', '.']) => " ",
                    () if asks && rng.chance(0.5) => "? ",
                    () => *rng.pick(if clause { joints } else { &joints[..7] }),
                };
                format!("{out}{joint}{said}")
            }
            _ if counts => out,
            5 if clause => {
                let given = *rng.pick(&[
                    "since",
                    "as",
                    "now that",
                    "because",
                    "seeing as",
                    "given that",
                    "considering",
                ]);
                format!("{given} {said}, {out}")
            }
            _ => {
                let joints = &[", ", ", ", ". ", ". ", " - ", "! ", " so ", ", so "];
                let joint = *rng.pick(if clause { joints } else { &joints[..6] });
                format!("{said}{joint}{out}")
            }
        };
    }
    Some(out)
}

/// Wraps a request, misspells it, links it, and points the steps' numbers at the links.
fn finish(
    rng: &mut Rng,
    scene: Arc<Scene>,
    pointers: &Pointers,
    draft: Draft,
    category: &'static str,
) -> Option<Example> {
    let mut text = wrap(rng, &scene, &draft, category)?;
    text = tidy(&text);
    if !draft.verbatim {
        if rng.chance(0.22) {
            text = misspell(rng, &text);
        }
        if rng.chance(0.2) {
            text = text.replace([',', ';', '\''], "");
        }
    }
    text = dress(rng, &tidy(&text), draft.question);
    if text.is_empty() || text.len() > 300 {
        return None;
    }
    let mut links = scene.index().links(&text);
    // Marks may be missing; those of numbers may not, because answers point at them.
    let forget = if rng.chance(0.1) { 0.35 } else { 0.0 };
    links.retain(|link| link.marks.iter().any(|mark| matches!(mark, Mark::Number(_))) || !rng.chance(forget));
    let turn = Turn::with_links(&scene, &text, links);
    let mut steps = point(&turn, draft)?;
    steps.iter_mut().for_each(|step| respell(step, &text));
    let links = turn.links;
    let example = Example { request: text, links, steps, pointers: pointers.clone(), category, scene };
    example.pieces().map(|_| example)
}

/// The steps with their numbers as indices among the numbers that were linked; `None` when one is not there.
fn point(turn: &Turn<'_>, draft: Draft) -> Option<Vec<Step>> {
    let mut used = vec![false; turn.numbers.len()];
    let mut places = Vec::new();
    for value in &draft.values {
        let near = |a: f64| (a - value).abs() < 1e-6;
        let at = (0..turn.numbers.len()).find(|&at| {
            let number = turn.numbers[at];
            !used[at] && (near(number.value) || (number.unit == Unit::Seconds && near(number.said)))
        })?;
        used[at] = true;
        places.push(at);
    }
    Some(merged(draft.steps.into_iter().map(|step| step.renumbered(|at| places[at])).collect()))
}

/// Gives texts that a step copies the upper and lower case that they have in the request.
fn respell(step: &mut Step, request: &str) {
    let Step::User { arguments, .. } = step else { return };
    let lower = request.to_ascii_lowercase();
    for argument in arguments.iter_mut().flatten() {
        if let Argument::Text(text) = argument
            && let Some(at) = lower.find(&text.to_ascii_lowercase())
        {
            *text = request[at..at + text.len()].to_owned();
        }
    }
}

/// Pointers from a random place on, so that each of them is met in training as often as the others.
fn shuffled(rng: &mut Rng, scene: &Scene) -> Pointers {
    let pointers = Pointers::new(scene, None);
    if rng.chance(0.3) { pointers } else { pointers.turned(|most| rng.below(most)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{pintail::parse, resolve};

    #[test]
    fn a_seed_draws_the_same_examples() {
        let texts = |seed| Generator::new(seed).take(20).map(|example| example.request).collect::<Vec<_>>();
        assert_eq!(texts(7), texts(7));
        assert_ne!(texts(7), texts(8));
    }

    #[test]
    fn answers_read_back_as_they_were_meant() {
        let mut calls = 0;
        for example in Generator::new(3).take(500).chain(Generator::new(3).words(Words::Held).take(500)) {
            let (_, answer) = example.pieces().expect("a drawn example renders");
            let turn = Turn::with_links(&example.scene, &example.request, example.links.clone());
            let steps = parse(&turn, &example.pointers, &answer).expect("what was written reads back");
            let (meant, read) = (resolve(&turn, &example.steps), resolve(&turn, &steps));
            assert_eq!(meant, read, "{}", example.request);
            assert_eq!(meant.len(), example.steps.len(), "a step selects nothing: {}", example.request);
            assert_eq!(example.category == "refuse", meant.is_empty(), "{}", example.request);
            calls += read.len();
        }
        assert!(calls > 600);
    }
}
