//! JSON Schema (draft 2020-12, draft 7 and what older drafts share with them) to a grammar.
//!
//! The texts of the grammar are compact JSON: no white space, object keys in the order of the schema
//! (`properties` first, then what only `required` names, then others), strings and whole numbers in one
//! spelling. Every text fits the schema. Schemas that must hold together (`allOf`, `$ref` beside other
//! keywords, a property named in several places) are intersected; what cannot be enforced exactly is
//! refused with the keyword and the JSON pointer to its schema. `format` is an annotation and listed as
//! a warning.
//!
//! `read` collects what a set of schemas asks for into one [`shape::Shape`], `emit` writes the grammar of a
//! shape.

mod emit;
mod number;
mod pattern;
mod read;
mod shape;
mod text;

use std::collections::HashMap;

use serde_json::Value;

use super::{Grammar, GrammarBuilder, GrammarError, RuleId};

/// The drafts whose keywords differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Draft {
    /// 2019-09 and 2020-12.
    #[default]
    Modern,
    /// Draft 7 and before: what stands beside `$ref` is ignored.
    Seven,
}

/// How to read a schema.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The draft where the schema's `$schema` does not say.
    pub draft: Draft,
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
    let schema: Value = serde_json::from_str(text).map_err(|error| GrammarError::Json(error.to_string()))?;
    compile(&schema, Options::default())
}

/// Compiles a schema.
///
/// # Errors
/// [`GrammarError::Schema`] for what cannot be enforced, [`GrammarError::Impossible`] when no value fits.
pub fn compile(schema: &Value, options: Options) -> Result<Compiled, GrammarError> {
    let mut builder = GrammarBuilder::new();
    let (rule, warnings) = add(&mut builder, schema, options)?;
    Ok(Compiled { grammar: builder.build(rule)?, warnings })
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
    let draft = match schema.get("$schema").and_then(Value::as_str) {
        Some(uri) if ["draft-07", "draft-06", "draft-04", "draft-03"].iter().any(|d| uri.contains(d)) => {
            Draft::Seven
        }
        Some(uri) if uri.contains("json-schema.org/draft/20") => Draft::Modern,
        _ => options.draft,
    };
    let mut compiler = Compiler {
        builder,
        root: schema,
        draft,
        nodes: Vec::new(),
        known: HashMap::new(),
        rules: HashMap::new(),
        queue: Vec::new(),
        warnings: Vec::new(),
        work: 0,
        embedded: None,
    };
    compiler.embedded = compiler.find_embedded();
    let root = compiler.node(schema, "#".to_owned());
    let rule = compiler.rule(Sub::of([root]))?;
    compiler.finish()?;
    let mut warnings = compiler.warnings;
    warnings.sort();
    warnings.dedup();
    Ok((rule, warnings))
}

/// Schemas that must all hold, and choices (`anyOf`, `oneOf`) among them that are made already.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sub {
    nodes: Vec<u32>,
    made: Vec<(u32, bool)>,
}

impl Sub {
    fn of(nodes: impl IntoIterator<Item = u32>) -> Sub {
        let mut nodes: Vec<u32> = nodes.into_iter().collect();
        nodes.sort_unstable();
        nodes.dedup();
        Sub { nodes, made: Vec::new() }
    }

    fn with(&self, nodes: impl IntoIterator<Item = u32>) -> Sub {
        let all = Sub::of(self.nodes.iter().copied().chain(nodes));
        Sub { made: self.made.clone(), ..all }
    }

    fn with_made(mut self, choice: (u32, bool)) -> Sub {
        self.made.push(choice);
        self.made.sort_unstable();
        self
    }
}

/// How many intersections a schema may come to.
const MAX_SUBS: usize = 20_000;
/// How many steps reading may take, in schemas looked at.
const MAX_WORK: usize = 400_000;

struct Compiler<'a> {
    builder: &'a mut GrammarBuilder,
    root: &'a Value,
    draft: Draft,
    nodes: Vec<(&'a Value, String)>,
    known: HashMap<*const Value, u32>,
    rules: HashMap<Sub, RuleId>,
    queue: Vec<(Sub, RuleId)>,
    warnings: Vec<String>,
    work: usize,
    /// A place with an `$id` of its own, which changes what references mean.
    embedded: Option<String>,
}

impl<'a> Compiler<'a> {
    /// A number for a schema of the document; `pointer` is made only once.
    fn node(&mut self, value: &'a Value, pointer: String) -> u32 {
        let next = self.nodes.len() as u32;
        let id = *self.known.entry(value).or_insert(next);
        if id == next {
            self.nodes.push((value, pointer));
        }
        id
    }

    fn child(&mut self, parent: u32, value: &'a Value, path: &[&str]) -> u32 {
        let mut pointer = self.nodes[parent as usize].1.clone();
        for part in path {
            pointer.push('/');
            pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
        }
        self.node(value, pointer)
    }

    fn refuse<T>(&self, node: u32, keyword: &str, what: impl Into<String>) -> Result<T, GrammarError> {
        Err(GrammarError::Schema {
            pointer: self.nodes[node as usize].1.clone(),
            keyword: keyword.to_owned(),
            what: what.into(),
        })
    }

    /// The rule of an intersection, defined later by [`Compiler::finish`].
    fn rule(&mut self, sub: Sub) -> Result<RuleId, GrammarError> {
        if let Some(&rule) = self.rules.get(&sub) {
            return Ok(rule);
        }
        if self.rules.len() >= MAX_SUBS {
            return Err(GrammarError::TooLarge { what: "number of intersected schemas", limit: MAX_SUBS });
        }
        let name = sub.nodes.first().map_or("any value", |&node| &self.nodes[node as usize].1);
        let rule = self.builder.rule(name);
        self.rules.insert(sub.clone(), rule);
        self.queue.push((sub, rule));
        Ok(rule)
    }

    fn finish(&mut self) -> Result<(), GrammarError> {
        while let Some((sub, rule)) = self.queue.pop() {
            let body = self.emit(&sub)?;
            self.builder.define(rule, body);
        }
        Ok(())
    }

    fn find_embedded(&self) -> Option<String> {
        let mut work: Vec<(&Value, usize)> = vec![(self.root, 0)];
        while let Some((value, depth)) = work.pop() {
            match value {
                Value::Object(map) => {
                    for (key, inner) in map {
                        if depth > 0
                            && (key == "$id" || key == "id")
                            && let Some(id) = inner.as_str()
                            && !id.starts_with('#')
                        {
                            return Some(id.to_owned());
                        }
                        if !matches!(key.as_str(), "const" | "enum" | "default" | "examples") {
                            work.push((inner, depth + 1));
                        }
                    }
                }
                Value::Array(all) => work.extend(all.iter().map(|inner| (inner, depth + 1))),
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
