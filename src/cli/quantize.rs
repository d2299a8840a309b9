//! `pintail quantize`: a model file in fewer bits.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::gguf::{Bytes, Gguf, write_atomically};
use crate::quantize::{Job, Mix, QuantizeError};

/// Writes a model file in fewer bits
///
/// Types: F32, F16, BF16, Q8_0, Q6_K, Q5_K_M, Q5_K_S, Q5_1, Q5_0, Q4_K_M, Q4_K_S, Q4_1, Q4_0. The output head keeps
/// more bits (Q6_K or Q8_0), as do some layers in the mixes that end in _M and _S. Rows that 256 does not divide take
/// Q5_0, Q5_1 and Q8_0 in place of Q4_K, Q5_K and Q6_K. The output appears when it is complete, or not at all.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model file, best in F32, F16 or BF16
    input: PathBuf,
    /// The file to write
    output: PathBuf,
    /// The type or mix
    #[arg(value_name = "TYPE", value_parser = read_mix)]
    mix: Mix,
    /// Give every matrix this type, the output head too
    #[arg(long)]
    pure: bool,
    /// Allow a source that is quantised already
    #[arg(long)]
    allow_requantize: bool,
    /// Threads; 0 is one a core
    #[arg(short, long, default_value_t = 0)]
    threads: usize,
}

fn read_mix(name: &str) -> Result<Mix, String> {
    Mix::from_name(name).ok_or_else(|| {
        let all: Vec<&str> = Mix::ALL.iter().map(Mix::name).collect();
        format!("not a type that can be written; these can: {}", all.join(", "))
    })
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let place = || args.input.display().to_string();
    let file = Gguf::parse(Bytes::map(&args.input)?).with_context(place)?;
    let job =
        Job::new(&file, args.mix, args.pure, args.allow_requantize, args.threads).with_context(place)?;
    let bar = super::bar(job.weights());
    write_atomically(&args.output, |out| {
        job.write(out, &mut |progress| {
            bar.set_position(progress.done);
            bar.set_message(format!(
                "{} {} → {}",
                super::escaped(progress.tensor),
                progress.from,
                progress.to
            ));
        })
    })
    .map_err(|error: QuantizeError| match error {
        QuantizeError::Io(error) => anyhow::Error::new(error).context(args.output.display().to_string()),
        error => anyhow::Error::new(error).context(place()),
    })?;
    bar.finish_and_clear();
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let before: u64 = file.tensors().map(|tensor| tensor.data.len() as u64).sum();
    let bits = 8.0 * job.bytes() as f64 / job.weights().max(1) as f64;
    writeln!(
        io::stdout(),
        "{}: {}, {:.1} MB of tensors from {:.1} MB, {bits:.2} bits a weight",
        args.output.display(),
        args.mix.name(),
        megabytes(job.bytes()),
        megabytes(before),
    )?;
    Ok(ExitCode::SUCCESS)
}
