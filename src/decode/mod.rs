//! Decoding under a grammar: sampler, forced text, budget.
