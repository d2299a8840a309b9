//! Questions for what a device measures, in words for the quantity and not for the device.

use crate::board::{Capabilities, Device};
use crate::prompt::{Scene, Selector, Step};
use crate::tool::Builtin;

use super::lexicon::Words;
use super::request::Draft;
use super::rng::Rng;
use super::template::expand;
use super::who::{mention, reachable};

/// A quantity: how devices that measure it are called, and how people ask for it.
struct Quantity {
    /// Words of a name that tell it, or its kind.
    words: &'static [&'static str],
    /// Its units.
    units: &'static [&'static str],
    /// Questions with the thing measured (`{p}`): the rest of the device's name, or its area. "? " opens an indirect one.
    of: &'static [&'static str],
    /// Questions when nothing else here measures it.
    bare: &'static [&'static str],
}

const QUANTITIES: &[Quantity] = &[
    Quantity {
        words: &["thermometer", "temperature", "thermocouple", "pyrometer", "temp"],
        units: &["°C", "°F"],
        of: &[
            "{p}, how (warm|hot|cold)(| please|?)",
            "{p} in degrees(| please|?)",
            "(temp|temperature) (at|by) the {p}(|?)",
            "? (what the temperature (of|in) the {p} is|how (warm|hot|cold) the {p} is)",
            "how (warm|hot|cold|cool) is (the|) {p}(| now| right now| at the moment)",
            "(what's|what is|give me|tell me|check|read) the temperature (of|in|at) the {p}",
            "{p} (temperature|temp)(| please| now|?)",
            "(the|) temperature (of|in) the {p}(| please)",
            "(what's|what is) the {p} temperature",
            "is the {p} (warm|hot|cold|cool) (enough|yet|already|)",
            "how many degrees (is|has) the {p}",
            "has the {p} (cooled down|warmed up|got warm) (yet|)",
        ],
        bare: &[
            "temp (please|pls|?)",
            "(temperature|temp) reading(| please)",
            "how (warm|hot|cold)(| please|?)",
            "degrees(|?| please)",
            "the temperature, please",
            "let me know (the temperature|how (warm|hot|cold) it is)",
            "? (what the temperature is|how (warm|hot|cold) it is)(| now| in here| at the moment)",
            "how (warm|hot|cold) is it(| now| right now| in here)",
            "(what's|what is|tell me|give me|check) the temperature(| now| please)",
            "temperature(| please| now|?)",
            "how many degrees (is it|do we have|have we got)",
            "is it (cold|warm|hot|freezing)(| in here| out there)",
        ],
    },
    Quantity {
        words: &["hygrometer", "humidity", "damp", "hygro"],
        units: &["%RH"],
        of: &[
            "{p}, how (humid|damp)(|?)",
            "(humidity|moisture) percentage (of|in) the {p}",
            "? (what the humidity in the {p} is|how (humid|damp) the {p} is)",
            "how (humid|damp|dry|moist) is (it in|) the {p}",
            "(what's|what is|give me|tell me|check) the humidity (of|in|at) the {p}",
            "{p} humidity(| please| now|?)",
            "is the {p} too (damp|dry|humid)",
        ],
        bare: &[
            "humidity (reading|percentage)(| please|?)",
            "how (damp|humid)(|?)",
            "the humidity, please",
            "let me know (the humidity|how humid it is)",
            "(is it|are we) (too |)(humid|damp)(| in here)",
            "? (what the humidity is|how (humid|damp|dry) it is)(| now| in here| at the moment)",
            "how (humid|damp|dry) is it(| in here| now)",
            "(what's|what is|tell me|check) the humidity(| now| please)",
            "humidity(| please|?)",
            "is the air too (dry|damp)",
        ],
    },
    Quantity {
        words: &["moisture", "soil"],
        units: &[],
        of: &[
            "? how (dry|wet|moist) the {p} is",
            "how (dry|wet|moist|damp) is the {p}",
            "is the {p} (dry|wet|too dry|too wet|moist enough)",
            "does the {p} need water",
            "moisture of the {p}",
        ],
        bare: &[
            "? how (dry|wet|moist) the (soil|earth|ground) is",
            "how (dry|wet|moist) is the (soil|earth|ground)",
            "soil moisture(| please|?)",
            "(do the plants|does anything) need water(|ing)",
        ],
    },
    Quantity {
        words: &["gauge", "level", "float", "sounder"],
        units: &[],
        of: &[
            "{p}, how (full|much)(|?)",
            "{p} (level|percentage)(| please|?)",
            "what percent is the {p}",
            "let me know how (full|empty) the {p} is",
            "(are we|is it) (out of|low on|running out of) {p}",
            "how is the {p} (doing|looking)( for level|)",
            "? (how (full|empty|high|low) the {p} is|how much (is left in the {p}|{p} is left|{p} we have left)|what the {p} level is)",
            "how (full|empty) is the {p}",
            "how much is (left |)in the {p}",
            "how much {p} (is left|have we got|do we have|have we left)",
            "(what's|what is|check|read|give me) the {p} level",
            "level of the {p}",
            "is the {p} (full|empty|nearly empty|low|running low)",
            "how (high|low) is the {p}",
        ],
        bare: &[
            "level reading(| please)",
            "the level, please",
            "let me know (the level|how full it is)",
            "? (what the level is|how full it is)",
            "(what's|what is|check|read) the level",
            "how (full|high) is it",
            "level(| please|?)",
        ],
    },
    Quantity {
        words: &["battery", "accumulator"],
        units: &[],
        of: &[
            "{p} battery(| please|?)",
            "{p} battery percentage(| please|?)",
            "how much is left in the {p} battery",
            "let me know how full the {p} battery is",
            "will the {p} battery last",
            "? how (full|flat|charged) the {p} battery is",
            "how (full|flat|charged) is the {p} battery",
            "how much (charge|juice) is (left |)in the {p} battery",
            "(what's|what is|check) the voltage of the {p} battery",
            "{p} battery (voltage|charge|level|state)",
            "is the {p} battery (flat|full|low|charged|nearly empty)",
            "charge of the {p} battery",
        ],
        bare: &[
            "battery(| please|?)",
            "battery (percentage|reading)(| please|?)",
            "charge(| please|?)",
            "let me know (the charge|how full the battery is)",
            "how's the battery(| doing| looking|?)",
            "? (how (full|flat|charged) the battery is|how much (battery|charge) is left|what the battery (has|voltage is))",
            "how (full|flat|charged) is the battery",
            "how much (charge|battery|juice) (is left|have we got|do we have)",
            "battery (voltage|charge|level|state)(| please|?)",
            "is the battery (flat|full|low|charged)",
        ],
    },
    Quantity {
        words: &["noise", "sound", "decibel"],
        units: &["dB"],
        of: &["? how (loud|noisy) it is in the {p}", "how (loud|noisy|quiet) is (it in|) the {p}"],
        bare: &[
            "? (how (loud|noisy|quiet) it is|what the noise level is)(| now| in here)",
            "how (loud|noisy|quiet) is it(| in here| now)",
            "(what's|what is|check) the noise( level|)",
            "noise level(| please|?)",
            "is it too loud(| in here)",
        ],
    },
    Quantity {
        words: &["lux", "light meter", "light sensor", "daylight", "photometer"],
        units: &["lux"],
        of: &["how (bright|dark) is (it in|) the {p}"],
        bare: &[
            "how (bright|dark|light) is it(| in here| out there| outside)",
            "(what's|what is) the (brightness|light level)",
            "is it (dark|light|bright) (yet|outside|out|)",
        ],
    },
    Quantity {
        words: &["wind", "anemometer"],
        units: &["m/s", "km/h", "kn"],
        of: &["how (windy|strong is the wind) at the {p}"],
        bare: &[
            "wind(| please|?)",
            "wind reading(| please)",
            "how (strong|hard) is it blowing(| out there|)",
            "let me know (the wind speed|how windy it is)",
            "? (how windy it is|how strong the wind is|what the wind is doing)(| outside| now)",
            "how windy is it(| outside| out there| now)",
            "(what's|what is|check) the wind( speed| doing|)",
            "wind speed(| please|?)",
            "how (strong|fast) is the wind",
            "is it windy",
        ],
    },
    Quantity {
        words: &["flow"],
        units: &["l/min"],
        of: &[
            "how (fast|much) is the {p} flowing",
            "(what's|what is) the flow (in|of|through) the {p}",
            "{p} flow",
        ],
        bare: &[
            "(what's|what is|check) the flow( rate|)",
            "how (fast|much|strongly) (does it flow|is it flowing|is flowing)",
            "flow rate(| please|?)",
        ],
    },
    Quantity {
        words: &["scale", "scales", "weight", "load cell"],
        units: &["kg", "g"],
        of: &[
            "{p}, how (heavy|much)(|?)",
            "weight on the {p}(| please|?)",
            "how (heavy|much) is the {p}",
            "how much does the {p} weigh",
            "(what's|what is) the weight of the {p}",
            "weigh the {p}",
            "{p} weight",
        ],
        bare: &[
            "weight reading(| please)",
            "how heavy(|?)",
            "kilos(|?| please)",
            "the weight, please",
            "let me know the weight",
            "how heavy is it",
            "how much does it weigh",
            "(what's|what is|check) the weight",
            "weight(| please|?)",
            "what does the scale say",
        ],
    },
    Quantity {
        words: &["ph"],
        units: &["pH"],
        of: &[
            "? what the {p} ph is",
            "how (acid|acidic|sour) is the {p}",
            "ph of the {p}",
            "(what's|what is) the {p} ph",
        ],
        bare: &[
            "? (what the ph is|how acidic it is)",
            "how acidic is it",
            "(what's|what is|check|read) the (ph|acidity)",
            "ph( value|)(| please|?)",
        ],
    },
    Quantity {
        words: &["salinity", "salt", "ec", "conductivity"],
        units: &["ppt", "mS/cm"],
        of: &["how salty is the {p}", "salinity of the {p}"],
        bare: &[
            "? (what the salinity is|how salty it is)(| now| at the moment)",
            "how (salty|saline) is (it|the water)",
            "(what's|what is|check) the (salinity|salt level|salt content)",
            "salinity(| please|?)",
        ],
    },
    Quantity {
        words: &["co2", "air quality", "air sensor"],
        units: &["ppm"],
        of: &["{p} air(| please|?)", "how (good|bad|stuffy|fresh) is the air in the {p}", "co2 in the {p}"],
        bare: &[
            "co2(| please|?)",
            "air quality reading(| please)",
            "can (we|i) breathe in here",
            "let me know how the air is",
            "how (good|bad|stuffy|fresh) is the air(| in here)",
            "(what's|what is|check) the (air quality|co2|co2 level)",
            "air quality(| please|?)",
            "is it stuffy in here",
        ],
    },
    Quantity {
        words: &["pressure", "barometer", "manometer"],
        units: &["bar", "hPa", "mbar"],
        of: &[
            "{p}, how much pressure(|?)",
            "{p} pressure reading(| please|?)",
            "? what the {p} pressure is",
            "(what's|what is|check|give me) the pressure (in|of|on) the {p}",
            "{p} pressure(| please)",
            "how much pressure is on the {p}",
        ],
        bare: &[
            "pressure reading(| please)",
            "bars(|?| please)",
            "the pressure, please",
            "let me know the pressure",
            "? (what the pressure is|how much pressure (there is|we have))",
            "(what's|what is|check) the pressure",
            "pressure(| please|?)",
            "how (high|low) is the pressure",
            "how much pressure (is there|have we got)",
        ],
    },
    Quantity {
        words: &[
            "power meter",
            "energy meter",
            "electricity meter",
            "electric meter",
            "smart meter",
            "wattmeter",
            "watt",
        ],
        units: &["W", "kW", "kWh"],
        of: &["how much (power|electricity) does the {p} (use|draw|take)", "{p} (consumption|power)"],
        bare: &[
            "how much (power|electricity|energy) (are we using|do we use|is being used|am i using)",
            "(what's|what is) (the|our) (power use|consumption|power consumption)",
            "(what's|what is) the meter (at|saying)",
        ],
    },
    Quantity {
        words: &["water meter"],
        units: &[],
        of: &[],
        bare: &["how much water (did we use|have we used|was used)", "water (use|consumption)"],
    },
    Quantity {
        words: &["solar", "inverter"],
        units: &[],
        of: &[],
        bare: &[
            "how much (sun|solar power|power) (are we making|do we get|is coming in)",
            "what (are the panels|is the solar) (making|producing|doing)",
            "solar (yield|output|power)",
        ],
    },
    Quantity {
        words: &["rain"],
        units: &["mm"],
        of: &[],
        bare: &[
            "(is it|was it) raining(| outside| now)",
            "how much rain (fell|did we get|have we had|was there)",
            "did it rain",
            "rainfall(| today|?)",
        ],
    },
    Quantity {
        words: &["speed", "speedometer", "tachometer", "rev counter"],
        units: &["rpm"],
        of: &[
            "{p}, how fast(|?)",
            "? how fast the {p} is going",
            "how fast is the {p} (|going|turning|running)",
            "{p} speed",
            "speed of the {p}",
        ],
        bare: &[
            "speed reading(| please)",
            "how fast(|?)",
            "the speed, please",
            "let me know (the speed|our speed)",
            "? (how fast (we're|it's) going|what (our|the) speed is)",
            "how fast (are we|is it) (going|turning|running)",
            "(what's|what is) (the|our) speed",
            "speed(| please|?)",
        ],
    },
    Quantity {
        words: &["depth"],
        units: &["m"],
        of: &[
            "{p}, how deep(|?)",
            "{p} depth(| please|?)",
            "? how deep the {p} is",
            "how deep is the {p}",
            "depth of the {p}",
        ],
        bare: &[
            "depth reading(| please)",
            "how deep(|?)",
            "the depth, please",
            "let me know (the depth|how deep it is)",
            "(are we|is it) in deep water",
            "? (how deep it is|what the depth is)",
            "how deep is (it|the water)(| here)",
            "(what's|what is) the depth",
            "depth(| please|?)",
            "how much water is under (us|the keel)",
        ],
    },
    Quantity {
        words: &["counter"],
        units: &[],
        of: &[
            "{p} count(| please|?)",
            "count of the {p}(| please|?)",
            "{p} (total|tally|so far)(| please|?)",
            "number of {p}(| so far|?)",
            "how many {p} (are there|have we counted|were there|so far|)",
        ],
        bare: &[
            "count(| please|?)",
            "the count, please",
            "how many(|?| so far)",
            "total (so far|please|?)",
            "let me know the count",
            "what does the counter say",
            "how many (are there|so far|have been counted)",
        ],
    },
    Quantity {
        words: &["oxygen"],
        units: &[],
        of: &["oxygen (in|of) the {p}"],
        bare: &[
            "how much oxygen is (there|in the water)",
            "(what's|what is) the oxygen( level|)",
            "oxygen(| please|?)",
        ],
    },
    Quantity {
        words: &["voltmeter", "voltage"],
        units: &["V"],
        of: &[
            "{p}, how many volts(|?)",
            "(what's|what is) the voltage of the {p}",
            "{p} voltage",
            "how many volts (has|does) the {p}( have|)",
        ],
        bare: &[
            "volts(| please|?)",
            "voltage reading(| please)",
            "how many volts(|?)",
            "let me know the voltage",
            "(what's|what is|check) the voltage",
            "how many volts (are there|have we got)",
            "voltage(| please|?)",
        ],
    },
    Quantity {
        words: &["smoke", "gas"],
        units: &[],
        of: &[],
        bare: &["is there (any|) (smoke|gas)(| in here)", "any (smoke|gas)(| in here|?)"],
    },
    Quantity {
        words: &["motion", "pir", "movement", "presence", "occupancy"],
        units: &[],
        of: &[
            "is (anyone|anybody|someone|somebody) (in|at) the {p}",
            "(is there|any|was there) (movement|motion) (in|at) the {p}",
            "does anything move (in|at) the {p}",
        ],
        bare: &[
            "is (anyone|anybody|somebody) (there|around|here)",
            "(is there|any|was there) (any |)(movement|motion)",
            "does anything move",
        ],
    },
];

/// What an indirect question ("? how warm it is") begins with.
const ASK: &str = "(can you tell me|can you please tell me|could you tell me|do you know|tell me|i'd like to know|\
                   i want to know|any idea|i wonder)(| please)";

/// A question written out; `None` when a slot is not to be had.
fn asked(rng: &mut Rng, line: &str, subject: Option<&str>) -> Option<String> {
    let mut fill = |_: &mut Rng, _: &str| subject.map(str::to_owned);
    match line.strip_prefix("? ") {
        Some(rest) => Some(format!("{} {}", expand(rng, ASK, &mut fill)?, expand(rng, rest, &mut fill)?)),
        None => expand(rng, line, &mut fill),
    }
}

/// Words of a name that measure and say not what.
const INSTRUMENTS: &[&str] = &[
    "sensor",
    "probe",
    "meter",
    "gauge",
    "thermometer",
    "hygrometer",
    "monitor",
    "detector",
    "scale",
    "sounder",
    "counter",
];

fn measures(device: &Device, quantity: &Quantity) -> bool {
    let name = device.name.as_str();
    let said = |word: &&str| match word.split_once(' ') {
        Some(_) => name.contains(*word),
        None => name.split(' ').any(|known| known == *word),
    };
    device.can == Capabilities::NONE
        && (quantity.words.iter().any(said)
            || quantity.words.contains(&device.kind.as_str())
            || device.unit.as_deref().is_some_and(|unit| quantity.units.contains(&unit)))
}

/// What is measured: the name without the words for the quantity and the instrument.
fn subject(device: &Device, quantity: &Quantity) -> Option<String> {
    let left: Vec<&str> = device
        .name
        .split(' ')
        .filter(|word| {
            !INSTRUMENTS.contains(word)
                && !quantity.words.iter().any(|known| known.split(' ').any(|k| k == *word))
        })
        .collect();
    let text = left.join(" ");
    (!text.is_empty() && !text.contains("'s") && !text.contains(|c: char| c.is_ascii_digit())).then_some(text)
}

/// A question for what one device here measures; `None` when none measures anything, or two do and the words
/// would not tell them apart. These questions are of training: none is asked in other words.
pub(super) fn measured(rng: &mut Rng, scene: &Scene) -> Option<Draft> {
    if rng.words() == Words::Held {
        return None;
    }
    let found: Vec<(usize, &Quantity)> = (0..scene.devices.len())
        .flat_map(|at| {
            QUANTITIES
                .iter()
                .filter(move |quantity| measures(&scene.devices[at], quantity))
                .map(move |q| (at, q))
        })
        .collect();
    if found.is_empty() {
        return None;
    }
    let &(at, quantity) = rng.pick(&found);
    let device = &scene.devices[at];
    let others: Vec<usize> = (0..scene.devices.len())
        .filter(|&other| other != at && measures(&scene.devices[other], quantity))
        .collect();
    let text = if others.is_empty() && (quantity.of.is_empty() || rng.chance(0.45)) {
        let line = *rng.pick(quantity.bare);
        asked(rng, line, None)?
    } else {
        let area = device.area.clone().filter(|_| rng.chance(0.35));
        let what = area.or_else(|| subject(device, quantity))?;
        let same = |&other: &usize| {
            let other = &scene.devices[other];
            other.name.contains(what.as_str()) || other.area.as_deref() == Some(&what)
        };
        if quantity.of.is_empty() || others.iter().any(same) {
            return None;
        }
        let line = *rng.pick(quantity.of);
        asked(rng, line, Some(&what))?
    };
    let text =
        if rng.chance(0.08) { format!("{text} according to {}", mention(rng, scene, at)) } else { text };
    let selectors = vec![Selector::Device(at)];
    if !reachable(scene, &text, &selectors) {
        return None;
    }
    let steps = vec![Step::Devices { tool: Builtin::Read, down: false, selectors, amounts: Vec::new() }];
    Some(Draft { text, steps, question: true, ..Draft::default() })
}
