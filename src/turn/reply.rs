//! What the person is told of a call. Plain sentences from templates; the model writes none.

use crate::board::{Device, Number};
use crate::link::Link;
use crate::prompt::Scene;
use crate::safety::Outcome;
use crate::tool::Builtin;

/// Nothing legal serves the request.
const UNSERVED: &str = "I cannot do that here.";
/// As many devices, named in a request that nothing serves, are worth a line on what they can do.
const EXPLAINED: usize = 2;
/// The agent is in a final state.
pub(super) const ENDED: &str = "The agent has come to its end. /reset begins anew.";
/// A request for later, of a program that ends with it.
pub(super) const LEAVES: &str =
    "I cannot do that later: the program ends with this request, and the agent keeps no journal (`resume`).";
/// The reading is too unsure to be worth asking about.
pub(super) const UNSURE: &str = "I am not sure what you mean. Please say it another way.";

/// What to say where nothing legal serves the request; what the devices that it names can do instead.
pub(super) fn unserved(scene: &Scene, links: &[Link]) -> String {
    let mut named: Vec<usize> = Vec::new();
    for at in links.iter().filter(|link| link.named).flat_map(Link::devices) {
        if !named.contains(&at) {
            named.push(at);
        }
    }
    if named.len() > EXPLAINED {
        named.clear();
    }
    let told = named.into_iter().filter_map(|at| abilities(scene, at));
    std::iter::once(UNSERVED.to_owned()).chain(told).collect::<Vec<_>>().join(" ")
}

/// "thermostat can be set from 5 to 30 °C and read."; `None` when nothing is legal there.
fn abilities(scene: &Scene, at: usize) -> Option<String> {
    let device: &Device = scene.devices.get(at)?;
    let any = |tools: &[Builtin]| {
        let able = |tool: &Builtin| tool.needs().is_some_and(|needs| device.can.has(needs));
        tools.iter().any(|tool| scene.has(*tool) && able(tool))
    };
    let range = |[least, most]: [f64; 2], unit: &str| {
        format!("set from {} to {} {unit}", Number(least), Number(most)).trim_end().to_owned()
    };
    let mut can = Vec::new();
    if any(&[Builtin::On, Builtin::Off, Builtin::Toggle]) {
        can.push("switched on and off".to_owned());
    }
    if any(&[Builtin::Open, Builtin::Close]) {
        can.push("opened and closed".to_owned());
    }
    if any(&[Builtin::Stop]) {
        can.push("stopped".to_owned());
    }
    if any(&[Builtin::SetLevel, Builtin::ChangeLevel]) {
        can.push(range(device.level_limits(), "%"));
    }
    if any(&[Builtin::SetValue]) {
        can.push(range(device.limits(), device.unit.as_deref().unwrap_or_default()));
    }
    if any(&[Builtin::Blink]) {
        can.push("blinked".to_owned());
    }
    let only = if can.is_empty() { "only " } else { "" };
    if any(&[Builtin::Read]) {
        can.push("read".to_owned());
    }
    let last = can.pop()?;
    let before = can.join(", ");
    let and = if can.is_empty() { "" } else { " and " };
    Some(format!("{} can {only}be {before}{and}{last}.", device.name))
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{Tool, Turn};

    #[test]
    fn a_refusal_says_what_the_named_device_can_do() {
        let mut thermostat = Device::of_kind("thermostat", "thermostat", Some("hall"));
        thermostat.range = Some([5.0, 30.0]);
        let devices = vec![
            thermostat,
            Device::of_kind("hall lamp", "lamp", Some("hall")),
            Device::of_kind("back door", "contact", Some("hall")),
            Device::of_kind("blind", "blind", Some("study")),
        ];
        let tools = [Builtin::On, Builtin::SetLevel, Builtin::SetValue, Builtin::Read, Builtin::Blink];
        let scene = Scene::new(tools.map(Tool::Builtin).to_vec(), devices);
        let said = |request: &str| unserved(&scene, &Turn::new(&scene, request).links);
        assert_eq!(
            said("set the thermostat to 45"),
            "I cannot do that here. thermostat can be set from 5 to 30 °C and read."
        );
        assert_eq!(
            said("paint the hall lamp and the back door"),
            "I cannot do that here. hall lamp can be switched on and off, set from 0 to 100 %, blinked and read. \
             back door can only be read."
        );
        // No tool opens anything here.
        assert_eq!(said("open the blind"), "I cannot do that here. blind can only be read.");
        assert_eq!(said("order a pizza"), UNSERVED);
        assert_eq!(said("polish the thermostat, the hall lamp and the blind"), UNSERVED, "too many to tell");
    }
}
