//! Random devices with random names.

use crate::board::{Capabilities, Device};
use crate::prompt::{Scene, Tool};
use crate::tool::Builtin;

use super::lexicon::Words;
use super::rng::Rng;
use super::tools::{SaidTool, random_tools};

/// Kinds that homes and workshops have most of, drawn more often than the others.
const COMMON: &[&str] = &[
    "light",
    "light",
    "light",
    "lamp",
    "led",
    "fan",
    "heater",
    "pump",
    "blind",
    "door",
    "garage",
    "valve",
    "lock",
    "thermostat",
    "thermostat",
    "setpoint",
    "dial",
    "thermometer",
    "sensor",
    "outlet",
    "switch",
    "camera",
    "window",
    "speaker",
    "motor",
    "relay",
];

/// A word that nobody has seen: syllables put together.
pub(super) fn invented(rng: &mut Rng) -> String {
    const HEADS: &[&str] = &[
        "b", "br", "c", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "pl", "qu",
        "r", "s", "st", "t", "tr", "v", "w", "z", "sh", "ch",
    ];
    const HEARTS: &[&str] = &["a", "e", "i", "o", "u", "oo", "ee", "ai", "ou"];
    const TAILS: &[&str] = &["", "n", "r", "l", "x", "m", "nd", "rk", "ss", "t", "ck", "b", "g"];
    (0..rng.range(2, 3))
        .map(|_| format!("{}{}{}", rng.pick(HEADS), rng.pick(HEARTS), rng.pick(TAILS)))
        .collect()
}

/// A word that is no device noun: rare, or invented.
pub(super) fn odd_word(rng: &mut Rng) -> String {
    if rng.chance(0.3) { invented(rng) } else { (*rng.pick(&rng.lexicon().words)).to_owned() }
}

/// A name for a device of this kind, and whether the area is part of it.
pub(super) fn device_name(rng: &mut Rng, kind: &str, area: Option<&str>) -> String {
    let nouns = rng.lexicon().nouns.iter().find(|(name, _)| *name == kind).map(|(_, nouns)| nouns.as_slice());
    let noun = match nouns {
        Some(nouns) => (*rng.pick(nouns)).to_owned(),
        None => kind.to_owned(),
    };
    match rng.weighted(&[if area.is_some() { 38 } else { 0 }, 20, 18, 6, 10, 3, 3, 4]) {
        0 => format!("{} {noun}", area.unwrap_or_default()),
        1 => format!("{} {noun}", rng.pick(&rng.lexicon().adjectives)),
        2 => noun,
        3 => match rng.below(3) {
            0 => format!("{noun} {}", rng.range(1, 9)),
            1 => format!("{noun} {}", ["a", "b", "c", "x", "y"][rng.below(5)]),
            _ => {
                format!("{noun} {}", ["one", "two", "three", "left", "right", "north", "south"][rng.below(7)])
            }
        },
        4 => format!("{} {noun}", odd_word(rng)),
        5 => (*rng.pick(&rng.lexicon().nicknames)).to_owned(),
        6 => format!("{} {}", odd_word(rng), odd_word(rng)),
        _ => {
            let adjective = rng.pick(&rng.lexicon().adjectives);
            format!("{} {adjective} {noun}", area.unwrap_or_else(|| *rng.pick(&rng.lexicon().adjectives)))
        }
    }
}

/// A random device whose names are new to `taken`, which holds all names given so far.
fn random_device(
    rng: &mut Rng,
    areas: &[String],
    favourites: &[&str],
    taken: &mut Vec<String>,
) -> Option<Device> {
    let kind = if rng.chance(0.35) {
        *rng.pick(favourites)
    } else if rng.chance(0.6) {
        *rng.pick(COMMON)
    } else {
        rng.lexicon().nouns[rng.below(rng.lexicon().nouns.len())].0
    };
    let area = (!areas.is_empty() && rng.chance(0.85)).then(|| rng.pick(areas).clone());
    let name = device_name(rng, kind, area.as_deref());
    // Rarely a word of the user's own for the kind.
    let own_kind = rng.chance(0.02);
    let kind = if own_kind { odd_word(rng) } else { kind.to_owned() };
    if taken.contains(&name) {
        return None;
    }
    taken.push(name.clone());
    let mut device = Device::of_kind(&name, &kind, area.as_deref());
    for _ in 0..rng.weighted(&[75, 20, 5]) {
        let alias = if rng.chance(0.15) {
            (*rng.pick(&rng.lexicon().nicknames)).to_owned()
        } else {
            device_name(rng, &kind, area.as_deref())
        };
        if !taken.contains(&alias) {
            taken.push(alias.clone());
            device.aliases.push(alias);
        }
    }
    if device.can.has(Capabilities::STOP) && rng.chance(0.5) {
        device.can = device.can.without(Capabilities::STOP);
    }
    if device.can.has(Capabilities::LEVEL) {
        if rng.chance(0.25) {
            device.can = device.can.without(Capabilities::LEVEL);
        } else if rng.chance(0.2) {
            let least = rng.below(4) as f64 * 5.0;
            device.range = Some([least, (50 + 5 * rng.below(10)) as f64]);
        }
    } else if device.can.has(Capabilities::SWITCH) && rng.chance(0.05) {
        device.can = device.can.with(Capabilities::LEVEL);
    }
    if device.can.has(Capabilities::VALUE) {
        device.range = Some(*rng.pick(&[
            [5.0, 30.0],
            [10.0, 28.0],
            [0.0, 40.0],
            [16.0, 24.0],
            [0.0, 10.0],
            [1.0, 5.0],
            [-20.0, 80.0],
            [0.0, 100.0],
            [0.0, 360.0],
            [20.0, 20000.0],
            [100.0, 500.0],
        ]));
    }
    if device.kind == "sensor" || device.kind == "meter" {
        let units = ["lux", "ppm", "V", "W", "bar", "pH", "%", "°C", "l/min", "A"];
        device.unit = rng.chance(0.6).then(|| (*rng.pick(&units)).to_owned());
    }
    Some(device)
}

/// Words that tell things of a sort apart; those of one row go together.
const APART: &[&[&str]] = &[
    &["left", "right"],
    &["left", "right", "middle"],
    &["front", "back"],
    &["front", "rear"],
    &["upper", "lower"],
    &["top", "bottom"],
    &["inner", "outer"],
    &["inside", "outside"],
    &["north", "south", "east", "west"],
    &["red", "green", "blue", "amber", "white"],
    &["port", "starboard"],
    &["big", "small"],
    &["main", "spare"],
    &["main", "backup"],
    &["hot", "cold"],
    &["fresh", "grey", "black"],
    &["first", "second", "third"],
    &["day", "night"],
    &["old", "new"],
    &["high", "low"],
    &["long", "short"],
    &["desk", "floor", "table", "wall", "shelf"],
    &["door", "window", "corner"],
    &["bench", "ceiling", "wall"],
    &["bow", "stern"],
    &["salt", "sweet"],
    &["stage", "house", "back row"],
    &["counter", "sink", "stove"],
    &["bed", "reading", "wardrobe"],
    &["tank", "pond", "well", "barrel"],
    &["tomato", "herb", "pepper", "bean"],
    &["1", "2", "3", "4"],
    &["one", "two", "three"],
    &["a", "b", "c"],
];

/// Two to four devices of one sort, with what tells them apart before the noun, or behind it.
fn random_set(rng: &mut Rng, areas: &[String], taken: &mut Vec<String>) -> Vec<Device> {
    let kind = if rng.chance(0.7) {
        *rng.pick(COMMON)
    } else {
        rng.lexicon().nouns[rng.below(rng.lexicon().nouns.len())].0
    };
    let nouns =
        rng.lexicon().nouns.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, nouns)| nouns);
    let short: Vec<&str> = nouns.iter().copied().filter(|noun| !noun.contains(' ')).collect();
    let noun = if short.is_empty() || rng.chance(0.35) { kind } else { *rng.pick(&short) };
    let mut apart: Vec<String> = if rng.chance(0.75) {
        rng.pick(APART).iter().map(|&word| word.to_owned()).collect()
    } else if rng.chance(0.5) && areas.len() > 1 {
        areas.to_vec()
    } else {
        (0..3)
            .map(|_| {
                if rng.chance(0.5) {
                    odd_word(rng)
                } else {
                    (*rng.pick(&rng.lexicon().adjectives)).to_owned()
                }
            })
            .collect()
    };
    let behind = apart.iter().all(|word| word.len() == 1 || ["one", "two", "three"].contains(&word.as_str()));
    let wanted = rng.range(2, apart.len().clamp(2, 4));
    if !behind && rng.chance(0.5) {
        rng.shuffle(&mut apart);
    }
    let together = (!areas.is_empty() && rng.chance(0.7)).then(|| rng.pick(areas).clone());
    let level = rng.chance(0.6);
    let mut out = Vec::new();
    for word in apart.iter().take(wanted) {
        let name = if behind { format!("{noun} {word}") } else { format!("{word} {noun}") };
        let area = match areas.contains(word) {
            true => Some(word.clone()),
            false if together.is_none() && !areas.is_empty() && rng.chance(0.6) => {
                Some(rng.pick(areas).clone())
            }
            false => together.clone(),
        };
        if taken.contains(&name) {
            continue;
        }
        taken.push(name.clone());
        let mut device = Device::of_kind(&name, kind, area.as_deref());
        if !level {
            device.can = device.can.without(Capabilities::LEVEL);
        }
        if device.can.has(Capabilities::VALUE) {
            device.range = Some([5.0, 30.0]);
        }
        out.push(device);
    }
    out
}

/// What measures, and what stands before it; kind and unit.
const MEASURING: &[(&str, &[&str], &str, Option<&str>)] = &[
    (
        "thermometer",
        &[
            "water", "room", "outdoor", "tank", "pool", "oven", "freezer", "engine", "soil", "milk", "attic",
            "bath",
        ],
        "thermometer",
        None,
    ),
    (
        "probe",
        &["temperature", "soil", "ph", "salinity", "oxygen", "meat", "moisture", "ec", "compost"],
        "sensor",
        None,
    ),
    ("hygrometer", &["room", "cellar", "piano", "archive", "tent", "hay"], "hygrometer", None),
    (
        "gauge",
        &[
            "fuel",
            "water",
            "oil",
            "tank",
            "fresh tank",
            "grey tank",
            "gas",
            "rain",
            "pressure",
            "diesel",
            "silo",
            "barrel",
        ],
        "meter",
        None,
    ),
    ("battery", &["house", "starter", "leisure", "van", "buffer", "radio", "mower"], "meter", Some("V")),
    (
        "meter",
        &[
            "noise", "flow", "power", "light", "water", "ph", "salt", "wind", "energy", "gas", "solar",
            "sound",
        ],
        "meter",
        None,
    ),
    ("scale", &["hive", "kitchen", "parcel", "grain", "keg", "feed"], "sensor", Some("kg")),
    (
        "sensor",
        &[
            "temperature",
            "humidity",
            "rain",
            "light",
            "co2",
            "level",
            "wind",
            "water",
            "moisture",
            "pressure",
            "speed",
            "smoke",
            "motion",
            "noise",
            "oxygen",
            "depth",
        ],
        "sensor",
        None,
    ),
    ("level", &["water", "tank", "oil", "pond", "silo", "feed"], "sensor", Some("%")),
    ("counter", &["people", "egg", "bottle", "part", "visitor"], "meter", None),
    ("monitor", &["battery", "air quality", "humidity", "temperature"], "sensor", None),
];

fn random_instrument(rng: &mut Rng, areas: &[String], taken: &mut Vec<String>) -> Option<Device> {
    let (noun, before, kind, unit) = *rng.pick(MEASURING);
    let area = (!areas.is_empty() && rng.chance(0.65)).then(|| rng.pick(areas).clone());
    let name = match rng.below(8) {
        0 => noun.to_owned(),
        1 => format!("{} {noun}", area.as_deref()?),
        _ => format!("{} {noun}", rng.pick(before)),
    };
    if taken.contains(&name) {
        return None;
    }
    taken.push(name.clone());
    let mut device = Device::of_kind(&name, kind, area.as_deref());
    let named = [
        ("temperature", "°C"),
        ("humidity", "%"),
        ("moisture", "%"),
        ("soil", "%"),
        ("ph ", "pH"),
        ("pressure", "bar"),
        ("wind", "m/s"),
        ("light", "lux"),
        ("co2", "ppm"),
        ("power", "W"),
        ("energy", "W"),
        ("flow", "l/min"),
        ("noise", "dB"),
        ("sound", "dB"),
        ("gauge", "%"),
    ];
    let unit = unit.or_else(|| named.iter().find(|(word, _)| name.contains(word)).map(|(_, unit)| *unit));
    if let Some(unit) = unit.filter(|_| rng.chance(0.6)) {
        device.unit = Some(unit.to_owned());
    }
    Some(device)
}

/// A random scene, and its user tools with the sentences that ask for them.
pub(super) fn random_scene(rng: &mut Rng) -> (Scene, Vec<SaidTool>) {
    let areas: Vec<String> =
        (0..rng.weighted(&[10, 8, 14, 20, 18, 14, 10, 6])).map(|_| random_area(rng)).collect();
    let favourites: Vec<&str> = (0..3).map(|_| *rng.pick(COMMON)).collect();
    let wanted = rng.weighted(&[0, 2, 4, 6, 7, 8, 9, 9, 9, 9, 9, 9, 9, 9, 8, 8, 7, 7, 7, 7, 7, 6, 5, 4, 3]);
    let mut taken = Vec::new();
    let mut devices = Vec::new();
    for _ in 0..rng.weighted(&[45, 40, 15]) {
        devices.extend(random_set(rng, &areas, &mut taken));
    }
    // Their names are of training.
    let instruments = if rng.words() == Words::Training { rng.weighted(&[60, 20, 12, 8]) } else { 0 };
    for _ in 0..instruments {
        devices.extend(random_instrument(rng, &areas, &mut taken));
    }
    // Grown sets stand among the others as often as at their head.
    let wanted = wanted.max(devices.len());
    for _ in 0..4 * wanted {
        if devices.len() < wanted {
            devices.extend(random_device(rng, &areas, &favourites, &mut taken));
        }
    }
    if rng.chance(0.5) {
        rng.shuffle(&mut devices);
    }
    let mut tools: Vec<Tool> = Vec::new();
    // Most states have most tools; some have few.
    let share = if rng.chance(0.6) {
        1.0
    } else if rng.chance(0.5) {
        0.85
    } else {
        0.5
    };
    tools.extend(Builtin::ALL.into_iter().filter(|_| rng.chance(share)).map(Tool::Builtin));
    let mut said: Vec<SaidTool> = Vec::new();
    let count = rng.weighted(&[26, 12, 16, 18, 13, 9, 6]);
    for mut tool in random_tools(rng, count) {
        related(rng, &mut tool.tool, &mut devices);
        let clash = |known: &Tool| known.name() == tool.tool.name();
        if !tools.iter().any(clash) {
            tools.push(tool.tool.clone());
            said.push(tool);
        }
    }
    (Scene::new(tools, devices), said)
}

/// Sometimes a tool speaks of a device that is here, or a device is called what a tool is about: in an agent for one
/// place the two have words in common, and the words alone do not say which of them is meant.
fn related(rng: &mut Rng, tool: &mut Tool, devices: &mut [Device]) {
    let Tool::User { name, description, .. } = tool else { return };
    if devices.is_empty() {
        return;
    }
    let at = rng.below(devices.len());
    match rng.below(10) {
        0..=2 => {
            let whole = devices[at].name.clone();
            let noun = whole.rsplit(' ').next().unwrap_or_default().to_owned();
            let said = if rng.chance(0.5) { whole } else { noun };
            let link = *rng.pick(&["of the", "with the", "on the", "for the", "at the", "by the"]);
            *description = format!("{description} {link} {said}");
        }
        3 | 4 => {
            let about: Vec<&str> = name
                .split('_')
                .chain(description.split(' '))
                .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
                .filter(|word| word.len() > 3 && !ABOUT_NOTHING.contains(word))
                .collect();
            if about.is_empty() {
                return;
            }
            let word = rng.pick(&about).to_lowercase();
            let noun = devices[at].name.rsplit(' ').next().unwrap_or_default().to_owned();
            let name = if rng.chance(0.6) { word } else { format!("{word} {noun}") };
            let taken = |device: &Device| device.name == name || device.aliases.contains(&name);
            if name.len() < 30 && !devices.iter().any(taken) {
                devices[at].name = name;
            }
        }
        _ => {}
    }
}

/// Words of descriptions that no device is called.
const ABOUT_NOTHING: &[&str] = &[
    "with", "from", "that", "this", "into", "their", "them", "some", "given", "starts", "start", "stop",
    "turn", "sets", "make", "makes", "open", "opens", "close", "closes", "read", "reads", "gives", "give",
    "adds", "shows", "show", "next", "number", "time", "times", "seconds", "minutes", "hours", "percent",
    "level", "every", "once", "under", "over", "named", "another", "other", "things", "thing", "until",
    "after", "before", "about", "between", "which", "what", "when", "where",
];

fn random_area(rng: &mut Rng) -> String {
    match rng.below(10) {
        0 => format!("{} room", odd_word(rng)),
        1 => odd_word(rng),
        _ => (*rng.pick(&rng.lexicon().areas)).to_owned(),
    }
}
