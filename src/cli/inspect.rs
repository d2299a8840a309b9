//! `pintail inspect`: what is in a model file.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::gguf::{Array, Bytes, Gguf, TensorInfo, Value};
use crate::repl::escaped;

/// Shows the metadata, tensors and sizes of a GGUF model file
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model file
    model: PathBuf,
    /// Show arrays and long strings whole
    #[arg(long)]
    full: bool,
}

/// Elements of an array that are shown without `--full`.
const HEAD: usize = 6;
/// Characters of a string that are shown without `--full`.
const WIDTH: usize = 120;

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let bytes = Bytes::map(&args.model)?;
    let file = Gguf::parse(bytes).with_context(|| args.model.display().to_string())?;
    let mut out = BufWriter::new(io::stdout().lock());
    print(&file, args.full, &mut out)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn print(file: &Gguf, full: bool, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "GGUF v{}, {}, alignment {}, data at {}",
        file.version(),
        size(file.bytes().len()),
        file.alignment(),
        file.data_start()
    )?;
    writeln!(out, "\nmetadata: {} keys", file.metadata().len())?;
    for (key, value) in file.metadata() {
        write!(out, "  {} = ", line(key))?;
        print_value(value, full, out)?;
        writeln!(out)?;
    }
    writeln!(out, "\ntensors: {}", file.tensors().len())?;
    for tensor in file.tensors() {
        let shape = format!("{:?}", &tensor.shape[..tensor.dims]);
        let bytes = tensor.data.len();
        writeln!(out, "  {:<40} {:<8} {shape:<20} {:>12}", line(tensor.name), tensor.ty, bytes)?;
    }
    print_totals(file, out)
}

fn print_totals(file: &Gguf, out: &mut impl Write) -> io::Result<()> {
    let mut by_type: BTreeMap<&str, (usize, u128, u128)> = BTreeMap::new();
    let mut add = |name, tensor: &TensorInfo<'_>| {
        let entry = by_type.entry(name).or_default();
        entry.0 += 1;
        entry.1 += tensor.elements() as u128;
        entry.2 += tensor.data.len() as u128;
    };
    for tensor in file.tensors() {
        add(tensor.ty.name(), &tensor);
        add("total", &tensor);
    }
    if by_type.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  {:<8} {:>8} {:>14} {:>14} {:>6}", "type", "tensors", "parameters", "bytes", "bits")?;
    for (name, (count, elements, bytes)) in by_type {
        let bits = 8.0 * bytes as f64 / elements as f64;
        writeln!(out, "  {name:<8} {count:>8} {elements:>14} {bytes:>14} {bits:>6.2}")?;
    }
    Ok(())
}

fn print_value(value: Value<'_>, full: bool, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Str(text) => write!(out, "{}", quoted(text.as_bytes(), full)),
        Value::Array(array) => print_array(array, full, out),
        Value::F32(number) => write!(out, "{number}"),
        Value::F64(number) => write!(out, "{number}"),
        Value::Bool(flag) => write!(out, "{flag}"),
        other => write!(out, "{}", other.integer().unwrap_or_default()),
    }
}

fn print_array(array: Array<'_>, full: bool, out: &mut impl Write) -> io::Result<()> {
    let shown = if full { array.len() } else { array.len().min(HEAD) };
    write!(out, "{} {}: [", array.len(), array.element().name())?;
    let mut strings = array.strings();
    for index in 0..shown {
        if index > 0 {
            write!(out, ", ")?;
        }
        match &mut strings {
            Some(strings) => {
                let text = strings.next().map_or(&b""[..], |(_, text)| text);
                write!(out, "{}", quoted(text, full))?;
            }
            None => match array.get(index) {
                Some(value) => print_value(value, full, out)?,
                None => break,
            },
        }
    }
    write!(out, "{}]", if shown < array.len() { ", …" } else { "" })
}

/// A string as one quoted line; invalid UTF-8 is shown as U+FFFD.
fn quoted(text: &[u8], full: bool) -> String {
    let text = String::from_utf8_lossy(text);
    let short = match text.char_indices().nth(WIDTH) {
        Some((end, _)) if !full => format!("{:?}… ({} bytes)", &text[..end], text.len()),
        _ => format!("{text:?}"),
    };
    escaped(&short).into_owned()
}

/// A name that must stay on its line.
fn line(name: &str) -> String {
    escaped(name).replace('\n', "\\n").replace('\t', "\\t")
}

fn size(bytes: usize) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        _ => format!("{bytes} bytes ({:.1} MB)", bytes as f64 / 1e6),
    }
}
