//! The matcher by its outcomes.

use super::*;
use crate::link::{Measure, Number, Quantity, Unit};

fn marks(request: &str) -> Vec<Vec<Mark>> {
    let mut devices = vec![
        Device::of_kind("kitchen light", "light", Some("kitchen")),
        Device::of_kind("desk lamp", "light", Some("study")),
        Device::of_kind("night mode", "switch", None),
        Device::of_kind("front door lock", "lock", Some("hall")),
        Device::of_kind("ceiling fan", "fan", Some("study")),
    ];
    devices[0].aliases.push("cooker lamp".into());
    let kinds: Vec<String> = ["light", "switch", "lock", "fan"].map(str::to_owned).into();
    let areas: Vec<String> = ["kitchen", "study", "hall"].map(str::to_owned).into();
    let index = Index::new(&devices, &kinds, &areas, &["eco mode".into()], &["feed the cat".into()]);
    index.links(request).into_iter().map(|link| link.marks).collect()
}

#[test]
fn names_are_found_in_other_words_and_orders_and_misspelt() {
    for request in
        ["the kitchen light", "light in the kitchen", "kitchn light", "kitchenlight", "cooker lamp"]
    {
        assert_eq!(marks(request), [[Mark::Device(0)]], "{request}");
    }
    assert_eq!(marks("the fan"), [[Mark::Device(4)]], "the only one of its kind");
    assert_eq!(marks("fans"), [[Mark::Device(4)]]);
}

#[test]
fn names_are_heard_in_other_words() {
    let names =
        ["festoon lights", "argon valve", "peristaltic pump", "left pump", "platform detector", "gate one"];
    let devices: Vec<Device> = names.iter().map(|name| Device::of_kind(name, "relay", None)).collect();
    let index = Index::new(&devices, &["relay".into()], &[], &[], &[]);
    let first = |request: &str| index.links(request).into_iter().flat_map(|link| link.marks).next();
    for (at, request) in [
        (0, "um fest soon lights on please"),
        (1, "open the are gone valve"),
        (2, "per is tall tick pump off"),
        (4, "the plat form detector"),
    ] {
        assert_eq!(first(request), Some(Mark::Device(at)), "{request}");
    }
    for request in ["lift the lid", "get on with it", "a perfect day"] {
        assert_eq!(first(request), None, "{request}");
    }
}

#[test]
fn a_word_that_tells_of_something_else_makes_a_mention_strange() {
    let names = ["table saw", "south field valve", "kitchen light"];
    let kinds = ["saw", "valve", "light"];
    let devices: Vec<Device> =
        names.iter().zip(kinds).map(|(name, kind)| Device::of_kind(name, kind, Some("shed"))).collect();
    let index = Index::new(&devices, &kinds.map(str::to_owned), &["shed".to_owned()], &[], &[]);
    let strange = |request: &str| index.links(request).iter().any(|link| link.strange);
    for request in ["band saw on", "turn on the band saw", "open the west field valve", "porch light off"] {
        assert!(strange(request), "{request}");
    }
    for request in [
        "table saw on",
        "turn on the saw",
        "open the field valve",
        "bloody light off",
        "shed light",
        "kitchn light on",
    ] {
        assert!(!strange(request), "{request}");
    }
    assert_eq!(index.links("kithcen light")[0].meant.as_deref(), Some("kitchen light"));
    assert_eq!(index.links("kitchen light")[0].meant, None);
}

#[test]
fn articles_within_names_say_nothing() {
    let names = ["luz de la cocina", "lámpara del pasillo"];
    let devices: Vec<Device> = names.iter().map(|name| Device::of_kind(name, "light", None)).collect();
    let index = Index::new(&devices, &["light".into()], &[], &[], &[]);
    let marks =
        |request: &str| index.links(request).into_iter().flat_map(|link| link.marks).collect::<Vec<_>>();
    assert_eq!(marks("off la lámpara del pasillo"), [Mark::Device(1)]);
    assert_eq!(marks("la cocina"), [Mark::Device(0)]);
    assert_eq!(marks("luz de la cocina"), [Mark::Device(0)]);
    assert_eq!(marks("de la noche"), []);
}

#[test]
fn plurals_are_groups_and_places_stand_by_themselves() {
    assert_eq!(marks("all lights"), [[Mark::Kind(0)]]);
    assert_eq!(marks("study lights"), [[Mark::Area(1)], [Mark::Kind(0)]]);
    assert_eq!(marks("everything in the hall"), [[Mark::Area(2)]]);
}

#[test]
fn a_noun_that_is_said_once_goes_for_all_before_it() {
    let spots = ["left spot", "right spot", "centre spot"];
    let devices: Vec<Device> =
        spots.iter().map(|name| Device::of_kind(name, "light", Some("stage"))).collect();
    let index = Index::new(&devices, &["light".into()], &["stage".into()], &[], &[]);
    let marks =
        |request: &str| index.links(request).into_iter().flat_map(|link| link.marks).collect::<Vec<_>>();
    let all = [0, 1, 2].map(Mark::Device);
    assert_eq!(marks("all the spots off"), all);
    assert_eq!(marks("every light off"), [Mark::Kind(0)]);
    assert_eq!(marks("turn the left and right spot off"), all[..2]);
    assert_eq!(marks("left, right and the centre spot on"), all);
    assert_eq!(marks("turn round and get the right spot"), [Mark::Device(1)]);
}

#[test]
fn a_question_means_what_measures_it_where_it_is_asked() {
    let mut devices = vec![
        Device::of_kind("blue probe", "thermometer", Some("cellar")),
        Device::of_kind("red probe", "thermometer", Some("attic")),
        Device::of_kind("noise meter", "meter", None),
    ];
    devices.iter_mut().for_each(|device| device.direction = crate::board::Direction::In);
    let areas = ["cellar", "attic"].map(str::to_owned);
    let index = Index::new(&devices, &["sensor".into()], &areas, &[], &[]);
    let marks = |request: &str| index.links(request).into_iter().map(|link| link.marks).collect::<Vec<_>>();
    assert_eq!(marks("how cold is it in the attic?"), [vec![Mark::Device(1)], vec![Mark::Area(1)]]);
    assert_eq!(marks("is it warm"), [[Mark::Device(0), Mark::Device(1)]]);
    assert_eq!(marks("how loud are we"), [[Mark::Device(2)]]);
    assert_eq!(marks("a warm welcome"), Vec::<Vec<Mark>>::new());
}

#[test]
fn verbs_are_no_devices() {
    assert_eq!(marks("switch on the desk lamp"), [[Mark::Device(1)]]);
    assert_eq!(marks("lock up"), [[Mark::Device(3)]], "what locks, not the verb");
    let number = |said: &str| matches!(marks(said)[1][..], [Mark::Number(number)] if number.value == 8.0);
    assert!(number("ceiling fan 8") && number("ceiling fan 8 percent"));
    assert_eq!(marks("open the lock"), [[Mark::Device(3)]]);
}

#[test]
fn a_choice_in_the_name_of_a_place_and_units_hint_at_tools() {
    let areas = ["north bed".to_owned(), "south bed".to_owned()];
    let values = ["north".to_owned(), "south".to_owned()];
    let index = Index::new(&[], &[], &areas, &values, &["dose: ml, bed".into(), "weigh: kg".into()]);
    let marks = |text| -> Vec<Mark> { index.links(text).into_iter().flat_map(|link| link.marks).collect() };
    let number = |value, quantity, base| {
        let measure = Some(Measure { quantity, base });
        Mark::Number(Number { measure, ..Number::new(value, Unit::Plain) })
    };
    assert_eq!(
        marks("120 millilitres on the south bed"),
        [number(120.0, Quantity::Volume, 120.0), Mark::Tool(0), Mark::Area(1), Mark::Value(1)]
    );
    assert_eq!(
        marks("30 mils for the north"),
        [number(30.0, Quantity::Volume, 30.0), Mark::Tool(0), Mark::Value(0)]
    );
    assert_eq!(marks("two kilos"), [number(2.0, Quantity::Weight, 2000.0), Mark::Tool(1)]);
}

#[test]
fn a_number_may_stand_within_another_mention() {
    let devices = [Device::of_kind("bay two lamp", "light", None)];
    let values = ["full".to_owned(), "empty".to_owned()];
    let tools = ["lift: raises a bay".into(), "print a label".into()];
    let index =
        Index::new(&devices, &["light".into()], &[], &values, &tools).with_numbered(["bay"].into_iter());
    let numbers = |text| -> Vec<f64> {
        let links = index.links(text);
        crate::link::numbers(&links).iter().map(|number| number.value).collect()
    };
    assert_eq!(numbers("bay two to 90"), [2.0, 90.0]);
    assert_eq!(numbers("lamp two to 90"), [90.0]);
    assert_eq!(numbers("lamp to full"), [100.0]);
    assert_eq!(numbers("lamp at thirty point five"), [30.5]);
    let full = index.links("lamp to full").pop().unwrap();
    assert!(matches!(full.marks[..], [Mark::Value(0), Mark::Number(_)]), "{full:?}");
    let values = ["a".to_owned(), "b".to_owned()];
    let index = Index::new(&[], &[], &[], &values, &["feed: litres".into(), "weigh: kg".into()]);
    for request in ["a quarter of a kilo to a", "a litre and a half of nettle feed", "half a litre to b"] {
        let links = index.links(request);
        assert!(links.windows(2).all(|pair| pair[0].end <= pair[1].start), "{request}: {links:?}");
        assert_eq!(crate::link::numbers(&links).len(), 1, "{request}");
    }
}

#[test]
fn two_hundred_devices_are_searched_in_little_time() {
    let devices: Vec<Device> = (0..200)
        .map(|i| {
            Device::of_kind(&format!("{} lamp {i}", ["north", "south", "east"][i % 3]), "light", Some("barn"))
        })
        .collect();
    let index = Index::new(&devices, &["light".into()], &["barn".into()], &[], &[]);
    assert_eq!(index.links("turn on south lamp 40 in the barn")[0].marks, [Mark::Device(40)]);
}

#[test]
fn what_is_said_once_for_several_names_goes_for_each() {
    let names = [
        "pump 1",
        "pump two",
        "pump 3",
        "pump 4",
        "room a heater",
        "room b heater",
        "arena fan left",
        "arena fan right",
    ];
    let devices: Vec<Device> = names.iter().map(|name| Device::of_kind(name, "relay", None)).collect();
    let index = Index::new(&devices, &["relay".into()], &[], &[], &[]);
    let said = |request: &str| -> Vec<Vec<usize>> {
        let device = |mark: &Mark| match mark {
            Mark::Device(at) => *at,
            other => panic!("{request}: {other:?}"),
        };
        index.links(request).iter().map(|link| link.marks.iter().map(device).collect()).collect()
    };
    for (request, devices) in [
        ("pump one, 2 and four off", vec![vec![0], vec![1], vec![3]]),
        ("pumps 1 & 3 on", vec![vec![0], vec![2]]),
        ("pumps 1 to 3 off", vec![vec![0], vec![1, 2]]),
        ("pumps two through four", vec![vec![1], vec![2, 3]]),
        ("pumps 2-4", vec![vec![1], vec![2, 3]]),
        ("the second and the third pump", vec![vec![1], vec![2]]),
        ("third pump off", vec![vec![2]]),
        ("heaters a and b", vec![vec![4], vec![5]]),
        ("left and right fan", vec![vec![6], vec![7]]),
    ] {
        assert_eq!(said(request), devices, "{request}");
    }
    let values = |request: &str| -> Vec<f64> {
        let number = |mark: &Mark| if let Mark::Number(number) = mark { Some(number.value) } else { None };
        index.links(request).iter().flat_map(|link| &link.marks).filter_map(number).collect()
    };
    for (request, numbers) in [
        ("pump 1 to 3", vec![3.0]),
        ("pump 1 and 2 times", vec![2.0]),
        ("pump 1 on, 3 minutes later off", vec![180.0]),
        ("pump 4 to 50 percent", vec![50.0]),
    ] {
        assert_eq!(values(request), numbers, "{request}");
    }
}

proptest::proptest! {
    #[test]
    fn mentions_do_not_overlap(
        request in "((pump|pumps|fan|left|right|number|room|é|1|2|3|4|one|two|second|a|b|40)(, | and | to |-| & | through | the | ){1,2}){0,9}.{0,3}"
    ) {
        let names = ["pump 1", "pump two", "pump 3", "room a fan", "room b fan", "fan left", "fan right"];
        let mut devices: Vec<Device> =
            names.iter().map(|name| Device::of_kind(name, "relay", Some("room 2"))).collect();
        devices[2].aliases.push("second pump".into());
        let index = Index::new(&devices, &["relay".into()], &["room 2".into()], &["number".into()], &["room number".into()]);
        let mut end = 0;
        for link in index.links(&request) {
            proptest::prop_assert!(link.start >= end && link.end > link.start && !link.marks.is_empty());
            proptest::prop_assert!(request.get(link.start..link.end).is_some());
            end = link.end;
        }
    }
}

#[test]
fn tools_are_hinted_at_by_other_forms_joined_words_and_what_people_say_instead() {
    let tools = [
        "logbook: adds an entry, message".into(),
        "pa: announcement over the speakers".into(),
        "record: starts the recorder".into(),
        "call number: dials a number".into(),
    ];
    let devices = [Device::of_kind("desk lamp", "lamp", None)];
    let index = Index::new(&devices, &["light".into()], &[], &[], &tools);
    let marks = |text| -> Vec<Mark> { index.links(text).into_iter().flat_map(|link| link.marks).collect() };
    assert_eq!(marks("log that the lake froze"), [Mark::Tool(0)]);
    assert_eq!(marks("over the pa please"), [Mark::Tool(1)]);
    assert_eq!(marks("announce that yoga is off"), [Mark::Tool(1)]);
    assert_eq!(marks("let everyone know"), [Mark::Tool(1)]);
    assert_eq!(marks("a two hour recording")[1..], [Mark::Tool(2)]);
    assert_eq!(marks("call my mother"), [Mark::Tool(3)]);
    // What the request is rewritten to is never a hint.
    assert!(index.links("a recording").iter().all(|link| link.meant.is_none()));
    assert_eq!(marks("it is time to go there"), []);
}

#[test]
fn a_word_for_tools_of_three_sorts_hints_at_none() {
    let tool = |name: &str| ToolWords::from(name);
    let marks = |tools: &[ToolWords]| -> Vec<Mark> {
        let index = Index::new(&[], &[], &[], &[], tools);
        index.links("everybody listen").into_iter().flat_map(|link| link.marks).collect()
    };
    assert_eq!(marks(&[tool("tannoy"), tool("pa")]), [Mark::Tool(0), Mark::Tool(1)]);
    assert_eq!(marks(&[tool("tannoy"), tool("pa"), tool("intercom")]), []);
}

/// The marks of a request's links among devices of a name, a kind and an area each ("" for none).
fn among(devices: &[(&str, &str, &str)], request: &str) -> Vec<Vec<Mark>> {
    index_of(devices).links(request).into_iter().map(|link| link.marks).collect()
}

fn index_of(devices: &[(&str, &str, &str)]) -> Index {
    let (mut areas, mut kinds): (Vec<String>, Vec<String>) = Default::default();
    for (_, kind, area) in devices {
        let kind = family(kind).to_owned();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
        if !area.is_empty() && !areas.iter().any(|known| known == area) {
            areas.push(area.to_string());
        }
    }
    let devices: Vec<Device> = devices
        .iter()
        .map(|(name, kind, area)| Device::of_kind(name, kind, (!area.is_empty()).then_some(*area)))
        .collect();
    Index::new(&devices, &kinds, &areas, &[], &[])
}

#[test]
fn a_word_of_a_name_is_more_than_another_word_for_a_kind() {
    let hut = [("boot dryer", "heater", ""), ("hut heating", "setpoint", "")];
    assert_eq!(among(&hut, "what's the heating set at"), [[Mark::Device(1), Mark::Device(0)]]);
    assert_eq!(among(&hut, "heater on"), [[Mark::Device(0)]]);
}

#[test]
fn a_plural_means_all_that_are_called_so() {
    let lights: Vec<String> = (1..=6).map(|at| format!("stall light {at}")).collect();
    let mut devices: Vec<(&str, &str, &str)> =
        lights.iter().map(|name| (name.as_str(), "light", "stalls")).collect();
    devices.push(("ring lamp", "light", "ring"));
    let all: Vec<Mark> = (0..6).map(Mark::Device).collect();
    for request in ["stall lights on", "which stall lights are on", "all stall lights off"] {
        assert_eq!(among(&devices, request)[0], all, "{request}");
    }
    assert_eq!(among(&[("pc 1", "outlet", ""), ("pc 2", "outlet", "")], "both pcs off")[0].len(), 2);
}

#[test]
fn mentions_beside_each_other_mean_what_they_have_in_common() {
    let mut host = Device::of_kind("host microphone", "switch", None);
    let mut guest = Device::of_kind("guest microphone", "switch", None);
    host.aliases.push("mic one".into());
    guest.aliases.push("mic two".into());
    let index = Index::new(&[host, guest], &["switch".into()], &[], &[], &[]);
    let links = index.links("kill the guest mic");
    assert_eq!(links.len(), 1);
    assert_eq!((links[0].start, links[0].end, &links[0].marks[..]), (9, 18, &[Mark::Device(1)][..]));
    assert_eq!(index.links("both mics")[0].marks, [Mark::Device(0), Mark::Device(1)]);
}

#[test]
fn what_only_sounds_like_a_name_is_none_where_a_thing_is_named() {
    let hall = [("street door", "door", ""), ("tumble dryer", "outlet", "")];
    assert_eq!(among(&hall, "start the dryer"), [[Mark::Device(1)]]);
    let relays = [("relay 1", "relay", ""), ("relay 2", "relay", ""), ("relay 4", "relay", "")];
    assert_eq!(among(&relays, "relay too off"), [[Mark::Device(1)]]);
    assert_eq!(among(&relays, "relay for on"), [[Mark::Device(2)]]);
    assert_eq!(among(&relays, "set the relay to off"), [[Mark::Kind(0)]]);
}

#[test]
fn everyday_words_name_things_where_a_thing_stands() {
    let dairy = [("cheese press", "outlet", ""), ("bread warmer", "outlet", ""), ("lamp", "light", "")];
    for request in ["is the press running", "press off", "start the press, lamp on"] {
        assert_eq!(among(&dairy, request)[0], [Mark::Device(0)], "{request}");
    }
    assert_eq!(among(&dairy, "warmer to 80")[0], [Mark::Device(1)]);
    assert_eq!(among(&dairy, "press it down"), Vec::<Vec<Mark>>::new());
    let cellar = [("ramp door", "door", "barrel vault"), ("desk lamp", "light", "office")];
    assert_eq!(among(&cellar, "is the vault locked"), [[Mark::Area(0)]]);
}

#[test]
fn things_go_by_other_names() {
    let home = [
        ("washing machine", "outlet", ""),
        ("kids television", "outlet", ""),
        ("foghorn", "siren", ""),
        ("hall light", "light", ""),
    ];
    let first = |request: &str| among(&home, request).into_iter().flatten().next();
    assert_eq!(first("washer on"), Some(Mark::Device(0)));
    assert_eq!(first("kids telly off"), Some(Mark::Device(1)));
    assert_eq!(first("toot the horn"), Some(Mark::Device(2)));
}

#[test]
fn what_is_measured_names_what_measures_it() {
    let shop = [
        ("fridge", "cooler", ""),
        ("fridge thermometer", "thermometer", ""),
        ("rack hygrometer", "sensor", ""),
    ];
    assert_eq!(among(&shop, "fridge temp"), [[Mark::Device(1)]]);
    assert_eq!(among(&shop, "what's the humidity"), [[Mark::Device(2)]]);
    assert_eq!(among(&[("window contact", "contact", "")], "much wind today"), Vec::<Vec<Mark>>::new());
}

#[test]
fn what_is_called_so_in_a_place_is_told_from_its_neighbours() {
    let practice = [
        ("waiting room ceiling lights", "light", "waiting room"),
        ("op 1 ceiling lights", "light", "op 1"),
        ("op 1 exam light", "light", "op 1"),
        ("op 2 blinds", "blind", "op 2"),
        ("ceiling spots", "light", "kitchen"),
        ("worktop strip", "light", "kitchen"),
        ("left dryer", "machine", ""),
        ("right dryer", "machine", ""),
    ];
    let one = |request: &str| among(&practice, request).concat();
    assert_eq!(one("the ceiling lights in op 1"), [Mark::Device(1)]);
    assert_eq!(one("close the blinds in op too"), [Mark::Device(3)]);
    assert_eq!(one("spots in the kitchen")[0], Mark::Device(4));
    assert_eq!(one("lights in the kitchen")[0], Mark::Kind(0));
    assert_eq!(one("start the left-hand dryer"), [Mark::Device(6)]);
    assert_eq!(one("the lights over the worktop"), [Mark::Device(5)]);
    assert_eq!(one("lights off except op 1")[0], Mark::Kind(0));
}

#[test]
fn a_thing_of_several_parts_is_set_and_measured_by_one_of_them() {
    let parts = ["jets", "light", "lid", "thermometer"];
    let mut devices: Vec<Device> = parts
        .iter()
        .zip(["pump", "led", "hatch", "thermometer"])
        .map(|(part, kind)| Device::of_kind(&format!("hot tub {part}"), kind, None))
        .collect();
    devices.push(Device::of_kind("hot tub heating", "setpoint", None));
    devices[3].unit = Some("°C".to_owned());
    devices[4].unit = Some("°C".to_owned());
    let index = Index::new(&devices, &[], &[], &[], &[]);
    let first = |request: &str| index.links(request)[0].marks.clone();
    assert_eq!(first("crank the hot tub to 39"), [Mark::Device(4)]);
    assert_eq!(first("bring the tub back up to 37.5"), [Mark::Device(4)]);
    assert_eq!(first("is the tub hot yet"), [Mark::Device(3)]);
    assert_eq!(first("hot tub on").len(), 5);
    let mut dryer = ["dryer", "dryer thermostat"].map(|name| Device::of_kind(name, "machine", None));
    dryer[1] = Device::of_kind("dryer thermostat", "thermostat", None);
    dryer[1].unit = Some("°C".to_owned());
    let index = Index::new(&dryer, &[], &[], &[], &[]);
    assert_eq!(index.links("run the dryer at 160 degrees")[0].marks, [Mark::Device(1)]);
    assert_eq!(index.links("run the dryer")[0].marks, [Mark::Device(0)]);
}

#[test]
fn choices_are_known_in_all_their_forms() {
    let values = ["take_in", "let_out", "hem", "frozen"].map(|value| value.replace('_', " "));
    let index = Index::new(&[], &[], &[], &values, &[]);
    for (at, request) in [
        (0, "the dress is to be taken in"),
        (1, "it needs letting out"),
        (2, "to be hemmed by Friday"),
        (3, "put it in to freeze"),
    ] {
        assert_eq!(index.links(request)[0].marks, [Mark::Value(at)], "{request}");
    }
    assert!(index.links("let us out").is_empty());
}

#[test]
fn numbers_beside_choices_and_parameters() {
    let index = Index::new(&[], &[], &[], &["half".to_owned(), "tablet".to_owned()], &[]);
    let index = index.with_numbered(["dose", "tip"].into_iter());
    let numbers = |request: &str| -> Vec<f64> {
        let links = index.links(request);
        crate::link::numbers(&links).iter().map(|number| number.value).collect()
    };
    assert_eq!(numbers("half a tablet"), [0.5]);
    assert_eq!(numbers("one and a half tablets"), [1.5]);
    assert_eq!(numbers("half a dozen"), [6.0]);
    assert_eq!(numbers("fare of 6.50, no tip"), [6.5, 0.0]);
    assert_eq!(numbers("no problem"), Vec::<f64>::new());
}

#[test]
fn all_that_locks_is_locked_up() {
    let club = [("back door", "lock", ""), ("bar door", "lock", ""), ("blind", "blind", "")];
    for request in ["lock up please", "lock everything", "everything unlocked?"] {
        assert_eq!(among(&club, request), [[Mark::Device(0), Mark::Device(1)]], "{request}");
    }
}

#[test]
fn common_words_alone_are_no_slips() {
    let hotel = [
        ("night bell", "bell", ""),
        ("foghorn", "siren", ""),
        ("orchard valve", "valve", ""),
        ("led", "led", ""),
    ];
    for request in ["the electricity bill", "fog's rolling in", "the lad is asking"] {
        assert_eq!(among(&hotel, request), Vec::<Vec<Mark>>::new(), "{request}");
    }
    assert_eq!(among(&hotel, "orchid valve shut")[0], [Mark::Device(2)]);
    let salon = [("wax pot", "outlet", "colour bar"), ("extractor", "fan", "colour bar")];
    let marks = among(&salon, "everything off at the colour bar except the extractor");
    assert_eq!(marks.last().unwrap()[..], [Mark::Device(1)]);
    assert!(!marks.iter().flatten().any(|mark| *mark == Mark::Device(0)));
    let racks =
        [("rack one pdu", "outlet", ""), ("rack two pdu", "outlet", ""), ("floodlights", "light", "")];
    assert_eq!(among(&racks, "status of both PDUs")[0].len(), 2);
    assert_eq!(among(&racks, "floods brighter")[0], [Mark::Device(2)]);
}

#[test]
fn a_kind_said_of_a_place_is_all_of_it_there() {
    let yard =
        [("bar lights", "light", "bar"), ("snug light", "light", "bar"), ("shop lights", "light", "shop")];
    let group = [[Mark::Kind(0)], [Mark::Area(0)]];
    assert_eq!(among(&yard, "lights in the bar down"), group);
    assert_eq!(among(&yard, "bar lights down"), [[Mark::Device(0)]], "as it is called");
    assert_eq!(among(&yard, "lights in the shop on"), [[Mark::Device(2)]], "there is one");
    let nursery = [("night light", "light", "nursery"), ("nursery ceiling light", "light", "nursery")];
    let links = among(&nursery, "nursery lights off");
    assert!(links.iter().flatten().any(|mark| *mark == Mark::Area(0)), "{links:?}");
}

#[test]
fn as_many_as_are_said_are_those_that_are_called_so() {
    let bath = [
        ("upstairs thermostat", "thermostat", ""),
        ("downstairs thermostat", "thermostat", ""),
        ("hot tub", "thermostat", ""),
    ];
    for request in ["both thermostats to 60", "the two thermostats to 60"] {
        let links = among(&bath, request);
        assert!(links.contains(&[0, 1].map(Mark::Device).to_vec()), "{request}: {links:?}");
    }
    assert_eq!(among(&bath, "thermostats to 60")[0], [Mark::Kind(0)]);
    let lanes = [
        ("lane 2 pinsetter", "motor", ""),
        ("lane 3 pinsetter", "motor", ""),
        ("lane 4 pinsetter", "motor", ""),
    ];
    assert!(among(&lanes, "all three pinsetters off").contains(&[0, 1, 2].map(Mark::Device).to_vec()));
    assert_eq!(among(&lanes, "lane three pinsetter off"), [[Mark::Device(1)]]);
}

#[test]
fn what_does_a_thing_is_called_after_it() {
    let lab = [("stirrer", "motor", ""), ("fogger", "relay", ""), ("milk frother", "relay", "")];
    for (at, request) in [(0, "stir faster"), (0, "start stirring"), (1, "fog for a minute"), (2, "froth on")]
    {
        assert_eq!(among(&lab, request)[0][0], Mark::Device(at), "{request}");
    }
    assert_eq!(among(&[("skylight", "window", "")], "skylite shut"), [[Mark::Device(0)]]);
    let index = Index::new(&[Device::of_kind("stirrer", "motor", None)], &["motor".into()], &[], &[], &[]);
    assert_eq!(index.links("stirer off")[0].meant.as_deref(), Some("stirrer"));
    let cases = [("case one", "lock", ""), ("case two", "lock", "")];
    assert_eq!(among(&cases, "lock both cases"), [[0, 1].map(Mark::Device)]);
}

#[test]
fn choices_are_made_in_other_words() {
    let marks = |values: &[&str], request: &str| {
        let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
        let links = Index::new(&[], &[], &[], &values, &[]).links(request).into_iter();
        links.flat_map(|link| link.marks).filter(|mark| matches!(mark, Mark::Value(_))).collect::<Vec<_>>()
    };
    assert_eq!(marks(&["raise", "lower"], "a metre twenty up"), [Mark::Value(0)]);
    assert_eq!(marks(&["raise", "lower"], "hook down five"), [Mark::Value(1)]);
    assert_eq!(marks(&["large", "small", "big"], "a big one"), [Mark::Value(2)]);
    let slots = ["11am", "noon", "4pm"];
    assert_eq!(marks(&slots, "the tour on Saturday at four o'clock"), [Mark::Value(2)]);
    assert_eq!(marks(&slots, "eighteen heads at midday"), [Mark::Value(1)]);
    assert_eq!(marks(&slots, "four of them at 11 am"), [Mark::Value(0)]);
    assert_eq!(marks(&["top", "bottom"], "it's on the lowest shelf"), [Mark::Value(1)]);
}

#[test]
fn one_may_be_said_in_the_plural_and_by_its_kind() {
    let home =
        [("kitchen light", "light", "kitchen"), ("desk lamp", "light", "study"), ("newsroom tv", "tv", "")];
    for (at, request) in [
        (0, "turn on the kitchen lights"),
        (0, "kitchen lamp on"),
        (1, "the desk light off"),
        (1, "turn on the study light"),
        (2, "turn on the tv"),
    ] {
        let links = index_of(&home).links(request);
        assert!(
            matches!(&links[..], [link] if link.named && link.marks == [Mark::Device(at)]),
            "{request}: {links:?}"
        );
    }
    let two = [("kitchen light", "light", "kitchen"), ("hob light", "light", "kitchen")];
    assert_ne!(among(&two, "kitchen lights off")[0], [Mark::Device(0)]);
    let desks = [("desk lamp", "light", ""), ("left desk lamp", "light", "")];
    assert_ne!(among(&desks, "desk lamps off"), [[Mark::Device(0)]]);
}

#[test]
fn places_are_told_by_a_word_and_by_what_was_said_before() {
    let of = |name: &str, kind: &str, area: &str| Device::of_kind(name, kind, Some(area));
    let mut devices = vec![
        of("Acorn lights", "light", "Acorn class"),
        of("corner lamp", "lamp", "Acorn class"),
        of("Oak lights", "light", "Oak class"),
        of("Oak blinds", "blind", "Oak class"),
        of("shed light", "light", "shed"),
        of("bench strip", "strip", "shed"),
        of("tunnel lights", "light", "tunnel"),
        of("tunnel thermometer", "thermometer", "tunnel"),
        of("brood probe", "thermometer", "hive"),
        of("rain gauge", "meter", "shed"),
    ];
    devices[5].aliases.push("bench lights".into());
    let kinds = ["light", "blind", "sensor"].map(str::to_owned);
    let areas = ["Acorn class", "Oak class", "shed", "tunnel", "hive"].map(str::to_owned);
    let index = Index::new(&devices, &kinds, &areas, &[], &[]);
    let marks = |request: &str| index.links(request).into_iter().map(|link| link.marks).collect::<Vec<_>>();
    let (lights, acorn, oak, shed) = (Mark::Kind(0), Mark::Area(0), Mark::Area(1), Mark::Area(2));
    assert_eq!(marks("lights on in Acorn class"), [vec![lights], vec![acorn]]);
    assert_eq!(marks("Acorn lights on"), [[Mark::Device(0)]]);
    assert_eq!(marks("lights off in Oak, they've gone"), [vec![lights], vec![oak]]);
    assert_eq!(
        marks("open the Oak blinds and switch the lights off in there"),
        [vec![Mark::Device(3)], vec![lights], vec![oak]]
    );
    assert_eq!(marks("both lights in the shed on")[0], [lights]);
    assert!(marks("both lights in the shed on")[1].contains(&shed));
    assert_eq!(marks("lights on in the shed"), [vec![lights], vec![shed]]);
    assert_eq!(marks("everything but the tunnel off"), [[Mark::Area(3)]], "and not its lights");
    assert_eq!(
        marks("open the Oak blinds and put the light on in the hive").last().unwrap()[..],
        [Mark::Area(4)]
    );
    assert_eq!(marks("what are the thermometers showing"), [[Mark::Device(7), Mark::Device(8)]]);
    assert_eq!(marks("what is the thermometer showing"), [[Mark::Device(7)]], "the one that is called so");
}

#[test]
fn what_is_unlocked_is_what_locks() {
    let of = |name: &str, kind: &str| Device::of_kind(name, kind, None);
    let devices = [of("front door", "lock"), of("balcony door", "contact"), of("hall lamp", "lamp")];
    let kinds = ["lock", "contact", "light"].map(str::to_owned);
    let index = Index::new(&devices, &kinds, &[], &[], &[]);
    let marks = |request: &str| index.links(request).into_iter().map(|link| link.marks).collect::<Vec<_>>();
    assert_eq!(marks("unlock the door, my mum's downstairs"), [[Mark::Device(0)]]);
    assert_eq!(marks("is the door locked")[0], [Mark::Device(0)]);
    assert_eq!(marks("is the door open"), [[Mark::Device(0), Mark::Device(1)]]);
    assert_eq!(marks("is the balcony door locked"), [[Mark::Device(1)]]);
}

#[test]
fn things_beside_a_place_are_those_there() {
    let devices = [
        ("standard lamp", "lamp", "living room"),
        ("Ann's lamp", "lamp", "bedroom"),
        ("Tom's lamp", "lamp", "bedroom"),
        ("bedroom curtains", "curtain", "bedroom"),
        ("aisle lights", "light", "goat barn"),
        ("kidding lamp", "lamp", "goat barn"),
        ("barn fan", "fan", "goat barn"),
        ("dining thermostat", "thermostat", "dining room"),
        ("cellar thermostat", "thermostat", "cellar"),
        ("cellar probe", "thermometer", "cellar"),
        ("ladies light", "light", "changing rooms"),
        ("gents light", "light", "changing rooms"),
        ("garage door", "garage", "garage"),
        ("strip light", "light", "garage"),
    ];
    let marks = |request: &str| among(&devices, request);
    let lights = Mark::Kind(0);
    assert_eq!(marks("both bedroom lamps on"), [[Mark::Area(1)], [lights]]);
    assert_eq!(marks("lights on in the barn"), [[lights], [Mark::Area(2)]]);
    assert_eq!(marks("barn lights on"), [[Mark::Area(2)], [lights]]);
    assert_eq!(marks("barn fan on"), [[Mark::Device(6)]]);
    assert_eq!(marks("changing room lights off"), [[Mark::Area(5)], [lights]]);
    assert_eq!(marks("lights off in the lounge"), [[lights], [Mark::Area(0)]]);
    let there = marks("open the garage door and put the light on in there");
    assert_eq!(there, [[Mark::Device(12)], [Mark::Device(13)], [Mark::Area(6)]]);
    assert_eq!(marks("lights on over the goat barn"), [[lights], [Mark::Area(2)]]);
    assert_eq!(marks("set the dining room to 21 degrees")[0], [Mark::Device(7), Mark::Area(3)]);
    assert_eq!(marks("what's the temperature in the cellar")[0], [Mark::Device(9)], "what measures it");
}

#[test]
fn what_a_thing_does_and_for_what_name_it() {
    let names = ["discus feeder", "cichlid feeder", "cichlid heater"];
    let kinds = ["feeder", "feeder", "heater"];
    let devices: Vec<Device> =
        names.iter().zip(kinds).map(|(name, kind)| Device::of_kind(name, kind, None)).collect();
    let index = Index::new(&devices, &["feeder", "heater"].map(str::to_owned), &[], &[], &[]);
    let marks = |request: &str| index.links(request).into_iter().map(|link| link.marks).collect::<Vec<_>>();
    assert_eq!(marks("feed the cichlids"), [[Mark::Device(1)]]);
    assert_eq!(marks("feed the fish")[0], [Mark::Device(0), Mark::Device(1)]);
}

#[test]
fn a_choice_in_digits_is_a_number_too() {
    let devices = [Device::of_kind("heating", "thermostat", None)];
    let index =
        Index::new(&devices, &["thermostat".to_owned()], &[], &["12".to_owned(), "16".to_owned()], &[]);
    let marks = index.links("heating to 16").into_iter().map(|link| link.marks).collect::<Vec<_>>();
    assert!(
        matches!(marks[1][..], [Mark::Value(1), Mark::Number(number)] if number.value == 16.0),
        "{marks:?}"
    );
}

#[test]
fn letters_that_look_like_articles_and_mentions_with_one_thing_in_common() {
    let names = ["A pontoon lights", "B pontoon lights", "A pontoon power", "B pontoon power"];
    let kinds = ["light", "light", "outlet", "outlet"];
    let devices: Vec<Device> =
        names.iter().zip(kinds).map(|(name, kind)| Device::of_kind(name, kind, Some("pontoons"))).collect();
    let index =
        Index::new(&devices, &["light", "outlet"].map(str::to_owned), &["pontoons".to_owned()], &[], &[]);
    let marks = |request: &str| index.links(request).into_iter().map(|link| link.marks).collect::<Vec<_>>();
    assert_eq!(marks("put the A pontoon lights on"), [[Mark::Device(0)]]);
    assert_eq!(marks("get the power going on B again"), [[Mark::Device(3)], [Mark::Device(3)]]);
    let lamps = [("ceiling lights", "light", "living room"), ("floor lamp", "lamp", "living room")];
    assert_eq!(among(&lamps, "turn off that lamp in the living room"), [[Mark::Device(1)]]);
    assert_eq!(among(&lamps, "the living room light")[0].len(), 2);
}

#[test]
fn the_other_one_and_the_place_that_is_said_first() {
    let devices = [
        ("left cue light", "led", "wings"),
        ("right cue light", "led", "wings"),
        ("gym fan", "fan", "gym"),
        ("gym speaker", "speaker", "gym"),
        ("bar fan", "fan", "bar"),
        ("terrace door", "lock", "roof terrace"),
        ("front door", "lock", "bar"),
    ];
    let marks = |request: &str| among(&devices, request);
    assert_eq!(marks("left cue light off, right one on"), [[Mark::Device(0)], [Mark::Device(1)]]);
    assert_eq!(marks("someone's left the cue light on")[0], [Mark::Device(0), Mark::Device(1)]);
    assert_eq!(marks("in the gym: stereo to 70 and the fan at 50")[3], [Mark::Device(2)]);
    assert_eq!(marks("unlock the door on the roof terrace")[0], [Mark::Device(5)]);
    assert_eq!(marks("all fans off but the ones in the gym")[1], [Mark::Area(1)]);
}
