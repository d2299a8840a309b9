//! `[devices.NAME]` to [`Device`].

use std::collections::HashMap;

use super::super::file::{At, DeviceTable, LineSpec, Table};
use super::super::finding::Findings;
use super::{check_name, nearest, shown};
use crate::board::{Capabilities, Device, Direction, KINDS, LineId, LineRef, Safe, kind_info};

/// Frequency of the software PWM when the file names none, in hertz.
const PWM_HZ: u32 = 100;

/// Checks all devices; those with errors are returned all the same, so that their names are known.
pub(super) fn check(table: Table<DeviceTable>, findings: &mut Findings) -> Vec<Device> {
    let mut names = HashMap::new();
    let mut lines = HashMap::new();
    // Names first: an alias that is another device's name is the alias's fault, wherever it stands.
    for (name, _) in &table.0 {
        if check_name(name, "name of the device", findings) {
            claim_name(name, &name.value, &mut names, findings);
        }
    }
    let mut devices = Vec::with_capacity(table.0.len());
    for (name, table) in table.0 {
        for alias in &table.aliases {
            if check_name(alias, "alias", findings) {
                claim_name(alias, &name.value, &mut names, findings);
            }
        }
        for line in [&table.line, &table.close_line].into_iter().flatten() {
            claim_line(line, &name.value, &mut lines, findings);
        }
        devices.push(device(name, table, findings));
    }
    devices
}

/// Names and aliases are one name space: the linker could not tell two devices apart.
fn claim_name(name: &At<String>, device: &str, names: &mut HashMap<String, String>, findings: &mut Findings) {
    let folded = name.value.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    match names.get(&folded) {
        None => {
            names.insert(folded, device.to_owned());
        }
        Some(owner) if owner == device => {
            findings.warning(
                &name.span,
                format!("`{}` already calls itself `{}`", shown(device), shown(&name.value)),
            );
        }
        Some(owner) => {
            let message = format!("`{}` already means the device `{}`", shown(&name.value), shown(owner));
            findings
                .error(&name.span, message)
                .help("names and aliases are unique in an agent, whatever their case");
        }
    }
}

fn claim_line(
    line: &At<LineSpec>,
    device: &str,
    lines: &mut HashMap<String, String>,
    findings: &mut Findings,
) {
    if let Some(owner) = lines.insert(format!("{:?}", line.value.0), device.to_owned()) {
        let message = format!("this line already belongs to `{}`", shown(&owner));
        findings.error(&line.span, message).help("every device has a line of its own");
        return;
    }
    // On a Raspberry Pi `GPIO17` is the name of line 17; other boards may differ, so only a warning.
    let LineRef { chip, line: id } = &line.value.0;
    let twin = match id {
        LineId::Offset(offset) => Some(LineId::Name(format!("GPIO{offset}"))),
        LineId::Name(name) => name.strip_prefix("GPIO").and_then(|n| n.parse().ok()).map(LineId::Offset),
    };
    if let Some(owner) =
        twin.and_then(|line| lines.get(&format!("{:?}", LineRef { chip: chip.clone(), line })))
    {
        let message = format!("on a Raspberry Pi this is the line of `{}`", shown(owner));
        findings.warning(&line.span, message);
    }
}

fn device(name: At<String>, table: DeviceTable, findings: &mut Findings) -> Device {
    check_name(&table.kind, "kind", findings);
    if let Some(area) = &table.area {
        check_name(area, "area", findings);
    }
    let mut device =
        Device::of_kind(&name.value, &table.kind.value, table.area.as_ref().map(|area| area.value.as_str()));
    let known = kind_info(&table.kind.value);
    direction(&mut device, &table, known.is_some(), findings);
    if known.is_none() {
        let plain = if device.direction == Direction::In {
            "a plain input"
        } else {
            "a plain output (on, off, toggle, blink)"
        };
        let message = format!(
            "`{}` is no kind that is known by itself; it is taken as {plain}",
            shown(&table.kind.value)
        );
        let note = findings.note(&table.kind.span, message);
        if let Some(near) = nearest(&table.kind.value, KINDS.iter().map(|(kind, _)| *kind)) {
            note.help(format!("did you mean `{near}`?"));
        }
    }
    levels(&mut device, &table, findings);
    lines(&mut device, &table, findings);
    range(&mut device, &name, &table, findings);
    safe(&mut device, &table, findings);
    if let Some(unit) = table.unit {
        check_name(&unit, "unit", findings);
        device.unit = Some(unit.value);
    }
    device.aliases =
        table.aliases.into_iter().map(|alias| alias.value).filter(|alias| *alias != name.value).collect();
    device.active_low = table.active_low;
    device.confirm = table.confirm;
    device
}

fn direction(device: &mut Device, table: &DeviceTable, known: bool, findings: &mut Findings) {
    let Some(At { value, span }) = &table.direction else { return };
    match value {
        Direction::Out if known && device.direction == Direction::In => {
            let message = format!("a {} is read, it cannot be driven", shown(&table.kind.value));
            findings
                .error(span, message)
                .help("leave `direction` out, or give it the kind of an output (`output`)");
        }
        Direction::In if known && device.direction == Direction::Out => {
            let message = format!("as an input this {} can only be read", shown(&table.kind.value));
            findings.note(span, message);
        }
        _ => {}
    }
    if *value == Direction::In {
        device.direction = Direction::In;
        device.can = Capabilities::NONE;
        device.safe = Safe::Keep;
    }
}

fn levels(device: &mut Device, table: &DeviceTable, findings: &mut Findings) {
    match &table.levels {
        Some(At { value: true, span }) => {
            if device.can.has(Capabilities::SWITCH) {
                device.can = device.can.with(Capabilities::LEVEL);
            } else {
                findings.error(span, "only a device that can be switched on can have levels");
            }
        }
        Some(At { value: false, .. }) => device.can = device.can.without(Capabilities::LEVEL),
        None => {}
    }
    let dimmed = device.can.has(Capabilities::LEVEL);
    match &table.pwm_hz {
        Some(At { span, .. }) if !dimmed => {
            findings
                .error(span, "`pwm_hz` is for devices with levels")
                .help("add `levels = true`, or leave it out");
        }
        Some(At { value, span }) if !(1..=1000).contains(value) => {
            findings.error(span, format!("`pwm_hz` is from 1 to 1000 hertz, not {value}"));
        }
        Some(At { value, .. }) => device.pwm_hz = Some(*value),
        None if dimmed => device.pwm_hz = Some(PWM_HZ),
        None => {}
    }
}

fn lines(device: &mut Device, table: &DeviceTable, findings: &mut Findings) {
    let cover = device.can.has(Capabilities::COVER);
    if let Some(close) = &table.close_line {
        if !cover {
            findings
                .error(&close.span, "`close_line` is for things that open and close")
                .help("a device that is switched on and off has `line` only");
        } else if table.line.is_none() {
            findings.error(&close.span, "`close_line` without `line`").help("`line` is the one that opens");
        }
    }
    if let Some(line) = table.line.as_ref().filter(|_| device.can.has(Capabilities::VALUE)) {
        findings
            .error(&line.span, "a digital line is high or low; it cannot carry a value")
            .help("leave `line` out: the device then exists on the simulated board only");
    }
    device.line = table.line.as_ref().map(|line| line.value.0.clone());
    device.close_line = table.close_line.as_ref().map(|line| line.value.0.clone());
    if device.line.is_some() && device.close_line.is_none() {
        // One relay opens or closes all the way; there is no position between to stop at.
        device.can = device.can.without(Capabilities::STOP);
    }
}

fn range(device: &mut Device, name: &At<String>, table: &DeviceTable, findings: &mut Findings) {
    let value = device.can.has(Capabilities::VALUE);
    let Some(At { value: bounds, span }) = &table.range else {
        if value {
            findings
                .error(
                    &table.kind.span,
                    format!("the {} `{}` needs a range", table.kind.value, shown(&name.value)),
                )
                .help("say `range = [least, most]`, in its unit");
        }
        return;
    };
    let &[least, most] = bounds.as_slice() else {
        findings.error(span, format!("a range has two numbers, [least, most], not {}", bounds.len()));
        return;
    };
    if !least.is_finite() || !most.is_finite() || least >= most {
        findings.error(span, format!("the range [{least}, {most}] is empty")).help("it is [least, most]");
        return;
    }
    if device.can.has(Capabilities::LEVEL) && (least < 0.0 || most > 100.0) {
        findings.error(span, format!("levels are percent, from 0 to 100, not {least} to {most}"));
        return;
    }
    if device.direction == Direction::Out && !value && !device.can.has(Capabilities::LEVEL) {
        findings.warning(
            span,
            format!("nothing can be set on a {}, so this range says nothing", shown(&table.kind.value)),
        );
    }
    device.range = Some([least, most]);
}

fn safe(device: &mut Device, table: &DeviceTable, findings: &mut Findings) {
    let Some(At { value, span }) = &table.safe else { return };
    let fits = match value {
        Safe::Keep => true,
        Safe::Off | Safe::On => device.can.has(Capabilities::SWITCH),
        Safe::Open | Safe::Close => device.can.has(Capabilities::COVER),
    };
    if fits {
        device.safe = *value;
        return;
    }
    let can = if device.can.has(Capabilities::SWITCH) {
        "`off`, `on` or `keep`"
    } else if device.can.has(Capabilities::COVER) {
        "`open`, `close` or `keep`"
    } else {
        "`keep`"
    };
    let word = format!("{value:?}").to_lowercase();
    let message =
        format!("`{word}` is nothing that a {} can do when the agent ends", shown(&table.kind.value));
    findings.error(span, message).help(format!("it can be {can}"));
}
