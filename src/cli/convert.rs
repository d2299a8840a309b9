//! `pintail convert`: a Hugging Face folder as a GGUF file.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::convert::Conversion;
use crate::gguf::{GgmlType, write_atomically};

/// Turns a Hugging Face folder into a GGUF model file
///
/// The folder holds config.json, model.safetensors (or shards with their index) and tokenizer.json (or
/// tokenizer.model); tokenizer_config.json gives special tokens and the chat template. Llama, MobileLLM, Qwen2, Qwen3,
/// Gemma3 and SmolLM3 are known. Nothing is downloaded. `pintail quantize` makes the result smaller.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder
    folder: PathBuf,
    /// The file to write
    output: PathBuf,
    /// Type of the matrices; as they are without
    #[arg(long = "type", value_name = "TYPE")]
    ty: Option<Float>,
}

/// The types that a conversion can write.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
#[value(rename_all = "verbatim")]
enum Float {
    F32,
    F16,
    #[value(name = "BF16")]
    Bf16,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let ty = args.ty.map(|ty| match ty {
        Float::F32 => GgmlType::F32,
        Float::F16 => GgmlType::F16,
        Float::Bf16 => GgmlType::BF16,
    });
    let conversion = Conversion::open(&args.folder, ty)?;
    let bar = super::bar(conversion.weights());
    write_atomically(&args.output, |out| {
        conversion.write(out, &mut |tensor, done| {
            bar.set_position(done);
            bar.set_message(super::escaped(tensor).into_owned());
        })
    })
    .with_context(|| args.output.display().to_string())?;
    bar.finish_and_clear();
    writeln!(io::stdout(), "{}: {} weights", args.output.display(), conversion.weights())?;
    Ok(ExitCode::SUCCESS)
}
