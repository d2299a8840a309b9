//! Both engines on the same schemas and values, turn by turn.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use pintail::grammar::TokenTrie;
use pintail::grammar::cases::{self, Case, Outcome, Status, Times, Totals};

use crate::Side;
use crate::peer::Peer;

pub struct Settings {
    pub rounds: usize,
    pub slices: bool,
    pub flexible: bool,
    pub slowest: usize,
}

pub fn compare(side: &Side, cases: &[Case], settings: Settings) -> Result<()> {
    let start = Instant::now();
    let trie = Arc::new(TokenTrie::of(side.vocabulary.tokenizer()));
    let our_start = start.elapsed();
    let start = Instant::now();
    let peer = Peer::start(side.vocabulary.tokenizer(), settings.slices, settings.flexible)?;
    println!(
        "{} tokens; trie built in {:.1} ms, llguidance started in {:.1} ms\n",
        side.vocabulary.tokenizer().vocab_size(),
        our_start.as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64() * 1e3
    );
    let (mut ours, mut theirs) = (Totals::default(), Totals::default());
    let mut both: [(Vec<f32>, Vec<f32>); 2] = Default::default();
    let mut slow = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let mut pair: Option<(Outcome, Outcome)> = None;
        for round in 0..settings.rounds {
            // Who goes first changes, so that neither always finds the other's warm or cold caches.
            let us = || cases::run(case, &side.vocabulary, &trie, side.settings);
            let (a, b) = if (i + round) % 2 == 0 {
                let a = us();
                (a, peer.run(case, &side.vocabulary))
            } else {
                let b = peer.run(case, &side.vocabulary);
                (us(), b)
            };
            match &mut pair {
                None => pair = Some((a, b)),
                Some((least_a, least_b)) => {
                    least(least_a, &a);
                    least(least_b, &b);
                }
            }
        }
        let Some((a, b)) = pair else { continue };
        if a.status == Status::Compiled && b.status == Status::Compiled {
            for ((first, masks), outcome) in both.iter_mut().zip([&a, &b]) {
                first.extend(outcome.first_mask_us.map(|us| us as f32));
                masks.extend_from_slice(&outcome.masks_us);
            }
            let sum = |outcome: &Outcome| outcome.masks_us.iter().sum::<f32>();
            slow.push((
                sum(&a) - sum(&b),
                sum(&a),
                sum(&b),
                a.first_mask_us,
                b.first_mask_us,
                case.id.clone(),
            ));
        }
        ours.add(&a);
        theirs.add(&b);
    }
    verdicts(&ours, &theirs);
    let [(our_first, our_masks), (their_first, their_masks)] = both;
    println!(
        "\non the {} schemas that both compiled, µs (least of {} runs)",
        our_first.len(),
        settings.rounds
    );
    println!("{:<12} {:<11} {:>9} {:>9} {:>9} {:>10} {:>9}", "", "", "avg", "p50", "p99", "max", "count");
    times("first mask", Times::of(our_first), Times::of(their_first));
    times("mask", Times::of(our_masks), Times::of(their_masks));
    slow.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (lost, a, b, first_a, first_b, id) in slow.iter().take(settings.slowest) {
        println!(
            "{lost:>9.0} µs lost in masks ({a:.0} against {b:.0}), first mask {:.0} against {:.0}: {id}",
            first_a.unwrap_or(0.0),
            first_b.unwrap_or(0.0)
        );
    }
    Ok(())
}

/// Keeps the lesser of each time; the runs take the same steps.
fn least(kept: &mut Outcome, other: &Outcome) {
    if let (Some(a), Some(b)) = (&mut kept.first_mask_us, other.first_mask_us) {
        *a = a.min(b);
    }
    kept.masks_us.iter_mut().zip(&other.masks_us).for_each(|(a, b)| *a = a.min(*b));
}

fn verdicts(ours: &Totals, theirs: &Totals) {
    println!("{:<24} {:>9} {:>11}", "", "pintail", "llguidance");
    let rows: [(&str, fn(&Totals) -> usize); 10] = [
        ("schemas", |t| t.schemas),
        ("compiled", |t| t.compiled),
        ("refused", |t| t.refused),
        ("failed in the run", |t| t.failed),
        ("all right", |t| t.all_right),
        ("valid", |t| t.valid),
        ("valid accepted", |t| t.valid_accepted),
        ("invalid", |t| t.invalid),
        ("invalid accepted", |t| t.invalid_accepted),
        ("tokens unlike bytes", |t| t.split_answers),
    ];
    for (name, of) in rows {
        println!("{name:<24} {:>9} {:>11}", of(ours), of(theirs));
    }
}

fn times(name: &str, ours: Times, theirs: Times) {
    for (who, t) in [("pintail", ours), ("llguidance", theirs)] {
        println!(
            "{name:<12} {who:<11} {:>9.2} {:>9.2} {:>9.2} {:>10.1} {:>9}",
            t.avg, t.p50, t.p99, t.max, t.count
        );
    }
    let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
    println!(
        "{name:<12} {:<11} {:>9.3} {:>9.3} {:>9.3} {:>10.3}",
        "ratio",
        ratio(ours.avg, theirs.avg),
        ratio(ours.p50, theirs.p50),
        ratio(ours.p99, theirs.p99),
        ratio(ours.max, theirs.max)
    );
}

/// The schemas and values whose answers differ.
pub fn diff(side: &Side, cases: &[Case]) -> Result<()> {
    let trie = Arc::new(TokenTrie::of(side.vocabulary.tokenizer()));
    let peer = Peer::start(side.vocabulary.tokenizer(), true, false)?;
    let mut different = 0;
    for case in cases {
        let ours = cases::run(case, &side.vocabulary, &trie, side.settings);
        let theirs = peer.run(case, &side.vocabulary);
        let what = |outcome: &Outcome| match &outcome.error {
            Some(error) => format!("{:?} ({error})", outcome.status),
            None => format!("{:?}", outcome.status),
        };
        let mut lines = Vec::new();
        if ours.status != theirs.status {
            lines.push(format!("  ours {}\n  llguidance {}", what(&ours), what(&theirs)));
        }
        for (i, (a, b)) in ours.tests.iter().zip(&theirs.tests).enumerate() {
            if a.accepted != b.accepted {
                let said = |accepted: bool| if accepted { "accepts" } else { "refuses" };
                let right = if a.valid { "valid" } else { "invalid" };
                let place = a.refused_at.map_or_else(String::new, |at| format!(" at byte {at}"));
                let text: String = case.tests[i].text.chars().take(160).collect();
                lines.push(format!(
                    "  value {i} ({right}): ours {}{place}, llguidance {}: {text}",
                    said(a.accepted),
                    said(b.accepted)
                ));
            }
        }
        if !lines.is_empty() {
            different += 1;
            println!("{}\n{}", case.id, lines.join("\n"));
        }
    }
    println!("{different} of {} schemas get different answers", cases.len());
    Ok(())
}
