//! One file quantised into another.

use std::io::Write;
use std::thread;

use super::mix::is_float;
use super::{Mix, QuantizeError, quantize_row};
use crate::gguf::{GgmlType, Gguf, TensorInfo, Value, Writer};
use crate::kernels::Format;

/// Floats that one thread works on at a time.
const SLICE: usize = 1 << 18;
/// The largest magnitude whose block scales f16 holds in every type.
const LARGEST: f32 = 65_504.0;
/// The version of the block formats that files state.
const QUANTIZATION_VERSION: u32 = 2;

/// A file to be written: which tensor becomes what.
pub struct Job<'a> {
    file: &'a Gguf,
    mix: Mix,
    types: Vec<GgmlType>,
    threads: usize,
}

/// How far a [`Job`] is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The tensor at work.
    pub tensor: &'a str,
    /// Its type in the source.
    pub from: GgmlType,
    /// Its type in the new file.
    pub to: GgmlType,
    /// Weights done, of all tensors.
    pub done: u64,
}

impl<'a> Job<'a> {
    /// Plans it. `pure` gives every matrix the mix's base type; `requantize` allows quantised sources; 0 threads are one
    /// a core.
    ///
    /// # Errors
    /// [`QuantizeError::Empty`], [`QuantizeError::Requantize`] and [`QuantizeError::Source`].
    pub fn new(
        file: &'a Gguf,
        mix: Mix,
        pure: bool,
        requantize: bool,
        threads: usize,
    ) -> Result<Job<'a>, QuantizeError> {
        if file.tensors().len() == 0 {
            return Err(QuantizeError::Empty);
        }
        let types = mix.types(file, pure);
        for (tensor, &to) in file.tensors().zip(&types) {
            let (name, from) = (|| tensor.name.escape_debug().to_string(), tensor.ty);
            if from == to {
                continue;
            }
            if !is_float(from) && !requantize {
                return Err(QuantizeError::Requantize { name: name(), from });
            }
            if Format::from_ggml(from).is_none() {
                return Err(QuantizeError::Source { name: name(), from });
            }
        }
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let threads = if threads == 0 { cores() } else { threads };
        Ok(Job { file, mix, types, threads })
    }

    /// Weights of all tensors.
    pub fn weights(&self) -> u64 {
        self.file.tensors().map(|tensor| tensor.elements() as u64).sum()
    }

    /// Bytes of all tensors in the new file.
    pub fn bytes(&self) -> u64 {
        let row = |tensor: &TensorInfo<'_>, ty: GgmlType| ty.row_bytes(tensor.row_len()).unwrap_or(0);
        let sizes = self.file.tensors().zip(&self.types);
        sizes.map(|(tensor, &ty)| row(&tensor, ty) as u64 * tensor.rows() as u64).sum()
    }

    /// Writes the new file: the source's keys, with type and version of the quantisation as they are now, and its
    /// tensors in their order. Results do not depend on the number of threads.
    ///
    /// # Errors
    /// [`QuantizeError::Weight`], and those of `out`.
    pub fn write(
        &self,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), QuantizeError> {
        const FILE_TYPE: &str = "general.file_type";
        const VERSION: &str = "general.quantization_version";
        let mut head = Writer::new();
        for (key, value) in self.file.metadata().filter(|(key, _)| ![FILE_TYPE, VERSION].contains(key)) {
            head.set(key, value)?;
        }
        head.set(FILE_TYPE, Value::U32(self.mix.file_type()))?;
        if self.mix.is_quantized() {
            head.set(VERSION, Value::U32(QUANTIZATION_VERSION))?;
        }
        for (tensor, &ty) in self.file.tensors().zip(&self.types) {
            let shape: Vec<u64> = tensor.shape[..tensor.dims].iter().map(|&extent| extent as u64).collect();
            head.reserve(tensor.name, ty, &shape)?;
        }
        let mut stream = head.start(out)?;
        let mut done = 0;
        for (tensor, &to) in self.file.tensors().zip(&self.types) {
            let bytes = self.file.tensor_bytes(&tensor);
            let mut tell = |elements: usize| {
                done += elements as u64;
                progress(Progress { tensor: tensor.name, from: tensor.ty, to, done });
            };
            tell(0);
            if tensor.ty == to {
                stream.put(bytes)?;
                tell(tensor.elements());
                continue;
            }
            let (cols, size) = (tensor.row_len(), bytes.len() / tensor.rows());
            let rows = (SLICE / cols).max(1);
            let mut at = 0;
            for part in bytes.chunks(rows * size * self.threads) {
                for slice in self.slices(&tensor, to, part, rows * size, at)? {
                    stream.put(&slice)?;
                }
                let elements = part.len() / size * cols;
                at += elements;
                tell(elements);
            }
        }
        stream.finish()?;
        Ok(())
    }

    /// Quantises rows, a slice a thread. `at` is the place of the first element in its tensor.
    fn slices(
        &self,
        tensor: &TensorInfo<'_>,
        to: GgmlType,
        rows: &[u8],
        slice: usize,
        at: usize,
    ) -> Result<Vec<Vec<u8>>, QuantizeError> {
        let elements = |bytes: usize| bytes / tensor.ty.block_bytes() * tensor.ty.block_len();
        let jobs = rows.chunks(slice).enumerate().map(|(i, rows)| (at + i * elements(slice), rows));
        let work = |(at, rows)| requantize(tensor, to, rows, at);
        thread::scope(|scope| {
            let handles: Vec<_> = jobs.map(|job| scope.spawn(move || work(job))).collect();
            let joined = handles.into_iter().map(|handle| handle.join());
            joined.map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }
}

/// Rows of a tensor in another type.
fn requantize(
    tensor: &TensorInfo<'_>,
    to: GgmlType,
    rows: &[u8],
    at: usize,
) -> Result<Vec<u8>, QuantizeError> {
    let source = || QuantizeError::Source { name: tensor.name.escape_debug().to_string(), from: tensor.ty };
    let cols = tensor.row_len();
    let (format, size) = Format::from_ggml(tensor.ty).zip(tensor.ty.row_bytes(cols)).ok_or_else(source)?;
    let mut weights = vec![0.0; cols];
    let mut out = Vec::new();
    for (i, row) in rows.chunks_exact(size).enumerate() {
        format.dequantize(row, &mut weights);
        let holds = |x: &f32| if to == GgmlType::F32 { x.is_finite() } else { x.abs() <= LARGEST };
        if let Some(bad) = weights.iter().position(|x| !holds(x)) {
            return Err(QuantizeError::Weight {
                name: tensor.name.escape_debug().to_string(),
                element: at + i * cols + bad,
                value: weights[bad],
            });
        }
        quantize_row(to, &weights, &mut out);
    }
    Ok(out)
}
