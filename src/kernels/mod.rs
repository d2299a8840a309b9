//! Arithmetic on quantised rows: a scalar definition of each format, AVX2 beside it, chosen once at run time.
//!
//! The only room that knows CPU features. Every format has a file with the same verbs: bytes of a row, a scalar
//! dot product (the definition, the test oracle, and what a machine without AVX2 runs), an AVX2 twin, and
//! [`Format::dequantize`]. What is promised of the results:
//!
//! - **Integer formats** ([`Format::Q8_0`], [`Format::Q4_0`]) multiply by activations quantised to 8 bits in blocks of
//!   32 ([`Quantized`]). Sums inside a block are exact integers and blocks are added in order without fused
//!   arithmetic, so the scalar and the AVX2 path give the same bits.
//! - **Float formats** ([`Format::F32`], [`Format::F16`]) use fused multiply-adds in AVX2; they differ from the scalar
//!   path by rounding only (relative error below 1e-5 of the sum of magnitudes).
//! - **Any path**: one token alone gives the same bits as that token in a tile of many, and the number of threads
//!   changes nothing, because each (row, token) sum is always made in the same order.
//!
//! `PINTAIL_CPU=scalar` in the environment forces the scalar path (read once, by [`Cpu::best`]).

mod attention;
mod elementwise;
mod f16;
mod f32;
mod input;
mod matmul;
mod pool;
mod q4_0;
mod q8_0;
mod rope;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use attention::{Heads, attend};
pub use elementwise::{add, rmsnorm, silu_mul, softmax};
pub use input::{Input, Quantized};
pub use matmul::{Product, matmul, matmul_rows};
pub use pool::Pool;
pub use rope::{RopeStyle, RopeTable};

/// Weights in a block of the integer formats, and activations that share a scale.
pub const BLOCK: usize = 32;

/// The instruction set that kernels use; a value of it proves that the machine has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu(Isa);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Cpu {
    /// Plain Rust, everywhere.
    pub const fn scalar() -> Self {
        Self(Isa::Scalar)
    }

    /// The best path of this machine, or the scalar one if `PINTAIL_CPU=scalar` is in the environment.
    pub fn best() -> Self {
        if std::env::var_os("PINTAIL_CPU").is_some_and(|v| v == "scalar") {
            return Self::scalar();
        }
        Self::fastest().unwrap_or(Self::scalar())
    }

    /// The vector path of this machine; `None` if it has only the scalar one.
    pub fn fastest() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
        {
            return Some(Self(Isa::Avx2));
        }
        None
    }

    /// Its name, for `doctor` and `bench`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Isa::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
        }
    }

    pub(crate) const fn isa(self) -> Isa {
        self.0
    }
}

/// How a row of weights is stored. Names and layouts are those of GGUF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// Blocks of 32: an f16 scale and 32 signed bytes; 34 bytes.
    Q8_0,
    /// Blocks of 32: an f16 scale and 32 nibbles, each less 8 (element `j` low, `j + 16` high in byte `j`); 18 bytes.
    Q4_0,
}

impl Format {
    /// GGUF's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Q8_0 => "Q8_0",
            Self::Q4_0 => "Q4_0",
        }
    }

    /// Elements of a block; a row's length must be a multiple of it.
    pub const fn block_len(self) -> usize {
        match self {
            Self::F32 | Self::F16 => 1,
            Self::Q8_0 | Self::Q4_0 => BLOCK,
        }
    }

    /// Bytes of a block.
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
            Self::Q8_0 => q8_0::BYTES,
            Self::Q4_0 => q4_0::BYTES,
        }
    }

    /// Bytes of a row of `cols` elements; `None` if `cols` is no multiple of the block, or absurd.
    pub const fn row_bytes(self, cols: usize) -> Option<usize> {
        if !cols.is_multiple_of(self.block_len()) {
            return None;
        }
        (cols / self.block_len()).checked_mul(self.block_bytes())
    }

    /// Whether it multiplies 8-bit activations ([`Quantized`]) instead of floats.
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Q8_0 | Self::Q4_0)
    }

    /// Writes the floats of one row.
    ///
    /// # Panics
    /// If `row` is not [`Format::row_bytes`] of `out.len()`.
    pub fn dequantize(self, row: &[u8], out: &mut [f32]) {
        assert_eq!(Some(row.len()), self.row_bytes(out.len()), "row and output differ in length");
        match self {
            Self::F32 => f32::dequantize(row, out),
            Self::F16 => f16::dequantize(row, out),
            Self::Q8_0 => q8_0::dequantize(row, out),
            Self::Q4_0 => q4_0::dequantize(row, out),
        }
    }
}

/// A matrix of weights where it lies in the map: `rows` rows of `cols` elements, no alignment assumed.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    format: Format,
    rows: usize,
    cols: usize,
    row_bytes: usize,
    bytes: &'a [u8],
}

impl<'a> Matrix<'a> {
    /// `None` unless `bytes` is exactly `rows` rows of `cols` elements, neither of them 0.
    pub fn new(format: Format, rows: usize, cols: usize, bytes: &'a [u8]) -> Option<Self> {
        let row_bytes = format.row_bytes(cols)?;
        let fits = rows > 0 && cols > 0 && row_bytes.checked_mul(rows)? == bytes.len();
        fits.then_some(Self { format, rows, cols, row_bytes, bytes })
    }

    /// How its rows are stored.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Number of rows, the length of the product.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Elements of a row, the length of the input.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Its size in the file.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`Matrix::rows`].
    pub fn row(&self, i: usize) -> &'a [u8] {
        &self.bytes[i * self.row_bytes..(i + 1) * self.row_bytes]
    }

    /// The floats of row `i`.
    ///
    /// # Panics
    /// If `i` is not below [`Matrix::rows`] or `out` is not [`Matrix::cols`] long.
    pub fn dequantize_row(&self, i: usize, out: &mut [f32]) {
        self.format.dequantize(self.row(i), out);
    }
}

/// What a format offers to the product loops: four dot products at a time, of four rows with one token or of one row
/// with four tokens. Both make each sum in the same order.
pub(crate) trait Rows {
    /// One token's input: floats, or codes and scales.
    type Token<'a>: Copy;
    /// Token `t` of the input.
    fn token<'a>(input: &Input<'a>, t: usize) -> Self::Token<'a>;
    /// Four rows with one token.
    fn rows4(cpu: Cpu, rows: [&[u8]; 4], x: Self::Token<'_>) -> [f32; 4];
    /// One row with four tokens.
    fn tokens4(cpu: Cpu, row: &[u8], x: [Self::Token<'_>; 4]) -> [f32; 4];
}
