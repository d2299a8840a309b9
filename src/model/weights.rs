//! Where the weights lie in the file: the one place through which the forward pass reaches them.
//!
//! Matrices stay in the map and are handed out as views; only the norms (F32, a few KiB) are copied, because the map
//! promises no alignment.

use std::collections::HashSet;
use std::ops::Range;

use super::{Config, LayerPlan, ModelError};
use crate::gguf::{GgmlType, Gguf, TensorInfo};
use crate::kernels::{Format, Matrix};

/// All weights of a model, checked against its [`Config`].
#[derive(Debug)]
pub struct Weights {
    file: Gguf,
    /// Norms and biases of all blocks, then the output norm.
    floats: Vec<f32>,
    blocks: Vec<BlockPlaces>,
    output_norm: Range<usize>,
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

/// Places of a block's matrices in the file, and of its norms and biases in [`Weights::floats`].
#[derive(Debug)]
struct BlockPlaces {
    q: Place,
    k: Place,
    v: Place,
    out: Place,
    gate: Place,
    up: Place,
    down: Place,
    attn_norm: Range<usize>,
    ffn_norm: Range<usize>,
    biases: Option<[Range<usize>; 3]>,
    head_norms: Option<[Range<usize>; 2]>,
    post_norms: Option<[Range<usize>; 2]>,
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
    /// Biases of queries, keys and values, `[q_width]` and twice `[kv_width]`, where the family has them.
    pub biases: Option<[&'a [f32]; 3]>,
    /// Norms of a head of queries and of keys, `[head_dim]`, where the family has them.
    pub head_norms: Option<[&'a [f32]; 2]>,
    /// Heads back to the residual stream, `[width, q_width]`.
    pub out: Matrix<'a>,
    /// Norms after attention and after the feed-forward layer, `[width]`, where the family has them.
    pub post_norms: Option<[&'a [f32]; 2]>,
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
        let mut finder = Finder { file: &file, used: HashSet::new(), floats: Vec::new() };
        let width = config.width;
        let embedding = finder.matrix("token_embd.weight", config.vocab, width)?;
        let blocks = (0..config.blocks).map(|i| finder.block(i, config)).collect::<Result<_, _>>()?;
        let output_norm = finder.floats("output_norm.weight", width)?;
        let head = match file.tensor("output.weight") {
            Some(_) => Some(finder.matrix("output.weight", config.vocab, width)?),
            None => None,
        };
        let rope_factors = match file.tensor("rope_freqs.weight") {
            Some(_) => {
                let place = finder.floats("rope_freqs.weight", config.rope_dims / 2)?;
                Some(finder.floats[place].to_vec())
            }
            None => None,
        };
        finder.all_used(config.architecture.name)?;
        let floats = finder.floats;
        Ok(Self { floats, blocks, output_norm, embedding, head, rope_factors, file })
    }

    /// The weights of block `i`.
    ///
    /// # Panics
    /// If the model has no block `i`.
    pub fn block(&self, i: usize) -> Layer<'_> {
        let places = &self.blocks[i];
        let floats = |place: &Range<usize>| &self.floats[place.clone()];
        Layer {
            attn_norm: floats(&places.attn_norm),
            q: self.view(&places.q),
            k: self.view(&places.k),
            v: self.view(&places.v),
            biases: places.biases.as_ref().map(|all| all.each_ref().map(floats)),
            head_norms: places.head_norms.as_ref().map(|all| all.each_ref().map(floats)),
            out: self.view(&places.out),
            post_norms: places.post_norms.as_ref().map(|all| all.each_ref().map(floats)),
            ffn_norm: floats(&places.ffn_norm),
            gate: self.view(&places.gate),
            up: self.view(&places.up),
            down: self.view(&places.down),
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

    /// Bytes of matrices that a token reads when it goes through `layers`, all logits asked for. The row of the embeddings
    /// that it looks up is left out.
    pub fn bytes_per_token(&self, layers: &[LayerPlan]) -> usize {
        let layer = |plan: &LayerPlan| {
            let b = self.block(plan.block);
            [b.q, b.k, b.v, b.out, b.gate, b.up, b.down].iter().map(Matrix::size).sum::<usize>()
        };
        layers.iter().map(layer).sum::<usize>() + self.head().size()
    }

    /// Whether the head is the embeddings.
    pub fn is_tied(&self) -> bool {
        self.head.is_none()
    }

    /// The norm before the head, `[width]`.
    pub fn output_norm(&self) -> &[f32] {
        &self.floats[self.output_norm.clone()]
    }

    /// Divisors of the rotary frequencies, `[rope_dims / 2]`, where the model has them.
    pub fn rope_factors(&self) -> Option<&[f32]> {
        self.rope_factors.as_deref()
    }

    /// The file that they lie in.
    pub fn file(&self) -> &Gguf {
        &self.file
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
    floats: Vec<f32>,
}

impl<'a> Finder<'a> {
    fn block(&mut self, i: usize, config: &Config) -> Result<BlockPlaces, ModelError> {
        let Config { architecture, width, ffn, head_dim, .. } = *config;
        let (q_width, kv_width) = (config.q_width(), config.kv_width());
        let name = |name: &str| format!("blk.{i}.{name}");
        let mut floats = |key: &str, len| self.floats(&name(key), len);
        let attn_norm = floats("attn_norm.weight", width)?;
        let ffn_norm = floats("ffn_norm.weight", width)?;
        let biases = match architecture.qkv_bias {
            true => Some([
                floats("attn_q.bias", q_width)?,
                floats("attn_k.bias", kv_width)?,
                floats("attn_v.bias", kv_width)?,
            ]),
            false => None,
        };
        let head_norms = match architecture.qk_norm {
            true => Some([floats("attn_q_norm.weight", head_dim)?, floats("attn_k_norm.weight", head_dim)?]),
            false => None,
        };
        let post_norms = match architecture.post_norms {
            true => {
                Some([floats("post_attention_norm.weight", width)?, floats("post_ffw_norm.weight", width)?])
            }
            false => None,
        };
        let mut matrix = |key: &str, rows, cols| self.matrix(&name(key), rows, cols);
        Ok(BlockPlaces {
            q: matrix("attn_q.weight", q_width, width)?,
            k: matrix("attn_k.weight", kv_width, width)?,
            v: matrix("attn_v.weight", kv_width, width)?,
            out: matrix("attn_output.weight", width, q_width)?,
            gate: matrix("ffn_gate.weight", ffn, width)?,
            up: matrix("ffn_up.weight", ffn, width)?,
            down: matrix("ffn_down.weight", width, ffn)?,
            attn_norm,
            ffn_norm,
            biases,
            head_norms,
            post_norms,
        })
    }

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
        let tensor = self.find(name, &[cols, rows], "a matrix")?;
        let Some(format) = Format::from_ggml(tensor.ty) else {
            let types: Vec<_> = Format::ALL.iter().map(|format| format.name()).collect();
            return Err(mismatch(&tensor, format!("one of the types {}", types.join(", "))));
        };
        let data = tensor.data.clone();
        if Matrix::new(format, rows, cols, &self.file.bytes()[data.clone()]).is_none() {
            let whole = format.block_len();
            return Err(mismatch(&tensor, format!("rows of a multiple of {whole}")));
        }
        Ok(Place { format, rows, cols, data })
    }

    fn floats(&mut self, name: &str, len: usize) -> Result<Range<usize>, ModelError> {
        let tensor = self.find(name, &[len], "F32")?;
        if tensor.ty != GgmlType::F32 {
            return Err(mismatch(&tensor, format!("F32 [{len}]")));
        }
        let start = self.floats.len();
        let bytes = self.file.tensor_bytes(&tensor);
        self.floats.extend(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)));
        Ok(start..self.floats.len())
    }

    fn all_used(&self, architecture: &'static str) -> Result<(), ModelError> {
        // Tables that old converters wrote and nobody reads.
        let ignored = |name: &str| name.ends_with(".attn_rot_embd.weight") || name.ends_with(".rope_freqs");
        match self.file.tensors().find(|t| !self.used.contains(t.name) && !ignored(t.name)) {
            Some(tensor) => {
                Err(ModelError::UnknownTensor { name: tensor.name.escape_debug().to_string(), architecture })
            }
            None => Ok(()),
        }
    }
}

fn mismatch(tensor: &TensorInfo<'_>, expected: String) -> ModelError {
    let found = format!("{} {:?}", tensor.ty, &tensor.shape[..tensor.dims]);
    ModelError::Tensor { name: tensor.name.into(), found, expected }
}
