//! A tool's parameters: a JSON Schema, and whether it is flat.
//!
//! *Flat* means an object whose properties are scalars or arrays of scalars. Flat parameters are checked here before the tool runs,
//! and the bundled model can fill them. Any other schema is kept as it is: a grammar may still enforce it, and the tool must check it.

use serde_json::{Map, Value};

/// What a scalar may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A text: one of these (empty: any), of at most so many characters.
    Text {
        /// The words it may be.
        words: Vec<String>,
        /// `maxLength`.
        most: Option<u64>,
    },
    /// A number.
    Number {
        /// Whole numbers only.
        whole: bool,
        /// `minimum`.
        least: Option<f64>,
        /// `maximum`.
        most: Option<f64>,
    },
    /// Yes or no.
    Boolean,
}

/// What a parameter may be.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// One value.
    One(Scalar),
    /// An array of them.
    Many {
        /// Each.
        item: Scalar,
        /// `minItems`.
        least: u64,
        /// `maxItems`.
        most: Option<u64>,
    },
}

/// One parameter of a flat schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `description`, or nothing.
    pub description: String,
    /// Whether it must be given.
    pub required: bool,
    /// What it may be.
    pub shape: Shape,
    /// `default`, of the right shape.
    pub default: Option<Value>,
}

/// The parameters of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters {
    /// The JSON Schema as written (an empty object schema when none is), with `additionalProperties` false when it is flat.
    pub schema: Value,
    /// Whether [`Parameters::list`] says all that the schema says.
    pub flat: bool,
    /// The parameters, in the order of the file; empty when the schema is not flat.
    pub list: Vec<Parameter>,
}

/// What is wrong, and at which key below `parameters` (dotted).
pub type Fault = (String, String);

impl Parameters {
    /// Checks a schema.
    ///
    /// # Errors
    /// When it is not the schema of an object, or contradicts itself.
    pub fn check(schema: Option<Value>) -> Result<Parameters, Fault> {
        let here = |message: &str| (String::new(), message.to_owned());
        let mut schema = schema.unwrap_or_else(|| serde_json::json!({ "type": "object", "properties": {} }));
        let object =
            schema.as_object_mut().ok_or_else(|| here("is not a table: a JSON Schema is expected"))?;
        if object.get("type") != Some(&Value::from("object")) {
            return Err(here("needs type = \"object\": arguments have names"));
        }
        let known = ["type", "properties", "required", "additionalProperties", "description", "title"];
        let closed = object.get("additionalProperties").is_none_or(|more| more == &Value::Bool(false));
        let mut flat = closed && object.keys().all(|key| known.contains(&key.as_str()));
        let properties = match object.get("properties") {
            None => Map::new(),
            Some(Value::Object(properties)) => properties.clone(),
            Some(_) => return Err((".properties".into(), "is not a table".into())),
        };
        let required = names(object.get("required"), &properties)?;
        let mut list = Vec::new();
        for (name, property) in &properties {
            match parameter(name, property, required.contains(name))? {
                Some(parameter) => list.push(parameter),
                None => flat = false,
            }
        }
        if flat {
            object.insert("additionalProperties".into(), Value::Bool(false));
        } else {
            list.clear();
        }
        Ok(Parameters { schema, flat, list })
    }

    /// The parameter of that name, of a flat schema.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.list.iter().find(|parameter| parameter.name == name)
    }

    /// Checks arguments against a flat schema (any object passes one that is not).
    ///
    /// # Errors
    /// JSON pointer of the argument, and what is wrong with it.
    pub fn validate(&self, arguments: &Map<String, Value>) -> Result<(), Fault> {
        if !self.flat {
            return Ok(());
        }
        for name in arguments.keys() {
            if self.get(name).is_none() {
                let names: Vec<&str> = self.list.iter().map(|parameter| parameter.name.as_str()).collect();
                return Err((
                    format!("/{name}"),
                    format!("the tool has no such parameter; it has {}", one_of(&names)),
                ));
            }
        }
        for parameter in &self.list {
            match arguments.get(&parameter.name) {
                None if parameter.required => {
                    return Err((format!("/{}", parameter.name), "is required and not given".into()));
                }
                None => {}
                Some(value) => parameter
                    .shape
                    .validate(value)
                    .map_err(|(below, message)| (format!("/{}{below}", parameter.name), message))?,
            }
        }
        Ok(())
    }

    /// Adds the defaults of what is not given.
    pub fn fill_defaults(&self, arguments: &mut Map<String, Value>) {
        for parameter in &self.list {
            if let (Some(default), false) = (&parameter.default, arguments.contains_key(&parameter.name)) {
                arguments.insert(parameter.name.clone(), default.clone());
            }
        }
    }
}

impl Shape {
    fn validate(&self, value: &Value) -> Result<(), Fault> {
        match self {
            Shape::One(scalar) => scalar.validate(value).map_err(|message| (String::new(), message)),
            Shape::Many { item, least, most } => {
                let found =
                    || (String::new(), format!("found {value}, expected {} values or more, an array", least));
                let items = value.as_array().ok_or_else(found)?;
                let count = items.len() as u64;
                if count < *least || most.is_some_and(|most| count > most) {
                    let most = most.map_or("any number".to_owned(), |most| most.to_string());
                    return Err((String::new(), format!("found {count} values, expected {least} to {most}")));
                }
                for (index, value) in items.iter().enumerate() {
                    item.validate(value).map_err(|message| (format!("/{index}"), message))?;
                }
                Ok(())
            }
        }
    }
}

impl Scalar {
    fn validate(&self, value: &Value) -> Result<(), String> {
        let fits = match (self, value) {
            (Scalar::Boolean, Value::Bool(_)) => true,
            (Scalar::Text { words, most }, Value::String(text)) => {
                (words.is_empty() || words.contains(text))
                    && most.is_none_or(|most| text.chars().count() as u64 <= most)
            }
            (Scalar::Number { whole, least, most }, Value::Number(number)) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                number.is_finite()
                    && (!whole || number.fract() == 0.0)
                    && least.is_none_or(|least| number >= least)
                    && most.is_none_or(|most| number <= most)
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err(format!("found {value}, expected {}", self.expected())) }
    }

    fn expected(&self) -> String {
        match self {
            Scalar::Boolean => "true or false".into(),
            Scalar::Text { words, .. } if !words.is_empty() => {
                one_of(&words.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Scalar::Text { most: Some(most), .. } => format!("a text of at most {most} characters"),
            Scalar::Text { .. } => "a text".into(),
            Scalar::Number { whole, least, most } => {
                let kind = if *whole { "a whole number" } else { "a number" };
                match (least, most) {
                    (Some(least), Some(most)) => format!("{kind} from {least} to {most}"),
                    (Some(least), None) => format!("{kind} from {least}"),
                    (None, Some(most)) => format!("{kind} up to {most}"),
                    (None, None) => kind.into(),
                }
            }
        }
    }
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "none".into(),
        names => format!("`{}`", names.join("`, `")),
    }
}

fn names(list: Option<&Value>, properties: &Map<String, Value>) -> Result<Vec<String>, Fault> {
    let fault = |message: String| (".required".to_owned(), message);
    let Some(list) = list else { return Ok(Vec::new()) };
    let list = list.as_array().ok_or_else(|| fault("is not an array of names".into()))?;
    list.iter()
        .map(|name| {
            let name = name.as_str().ok_or_else(|| fault(format!("`{name}` is not a name")))?;
            if properties.contains_key(name) {
                return Ok(name.to_owned());
            }
            let near = super::place::nearest(name, properties.keys().map(String::as_str));
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Err(fault(format!("`{name}` is not among the properties{near}")))
        })
        .collect()
}

/// `None` when the property is legal but not flat.
fn parameter(name: &str, property: &Value, required: bool) -> Result<Option<Parameter>, Fault> {
    let key = format!(".properties.{name}");
    let object = property.as_object().ok_or_else(|| (key.clone(), "is not a table".to_owned()))?;
    let shape = match object.get("type").and_then(Value::as_str) {
        Some("array") => {
            let known = ["type", "items", "minItems", "maxItems", "description", "title", "default"];
            let item = match object.get("items").and_then(Value::as_object) {
                Some(item) => scalar(item, &key)?,
                None => None,
            };
            let count = |name: &str| object.get(name).and_then(Value::as_u64);
            let counted = ["minItems", "maxItems"]
                .iter()
                .all(|name| !object.contains_key(*name) || count(name).is_some());
            item.filter(|_| counted && object.keys().all(|key| known.contains(&key.as_str()))).map(|item| {
                Shape::Many { item, least: count("minItems").unwrap_or(0), most: count("maxItems") }
            })
        }
        _ => scalar(object, &key)?.map(Shape::One),
    };
    let Some(shape) = shape else { return Ok(None) };
    let default = object.get("default").cloned();
    if let Some(default) = &default {
        shape.validate(default).map_err(|(_, message)| (format!("{key}.default"), message))?;
    }
    let description = object.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Some(Parameter { name: name.to_owned(), description, required, shape, default }))
}

/// `None` when the schema is more than a flat one may be.
fn scalar(object: &Map<String, Value>, key: &str) -> Result<Option<Scalar>, Fault> {
    let known: &[&str] = match object.get("type").and_then(Value::as_str) {
        Some("string") => &["enum", "maxLength"],
        Some("integer" | "number") => &["minimum", "maximum"],
        Some("boolean") => &[],
        _ => return Ok(None),
    };
    let always = ["type", "description", "title", "default"];
    if !object.keys().all(|key| known.contains(&key.as_str()) || always.contains(&key.as_str())) {
        return Ok(None);
    }
    let number = |name: &str| match object.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(other) => Err((format!("{key}.{name}"), format!("found {other}, expected a number"))),
    };
    Ok(Some(match object.get("type").and_then(Value::as_str) {
        Some("string") => {
            let words = match object.get("enum") {
                None => Vec::new(),
                Some(words) => words
                    .as_array()
                    .filter(|words| !words.is_empty())
                    .and_then(|words| words.iter().map(|word| word.as_str().map(str::to_owned)).collect())
                    .ok_or_else(|| {
                        (format!("{key}.enum"), "expected an array of texts, not empty".to_owned())
                    })?,
            };
            let most = match object.get("maxLength") {
                None => None,
                Some(most) => Some(most.as_u64().ok_or_else(|| {
                    (format!("{key}.maxLength"), format!("found {most}, expected a whole number"))
                })?),
            };
            Scalar::Text { words, most }
        }
        Some("boolean") => Scalar::Boolean,
        kind => {
            let (least, most) = (number("minimum")?, number("maximum")?);
            if let (Some(least), Some(most)) = (least, most)
                && least > most
            {
                return Err((
                    key.to_owned(),
                    format!("minimum {least} is above maximum {most}: nothing fits"),
                ));
            }
            Scalar::Number { whole: kind == Some("integer"), least, most }
        }
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: Value) -> Result<Parameters, Fault> {
        Parameters::check(Some(schema))
    }

    fn feed() -> Parameters {
        check(json!({
            "type": "object",
            "required": ["grams"],
            "properties": {
                "grams": { "type": "integer", "minimum": 5, "maximum": 60 },
                "cat": { "type": "string", "enum": ["Mia", "Tom"] },
                "note": { "type": "string", "maxLength": 3 },
                "slow": { "type": "boolean", "default": false },
                "times": { "type": "array", "items": { "type": "number" }, "maxItems": 2 },
            }
        }))
        .unwrap()
    }

    #[test]
    fn flat_schemas_are_recognised_and_closed() {
        let feed = feed();
        assert!(feed.flat);
        assert_eq!(feed.schema["additionalProperties"], false);
        assert_eq!(feed.list.len(), 5);
        assert!(feed.get("grams").unwrap().required);
        assert!(Parameters::check(None).unwrap().flat);
    }

    #[test]
    fn other_schemas_are_kept_and_flagged() {
        for property in [
            json!({ "type": "object" }),
            json!({ "anyOf": [] }),
            json!({ "type": "string", "pattern": "a+" }),
            json!({ "type": "array", "items": { "type": "array" } }),
        ] {
            let schema =
                json!({ "type": "object", "properties": { "a": property, "b": { "type": "boolean" } } });
            let parameters = check(schema.clone()).unwrap();
            assert!(!parameters.flat && parameters.list.is_empty());
            assert_eq!(parameters.schema, schema);
        }
    }

    #[test]
    fn contradictions_name_their_key() {
        let of = |schema| check(schema).unwrap_err().0;
        assert_eq!(of(json!({ "type": "array" })), "");
        assert_eq!(of(json!({ "type": "object", "properties": 5 })), ".properties");
        assert_eq!(of(json!({ "type": "object", "required": ["x"] })), ".required");
        let property = |property| of(json!({ "type": "object", "properties": { "a": property } }));
        assert_eq!(property(json!({ "type": "string", "enum": [] })), ".properties.a.enum");
        assert_eq!(property(json!({ "type": "integer", "minimum": 5, "maximum": 4 })), ".properties.a");
        assert_eq!(property(json!({ "type": "integer", "default": "x" })), ".properties.a.default");
    }

    #[test]
    fn arguments_are_checked_by_pointer() {
        let feed = feed();
        let fault =
            |arguments: Value| feed.validate(arguments.as_object().unwrap()).err().map(|fault| fault.0);
        assert_eq!(fault(json!({ "grams": 20, "cat": "Mia", "slow": true, "times": [1, 2.5] })), None);
        assert_eq!(fault(json!({})).as_deref(), Some("/grams"));
        assert_eq!(fault(json!({ "grams": 61 })).as_deref(), Some("/grams"));
        assert_eq!(fault(json!({ "grams": 5.5 })).as_deref(), Some("/grams"));
        assert_eq!(fault(json!({ "grams": 5, "dog": 1 })).as_deref(), Some("/dog"));
        assert_eq!(fault(json!({ "grams": 5, "cat": "Rex" })).as_deref(), Some("/cat"));
        assert_eq!(fault(json!({ "grams": 5, "note": "long" })).as_deref(), Some("/note"));
        assert_eq!(fault(json!({ "grams": 5, "times": [1, "2"] })).as_deref(), Some("/times/1"));
        assert_eq!(fault(json!({ "grams": 5, "times": [1, 2, 3] })).as_deref(), Some("/times"));
    }
}
