//! What agents go through: random events, and power cuts.
//!
//! Few of them by default. `PINTAIL_EVENTS=1000000 PINTAIL_KILLS=500 cargo test --release --test storm -- --nocapture` is the
//! whole of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pintail::agent::{Agent, EMBEDDED};
use pintail::board::SimClock;
use pintail::safety::{Kernel, Mode};
use pintail::turn::{Engine, NoModel, Settings};
use serde_json::Value;

fn from_environment(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn pintail(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pintail"))
        .args(arguments)
        .current_dir(folder)
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The number before a word of a report.
fn figure(report: &str, word: &str) -> f64 {
    let words: Vec<&str> = report.split_whitespace().collect();
    let at = words.iter().position(|known| *known == word).unwrap_or_else(|| panic!("no {word} in {report}"));
    words[at - 1].parse().unwrap_or_else(|_| panic!("no number before {word} in {report}"))
}

#[test]
fn random_events_lead_to_no_panic_no_illegal_state_and_no_growth() {
    let folder = tempfile::tempdir().unwrap();
    let count = from_environment("PINTAIL_EVENTS", 5000).to_string();
    for (name, _) in EMBEDDED {
        let output = pintail(&["simulate", name, "--storm", &count, "--seed", "7"], folder.path());
        let told = text(&output.stdout);
        assert!(output.status.success(), "{name}: {told}{}", text(&output.stderr));
        assert!(!text(&output.stderr).contains("panicked"), "{name}: {}", text(&output.stderr));
        print!("{name}: {told}");
        assert!(figure(&told, "events,") == count.parse::<f64>().unwrap());
        // Something happened: a storm that nobody notices would show nothing.
        assert!(figure(&told, "states,") > 50.0 || name == &"bench", "{name}: {told}");
        if cfg!(target_os = "linux") {
            let growth = figure(&told, "kB") - figure(&told, "kB,");
            assert!(growth < 1024.0, "{name}: {told}");
        }
    }
}

/// The same seed gives the same course of events, which a trace shows line by line.
#[test]
fn a_storm_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["alarm", "greenhouse", "traffic-light"] {
        let output = pintail(&["simulate", name, "--storm", "1500", "--trace", "t.jsonl"], folder.path());
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let output = pintail(&["replay", "-q", "t.jsonl"], folder.path());
        assert!(output.status.success(), "{name}: {}{}", text(&output.stdout), text(&output.stderr));
    }
}

const COUNTING: &str = "format = 1
[agent]
name = 'a'
start = 'day'
resume = 'restore'
[variables]
n = 0
[devices.lamp]
kind = 'relay'
[states.day]
on = [
  { every = '3ms', do = [{ set = { n = 'n + 1' } }] },
  { every = '40ms', do = [{ tool = 'on', arguments = { devices = ['lamp'] } }], to = 'night' },
]
[states.night]
on = [
  { every = '2ms', do = [{ set = { n = 'n + 1' } }] },
  { after = '50ms', do = [{ tool = 'off', arguments = { devices = ['lamp'] } }], to = 'day' },
]
";

/// The last line of a journal that its checksum says is whole (FNV-1a, 64 bits), read without the program.
fn committed(journal: &Path) -> Option<Value> {
    let text = std::fs::read(journal).ok()?;
    let whole = |line: &[u8]| {
        let line = std::str::from_utf8(line).ok()?;
        let (sum, json) = line.split_once(' ')?;
        let found = json.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        (u64::from_str_radix(sum, 16).ok()? == found).then(|| serde_json::from_str(json).unwrap())
    };
    // What stands behind the last line end is not whole.
    let end = text.iter().rposition(|&byte| byte == b'\n')?;
    text[..end].split(|&byte| byte == b'\n').rev().find_map(whole)
}

/// Power cuts at random moments, also while the program starts and takes up its journal. Each time it goes on with what was
/// committed last (the trace says from what it goes on), with the output as it was then.
#[test]
fn killed_at_random_moments_it_resumes_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let (file, trace) = (folder.path().join("a.toml"), folder.path().join("t.jsonl"));
    let journal = folder.path().join("agents/a.journal");
    std::fs::write(&file, COUNTING).unwrap();
    let kills = from_environment("PINTAIL_KILLS", 12);
    let spawn = || {
        let _ = std::fs::remove_file(&trace);
        Command::new(env!("CARGO_BIN_EXE_pintail"))
            .args(["--state-dir", folder.path().to_str().unwrap(), "run", file.to_str().unwrap()])
            .args(["-p", "-", "--trace", trace.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let lines = || {
        let text = std::fs::read_to_string(&trace).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<Value>>()
    };
    // How long it takes to get to work here.
    let started = Instant::now();
    let mut first = spawn();
    while lines().len() < 20 {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    let usual = started.elapsed();
    first.kill().unwrap();
    first.wait().unwrap();
    let (mut random, mut resumed, mut nights, mut early) = (12345u64, 0, 0, 0);
    let mut last = 0.0;
    for kill in 0..kills {
        let known =
            committed(&journal).unwrap_or_else(|| panic!("kill {kill}: no line of the journal is whole"));
        let count = known.pointer("/machine/variables/0").and_then(Value::as_f64).unwrap();
        assert!(count >= last, "kill {kill}: {count} after {last}");
        last = count;
        let mut child = spawn();
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        std::thread::sleep(usual.mul_f64((random >> 33) as f64 / (1u64 << 31) as f64 * 1.5));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.stderr.is_empty(), "kill {kill}: {}", text(&output.stderr));
        let lines = lines();
        let Some(line) = lines.iter().find(|line| line.pointer("/given/goes_on").is_some()) else {
            // It was killed before it got there; what was committed is what it was.
            early += 1;
            continue;
        };
        resumed += 1;
        assert_eq!(line.pointer("/given/goes_on/0"), Some(&known), "kill {kill}");
        let night = line["state"] == "night";
        assert!(night || line["state"] == "day", "kill {kill}: {line}");
        nights += u64::from(night);
        let output = known.pointer("/outputs/lamp/state").unwrap();
        assert_eq!(output, if night { "on" } else { "off" }, "kill {kill}");
        // The output is off after a start; by night it is switched on again.
        let done = line.pointer("/seen/0/done/call/tool");
        assert_eq!(done, Some(output), "kill {kill}: {line}");
        assert!(line.get("out").is_none_or(Value::is_null), "kill {kill}: {line}");
    }
    println!(
        "{kills} kills: {resumed} went on, {nights} of them by night, {early} were killed before; {last} steps"
    );
    assert!(resumed > kills / 4 && last > 10.0, "{resumed} of {kills} went on");
}

/// Every length that a journal may be cut to gives a state that was committed.
#[test]
fn a_journal_cut_at_every_byte_gives_a_committed_state() {
    let source = "format = 1\n[agent]\nname = 'a'\nstart = 'one'\nresume = 'restore'\nsync = 'never'\n[variables]\nn = 0\n\
        [devices.lamp]\nkind = 'lamp'\n[devices.fan]\nkind = 'fan'\n\
        [states.one]\non = [{ event = 'go', to = 'two', do = [{ set = { n = 'n + 1' } }, { tool = 'toggle', arguments = { devices = ['lamp'] } }, { send = 'late', after = '9s', keep = true }] }]\n\
        [states.two]\non = [{ event = 'go', to = 'one', do = [{ set = { n = 'n + 1' } }, { tool = 'set_level', arguments = { devices = ['fan'], percent = 40 } }] }, { event = 'late', say = 'late' }]\n";
    let folder = tempfile::tempdir().unwrap();
    let engine = |folder: &Path| {
        let agent = Agent::parse(source, None).unwrap();
        let clock = Arc::new(SimClock::new());
        let (kernel, board) = Kernel::simulated(agent.devices.clone(), clock, Mode::Live).unwrap();
        let cancel = kernel.cancel();
        let settings = Settings { state_dir: folder.to_owned() };
        let mut engine = Engine::new(agent, NoModel, kernel, settings, cancel).unwrap();
        engine.keep(folder).unwrap();
        (engine, board)
    };
    let journal: PathBuf = folder.path().join("agents/a.journal");
    // The state after each commit, by the length of the file then.
    let mut committed = BTreeMap::from([(0, "one 0 [] off off".to_owned())]);
    let shown = |engine: &Engine, board: &pintail::board::SimBoard| {
        let machine = engine.machine();
        let timers = machine.pending.len();
        format!(
            "{} {} [{}] {} {}",
            engine.state_name(),
            machine.variables[0],
            if timers == 0 { String::new() } else { timers.to_string() },
            board.state("lamp").unwrap(),
            board.state("fan").unwrap()
        )
    };
    {
        let (mut engine, board) = engine(folder.path());
        for _ in 0..4 {
            let length = std::fs::metadata(&journal).unwrap().len() as usize;
            committed.insert(length, shown(&engine, &board));
            engine.signal("go");
        }
        let length = std::fs::metadata(&journal).unwrap().len() as usize;
        committed.insert(length, shown(&engine, &board));
    }
    assert!(committed.len() >= 5, "{committed:#?}");
    let whole = std::fs::read(&journal).unwrap();
    let started = Instant::now();
    for cut in 0..=whole.len() {
        std::fs::write(&journal, &whole[..cut]).unwrap();
        let (engine, board) = engine(folder.path());
        let last = committed.range(..=cut).next_back().unwrap().1;
        let now = shown(&engine, &board);
        assert_eq!(&now, last, "cut at {cut}");
    }
    println!("{} cuts in {:.1} s", whole.len() + 1, started.elapsed().as_secs_f64());
}
