//! Hugging Face folders as model files: `tests/golden/make_folders.py` made the folders and the logits that they stand for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use pintail::convert::Conversion;
use pintail::gguf::{Bytes, GgmlType, Gguf};
use pintail::kernels::Cpu;
use pintail::model::{LanguageModel, Model, Options, Session};
use pintail::tokenizer::{Specials, Tokenizer};
use serde_json::Value;

/// Folder and `general.architecture`.
const FOLDERS: [(&str, &str); 7] = [
    ("llama", "llama"),
    ("llama3", "llama"),
    ("mobilellm", "llama"),
    ("qwen2", "qwen2"),
    ("qwen3", "qwen3"),
    ("gemma3", "gemma3"),
    ("smollm3", "smollm3"),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/folders").join(name)
}

fn converted(folder: &Path, ty: Option<GgmlType>) -> Result<Gguf, String> {
    let conversion = Conversion::open(folder, ty).map_err(|error| error.to_string())?;
    let (mut out, mut last) = (Vec::new(), 0);
    conversion.write(&mut out, &mut |_, done| last = done).map_err(|error| error.to_string())?;
    assert_eq!(last, conversion.weights());
    Gguf::parse(out.into()).map_err(|error| error.to_string())
}

/// A copy of a folder, to be damaged.
fn copy(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn converted_models_give_the_logits_of_their_folders() {
    for (name, architecture) in FOLDERS {
        let file = converted(&folder(name), None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(file.str("general.architecture").unwrap(), architecture);
        let expected = json(&folder(name).join("expected.json"));
        let ids: Vec<u32> = serde_json::from_value(expected["ids"].clone()).unwrap();
        let logits: Vec<f64> = serde_json::from_value(expected["logits"].clone()).unwrap();
        let model = Arc::new(Model::from_gguf(file).unwrap_or_else(|error| panic!("{name}: {error}")));
        for cpu in [Some(Cpu::scalar()), Cpu::fastest()].into_iter().flatten() {
            let options = Options { threads: 1, cpu, ..Options::default() };
            let mut session = Session::new(Arc::clone(&model), options).unwrap();
            session.feed(&ids).unwrap();
            let ours = session.logits(None);
            assert_eq!(ours.len(), logits.len());
            let scale = logits.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            let worst = ours.iter().zip(&logits).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
            println!(
                "{name} on {}: logits up to {scale:.2}, at most {worst:.5} from the reference",
                cpu.name()
            );
            assert!(worst < 0.003 * scale, "{name} on {}: {worst} of {scale}", cpu.name());
        }
    }
}

#[test]
fn tokenizers_give_the_ids_of_their_folders() {
    for (name, _) in FOLDERS {
        let file = converted(&folder(name), None).unwrap();
        let ours = Tokenizer::from_gguf(&file).unwrap();
        let theirs = tokenizers::Tokenizer::from_file(folder(name).join("tokenizer.json")).unwrap();
        for text in
            ["turn on the hall light", "the lighthouse, on  the hill", "1234567 é 🦆\n\n x", "", " ", "on"]
        {
            let mut ids = Vec::new();
            ours.encode(text, Specials::Text, &mut ids);
            assert_eq!(ids, theirs.encode_fast(text, false).unwrap().get_ids(), "{name}: {text:?}");
        }
        let eos = json(&folder(name).join("tokenizer_config.json"))["eos_token"].clone();
        let eos = eos.as_str().or(eos["content"].as_str()).unwrap();
        assert_eq!(ours.eos(), ours.token_id(eos), "{name}");
        assert_eq!(ours.add_bos(), matches!(name, "llama" | "mobilellm" | "gemma3"), "{name}");
        assert!(file.str("tokenizer.chat_template").unwrap().contains("m.role"));
        assert_eq!(ours.token_text(ours.vocab_size() as u32 - 1), format!("[PAD{}]", ours.vocab_size() - 1));
    }
}

#[test]
fn weights_keep_their_type_or_take_the_one_asked_for() {
    let ty = |file: &Gguf, name: &str| file.tensor(name).unwrap().ty;
    for (asked, matrix) in [(None, GgmlType::BF16), (Some(GgmlType::F16), GgmlType::F16)] {
        let file = converted(&folder("qwen2"), asked).unwrap();
        assert_eq!(ty(&file, "blk.1.attn_q.weight"), matrix);
        assert_eq!(ty(&file, "blk.1.attn_q.bias"), GgmlType::F32);
        assert_eq!(ty(&file, "output_norm.weight"), GgmlType::F32);
    }
}

/// `pintail COMMAND ARGUMENTS`.
fn pintail(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pintail"));
    for argument in arguments {
        command.arg(argument);
    }
    command.output().unwrap()
}

#[test]
fn from_folder_to_few_bits_at_the_command_line() {
    let out = tempfile::tempdir().unwrap();
    let (model, small) = (out.path().join("model.gguf"), out.path().join("small.gguf"));
    let output = pintail(&[&"convert", &folder("llama"), &model]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("weights"));
    // Rows of 16 have no blocks, so all stays in floats of 16 bits; the mix is told all the same.
    let output = pintail(&[&"quantize", &model, &small, &"Q4_K_M"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = Gguf::parse(Bytes::map(&small).unwrap()).unwrap();
    assert_eq!(file.u32("general.file_type").unwrap(), 15);
    assert_eq!(file.tensor("blk.0.attn_q.weight").unwrap().ty, GgmlType::F16);
    let output = pintail(&[&"quantize", &model, &small, &"Q9"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && message.contains("Q4_K_M"), "{message}");
    // A vocabulary alone has nothing to write in fewer bits; a message stands once, whoever passed it on.
    let vocabulary = out.path().join("model.gguf.vocabulary");
    let mut keys = pintail::gguf::Writer::new();
    fs::write(&vocabulary, keys.str("general.architecture", "llama").unwrap().to_bytes()).unwrap();
    let output = pintail(&[&"quantize", &vocabulary, &small, &"Q4_0"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && message.contains("no tensors"), "{message}");
    let output = pintail(&[&"run", &"home", &"-m", &vocabulary, &"-p", &"x"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(message.matches("tokenizer.ggml.model").count(), 1, "{message}");
    fs::remove_file(&vocabulary).unwrap();
    let output = pintail(&[&"convert", &out.path(), &model]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && message.contains("config.json"), "{message}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn what_has_no_place_in_the_result_is_refused_by_name() {
    let edited = |name: &str, file: &str, edit: &dyn Fn(&mut Value)| {
        let copy = copy(name);
        let path = copy.path().join(file);
        let mut value = json(&path);
        edit(&mut value);
        fs::write(&path, value.to_string()).unwrap();
        converted(copy.path(), None).err().unwrap_or_else(|| panic!("{name}/{file} is converted"))
    };
    type Edit = fn(&mut Value);
    let cases: [(&str, &str, Edit, &[&str]); 13] = [
        (
            "llama",
            "config.json",
            |c| c["architectures"][0] = "MambaForCausalLM".into(),
            &["architectures", "Mamba"],
        ),
        ("llama", "config.json", |c| c["hidden_act"] = "relu".into(), &["hidden_act", "relu"]),
        ("llama", "config.json", |c| c["num_hidden_layers"] = 3.into(), &["model.layers.2.", "missing"]),
        ("llama", "config.json", |c| c["num_hidden_layers"] = 1.into(), &["model.layers.1.", "no place"]),
        ("llama", "config.json", |c| c["hidden_size"] = 32.into(), &["model.embed_tokens.weight", "[", "16"]),
        (
            "llama",
            "config.json",
            |c| c["rope_scaling"] = serde_json::json!({"type": "yarn"}),
            &["rope_scaling", "yarn"],
        ),
        ("llama", "config.json", |c| c["partial_rotary_factor"] = 0.5.into(), &["partial_rotary_factor"]),
        (
            "gemma3",
            "config.json",
            |c| c["query_pre_attn_scalar"] = 168.into(),
            &["query_pre_attn_scalar", "168"],
        ),
        ("gemma3", "config.json", |c| c["sliding_window_pattern"] = 2.into(), &["sliding_window_pattern"]),
        ("smollm3", "config.json", |c| c["no_rope_layers"][0] = 0.into(), &["no_rope_layers"]),
        (
            "qwen2",
            "tokenizer.json",
            |t| t["model"]["type"] = "Unigram".into(),
            &["tokenizer.json", "Unigram"],
        ),
        (
            "qwen2",
            "tokenizer.json",
            |t| t["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = "\\w+".into(),
            &["tokenizer.json", "pre_tokenizer"],
        ),
        (
            "qwen2",
            "tokenizer.json",
            |t| t["normalizer"] = serde_json::json!({ "type": "Lowercase" }),
            &["would not be the same"],
        ),
    ];
    for (name, file, edit, expected) in cases {
        let error = edited(name, file, &edit);
        assert!(expected.iter().all(|word| error.contains(word)), "{name}/{file}: {error}");
    }
}

#[test]
fn hostile_weights_are_refused() {
    let good = fs::read(folder("llama").join("model.safetensors")).unwrap();
    let length = u64::from_le_bytes(*good.first_chunk().unwrap()) as usize;
    let header = String::from_utf8(good[8..8 + length].to_vec()).unwrap();
    let with = |from: &str, to: &str| {
        assert!(header.contains(from), "{from}");
        let header = header.replacen(from, to, 1);
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &good[8 + length..]].concat()
    };
    let copy = copy("llama");
    let cases: [(Vec<u8>, &str); 9] = [
        (Vec::new(), "model.safetensors"),
        (good[..7].to_vec(), "too short"),
        (good[..good.len() - 1].to_vec(), "past the end"),
        ([&u64::MAX.to_le_bytes()[..], &good[8..]].concat(), "header of"),
        (with("{", "["), "header"),
        (with("\"F32\"", "\"I8\""), "type I8"),
        (with("\"data_offsets\":[0,", "\"data_offsets\":[4,"), "tensor \"model.embed_tokens.weight\""),
        (with("\"shape\":[", "\"shape\":[18446744073709551615,"), "tensor \"model.embed_tokens.weight\""),
        (with("\"shape\":[", "\"shape\":[0,"), "tensor \"model.embed_tokens.weight\""),
    ];
    for (bytes, expected) in cases {
        fs::write(copy.path().join("model.safetensors"), bytes).unwrap();
        let error = converted(copy.path(), None).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    // Shards: the index may name files of the folder only.
    fs::write(copy.path().join("model-1.safetensors"), &good).unwrap();
    for (file, expected) in
        [("model-1.safetensors", None), ("../model-1.safetensors", Some("not the name of a file"))]
    {
        let index = serde_json::json!({ "weight_map": { "model.norm.weight": file } });
        fs::write(copy.path().join("model.safetensors.index.json"), index.to_string()).unwrap();
        let error = converted(copy.path(), None).err();
        assert_eq!(error.is_none(), expected.is_none(), "{error:?}");
        assert!(
            expected.is_none_or(|expected| error.as_deref().unwrap_or_default().contains(expected)),
            "{error:?}"
        );
    }
}

#[test]
fn folders_without_weights_or_tokenizer_say_what_to_do() {
    let copy = copy("qwen2");
    fs::remove_file(copy.path().join("model.safetensors")).unwrap();
    let error = converted(copy.path(), None).unwrap_err();
    assert!(error.contains("neither model.safetensors nor model.safetensors.index.json"), "{error}");
    fs::write(copy.path().join("pytorch_model.bin"), b"PK\x03\x04").unwrap();
    let error = converted(copy.path(), None).unwrap_err();
    assert!(error.contains("pytorch_model.bin") && error.contains("safe_serialization"), "{error}");

    let copy = self::copy("qwen2");
    fs::remove_file(copy.path().join("tokenizer.json")).unwrap();
    let error = converted(copy.path(), None).unwrap_err();
    assert!(error.contains("neither tokenizer.json nor tokenizer.model"), "{error}");
}

#[test]
fn a_folder_with_a_sentencepiece_model_only_is_converted() {
    // The pieces of the folder's tokenizer.json, as the protocol buffer of a SentencePiece model.
    let copy = copy("mobilellm");
    let file = converted(copy.path(), None).unwrap();
    let tokenizer = Tokenizer::from_gguf(&file).unwrap();
    let scores = file.array("tokenizer.ggml.scores").unwrap();
    let count = tokenizer.vocab_size() - 3;
    let field = |tag: u8, bytes: &[u8]| [&[tag, bytes.len() as u8][..], bytes].concat();
    let mut model = Vec::new();
    for id in 0..count {
        let text = tokenizer.token_text(id as u32);
        let kind = tokenizer.token_type(id as u32) as u8;
        let score = [&[0x15][..], &scores.f32(id).unwrap().to_le_bytes()[..]].concat();
        model.extend(field(
            0x0a,
            &[&field(0x0a, text.as_bytes())[..], &score[..], &[0x18, kind][..]].concat(),
        ));
    }
    model.extend(field(0x1a, &[0x18, 1]));
    model.extend(field(0x12, &[0x18, 2]));
    fs::remove_file(copy.path().join("tokenizer.json")).unwrap();
    fs::write(copy.path().join("tokenizer.model"), &model).unwrap();
    let other = converted(copy.path(), None).unwrap();
    for key in ["tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type"] {
        assert_eq!(format!("{:?}", file.get(key)), format!("{:?}", other.get(key)), "{key}");
    }
    for (bytes, expected) in [
        (&model[..model.len() - 1], "ends inside a field"),
        (&[][..], "no pieces"),
        (&[0x0b][..], "unknown kind"),
        (&[0xff; 12][..], "64 bits"),
        (&[&model[..], &[0x12, 2, 0x18, 1]].concat()[..], "a unigram model"),
        (&[&model[..], &[0x12, 0]].concat()[..], "a unigram model"),
    ] {
        fs::write(copy.path().join("tokenizer.model"), bytes).unwrap();
        let error = converted(copy.path(), None).unwrap_err();
        assert!(error.contains("tokenizer.model") && error.contains(expected), "{error}");
    }
}
