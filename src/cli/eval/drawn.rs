//! `pintail eval --drawn`: requests that are made up and not recorded.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Map, json};

use super::{Args, Lexicon, answer, conclude, mind, show};
use crate::agent::{ACT, ASK, ModelRef};
use crate::corpus::{Example, Generator, Words};
use crate::eval::{Case, Effects, LinkTally, Origin, Tally, judge};
use crate::prompt::{Turn, resolve};

/// Requests that follow each other in one scene: the model reads the scene once for all of them.
const PER_SCENE: usize = 16;

/// Draws requests and scores what the model makes of them, at the thresholds that agents have by default.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let count = args.drawn.unwrap_or(0) as usize;
    let words = match args.words {
        Lexicon::Held => Words::Held,
        Lexicon::Training => Words::Training,
    };
    let cancel = Arc::new(AtomicBool::new(false));
    let mut mind = mind(args, &ModelRef::Bundled, cancel.clone())?;
    let mut examples = Generator::new(args.seed).words(words).per_scene(PER_SCENE);
    let (mut tally, mut links) = (Tally::default(), LinkTally::default());
    let (mut scenes, mut scene) = (0, None);
    let origin = Arc::new(PathBuf::from("drawn"));
    let mut out = io::stdout().lock();
    let bar = crate::cli::bar(count as u64);
    for line in 1..=count {
        let Some(example) = examples.next() else { break };
        if !scene.as_ref().is_some_and(|known| Arc::ptr_eq(known, &example.scene)) {
            scenes += 1;
            scene = Some(example.scene.clone());
        }
        bar.inc(1);
        if args.category.as_ref().is_some_and(|wanted| wanted != example.category) {
            continue;
        }
        let case = case(&example, Origin { file: origin.clone(), line });
        let started = Instant::now();
        let reading = mind
            .read(&example.scene, None, &example.request, &cancel)
            .with_context(|| format!("{}: {:?}", case.origin, case.text))?;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        let answer = answer(reading, ACT, ASK, ms);
        let score = judge(&[Effects::whole(&case.calls)], &Effects::whole(&answer.calls), answer.asked);
        tally.add(Some(example.category), &answer, &score);
        links.add(&example.scene, &example.scene.index().links(&case.text), &case.calls);
        show(args, &mut out, "drawn", &case, &answer, &score)?;
    }
    bar.finish_and_clear();
    let totals = tally.totals();
    if totals.cases == 0 {
        let name = args.category.as_deref().unwrap_or_default();
        bail!(
            "no drawn request is of the category `{name}`; there are: one, several, remark, which, tool, refuse"
        );
    }
    let (held, seed) = (words == Words::Held, args.seed);
    if !args.json {
        let of = if held { "that training never saw" } else { "of training" };
        writeln!(
            out,
            "{} requests in {scenes} scenes, drawn with seed {seed} from names, sentences and tools {of}\n",
            totals.cases
        )?;
    }
    let about = json!({ "scenes": scenes, "seed": seed, "words": if held { "held" } else { "training" } });
    let about = about.as_object().cloned().unwrap_or_else(Map::new);
    conclude(args, &mut out, &totals, &links.totals(), about)?;
    Ok(ExitCode::SUCCESS)
}

/// A drawn request as a case of its own.
fn case(example: &Example, origin: Origin) -> Case {
    let turn = Turn::with_links(&example.scene, &example.request, example.links.clone());
    Case {
        text: example.request.clone(),
        calls: resolve(&turn, &example.steps),
        category: Some(example.category.to_owned()),
        origin,
        ..Case::default()
    }
}
