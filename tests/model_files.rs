//! `pintail inspect` and `pintail tokenize`, driven as a user would.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use pintail::gguf::{GgmlType, Writer};

/// A folder with `model.gguf` (byte-level: every byte of ASCII, two merges, a control token) and the
/// same as `tokenizer.json`.
struct Models(tempfile::TempDir);

impl Models {
    fn new() -> Models {
        let folder = tempfile::tempdir().unwrap();
        let mut tokens: Vec<String> = ('!'..='~').map(String::from).collect();
        tokens.extend(["Ġ", "Ċ", "Ã", "©", "on", "Ġon", "<|d1|>"].map(String::from));
        let mut types = vec![1; tokens.len()];
        *types.last_mut().unwrap() = 3;

        let mut w = Writer::new();
        w.str("general.architecture", "llama").unwrap();
        w.str("evil", "\u{1b}[2Jgone").unwrap();
        w.str("tokenizer.ggml.model", "gpt2").unwrap().str("tokenizer.ggml.pre", "smollm").unwrap();
        w.strings("tokenizer.ggml.tokens", &tokens)
            .unwrap()
            .i32s("tokenizer.ggml.token_type", &types)
            .unwrap();
        w.strings("tokenizer.ggml.merges", &["o n", "Ġ on"]).unwrap();
        w.tensor("token_embd.weight", GgmlType::Q8_0, &[32, 2], vec![0; 68]).unwrap();
        w.tensor("output_norm.weight", GgmlType::F32, &[32], vec![0; 128]).unwrap();
        std::fs::write(folder.path().join("model.gguf"), w.to_bytes()).unwrap();

        let control = tokens.len() - 1;
        let vocab: serde_json::Map<_, _> =
            tokens[..control].iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect();
        let bytes = serde_json::json!({ "type": "ByteLevel", "add_prefix_space": false,
                                        "trim_offsets": true, "use_regex": true });
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
            "added_tokens": [{ "id": control, "content": "<|d1|>", "single_word": false, "lstrip": false,
                               "rstrip": false, "normalized": false, "special": true }],
            "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
                { "type": "Digits", "individual_digits": true }, bytes ] },
            "decoder": bytes,
            "model": { "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                       "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                       "ignore_merges": false, "vocab": vocab, "merges": [["o", "n"], ["Ġ", "on"]] },
        });
        std::fs::write(folder.path().join("tokenizer.json"), json.to_string()).unwrap();
        Models(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `pintail tokenize -m NAME ARGUMENTS`, with something on standard input.
    fn tokenize(&self, name: &str, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pintail"));
        command.arg("tokenize").arg("-m").arg(self.path(name)).args(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that has its text as an argument may be gone before it reads.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    fn inspect(&self, name: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_pintail")).arg("inspect").arg(self.path(name)).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn both_kinds_of_file_give_the_same_ids_and_the_text_back() {
    let models = Models::new();
    for name in ["model.gguf", "tokenizer.json"] {
        let output = models.tokenize(name, &["lamp on é 21"], b"");
        assert_eq!(text(&output.stdout), "75 64 76 79 99 94 96 97 94 17 16\n", "{name}");
        assert_eq!(output.status.code(), Some(0));
        let from_input = models.tokenize(name, &[], "lamp on é 21".as_bytes());
        assert_eq!(from_input.stdout, output.stdout, "{name}");
        let back = models.tokenize(name, &["--decode"], &output.stdout);
        assert_eq!(text(&back.stdout), "lamp on é 21", "{name}");
    }
}

#[test]
fn control_tokens_only_with_special() {
    let models = Models::new();
    for name in ["model.gguf", "tokenizer.json"] {
        let special = models.tokenize(name, &["--special", "<|d1|>on"], b"");
        assert_eq!(text(&special.stdout), "100 98\n", "{name}");
        let plain = models.tokenize(name, &["<|d1|>on"], b"");
        assert_eq!(text(&plain.stdout), "27 91 67 16 91 29 98\n", "{name}");
        assert_eq!(text(&models.tokenize(name, &["--decode", "100,98"], b"").stdout), "on", "{name}");
        let shown = models.tokenize(name, &["--decode", "--special", "100 98"], b"");
        assert_eq!(text(&shown.stdout), "<|d1|>on", "{name}");
    }
    let pieces = models.tokenize("model.gguf", &["--pieces", "\n é"], b"");
    assert_eq!(text(&pieces.stdout), "95\t\"\\n\"\n94\t\" \"\n96\tb\"\\xc3\"\n97\tb\"\\xa9\"\n");
}

#[test]
fn bad_input_is_one_plain_error() {
    let models = Models::new();
    std::fs::write(models.path("cut.gguf"), &std::fs::read(models.path("model.gguf")).unwrap()[..200])
        .unwrap();
    std::fs::write(models.path("bad.json"), "{}").unwrap();
    for (name, arguments, input, expected) in [
        ("model.gguf", &[][..], &b"ok \xff"[..], "standard input is not UTF-8 at byte 3"),
        ("model.gguf", &["--decode", "98 101"], b"", "token id 101 is out of range"),
        ("model.gguf", &["--decode", "on"], b"", "\"on\" is not a token id"),
        ("cut.gguf", &["on"], b"", "truncated file"),
        ("bad.json", &["on"], b"", "bad.json"),
        ("absent.gguf", &["on"], b"", "cannot open model file"),
    ] {
        let output = models.tokenize(name, arguments, input);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.starts_with("error: ") && error.contains(expected), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(models.tokenize("model.gguf", &["--decode", "--pieces"], b"").status.code(), Some(2));
}

#[test]
fn inspect_shows_keys_tensors_and_totals() {
    let models = Models::new();
    let output = models.inspect("model.gguf");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    for expected in [
        "GGUF v3",
        "metadata: 7 keys",
        "general.architecture = \"llama\"",
        "101 string: [\"!\", \"\\\"\", \"#\", \"$\", \"%\", \"&\", …]",
        "tensors: 2",
        "token_embd.weight                        Q8_0     [32, 2]",
        "total           2             96            196",
    ] {
        assert!(shown.contains(expected), "{expected:?} is not in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "a terminal would obey this");
    assert!(shown.contains("evil = \"\\u{1b}[2Jgone\""), "{shown}");

    std::fs::write(models.path("other.gguf"), b"\x7fELF\x02\x01\x01").unwrap();
    let output = models.inspect("other.gguf");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("other.gguf: not a GGUF file: it starts with"),
        "{}",
        text(&output.stderr)
    );
}
