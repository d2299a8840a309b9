use super::*;
use crate::board::Device;
use crate::prompt::pintail::encode;
use crate::prompt::{Argument, Param, ParamKind, Scene, Tool};

fn scene() -> Scene {
    let text =
        Param { name: "text".into(), kind: ParamKind::Text { max_length: 80 }, required: true, unit: None };
    let note = Tool::User {
        name: "note".into(),
        description: "write a note for the vet".into(),
        parameters: vec![text],
    };
    let tools = [Builtin::On, Builtin::Off, Builtin::Open, Builtin::Close, Builtin::Read].map(Tool::Builtin);
    let devices = vec![
        Device::of_kind("table saw", "relay", None),
        Device::of_kind("red lamp", "light", None),
        Device::of_kind("shutter", "shutter", None),
    ];
    Scene::new(tools.into_iter().chain([note]).collect(), devices)
}

fn answered<T>(request: &str, steps: &[Step], with: impl Fn(&Turn<'_>, &Pointers, &[Piece]) -> T) -> T {
    let scene = scene();
    let turn = Turn::new(&scene, request);
    let pointers = Pointers::new(&scene, None);
    with(&turn, &pointers, &encode(&turn, &pointers, steps).unwrap())
}

/// Mentions and numbers that an answer leaves out.
fn left(request: &str, steps: &[Step]) -> (usize, usize) {
    answered(request, steps, |turn, pointers, answer| {
        let addressed: Vec<Vec<usize>> = steps.iter().filter_map(|step| step.devices(turn.scene)).collect();
        unused(turn, pointers, answer, &addressed)
    })
}

fn acts(tool: Builtin, device: usize) -> [Step; 1] {
    [Step::Devices { tool, down: false, selectors: vec![Selector::Device(device)], amounts: Vec::new() }]
}

fn notes(text: &str) -> [Step; 1] {
    [Step::User { tool: 0, arguments: vec![Some(Argument::Text(text.to_owned()))] }]
}

#[test]
fn a_thing_beside_a_word_of_another_is_strange() {
    let on = acts(Builtin::On, 0);
    assert!(answered("band saw on", &on, strange));
    assert!(!answered("table saw on", &on, strange));
    assert!(!answered("the band saw and the table saw on", &on, strange));
}

#[test]
fn a_text_that_ends_within_its_words_surprises() {
    let of = |request: &str, text: &str| {
        let steps = notes(text);
        answered(request, &steps, |turn, _, _| surprise(&TextSpans::new(turn), &steps))
    };
    assert!(of("note: calf 14 has a cough", "calf 14 has a cough") < 1.0);
    assert!(of("note: calf 14 has a cough", "calf 14 has a") > 3.0);
    assert!(of("note calf 14 please", "calf 14") + 1.0 < of("note calf 14 please", "calf"));
}

#[test]
fn texts_of_one_call_are_different_words() {
    let call = |one: &str, other: &str| {
        let text = |words: &str| Some(Argument::Text(words.to_owned()));
        shared(&[Step::User { tool: 0, arguments: vec![text(one), None, text(other)] }])
    };
    assert_eq!((call("lame ewe", "Rory"), call("lame ewe", "ewe"), call("Rory", "Rory")), (0, 1, 1));
}

#[test]
fn a_quotation_that_is_not_copied_is_unused() {
    let left = |text: &str| left(r#"note "lame ewe, top field" now"#, &notes(text));
    assert_eq!((left("lame ewe, top field"), left("note")), ((0, 0), (1, 0)));
}

#[test]
fn all_the_way_is_no_amount_of_a_blind() {
    let left = |request: &str, tool, device| left(request, &acts(tool, device));
    assert_eq!(left("open the shutter all the way", Builtin::Open, 2), (0, 0));
    assert_eq!(left("red lamp on, all the way", Builtin::On, 1), (0, 1));
}

#[test]
fn more_numbers_than_pointers_are_no_harm() {
    let request = format!("note {} now", "7 ".repeat(300));
    let (_, count) = left(&request, &notes("now"));
    assert!(count > 12, "{count}");
    let steps = notes("7");
    answered(&request, &steps, |turn, pointers, answer| swallowed(turn, pointers, answer, &steps));
}

#[test]
fn the_contrary_of_a_word() {
    let is = |request: &str, tool, device| {
        answered(request, &acts(tool, device), |turn, _, answer| contrary(turn, answer))
    };
    assert!(is("saw off", Builtin::On, 0) && !is("saw off", Builtin::Off, 0));
    assert!(is("open the shutter", Builtin::Close, 2) && !is("shutter open? close it", Builtin::Close, 2));
    assert!(is("dim the red lamp", Builtin::On, 1) && !is("it is dim, red lamp on", Builtin::On, 1));
    assert!(!is("the saw went off, turn it on", Builtin::On, 0));
    assert!(is("put the red lamp on out in the yard", Builtin::Off, 1));
    assert!(!is("put the red lamp out on the bench", Builtin::Off, 1));
    assert!(!is("turn the red lamp on the bench off", Builtin::Off, 1));
    assert!(
        is("turn the saw off", Builtin::On, 0) && !is("turn the saw off, the coffee is on", Builtin::On, 0)
    );
}

#[test]
fn a_wish_is_no_question() {
    let read =
        |request: &str| answered(request, &acts(Builtin::Read, 2), |turn, _, answer| contrary(turn, answer));
    assert!(read("would you mind closing the shutter") && read("any chance of the shutter opening?"));
    assert!(!read("could you tell me if the shutter is open") && !read("is the shutter open"));
    let both = [acts(Builtin::On, 1), acts(Builtin::Read, 0)].concat();
    let beside = |request: &str| answered(request, &both, |turn, _, answer| contrary(turn, answer));
    assert!(beside("red lamp on please, I am cutting with the saw"));
    assert!(!beside("red lamp on and how is the saw"));
}

#[test]
fn what_a_text_does_not_hold() {
    let scene = |count: Option<Argument>| {
        let number = ParamKind::Number { min: 1.0, max: 50.0, integer: true };
        let param = |name: &str, kind, required| Param { name: name.into(), kind, required, unit: None };
        let item = param("item", ParamKind::Text { max_length: 80 }, true);
        let flag = param("ürgént", ParamKind::Flag, false);
        let parameters = vec![item, param("count", number, false), flag];
        let tool = Tool::User { name: "shop".into(), description: "put on the list".into(), parameters };
        let scene = Scene::new(vec![tool], Vec::new());
        let turn = Turn::new(&scene, "6 tins of soup on the list");
        let text = if count.is_some() { "tins of soup" } else { "6 tins of soup" };
        let arguments = vec![Some(Argument::Text(text.into())), count, Some(Argument::Flag(false))];
        let steps = [Step::User { tool: 0, arguments }];
        (uncounted(&turn, &steps), denied(&turn, &steps), flags_answered(&turn, &steps).flagged)
    };
    assert_eq!((scene(None), scene(Some(Argument::Number(0)))), ((1, 1, 1), (0, 1, 1)));
}

#[test]
fn flags_go_with_what_was_said_for_them() {
    let param = Param { name: "takeaway".into(), kind: ParamKind::Flag, required: false, unit: None };
    let tool = Tool::User { name: "order".into(), description: "send it in".into(), parameters: vec![param] };
    let scene = Scene::new(vec![tool], Vec::new());
    let given = |request: &str, yes: Option<bool>| {
        let steps = [Step::User { tool: 0, arguments: vec![yes.map(Argument::Flag)] }];
        let Answers { flagged, unanswered, gainsaid } = flags_answered(&Turn::new(&scene, request), &steps);
        (flagged, unanswered, gainsaid)
    };
    assert_eq!(given("six flapjacks to go", None), (0, 1, 0));
    assert_eq!(given("six flapjacks to go", Some(true)), (0, 0, 0));
    assert_eq!(given("six flapjacks, they're sitting in", Some(true)), (0, 0, 1));
    assert_eq!(given("six flapjacks", Some(true)), (1, 0, 0));
    assert_eq!(given("six flapjacks", None), (0, 0, 0));
}

#[test]
fn what_is_taken_away_is_not_put_there_and_what_is_said_is_so() {
    let param = |name: &str, kind| Param { name: name.into(), kind, required: true, unit: None };
    let tool = |name: &str, description: &str, parameters| Tool::User {
        name: name.into(),
        description: description.into(),
        parameters,
    };
    let text = || vec![param("item", ParamKind::Text { max_length: 80 })];
    let tools = vec![
        tool("shop", "Put a thing on the shopping list", text()),
        tool("sold_out", "Take a dish off the board", text()),
        tool("hive_check", "Record a check", vec![param("queen_seen", ParamKind::Flag)]),
    ];
    let scene = Scene::new(tools, Vec::new());
    let takes = |request: &str, tool: usize| {
        let arguments = vec![Some(Argument::Text("eggs".into()))];
        undone(&Turn::new(&scene, request), &[Step::User { tool, arguments }])
    };
    assert_eq!(
        (takes("could you take the eggs off the list", 0), takes("take eggs off the board", 1)),
        (1, 0)
    );
    assert_eq!((takes("remove eggs", 0), takes("put eggs on, then take the bins out", 0)), (1, 0));
    let asks = |request: &str| {
        let arguments = vec![Some(Argument::Text("eggs".into()))];
        questioned(&Turn::new(&scene, request), &[Step::User { tool: 0, arguments }])
    };
    assert_eq!((asks("what's on the list, eggs?"), asks("could you put eggs on the list?")), (1, 0));
    let denies = |request: &str| {
        let arguments = vec![Some(Argument::Flag(false))];
        affirmed(&Turn::new(&scene, request), &[Step::User { tool: 2, arguments }])
    };
    assert_eq!(
        (denies("hive check, queen seen"), denies("hive check, no queen seen"), denies("hive check")),
        (1, 0, 0)
    );
}

#[test]
fn acts_that_nothing_asks_for() {
    let steps = [acts(Builtin::Open, 2), acts(Builtin::On, 1)].concat();
    let count = |request: &str| answered(request, &steps, |turn, _, _| silent(turn, &steps));
    assert_eq!((count("open the shutter for red"), count("shutter open and red lamp on")), (1, 0));
}

#[test]
fn what_tells_why_may_be_passed_over() {
    let on = acts(Builtin::On, 1);
    let left = |request: &str| left(request, &on);
    assert_eq!((left("red lamp on, the shutter is stuck").0, left("red lamp and shutter on").0), (0, 1));
}

#[test]
fn what_the_words_have_to_do_with_the_tool() {
    let scene = scene();
    let said = |request: &str, held: &[&str], steps: &[Step]| {
        let turn = Turn::new(&scene, request);
        let Heard { unhinted, titled, untold, .. } = heard(&turn, held.iter().copied(), steps);
        (unhinted, titled, untold)
    };
    assert_eq!(said("note lame ewe", &[], &notes("lame ewe")), (0, 0, 0));
    assert_eq!(said("note: lame ewe, top field", &[], &notes("lame ewe")), (0, 0, 2));
    assert_eq!(said("lame ewe", &[], &notes("lame ewe")), (1, 0, 0));
    assert_eq!(said("ewe on the notes", &[], &notes("ewe on the notes")), (0, 1, 0));
    assert_eq!(said("note for the vet's notes", &[], &notes("Ada's vet")), (0, 1, 0));
    assert_eq!(said("red lamp on", &["red lamp"], &acts(Builtin::On, 1)), (0, 0, 0));
    assert_eq!(said("red lamp on", &[], &[]), (0, 0, 0));
}

#[test]
fn another_tool_that_is_nearer_and_what_is_left_out() {
    let param = |name: &str, required| Param {
        name: name.into(),
        kind: ParamKind::Choice(vec!["whole milk".into(), "oats".into()]),
        required,
        unit: None,
    };
    let tool = |name: &str, description: &str, parameters| Tool::User {
        name: name.into(),
        description: description.into(),
        parameters,
    };
    let tools = vec![
        tool("brew_coffee", "make a cup of coffee", vec![param("milk", false)]),
        tool("ring_bell", "ring for the waiter", Vec::new()),
    ];
    let scene = Scene::new(tools, Vec::new());
    let turn = Turn::new(&scene, "a coffee with whole milk");
    let call = |tool, arguments| [Step::User { tool, arguments }];
    let brewed = heard(&turn, std::iter::empty(), &call(0, vec![None]));
    assert_eq!((brewed.nearer, brewed.skipped, brewed.unhinted), (0, 1, 0));
    let rung = heard(&turn, std::iter::empty(), &call(1, Vec::new()));
    assert_eq!((rung.nearer, rung.skipped, rung.unhinted), (3, 0, 1));
}

#[test]
fn devices_of_which_nothing_was_said() {
    let scene = scene();
    let count = |request: &str, device| unmentioned(&Turn::new(&scene, request), &acts(Builtin::On, device));
    assert_eq!((count("red lamp on", 0), count("red lamp on", 1), count("lights on", 1)), (1, 0, 0));
}

#[test]
fn both_means_two() {
    let devices = vec![
        Device::of_kind("host microphone", "switch", None),
        Device::of_kind("guest microphone", "switch", None),
        Device::of_kind("fan", "fan", None),
    ];
    let scene = Scene::new(vec![Tool::Builtin(Builtin::On)], devices);
    let signs = |request: &str, selectors: Vec<Selector>| {
        let turn = Turn::new(&scene, request);
        let pointers = Pointers::new(&scene, None);
        let steps = [Step::Devices { tool: Builtin::On, down: false, selectors, amounts: Vec::new() }];
        let Signs { unused, unpaired, .. } =
            Signs::of(&TextSpans::new(&turn), &pointers, &encode(&turn, &pointers, &steps).unwrap(), &steps);
        (unused, unpaired)
    };
    let each = |devices: &[usize]| devices.iter().map(|at| Selector::Device(*at)).collect();
    let kind = scene.kind_of(&scene.devices[0]);
    let switches = Selector::Group(crate::prompt::Group { kind, ..Default::default() });
    assert_eq!(signs("both microphones on", each(&[0, 1])), (0, 0));
    assert_eq!(signs("both microphones on", vec![switches]), (0, 0));
    assert_eq!(signs("both microphones on", each(&[2])), (1, 1));
    assert_eq!(signs("microphones on but not the guest", each(&[0])), (1, 0));
}

#[test]
fn acts_on_what_is_not_there() {
    let devices = vec![
        Device::of_kind("towel rail", "heater", Some("bathroom")),
        Device::of_kind("hall lamp", "light", Some("hall")),
        Device::of_kind("desk lamp", "light", Some("study")),
        Device::of_kind("study fan", "fan", Some("study")),
    ];
    let scene = Scene::new(vec![Tool::Builtin(Builtin::On)], devices);
    let count = |request: &str, at: usize| {
        let turn = Turn::new(&scene, request);
        let pointers = Pointers::new(&scene, None);
        let steps = acts(Builtin::On, at);
        Signs::of(&TextSpans::new(&turn), &pointers, &encode(&turn, &pointers, &steps).unwrap(), &steps)
            .absent
    };
    assert_eq!((count("bathroom lights on", 0), count("lights on in the bathroom", 1)), (1, 1));
    assert_eq!((count("study lights on", 2), count("bathroom lights on", 3)), (0, 0));
}

#[test]
fn how_a_reading_is_built_is_told() {
    let of = |request: &str, steps: &[Step]| -> Vec<String> {
        answered(request, steps, |turn, pointers, answer| shape(turn, pointers, answer, steps))
    };
    let told = of("Note for Mrs Lind: she pays cash", &notes("she pays cash"));
    for sign in ["said of 3", "said small", "said begins with little", "tool leaves 2 names"] {
        assert!(told.iter().any(|told| told == sign), "{sign} of {told:?}");
    }
    let told = of("Note that Mrs Lind pays 30, cash", &notes("Mrs Lind pays 30, cash"));
    for sign in
        ["said of 5", "said capital", "said holds a comma", "said holds a number", "tool leaves 0 names"]
    {
        assert!(told.iter().any(|told| told == sign), "{sign} of {told:?}");
    }
    let told = of("Denise wants a note for the vet", &notes("vet"));
    assert!(told.iter().any(|told| told == "tool leaves who wants"), "{told:?}");
    assert!(told.iter().any(|told| told == "said tells of its tool"), "{told:?}");
    assert!(of("Red lamp on, Ada", &acts(Builtin::On, 1)).is_empty());
    assert_eq!(of("ask Ada", &[]), ["none leaves 1 names"]);
}

#[test]
fn every_weight_is_found_and_those_of_the_model_are_there() {
    WEIGHTS.check(50);
    assert!(weight("trust") > 0.0 && weight("unseen") < 0.0 && weight("unseen trust") > 0.0);
}
