//! Choosing one of the candidate tokens.
//!
//! The steps, in this order: candidates sorted by logit (ties: the smaller id first), top-k, division by the temperature,
//! softmax, top-p, min-p, a draw. A temperature of 0 takes the first. The random numbers are xoshiro256++ seeded through
//! SplitMix64 (Blackman and Vigna's public-domain generators), so a seed gives the same text on every machine whose
//! logits are the same.

/// What the candidates are cut down to before the draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Logits are divided by it; 0 (or less) is greedy.
    pub temperature: f32,
    /// At most so many candidates; 0 is no limit.
    pub top_k: usize,
    /// The fewest candidates whose probabilities reach this sum; 1 is no limit.
    pub top_p: f32,
    /// Only candidates at least this share as probable as the best; 0 is no limit.
    pub min_p: f32,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Sampling {
    /// Greedy.
    fn default() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, seed: 0 }
    }
}

/// A chosen token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampled {
    /// Its id.
    pub id: u32,
    /// Its probability among all candidates that were given, at temperature 1 and before any cut: how sure the model is.
    pub probability: f32,
}

/// Chooses tokens; holds the generator and room for candidates, which only grows.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    random: Random,
    /// (logit, then weight; id).
    candidates: Vec<(f32, u32)>,
}

impl Sampler {
    /// A sampler at the start of its seed's draws.
    pub fn new(sampling: Sampling) -> Self {
        Self { sampling, random: Random::new(sampling.seed), candidates: Vec::new() }
    }

    /// The settings.
    pub fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    /// Chooses among the whole vocabulary: `logits[id]`.
    pub fn sample_all(&mut self, logits: &[f32]) -> Option<Sampled> {
        self.candidates.clear();
        self.candidates.extend(logits.iter().copied().zip(0..));
        self.choose()
    }

    /// Chooses among the tokens `ids`, `logits[i]` being the logit of `ids[i]`. `None` if no candidate has a logit above
    /// negative infinity (NaN counts as that too).
    ///
    /// # Panics
    /// If the two differ in length.
    pub fn sample(&mut self, ids: &[u32], logits: &[f32]) -> Option<Sampled> {
        assert_eq!(ids.len(), logits.len(), "each candidate needs a logit");
        self.candidates.clear();
        self.candidates.extend(logits.iter().copied().zip(ids.iter().copied()));
        self.choose()
    }

    fn choose(&mut self) -> Option<Sampled> {
        let Self { sampling, random, candidates } = self;
        candidates.retain(|(logit, _)| *logit > f32::NEG_INFINITY);
        let order = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        let &(top, best) = candidates.iter().min_by(|a, b| order(a, b))?;
        // An infinite best logit leaves only its equals.
        if top == f32::INFINITY {
            candidates.retain(|(logit, _)| *logit == top);
            candidates.iter_mut().for_each(|(logit, _)| *logit = 0.0);
        }
        let top = if top == f32::INFINITY { 0.0 } else { top };
        let total: f64 = candidates.iter().map(|(logit, _)| f64::from(logit - top).exp()).sum();
        let sampled =
            |id, logit: f32| Sampled { id, probability: (f64::from(logit - top).exp() / total) as f32 };
        // Written so that a NaN is greedy.
        let drawn = sampling.temperature > 0.0;
        if !drawn || candidates.len() == 1 {
            return Some(sampled(best, top));
        }
        let k = if sampling.top_k == 0 { candidates.len() } else { sampling.top_k.min(candidates.len()) };
        if k < candidates.len() {
            candidates.select_nth_unstable_by(k - 1, order);
            candidates.truncate(k);
        }
        candidates.sort_unstable_by(order);
        let weight =
            |logit: f32| ((f64::from(logit) - f64::from(top)) / f64::from(sampling.temperature)).exp();
        let sum: f64 = candidates.iter().map(|c| weight(c.0)).sum();
        let (mut kept, mut mass) = (0, 0.0);
        for (logit, _) in candidates.iter() {
            let w = weight(*logit);
            // The first always stays, whatever the settings.
            if kept > 0 && (mass >= f64::from(sampling.top_p) * sum || w < f64::from(sampling.min_p)) {
                break;
            }
            mass += w;
            kept += 1;
        }
        let mut left = random.unit() * mass;
        for &(logit, id) in &candidates[..kept] {
            left -= weight(logit);
            if left < 0.0 {
                return Some(sampled(id, logit));
            }
        }
        let (logit, id) = candidates[kept - 1];
        Some(sampled(id, logit))
    }
}

/// xoshiro256++.
#[derive(Clone, Debug)]
struct Random([u64; 4]);

impl Random {
    fn new(seed: u64) -> Self {
        let mut state = seed;
        Self(std::array::from_fn(|_| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }))
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// At least 0, below 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(sampling: Sampling, logits: &[f32], draws: usize) -> Vec<f64> {
        let mut sampler = Sampler::new(sampling);
        let mut counts = vec![0usize; logits.len()];
        for _ in 0..draws {
            counts[sampler.sample_all(logits).unwrap().id as usize] += 1;
        }
        counts.into_iter().map(|c| c as f64 / draws as f64).collect()
    }

    const WARM: Sampling = Sampling { temperature: 1.0, top_k: 0, top_p: 1.0, min_p: 0.0, seed: 7 };
    /// Probabilities 1/2, 1/4, 1/8, 1/8.
    const LOGITS: [f32; 4] = [0.0, 2.0 * std::f32::consts::LN_2, std::f32::consts::LN_2, 0.0];

    #[test]
    fn greedy_takes_the_best_and_the_smaller_id_of_equals() {
        let mut sampler = Sampler::new(Sampling::default());
        let sampled = sampler.sample(&[40, 9, 17, 3], &LOGITS).unwrap();
        assert_eq!(sampled.id, 9);
        assert!((sampled.probability - 0.5).abs() < 1e-6);
        assert_eq!(sampler.sample(&[8, 5], &[2.0, 2.0]).unwrap().id, 5);
        assert_eq!(
            Sampler::new(Sampling { temperature: f32::NAN, ..WARM }).sample_all(&LOGITS).unwrap().id,
            1
        );
    }

    #[test]
    fn draws_follow_the_probabilities_and_the_cuts() {
        let near = |got: Vec<f64>, want: [f64; 4]| {
            assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() < 0.015), "{got:?}, not {want:?}");
            got.iter().zip(want).filter(|(_, w)| *w == 0.0).for_each(|(g, _)| assert_eq!(*g, 0.0));
        };
        near(shares(WARM, &LOGITS, 20_000), [0.125, 0.5, 0.25, 0.125]);
        near(shares(Sampling { top_k: 2, ..WARM }, &LOGITS, 20_000), [0.0, 2.0 / 3.0, 1.0 / 3.0, 0.0]);
        near(shares(Sampling { top_p: 0.6, ..WARM }, &LOGITS, 20_000), [0.0, 2.0 / 3.0, 1.0 / 3.0, 0.0]);
        near(shares(Sampling { min_p: 0.4, ..WARM }, &LOGITS, 20_000), [0.0, 2.0 / 3.0, 1.0 / 3.0, 0.0]);
        near(shares(Sampling { top_p: 0.0, ..WARM }, &LOGITS, 100), [0.0, 1.0, 0.0, 0.0]);
        near(shares(Sampling { min_p: 9.0, ..WARM }, &LOGITS, 100), [0.0, 1.0, 0.0, 0.0]);
        near(shares(Sampling { top_k: 1, ..WARM }, &LOGITS, 100), [0.0, 1.0, 0.0, 0.0]);
        // Half the temperature squares the probabilities.
        let squares = [1.0 / 22.0, 16.0 / 22.0, 4.0 / 22.0, 1.0 / 22.0];
        near(shares(Sampling { temperature: 0.5, ..WARM }, &LOGITS, 20_000), squares);
    }

    #[test]
    fn a_seed_gives_the_same_draws() {
        let draw = |seed| {
            let mut sampler = Sampler::new(Sampling { seed, ..WARM });
            (0..50).map(|_| sampler.sample_all(&LOGITS).unwrap().id).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        // The published first outputs of SplitMix64 from seed 0, which are the generator's state.
        assert_eq!(Random::new(0).0[..2], [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4]);
    }

    #[test]
    fn impossible_candidates_are_never_taken() {
        let mut sampler = Sampler::new(WARM);
        assert_eq!(sampler.sample(&[], &[]), None);
        assert_eq!(sampler.sample(&[1, 2], &[f32::NEG_INFINITY, f32::NAN]), None);
        for _ in 0..100 {
            assert_eq!(sampler.sample(&[1, 2, 3], &[f32::NEG_INFINITY, -5.0, f32::NAN]).unwrap().id, 2);
            let sampled = sampler.sample(&[1, 2, 3], &[f32::INFINITY, 5.0, f32::INFINITY]).unwrap();
            assert!(sampled.id != 2 && sampled.probability == 0.5);
        }
    }

    #[test]
    fn probabilities_are_those_before_temperature_and_cuts() {
        let mut sampler = Sampler::new(Sampling { temperature: 9.0, top_k: 1, ..WARM });
        assert!((sampler.sample_all(&LOGITS).unwrap().probability - 0.5).abs() < 1e-6);
    }
}
