//! What the matcher knows of English: words for kinds of device, words for what a unit measures, and
//! the everyday words that are never taken for a misspelt name.

use super::number::ONES;
use crate::board::{Device, Direction};

/// The table `lexicon.txt`: `(kind, words)`.
pub fn kind_words() -> impl Iterator<Item = (&'static str, std::str::SplitWhitespace<'static>)> {
    include_str!("lexicon.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .map(|(kind, words)| (kind, words.split_whitespace()))
}

/// What a group word means: kinds that people name alike share a family ("lights" are lamps, LEDs and strips too).
pub fn family(kind: &str) -> &str {
    match kind {
        "light" | "lamp" | "led" | "strip" => "light",
        "outlet" | "plug" => "outlet",
        "sensor" | "thermometer" | "hygrometer" | "meter" | "motion" => "sensor",
        _ => kind,
    }
}

/// Words that ask for the quantity a unit measures.
pub(super) fn unit_words(unit: &str) -> &'static [&'static str] {
    match unit {
        "°C" | "°F" | "C" | "F" | "K" => &["temperature", "temp"],
        "%RH" | "rh" => &["humidity"],
        "lux" | "lx" => &["brightness", "light level"],
        "ppm" => &["co2", "air quality", "ppm"],
        "V" => &["voltage", "battery"],
        "A" => &["current"],
        "W" | "kW" => &["power"],
        "Pa" | "hPa" | "bar" | "mbar" => &["pressure"],
        "pH" => &["ph", "acidity"],
        "l/min" | "L/min" => &["flow"],
        "m/s" | "km/h" => &["speed"],
        "rpm" => &["speed"],
        "dB" | "dBA" | "dB(A)" => &["noise", "loudness", "sound level"],
        "ppt" | "psu" => &["salinity"],
        "kg" | "g" | "lb" => &["weight"],
        _ => &[],
    }
}

/// Words for what a device measures whose unit does not say it: of a hygrometer in percent the humidity.
pub(super) fn quantity_words(device: &Device) -> &'static [&'static str] {
    const QUANTITIES: &[(&[&str], &[&str])] = &[
        (&["hygrometer", "humidity"], &["humidity"]),
        (&["thermometer", "temperature"], &["temperature", "temp"]),
        (&["anemometer", "wind"], &["wind", "wind speed"]),
        (&["barometer"], &["pressure"]),
        (&["rain gauge", "rain sensor"], &["rain"]),
        (&["soil", "moisture"], &["moisture"]),
        (
            &["people counter", "visitor counter", "head counter", "guest counter"],
            &["people", "visitors", "guests"],
        ),
    ];
    if device.direction != Direction::In {
        return &[];
    }
    // Whole words: a window measures no wind.
    let name = format!(" {} ", device.name.to_lowercase());
    let by =
        |words: &[&str]| words.iter().any(|word| device.kind == *word || name.contains(&format!(" {word} ")));
    QUANTITIES.iter().find(|(names, _)| by(names)).map_or(&[], |(_, words)| words)
}

/// Things with more than one everyday name.
const NAMESAKES: &[&[&str]] = &[
    &["light", "lamp"],
    &["lights", "lamps"],
    &["washing machine", "washer"],
    &["tumble dryer", "dryer", "drier"],
    &["fridge", "refrigerator"],
    &["television", "telly", "tv"],
    &["microphone", "mic", "mike"],
    &["loudspeaker", "speaker"],
    &["vacuum cleaner", "vacuum", "hoover"],
    &["coffee machine", "coffee maker"],
    &["air conditioner", "air conditioning", "aircon", "air con", "ac"],
    &["computer", "pc"],
    &["generator", "genny", "genset"],
    &["humidity sensor", "hygrometer"],
    &["temperature sensor", "thermometer"],
    &["extractor fan", "extractor"],
    &["curtain", "drape"],
    &["curtains", "drapes"],
    &["tap", "faucet"],
    &["torch", "flashlight"],
    &["lift", "elevator"],
    &["projector", "beamer"],
    &["fairy lights", "string lights"],
    &["hot tub", "jacuzzi"],
    &["boiler", "water heater"],
    &["smoke detector", "smoke alarm"],
    &["letterbox", "mailbox"],
];

/// A name with some of its words said in other ways: "kids telly" of the kids television.
pub(super) fn other_names(name: &str) -> Vec<String> {
    let name = format!(" {} ", name.to_lowercase());
    let mut out = Vec::new();
    for names in NAMESAKES {
        let holds = |word: &&&str| name.contains(&format!(" {word} "));
        let Some(said) = names.iter().filter(holds).max_by_key(|word| word.len()) else { continue };
        let others = names.iter().filter(|word| *word != said);
        out.extend(
            others.map(|word| name.replacen(&format!(" {said} "), &format!(" {word} "), 1).trim().to_owned()),
        );
    }
    out
}

/// Places with more than one everyday name.
const PLACES: &[&[&str]] = &[
    &["living room", "lounge", "sitting room", "front room"],
    &["car park", "parking lot", "parking"],
    &["hall", "hallway", "corridor"],
    &["cellar", "basement"],
    &["attic", "loft"],
    &["garden", "backyard", "back yard"],
    &["patio", "terrace"],
    &["storeroom", "store room", "storage room", "stockroom"],
    &[
        "bathroom",
        "washroom",
        "washrooms",
        "restroom",
        "restrooms",
        "toilet",
        "toilets",
        "loo",
        "loos",
        "wc",
        "lavatory",
    ],
];

/// Other names of a place.
pub(super) fn other_places(area: &str) -> impl Iterator<Item = &'static str> {
    let same = |names: &&&[&str]| names.iter().any(|name| area.eq_ignore_ascii_case(name));
    let names = PLACES.iter().find(same).copied().unwrap_or_default();
    names.iter().copied().filter(move |name| !area.eq_ignore_ascii_case(name))
}

/// What people say for a choice.
const CHOSEN: &[&[&str]] = &[
    &["raise", "up"],
    &["lower", "down"],
    &["forward", "forwards", "ahead"],
    &["backward", "backwards", "back", "reverse"],
    &["large", "big"],
    &["small", "little"],
    &["mum", "mom"],
    &["grey", "gray"],
    &["anticlockwise", "counterclockwise"],
    &["cash", "coins"],
    &["card", "contactless", "plastic", "debit", "visa"],
    &["bank transfer", "transfer", "bacs"],
    &["evening", "tonight", "pm"],
    &["night", "overnight"],
    &["child", "kid"],
    &["adult", "grown up"],
    &["senior", "pensioner", "oap"],
    &["extra large", "xl"],
    &["vegetarian", "veggie"],
    &["gluten free", "gf", "coeliac"],
    &["each", "apiece"],
    &["tee", "t shirt", "tshirt"],
    &["movie", "film"],
    &["holiday", "vacation"],
    &["fridge", "refrigerator"],
    &["sofa", "couch", "settee"],
    &["tv", "telly", "television"],
    &["phone", "telephone"],
    &["nappy", "diaper"],
    &["rubbish", "bins", "trash", "garbage"],
    &["lorry", "truck"],
    &["dishes", "washing up"],
    &["vacuuming", "hoovering", "hoover", "vacuum"],
    &["washing machine", "washer"],
    &["tumble dryer", "dryer"],
    &["dad", "daddy", "father"],
    &["gran", "nan", "granny", "grandma"],
    &["grandad", "granddad", "grandpa"],
    &["broken", "bust", "busted", "knackered"],
    &["dirty", "filthy", "mucky"],
    &["ill", "sick", "poorly"],
    &["fast", "quick"],
    &["everyone", "everybody"],
    &["everywhere", "the whole building", "the whole place", "the whole house", "all over"],
    &["both", "inside and out", "inside and outside"],
    &["top", "highest", "uppermost"],
    &["bottom", "lowest"],
    &["middle", "centre", "center"],
    &["urgent", "straight away", "right away", "asap", "can't wait", "emergency"],
    &["noon", "midday", "twelve o'clock", "12 o'clock"],
    &["midnight", "twelve at night"],
    &["opening", "first thing"],
    &["closing", "last thing"],
    &["daily", "every day", "each day"],
    &["weekly", "every week", "once a week"],
    &["monthly", "every month", "once a month"],
    &["fortnightly", "every fortnight", "every two weeks"],
    &["speaker", "speakers", "tannoy", "loudspeaker"],
    &["walkie", "walkie talkie", "radio"],
    &["text", "sms"],
    &["email", "e mail"],
    &["collection", "pickup", "collected"],
    &["takeaway", "take out", "to go"],
    &["dairy", "milkman", "cow's"],
    &["fishmonger", "fish man"],
    &["greengrocer", "veg man"],
    &["chippy", "chip shop"],
    &["indian", "curry house"],
    &["skimmed", "skim"],
    &["decaf", "decaffeinated"],
    &["sparkling", "fizzy"],
    &["by mouth", "oral", "orally"],
    &["under the skin", "subcut", "subcutaneous"],
    &["injection", "jab"],
    &["downstairs", "ground floor"],
    &["win", "won", "victory"],
    &["loss", "lost", "defeat"],
    &["draw", "drew", "tie"],
    &["return", "round trip"],
    &["single", "one way"],
    &["monday", "mon"],
    &["tuesday", "tues"],
    &["wednesday", "weds"],
    &["thursday", "thurs"],
    &["friday", "fri"],
];

/// A choice that is a full hour ("4pm", "9 am"), as people say it: "four o'clock", "four pm"; none for others.
pub(super) fn said_hours(choice: &str) -> Vec<String> {
    let choice = choice.to_lowercase();
    let half = ["am", "pm"].into_iter().find_map(|half| Some((choice.strip_suffix(half)?.trim(), half)));
    let Some((hour, half)) = half else { return Vec::new() };
    let Some(said) = hour.parse::<usize>().ok().filter(|hour| (1..=12).contains(hour)).map(|hour| ONES[hour])
    else {
        return Vec::new();
    };
    vec![
        format!("{hour} {half}"),
        format!("{said} {half}"),
        format!("{hour} o'clock"),
        format!("{said} o'clock"),
    ]
}

/// Other words for a choice that a tool offers.
pub(super) fn other_choices(choice: &str) -> impl Iterator<Item = &'static str> {
    let same = |words: &&&[&str]| words.iter().any(|word| choice.eq_ignore_ascii_case(word));
    let words = CHOSEN.iter().find(same).copied().unwrap_or_else(|| names_of_unit(&choice.to_lowercase()));
    words.iter().copied().filter(move |word| !choice.eq_ignore_ascii_case(word))
}

/// How people say and write a unit of a tool's parameter, itself among them; none for what is no unit. Lengths of time and percents
/// are numbers of their own kind.
pub(super) fn names_of_unit(unit: &str) -> &'static [&'static str] {
    const UNITS: &[&[&str]] = &[
        &["mg", "milligram", "milligrams"],
        &["ml", "mil", "mils", "millilitre", "millilitres", "milliliter", "milliliters"],
        &["litre", "litres", "liter", "liters"],
        &["gram", "grams", "gramme", "grammes", "g"],
        &["kg", "kilo", "kilos", "kilogram", "kilograms", "kilogramme", "kilogrammes"],
        &["mm", "millimetre", "millimetres", "millimeter", "millimeters", "mils"],
        &["cm", "centimetre", "centimetres", "centimeter", "centimeters"],
        &["metre", "metres", "meter", "meters"],
        &["km", "kilometre", "kilometres", "kilometer", "kilometers"],
        &["rpm", "revs", "revolutions"],
        &["euro", "euros", "quid", "pounds", "dollars", "bucks"],
    ];
    UNITS.iter().find(|names| names.contains(&unit)).copied().unwrap_or_default()
}

/// What may follow "how" in a question that this device answers ("how warm", "how much"), from its kind, unit and name.
pub(super) fn measured(device: &Device) -> &'static [&'static str] {
    const WARM: &[&str] = &["warm", "hot", "cold", "cool", "chilly", "freezing", "toasty"];
    const WET: &[&str] = &["wet", "dry", "moist", "damp", "humid", "muggy"];
    let named = |words: &[&str]| words.iter().any(|word| device.name.to_lowercase().contains(word));
    match (device.kind.as_str(), device.unit.as_deref().unwrap_or_default()) {
        _ if device.direction != Direction::In => &[],
        ("thermometer", _) | (_, "°C" | "°F" | "C" | "F" | "K") => WARM,
        ("hygrometer", _) | (_, "%RH" | "rh") => WET,
        (_, "lux" | "lx") => &["bright", "dark", "light", "sunny"],
        (_, "dB" | "dBA" | "dB(A)") => &["loud", "noisy", "quiet"],
        (_, "l" | "L" | "litres" | "liters" | "gal") => &["full", "much", "empty"],
        (_, "kg" | "g" | "lb") => &["heavy", "much"],
        (_, "cm" | "m" | "mm" | "ft") => &["deep", "high", "far", "full"],
        (_, "m/s" | "km/h" | "kn" | "mph" | "rpm" | "l/min" | "L/min") => {
            &["fast", "windy", "strong", "hard"]
        }
        (_, "pH") => &["acid", "acidic", "sour"],
        (_, "ppt" | "psu") => &["salty", "saline"],
        _ if named(&["soil", "moisture"]) => WET,
        _ if named(&["thermometer", "temperature", "thermocouple"]) => WARM,
        _ if named(&["noise", "sound", "decibel"]) => &["loud", "noisy", "quiet"],
        _ if named(&["gauge", "level", "tank", "battery", "charge"]) => &["full", "much", "empty"],
        _ if named(&["lux", "light meter", "light sensor"]) => &["bright", "dark", "light", "sunny"],
        _ if named(&["scale", "weight"]) => &["heavy", "much"],
        _ if named(&["wind", "flow", "speed"]) => &["fast", "windy", "strong", "hard"],
        _ if named(&["salinity"]) => &["salty", "saline"],
        _ => &[],
    }
}

/// Words that may stand inside a mention without being part of the name ("the light in the kitchen").
pub(super) fn is_filler(word: &str) -> bool {
    matches!(
        word,
        "the"
            | "a"
            | "in"
            | "of"
            | "my"
            | "our"
            | "your"
            | "his"
            | "her"
            | "their"
            | "on"
            | "at"
            | "by"
            | "from"
            | "for"
            | "near"
            | "over"
            | "under"
            | "above"
            | "inside"
            | "to"
            | "s"
            // In names of other languages ("luz de la cocina").
            | "la"
            | "le"
            | "les"
            | "l"
            | "de"
            | "d"
            | "du"
            | "del"
            | "el"
            | "los"
            | "las"
    )
}

/// Words that make the next one a noun.
pub(super) fn is_determiner(word: &str) -> bool {
    matches!(
        word,
        "the" | "a" | "my" | "our" | "your" | "this" | "that" | "every" | "each" | "all" | "which" | "both"
    )
}

/// Everyday words: they match names only when spelt exactly, and never stand alone for a part of a name.
const EVERYDAY: &str = "a about after again all also am an and another any anything are around as ask at away back be
because been before being bit both bright brighter brightness bring but by call came can cannot cant change check clear
close closed cold come completely could cut dark darker day decrease did dim dimmer do does doing done dont down drop
each early either else enough even ever every everything except far feel few find finish first five for four from full
get getting give go goes going good got great had half hand hard has have he hear heat hello help her here high higher
him his hold home hot hour how i if im in increase inside into is it its just keep kill know last late leave left less
let level like list little lock long look lot low lower make many maybe me mean minute minutes more morning most move
much must my name need never new next nice night no nor not nothing now of off often ok okay on once one only onto
open opened or other our out outside over past percent please press pull push put quick quickly quiet quite
raise read really reduce remind report right room run running said same say second seconds see seem send set shall she
should show shut side six slow slower small so some something soon start state status still stop stopped such sure
switch switched take tell ten than thank thanks that the their them then there these they thing things think this
those three through time times to today together toggle tomorrow tonight too top turn turned twice two under unlock
until up us use value very wait want wanted warm warmer was way we well were what when where whether which while who
why will wish with without wont work would yes you your yours right night might fight sight floor more four pour tour
car cat rat bat hat hall wall call tall fall ball";

/// Whether a word is an everyday one.
pub(super) fn is_everyday(word: &str) -> bool {
    EVERYDAY.split_whitespace().any(|everyday| everyday == word)
}
