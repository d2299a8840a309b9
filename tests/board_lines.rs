//! The GPIO board on real lines, driven through the safety kernel.
//!
//! Needs a chip that may be driven: `PINTAIL_TEST_CHIP=/dev/gpiochip0` (lines 5, 6, 17, 22, 23 and 24 of a
//! Raspberry Pi with NOTHING on them) and root, because what the lines show is read back from the kernel's
//! list in debugfs. `tests/board/run.sh` runs it on an emulated board; elsewhere it skips aloud.
#![cfg(target_os = "linux")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use pintail::board::{Device, LineId, LineRef, RealClock, Safe, State, board};
use pintail::safety::{Kernel, Legal, Mode, Outcome};
use pintail::tool::Call;

fn at(line: LineId) -> Option<LineRef> {
    Some(LineRef { chip: None, line })
}

fn on_line(name: &str, kind: &str, offset: u32) -> Device {
    let mut device = Device::of_kind(name, kind, None);
    device.line = at(LineId::Offset(offset));
    device
}

fn devices() -> Vec<Device> {
    let mut low = on_line("low light", "light", 22);
    low.active_low = true;
    let mut gate = on_line("gate", "gate", 5);
    gate.close_line = at(LineId::Name("GPIO6".to_owned()));
    let mut fridge = on_line("fridge", "plug", 23);
    fridge.safe = Safe::On;
    vec![
        on_line("lamp", "light", 17),
        low,
        gate,
        fridge,
        on_line("button", "button", 24),
        Device::of_kind("thermostat", "thermostat", None),
    ]
}

fn call(tool: &str, arguments: serde_json::Value) -> Call {
    serde_json::from_value(serde_json::json!({"tool": tool, "arguments": arguments})).unwrap()
}

fn does(kernel: &mut Kernel, tool: &str, device: &str) -> Outcome {
    let call = call(tool, serde_json::json!({"devices": [device]}));
    kernel.perform(&call, &Legal::everything(), None).unwrap()
}

/// The physical level of a line that someone holds as an output; `None` for a line that nobody holds.
fn high(offset: u32) -> Option<bool> {
    let lines = std::fs::read_to_string("/sys/kernel/debug/gpio").expect("debugfs, as root");
    let line = lines.lines().find(|line| line.contains(&format!("(GPIO{offset} ")))?;
    Some(line.split(") ").nth(1)?.starts_with("out hi"))
}

#[test]
fn lines_follow_the_calls() {
    let Ok(chip) = std::env::var("PINTAIL_TEST_CHIP") else {
        eprintln!("SKIP: no PINTAIL_TEST_CHIP; tests/board/run.sh runs this on an emulated board");
        return;
    };
    let open = |mode| Kernel::new(devices(), board(&chip).unwrap(), Arc::new(RealClock::new()), mode);

    let mut dry = open(Mode::DryRun).unwrap();
    does(&mut dry, "on", "lamp");
    assert_eq!(high(17), None, "a dry run takes no line");
    drop(dry);

    let mut kernel = open(Mode::Live).unwrap();
    let shown = || [17, 22, 5, 6, 23].map(|offset| high(offset).unwrap());
    assert_eq!(shown(), [false, true, false, false, true], "the safe states, the second active low");
    assert!(!kernel.has("thermostat"));

    let error = open(Mode::Live).err().expect("the lines are held").to_string();
    assert!(error.contains("`lamp`") && error.contains("held by `pintail`"), "{error}");

    does(&mut kernel, "on", "lamp");
    does(&mut kernel, "on", "low light");
    does(&mut kernel, "open", "gate");
    does(&mut kernel, "off", "fridge");
    assert_eq!(shown(), [true, false, true, false, false]);
    does(&mut kernel, "close", "gate");
    assert_eq!(shown(), [true, false, false, true, false]);
    assert_eq!(does(&mut kernel, "read", "button").readings[0].state, State::Inactive);
    let mut edges = kernel.edges().unwrap();
    assert!(edges.wait(Duration::from_millis(10)).unwrap().is_empty());

    let dim = call("set_level", serde_json::json!({"devices": ["lamp"], "percent": 50}));
    kernel.perform(&dim, &Legal::everything(), None).unwrap();
    let (begin, mut seen) = (Instant::now(), [false; 2]);
    while seen != [true; 2] {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "a dimmed line shows both levels, not only {seen:?}"
        );
        seen[usize::from(high(17).unwrap())] = true;
    }
    does(&mut kernel, "on", "lamp");
    assert!((0..50).all(|_| high(17) == Some(true)), "full on is steady");

    kernel.shutdown().unwrap();
    assert_eq!(high(17), None, "the lines are let go");
    let mut again = open(Mode::Live).unwrap();
    assert_eq!(again.snapshot()[0].to_string(), "lamp (line 17): off");
}
