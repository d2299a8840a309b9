//! Where the weights lie in the file: the one place through which the forward pass reaches them.
//!
//! Matrices stay in the map and are handed out as views; only the norms (F32, a few KiB) are copied, because the map
//! promises no alignment.

use std::collections::HashSet;
use std::ops::Range;

use super::{Config, ModelError};
use crate::gguf::{GgmlType, Gguf, TensorInfo};
use crate::kernels::{Format, Matrix};

/// All weights of a model, checked against its [`Config`].
#[derive(Debug)]
pub struct Weights {
    file: Gguf,
    width: usize,
    /// Attention norm and feed-forward norm of each layer, then the output norm, `width` floats each.
    norms: Vec<f32>,
    layers: Vec<LayerPlaces>,
    embedding: Place,
    head: Option<Place>,
    rope_factors: Option<Vec<f32>>,
}

/// A matrix's place in the file, of which [`Weights::view`] makes the matrix.
#[derive(Clone, Debug)]
struct Place {
    format: Format,
    rows: usize,
    cols: usize,
    data: Range<usize>,
}

#[derive(Debug)]
struct LayerPlaces {
    q: Place,
    k: Place,
    v: Place,
    out: Place,
    gate: Place,
    up: Place,
    down: Place,
}

/// The weights of one layer. Matrices are (rows, columns) = (output, input).
pub struct Layer<'a> {
    /// Norm before attention, `[width]`.
    pub attn_norm: &'a [f32],
    /// Queries, `[q_width, width]`.
    pub q: Matrix<'a>,
    /// Keys, `[kv_width, width]`.
    pub k: Matrix<'a>,
    /// Values, `[kv_width, width]`.
    pub v: Matrix<'a>,
    /// Heads back to the residual stream, `[width, q_width]`.
    pub out: Matrix<'a>,
    /// Norm before the feed-forward layer, `[width]`.
    pub ffn_norm: &'a [f32],
    /// Gate, `[ffn, width]`.
    pub gate: Matrix<'a>,
    /// Up, `[ffn, width]`.
    pub up: Matrix<'a>,
    /// Down, `[width, ffn]`.
    pub down: Matrix<'a>,
}

impl Weights {
    /// Finds every tensor that `config` asks for.
    ///
    /// # Errors
    /// A tensor that is missing, of another type or shape, or that the architecture does not have.
    pub fn from_gguf(file: Gguf, config: &Config) -> Result<Self, ModelError> {
        let mut finder = Finder { file: &file, used: HashSet::new() };
        let Config { width, ffn, .. } = *config;
        let (q_width, kv_width) = (config.q_width(), config.kv_width());
        let embedding = finder.matrix("token_embd.weight", config.vocab, width)?;
        let mut layers = Vec::new();
        let mut norms = Vec::new();
        for i in 0..config.layers {
            finder.floats(&format!("blk.{i}.attn_norm.weight"), width, &mut norms)?;
            finder.floats(&format!("blk.{i}.ffn_norm.weight"), width, &mut norms)?;
            let mut matrix = |name, rows, cols| finder.matrix(&format!("blk.{i}.{name}.weight"), rows, cols);
            layers.push(LayerPlaces {
                q: matrix("attn_q", q_width, width)?,
                k: matrix("attn_k", kv_width, width)?,
                v: matrix("attn_v", kv_width, width)?,
                out: matrix("attn_output", width, q_width)?,
                gate: matrix("ffn_gate", ffn, width)?,
                up: matrix("ffn_up", ffn, width)?,
                down: matrix("ffn_down", width, ffn)?,
            });
        }
        finder.floats("output_norm.weight", width, &mut norms)?;
        let head = match file.tensor("output.weight") {
            Some(_) => Some(finder.matrix("output.weight", config.vocab, width)?),
            None => None,
        };
        let rope_factors = match file.tensor("rope_freqs.weight") {
            Some(_) => {
                let mut factors = Vec::new();
                finder.floats("rope_freqs.weight", config.rope_dims / 2, &mut factors)?;
                Some(factors)
            }
            None => None,
        };
        finder.all_used()?;
        Ok(Self { width, norms, layers, embedding, head, rope_factors, file })
    }

    /// The weights of layer `i`.
    ///
    /// # Panics
    /// If the model has no layer `i`.
    pub fn layer(&self, i: usize) -> Layer<'_> {
        let l = &self.layers[i];
        Layer {
            attn_norm: self.norm(2 * i),
            q: self.view(&l.q),
            k: self.view(&l.k),
            v: self.view(&l.v),
            out: self.view(&l.out),
            ffn_norm: self.norm(2 * i + 1),
            gate: self.view(&l.gate),
            up: self.view(&l.up),
            down: self.view(&l.down),
        }
    }

    /// Token embeddings, `[vocab, width]`.
    pub fn embedding(&self) -> Matrix<'_> {
        self.view(&self.embedding)
    }

    /// The output head, `[vocab, width]`; the embeddings where the model ties them.
    pub fn head(&self) -> Matrix<'_> {
        self.view(self.head.as_ref().unwrap_or(&self.embedding))
    }

    /// Whether the head is the embeddings.
    pub fn is_tied(&self) -> bool {
        self.head.is_none()
    }

    /// The norm before the head, `[width]`.
    pub fn output_norm(&self) -> &[f32] {
        self.norm(2 * self.layers.len())
    }

    /// Divisors of the rotary frequencies, `[rope_dims / 2]`, where the model has them.
    pub fn rope_factors(&self) -> Option<&[f32]> {
        self.rope_factors.as_deref()
    }

    /// The file that they lie in.
    pub fn file(&self) -> &Gguf {
        &self.file
    }

    fn norm(&self, i: usize) -> &[f32] {
        &self.norms[i * self.width..(i + 1) * self.width]
    }

    fn view(&self, place: &Place) -> Matrix<'_> {
        Matrix::new(place.format, place.rows, place.cols, &self.file.bytes()[place.data.clone()])
            .expect("sizes were checked when the place was found")
    }
}

/// Looks tensors up by name and remembers which were used.
struct Finder<'a> {
    file: &'a Gguf,
    used: HashSet<String>,
}

impl<'a> Finder<'a> {
    fn find(&mut self, name: &str, shape: &[usize], types: &str) -> Result<TensorInfo<'a>, ModelError> {
        let expected = || format!("{types} {shape:?}");
        let Some(tensor) = self.file.tensor(name) else {
            return Err(ModelError::MissingTensor { name: name.into(), expected: expected() });
        };
        // `[n]` and `[n, 1]` are the same thing.
        let same = tensor.shape.iter().enumerate().all(|(i, &n)| n == shape.get(i).copied().unwrap_or(1));
        if !same {
            return Err(mismatch(&tensor, expected()));
        }
        self.used.insert(name.into());
        Ok(tensor)
    }

    fn matrix(&mut self, name: &str, rows: usize, cols: usize) -> Result<Place, ModelError> {
        const TYPES: &str = "F32, F16, Q8_0 or Q4_0";
        let tensor = self.find(name, &[cols, rows], TYPES)?;
        let format = match tensor.ty {
            GgmlType::F32 => Format::F32,
            GgmlType::F16 => Format::F16,
            GgmlType::Q8_0 => Format::Q8_0,
            GgmlType::Q4_0 => Format::Q4_0,
            _ => return Err(mismatch(&tensor, format!("{TYPES} {:?}", [cols, rows]))),
        };
        let data = tensor.data.clone();
        if Matrix::new(format, rows, cols, &self.file.bytes()[data.clone()]).is_none() {
            let whole = format.block_len();
            return Err(mismatch(&tensor, format!("rows of a multiple of {whole}")));
        }
        Ok(Place { format, rows, cols, data })
    }

    fn floats(&mut self, name: &str, len: usize, out: &mut Vec<f32>) -> Result<(), ModelError> {
        let tensor = self.find(name, &[len], "F32")?;
        if tensor.ty != GgmlType::F32 {
            return Err(mismatch(&tensor, format!("F32 [{len}]")));
        }
        let bytes = self.file.tensor_bytes(&tensor);
        out.extend(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)));
        Ok(())
    }

    fn all_used(&self) -> Result<(), ModelError> {
        // Tables that old converters wrote and nobody reads.
        let ignored = |name: &str| name.ends_with(".attn_rot_embd.weight") || name.ends_with(".rope_freqs");
        match self.file.tensors().find(|t| !self.used.contains(t.name) && !ignored(t.name)) {
            Some(tensor) => Err(ModelError::UnknownTensor { name: tensor.name.escape_debug().to_string() }),
            None => Ok(()),
        }
    }
}

fn mismatch(tensor: &TensorInfo<'_>, expected: String) -> ModelError {
    let found = format!("{} {:?}", tensor.ty, &tensor.shape[..tensor.dims]);
    ModelError::Tensor { name: tensor.name.into(), found, expected }
}
