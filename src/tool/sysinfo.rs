//! The tool `sysinfo`: temperature, load and memory of this machine, from files that its cage shows.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// Of the hottest sensor, in °C.
    Temperature,
    /// Processes that want the processor, on average over 1, 5 and 15 minutes.
    Load,
    /// Total and available, in MiB.
    Memory,
    /// All of it.
    #[default]
    All,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    what: What,
}

/// Answers one call; `root` is `/`, or a copy of the files for tests.
///
/// # Errors
/// When the arguments do not fit, or the one thing asked for cannot be read. With `all`, what cannot be read is left out.
pub fn answer(arguments: Value, root: &Path) -> Result<Value, String> {
    let Arguments { what } = serde_json::from_value(arguments).map_err(|error| error.to_string())?;
    let mut answer = Map::new();
    type Part = (What, &'static str, fn(&Path) -> Option<Value>, &'static str);
    let parts: [Part; 3] = [
        (What::Temperature, "temperature", temperature, "this machine has no temperature sensor"),
        (What::Load, "load", load, "/proc/loadavg cannot be read"),
        (What::Memory, "memory", memory, "/proc/meminfo cannot be read"),
    ];
    for (part, name, read, missing) in parts {
        if what != part && what != What::All {
            continue;
        }
        match read(root) {
            Some(value) => drop(answer.insert(name.into(), value)),
            None if what == part => return Err(missing.into()),
            None => {}
        }
    }
    Ok(answer.into())
}

/// In °C with one decimal; the hottest zone, because boards name theirs as they like.
fn temperature(root: &Path) -> Option<Value> {
    let zones = std::fs::read_dir(root.join("sys/class/thermal")).ok()?;
    let hottest = zones
        .filter_map(|zone| {
            let text = std::fs::read_to_string(zone.ok()?.path().join("temp")).ok()?;
            text.trim().parse::<f64>().ok()
        })
        .max_by(f64::total_cmp)?;
    Some(json!((hottest / 100.0).round() / 10.0))
}

fn load(root: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(root.join("proc/loadavg")).ok()?;
    let loads: Vec<f64> = text.split(' ').take(3).map(str::parse).collect::<Result<_, _>>().ok()?;
    (loads.len() == 3).then(|| json!(loads))
}

fn memory(root: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let mebibytes = |key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes / 1024)
    };
    Some(json!({ "total": mebibytes("MemTotal")?, "available": mebibytes("MemAvailable")? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("sys/class/thermal/thermal_zone0/temp", "48312\n");
        write("sys/class/thermal/thermal_zone1/temp", "41000\n");
        write("proc/loadavg", "0.50 0.25 0.10 1/123 4567\n");
        write("proc/meminfo", "MemTotal:         524288 kB\nMemFree: 1 kB\nMemAvailable:   262144 kB\n");
        root
    }

    #[test]
    fn a_machine_is_read() {
        let root = machine();
        let all = answer(json!({}), root.path()).unwrap();
        let expected = json!({
            "temperature": 48.3,
            "load": [0.5, 0.25, 0.1],
            "memory": { "total": 512, "available": 256 },
        });
        assert_eq!(all, expected);
        assert_eq!(
            answer(json!({ "what": "load" }), root.path()).unwrap(),
            json!({ "load": [0.5, 0.25, 0.1] })
        );
    }

    #[test]
    fn what_is_not_there_is_said_or_left_out() {
        let nothing = tempfile::tempdir().unwrap();
        assert_eq!(answer(json!({}), nothing.path()).unwrap(), json!({}));
        assert!(answer(json!({ "what": "temperature" }), nothing.path()).unwrap_err().contains("sensor"));
        assert!(answer(json!({ "what": "weather" }), nothing.path()).is_err());
    }
}
