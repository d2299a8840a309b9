//! `pintail doctor`: what this machine offers.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};

use crate::repl::escaped;
use crate::sandbox::{self, Ending, Layer, Layers, Policy, Program, attempt::ATTEMPT};

/// Say what this machine offers: CPU features, memory, GPIO chips, layers of the cage.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also try forbidden acts inside a cage and show that they are denied.
    #[arg(long)]
    prove: bool,
}

/// Runs the command. The exit code is 1 when a proof fails; a machine that lacks something is no error.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let layers = sandbox::probe()?;
    let proofs = if args.prove { prove()? } else { Vec::new() };
    let report = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "cpu": cpu(),
        "memory": memory(),
        "gpio": chips(),
        "cage": {
            "complete": layers.complete(),
            "layers": layers.0.iter().map(layer).collect::<Vec<_>>(),
        },
        "proofs": proofs,
    });
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{report}")?;
    } else {
        print(&mut out, &report, &layers)?;
    }
    let failed = proofs.iter().any(|proof| proof["held"] != true);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(out: &mut impl Write, report: &Value, layers: &Layers) -> std::io::Result<()> {
    let cpu = &report["cpu"];
    writeln!(
        out,
        "cpu     {} ({}), {} threads",
        cpu["architecture"].as_str().unwrap_or("?"),
        listed(&cpu["features"]),
        cpu["threads"]
    )?;
    let memory = &report["memory"];
    let mebibytes =
        |key: &str| memory[key].as_u64().map_or("?".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    writeln!(
        out,
        "memory  {}, {} available, {} swap",
        mebibytes("total"),
        mebibytes("available"),
        mebibytes("swap")
    )?;
    let chips = report["gpio"].as_array().map_or(&[][..], Vec::as_slice);
    if chips.is_empty() {
        writeln!(out, "gpio    no chips (/dev/gpiochip*): the simulated board works")?;
    }
    for chip in chips {
        let path = escaped(chip["path"].as_str().unwrap_or("?")).into_owned();
        match chip["error"].as_str() {
            None => {
                let label = escaped(chip["label"].as_str().unwrap_or("?")).into_owned();
                writeln!(out, "gpio    {path}: {label}, {} lines", chip["lines"])?;
            }
            Some(error) => {
                writeln!(out, "gpio    {path}: {} (is your user in the group gpio?)", escaped(error))?
            }
        }
    }
    for found in &layers.0 {
        match &found.missing {
            None => writeln!(out, "cage    {:<18} yes", found.layer.name())?,
            Some(why) => {
                writeln!(
                    out,
                    "cage    {:<18} no: {} (needed: {})",
                    found.layer.name(),
                    escaped(why),
                    found.layer.remedy()
                )?;
            }
        }
    }
    let verdict = match (layers.complete(), layers.has(Layer::Landlock)) {
        (true, true) => "complete",
        (true, false) => "complete; Landlock would be one more",
        (false, _) => {
            "incomplete: tools run only if their files give up what is missing ([permissions] without)"
        }
    };
    writeln!(out, "cage    {verdict}")?;
    for proof in report["proofs"].as_array().into_iter().flatten() {
        let (act, said) = (proof["act"].as_str().unwrap_or("?"), proof["said"].as_str().unwrap_or("?"));
        let held = if proof["held"] == true { "denied" } else { "NOT DENIED" };
        writeln!(out, "proof   {act:<34} {held}: {}", escaped(said))?;
    }
    Ok(())
}

fn listed(list: &Value) -> String {
    let words: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if words.is_empty() { "no features of use".to_owned() } else { words.join(" ") }
}

fn layer(found: &sandbox::Found) -> Value {
    let mut entry = json!({ "name": found.layer.name(), "present": found.missing.is_none() });
    if let Some(why) = &found.missing {
        entry["why"] = why.as_str().into();
        entry["needed"] = found.layer.remedy().into();
    }
    entry
}

fn cpu() -> Value {
    let features = features();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    json!({ "architecture": std::env::consts::ARCH, "features": features, "threads": threads })
}

/// Those that the kernels use or might.
fn features() -> Vec<&'static str> {
    let mut found = Vec::new();
    macro_rules! look {
        ($detect:ident: $($name:tt),*) => { $( if std::arch::$detect!($name) { found.push($name); } )* };
    }
    #[cfg(target_arch = "x86_64")]
    look!(is_x86_feature_detected: "sse4.1", "avx", "avx2", "fma", "f16c", "avx512f", "avx512vnni", "avxvnni");
    #[cfg(target_arch = "aarch64")]
    look!(is_aarch64_feature_detected: "neon", "fp16", "dotprod", "i8mm", "sve");
    found
}

fn memory() -> Value {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
    };
    json!({ "total": bytes("MemTotal"), "available": bytes("MemAvailable"), "swap": bytes("SwapTotal") })
}

fn chips() -> Vec<Value> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().starts_with("/dev/gpiochip"))
        .collect();
    paths.sort();
    paths.iter().map(|path| chip(path)).collect()
}

fn chip(path: &Path) -> Value {
    match gpiocdev::chip::Chip::from_path(path).and_then(|chip| chip.info()) {
        Ok(info) => json!({ "path": path, "name": info.name, "label": info.label, "lines": info.num_lines }),
        Err(error) => json!({ "path": path, "error": error.to_string() }),
    }
}

/// Tries in a cage that grants nothing what a cage must deny.
fn prove() -> anyhow::Result<Vec<Value>> {
    let own = std::process::id().to_string();
    let acts: [(&str, &[&str]); 7] = [
        ("read /etc/passwd", &["read", "/etc/passwd"]),
        ("write /tmp/pintail-proof", &["write", "/tmp/pintail-proof"]),
        ("make a socket", &["socket"]),
        ("connect to this machine", &["connect", "127.0.0.1:22"]),
        ("trace a process", &["trace"]),
        ("make a namespace", &["unshare"]),
        ("signal this process", &["signal", &own]),
    ];
    let cancel = AtomicBool::new(false);
    acts.iter()
        .map(|(name, words)| {
            let mut policy = Policy::nothing("doctor", Program::Itself);
            policy.arguments = [ATTEMPT].iter().chain(words.iter()).map(ToString::to_string).collect();
            let outcome = match sandbox::run(&policy, Path::new("/proc/self/exe"), b"", &cancel) {
                // A cage that cannot be built lets nothing run, which denies it as well.
                Err(error) => return Ok(json!({ "act": name, "held": true, "said": error.to_string() })),
                Ok(outcome) => outcome,
            };
            let said: Value = serde_json::from_slice(&outcome.output).unwrap_or_default();
            let denied = said["denied"].as_str();
            let held = denied.is_some() && outcome.ending == Ending::Exit(0);
            let said = denied.map_or_else(|| format!("{:?} {said}", outcome.ending), str::to_owned);
            Ok(json!({ "act": name, "held": held, "said": said }))
        })
        .collect()
}
