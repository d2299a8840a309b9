//! The bodies of the fuzz targets `model`, `template`, `grammar` and `matcher` over random and mutated input, the same in every run: what libFuzzer would
//! find first, found without it. `PINTAIL_FUZZ` sets how many inputs each gets (2,000).

#[path = "../fuzz/bodies/grammar.rs"]
mod grammar;
#[path = "../fuzz/bodies/matcher.rs"]
mod matcher;
#[path = "../fuzz/bodies/model.rs"]
mod model;
#[path = "../fuzz/bodies/template.rs"]
mod template;

use std::path::Path;

/// A small generator (SplitMix64), so that every run sees the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Inputs for each body.
fn budget() -> usize {
    std::env::var("PINTAIL_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(2000)
}

/// The files of a folder of the tree with this ending, by name.
fn seeds(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    assert!(paths.len() > 2, "{}", folder.display());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// One to six changes below `limit`: bytes, numbers of 4 or 8 bytes at the edges of their range, pieces cut out, doubled or
/// brought from elsewhere, the end cut off.
fn mutated(random: &mut Random, seed: &[u8], limit: usize) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 + random.below(6) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len().min(limit));
        let len = random.below(64).min(bytes.len() - at);
        match random.below(8) {
            0 | 1 => bytes[at] = random.next() as u8,
            2 => bytes[at] ^= 1 << random.below(8),
            3 | 4 => {
                let edges = [
                    0,
                    1,
                    2,
                    7,
                    31,
                    255,
                    256,
                    1 << 31,
                    u64::from(u32::MAX),
                    1 << 40,
                    i64::MAX as u64,
                    u64::MAX,
                ];
                let edge = edges[random.below(edges.len())].to_le_bytes();
                let width = [4, 8][random.below(2)].min(bytes.len() - at);
                bytes[at..at + width].copy_from_slice(&edge[..width]);
            }
            5 => drop(bytes.drain(at..at + len)),
            6 => {
                let from = random.below(bytes.len() - len + 1);
                let piece = bytes[from..from + len].to_vec();
                bytes.splice(at..at, piece);
            }
            // Seldom, since little is left to look at.
            _ if random.below(4) == 0 => bytes.truncate(at),
            _ => {}
        }
    }
    bytes
}

#[test]
fn no_bytes_break_the_model() {
    let seeds = seeds("tests/golden/architectures", "gguf");
    for seed in &seeds {
        assert!(model::run(seed), "a seed is a model");
    }
    let mut random = Random(1);
    let mut taken = 0;
    for i in 0..budget() {
        let seed = &seeds[i % seeds.len()];
        // Mostly keys and tensor entries, where there is most to break.
        let limit = if random.below(4) == 0 { seed.len() } else { 4000 };
        let bytes = match random.below(20) {
            0 => (0..random.below(300)).map(|_| random.next() as u8).collect(),
            1 => [&seed[..24], &(0..200).map(|_| random.next() as u8).collect::<Vec<_>>()].concat(),
            _ => mutated(&mut random, seed, limit),
        };
        taken += usize::from(model::run(&bytes));
    }
    // Some changes are harmless (names, weights), and those inputs reach the forward pass.
    assert!(taken > budget() / 100, "{taken} of {} were models", budget());
}

/// Pieces that templates are made of.
const PIECES: &[&str] = &[
    "{{ ",
    " }}",
    "{% ",
    " %}",
    "{%- ",
    " -%}",
    "{#",
    "#}",
    "for m in messages",
    "endfor",
    "if ",
    "else",
    "elif ",
    "endif",
    "set x = ",
    "macro f(x)",
    "endmacro",
    "f(1)",
    "m.content",
    "m['role']",
    "messages[0]",
    "messages[::-1]",
    "tools",
    "loop.index0",
    "loop.previtem",
    " == ",
    " + ",
    " | tojson",
    " | trim",
    " | length",
    ".split(',')",
    ".strip()",
    "namespace(a=1)",
    "ns.a",
    "'<tool_call>'",
    "\"parameters\"",
    "range(9)",
    "raise_exception('no')",
    "strftime_now('%d')",
    "true",
    "none",
    "not ",
    " in ",
    " is defined",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "-1",
    "99999999999",
    "é",
    "\n",
    " ",
    "recursive",
    "continue",
    "loop(m)",
    "m.tool_calls",
    "bos_token",
    "~",
    "**",
    "//",
    "%",
]; // fmt: skip

#[test]
fn no_text_breaks_the_templates() {
    let seeds = seeds("src/prompt/chat/templates", "jinja");
    let mut random = Random(2);
    let mut taken = 0;
    for i in 0..budget() {
        let text = match random.below(3) {
            0 => (0..random.below(40)).map(|_| PIECES[random.below(PIECES.len())]).collect(),
            _ => {
                let seed = &seeds[i % seeds.len()];
                let mut bytes = mutated(&mut random, seed, seed.len());
                if random.below(2) == 0 {
                    let at = random.below(bytes.len() + 1);
                    bytes.splice(at..at, PIECES[random.below(PIECES.len())].bytes());
                }
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        taken += usize::from(template::run(&text));
    }
    assert!(taken > budget() / 100, "{taken} of {} were templates", budget());
}

/// Schemas that hold every group of keywords.
const SCHEMAS: &[&str] = &[
    r##"{"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-f]{2,5}$"}, "b": {"$ref": "#/$defs/n"}}, "required": ["a"], "$defs": {"n": {"type": "integer", "minimum": -4, "exclusiveMaximum": 1e3, "multipleOf": 2}}}"##,
    r##"{"anyOf": [{"const": null}, {"enum": [1, "x", [2, {"y": 3}]]}, {"type": "array", "prefixItems": [{"type": "boolean"}], "items": {"$ref": "#"}, "minItems": 1, "maxItems": 6}]}"##,
    r##"{"oneOf": [{"required": ["kind"], "properties": {"kind": {"const": "p"}, "v": {"minLength": 3}}}, {"properties": {"kind": {"not": {"const": "p"}}}, "additionalProperties": false}], "minProperties": 1}"##,
    r##"{"type": "array", "items": {"enum": ["a", "b", 3]}, "uniqueItems": true, "minItems": 2}"##,
    r##"{"type": "array", "items": {"enum": ["a", 3]}, "contains": {"type": "string"}, "maxContains": 2, "maxItems": 5}"##,
    r##"{"if": {"properties": {"t": {"enum": ["d", "u"]}}}, "then": {"properties": {"v": {"format": "date-time"}}}, "else": {"dependentRequired": {"v": ["w"]}}, "patternProperties": {"^x-": {"type": "number", "minimum": 0.5}}, "propertyNames": {"maxLength": 9}}"##,
    r##"{"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"u": {"$id": "http://a/b", "format": "uri"}}, "allOf": [{"type": ["string", "null"]}, {"maxLength": 40, "not": {"pattern": "q"}}]}"##,
];

#[test]
fn no_text_breaks_the_compilers_of_grammars() {
    let mut sources: Vec<Vec<u8>> = Vec::new();
    for grammar in seeds("grammars", "gbnf") {
        sources.push([&[0], &grammar[..]].concat());
    }
    sources.extend(SCHEMAS.iter().map(|schema| [&[1], schema.as_bytes()].concat()));
    for source in &sources {
        let whole = [source, &[7; 16][..]].concat();
        assert!(grammar::run(&whole), "a seed is a grammar: {}", String::from_utf8_lossy(source));
    }
    let mut random = Random(3);
    let mut taken = 0;
    for i in 0..budget() {
        let seed = &sources[i % sources.len()];
        let mut bytes = mutated(&mut random, seed, seed.len());
        // A piece of another one makes more sense than bytes do.
        let other = &sources[random.below(sources.len())];
        if random.below(2) == 0 && other[0] == seed[0] {
            let from = random.below(other.len());
            let to = (from + random.below(60)).min(other.len());
            let at = random.below(bytes.len() + 1);
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        bytes.extend((0..16).map(|_| random.next() as u8));
        taken += usize::from(grammar::run(&bytes));
    }
    assert!(taken > budget() / 100, "{taken} of {} were grammars", budget());
}

#[test]
fn no_vocabulary_breaks_the_masks() {
    // Pieces of the texts that the grammars of the target allow, so that the walks go far.
    let pieces = [
        "1+",
        "(2",
        ")+",
        "ax",
        "bxc",
        "{\"name\":\"",
        "\"n\":4",
        "[1,\"a",
        "abcd",
        "\"]",
        "-\u{e9}\u{fc}",
        "",
        "\u{e9}",
    ];
    let mut random = Random(4);
    let mut walked = 0;
    // Each compares the mask with the whole vocabulary, token by token.
    let count = budget() / 10;
    for i in 0..count {
        let mut bytes = vec![i as u8];
        for _ in 0..random.below(12) {
            bytes.extend_from_slice(pieces[random.below(pieces.len())].as_bytes());
            bytes.push(if random.below(8) == 0 { random.next() as u8 } else { 0xFF });
        }
        bytes.extend((0..random.below(40)).map(|_| random.next() as u8));
        walked += usize::from(matcher::run(&bytes));
    }
    assert!(walked > count / 4, "{walked} of {count} walks went to an end");
}
