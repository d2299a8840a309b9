//! What a state offers: its tools and devices, the tables drawn from them, and the matcher's index.

use std::sync::OnceLock;

use serde_json::Value;

use crate::board::Device;
use crate::link::{Index, Number, ToolWords, Unit, family, is_measure, seconds_in, spoken};
use crate::tool::Builtin;

/// A tool that is legal in the scene.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    /// One of the built-in ones.
    Builtin(Builtin),
    /// One of the user's own.
    User {
        /// Its name.
        name: String,
        /// What it does, in a few words.
        description: String,
        /// Its parameters, in the order of its schema.
        parameters: Vec<Param>,
    },
}

/// A parameter of a user's tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub kind: ParamKind,
    /// Whether a call must have it.
    pub required: bool,
    /// The unit that its description names; one in its name goes before.
    pub unit: Option<String>,
}

/// What a parameter takes. The bundled model's rendering knows flat parameters only.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamKind {
    /// One of these strings.
    Choice(Vec<String>),
    /// A number within bounds.
    Number {
        /// Least value.
        min: f64,
        /// Most value.
        max: f64,
        /// Whole numbers only.
        integer: bool,
    },
    /// Words of the request.
    Text {
        /// Most characters.
        max_length: usize,
    },
    /// Yes or no.
    Flag,
}

impl Tool {
    /// Reads the flat parameters of a user's tool from its JSON Schema; `Err` names the first parameter that
    /// the bundled model's rendering cannot fill.
    pub fn user(name: &str, description: &str, schema: &Value) -> Result<Tool, String> {
        let empty = serde_json::Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required = |name: &str| {
            let list = schema.get("required").and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|item| item == name))
        };
        let parameters = properties
            .iter()
            .map(|(key, schema)| {
                let kind = param_kind(schema).ok_or_else(|| key.clone())?;
                let description = schema.get("description").and_then(Value::as_str);
                let unit = description.and_then(unit_of);
                Ok(Param { name: key.clone(), kind, required: required(key), unit })
            })
            .collect::<Result<_, String>>()?;
        Ok(Tool::User { name: name.to_owned(), description: description.to_owned(), parameters })
    }

    /// The tool's name.
    pub fn name(&self) -> &str {
        match self {
            Tool::Builtin(tool) => tool.name(),
            Tool::User { name, .. } => name,
        }
    }
}

/// The kinds of parameter that pointers can fill; anything a schema asks beyond that is `None`, never dropped.
pub(super) fn param_kind(schema: &Value) -> Option<ParamKind> {
    const NOTES: [&str; 5] = ["description", "title", "default", "examples", "format"];
    let known = |keys: &[&str]| {
        let object = schema.as_object()?;
        object
            .keys()
            .all(|key| key == "type" || NOTES.contains(&key.as_str()) || keys.contains(&key.as_str()))
            .then_some(())
    };
    if let Some(choices) = schema.get("enum") {
        known(&["enum"])?;
        let choices: Option<Vec<String>> =
            choices.as_array()?.iter().map(|choice| choice.as_str().map(str::to_owned)).collect();
        return choices.filter(|choices| !choices.is_empty()).map(ParamKind::Choice);
    }
    match schema.get("type")?.as_str()? {
        kind @ ("integer" | "number") => {
            known(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])?;
            let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
            let mut min = bound("minimum").unwrap_or(f64::MIN);
            let mut max = bound("maximum").unwrap_or(f64::MAX);
            // A pointer's number is one that was said, so the next double stands for "just above".
            min = bound("exclusiveMinimum").map_or(min, |least| min.max(least.next_up()));
            max = bound("exclusiveMaximum").map_or(max, |most| max.min(most.next_down()));
            Some(ParamKind::Number { min, max, integer: kind == "integer" })
        }
        "string" => {
            known(&["maxLength", "minLength"])?;
            let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
            let max_length = schema.get("maxLength").and_then(Value::as_u64).unwrap_or(1000) as usize;
            (least <= 1).then_some(ParamKind::Text { max_length })
        }
        "boolean" => known(&[]).map(|()| ParamKind::Flag),
        _ => None,
    }
}

impl Param {
    /// The value that a said number has for this parameter; `None` when it does not fit. A duration, a weight, a volume or a length
    /// is turned into the unit that the parameter's name or description asks for ("minutes", "grams"), else the bare number counts.
    pub fn number(&self, number: &Number) -> Option<f64> {
        let ParamKind::Number { min, max, integer } = self.kind else { return None };
        let mut value = number.said;
        let name = self.name.to_lowercase();
        let words = || name.split(['_', '-']).chain(self.unit.as_deref());
        if let Some(converted) = words().find_map(|part| number.in_unit(part)) {
            value = converted;
        }
        if number.unit == Unit::Seconds
            && let Some(seconds) = words().find_map(seconds_in)
        {
            value = number.value / seconds;
        }
        let fits = |value: &f64| (!integer || value.fract() == 0.0) && (min..=max).contains(value);
        let money = number.money.filter(|_| words().any(|word| MONEY.contains(&word)));
        // "Three fifty" of what takes up to a hundred is 3.5.
        money.filter(fits).or(Some(value).filter(fits)).or(number.money.filter(fits))
    }
}

/// Words of the names of parameters that take money.
const MONEY: &[&str] = &[
    "bill", "bucks", "budget", "cash", "charge", "cost", "deposit", "dollar", "dollars", "donation", "eur",
    "euro", "euros", "fare", "fee", "gbp", "money", "paid", "pay", "payment", "pound", "pounds", "price",
    "quid", "rand", "takings", "tip", "total", "usd",
];

/// Tools and devices of a state, with the tables that prompts point into.
#[derive(Debug)]
pub struct Scene {
    /// Legal tools; each at most once.
    pub tools: Vec<Tool>,
    /// Devices that may be touched, in the order of the agent's file.
    pub devices: Vec<Device>,
    /// Families of kinds among the devices, in order of appearance.
    pub kinds: Vec<String>,
    /// Areas among the devices, in order of appearance.
    pub areas: Vec<String>,
    /// Choices of all user tools' parameters, without repeats.
    pub values: Vec<String>,
    index: OnceLock<Index>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Index")
    }
}

impl Scene {
    /// A scene of these tools and devices.
    pub fn new(tools: Vec<Tool>, devices: Vec<Device>) -> Scene {
        let mut scene = Scene {
            tools,
            devices,
            kinds: Vec::new(),
            areas: Vec::new(),
            values: Vec::new(),
            index: OnceLock::new(),
        };
        let push = |list: &mut Vec<String>, name: &str| {
            if !list.iter().any(|known| known == name) {
                list.push(name.to_owned());
            }
        };
        for device in &scene.devices {
            push(&mut scene.kinds, family(&device.kind));
            if let Some(area) = &device.area {
                push(&mut scene.areas, area);
            }
        }
        for tool in &scene.tools {
            let Tool::User { parameters, .. } = tool else { continue };
            for param in parameters {
                if let ParamKind::Choice(choices) = &param.kind {
                    choices.iter().for_each(|choice| push(&mut scene.values, choice));
                }
            }
        }
        scene
    }

    /// The matcher over this scene's names; built at the first request.
    pub fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let tools: Vec<ToolWords> = self
                .user_tools()
                .map(|(name, description, parameters)| {
                    let names: Vec<&str> = parameters.iter().map(|param| param.name.as_str()).collect();
                    let about = format!("{} {}", description.replace('_', " "), spoken(&names.join(" ")));
                    ToolWords { name: spoken(name), about }
                })
                .collect();
            let values: Vec<String> =
                self.values.iter().map(|value| value.replace(['_', '-'], " ")).collect();
            let parameters = self.user_tools().flat_map(|(_, _, parameters)| parameters);
            let numbered = parameters.filter(|param| matches!(param.kind, ParamKind::Number { .. }));
            let numbered = numbered.flat_map(|param| param.name.split(['_', '-']));
            let parts = self.user_tools().any(|(_, _, parameters)| {
                let takes = |unit: f64| {
                    let of_unit = |param: &Param| {
                        param.name.split(['_', '-']).any(|word| seconds_in(word) == Some(unit))
                    };
                    parameters
                        .iter()
                        .any(|param| matches!(param.kind, ParamKind::Number { .. }) && of_unit(param))
                };
                takes(3600.0) && takes(60.0)
            });
            Index::new(&self.devices, &self.kinds, &self.areas, &values, &tools)
                .with_numbered(numbered)
                .with_parts(parts)
        })
    }

    /// The user's tools, in order: name, description, parameters. Pointers to tools count along this list.
    pub fn user_tools(&self) -> impl Iterator<Item = (&str, &str, &[Param])> {
        self.tools.iter().filter_map(|tool| match tool {
            Tool::User { name, description, parameters } => {
                Some((name.as_str(), description.as_str(), parameters.as_slice()))
            }
            Tool::Builtin(_) => None,
        })
    }

    /// Whether a built-in tool is legal here.
    pub fn has(&self, tool: Builtin) -> bool {
        self.tools.contains(&Tool::Builtin(tool))
    }

    /// Index of the kind (family) of a device.
    pub fn kind_of(&self, device: &Device) -> Option<usize> {
        self.kinds.iter().position(|kind| kind == family(&device.kind))
    }

    /// Index of the area of a device.
    pub fn area_of(&self, device: &Device) -> Option<usize> {
        let area = device.area.as_ref()?;
        self.areas.iter().position(|known| known == area)
    }
}

/// The unit that a parameter's description names: all of it ("g", "min"), or the first word for one that cannot be another word
/// ("how many minutes it waits").
fn unit_of(description: &str) -> Option<String> {
    let known = |word: &&str| seconds_in(word).is_some() || is_measure(word);
    let description = description.trim().to_lowercase();
    let found = Some(&*description).filter(known).or_else(|| {
        let mut words = description.split(|c: char| !c.is_alphanumeric());
        words.find(|word| word.len() > 2 && *word != "second" && known(word))
    });
    found.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Turn;

    #[test]
    fn numbers_come_in_the_unit_that_a_parameter_asks_for() {
        let takes = |name: &str, said: &str| {
            let kind = ParamKind::Number { min: 0.0, max: 50_000.0, integer: false };
            let (name, description) = name.split_once(':').unwrap_or((name, ""));
            let unit = unit_of(description);
            let param = Param { name: name.into(), kind, required: true, unit };
            let tool = Tool::User {
                name: "dose".into(),
                description: "dose".into(),
                parameters: vec![param.clone()],
            };
            let scene = Scene::new(vec![tool], Vec::new());
            let turn = Turn::new(&scene, said);
            param.number(&turn.numbers[0])
        };
        assert_eq!(takes("grams", "12 kg of flour"), Some(12_000.0));
        assert_eq!(takes("weight_kg", "800 grams"), Some(0.8));
        assert_eq!(takes("millilitres", "a quarter of a litre"), Some(250.0));
        assert_eq!(takes("litres", "a litre and a half"), Some(1.5));
        assert_eq!(takes("height_cm", "two metres"), Some(200.0));
        assert_eq!(takes("minutes", "half an hour"), Some(30.0));
        assert_eq!(takes("duration:min", "half an hour"), Some(30.0));
        assert_eq!(takes("wait:how many hours to wait", "90 minutes"), Some(1.5));
        assert_eq!(takes("dose:g", "half a kilo"), Some(500.0));
        assert_eq!(takes("rest:Seconds of rest after each go", "a minute and a half"), Some(90.0));
        assert_eq!(takes("dose:of the second kind", "30 seconds"), Some(30.0));
        assert_eq!(takes("days", "for a fortnight"), Some(14.0));
        assert_eq!(takes("nights", "for two weeks"), Some(14.0));
        assert_eq!(takes("weeks", "for two weeks"), Some(2.0));
        assert_eq!(takes("dozens", "three dozen natives"), Some(3.0));
        assert_eq!(takes("count", "three dozen natives"), Some(36.0));
        assert_eq!(takes("price", "that's three fifty"), Some(3.5));
        assert_eq!(takes("minutes", "an hour and ten"), Some(70.0));
        assert_eq!(takes("price", "nineteen ninety-nine, card"), Some(19.99));
        assert_eq!(takes("kilos", "three fifty"), Some(350.0));
        // Nothing to turn it into: the bare number.
        assert_eq!(takes("amount", "12 kg"), Some(12.0));
        assert_eq!(takes("seconds", "12 kg"), Some(12.0));
    }
}
