//! Which type each tensor of a model gets, by the names that people know.
//!
//! The rules are those of llama.cpp (`llama_tensor_get_type` and its fallbacks), so that a `Q4_K_M` file made here holds
//! the same types as one made there: more bits for the output head, and in the `_M` and `_S` mixes for values and
//! feed-forward outputs of the layers where errors hurt most.

use crate::gguf::{GgmlType, Gguf, TensorInfo};

/// A way to quantise a whole model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    name: &'static str,
    /// `general.file_type` of such a file.
    file_type: u32,
    /// What most matrices get.
    base: GgmlType,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Every matrix alike.
    Floats,
    /// Every matrix alike, the output head better.
    Plain,
    Small,
    Medium,
}

const fn mix(name: &'static str, file_type: u32, base: GgmlType, kind: Kind) -> Mix {
    Mix { name, file_type, base, kind }
}

impl Mix {
    /// All that there are.
    pub const ALL: &[Mix] = &[
        mix("F32", 0, GgmlType::F32, Kind::Floats),
        mix("F16", 1, GgmlType::F16, Kind::Floats),
        mix("BF16", 32, GgmlType::BF16, Kind::Floats),
        mix("Q4_0", 2, GgmlType::Q4_0, Kind::Plain),
        mix("Q4_1", 3, GgmlType::Q4_1, Kind::Plain),
        mix("Q5_0", 8, GgmlType::Q5_0, Kind::Plain),
        mix("Q5_1", 9, GgmlType::Q5_1, Kind::Plain),
        mix("Q8_0", 7, GgmlType::Q8_0, Kind::Plain),
        mix("Q4_K_S", 14, GgmlType::Q4_K, Kind::Small),
        mix("Q4_K_M", 15, GgmlType::Q4_K, Kind::Medium),
        mix("Q5_K_S", 16, GgmlType::Q5_K, Kind::Plain),
        mix("Q5_K_M", 17, GgmlType::Q5_K, Kind::Medium),
        mix("Q6_K", 18, GgmlType::Q6_K, Kind::Plain),
    ];

    /// The mix of a name, in any case; `Q4_K` and `Q5_K` mean their `_M`.
    pub fn from_name(name: &str) -> Option<Mix> {
        let name = match name.to_ascii_uppercase().as_str() {
            "Q4_K" => "Q4_K_M".to_owned(),
            "Q5_K" => "Q5_K_M".to_owned(),
            other => other.to_owned(),
        };
        Mix::ALL.iter().copied().find(|mix| mix.name == name)
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The value of `general.file_type`.
    pub fn file_type(&self) -> u32 {
        self.file_type
    }

    /// Whether it has blocks with scales.
    pub fn is_quantized(&self) -> bool {
        self.kind != Kind::Floats
    }

    /// The types of a file's tensors, in its order. `pure` gives every matrix the base type. A type whose blocks do not
    /// divide the rows is replaced: Q4_K by Q5_0, Q5_K by Q5_1, Q6_K by Q8_0, and what 32 does not divide by F16.
    pub fn types(&self, file: &Gguf, pure: bool) -> Vec<GgmlType> {
        let tied = file.tensor("output.weight").is_none();
        let layers = |ending: &str| file.tensors().filter(|tensor| tensor.name.ends_with(ending)).count();
        let (values, downs) = (layers(ATTN_V), layers(FFN_DOWN));
        let choose = |tensor: &TensorInfo<'_>| {
            if pure || !self.is_quantized() {
                return self.base;
            }
            let layer = layer(tensor.name);
            match tensor.name {
                "output.weight" => self.head(),
                "token_embd.weight" if tied => self.head(),
                name if name.ends_with(ATTN_V) => self.important(layer, values, layer < 4),
                name if name.ends_with(FFN_DOWN) => self.important(layer, downs, layer < downs / 8),
                _ => self.base,
            }
        };
        let kept =
            |tensor: &TensorInfo<'_>| !is_matrix(tensor) || !is_float(tensor.ty) && tensor.ty.id() >= 24;
        file.tensors()
            .map(|tensor| if kept(&tensor) { tensor.ty } else { fallback(choose(&tensor), tensor.row_len()) })
            .collect()
    }

    fn head(&self) -> GgmlType {
        if self.base == GgmlType::Q8_0 { GgmlType::Q8_0 } else { GgmlType::Q6_K }
    }

    /// Values and feed-forward outputs of layer `layer` of `count`; `early` says whether it is one of the first.
    fn important(&self, layer: usize, count: usize, early: bool) -> GgmlType {
        let first = count / 8;
        let spread = layer < first || layer >= 7 * count / 8 || (layer - first) % 3 == 2;
        match self.kind {
            Kind::Medium if spread => GgmlType::Q6_K,
            Kind::Small if early => GgmlType::Q5_K,
            _ => self.base,
        }
    }
}

const ATTN_V: &str = ".attn_v.weight";
const FFN_DOWN: &str = ".ffn_down.weight";

/// Whether a tensor is a matrix of weights; norms, biases and tables stay as they are.
fn is_matrix(tensor: &TensorInfo<'_>) -> bool {
    let rows = tensor.shape.iter().skip(1).any(|&extent| extent > 1);
    rows && tensor.name.ends_with("weight") && !tensor.name.ends_with("_norm.weight")
}

/// Types without blocks that hold floats.
pub(super) fn is_float(ty: GgmlType) -> bool {
    matches!(ty, GgmlType::F32 | GgmlType::F16 | GgmlType::BF16)
}

/// The `17` of `blk.17.attn_v.weight`.
fn layer(name: &str) -> usize {
    name.split('.').nth(1).and_then(|layer| layer.parse().ok()).unwrap_or(0)
}

fn fallback(ty: GgmlType, row: usize) -> GgmlType {
    let fits = |ty: GgmlType| row.is_multiple_of(ty.block_len());
    let other = match ty {
        ty if fits(ty) => ty,
        GgmlType::Q4_K => GgmlType::Q5_0,
        GgmlType::Q5_K => GgmlType::Q5_1,
        _ => GgmlType::Q8_0,
    };
    if fits(other) { other } else { GgmlType::F16 }
}
