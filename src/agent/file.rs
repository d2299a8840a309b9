//! An agent file as it is written: serde structs that know where each value stands in the text.
//!
//! Nothing here is resolved; [`super::check`] does that. The same structs derive the published schema.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

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
    /// The first state; may be left out when there is only one.
    pub start: Option<At<String>>,
    /// Confidence from which a call is executed, 0 to 1.
    pub act: Option<At<f64>>,
    /// Confidence below which a request is refused, 0 to 1.
    pub ask: Option<At<f64>>,
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

/// `[states.NAME]`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StateTable {
    /// Told to models that read prose.
    pub prompt: Option<String>,
    /// The tools that are legal here; left out: all.
    pub tools: Option<At<Vec<At<String>>>>,
    /// The devices that may be touched here; left out: all.
    pub devices: Option<At<Vec<At<Selector>>>>,
    /// Overrides the agent's `act`.
    pub act: Option<At<f64>>,
    /// Overrides the agent's `ask`.
    pub ask: Option<At<f64>>,
    /// Earlier turns kept in the prompt, for models that read prose.
    #[schemars(range(max = 64))]
    pub carry: Option<At<u32>>,
    /// Transitions; the first that matches is taken.
    #[serde(default)]
    pub on: Vec<At<TransitionTable>>,
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

/// One entry of `on`: exactly one trigger, then what happens.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransitionTable {
    /// Trigger: this tool was called and succeeded.
    pub call: Option<At<String>>,
    /// Trigger: this tool was called and failed.
    pub error: Option<At<String>>,
    /// Narrows `call` and `error` to calls that address this device.
    pub device: Option<At<String>>,
    /// Trigger: a request that no legal tool serves.
    pub unserved: Option<At<bool>>,
    /// Trigger: this input changed.
    pub edge: Option<At<String>>,
    /// Which change of the input; left out: rising.
    pub when: Option<At<When>>,
    /// Trigger: time since the state was entered (`"500ms"`, `"30s"`, `"5m"`, `"2h"`).
    pub after: Option<At<String>>,
    /// The state to enter.
    pub to: Option<At<String>>,
    /// What is said.
    pub say: Option<String>,
    /// Calls made without the model.
    #[serde(default, rename = "do")]
    pub calls: Vec<At<CallTable>>,
}

/// Which change of an input counts. Rising is from inactive to active, whatever the line's voltage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// From inactive to active.
    #[default]
    Rising,
    /// From active to inactive.
    Falling,
    /// Either.
    Both,
}

/// One entry of `do`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallTable {
    /// The tool.
    pub tool: At<String>,
    /// Its arguments, as in a call.
    #[serde(default)]
    pub arguments: serde_json::Map<String, serde_json::Value>,
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
