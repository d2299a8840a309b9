//! An agent file as it is written: serde structs that know where each value stands in the text.
//!
//! Nothing here is resolved; [`super::check`] does that. The same structs derive the published schema.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::chart::Value;
use super::chart_file::{NameList, StateTable};
use super::checked::Resume;
use crate::board::{Direction, LineId, LineRef, Safe};
use crate::tool::ToolFile;

/// A value and the bytes of the file that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = toml::Spanned::<T>::deserialize(deserializer)?;
        let span = spanned.span();
        Ok(At { value: spanned.into_inner(), span })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A table of named things, in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<T>(pub Vec<(At<String>, T)>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Table<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<At<String>, T>()? {
                    entries.push(entry);
                }
                Ok(Table(entries))
            }
        }
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Table<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("Table_of_{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": entry })
    }
}

/// The whole file. It is read table by table (`super::read`), so that one bad table does not hide
/// the findings in the others.
#[derive(Clone, Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Agent")]
pub struct AgentFile {
    /// The version of this format: 1.
    #[schemars(with = "u32")]
    pub format: Option<At<u32>>,
    /// What the agent is called and how it starts.
    #[schemars(with = "AgentTable")]
    pub agent: Option<At<AgentTable>>,
    /// What it may touch.
    #[schemars(default)]
    pub devices: Table<DeviceTable>,
    /// What it may call besides the built-in tools.
    #[schemars(default)]
    pub tools: Table<ToolFile>,
    /// Context variables with their first values, which give their types.
    #[schemars(default)]
    pub variables: Table<At<Value>>,
    /// The states it can be in.
    pub states: Table<StateTable>,
}

/// `[agent]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentTable {
    /// The agent's name.
    pub name: At<String>,
    /// One line on what it is for.
    pub description: Option<String>,
    /// Path of a model file; left out: the bundled model.
    pub model: Option<At<String>>,
    /// The first state, or several inside of parallel states; may be left out when there is only one.
    pub start: Option<At<NameList>>,
    /// Confidence from which a call is executed, 0 to 1.
    pub act: Option<At<f64>>,
    /// Confidence below which a request is refused, 0 to 1.
    pub ask: Option<At<f64>>,
    /// Tokens that the prompt of each state may have before anything is said.
    pub budget: Option<At<u32>>,
    /// Go on in the last state after a power cut, with the outputs as they were or safe; left out: begin anew.
    pub resume: Option<Resume>,
    /// When what is written for `resume` is forced to the disk: `"always"` (left out), `"never"`, or this often at most (`"10s"`).
    pub sync: Option<At<String>>,
}

impl Default for At<String> {
    fn default() -> Self {
        At { value: String::new(), span: 0..0 }
    }
}

/// `[devices.NAME]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceTable {
    /// What it is; decides what can be done with it.
    pub kind: At<String>,
    /// The room or place it stands in.
    pub area: Option<At<String>>,
    /// Other names people use for it.
    #[serde(default)]
    pub aliases: Vec<At<String>>,
    /// The line it hangs on; left out: it exists on the simulated board only.
    pub line: Option<At<LineSpec>>,
    /// Second line of a cover with two relays.
    pub close_line: Option<At<LineSpec>>,
    /// In or out; left out: by kind.
    pub direction: Option<At<Direction>>,
    /// The line is low when the device is on.
    #[serde(default)]
    pub active_low: bool,
    /// Unit of its value.
    pub unit: Option<At<String>>,
    /// Least and most value or level.
    #[schemars(with = "Option<[f64; 2]>")]
    pub range: Option<At<Vec<f64>>>,
    /// How long an input is left alone after an edge, while its contact bounces (`"20ms"`).
    pub debounce: Option<At<String>>,
    /// Whether it can be dimmed; left out: by kind.
    pub levels: Option<At<bool>>,
    /// Frequency of the software PWM in hertz, 1 to 1000.
    #[schemars(range(min = 1, max = 1000))]
    pub pwm_hz: Option<At<u32>>,
    /// What it does when the agent ends.
    pub safe: Option<At<Safe>>,
    /// Only after the person says yes.
    #[serde(default)]
    pub confirm: bool,
}

/// A line as written: an offset, a name, or a table of chip and line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct LineSpec(pub LineRef);

impl<'de> Deserialize<'de> for LineSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Full {
            chip: String,
            line: LineSpec,
        }
        struct Line;
        impl<'de> Visitor<'de> for Line {
            type Value = LineSpec;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a line: an offset (17), a name (\"GPIO17\") or { chip = \"...\", line = ... }")
            }
            fn visit_i64<E: de::Error>(self, offset: i64) -> Result<LineSpec, E> {
                let offset = u32::try_from(offset)
                    .map_err(|_| E::custom(format_args!("{offset} is not an offset of a line on a chip")))?;
                Ok(LineSpec(LineRef { chip: None, line: LineId::Offset(offset) }))
            }
            fn visit_u64<E: de::Error>(self, offset: u64) -> Result<LineSpec, E> {
                self.visit_i64(i64::try_from(offset).unwrap_or(-1))
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<LineSpec, E> {
                if name.trim().is_empty() {
                    return Err(E::custom("the name of a line is empty"));
                }
                Ok(LineSpec(LineRef { chip: None, line: LineId::Name(name.to_owned()) }))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LineSpec, A::Error> {
                let full = Full::deserialize(MapAccessDeserializer::new(map))?;
                if full.line.0.chip.is_some() {
                    return Err(de::Error::custom("a chip is named twice"));
                }
                Ok(LineSpec(LineRef { chip: Some(full.chip), line: full.line.0.line }))
            }
        }
        deserializer.deserialize_any(Line)
    }
}

impl JsonSchema for LineSpec {
    fn schema_name() -> Cow<'static, str> {
        "Line".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let plain = serde_json::json!([
            { "type": "integer", "minimum": 0, "maximum": u32::MAX, "description": "offset on the chip" },
            { "type": "string", "minLength": 1, "description": "name of the line" },
        ]);
        json_schema!({ "anyOf": [plain[0], plain[1], {
            "type": "object",
            "properties": { "chip": { "type": "string" }, "line": { "anyOf": plain } },
            "required": ["chip", "line"],
            "additionalProperties": false,
        }] })
    }
}

/// Devices by name, or all of a kind, of an area, or of both.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// One device.
    Name(String),
    /// All that fit.
    Group(Group),
}

/// `{ kind = ..., area = ... }`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Of this kind.
    pub kind: Option<String>,
    /// In this area.
    pub area: Option<String>,
}

impl<'de> Deserialize<'de> for Selector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Devices;
        impl<'de> Visitor<'de> for Devices {
            type Value = Selector;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("the name of a device, { kind = \"...\" }, { area = \"...\" } or both")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Selector, E> {
                Ok(Selector::Name(name.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Selector, A::Error> {
                Group::deserialize(MapAccessDeserializer::new(map)).map(Selector::Group)
            }
        }
        deserializer.deserialize_any(Devices)
    }
}

impl JsonSchema for Selector {
    fn schema_name() -> Cow<'static, str> {
        "Selector".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let group = generator.subschema_for::<Group>();
        json_schema!({ "anyOf": [{ "type": "string", "description": "name of a device" }, group] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_offsets_names_or_tables() {
        #[derive(Deserialize)]
        struct One {
            line: LineSpec,
        }
        let read = |text: &str| toml::from_str::<One>(text).map(|one| one.line.0);
        assert_eq!(read("line = 17").unwrap().line, LineId::Offset(17));
        assert_eq!(read("line = 'GPIO4'").unwrap().line, LineId::Name("GPIO4".into()));
        let full = read("line = { chip = '/dev/gpiochip1', line = 3 }").unwrap();
        assert_eq!((full.chip.as_deref(), full.line), (Some("/dev/gpiochip1"), LineId::Offset(3)));
        for bad in ["-1", "4294967296", "''", "1.5", "{ line = 3 }", "{ chip = 'a', pin = 3 }", "[1]"] {
            assert!(read(&format!("line = {bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_schema_is_closed() {
        let schema = schemars::schema_for!(AgentFile).to_value();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["$defs"]["DeviceTable"]["additionalProperties"], false);
        assert_eq!(schema["$defs"]["StateTable"]["additionalProperties"], false);
    }
}
