//! The cage, by children that try. Every denial has a baseline: the same act, done by the same program without a cage,
//! works, so that a denial cannot be a missing file or a network that is down.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pintail::sandbox::{Layer, Layers, SandboxError, attempt::ATTEMPT, probe_with};
use pintail::tool::{RunContext, ToolError, ToolFile, ToolOutput, UserTool};
use serde_json::{Map, Value, json};

const EXE: &str = env!("CARGO_BIN_EXE_pintail");

fn layers() -> &'static Layers {
    static LAYERS: OnceLock<Layers> = OnceLock::new();
    LAYERS.get_or_init(|| probe_with(Path::new(EXE)).expect("the probe answers"))
}

/// Whether the layers that a test is about are here; says so aloud when they are not.
fn machine_has(needed: &[Layer]) -> bool {
    let missing: Vec<&str> =
        needed.iter().filter(|layer| !layers().has(**layer)).map(|layer| layer.name()).collect();
    if !missing.is_empty() {
        eprintln!("SKIPPED: this machine lacks {}", missing.join(", "));
    }
    missing.is_empty()
}

/// What a tool that waives nothing needs.
fn machine_is_complete() -> bool {
    let all: Vec<Layer> = Layer::ALL.into_iter().filter(|layer| *layer != Layer::Landlock).collect();
    machine_has(&all)
}

/// A tool that tries `act`, with `more` keys in its file.
fn tool(act: &[&str], more: &str) -> UserTool {
    let mut command = vec!["pintail", ATTEMPT];
    command.extend_from_slice(act);
    let text = format!("format = 1\ncommand = {}\n{more}", json!(command));
    UserTool::parse("trial", &text, Path::new("trial.toml")).expect("a sound tool file")
}

fn context(state: &Path) -> RunContext {
    RunContext { exe: EXE.into(), ..RunContext::new(state) }
}

fn run(tool: &UserTool) -> Result<ToolOutput, ToolError> {
    let state = tempfile::tempdir().unwrap();
    tool.run(&Map::new(), &context(state.path()))
}

/// The act in a cage.
fn caged(act: &[&str], more: &str) -> Value {
    run(&tool(act, more)).expect("the tool runs").result
}

/// The act without one.
fn free(act: &[&str]) -> Value {
    let output = Command::new(EXE).arg(ATTEMPT).args(act).stdin(Stdio::null()).output().expect("it starts");
    serde_json::from_slice(&output.stdout).expect("it answers")
}

fn denied(answer: &Value) -> bool {
    assert!(answer["denied"].is_string() || answer.get("done").is_some(), "no answer: {answer}");
    answer["denied"].is_string()
}

fn done(answer: &Value) -> bool {
    answer.get("done").is_some() && !denied(answer)
}

/// A file outside of every cage that everyone may read and write.
fn open_file(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let file = folder.join("open.txt");
    std::fs::write(&file, "outside").unwrap();
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o777)).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
    file
}

#[test]
fn files_outside_cannot_be_read() {
    if !machine_is_complete() {
        return;
    }
    for path in ["/etc/passwd", "/proc/self/environ", "/proc/1/cmdline"] {
        assert!(done(&free(&["read", path])), "baseline: {path}");
        assert!(denied(&caged(&["read", path], "")), "{path}");
    }
    let mut entries = caged(&["entries", "/"], "")["done"].clone();
    let found = entries.as_array_mut().unwrap();
    found.retain(|name| {
        !["dev", "etc", "lib", "lib32", "lib64", "pintail", "usr"].contains(&name.as_str().unwrap())
    });
    assert!(found.is_empty(), "{found:?}");
    assert!(!denied(&caged(&["read", "/etc/passwd"], "[permissions]\nread = [\"/etc/passwd\"]")), "granted");
}

#[test]
fn files_outside_cannot_be_written_nor_what_may_only_be_read() {
    if !machine_is_complete() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = open_file(folder.path());
    let path = file.to_str().unwrap();
    let act = ["write", path];
    assert!(done(&free(&act)), "baseline");
    let before = std::fs::read(&file).unwrap();
    assert!(denied(&caged(&act, "")));
    assert!(denied(&caged(&act, &format!("[permissions]\nread = [{path:?}]"))));
    assert!(denied(&caged(&["write", "/here"], "")), "the cage's own root");
    assert!(denied(&caged(&["write", "/tmp/x"], "")), "no /tmp that was not asked for");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    assert!(done(&caged(&act, &format!("[permissions]\nwrite = [{path:?}]"))), "granted");
    assert_eq!(std::fs::read(&file).unwrap().len(), before.len() + 1);
    assert!(done(&caged(&["write", "/tmp/x"], "[permissions]\nwrite = [\"tmp\"]")));
}

#[test]
fn the_private_folder_is_kept_and_is_its_own() {
    if !machine_is_complete() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let trial = tool(&["write", "/state/kept"], "[permissions]\nwrite = [\"state\"]");
    for _ in 0..2 {
        assert!(done(&trial.run(&Map::new(), &context(state.path())).unwrap().result));
    }
    assert_eq!(std::fs::read(state.path().join("tools/trial/kept")).unwrap(), b"xx");
    let grown =
        tool(&["write", "/state/kept"], "[permissions]\nwrite = [\"state\"]\n[limits]\nfile_size = \"2\"");
    let answer = grown.run(&Map::new(), &context(state.path()));
    assert!(answer.as_ref().map_or(true, |output| denied(&output.result)), "{answer:?}");
    assert_eq!(std::fs::read(state.path().join("tools/trial/kept")).unwrap(), b"xx", "the size limit holds");
}

#[test]
fn there_is_no_network_unless_it_is_granted() {
    if !machine_is_complete() {
        return;
    }
    assert!(done(&free(&["socket"])), "baseline");
    assert!(denied(&caged(&["socket"], "")));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    assert!(done(&free(&["connect", &address])), "baseline");
    assert!(denied(&caged(&["connect", &address], "")));
    assert!(done(&caged(&["connect", &address], "[permissions]\nnetwork = true")), "granted");
}

#[test]
fn tracing_and_new_namespaces_are_denied() {
    if !machine_is_complete() {
        return;
    }
    assert!(done(&free(&["trace"])), "baseline");
    assert!(denied(&caged(&["trace"], "")));
    assert!(done(&free(&["unshare"])), "baseline");
    assert!(denied(&caged(&["unshare"], "")));
}

#[test]
fn other_processes_are_neither_seen_nor_signalled() {
    if !machine_is_complete() {
        return;
    }
    let own = std::process::id().to_string();
    assert!(done(&free(&["signal", &own])), "baseline");
    assert!(denied(&caged(&["signal", &own], "")));
    let numbers = |answer: &Value| {
        let names = answer["done"].as_array().unwrap();
        names.iter().filter(|name| name.as_str().unwrap().parse::<u32>().is_ok()).count()
    };
    assert!(numbers(&free(&["entries", "/proc"])) > 2, "baseline");
    let seen = run(&tool(&["entries", "/proc"], "[permissions]\nproc = true"));
    match seen {
        // Pid 1 of the cage and the tool.
        Ok(output) => assert_eq!(numbers(&output.result), 2),
        Err(error) => eprintln!("SKIPPED in part: a container hides parts of /proc here: {error}"),
    }
}

#[test]
fn environment_and_descriptors_do_not_get_in() {
    if !machine_is_complete() {
        return;
    }
    // A descriptor without close-on-exec, as a careless library leaves one.
    let leak = std::fs::File::open("/dev/null").unwrap();
    // SAFETY: plain numbers; the descriptor is open.
    unsafe { libc::fcntl(std::os::fd::AsRawFd::as_raw_fd(&leak), libc::F_SETFD, 0) };
    assert!(free(&["descriptors"])["done"].as_array().unwrap().len() > 3, "baseline");
    assert_eq!(caged(&["descriptors"], "")["done"], json!([0, 1, 2]));
    let has_secret =
        |answer: &Value| answer["done"].as_array().unwrap().contains(&json!("CARGO_MANIFEST_DIR"));
    assert!(has_secret(&free(&["environment"])), "baseline");
    assert_eq!(caged(&["environment"], "")["done"], json!(["HOME", "LANG", "PATH", "PINTAIL_TOOL"]));
}

#[test]
fn the_tool_is_nobody() {
    if !machine_is_complete() {
        return;
    }
    let who = caged(&["identity"], "")["done"].clone();
    let expected = json!({
        "user": 1000, "group": 1000, "pid": 2, "administrator": false, "no_new_privs": true, "directory": "/"
    });
    assert_eq!(who, expected);
}

#[test]
fn processes_are_bounded() {
    if !machine_is_complete() {
        return;
    }
    assert_eq!(free(&["fork", "40"])["done"], 40, "baseline");
    assert_eq!(caged(&["fork", "40"], "[limits]\nprocesses = 5")["done"], 4, "the tool itself is the fifth");
}

#[test]
fn memory_is_bounded() {
    if !machine_is_complete() {
        return;
    }
    let act = ["memory", "300000000"];
    assert!(done(&free(&act)), "baseline");
    assert!(denied(&caged(&act, "")));
    assert!(done(&caged(&act, "[limits]\nmemory = \"512M\"")), "granted");
}

#[test]
fn processor_time_is_bounded() {
    if !machine_is_complete() {
        return;
    }
    assert!(done(&free(&["spin", "1300"])), "baseline");
    let error = run(&tool(&["spin", "6000"], "[limits]\ncpu = \"1s\"\ntime = \"20s\"")).unwrap_err();
    assert!(error.to_string().contains("processor time limit"), "{error}");
}

#[test]
fn output_is_bounded_and_said_to_be_cut() {
    if !machine_is_complete() {
        return;
    }
    let whole = run(&tool(&["output", "5000"], "")).unwrap();
    assert!(!whole.truncated, "baseline");
    assert_eq!(whole.result.as_str().unwrap().len(), 5000);
    let start = Instant::now();
    let cut = run(&tool(&["output", "99999999999"], "[limits]\noutput = \"10K\"\ntime = \"30s\"")).unwrap();
    assert!(cut.truncated);
    assert_eq!(cut.result.as_str().unwrap().len(), 10 << 10);
    assert!(start.elapsed() < Duration::from_secs(20), "it is killed, not waited for");
}

/// Whether a file still grows.
fn grows(file: &Path) -> bool {
    let length = || std::fs::metadata(file).map(|file| file.len()).unwrap_or(0);
    let before = length();
    std::thread::sleep(Duration::from_millis(200));
    length() > before
}

#[test]
fn the_wall_time_limit_kills_all_descendants() {
    if !machine_is_complete() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alive");
    let act = ["linger", path.to_str().unwrap(), "1"];
    // Baseline: the parent ends, its child (in a session of its own) goes on.
    let mut free = Command::new(EXE).arg(ATTEMPT).args(act).stdout(Stdio::null()).spawn().unwrap();
    free.wait().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(grows(&path), "baseline");
    end_lingering(&path);

    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("tools/trial/alive");
    let more = "[permissions]\nwrite = [\"state\"]\n[limits]\ntime = \"700ms\"";
    let start = Instant::now();
    let error = tool(&["linger", "/state/alive", "60000"], more).run(&Map::new(), &context(state.path()));
    assert!(matches!(error, Err(ToolError::TimedOut { .. })), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(std::fs::metadata(&file).unwrap().len() > 0, "the child was alive");
    assert!(!grows(&file), "and is not any more");

    // A tool that ends by itself leaves nothing behind either.
    let other = tempfile::tempdir().unwrap();
    let more = "[permissions]\nwrite = [\"state\"]";
    let output =
        tool(&["linger", "/state/alive", "200"], more).run(&Map::new(), &context(other.path())).unwrap();
    assert!(done(&output.result));
    assert!(!grows(&other.path().join("tools/trial/alive")));
}

/// Ends the baseline's orphan: the one process whose command line names this path.
fn end_lingering(path: &Path) {
    let wanted = path.to_str().unwrap().as_bytes();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if line.split(|&byte| byte == 0).any(|word| word == wanted) {
            // SAFETY: plain numbers; the process is the one that this test started, by its unique argument.
            unsafe { libc::kill(pid, libc::SIGKILL) };
        }
    }
}

#[test]
fn a_run_can_be_cancelled() {
    if !machine_is_complete() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let context = context(state.path());
    let cancel = context.cancel.clone();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        cancel.store(true, Ordering::Relaxed);
    });
    let start = Instant::now();
    let error = tool(&["spin", "60000"], "[limits]\ntime = \"60s\"").run(&Map::new(), &context);
    assert!(matches!(error, Err(ToolError::Cancelled { .. })), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(10));
    canceller.join().unwrap();
}

#[test]
fn a_machine_that_lacks_a_layer_runs_nothing_unless_the_file_gives_it_up() {
    if !machine_is_complete() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    for layer in Layer::ALL.into_iter().filter(|layer| *layer != Layer::Landlock) {
        let context = RunContext { lacking: vec![layer], ..context(state.path()) };
        let strict = tool(&["write", "/state/ran"], "[permissions]\nwrite = [\"state\"]");
        match strict.run(&Map::new(), &context) {
            Err(ToolError::Sandbox(SandboxError::Lacking { layer: named, .. })) => assert_eq!(named, layer),
            other => panic!("{layer}: {other:?}"),
        }
        assert!(!state.path().join("tools/trial/ran").exists(), "{layer}: it did not run");
    }
    let context = RunContext { lacking: vec![Layer::UtsNamespace], ..context(state.path()) };
    let output = tool(&["identity"], "[permissions]\nwithout = [\"uts_namespace\"]")
        .run(&Map::new(), &context)
        .unwrap();
    assert!(!output.layers.contains(&Layer::UtsNamespace));
    assert!(output.layers.contains(&Layer::Seccomp));
}

/// What is left on a machine without any namespace: Landlock, seccomp, limits.
#[test]
fn without_namespaces_landlock_and_seccomp_still_deny() {
    if !machine_has(&[Layer::Landlock, Layer::Seccomp]) {
        return;
    }
    let namespaces: Vec<Layer> =
        Layer::ALL.into_iter().filter(|layer| !matches!(layer, Layer::Landlock | Layer::Seccomp)).collect();
    let state = tempfile::tempdir().unwrap();
    // In the machine's own file tree a tool must be able to reach its folder, also when it is not root any more.
    let parent = state.path().join("tools");
    std::fs::create_dir(&parent).unwrap();
    for folder in [state.path(), &parent] {
        std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let context = RunContext { lacking: namespaces.clone(), ..context(state.path()) };
    let waived = format!("[permissions]\nwithout = {}\n", json!(namespaces));
    let answer = |act: &[&str], more: &str| {
        tool(act, &format!("{waived}{more}")).run(&Map::new(), &context).expect("it runs").result
    };
    let folder = tempfile::tempdir().unwrap();
    let file = open_file(folder.path());
    let path = file.to_str().unwrap();
    assert!(done(&free(&["read", path])), "baseline");
    assert!(done(&free(&["write", path])), "baseline");
    assert!(denied(&answer(&["read", path], "")));
    assert!(denied(&answer(&["write", path], "")));
    assert!(done(&answer(&["read", path], &format!("read = [{path:?}]"))), "granted");
    assert!(denied(&answer(&["write", path], &format!("read = [{path:?}]"))));
    assert!(denied(&answer(&["socket"], "")));
    assert!(denied(&answer(&["trace"], "")));

    // The group is killed, and no process can leave it.
    let more = "write = [\"state\"]\n[limits]\ntime = \"700ms\"";
    let alive = state.path().join("tools/trial/alive");
    let linger = tool(&["linger", alive.to_str().unwrap(), "60000"], &format!("{waived}{more}"));
    let error = linger.run(&Map::new(), &context);
    assert!(matches!(error, Err(ToolError::TimedOut { .. })), "{error:?}");
    assert!(std::fs::metadata(&alive).is_ok_and(|file| file.len() > 0), "the child was alive");
    assert!(!grows(&alive));

    // Files are guarded by nothing when Landlock is missing too, so that must be given up by name.
    let mut lacking = namespaces;
    lacking.push(Layer::Landlock);
    let context = RunContext { lacking, ..context };
    match tool(&["identity"], &waived).run(&Map::new(), &context) {
        Err(ToolError::Sandbox(SandboxError::Lacking { layer: Layer::Landlock, .. })) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_path_that_is_granted_must_exist_and_be_what_it_is_granted_as() {
    if !machine_is_complete() {
        return;
    }
    for more in [
        "read = [\"/no/such/path\"]",
        "write = [\"/no/such/path\"]",
        "devices = [\"/etc/passwd\"]",
        "read = [\"/dev/null\"]",
    ] {
        let error = run(&tool(&["identity"], &format!("[permissions]\n{more}"))).unwrap_err();
        assert!(matches!(error, ToolError::Sandbox(SandboxError::Refused { .. })), "{more}: {error}");
    }
    assert!(done(&caged(&["identity"], "[permissions]\nread_if_present = [\"/no/such/path\"]")));
}

#[test]
fn a_program_of_the_system_gets_its_arguments() {
    if !machine_is_complete() || !Path::new("/bin/cat").exists() {
        return;
    }
    let file = |command: &str| {
        let text = format!(
            "format = 1\ncommand = {command}\nparameters = {{ type = \"object\", properties = {{ text = {{ type = \"string\" }} }} }}"
        );
        UserTool::parse("trial", &text, Path::new("trial.toml")).unwrap()
    };
    let state = tempfile::tempdir().unwrap();
    let arguments = |text: &str| Map::from_iter([("text".to_owned(), Value::from(text))]);
    // As JSON on standard input...
    let output = file(r#"["/bin/cat"]"#).run(&arguments("a; $(b)"), &context(state.path())).unwrap();
    assert_eq!(output.result, json!({ "text": "a; $(b)" }));
    // ... and as one word of the command, whatever is in it.
    let echo = file(r#"["/bin/echo", "said:", "{text}"]"#);
    let output = echo.run(&arguments("a; $(b) *"), &context(state.path())).unwrap();
    assert_eq!(output.result, "said: a; $(b) *");
    assert_eq!(echo.run(&Map::new(), &context(state.path())).unwrap().result, "said:");
    assert!(matches!(echo.run(&arguments("-n"), &context(state.path())), Err(ToolError::Argument { .. })));
}

#[test]
fn failures_and_declared_tools_say_so() {
    let declared = ToolFile::parse("description = \"x\"", Path::new("a.toml")).unwrap();
    let declared = declared.check("feed", Path::new("a.toml")).unwrap();
    assert!(matches!(run(&declared), Err(ToolError::Declared { .. })));
    if !machine_is_complete() {
        return;
    }
    match run(&tool(&["exit", "3"], "")) {
        Err(ToolError::Failed { code: 3, complaint, .. }) => assert_eq!(complaint, "ends with 3"),
        other => panic!("{other:?}"),
    }
    let missing =
        UserTool::parse("trial", "format = 1\ncommand = [\"/no/such\"]", Path::new("t.toml")).unwrap();
    let error = run(&missing).unwrap_err().to_string();
    assert!(error.contains("/no/such"), "{error}");
}

#[test]
fn the_tools_that_are_shipped_work() {
    if !machine_is_complete() {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let call = |name: &str, arguments: Value| {
        let tool = pintail::tool::find(name, None).expect("it is inside pintail");
        let arguments = arguments.as_object().unwrap().clone();
        let output = tool.run(&arguments, &context(state.path())).unwrap();
        (tool.reply(&arguments, &output.result).unwrap(), output.result)
    };
    let (reply, result) = call("sysinfo", json!({ "what": "memory" }));
    assert!(result["memory"]["total"].as_u64().unwrap() > 0, "{result}");
    assert!(reply.ends_with("MiB of memory are free."), "{reply}");
    assert!(call("sysinfo", json!({})).0.contains("Load"));
    let (reply, _) = call("notes", json!({ "action": "add", "text": "water the fern" }));
    assert_eq!(reply, "Noted: water the fern");
    let (reply, _) = call("notes", json!({ "action": "search", "text": "fern" }));
    assert_eq!(reply, "- water the fern");
    let (reply, _) = call("notes", json!({ "action": "search", "text": "moon" }));
    assert_eq!(reply, "There are no such notes.");
}

#[test]
fn doctor_names_every_layer_and_proves_the_denials() {
    let output = Command::new(EXE).args(["doctor", "--json", "--prove"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["cage"]["layers"].as_array().unwrap().len(), Layer::ALL.len());
    assert_eq!(report["cage"]["complete"], layers().complete());
    let proofs = report["proofs"].as_array().unwrap();
    assert!(proofs.len() >= 5 && proofs.iter().all(|proof| proof["held"] == true), "{proofs:?}");
    assert!(report["memory"]["total"].as_u64().unwrap() > 0);
}

/// Where the tests run as root, the other way into the cage (a user namespace first) is taken by another user.
#[test]
fn a_plain_user_gets_the_same_cage() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    // SAFETY: no arguments, cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        eprintln!("SKIPPED: not root, so all the other tests have gone this way");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let exe = folder.path().join("pintail");
    // By a process of its own: a child that another test starts meanwhile would hold the file open for writing, and then it cannot be run.
    assert!(Command::new("cp").arg(EXE).arg(&exe).status().unwrap().success());
    std::fs::set_permissions(&exe, PermissionsExt::from_mode(0o755)).unwrap();
    let as_user = |arguments: &[&str]| {
        let mut command = Command::new(&exe);
        command.args(arguments).uid(12_345).gid(12_345).current_dir("/").stdin(Stdio::null());
        command.output().unwrap()
    };
    let read = |arguments: &[&str]| -> Value { serde_json::from_slice(&as_user(arguments).stdout).unwrap() };
    let report = read(&["doctor", "--json", "--prove"]);
    if report["cage"]["complete"] != true {
        eprintln!("SKIPPED: a plain user has no complete cage here: {}", report["cage"]);
        return;
    }
    assert!(done(&read(&[ATTEMPT, "read", "/etc/passwd"])), "baseline");
    assert!(done(&read(&[ATTEMPT, "socket"])), "baseline");
    for proof in report["proofs"].as_array().unwrap() {
        assert_eq!(proof["held"], true, "{proof}");
        // Denied by a cage that stood, not by one that could not be built.
        assert!(!proof["said"].as_str().unwrap().contains("does not run"), "{proof}");
    }
}
