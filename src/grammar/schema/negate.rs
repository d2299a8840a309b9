//! What must hold where a schema must not: one of its keywords is broken.

use serde_json::Value;

use super::read::Needs;
use super::shape::*;
use super::{Compiler, Content, Draft, Lit, Refusal, not};

impl<'a> Compiler<'a, '_> {
    /// The ways in which a value does not fit the schema of `node`.
    pub(super) fn negated(&mut self, node: u32) -> Result<Vec<Vec<Lit>>, Refusal> {
        let Content::Schema(Value::Object(map)) = self.nodes[node as usize].content.clone() else {
            return self.refuse(node, "not", "stands before something that is no schema");
        };
        let mut ways: Vec<Vec<Lit>> = Vec::new();
        if let Some(text) = map.get("$ref").and_then(Value::as_str) {
            ways.push(vec![not(self.resolve(node, "$ref", text)?)]);
            if self.draft == Draft::Seven {
                return Ok(ways);
            }
        }
        let must = |this: &mut Self, mask: u8, fact: Fact| {
            [this.fact(node, Fact::Types(mask)), this.fact(node, fact)].to_vec()
        };
        for keyword in map.keys() {
            match keyword.as_str() {
                "type" => {
                    let (mask, integer) = self.types(node, &map["type"])?;
                    let others = ALL_TYPES & !mask;
                    ways.push(vec![self.fact(node, Fact::Types(others))]);
                    if integer {
                        ways.push(must(self, NUMBER, Fact::Fraction));
                    }
                }
                "const" | "enum" => {
                    let values = self.listed(node, keyword, map)?.unwrap_or_default().to_vec();
                    ways.push(vec![self.fact(node, Fact::Except(values))]);
                }
                "pattern" => {
                    let pattern = self.pattern(node, keyword, map["pattern"].as_str().unwrap_or_default())?;
                    ways.push(must(self, STRING, Fact::Mismatch(pattern)));
                }
                "format" => {
                    let Some(pattern) = self.format(node, map["format"].as_str().unwrap_or_default()) else {
                        return self.refuse(node, "format", "is a remark, which cannot be turned round");
                    };
                    ways.push(must(self, STRING, Fact::Mismatch(pattern)));
                }
                "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
                    ways.extend(self.broken_count(node, keyword, map)?);
                }
                "items" | "prefixItems" | "additionalItems" | "contains" => {}
                "required" => {
                    for name in self.required(node, map)? {
                        ways.push(must(self, OBJECT, Fact::Lacks(name)));
                    }
                }
                "properties" => {
                    for (name, lit) in self.object_part(node, map)?.properties {
                        ways.push(must(self, OBJECT, Fact::Property(name, not(lit))));
                    }
                }
                "patternProperties" => {
                    for (pattern, lit) in self.object_part(node, map)?.patterns {
                        let lit = not(lit);
                        let fact = Fact::Other {
                            not_named: Vec::new(),
                            not_matching: Vec::new(),
                            matching: Some(pattern),
                            lit,
                        };
                        ways.push(must(self, OBJECT, fact));
                    }
                }
                "additionalProperties" => {
                    let part = self.object_part(node, map)?;
                    let Some(lit) = part.additional else { continue };
                    let fact = Fact::Other {
                        not_named: part.properties.into_iter().map(|(name, _)| name).collect(),
                        not_matching: part.patterns.into_iter().map(|(pattern, _)| pattern).collect(),
                        matching: None,
                        lit: not(lit),
                    };
                    ways.push(must(self, OBJECT, fact));
                }
                "anyOf" => ways
                    .push(self.list(node, keyword, map)?.unwrap_or_default().into_iter().map(not).collect()),
                "allOf" => {
                    let all = self.list(node, keyword, map)?.unwrap_or_default();
                    ways.extend(all.into_iter().map(|lit| vec![not(lit)]));
                }
                "oneOf" => {
                    let all = self.list(node, keyword, map)?.unwrap_or_default();
                    self.step(node * 2, all.len() * all.len())?;
                    ways.push(all.iter().map(|&lit| not(lit)).collect());
                    for (i, &a) in all.iter().enumerate() {
                        ways.extend(all[i + 1..].iter().map(|&b| vec![a, b]));
                    }
                }
                "not" => ways.push(vec![self.child(node, &map["not"], &["not"])]),
                "if" => {
                    for way in self.conditional(node, map).unwrap_or_default() {
                        if let [condition, then] = way[..] {
                            ways.push(vec![condition, not(then)]);
                        }
                    }
                }
                "dependentRequired" | "dependentSchemas" | "dependencies" => {
                    for (name, _, needs) in self.dependent(node, map)?.into_iter().filter(|d| d.1 == keyword)
                    {
                        for need in needs {
                            let mut way = must(self, OBJECT, Fact::Has(name.clone()));
                            way.push(match need {
                                Needs::Property(name) => self.fact(node, Fact::Lacks(name)),
                                Needs::Schema(lit) => not(lit),
                            });
                            ways.push(way);
                        }
                    }
                }
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {}
                "uniqueItems" if map["uniqueItems"] == Value::Bool(false) => {}
                "multipleOf"
                | "uniqueItems"
                | "propertyNames"
                | "$dynamicRef"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "extends"
                | "disallow"
                | "divisibleBy"
                | "$recursiveRef" => {
                    return self.refuse(
                        node,
                        keyword,
                        "cannot be turned round, as `not`, `oneOf` or `if` here asks",
                    );
                }
                // What is no keyword of the drafts says nothing.
                _ => {}
            }
        }
        for (upper, mut end) in self.ends(node, map)? {
            end.inclusive = !end.inclusive;
            let fact = if upper { Fact::Low(end) } else { Fact::High(end) };
            ways.push(must(self, NUMBER, fact));
        }
        let part = self.array_part(node, map)?;
        for (index, lit) in part.prefix.iter().enumerate() {
            ways.push(must(self, ARRAY, Fact::Element(index, not(*lit))));
        }
        if let Some(lit) = part.items {
            ways.push(must(self, ARRAY, Fact::Contains(not(lit), 1, None, part.prefix.len())));
        }
        if let Some((lit, min, max)) = self.contains(node, map)? {
            if min > 0 {
                ways.push(must(self, ARRAY, Fact::Contains(lit, 0, Some(min - 1), 0)));
            }
            if let Some(max) = max {
                ways.push(must(self, ARRAY, Fact::Contains(lit, max + 1, None, 0)));
            }
        }
        if ways.is_empty() {
            ways.push(vec![self.fact(node, Fact::Never)]);
        }
        Ok(ways)
    }

    fn broken_count(
        &mut self,
        node: u32,
        keyword: &str,
        map: super::read::Table<'a>,
    ) -> Result<Option<Vec<Lit>>, Refusal> {
        let Some(count) = self.count(node, map, keyword)? else { return Ok(None) };
        let (min, max) = if keyword.starts_with("max") {
            (count.saturating_add(1), None)
        } else if count > 0 {
            (0, Some(count - 1))
        } else {
            return Ok(None);
        };
        let (mask, fact) = if keyword.ends_with("Length") {
            (STRING, Fact::Length(min, max))
        } else if keyword.ends_with("Items") {
            (ARRAY, Fact::Items(min, max))
        } else {
            (OBJECT, Fact::Members(min, max))
        };
        Ok(Some(vec![self.fact(node, Fact::Types(mask)), self.fact(node, fact)]))
    }
}
