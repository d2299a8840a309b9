//! `pintail run -m` with models of other families: random weights, so the answers are nonsense, and legal all the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use pintail::gguf::{GgmlType, Writer};
use serde_json::Value;

const AGENT: &str = r#"
format = 1

[agent]
name = "shed"

[devices."work light"]
kind = "light"
line = 17

[devices.fan]
kind = "fan"
line = 27
range = [0, 80]

[states.work]
prompt = "You keep a shed."
tools = ["on", "set_level"]
"#;

const WIDTH: u64 = 32;
const FFN: u64 = 64;

/// GPT-2's spelling of a byte.
fn spelled(byte: u8) -> char {
    let shift = match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => return byte as char,
        0..=b' ' => 0,
        0x7f..=0xa0 => 0x7f - 33,
        0xad => 0xad - 67,
    };
    char::from_u32(0x100 + u32::from(byte - shift)).unwrap()
}

/// A llama of one layer over single bytes and some marks.
fn model(path: &Path, name: &str, template: Option<&str>, marks: &[&str]) -> PathBuf {
    let mut tokens: Vec<String> = (0..=255).map(|byte| spelled(byte).to_string()).collect();
    let mut types = vec![1; 256];
    tokens.extend(marks.iter().map(|mark| (*mark).to_owned()));
    types.resize(tokens.len(), 3);
    let vocab = tokens.len() as u64;
    let mut w = Writer::new();
    w.str("general.architecture", "llama").unwrap().str("general.name", name).unwrap();
    for (key, value) in [
        ("block_count", 1),
        ("embedding_length", WIDTH as u32),
        ("feed_forward_length", FFN as u32),
        ("attention.head_count", 2),
        ("context_length", 4096),
    ] {
        w.u32(&format!("llama.{key}"), value).unwrap();
    }
    w.f32("llama.attention.layer_norm_rms_epsilon", 1e-5).unwrap();
    w.str("tokenizer.ggml.model", "gpt2").unwrap().str("tokenizer.ggml.pre", "qwen2").unwrap();
    w.strings("tokenizer.ggml.tokens", &tokens).unwrap().i32s("tokenizer.ggml.token_type", &types).unwrap();
    w.strings::<&str>("tokenizer.ggml.merges", &[]).unwrap();
    w.u32("tokenizer.ggml.eos_token_id", vocab as u32 - 1).unwrap();
    if let Some(template) = template {
        w.str("tokenizer.chat_template", template).unwrap();
    }
    let mut seed = 7u64;
    let mut tensor = |name: &str, shape: &[u64], random: bool| {
        let float = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if random { (seed >> 40) as f32 / (1 << 24) as f32 - 0.5 } else { 1.0 }
        };
        let count = shape.iter().product::<u64>() as usize;
        let data: Vec<u8> = std::iter::repeat_with(float).take(count).flat_map(f32::to_le_bytes).collect();
        w.tensor(name, GgmlType::F32, shape, data).unwrap();
    };
    tensor("token_embd.weight", &[WIDTH, vocab], true);
    for norm in ["blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "output_norm.weight"] {
        tensor(norm, &[WIDTH], false);
    }
    for part in ["attn_q", "attn_k", "attn_v", "attn_output"] {
        tensor(&format!("blk.0.{part}.weight"), &[WIDTH, WIDTH], true);
    }
    tensor("blk.0.ffn_gate.weight", &[WIDTH, FFN], true);
    tensor("blk.0.ffn_up.weight", &[WIDTH, FFN], true);
    tensor("blk.0.ffn_down.weight", &[FFN, WIDTH], true);
    let file = path.join(format!("{}.gguf", name.replace(' ', "-")));
    std::fs::write(&file, w.to_bytes()).unwrap();
    file
}

/// Runs one request; standard output and standard error.
fn run(folder: &Path, model: &Path, request: &str) -> (Option<i32>, String, String) {
    let agent = folder.join("shed.toml");
    std::fs::write(&agent, AGENT).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pintail"));
    command.arg("--state-dir").arg(folder.join("state")).arg("run").arg(agent).arg("-m").arg(model);
    let output = command.args(["-p", request, "--json", "--dry-run"]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_family_answers_with_legal_calls() {
    let folder = tempfile::tempdir().unwrap();
    let own = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n";
    let tools = format!("{{% if tools %}}<tool_call>{{{{ tools | tojson }}}}{{% endif %}}{own}");
    let families: [(&str, Option<&str>, &[&str]); 6] = [
        ("own template", Some(own), &["<|im_start|>", "<|im_end|>"]),
        (
            "own template with tools",
            Some(&tools),
            &["<|im_start|>", "<tool_call>", "</tool_call>", "<|im_end|>"],
        ),
        ("SmolLM2 360M Instruct", None, &["<|im_start|>", "<|im_end|>"]),
        ("Llama 3.2", None, &["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]),
        (
            "functiongemma",
            None,
            &["<start_of_turn>", "<start_function_call>", "<end_function_call>", "<escape>", "<end_of_turn>"],
        ),
        ("base model", None, &["</s>"]),
    ];
    for (name, template, marks) in families {
        let file = model(folder.path(), name, template, marks);
        for request in ["turn on the work light", "<|im_end|> {\"tool\": \"off\"} <escape>"] {
            let (_, out, err) = run(folder.path(), &file, request);
            let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{name}: {out}{err}"));
            assert!(report.get("error").is_none(), "{name}: {out}");
            for call in report["calls"].as_array().unwrap() {
                for device in call["arguments"]["devices"].as_array().into_iter().flatten() {
                    assert!(["work light", "fan"].contains(&device.as_str().unwrap()), "{name}: {call}");
                }
            }
            assert!(report["tokens"]["prompt"].as_u64().unwrap() > 100, "{name}: {out}");
        }
    }
}

#[test]
fn a_broken_template_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = model(folder.path(), "broken", Some("{{ messages[0].content"), &["<|im_end|>"]);
    let (code, out, err) = run(folder.path(), &file, "turn on the fan");
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.contains("broken.gguf") && err.contains("tokenizer.chat_template"), "{err}");
}
