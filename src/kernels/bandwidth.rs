//! How fast this machine's threads read memory: the bound on decoding, which reads every weight once a token.

use std::time::Instant;

use super::{Cpu, Isa, Pool};

/// Most bytes a second that the pool's threads read of a buffer of `bytes` (rounded down to whole parts; much more than the
/// caches hold makes sense, 1 GiB say), over `passes` passes of each of several ways to read: one run or four runs at a
/// time a thread, in the registers of `cpu`. `None` if the memory cannot be had or nothing was read.
pub fn read_bandwidth(pool: &Pool, cpu: Cpu, bytes: usize, passes: usize) -> Option<f64> {
    let words = bytes / 8;
    let mut data: Vec<u64> = Vec::new();
    data.try_reserve_exact(words).ok()?;
    // Written, so that every page is its own and not the system's page of zeroes.
    data.resize(words, 3);
    // Many, so that no thread waits long for another's last one.
    let parts = pool.threads() * 32;
    let part = words / parts;
    let mut best = 0.0f64;
    for runs in [1, 4] {
        for _ in 0..passes {
            let start = Instant::now();
            pool.run(parts, &|i| {
                std::hint::black_box(read(cpu, &data[i * part..(i + 1) * part], runs));
            });
            best = best.max((parts * part * 8) as f64 / start.elapsed().as_secs_f64().max(1e-9));
        }
    }
    (best > 0.0).then_some(best)
}

fn read(cpu: Cpu, data: &[u64], runs: usize) -> u64 {
    match cpu.isa() {
        Isa::Scalar => sum(data, runs),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: these exist only where `Cpu` found AVX2.
        Isa::Avx2 | Isa::AvxVnni => unsafe { sum_avx2(data, runs) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Isa::Avx512` exists only where `Cpu` found AVX-512 F.
        Isa::Avx512 => unsafe { sum_avx512(data, runs) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon | Isa::DotProd => sum(data, runs),
    }
}

/// The sum of all words, read as `runs` stretches side by side.
#[inline(always)]
fn sum(data: &[u64], runs: usize) -> u64 {
    const LANES: usize = 32;
    let mut lanes = [0u64; LANES];
    let stretch = data.len() / runs / LANES * LANES;
    for at in (0..stretch).step_by(LANES) {
        for run in 0..runs {
            let from = run * stretch + at;
            for (lane, word) in lanes.iter_mut().zip(&data[from..from + LANES]) {
                *lane = lane.wrapping_add(*word);
            }
        }
    }
    let over = data[runs * stretch..].iter();
    over.chain(&lanes).fold(0, |sum, word| sum.wrapping_add(*word))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_avx2(data: &[u64], runs: usize) -> u64 {
    sum(data, runs)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f")]
fn sum_avx512(data: &[u64], runs: usize) -> u64 {
    sum(data, runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_once() {
        let data: Vec<u64> = (0..1003).collect();
        for cpu in Cpu::all() {
            for runs in [1, 4] {
                assert_eq!(read(cpu, &data, runs), 1003 * 1002 / 2, "{cpu:?} {runs}");
            }
        }
    }

    #[test]
    fn a_rate_comes_out_and_absurd_sizes_do_not_panic() {
        let pool = Pool::new(2);
        assert!(read_bandwidth(&pool, Cpu::best(), 1 << 20, 2).unwrap() > 1e6);
        assert_eq!(read_bandwidth(&pool, Cpu::best(), usize::MAX, 1), None);
    }
}
