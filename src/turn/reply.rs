//! What the person is told of a call. Plain sentences from templates; the model writes none.

use crate::safety::Outcome;

/// Nothing legal serves the request.
pub(super) const UNSERVED: &str = "I cannot do that here.";
/// The agent is in a final state.
pub(super) const ENDED: &str = "The agent has come to its end. /reset begins anew.";
/// A request for later, of a program that ends with it.
pub(super) const LEAVES: &str =
    "I cannot do that later: the program ends with this request, and the agent keeps no journal (`resume`).";
/// The reading is too unsure to be worth asking about.
pub(super) const UNSURE: &str = "I am not sure what you mean. Please say it another way.";

/// A built-in tool's outcome in a line or more.
pub(super) fn outcome(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    for change in &outcome.changes {
        let now = change.after.describe(change.unit.as_deref());
        let verb = if outcome.dry_run { "would be" } else { "is now" };
        lines.push(format!("{} {verb} {now}.", change.device));
    }
    for reading in &outcome.readings {
        lines.push(format!("{}: {}.", reading.device, reading.state.describe(reading.unit.as_deref())));
    }
    if !outcome.unchanged.is_empty() {
        let verb = if outcome.unchanged.len() == 1 { "is" } else { "are" };
        lines.push(format!("{} {verb} that way already.", outcome.unchanged.join(", ")));
    }
    lines.extend(outcome.notes.iter().map(|note| format!("{note}.")));
    if outcome.interrupted {
        lines.push("Interrupted.".to_owned());
    }
    if lines.is_empty() {
        lines.push("Done.".to_owned());
    }
    lines.join("\n")
}
