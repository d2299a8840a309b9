//! `pintail calibrate`, driven as a user would.

use std::path::Path;
use std::process::{Command, Output};

const AGENT: &str = r#"format = 1

[agent]
name = "shed"

[devices."work light"]
kind = "light"
area = "shed"

[devices."dust fan"]
kind = "fan"
area = "shed"

[states.work]
"#;

fn pintail(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pintail")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn an_agent_gets_confidences_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("shed.toml"), AGENT).unwrap();
    let calibrate =
        |more: &[&str]| pintail(at, &[&["calibrate", "shed.toml", "-n", "60", "-t", "1"], more].concat());
    let file = at.join("shed.calibration.toml");

    let output = calibrate(&["--dry-run"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("nothing written") && !file.exists());

    let output = calibrate(&[]);
    assert!(
        output.status.success() && text(&output.stdout).starts_with("60 requests"),
        "{}",
        text(&output.stdout)
    );
    let written = std::fs::read_to_string(&file).unwrap();
    let again = calibrate(&[]);
    assert_eq!((again.stdout, std::fs::read_to_string(&file).unwrap()), (output.stdout, written.clone()));

    // It is used, and says what is wrong with it.
    let said = |arguments: &[&str]| {
        let output = pintail(
            at,
            &[&["run", "shed.toml", "--json", "-p", "turn on the work light"], arguments].concat(),
        );
        (output.status.success(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
    };
    let confidence = |line: &str| {
        let read: serde_json::Value = serde_json::from_str(line).unwrap();
        read["confidence"].as_f64().unwrap()
    };
    let (ok, calibrated, _) = said(&[]);
    assert!(ok);
    let sure =
        "format = 1\nmodel = \"MODEL\"\nrequests = 1\nweights = [-30.0, 0.0, 0.0]\nact = 0.5\nask = 0.2\n";
    let model = written.lines().find_map(|line| line.strip_prefix("model = ")).unwrap().trim_matches('"');
    std::fs::write(&file, sure.replace("MODEL", model)).unwrap();
    let (_, doubted, _) = said(&[]);
    assert!(confidence(&doubted) < 1e-9 && confidence(&calibrated) > 0.3, "{doubted}{calibrated}");
    std::fs::write(&file, sure.replace("MODEL", "0")).unwrap();
    let (ok, plain, warning) = said(&[]);
    assert!(ok && confidence(&plain) > 0.3 && warning.contains("another model"), "{warning}");
    std::fs::write(&file, "weights = 1").unwrap();
    let (ok, _, error) = said(&[]);
    assert!(!ok && error.contains("shed.calibration.toml") && error.contains("calibrate"), "{error}");
}

#[test]
fn an_agent_without_a_file_cannot_keep_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = pintail(folder.path(), &["calibrate", "home"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("inside the program"), "{}", text(&output.stderr));
}

#[test]
fn requests_are_made_for_every_agent_that_is_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["agents", "tests/data/eval", "tests/data/report", "tests/data/third", "tests/data/blind"]
        .map(|name| root.join(name));
    let mut agents = 0;
    for file in
        folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path())
    {
        if file.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        agents += 1;
        let output =
            pintail(root, &["render", "--agent", file.to_str().unwrap(), "--draw", "-n", "60", "--bare"]);
        assert!(output.status.success(), "{}: {}", file.display(), text(&output.stderr));
        assert_eq!(text(&output.stdout).lines().count(), 60, "{}", file.display());
    }
    assert!(agents > 20, "{agents}");
}
