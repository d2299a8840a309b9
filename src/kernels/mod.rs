//! Arithmetic on quantised rows: a scalar definition of each format and vector paths beside it (AVX2, AVX-VNNI, AVX-512 VNNI; NEON,
//! NEON with dot products), chosen once at run time.
//!
//! The only room that knows CPU features. There are two shapes of kernel. A float format says how an element is read, an integer
//! format (a file each in `formats`) what a group of 32 weights is made of and how a register is filled from it; the dot
//! products over them are written once (`float`, `block`, and the vector loops in `x86` and `aarch64`). What is promised of the results:
//!
//! - **Integer formats** (the `Q` and `IQ` types) multiply by activations quantised to 8 bits in blocks of
//!   32 ([`Quantized`]). Sums inside a block are exact integers and blocks are added in order without fused
//!   arithmetic, so all paths give the same bits.
//! - **Float formats** ([`Format::F32`], [`Format::F16`], [`Format::BF16`]) use fused multiply-adds in AVX2; they differ
//!   from the scalar path by rounding only (relative error below 1e-5 of the sum of magnitudes).
//! - **Woven matrices** ([`weave`]) are copies laid out for decoding: the same bits, faster.
//! - **Any path**: one token alone gives the same bits as that token in a tile of many, and the number of threads
//!   changes nothing, because each (row, token) sum is always made in the same order.
//!
//! `PINTAIL_CPU=scalar` (or another name that [`Cpu::all`] lists) in the environment chooses a path (read by [`Cpu::best`]).

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod attention;
mod bandwidth;
mod block;
mod elementwise;
mod float;
mod formats;
mod input;
mod matmul;
mod pool;
mod rope;
#[cfg(test)]
pub(crate) mod testing;
mod woven;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use attention::{Heads, attend};
pub use bandwidth::read_bandwidth;
pub use elementwise::{add, gelu_mul, rmsnorm, rmsnorm_in_place, silu_mul, softmax};
pub use input::{Input, Quantized};
pub use matmul::{Product, matmul, matmul_rows};
pub use pool::Pool;
pub use rope::{RopeStyle, RopeTable};
pub use woven::{weave, woven_bytes};

use crate::gguf::GgmlType;

/// Weights in a block of the integer formats, and activations that share a scale.
pub const BLOCK: usize = 32;

/// Rows that [`Rows::panel`] takes.
pub(crate) const PANEL: usize = 16;

/// The instruction set that kernels use; a value of it proves that the machine has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu(Isa);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
    #[cfg(target_arch = "aarch64")]
    DotProd,
}

impl Cpu {
    /// Plain Rust, everywhere.
    pub const fn scalar() -> Self {
        Self(Isa::Scalar)
    }

    /// The best path of this machine, or the one that `PINTAIL_CPU` in the environment names, if the machine has it.
    pub fn best() -> Self {
        let all = Self::all();
        let asked = std::env::var("PINTAIL_CPU").ok();
        let named = all.iter().find(|cpu| asked.as_deref() == Some(cpu.name()));
        named.or(all.last()).copied().unwrap_or(Self::scalar())
    }

    /// The vector path of this machine; `None` if it has only the scalar one.
    pub fn fastest() -> Option<Self> {
        Self::all().last().copied().filter(|cpu| *cpu != Self::scalar())
    }

    /// Every path that this machine has, the scalar one first and the fastest last.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::scalar()];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
        {
            all.push(Self(Isa::Avx2));
            if is_x86_feature_detected!("avxvnni") {
                all.push(Self(Isa::AvxVnni));
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
            {
                all.push(Self(Isa::Avx512));
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            all.push(Self(Isa::Neon));
            if std::arch::is_aarch64_feature_detected!("dotprod") {
                all.push(Self(Isa::DotProd));
            }
        }
        all
    }

    /// Its name, for `doctor`, `bench` and `PINTAIL_CPU`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Isa::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni => "avx-vnni",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512-vnni",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "neon",
            #[cfg(target_arch = "aarch64")]
            Isa::DotProd => "neon-dotprod",
        }
    }

    pub(crate) const fn isa(self) -> Isa {
        self.0
    }
}

/// Eight results of two times four rows.
#[inline]
fn both_fours(rows: [&[u8]; 8], four: impl Fn([&[u8]; 4]) -> [f32; 4]) -> [f32; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    let ([a, b, c, d], [e, f, g, h]) = (four([a, b, c, d]), four([e, f, g, h]));
    [a, b, c, d, e, f, g, h]
}

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// How a row of weights is stored. Names and layouts are those of GGUF.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Format { $($(#[$doc])* $name,)* }

        impl Format {
            /// Every format.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// GGUF's name of it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The GGUF type of it.
            pub const fn ggml_type(self) -> GgmlType {
                match self { $(Self::$name => GgmlType::$name,)* }
            }
        }
    };
}

formats! {
    /// 32-bit floats.
    F32 = "F32";
    /// 16-bit floats.
    F16 = "F16";
    /// The upper half of 32-bit floats.
    BF16 = "BF16";
    /// 4 bits and a scale a group of 32; 4.5 bits a weight.
    Q4_0 = "Q4_0";
    /// 4 bits, scale and minimum a group; 5.
    Q4_1 = "Q4_1";
    /// 5 bits and a scale a group; 5.5.
    Q5_0 = "Q5_0";
    /// 5 bits, scale and minimum a group; 6.
    Q5_1 = "Q5_1";
    /// Signed bytes and a scale a group; 8.5.
    Q8_0 = "Q8_0";
    /// 2 bits, scale and minimum a half group, in blocks of 256 (so all below but one); 2.625.
    Q2_K = "Q2_K";
    /// 3 bits and a scale a half group; 3.4375.
    Q3_K = "Q3_K";
    /// 4 bits, scale and minimum a group; 4.5.
    Q4_K = "Q4_K";
    /// 5 bits, scale and minimum a group; 5.5.
    Q5_K = "Q5_K";
    /// 6 bits and a scale a half group; 6.5625.
    Q6_K = "Q6_K";
    /// One of sixteen values and a scale a group of 32; 4.5.
    IQ4_NL = "IQ4_NL";
    /// One of sixteen values and a scale a group, in blocks of 256; 4.25.
    IQ4_XS = "IQ4_XS";
}

/// Runs `$body` with `$R` standing for the rows of `$format`.
macro_rules! with_rows {
    ($format:expr, $R:ident => $body:expr) => {
        with_rows!(@ $format, $R => $body, float: F32 F16 BF16,
            formats: Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS)
    };
    (@ $format:expr, $R:ident => $body:expr, float: $($float:ident)*, formats: $($block:ident)*) => {
        match $format {
            $($crate::kernels::Format::$float => {
                type $R = $crate::kernels::float::Floats<$crate::kernels::float::$float>;
                $body
            })*
            $($crate::kernels::Format::$block => {
                type $R = $crate::kernels::block::Blocks<$crate::kernels::formats::$block>;
                $body
            })*
        }
    };
}
use with_rows;

impl Format {
    /// The format of a GGUF type, if kernels have it.
    pub fn from_ggml(ty: GgmlType) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.ggml_type() == ty)
    }

    /// Elements of a block; a row's length must be a multiple of it.
    pub const fn block_len(self) -> usize {
        self.ggml_type().block_len()
    }

    /// Bytes of a block.
    pub const fn block_bytes(self) -> usize {
        self.ggml_type().block_bytes()
    }

    /// Bytes of a row of `cols` elements; `None` if `cols` is no multiple of the block, or absurd.
    pub const fn row_bytes(self, cols: usize) -> Option<usize> {
        self.ggml_type().row_bytes(cols)
    }

    /// Whether it multiplies 8-bit activations ([`Quantized`]) instead of floats.
    pub const fn is_integer(self) -> bool {
        !matches!(self, Self::F32 | Self::F16 | Self::BF16)
    }

    /// Writes the floats of one row, bit for bit those of the GGUF reference implementation.
    ///
    /// # Panics
    /// If `row` is not [`Format::row_bytes`] of `out.len()`.
    pub fn dequantize(self, row: &[u8], out: &mut [f32]) {
        assert_eq!(Some(row.len()), self.row_bytes(out.len()), "row and output differ in length");
        with_rows!(self, R => R::dequantize(row, out));
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
    woven: Option<&'a [u8]>,
}

impl<'a> Matrix<'a> {
    /// `None` unless `bytes` is exactly `rows` rows of `cols` elements, neither of them 0.
    pub fn new(format: Format, rows: usize, cols: usize, bytes: &'a [u8]) -> Option<Self> {
        let row_bytes = format.row_bytes(cols)?;
        let fits = rows > 0 && cols > 0 && row_bytes.checked_mul(rows)? == bytes.len();
        fits.then_some(Self { format, rows, cols, row_bytes, bytes, woven: None })
    }

    /// How its rows are stored.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The same matrix with its woven form beside it ([`weave`]), which products with few tokens then read instead.
    pub fn with_woven(self, woven: &'a [u8]) -> Self {
        Self { woven: Some(woven), ..self }
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

/// What a format offers to the product loops: eight rows with one token, one row with four tokens, and where the machine is up
/// to it a panel of rows with all tokens. All make each sum in the same order.
pub(crate) trait Rows {
    /// One token's input: floats, or codes and scales.
    type Token<'a>: Copy;
    /// Token `t` of the input.
    fn token<'a>(input: &Input<'a>, t: usize) -> Self::Token<'a>;
    /// Eight rows with one token. What lies `ahead` bytes behind the first row is fetched into the cache.
    fn rows8(cpu: Cpu, rows: [&[u8]; 8], x: Self::Token<'_>, ahead: usize) -> [f32; 8];
    /// One row with four tokens.
    fn tokens4(cpu: Cpu, row: &[u8], x: [Self::Token<'_>; 4]) -> [f32; 4];
    /// The floats of a row.
    fn dequantize(row: &[u8], out: &mut [f32]);
    /// Bytes of sixteen rows of `cols` elements in the woven form; `None` if the format has none.
    fn woven_bytes(_cols: usize) -> Option<usize> {
        None
    }
    /// Weaves sixteen rows into `out`, which is [`Rows::woven_bytes`] long.
    fn weave(_: Cpu, _rows: [&[u8]; PANEL], _out: &mut [u8]) {
        unreachable!("rows without a woven form were asked for it")
    }
    /// Sixteen woven rows with one token.
    fn woven(_: Cpu, _panel: &[u8], _x: Self::Token<'_>) -> [f32; PANEL] {
        unreachable!("rows without a woven form were asked for its product")
    }
    /// Sixteen rows with all tokens, `put` taking a token's number and its products; `false` if there is no such kernel.
    fn panel(
        _: Cpu,
        _rows: [&[u8]; PANEL],
        _: &Input<'_>,
        _put: &mut dyn FnMut(usize, &[f32; PANEL]),
    ) -> bool {
        false
    }
}
