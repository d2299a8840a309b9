//! The kernel over the simulated board: what is legal happens, what is not moves nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::board::{Capabilities, RealClock, Safe, SimClock};
use crate::tool::Builtin;

fn on_line(mut device: Device, offset: u32) -> Device {
    device.line = Some(LineRef { chip: None, line: LineId::Offset(offset) });
    device
}

/// One device of each sort: dimmed, with limits, plain, two-relay cover, valve, setting, inputs, confirmed.
fn house() -> Vec<Device> {
    let mut dimmed = Device::of_kind("desk lamp", "lamp", Some("study"));
    dimmed.range = Some([10.0, 80.0]);
    let mut gate = on_line(Device::of_kind("gate", "gate", None), 5);
    gate.close_line = Some(LineRef { chip: None, line: LineId::Offset(6) });
    let mut setpoint = Device::of_kind("thermostat", "thermostat", Some("hall"));
    setpoint.range = Some([5.0, 30.0]);
    let mut boiler = Device::of_kind("boiler", "boiler", None);
    boiler.confirm = true;
    let mut fridge = Device::of_kind("fridge", "plug", None);
    fridge.safe = Safe::On;
    vec![
        on_line(Device::of_kind("kitchen light", "light", Some("kitchen")), 17),
        dimmed,
        Device::of_kind("pump", "pump", None),
        gate,
        Device::of_kind("valve", "valve", None),
        setpoint,
        Device::of_kind("outside", "thermometer", None),
        Device::of_kind("bell", "button", None),
        boiler,
        fridge,
    ]
}

fn kernel_in(mode: Mode) -> (Kernel, SimBoard, SimClock) {
    let clock = SimClock::new();
    let (kernel, sim) = Kernel::simulated(house(), Arc::new(clock.clone()), mode).unwrap();
    (kernel, sim, clock)
}

fn call(tool: &str, arguments: Value) -> Call {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    Call { tool: tool.to_owned(), arguments }
}

fn does(kernel: &mut Kernel, tool: &str, arguments: Value) -> Outcome {
    kernel.perform(&call(tool, arguments), &Legal::everything(), None).unwrap()
}

fn refuses(kernel: &mut Kernel, tool: &str, arguments: Value) -> SafetyError {
    kernel.perform(&call(tool, arguments), &Legal::everything(), None).unwrap_err()
}

#[test]
fn a_light_goes_on_and_says_so() {
    let (mut kernel, sim, _) = kernel_in(Mode::Live);
    let outcome = does(&mut kernel, "on", json!({"devices": ["kitchen light", "pump"]}));
    assert_eq!(outcome.changes[0].to_string(), "kitchen light (line 17): off -> on 100 %");
    assert_eq!(
        serde_json::to_value(&outcome).unwrap(),
        json!({"changes": [
            {"device": "kitchen light", "line": "17", "before": {"state": "off"}, "after": {"state": "on", "level": 100.0}},
            {"device": "pump", "before": {"state": "off"}, "after": {"state": "on"}},
        ]})
    );
    assert_eq!(sim.lines("kitchen light"), Some((true, false)));
    assert_eq!(kernel.snapshot()[0].to_string(), "kitchen light (line 17): on 100 %");
    let again = does(&mut kernel, "on", json!({"devices": ["pump"]}));
    assert_eq!((again.changes.len(), again.unchanged), (0, vec!["pump".to_owned()]));
    assert_eq!(sim.changes().len(), 2);
}

#[test]
fn levels_stay_within_the_devices_limits() {
    let (mut kernel, sim, _) = kernel_in(Mode::Live);
    does(&mut kernel, "on", json!({"devices": ["desk lamp"]}));
    assert_eq!(sim.state("desk lamp"), Some(State::On { level: Some(80.0) }));
    let error =
        refuses(&mut kernel, "set_level", json!({"devices": ["kitchen light", "desk lamp"], "percent": 90}));
    assert_eq!(error.to_string(), "`set_level`: percent 90 is not between 10 and 80 for device `desk lamp`");
    assert_eq!(sim.state("kitchen light"), Some(State::Off), "all or nothing");
    let up =
        does(&mut kernel, "change_level", json!({"devices": ["desk lamp", "kitchen light"], "percent": 10}));
    assert_eq!(up.notes, ["desk lamp is held at its most, 80 %"]);
    assert_eq!(sim.state("kitchen light"), Some(State::On { level: Some(10.0) }));
    let down = does(
        &mut kernel,
        "change_level",
        json!({"devices": ["desk lamp", "kitchen light"], "percent": -100}),
    );
    assert_eq!(down.notes.len(), 2);
    assert_eq!(sim.state("desk lamp"), Some(State::On { level: Some(10.0) }));
    assert_eq!(sim.state("kitchen light"), Some(State::Off));
    let error = refuses(&mut kernel, "set_level", json!({"devices": ["pump"], "percent": 50}));
    assert!(matches!(error, SafetyError::CannotDo { .. }), "{error}");
}

#[test]
fn covers_values_and_readings() {
    let (mut kernel, sim, _) = kernel_in(Mode::Live);
    does(&mut kernel, "open", json!({"devices": ["gate", "valve"]}));
    assert_eq!(sim.lines("gate"), Some((true, false)));
    does(&mut kernel, "close", json!({"devices": ["gate"]}));
    assert_eq!(sim.lines("gate"), Some((false, true)));
    does(&mut kernel, "stop", json!({"devices": ["gate"]}));
    assert_eq!(sim.lines("gate"), Some((false, false)));
    assert!(matches!(
        refuses(&mut kernel, "stop", json!({"devices": ["valve"]})),
        SafetyError::CannotDo { .. }
    ));
    let set = does(&mut kernel, "set_value", json!({"devices": ["thermostat"], "value": 21.5}));
    assert_eq!(set.changes[0].to_string(), "thermostat: 17.5 °C -> 21.5 °C");
    for value in [4.9, 30.1, -1e300] {
        let error = refuses(&mut kernel, "set_value", json!({"devices": ["thermostat"], "value": value}));
        assert!(matches!(error, SafetyError::OutOfRange { .. }), "{error}");
    }
    sim.set_value("outside", -3.0);
    sim.set_input("bell", true);
    let read = does(&mut kernel, "read", json!({"devices": ["outside", "bell", "valve"]}));
    let said: Vec<String> = read.readings.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["outside: -3 °C", "bell: active", "valve: open"]);
    assert_eq!(
        serde_json::to_value(&read.readings[0]).unwrap(),
        json!({"device": "outside", "unit": "°C", "state": "value", "value": -3.0})
    );
}

#[test]
fn what_is_not_legal_is_refused_with_its_reason() {
    let (mut kernel, sim, _) = kernel_in(Mode::Live);
    let legal = Legal::only(["on"], ["pump", "outside"]);
    let mut error =
        |tool, arguments| kernel.perform(&call(tool, arguments), &legal, None).unwrap_err().to_string();
    assert_eq!(error("off", json!({"devices": ["pump"]})), "`off` is not allowed in this state");
    assert_eq!(
        error("on", json!({"devices": ["pump", "kitchen light"]})),
        "`on`: device `kitchen light` is not allowed in this state"
    );
    assert_eq!(
        error("on", json!({"devices": ["pmup"]})),
        "`on`: there is no device `pmup`; did you mean `pump`?"
    );
    assert_eq!(
        error("on", json!({"devices": ["outside"]})),
        "`on`: device `outside` (thermometer) cannot do that"
    );
    assert_eq!(error("on", json!({"devices": []})), "arguments of `on`: `devices` is empty");
    assert_eq!(
        error("on", json!({"devices": ["pump", "pump"]})),
        "arguments of `on`: device `pump` is named twice"
    );
    assert!(error("on", json!({"devices": ["pump"], "force": true})).contains("unknown field `force`"));
    assert!(error("list", json!({})).contains("not a built-in tool"));
    assert!(error("rm", json!({})).contains("not a built-in tool"));
    assert!(sim.changes().is_empty());
}

#[test]
fn a_confirmed_device_waits_for_a_person() {
    let (mut kernel, sim, _) = kernel_in(Mode::Live);
    let on = call("on", json!({"devices": ["pump", "boiler"]}));
    let error = kernel.perform(&on, &Legal::everything(), None).unwrap_err();
    assert!(matches!(&error, SafetyError::NeedsConfirmation { devices, .. } if devices == &["boiler"]));
    assert!(sim.changes().is_empty());
    let other = call("on", json!({"devices": ["boiler"]}));
    let error = kernel.perform(&on, &Legal::everything(), Some(Confirmed::by_person(&other))).unwrap_err();
    assert!(matches!(error, SafetyError::NeedsConfirmation { .. }), "a yes to another call is none");
    kernel.perform(&on, &Legal::everything(), Some(Confirmed::by_person(&on))).unwrap();
    assert_eq!(sim.state("boiler"), Some(State::On { level: None }));
    does(&mut kernel, "read", json!({"devices": ["boiler"]}));
    // The agent's file may make it safe, and nothing else.
    let off = call("off", json!({"devices": ["boiler"]}));
    assert!(kernel.perform(&off, &Legal::everything(), None).is_err());
    assert!(kernel.perform(&on, &Legal::by_author(), None).is_err());
    kernel.perform(&off, &Legal::by_author(), None).unwrap();
    assert_eq!(sim.state("boiler"), Some(State::Off));
}

#[test]
fn blinking_takes_its_time_and_ends_as_it_began() {
    let (mut kernel, sim, clock) = kernel_in(Mode::Live);
    let outcome =
        does(&mut kernel, "blink", json!({"devices": ["kitchen light"], "times": 2, "interval": 0.25}));
    assert_eq!(outcome, Outcome::default());
    let steps: Vec<(u128, bool)> = sim.changes().iter().map(|c| (c.at.as_millis(), c.lines.0)).collect();
    assert_eq!(steps, [(0, true), (250, false), (500, true), (750, false)]);
    assert_eq!(clock.now(), Duration::from_millis(750));
    does(&mut kernel, "set_level", json!({"devices": ["kitchen light"], "percent": 40}));
    does(&mut kernel, "blink", json!({"devices": ["kitchen light"]}));
    assert_eq!(sim.state("kitchen light"), Some(State::On { level: Some(40.0) }));
    for bad in
        [json!({"times": 0}), json!({"times": 101}), json!({"interval": 0.01}), json!({"interval": 61})]
    {
        let mut arguments = bad.as_object().unwrap().clone();
        arguments.insert("devices".to_owned(), json!(["kitchen light"]));
        let error = refuses(&mut kernel, "blink", Value::Object(arguments));
        assert!(matches!(error, SafetyError::OutOfRange { .. }), "{error}");
    }
}

#[test]
fn a_set_flag_ends_a_wait_and_a_blink_at_once() {
    let (mut kernel, sim) = Kernel::simulated(house(), Arc::new(RealClock::new()), Mode::Live).unwrap();
    let cancel = kernel.cancel();
    let setter = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        cancel.store(true, Ordering::Relaxed);
    });
    let begin = std::time::Instant::now();
    assert!(does(&mut kernel, "wait", json!({"seconds": 600})).interrupted);
    assert!(
        does(&mut kernel, "blink", json!({"devices": ["kitchen light"], "times": 100, "interval": 60}))
            .interrupted
    );
    assert!(begin.elapsed() < Duration::from_secs(30));
    assert_eq!(sim.state("kitchen light"), Some(State::Off));
    setter.join().unwrap();
}

#[test]
fn a_dry_run_reports_and_moves_nothing() {
    let (mut kernel, sim, clock) = kernel_in(Mode::DryRun);
    let toggle = json!({"devices": ["pump"]});
    assert_eq!(does(&mut kernel, "toggle", toggle.clone()).changes[0].to_string(), "pump: off -> on");
    let again = does(&mut kernel, "toggle", toggle);
    assert_eq!(
        again.changes[0].to_string(),
        "pump: on -> off",
        "a later call sees what an earlier one would do"
    );
    assert!(again.dry_run);
    does(&mut kernel, "wait", json!({"seconds": 600}));
    does(&mut kernel, "blink", json!({"devices": ["kitchen light"]}));
    assert!(matches!(
        refuses(&mut kernel, "on", json!({"devices": ["boiler"]})),
        SafetyError::NeedsConfirmation { .. }
    ));
    drop(kernel);
    assert!(sim.changes().is_empty() && clock.now().is_zero() && !sim.held());
}

#[test]
fn leaving_is_safe_also_by_a_panic() {
    let (mut kernel, sim, _) = kernel_in(Mode::Live);
    does(&mut kernel, "on", json!({"devices": ["pump", "kitchen light"]}));
    does(&mut kernel, "off", json!({"devices": ["fridge"]}));
    does(&mut kernel, "open", json!({"devices": ["gate", "valve"]}));
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _kernel = kernel;
        panic!("somewhere else");
    }));
    assert!(panicked.is_err() && !sim.held());
    assert_eq!(sim.state("pump"), Some(State::Off));
    assert_eq!(sim.state("fridge"), Some(State::On { level: None }));
    assert_eq!(sim.state("valve"), Some(State::Open), "keep");
    assert_eq!(sim.lines("gate"), Some((false, false)), "a kept gate does not go on moving");

    let (mut kernel, sim, _) = kernel_in(Mode::Live);
    does(&mut kernel, "on", json!({"devices": ["pump"]}));
    kernel.shutdown().unwrap();
    assert!(matches!(refuses(&mut kernel, "on", json!({"devices": ["pump"]})), SafetyError::ShutDown));
    assert_eq!(kernel.snapshot()[2].to_string(), "pump: off");
    let before = sim.changes();
    drop(kernel);
    assert_eq!(sim.changes(), before, "a board that was let go is not touched again");
}

fn any_call() -> impl Strategy<Value = Call> {
    let names: Vec<String> =
        house().into_iter().map(|device| device.name).chain(["nobody".to_owned()]).collect();
    let tools: Vec<&str> = Builtin::ALL.iter().map(|tool| tool.name()).chain(["schedule"]).collect();
    let number = prop_oneof![
        (-120i32..120).prop_map(|n| json!(n)),
        any::<f64>().prop_map(|x| json!(x)),
        Just(json!("5"))
    ];
    let devices = proptest::collection::vec(proptest::sample::select(names), 0..4);
    let argument = proptest::sample::select(vec!["percent", "value", "times", "interval", "seconds"]);
    (proptest::sample::select(tools), devices, proptest::option::of((argument, number))).prop_map(
        |(tool, devices, number)| {
            let mut arguments = serde_json::Map::new();
            if !matches!(tool, "wait" | "list") {
                arguments.insert("devices".to_owned(), json!(devices));
            }
            if let Some((name, value)) = number {
                arguments.insert(name.to_owned(), value);
            }
            Call { tool: tool.to_owned(), arguments }
        },
    )
}

/// What holds of every state that a board may be seen in.
fn holds(device: &Device, state: State, lines: (bool, bool)) -> bool {
    let within = |x: f64, [least, most]: [f64; 2]| x >= least && x <= most;
    lines != (true, true)
        && match state {
            State::On { level: Some(level) } => {
                device.can.has(Capabilities::LEVEL) && level > 0.0 && within(level, device.level_limits())
            }
            State::Value { value } if device.direction == Direction::Out => within(value, device.limits()),
            State::On { level: None } | State::Off => device.can.has(Capabilities::SWITCH),
            State::Open | State::Closed => device.can.has(Capabilities::COVER),
            State::Stopped => device.can.has(Capabilities::STOP),
            _ => device.direction == Direction::In,
        }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_sequence_of_calls_breaks_an_invariant(
        calls in proptest::collection::vec((any_call(), any::<bool>(), any::<bool>()), 0..30),
        dry in any::<bool>(),
    ) {
        let (mut kernel, sim, _) = kernel_in(if dry { Mode::DryRun } else { Mode::Live });
        let devices = house();
        let few = Legal::only(Builtin::ALL.map(Builtin::name), ["pump", "gate", "desk lamp"]);
        for (call, narrow, yes) in calls {
            let before = sim.changes().len();
            let legal = if narrow { few.clone() } else { Legal::everything() };
            let result = kernel.perform(&call, &legal, yes.then(|| Confirmed::by_person(&call)));
            let moved = &sim.changes()[before..];
            match result {
                Err(_) => prop_assert!(moved.is_empty(), "refused, but moved: {moved:?}"),
                Ok(outcome) => {
                    prop_assert!(!dry || moved.is_empty());
                    prop_assert!(dry || call.tool == "blink" || outcome.changes.len() == moved.len());
                    prop_assert!(yes || moved.iter().all(|change| change.device != "boiler"));
                }
            }
            for change in moved {
                let device = devices.iter().find(|device| device.name == change.device).unwrap();
                prop_assert!(holds(device, change.state, change.lines), "{change:?}");
                prop_assert!(!narrow || ["pump", "gate", "desk lamp"].contains(&change.device.as_str()));
            }
            if !dry {
                for now in kernel.snapshot() {
                    prop_assert_eq!(Some(now.state), sim.state(&now.device));
                }
            }
        }
        drop(kernel);
        for device in &devices {
            let state = sim.state(&device.name).unwrap();
            prop_assert!(dry || device.safe_state(state).is_none(), "{} was left {state}", device.name);
            prop_assert!(!dry || sim.changes().is_empty());
        }
    }
}
