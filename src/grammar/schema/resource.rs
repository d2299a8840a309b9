//! What references of a schema refer to: the document, schemas in it with an `$id` of their own, anchors.

use crate::grammar::fx::FxMap;
use serde_json::{Map, Value};

use super::{Compiler, Draft, Lit, Place, Refusal};

/// The schemas of a document that have an address.
pub(super) struct Resources<'a> {
    all: Vec<Resource<'a>>,
    by_place: FxMap<*const Value, usize>,
    anchors: FxMap<(usize, String), (&'a Value, String)>,
}

struct Resource<'a> {
    uri: String,
    root: &'a Value,
    pointer: String,
}

/// Keywords whose values are no schemas.
const DATA: &[&str] = &["const", "enum", "default", "examples"];

impl<'a> Resources<'a> {
    /// Finds them; `old` drafts (4 and before) write `id`.
    pub(super) fn new(root: &'a Value, draft: Draft, old: bool) -> Resources<'a> {
        let key = if old { "id" } else { "$id" };
        let own = root.get(key).and_then(Value::as_str).unwrap_or("");
        let first = Resource { uri: without_fragment(own).to_owned(), root, pointer: "#".to_owned() };
        let mut found = Resources {
            all: vec![first],
            by_place: FxMap::from_iter([(root as *const Value, 0)]),
            anchors: FxMap::default(),
        };
        // Each entry: the value and its step.
        let mut work: Vec<(&'a Value, Option<u32>)> = vec![(root, None)];
        let mut steps: Vec<Step<'a>> = Vec::new();
        while let Some((value, at)) = work.pop() {
            let mut resource = at.map_or(0, |at| steps[at as usize].resource as usize);
            if let Value::Object(map) = value {
                let ignored = draft == Draft::Seven && map.contains_key("$ref");
                let id = map.get(key).and_then(Value::as_str).filter(|_| !ignored);
                if let Some(id) = id
                    && at.is_some()
                    && !without_fragment(id).is_empty()
                {
                    let uri = join(&found.all[resource].uri, without_fragment(id));
                    found.all.push(Resource { uri, root: value, pointer: spell(&steps, at) });
                    resource = found.all.len() - 1;
                    found.by_place.insert(value, resource);
                }
                let old_anchor = id.and_then(|id| id.split_once('#')).map(|(_, name)| name);
                let names = ["$anchor", "$dynamicAnchor"].map(|key| map.get(key).and_then(Value::as_str));
                for name in names.into_iter().chain([old_anchor]).flatten().filter(|n| !n.is_empty()) {
                    let place = (value, spell(&steps, at));
                    found.anchors.or_insert_with((resource, name.to_owned()), || place);
                }
                for (key, inner) in map.iter().filter(|(key, _)| !DATA.contains(&key.as_str())) {
                    if inner.is_object() || inner.is_array() {
                        work.push((inner, Some(steps.len() as u32)));
                        steps.push(Step { above: at, resource: resource as u32, key: Key::Name(key) });
                    }
                }
            } else if let Value::Array(all) = value {
                for (i, inner) in all.iter().enumerate().filter(|(_, v)| v.is_object() || v.is_array()) {
                    work.push((inner, Some(steps.len() as u32)));
                    steps.push(Step { above: at, resource: resource as u32, key: Key::Index(i as u32) });
                }
            }
        }
        found
    }

    /// The resource that begins at this schema.
    pub(super) fn at(&self, value: &Value) -> Option<usize> {
        self.by_place.get(&(value as *const Value)).copied()
    }

    /// Whether the document is a single resource.
    pub(super) fn single(&self) -> bool {
        self.all.len() == 1
    }
}

/// A step on the way to a value of the document.
struct Step<'a> {
    above: Option<u32>,
    resource: u32,
    key: Key<'a>,
}

enum Key<'a> {
    Name(&'a str),
    Index(u32),
}

fn spell(steps: &[Step<'_>], mut at: Option<u32>) -> String {
    let mut parts = Vec::new();
    while let Some(step) = at {
        parts.push(&steps[step as usize].key);
        at = steps[step as usize].above;
    }
    let mut pointer = "#".to_owned();
    for part in parts.into_iter().rev() {
        pointer.push('/');
        match part {
            Key::Name(name) => push_escaped(&mut pointer, name),
            Key::Index(index) => pointer += &index.to_string(),
        }
    }
    pointer
}

/// JSON pointers of the schemas that were met, by number: of each its last steps, and the number of the schema
/// that they begin at.
#[derive(Default)]
pub(super) struct Places {
    above: Vec<u32>,
    ends: Vec<u32>,
    steps: String,
}

impl Places {
    /// In place of a schema above where the steps are the whole pointer.
    const NONE: u32 = u32::MAX;

    /// The place of the next schema.
    pub(super) fn push(&mut self, place: Place<'_>) {
        match place {
            Place::Whole(pointer) => {
                self.above.push(Places::NONE);
                self.steps.push_str(pointer);
            }
            Place::Below(above, path) => {
                self.above.push(above);
                for part in path {
                    self.steps.push('/');
                    push_escaped(&mut self.steps, part);
                }
            }
        }
        self.ends.push(self.steps.len() as u32);
    }

    /// The pointer to a schema.
    pub(super) fn get(&self, at: u32) -> String {
        let mut parts = Vec::new();
        let mut next = at;
        while let Some(&above) = self.above.get(next as usize) {
            let from = next.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
            parts.push(&self.steps[from as usize..self.ends[next as usize] as usize]);
            next = above;
        }
        parts.reverse();
        parts.concat()
    }
}

/// Appends a step of a JSON pointer (RFC 6901, section 3).
pub(super) fn push_escaped(pointer: &mut String, part: &str) {
    for c in part.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// A step of a JSON pointer as the name that it is; a `~` that escapes nothing is itself.
fn unescaped(part: &str) -> String {
    let mut name = String::new();
    let mut rest = part.chars();
    while let Some(c) = rest.next() {
        let (c, taken) = match (c, rest.clone().next()) {
            ('~', Some('0')) => ('~', true),
            ('~', Some('1')) => ('/', true),
            _ => (c, false),
        };
        name.push(c);
        if taken {
            rest.next();
        }
    }
    name
}

impl<'a> Compiler<'a, '_> {
    /// The schema that a reference in `node` refers to.
    pub(super) fn resolve(&mut self, node: u32, keyword: &str, text: &str) -> Result<Lit, Refusal> {
        let own = self.nodes[node as usize].resource as usize;
        let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
        let resource = if before.is_empty() {
            own
        } else {
            let uri = join(&self.resources.all[own].uri, before);
            match self.resources.all.iter().position(|known| known.uri == uri) {
                Some(found) => found,
                None => return self.refuse(node, keyword, format!("`{text}` is not in this document")),
            }
        };
        let Some(fragment) = decode_percent(fragment) else {
            return self.refuse(node, keyword, format!("`{text}` is not a reference"));
        };
        if !fragment.is_empty() && !fragment.starts_with('/') {
            let Some((found, pointer)) = self.resources.anchors.get(&(resource, fragment.clone())).cloned()
            else {
                return self.refuse(node, keyword, format!("there is no anchor `{fragment}`"));
            };
            return Ok(self.schema(found, Place::Whole(&pointer), resource));
        }
        // Along the pointer the resource may change.
        let Resource { root, pointer, .. } = &self.resources.all[resource];
        let (mut value, mut inner, pointer) = (*root, resource, format!("{pointer}{fragment}"));
        for part in fragment.split('/').skip(1) {
            let part = unescaped(part);
            let next = match value {
                Value::Object(map) => Map::get(map, &part),
                Value::Array(all) => part.parse().ok().and_then(|i: usize| all.get(i)),
                _ => None,
            };
            let Some(next) = next else {
                return self.refuse(node, keyword, format!("`{text}` leads nowhere"));
            };
            value = next;
            inner = self.resources.at(value).unwrap_or(inner);
        }
        Ok(self.schema(value, Place::Whole(&pointer), inner))
    }
}

fn without_fragment(uri: &str) -> &str {
    uri.split_once('#').map_or(uri, |(before, _)| before)
}

/// Resolves a reference without a fragment against a base (RFC 3986, section 5.2).
fn join(base: &str, reference: &str) -> String {
    if scheme(reference).is_some() || base.is_empty() {
        return reference.to_owned();
    }
    let scheme = scheme(base).unwrap_or("");
    let rest = &base[scheme.len()..];
    let host = match rest.strip_prefix("//") {
        Some(inner) => 2 + inner.find(['/', '?']).unwrap_or(inner.len()),
        None => 0,
    };
    let (head, path) = base.split_at(scheme.len() + host);
    if reference.starts_with("//") {
        return format!("{scheme}{reference}");
    }
    let whole = if reference.starts_with('/') {
        reference.to_owned()
    } else {
        let path = path.split('?').next().unwrap_or("");
        let folder = path.rfind('/').map_or(if host > 0 { "/" } else { "" }, |i| &path[..=i]);
        format!("{folder}{reference}")
    };
    let mut parts: Vec<&str> = Vec::new();
    let all: Vec<&str> = whole.split('/').collect();
    for (i, part) in all.iter().enumerate() {
        match *part {
            "." if i + 1 == all.len() => parts.push(""),
            "." => {}
            ".." => {
                if parts.len() > 1 {
                    parts.pop();
                }
                if i + 1 == all.len() {
                    parts.push("");
                }
            }
            part => parts.push(part),
        }
    }
    format!("{head}{}", parts.join("/"))
}

/// The scheme of an absolute URI, with its colon.
fn scheme(uri: &str) -> Option<&str> {
    let end = uri.find(':')?;
    let name = &uri[..end];
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    (name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(legal)).then(|| &uri[..=end])
}

fn decode_percent(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let pair = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::{Place, Places, join, push_escaped, unescaped};

    #[test]
    fn references_are_joined_as_the_standard_says() {
        for (reference, whole) in [
            ("g", "http://a/b/c/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("../g", "http://a/b/g"),
            ("../../../g", "http://a/g"),
            ("x:y", "x:y"),
        ] {
            assert_eq!(join("http://a/b/c/d?q", reference), whole, "{reference}");
        }
        assert_eq!(join("http://a", "g"), "http://a/g");
        assert_eq!(join("urn:x:y", "urn:z"), "urn:z");
        assert_eq!(join("", "g.json"), "g.json");
    }

    #[test]
    fn steps_of_pointers_are_escaped_and_back() {
        for (step, name) in [("a~1b~0c", "a/b~c"), ("~01", "~1"), ("", ""), ("\u{e9}~0~1", "\u{e9}~/")] {
            let mut written = String::new();
            push_escaped(&mut written, name);
            assert_eq!((unescaped(step), written.as_str()), (name.to_owned(), step));
        }
        assert_eq!(unescaped("~2~"), "~2~");
    }

    #[test]
    fn pointers_are_told_from_their_last_steps() {
        let mut places = Places::default();
        places.push(Place::Whole("#"));
        places.push(Place::Below(0, &["properties", "a/b"]));
        places.push(Place::Below(1, &[]));
        places.push(Place::Below(2, &["anyOf", "0"]));
        places.push(Place::Whole("#/$defs/x"));
        let all = ["#", "#/properties/a~1b", "#/properties/a~1b", "#/properties/a~1b/anyOf/0", "#/$defs/x"];
        assert_eq!([0, 1, 2, 3, 4].map(|at| places.get(at)), all);
    }
}
