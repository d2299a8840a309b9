//! The integer formats, a file each: their layout (the definition) and how AVX2 registers are filled from it (NEON's:
//! `aarch64::codes`).

mod iq4;
mod q2_k;
mod q3_k;
mod q4_0;
mod q4_1;
mod q4_k;
mod q5_0;
mod q5_1;
mod q5_k;
mod q6_k;
mod q8_0;

#[cfg(target_arch = "aarch64")]
pub(crate) use iq4::IQ4_VALUES;
pub(crate) use iq4::{IQ4_NL, IQ4_XS};
pub(crate) use q2_k::Q2_K;
pub(crate) use q3_k::Q3_K;
pub(crate) use q4_0::Q4_0;
pub(crate) use q4_1::Q4_1;
pub(crate) use q4_k::Q4_K;
pub(crate) use q5_0::Q5_0;
pub(crate) use q5_1::Q5_1;
pub(crate) use q5_k::Q5_K;
pub(crate) use q6_k::Q6_K;
pub(crate) use q8_0::Q8_0;

#[cfg(test)]
mod tests {
    use crate::gguf::{Bytes, Gguf};
    use crate::kernels::Format;

    /// `tests/golden/types.gguf` holds random rows of every type and what the reference implementation makes of them.
    #[test]
    fn every_type_is_read_as_the_reference_reads_it() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/types.gguf");
        let file = Gguf::parse(Bytes::map(path).unwrap()).unwrap();
        for &format in Format::ALL {
            let row = file.tensor(format.name()).unwrap();
            assert_eq!((Format::from_ggml(row.ty), row.row_len()), (Some(format), 512));
            let want = file.tensor(&format!("{}.f32", format.name())).unwrap();
            let want = file.tensor_bytes(&want).as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b));
            let mut floats = vec![f32::NAN; 512];
            format.dequantize(file.tensor_bytes(&row), &mut floats);
            let ours: Vec<u32> = floats.iter().map(|x| x.to_bits()).collect();
            assert_eq!(ours, want.collect::<Vec<_>>(), "{format:?}");
            assert!(floats.iter().any(|x| *x != floats[0]));
        }
    }
}
