//! Start time and resident memory of one engine in a process of its own.

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use pintail::grammar::TokenTrie;
use pintail::grammar::cases::{self, Case};
use serde_json::{Value, json};

use crate::peer::Peer;
use crate::{Input, Side};

/// Which engine a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// None: what the process, the tokenizer and the cases take.
    Bare,
    Pintail,
    Llguidance,
    /// Without its slices: slower on strings, smaller.
    LlguidancePlain,
}

/// The process itself: starts the engine, runs all cases, prints what it took as one JSON object.
pub fn measure(side: &Side, cases: &[Case], engine: Engine) -> Result<()> {
    let tokenizer = side.vocabulary.tokenizer();
    // The trie is stored, as after the first start of a program.
    let folder = std::env::temp_dir().join(format!("pintail-peers-{}", std::process::id()));
    if engine == Engine::Pintail {
        drop(TokenTrie::cached(tokenizer, Some(&folder)));
    }
    // Everything that tokenising allocates once is allocated before.
    for case in cases {
        case.tests.iter().for_each(|test| drop(side.vocabulary.tokens(&test.text)));
    }
    // SAFETY: only gives free memory back to the system.
    unsafe { libc::malloc_trim(0) };
    // The peak counts from here (5: see proc(5), clear_refs).
    std::fs::write("/proc/self/clear_refs", "5").context("cannot reset the peak of this process")?;
    let before = status()?;
    let start = Instant::now();
    let mut trie = None;
    let mut peer = None;
    match engine {
        Engine::Bare => {}
        Engine::Pintail => trie = Some(Arc::new(TokenTrie::cached(tokenizer, Some(&folder)))),
        Engine::Llguidance => peer = Some(Peer::start(tokenizer, true, false)?),
        Engine::LlguidancePlain => peer = Some(Peer::start(tokenizer, false, false)?),
    }
    let start_us = start.elapsed().as_secs_f64() * 1e6;
    let started = status()?;
    let _ = std::fs::remove_dir_all(&folder);
    for case in cases {
        match (&trie, &peer) {
            (Some(trie), _) => drop(cases::run(case, &side.vocabulary, trie, side.settings)),
            (_, Some(peer)) => drop(peer.run(case, &side.vocabulary)),
            _ => case.tests.iter().for_each(|test| drop(side.vocabulary.tokens(&test.text))),
        }
    }
    let ended = status()?;
    let report = json!({"start_us": start_us, "before": before, "started": started, "ended": ended});
    println!("{report}");
    Ok(())
}

/// Kilobytes of this process by kind.
fn status() -> Result<Value> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse().unwrap_or(0)
    };
    Ok(json!({
        "rss": field("VmRSS"), "anonymous": field("RssAnon"), "file": field("RssFile"), "peak": field("VmHWM"),
        "trie": trie_pages()?,
    }))
}

/// Kilobytes of the mapped trie that are resident.
fn trie_pages() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/smaps")?;
    let mut is_trie = false;
    let mut pages = 0;
    for line in text.lines() {
        // A mapping begins with its addresses; its file may be removed by now.
        if line.split_whitespace().next().is_some_and(|word| word.contains('-')) {
            is_trie = line.trim_end_matches(" (deleted)").ends_with(".trie");
        } else if is_trie && let Some(rest) = line.strip_prefix("Rss:") {
            pages += rest.trim().trim_end_matches("kB").trim().parse().unwrap_or(0);
        }
    }
    Ok(pages)
}

/// Runs one process an engine and prints a line for each: start, and what is over the bare process.
pub fn compare(input: &Input) -> Result<()> {
    println!("\nmemory over the bare process in kB (its own process each; `peak` over all cases), and start");
    println!("`working` is the peak without the pages of the program's own code: anonymous memory and the trie's pages");
    println!(
        "{:<20} {:>10} {:>16} {:>12} {:>10} {:>10} {:>10}",
        "engine", "start ms", "anonymous start", "rss start", "rss end", "rss peak", "working"
    );
    let bare = child(input, Engine::Bare)?;
    let extra = bare["ended"]["peak"].as_f64().unwrap_or(0.0) - bare["before"]["rss"].as_f64().unwrap_or(0.0);
    let grown = bare["ended"]["rss"].as_f64().unwrap_or(0.0) - bare["before"]["rss"].as_f64().unwrap_or(0.0);
    for engine in [Engine::Pintail, Engine::Llguidance, Engine::LlguidancePlain] {
        let report = child(input, engine)?;
        let kb = |point: &str, kind: &str| report[point][kind].as_f64().unwrap_or(0.0);
        let peak = kb("ended", "peak") - kb("before", "rss") - extra;
        let code = kb("ended", "file") - kb("before", "file") - kb("ended", "trie");
        println!(
            "{:<20} {:>10.2} {:>16.0} {:>12.0} {:>10.0} {:>10.0} {:>10.0}",
            format!("{engine:?}"),
            report["start_us"].as_f64().unwrap_or(0.0) / 1e3,
            kb("started", "anonymous") - kb("before", "anonymous"),
            kb("started", "rss") - kb("before", "rss"),
            kb("ended", "rss") - kb("before", "rss") - grown,
            peak,
            peak - code,
        );
    }
    Ok(())
}

fn child(input: &Input, engine: Engine) -> Result<Value> {
    let name = engine.to_possible_value().context("an engine without a name")?.get_name().to_owned();
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["resident", "--engine", &name, "--every", &input.every.to_string(), "-m"]);
    command.arg(&input.model).arg(&input.file);
    if input.any_order {
        command.arg("--any-order");
    }
    if let Some(split) = &input.split {
        command.args(["--split", split]);
    }
    let output = command.output()?;
    if !output.status.success() {
        bail!("{engine:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("the process said something else")
}
