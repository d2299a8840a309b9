//! The statechart as a caller sees it: events in, actions out.

mod irp;

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::agent::{Agent, EMBEDDED};
use crate::board;
use crate::tool::Call;

const AGENT: &str = r#"
    format = 1
    [agent]
    name = "test"
    start = "day"
    [devices.lamp]
    kind = "lamp"
    [devices.fan]
    kind = "fan"
    [devices.bell]
    kind = "button"
    [states.day]
    on = [
      { call = "off", device = "lamp", to = "night", say = "Sleep well." },
      { call = "off", to = "day" },
      { error = "on", say = "That failed." },
      { unserved = true, say = "Not here." },
      { edge = "bell", when = "falling", do = [ { tool = "blink", arguments = { devices = ["lamp"] } } ] },
      { after = "30s", to = "night" },
      { after = "5s", say = "Hello?" },
    ]
    [states.night]
    tools = ["on", "toggle", "read"]
    on = [
      { edge = "bell", when = "both", to = "day" },
      { call = "toggle", to = "night", do = [ { tool = "toggle", arguments = { devices = ["fan", "lamp"] } } ] },
    ]
"#;

fn agent(source: &str) -> Agent {
    Agent::parse(source, None).unwrap_or_else(|error| panic!("{error}"))
}

fn step(agent: &Agent, machine: &MachineState, event: Event) -> (MachineState, Vec<Action>) {
    super::step(agent, machine, event, &Surroundings::default())
}

fn start(agent: &Agent) -> (MachineState, Vec<Action>) {
    super::start(agent, &Surroundings::default())
}

fn called(tool: &str, device: &str, ok: bool) -> Event {
    let arguments = json!({ "devices": [device] }).as_object().unwrap().clone();
    let result = if ok { Ok(Json::Null) } else { Err("broken".to_owned()) };
    Event::Called { call: Call { tool: tool.into(), arguments }, result, by: By::Turn }
}

fn in_state(agent: &Agent, machine: &MachineState, name: &str) -> bool {
    machine.active.contains(&agent.state(name).unwrap())
}

/// The timers that are set by these actions, with their times.
fn timers(actions: &[Action]) -> Vec<(Duration, TimerId)> {
    let set = actions.iter().filter_map(|action| match action {
        Action::SetTimer { after, id } => Some((*after, *id)),
        _ => None,
    });
    set.collect()
}

fn said(actions: &[Action]) -> Vec<&str> {
    let said = actions.iter().filter_map(|action| match action {
        Action::Say(text) => Some(text.as_str()),
        _ => None,
    });
    said.collect()
}

#[test]
fn starting_enters_the_first_state_and_sets_its_timers() {
    let agent = agent(AGENT);
    let (machine, actions) = start(&agent);
    assert_eq!(machine.active, [0]);
    assert_eq!(actions[0], Action::Enter(0));
    let times: Vec<u64> = timers(&actions).iter().map(|(after, _)| after.as_secs()).collect();
    assert_eq!(times, [30, 5]);
}

#[test]
fn the_first_match_wins_and_devices_narrow() {
    let agent = agent(AGENT);
    let (machine, began) = start(&agent);
    let (night, actions) = step(&agent, &machine, called("off", "lamp", true));
    assert_eq!(night.active, [1]);
    let cancelled: Vec<Action> = timers(&began).iter().map(|(_, id)| Action::CancelTimer(*id)).collect();
    assert_eq!(actions[..2], cancelled);
    assert_eq!(actions[2..], [Action::Exit(0), Action::Say("Sleep well.".into()), Action::Enter(1)]);

    // The fan is no lamp: the second transition, which enters the same state anew.
    let (day, actions) = step(&agent, &machine, called("off", "fan", true));
    assert_eq!(day.active, [0]);
    assert_eq!(timers(&actions).len(), 2);
    assert!(timers(&actions).iter().all(|timer| !timers(&began).contains(timer)), "names are new");

    let (same, actions) = step(&agent, &machine, called("read", "lamp", true));
    assert_eq!((same, actions.len()), (machine, 0));
}

#[test]
fn failures_are_no_successes() {
    let agent = agent(AGENT);
    let (machine, _) = start(&agent);
    assert_eq!(step(&agent, &machine, called("off", "lamp", false)), (machine.clone(), vec![]));
    assert_eq!(step(&agent, &machine, called("on", "fan", true)).1, []);
    let (next, actions) = step(&agent, &machine, called("on", "fan", false));
    assert_eq!((next.active, actions), (vec![0], vec![Action::Say("That failed.".into())]));
}

#[test]
fn unserved_requests_and_edges() {
    let agent = agent(AGENT);
    let (machine, _) = start(&agent);
    assert_eq!(
        step(&agent, &machine, Event::Unserved { text: "sing".into() }).1,
        [Action::Say("Not here.".into())]
    );
    assert_eq!(step(&agent, &machine, Event::Edge { device: 2, rising: true }).1, []);
    assert_eq!(step(&agent, &machine, Event::Edge { device: 1, rising: false }).1, []);
    let (_, actions) = step(&agent, &machine, Event::Edge { device: 2, rising: false });
    let [Action::Do(call)] = actions.as_slice() else { panic!("{actions:?}") };
    // Defaults are filled in when the file is checked.
    assert_eq!(call.arguments["times"], 3);
    assert_eq!(call.arguments["interval"], 0.5);
    let (night, _) = step(&agent, &machine, called("off", "lamp", true));
    for rising in [true, false] {
        assert_eq!(step(&agent, &night, Event::Edge { device: 2, rising }).0.active, [0]);
    }
}

#[test]
fn timers_of_states_that_were_left_are_void() {
    let agent = agent(AGENT);
    let (machine, began) = start(&agent);
    let [(_, thirty), (_, five)] = timers(&began)[..] else { panic!("{began:?}") };
    let (still, actions) = step(&agent, &machine, Event::Timer(five));
    assert_eq!((still.active, actions), (vec![0], vec![Action::Say("Hello?".into())]));
    let (night, _) = step(&agent, &machine, Event::Timer(thirty));
    assert_eq!(night.active, [1]);
    let (day, again) = step(&agent, &night, Event::Edge { device: 2, rising: true });
    for void in [thirty, five, TimerId(99)] {
        assert_eq!(step(&agent, &day, Event::Timer(void)).1, []);
    }
    assert_ne!(step(&agent, &day, Event::Timer(timers(&again)[0].1)).1, []);
}

#[test]
fn chains_of_calls_end() {
    let agent = agent(AGENT);
    let (machine, _) = start(&agent);
    let (mut machine, _) = step(&agent, &machine, called("off", "lamp", true));
    let mut event = called("toggle", "fan", true);
    for steps in 1.. {
        let (next, actions) = step(&agent, &machine, event);
        machine = next;
        let call = actions.iter().find_map(|action| match action {
            Action::Do(call) => Some(call.clone()),
            _ => None,
        });
        let Some(call) = call else {
            assert_eq!(steps, MAX_CHAIN + 1);
            assert!(matches!(actions[..], [Action::Cut { .. }]), "{actions:?}");
            break;
        };
        // Resolved in the order of the file.
        assert_eq!(call.arguments["devices"], json!(["lamp", "fan"]));
        event = Event::Called { call, result: Ok(Json::Null), by: By::Transition };
    }
    // Anything else begins anew.
    assert_ne!(step(&agent, &machine, called("toggle", "fan", true)).1, []);
}

#[test]
fn a_state_of_another_agent_starts_anew() {
    let agent = agent(AGENT);
    let lost = MachineState { active: vec![99], running: true, ..MachineState::default() };
    assert_eq!(step(&agent, &lost, Event::Unserved { text: "sing".into() }).0.active, [agent.start]);
}

/// An agent with one button, one probe, and these states.
fn with(states: &str) -> Agent {
    let devices = "[devices.bell]\nkind = 'button'\ndebounce = '20ms'\n[devices.probe]\nkind = 'sensor'\nunit = '%'\n\
                   [devices.lamp]\nkind = 'lamp'\n";
    agent(&format!("format = 1\n[agent]\nname = 'a'\nstart = 'main'\n{devices}{states}"))
}

#[test]
fn bouncing_contacts_count_once_and_what_they_say_in_the_end_counts() {
    let agent = with(
        "[states.main]\non = [{ edge = 'bell', say = 'down' }, { edge = 'bell', when = 'falling', say = 'up' }]\n",
    );
    let (mut machine, _) = start(&agent);
    let mut quiet = None;
    let mut heard = Vec::new();
    // Ten thousand edges within the time in which it is left alone.
    for bounce in 0..10_001 {
        let (next, actions) = step(&agent, &machine, Event::Edge { device: 0, rising: bounce % 2 == 0 });
        machine = next;
        heard.extend(said(&actions).into_iter().map(str::to_owned));
        quiet = timers(&actions).first().map(|(_, id)| *id).or(quiet);
    }
    assert_eq!(heard, ["down"]);
    assert_eq!(machine.pending.len(), 1);
    // It ends active, as was told.
    let (same, actions) = step(&agent, &machine, Event::Timer(quiet.unwrap()));
    assert!(actions.is_empty() && same.settling.is_empty());
    let (bounced, actions) = step(&agent, &same, Event::Edge { device: 0, rising: false });
    assert_eq!(said(&actions), ["up"]);
    let quiet = timers(&actions)[0].1;
    let (bounced, actions) = step(&agent, &bounced, Event::Edge { device: 0, rising: true });
    assert_eq!(actions, []);
    let (_, actions) = step(&agent, &bounced, Event::Timer(quiet));
    assert_eq!(said(&actions), ["down"], "what it says in the end");
}

#[test]
fn thresholds_count_once_until_the_value_comes_back() {
    let agent = with(
        "[states.main]\non = [{ sensor = 'probe', below = 30, hysteresis = 5, say = 'dry {{ event.value }}' }]\n",
    );
    let (mut machine, _) = start(&agent);
    let mut heard = Vec::new();
    for value in [50.0, 30.0, 29.0, 28.0, 34.9, 20.0, 35.0, 29.5, 10.0, f64::NAN, 60.0, 0.0] {
        let (next, actions) = step(&agent, &machine, Event::Reading { device: 1, value });
        machine = next;
        heard.extend(said(&actions).into_iter().map(str::to_owned));
    }
    assert_eq!(heard, ["dry 29", "dry 29.5", "dry 0"]);
}

#[test]
fn idle_time_begins_again_with_every_word() {
    let agent = with(
        "[states.main]\non = [{ idle = '1m', say = 'Still there?' }, { every = '10s', say = 'tick' }]\n",
    );
    let (machine, began) = start(&agent);
    let [(minute, idle), (ten, every)] = timers(&began)[..] else { panic!("{began:?}") };
    assert_eq!((minute.as_secs(), ten.as_secs()), (60, 10));
    let (machine, actions) = step(&agent, &machine, Event::Activity);
    let again = timers(&actions)[0].1;
    assert_eq!(actions[0], Action::CancelTimer(idle));
    assert_eq!(said(&step(&agent, &machine, Event::Timer(again)).1), ["Still there?"]);
    let (machine, actions) = step(&agent, &machine, Event::Timer(every));
    assert_eq!(said(&actions), ["tick"]);
    assert_eq!(timers(&actions).len(), 1, "it is set again");
    assert_eq!(machine.pending.len(), 2);
}

#[test]
fn loops_without_end_are_cut_and_nothing_is_lost() {
    let agent = with(
        "[variables]\nn = 0\n[states.main]\non = [{ always = true, if = 'n >= 0', to = 'other', do = [{ set = { n = 'n + 1' } }] }]\n\
         [states.other]\non = [{ always = true, if = 'n >= 0', to = 'main' }]\n",
    );
    let (machine, actions) = start(&agent);
    assert!(matches!(actions.last(), Some(Action::Cut { .. })), "{:?}", actions.last());
    assert_eq!(machine.active.len(), 1);
    assert_eq!(machine.variables, [Value::Number(MAX_STEPS as f64 / 2.0)]);
    // Queues are bounded too: every event raises two.
    let agent = with(
        "[states.main]\nentry = [{ raise = 'x' }]\non = [{ event = 'x', do = [{ raise = 'x' }, { raise = 'x' }, { send = 'x' }] }]\n",
    );
    let (_, actions) = start(&agent);
    assert!(actions.iter().any(|action| matches!(action, Action::Cut { .. })));
}

#[test]
fn guards_see_variables_the_board_and_the_clock() {
    let agent = with(
        "[states.main]\non = [{ edge = 'bell', if = 'on(\"lamp\") and value(\"probe\") < 40 and hour() >= 22', say = 'night {{ minute() }}' }]\n",
    );
    assert_eq!((agent.observed.as_slice(), agent.sampled.as_slice()), (&[1, 2][..], &[][..]));
    let (machine, _) = start(&agent);
    let press = Event::Edge { device: 0, rising: true };
    let mut around = Surroundings {
        devices: BTreeMap::from([
            (1, board::State::Value { value: 39.0 }),
            (2, board::State::On { level: None }),
        ]),
        clock: Some(22 * 3600 + 7 * 60),
    };
    assert_eq!(said(&super::step(&agent, &machine, press.clone(), &around).1), ["night 7"]);
    around.clock = Some(21 * 3600);
    assert_eq!(said(&super::step(&agent, &machine, press.clone(), &around).1), Vec::<&str>::new());
    // Nobody knows: the guard does not hold, and it is said why.
    around.clock = None;
    let (_, actions) = super::step(&agent, &machine, press, &around);
    assert!(
        actions
            .iter()
            .any(|action| matches!(action, Action::Failed { message, .. } if message.contains("clock")))
    );
}

#[test]
fn results_of_calls_are_data() {
    let agent = with(
        "[states.main]\non = [{ call = 'read', if = 'event.result.temperature > 30', say = 'hot: {{ event.devices }}' }]\n",
    );
    let (machine, _) = start(&agent);
    let report = |result: Json| {
        let arguments = json!({ "devices": ["probe"] }).as_object().unwrap().clone();
        Event::Called { call: Call { tool: "read".into(), arguments }, result: Ok(result), by: By::Turn }
    };
    assert_eq!(said(&step(&agent, &machine, report(json!({ "temperature": 31 }))).1), ["hot: probe"]);
    assert_eq!(step(&agent, &machine, report(json!({ "temperature": 29 }))).1, []);
    for odd in [json!({ "temperature": "31" }), json!({}), json!([1, [2]])] {
        assert!(matches!(step(&agent, &machine, report(odd)).1[..], [Action::Failed { .. }]));
    }
}

#[test]
fn calls_are_filled_from_variables() {
    let agent = with(
        "[variables]\nlevel = 40\n[states.main]\non = [{ edge = 'bell', do = [{ tool = 'set_level', arguments = { devices = ['lamp'], percent = '{{ level / 2 }}' } }] }]\n",
    );
    let (machine, _) = start(&agent);
    let (_, actions) = step(&agent, &machine, Event::Edge { device: 0, rising: true });
    let call = actions.iter().find_map(|action| match action {
        Action::Do(call) => Some(call),
        _ => None,
    });
    assert_eq!(call.unwrap().arguments["percent"], 20);
}

#[test]
fn states_are_written_out_and_read_back() {
    let agent = with(
        "[states.main]\nparallel = true\n[states.a]\nparent = 'main'\non = [{ sensor = 'probe', above = 3, say = 'x' }]\n[states.b]\nparent = 'main'\non = [{ after = '1s', to = 'c' }]\n[states.c]\nparent = 'main'\n",
    );
    let (machine, _) = start(&agent);
    let (machine, _) = step(&agent, &machine, Event::Reading { device: 1, value: 4.0 });
    let text = serde_json::to_string(&machine).unwrap();
    assert_eq!(serde_json::from_str::<MachineState>(&text).unwrap(), machine);
    assert!(in_state(&agent, &machine, "a") && machine.latched.len() == 1);
}

fn any_event(agent: &Agent, machine: &MachineState, pick: (u8, usize, f64)) -> Event {
    let (kind, index, value) = pick;
    let device = index % agent.devices.len().max(1);
    match kind % 8 {
        0 => Event::Edge { device, rising: index % 2 == 0 },
        1 => Event::Reading { device, value },
        2 => Event::Unserved { text: "sing".into() },
        3 => Event::Activity,
        4 | 5 if !machine.pending.is_empty() => {
            Event::Timer(machine.pending[index % machine.pending.len()].id)
        }
        6 => {
            let names: Vec<&str> = agent.states.iter().map(|state| state.name.as_str()).collect();
            Event::Named { name: format!("done.state.{}", names[index % names.len()]), data: BTreeMap::new() }
        }
        _ => {
            let tools = &agent.scope(&machine.active).tools;
            let tool =
                tools.get(index % tools.len().max(1)).map_or("on", |tool| agent.tool_name(*tool)).to_owned();
            let devices = agent.devices.get(device).map(|device| device.name.clone());
            let arguments = json!({ "devices": devices.into_iter().collect::<Vec<_>>() });
            let by = if index % 3 == 0 { By::Transition } else { By::Turn };
            let result = if index % 5 == 0 { Err("x".into()) } else { Ok(json!({ "n": value })) };
            Event::Called {
                call: Call { tool, arguments: arguments.as_object().unwrap().clone() },
                result,
                by,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_events_never_lead_to_an_illegal_state(picks in prop::collection::vec((any::<u8>(), any::<usize>(), -100.0..100.0f64), 1..200)) {
        for (name, source) in EMBEDDED {
            let agent = agent(source);
            let (mut machine, _) = start(&agent);
            for pick in &picks {
                let event = any_event(&agent, &machine, *pick);
                machine = step(&agent, &machine, event).0;
                prop_assert!(machine.fits(&agent), "{}: {:?}", name, machine.active);
                prop_assert!(machine.pending.len() < 40, "{}: {} timers", name, machine.pending.len());
            }
        }
    }

    #[test]
    fn states_of_other_agents_do_not_fit(picks in prop::collection::vec((any::<u8>(), any::<usize>(), -100.0..100.0f64), 1..40), other in any::<usize>()) {
        let all: Vec<Agent> = EMBEDDED.iter().map(|(_, source)| agent(source)).collect();
        let (mut machine, _) = start(&all[other % all.len()]);
        for pick in &picks {
            let event = any_event(&all[other % all.len()], &machine, *pick);
            machine = step(&all[other % all.len()], &machine, event).0;
        }
        // Whether it fits or not: no index of it leads to a panic where it does.
        for one in all.iter().filter(|one| machine.fits(one)) {
            for pick in &picks {
                step(one, &machine, any_event(one, &machine, *pick));
            }
        }
    }

    #[test]
    fn arbitrary_expressions_never_panic(text in "\\PC{0,60}|[a-z0-9(). \"'<>=+*/%-]{0,40}") {
        let nothing = Shape::default();
        let names = Names { variables: &[("x".to_owned(), Type::Number)], devices: &[], states: &[], event: &nothing };
        match parse(&text, names) {
            Ok((expr, _)) => drop(expr.constant()),
            Err(fault) => prop_assert!(fault.at <= text.len(), "{:?}", fault),
        }
        drop(Template::parse(&text, names));
    }
}

#[test]
fn expressions_have_the_usual_order() {
    let nothing = Shape::default();
    let names = Names { variables: &[], devices: &[], states: &[], event: &nothing };
    for (text, value) in [
        ("1 + 2 * 3", Value::Number(7.0)),
        ("(1 + 2) * 3 % 5", Value::Number(4.0)),
        ("10 - 2 - 3", Value::Number(5.0)),
        ("-2 * -3", Value::Number(6.0)),
        ("not false and true", Value::Flag(true)),
        ("not (true or false)", Value::Flag(false)),
        ("true or 1 / 0 == 1", Value::Flag(true)),
        ("1 < 2 and 2 <= 2 and 3 > 2 and 3 >= 3 and 1 != 2", Value::Flag(true)),
        ("'a' + text(1.50) + \"b\"", Value::Text("a1.5b".into())),
        ("max(abs(-3), round(2.4)) + length('äö')", Value::Number(5.0)),
        ("number('12') + number(true)", Value::Number(13.0)),
        ("contains(lower('ABC'), 'b')", Value::Flag(true)),
        ("not 1 == 2", Value::Flag(true)),
    ] {
        let (expr, _) = parse(text, names).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
        assert_eq!(expr.constant(), Some(value), "{text}");
    }
    for (text, at, words) in [
        ("1 +", 3, "too early"),
        ("1 + true", 4, "takes a number"),
        ("x > 1", 0, "unknown variable"),
        ("1 = 1", 2, "means nothing"),
        ("1 < 2 < 3", 6, "not expected"),
        ("1 == 'a'", 0, "never equal"),
        ("not 3", 4, "takes true or false"),
        ("'a' + 1", 6, "takes a text"),
        ("mni(1, 2)", 0, "unknown function"),
        ("min(1)", 5, "not expected"),
        ("'open", 0, "no end"),
        ("on(lamp)", 3, "not expected"),
        ("on('lamp')", 3, "unknown device"),
        ("event.x", 0, "has no `x`"),
        ("1.2.3", 0, "no number"),
    ] {
        let fault = parse(text, names).unwrap_err();
        assert!(fault.at == at && fault.message.contains(words), "{text}: {fault:?}");
    }
}

/// One million random events through each agent that is shipped: no panic, no illegal state, and nothing grows.
/// Six seconds in the development build.
#[test]
fn a_million_events() {
    for (name, source) in EMBEDDED {
        let agent = agent(source);
        let (mut machine, _) = start(&agent);
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        let mut largest = 0;
        for count in 0..1_000_000 {
            // xorshift64*: any sequence will do that repeats.
            seed ^= seed >> 12;
            seed ^= seed << 25;
            seed ^= seed >> 27;
            let bits = seed.wrapping_mul(0x2545_f491_4f6c_dd1d);
            let pick = ((bits >> 56) as u8, (bits >> 8) as usize & 0xffff, (bits & 0xff) as f64 - 100.0);
            machine = step(&agent, &machine, any_event(&agent, &machine, pick)).0;
            if count % 1000 == 0 {
                assert!(machine.fits(&agent), "{name}: {machine:?}");
                largest = largest.max(serde_json::to_string(&machine).unwrap().len());
            }
        }
        assert!(largest < 16 << 10, "{name}: {largest} bytes");
        println!("{name}: at most {largest} bytes");
    }
}
