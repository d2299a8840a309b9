//! JSON Schema (draft 2020-12, draft 7 and what older drafts share with them) to a grammar.
//!
//! The texts of the grammar are JSON, compact unless asked otherwise: object keys in the order of the
//! schema (`properties` first, then what only `required` names, then others) unless any order is asked
//! for, strings and whole numbers in one spelling. Every text fits the schema. Schemas that must hold
//! together (`allOf`, `$ref` beside other keywords, a property named in several places) are intersected;
//! what cannot be enforced exactly is refused with the keyword and the JSON pointer to its schema.
//! Formats that are not known are annotations and listed as warnings.
//!
//! `read` collects what a set of schemas asks for into one [`shape::Shape`]; `negate` says what must hold
//! where a schema must not; `empty` finds shapes that nothing fits; `emit`, `object` and `array` write the
//! grammar of a shape. `valid` is a plain validator, for listed values.

mod alike;
mod array;
mod decimal;
mod ecma;
mod emit;
mod empty;
mod format;
mod language;
mod negate;
mod number;
mod object;
mod pattern;
mod read;
mod resource;
mod run;
mod shape;
mod step;
mod sub;
mod text;
mod typed;
mod valid;

use crate::grammar::fx::{FxMap, FxSet, sort};
use std::rc::Rc;

use serde_json::{Map, Value};

use super::{Expr, Grammar, GrammarBuilder, GrammarError, RuleId};
use decimal::Bound;
use pattern::Pattern;
use resource::{Places, Resources};
use shape::Fact;
use sub::{Lit, Sub, Subs, not};
use text::Writer;

/// The drafts whose keywords differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Draft {
    /// 2019-09 and 2020-12.
    #[default]
    Modern,
    /// Draft 7 and before: what stands beside `$ref` is ignored.
    Seven,
}

/// How to read a schema and what texts to allow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The draft where the schema's `$schema` does not say.
    pub draft: Draft,
    /// Object keys in any order, not in the schema's.
    pub any_order: bool,
    /// Most blanks, tabs and line ends in a row between the parts of a text; 0 is compact JSON.
    pub whitespace: u32,
}

/// A compiled schema.
#[derive(Debug)]
pub struct Compiled {
    /// Its grammar.
    pub grammar: Grammar,
    /// What is known and not enforced (`format`), with the place.
    pub warnings: Vec<String>,
}

/// Compiles the text of a schema.
///
/// # Errors
/// [`GrammarError::Json`], and as [`compile`].
pub fn parse(text: &str) -> Result<Compiled, GrammarError> {
    parse_with(text, Options::default())
}

/// Compiles the text of a schema as the options say.
///
/// # Errors
/// As [`parse`].
pub fn parse_with(text: &str, options: Options) -> Result<Compiled, GrammarError> {
    if text.len() > MAX_LENGTH {
        return Err(GrammarError::TooLarge {
            what: "length of the schema in bytes",
            limit: MAX_LENGTH,
            rule: String::new(),
        });
    }
    let schema: Value = serde_json::from_str(text).map_err(|error| GrammarError::Json(error.to_string()))?;
    compile_read(schema, text, options)
}

/// Compiles a schema that was read from `text`. What was read is several times as large as its text, and given up
/// before the automaton is laid out.
///
/// # Errors
/// As [`compile`].
pub(super) fn compile_read(schema: Value, text: &str, options: Options) -> Result<Compiled, GrammarError> {
    let mut builder = GrammarBuilder::new();
    let (rule, warnings) = add(&mut builder, &schema, options)?;
    drop(schema);
    // An automaton that is too large is the fault of a keyword, which a second reading finds.
    let grammar = builder.build(rule).map_err(|error| match serde_json::from_str(text) {
        Ok(schema) => blamed(&schema, error),
        Err(_) => error,
    })?;
    Ok(Compiled { grammar, warnings })
}

/// Compiles a schema.
///
/// # Errors
/// [`GrammarError::Schema`] for what cannot be enforced, [`GrammarError::Impossible`] when no value fits.
pub fn compile(schema: &Value, options: Options) -> Result<Compiled, GrammarError> {
    let mut builder = GrammarBuilder::new();
    let (rule, warnings) = add(&mut builder, schema, options)?;
    let grammar = builder.build(rule).map_err(|error| blamed(schema, error))?;
    Ok(Compiled { grammar, warnings })
}

/// Adds the texts of a schema to a grammar that is being built, as a rule; says what is not enforced.
///
/// # Errors
/// As [`compile`], except that a schema that no value fits is found when the grammar is built.
pub fn add(
    builder: &mut GrammarBuilder,
    schema: &Value,
    options: Options,
) -> Result<(RuleId, Vec<String>), GrammarError> {
    let uri = schema.get("$schema").and_then(Value::as_str).unwrap_or("");
    let names = |part: &str| uri.as_bytes().windows(part.len()).any(|found| found == part.as_bytes());
    let draft = if ["draft-07", "draft-06", "draft-04", "draft-03"].into_iter().any(names) {
        Draft::Seven
    } else if names("json-schema.org/draft/20") {
        Draft::Modern
    } else {
        options.draft
    };
    let mut compiler = Compiler {
        w: Writer::new(builder, options.whitespace),
        draft,
        any_order: options.any_order,
        resources: Resources::new(schema, draft, names("draft-04") || names("draft-03")),
        nodes: Vec::new(),
        places: Places::default(),
        known: alike::Schemas::default(),
        alike: FxMap::default(),
        choices: FxMap::default(),
        patterns: FxMap::default(),
        subs: Subs::default(),
        rules: 0,
        queue: Vec::new(),
        formats: FxMap::default(),
        numbers: FxMap::default(),
        warnings: Vec::new(),
        remarked: FxSet::default(),
        listings: FxMap::default(),
        work: 0,
    };
    let root = compiler.schema(schema, Place::Whole("#"), 0);
    let made = compiler.rule(Sub::of([root])).and_then(|rule| compiler.finish().map(|()| rule));
    let rule = made.map_err(|refusal| *refusal)?;
    let mut warnings = compiler.warnings;
    sort(&mut warnings);
    warnings.dedup();
    Ok((rule, warnings))
}

/// The keyword that is likeliest to be why a schema is too large.
fn heaviest(map: &Map<String, Value>) -> &str {
    let suspects = [
        "oneOf",
        "anyOf",
        "allOf",
        "if",
        "not",
        "enum",
        "const",
        "pattern",
        "patternProperties",
        "properties",
        "required",
        "prefixItems",
        "items",
        "additionalProperties",
        "$ref",
    ];
    let listed = suspects.into_iter().find(|keyword| map.contains_key(*keyword));
    listed.or(map.keys().next().map(String::as_str)).unwrap_or("")
}

/// An error of the grammar as one of the schema that the rule is named after.
fn blamed(schema: &Value, error: GrammarError) -> GrammarError {
    let GrammarError::TooLarge { what, limit, rule } = &error else { return error };
    let Some(found) = rule.strip_prefix('#').and_then(|pointer| schema.pointer(pointer)) else {
        return error;
    };
    GrammarError::Schema {
        pointer: rule.clone(),
        keyword: found.as_object().map_or("", heaviest).to_owned(),
        what: format!("makes the grammar too large: its {what} is over the limit of {limit}"),
    }
}

/// A refusal on its way up: many places pass it on, and a pointer is passed on with little code.
type Refusal = Box<GrammarError>;

/// The number of a choice and its ways, each a set of schemas that hold together.
type Ways = (u32, Vec<Vec<Lit>>);

/// Longest text of a schema, which is some ten times as large when it is read.
const MAX_LENGTH: usize = 1 << 20;
/// How many intersections a schema may come to.
const MAX_SUBS: usize = 8_000;
/// How many expressions a schema may come to.
const MAX_EXPRESSIONS: usize = 300_000;
/// How many steps reading may take, in schemas looked at.
const MAX_WORK: usize = 400_000;

#[derive(Clone)]
enum Content<'a> {
    Schema(&'a Value),
    Fact(Rc<Fact>),
}

struct Node<'a> {
    content: Content<'a>,
    resource: u32,
}

/// Where a schema stands in the document.
#[derive(Clone, Copy)]
enum Place<'p> {
    /// A JSON pointer.
    Whole(&'p str),
    /// Steps from the schema with this number.
    Below(u32, &'p [&'p str]),
}

struct Compiler<'a, 'b> {
    w: Writer<'b>,
    draft: Draft,
    any_order: bool,
    resources: Resources<'a>,
    nodes: Vec<Node<'a>>,
    /// Where the nodes stand; a fact at the schema that it comes from.
    places: Places,
    known: alike::Schemas,
    /// Schemas by what they say and where their references lead.
    alike: FxMap<(u32, u32), u32>,
    /// Choices by the schema they stand in and a number of their own there.
    choices: FxMap<(Lit, String), Ways>,
    patterns: FxMap<String, Rc<Pattern>>,
    subs: Subs,
    /// How many sets have a rule.
    rules: usize,
    /// Sets whose rules are not defined yet.
    queue: Vec<(u32, RuleId)>,
    formats: FxMap<String, Option<Rc<Pattern>>>,
    /// Numbers that are whole or not, between ends.
    numbers: FxMap<(bool, Option<Bound>, Option<Bound>), Expr>,
    warnings: Vec<String>,
    /// Schemas whose format was warned of.
    remarked: FxSet<u32>,
    /// Long lists of values by a digest of each.
    listings: FxMap<*const Value, Rc<FxMap<u64, Vec<u32>>>>,
    work: usize,
}

impl<'a> Compiler<'a, '_> {
    /// The literal of a schema of the document; the first `place` holds.
    fn schema(&mut self, value: &'a Value, place: Place<'_>, resource: usize) -> Lit {
        if let Some(id) = self.known.number(value) {
            return id * 2;
        }
        let resource = self.resources.at(value).unwrap_or(resource) as u32;
        let digest = self.known.digest(value);
        if let Some(digest) = digest
            && let Some(&id) = self.alike.get(&(digest, resource))
            && let Content::Schema(known) = self.nodes[id as usize].content
            && alike::alike(known, value)
        {
            self.known.set_number(value, id);
            return id * 2;
        }
        let id = self.nodes.len() as u32;
        self.known.set_number(value, id);
        if let Some(digest) = digest {
            self.alike.insert((digest, resource), id);
        }
        self.places.push(place);
        self.nodes.push(Node { content: Content::Schema(value), resource });
        id * 2
    }

    fn child(&mut self, parent: u32, value: &'a Value, path: &[&str]) -> Lit {
        let resource = self.nodes[parent as usize].resource;
        self.schema(value, Place::Below(parent, path), resource as usize)
    }

    /// The literal of a fact; `node` is the schema that it comes from.
    fn fact(&mut self, node: u32, fact: Fact) -> Lit {
        let resource = self.nodes[node as usize].resource;
        self.places.push(Place::Below(node, &[]));
        self.nodes.push(Node { content: Content::Fact(Rc::new(fact)), resource });
        (self.nodes.len() as u32 - 1) * 2
    }

    /// The choice with this name of a literal: its number and its ways, made once by `ways`.
    fn choice(
        &mut self,
        lit: Lit,
        name: &str,
        ways: impl FnOnce(&mut Self) -> Result<Vec<Vec<Lit>>, Refusal>,
    ) -> Result<Ways, Refusal> {
        let key = (lit, name.to_owned());
        if let Some(known) = self.choices.get(&key) {
            return Ok(known.clone());
        }
        let ways = ways(self)?;
        let made = (self.choices.len() as u32, ways);
        self.choices.insert(key, made.clone());
        Ok(made)
    }

    fn pattern(&mut self, node: u32, keyword: &str, text: &str) -> Result<Rc<Pattern>, Refusal> {
        if let Some(known) = self.patterns.get(text) {
            return Ok(known.clone());
        }
        match ecma::parse(text) {
            Ok(pattern) => {
                let pattern = Rc::new(pattern);
                self.patterns.insert(text.to_owned(), pattern.clone());
                Ok(pattern)
            }
            Err(what) => self.refuse(node, keyword, what),
        }
    }

    fn refuse<T>(&self, node: u32, keyword: &str, what: impl Into<String>) -> Result<T, Refusal> {
        Err(self.refusal(node, keyword, what.into()))
    }

    #[cold]
    #[inline(never)]
    fn refusal(&self, node: u32, keyword: &str, what: String) -> Refusal {
        let pointer = self.places.get(node);
        Box::new(GrammarError::Schema { pointer, keyword: keyword.to_owned(), what })
    }

    /// Counts a step of reading.
    fn step(&mut self, lit: Lit, cost: usize) -> Result<(), Refusal> {
        self.work += cost;
        if self.work > MAX_WORK {
            return self.too_large(lit, "takes too much work to combine with what else must hold");
        }
        Ok(())
    }

    /// Refuses what would be too large; the keyword is the one that asks for the most there.
    fn too_large<T>(&self, lit: Lit, what: &str) -> Result<T, Refusal> {
        let keyword = match self.nodes[lit as usize / 2].content {
            Content::Schema(Value::Object(map)) => heaviest(map),
            _ => "not",
        };
        self.refuse(lit / 2, keyword, what)
    }

    /// The rule of an intersection, defined later by [`Compiler::finish`].
    fn rule(&mut self, sub: Sub) -> Result<RuleId, Refusal> {
        let number = self.subs.number(&sub);
        if let Some(rule) = self.subs.known(number).rule {
            return Ok(rule);
        }
        if self.rules >= MAX_SUBS {
            let lit = sub.lits.first().copied().unwrap_or(0);
            return self.too_large(lit, &format!("leads to more than {MAX_SUBS} different schemas"));
        }
        let name = sub.lits.first().map_or_else(|| "any value".to_owned(), |&lit| self.places.get(lit / 2));
        let rule = self.w.b.rule(&name);
        self.subs.known(number).rule = Some(rule);
        self.rules += 1;
        self.queue.push((number, rule));
        Ok(rule)
    }

    fn finish(&mut self) -> Result<(), Refusal> {
        while let Some((number, rule)) = self.queue.pop() {
            let sub = self.subs.get(number);
            let body = self.emit(&sub)?;
            self.w.b.define(rule, body);
            if self.w.b.len() > MAX_EXPRESSIONS {
                let lit = sub.lits.first().copied().unwrap_or(0);
                return self.too_large(lit, &format!("makes a grammar of more than {MAX_EXPRESSIONS} parts"));
            }
        }
        Ok(())
    }

    /// The only values that fit, if that is seen at once.
    fn finite(&mut self, lits: Vec<Lit>, depth: usize) -> Result<Option<Vec<Value>>, Refusal> {
        let sub = Sub::of(lits);
        let shape = self.read(&sub)?;
        if let Some(values) = &shape.values {
            return Ok(Some(self.fitting(&sub, values)?));
        }
        if shape.types & !(shape::NULL | shape::BOOLEAN) == 0 {
            let mut all = Vec::new();
            if shape.types & shape::NULL != 0 {
                all.push(Value::Null);
            }
            if shape.types & shape::BOOLEAN != 0 {
                all.extend([Value::Bool(false), Value::Bool(true)]);
            }
            return Ok(Some(self.fitting(&sub, &all)?));
        }
        if depth == 0 {
            return Ok(None);
        }
        let Some(choice) = shape.choices.first() else { return Ok(None) };
        let mut all: Vec<Value> = Vec::new();
        for way in &choice.ways {
            let Some(values) = self.finite([&sub.lits[..], way].concat(), depth - 1)? else {
                return Ok(None);
            };
            for value in values {
                if !all.iter().any(|known| shape::same(known, &value)) {
                    all.push(value);
                }
            }
        }
        Ok(Some(all))
    }

    /// Whether a value is one of a list of the document.
    fn is_listed(&mut self, listed: &'a [Value], value: &Value) -> bool {
        const SHORT: usize = 8;
        let Some(first) = listed.first().filter(|_| listed.len() > SHORT) else {
            return listed.iter().any(|known| shape::same(known, value));
        };
        let digests = self.listings.or_insert_with(first as *const Value, || {
            let mut all: FxMap<u64, Vec<u32>> = FxMap::default();
            for (i, known) in listed.iter().enumerate() {
                all.or_insert_with(shape::digest(known), Vec::new).push(i as u32);
            }
            Rc::new(all)
        });
        let Some(alike) = digests.get(&shape::digest(value)) else { return false };
        alike.iter().any(|&i| shape::same(&listed[i as usize], value))
    }

    /// Whether one of the values fits all schemas of a set, besides the choices that are made.
    fn any_fits(&mut self, sub: &Sub, values: &[Value]) -> Result<bool, Refusal> {
        for value in values {
            let mut fits = true;
            for &lit in &sub.lits {
                fits = fits && self.fits_besides(&sub.made, lit, value, &mut Vec::new())?;
            }
            if fits {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The values that fit all schemas of a set.
    fn fitting(&mut self, sub: &Sub, values: &[Value]) -> Result<Vec<Value>, Refusal> {
        let mut kept = Vec::new();
        for value in values {
            let mut fits = true;
            for &lit in &sub.lits {
                fits = fits && self.fits(lit, value, &mut Vec::new())?;
            }
            if fits {
                kept.push(value.clone());
            }
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests;
