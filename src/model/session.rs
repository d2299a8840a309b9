//! One run of a model: the cache of what was fed, scratch rows, and the forward pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::cache::Cache;
use super::copies::Copies;
use super::language_model::check_feed;
use super::{Config, Gate, LanguageModel, Layer, LayerPlan, Model, ModelError, Rope};
use crate::kernels::{
    Cpu, Heads, Input, Pool, Product, Quantized, RopeTable, add, attend, gelu_mul, matmul, matmul_rows,
    rmsnorm, rmsnorm_in_place, silu_mul,
};

/// Tokens that go through the layers together. More would reuse weights better still, but scratch grows with it
/// (about 6 rows of the feed-forward width a token) and so does the time to notice a cancellation.
const CHUNK: usize = 64;
/// The same for a narrow model, whose layers stay in the processor's cache from one chunk to the next: with the bundled one prompts take 3 % longer,
/// and scratch is half as large (0.3 MB less).
const NARROW_CHUNK: usize = 32;
/// Up to this width a model is narrow.
const NARROW: usize = 256;

fn chunk(config: &Config) -> usize {
    if config.width <= NARROW { NARROW_CHUNK } else { CHUNK }
}

/// How to run a model.
#[derive(Clone, Debug)]
pub struct Options {
    /// Most tokens in the cache; `None` takes the model's own context.
    pub context: Option<usize>,
    /// Threads to compute with, the caller's included; 0 takes one a core. Results do not depend on it.
    pub threads: usize,
    /// The instruction set.
    pub cpu: Cpu,
    /// Most bytes that copies of the weights in a form that decodes faster may take (about the size of the model; made little by
    /// little from the ninth decoded token on, if the machine has kernels for it). `None` is a quarter of the memory that the
    /// system has available, or of its control group's limit; 0 keeps to the file's form.
    pub copies: Option<usize>,
    /// Set from elsewhere, it ends a `feed` at the next layer with [`ModelError::Cancelled`]. Whoever set it clears it.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { context: None, threads: 0, cpu: Cpu::best(), copies: None, cancel: None }
    }
}

/// A model at work.
#[derive(Debug)]
pub struct Session {
    model: Arc<Model>,
    pool: Pool,
    cpu: Cpu,
    cancel: Option<Arc<AtomicBool>>,
    cache: Cache,
    copies: Copies,
    context: usize,
    len: usize,
    ropes: Vec<RopeTable>,
    scratch: Scratch,
    /// The last fed token after the output norm; meaningless unless `fresh`.
    hidden: Vec<f32>,
    fresh: bool,
    logits: Vec<f32>,
    passes: u64,
}

/// What a session was fed, set aside: [`Session::exchange`] takes it up again, so that two prompts can be gone back to in turn and
/// neither is computed twice.
#[derive(Debug)]
pub struct Past {
    cache: Cache,
    len: usize,
}

/// Rows of a chunk, `tokens` of each.
#[derive(Debug)]
struct Scratch {
    /// The residual stream, `[width]`.
    x: Vec<f32>,
    /// Normed, or what goes back to the stream, `[width]`.
    y: Vec<f32>,
    /// Queries, then `[q_width]` of attention's result in `heads`.
    q: Vec<f32>,
    heads: Vec<f32>,
    /// `[kv_width]` each.
    k: Vec<f32>,
    v: Vec<f32>,
    /// `[ffn]` each.
    gate: Vec<f32>,
    up: Vec<f32>,
    /// One row of the context for each query head.
    scores: Vec<f32>,
    codes: Quantized,
}

impl Session {
    /// An empty session. Memory: [`Session::cache_bytes`], resident as it fills, and [`Session::scratch_bytes`].
    ///
    /// # Errors
    /// [`ModelError::Context`] for a context of 0 or beyond the model's own, [`ModelError::Memory`].
    pub fn new(model: Arc<Model>, options: Options) -> Result<Self, ModelError> {
        let config = model.config();
        let context = options.context.unwrap_or(config.context);
        if context == 0 || context > config.context {
            return Err(ModelError::Context { asked: context, most: config.context });
        }
        let rope = |rope: &Rope| {
            let (style, dims) = (config.architecture.rope_style, config.rope_dims);
            let factors = model.weights().rope_factors();
            RopeTable::new(style, rope.base, rope.scale, dims, factors, chunk(config).min(context))
        };
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if options.threads == 0 { cores() } else { options.threads };
        Ok(Self {
            cache: Cache::new(config, context)?,
            copies: Copies::new(&model, options.cpu, options.copies),
            ropes: config.ropes.iter().map(rope).collect(),
            scratch: Scratch::new(config, chunk(config).min(context), context),
            hidden: vec![0.0; config.width],
            fresh: false,
            logits: Vec::new(),
            passes: 0,
            pool: Pool::new(threads),
            cpu: options.cpu,
            cancel: options.cancel,
            context,
            len: 0,
            model,
        })
    }

    /// A past in which nothing was fed, for this session. Memory: [`Session::cache_bytes`] again, resident as it fills.
    ///
    /// # Errors
    /// [`ModelError::Memory`].
    pub fn another_past(&self) -> Result<Past, ModelError> {
        Ok(Past { cache: Cache::new(self.model.config(), self.context)?, len: 0 })
    }

    /// Goes on from another past and sets the present one aside in its place. There are no logits before the next token.
    ///
    /// # Panics
    /// When the past is that of a session with another model or context.
    pub fn exchange(&mut self, past: &mut Past) {
        assert_eq!(past.cache.bytes(), self.cache.bytes(), "the past of another session");
        std::mem::swap(&mut self.cache, &mut past.cache);
        std::mem::swap(&mut self.len, &mut past.len);
        self.fresh = false;
    }

    /// The model it runs.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Bytes of the key-value cache when the context is full.
    pub fn cache_bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// Bytes of the rows that a chunk of tokens needs.
    pub fn scratch_bytes(&self) -> usize {
        let s = &self.scratch;
        let rows = [&s.x, &s.y, &s.q, &s.heads, &s.k, &s.v, &s.gate, &s.up, &s.scores];
        rows.into_iter().map(|row| row.capacity() * 4).sum::<usize>() + s.codes.bytes()
    }

    /// Bytes of the weights' copies so far ([`Options::copies`]).
    pub fn copies_bytes(&self) -> usize {
        self.copies.bytes()
    }

    /// Threads it computes with.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Times that the layers' weights were gone through since the start.
    pub fn passes(&self) -> u64 {
        self.passes
    }

    /// Puts a chunk through all layers; `last` says that logits may follow, so that its last token must come out.
    fn forward(&mut self, tokens: &[u32], last: bool) -> Result<(), ModelError> {
        let Self { model, pool, cpu, cache, copies, ropes, scratch, .. } = self;
        let (config, weights, cpu) = (model.config(), model.weights(), *cpu);
        scratch.resize(config, tokens.len());
        if tokens.len() == 1 {
            copies.advance(pool, cpu, weights);
        }
        let embedding = weights.embedding();
        for (x, &token) in scratch.x.chunks_exact_mut(config.width).zip(tokens) {
            embedding.dequantize_row(token as usize, x);
            if config.embedding_scale != 1.0 {
                x.iter_mut().for_each(|x| *x *= config.embedding_scale);
            }
        }
        ropes.iter_mut().for_each(|rope| rope.prepare(self.len, tokens.len()));
        for (i, plan) in config.layers.iter().enumerate() {
            if self.cancel.as_ref().is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
                return Err(ModelError::Cancelled);
            }
            let layer = copies.beside(plan.block, weights.block(plan.block));
            let rope = plan.rope.map(|rope| &ropes[rope]);
            let mut step = Step { config, pool, cpu, scratch };
            // The last layer serves only the logits: tokens other than the last need nothing but keys and values there.
            let alone = i + 1 == config.layers.len() && (tokens.len() > 1 || !last);
            step.project(&layer, rope, !alone);
            cache.store(i, self.len, &step.scratch.k, &step.scratch.v);
            let mut first = self.len;
            if alone {
                if !last {
                    break;
                }
                first += tokens.len() - 1;
                step.keep_last(&layer, rope, tokens.len());
            }
            step.attention(&layer, plan, first, cache.keys(i), cache.values(i));
            step.feed_forward(&layer);
        }
        if last {
            rmsnorm(cpu, &scratch.x, weights.output_norm(), config.eps, &mut self.hidden);
        }
        self.len += tokens.len();
        self.passes += 1;
        Ok(())
    }
}

impl LanguageModel for Session {
    fn vocab_size(&self) -> usize {
        self.model.config().vocab
    }

    fn context(&self) -> usize {
        self.context
    }

    fn len(&self) -> usize {
        self.len
    }

    fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.len = len;
            self.fresh = false;
        }
    }

    fn feed(&mut self, tokens: &[u32]) -> Result<(), ModelError> {
        check_feed(self, tokens)?;
        let size = chunk(self.model.config());
        let chunks = tokens.len().div_ceil(size);
        for (i, chunk) in tokens.chunks(size).enumerate() {
            self.fresh = false;
            self.forward(chunk, i + 1 == chunks)?;
            self.fresh = i + 1 == chunks;
        }
        Ok(())
    }

    fn logits(&mut self, rows: Option<&[u32]>) -> &[f32] {
        let head = self.copies.beside_head(self.model.weights().head());
        self.logits.clear();
        self.logits.resize(rows.map_or(head.rows(), <[u32]>::len), 0.0);
        if !self.fresh {
            return &self.logits;
        }
        let input = Input::quantized(self.cpu, &self.hidden, head.cols(), &mut self.scratch.codes);
        match rows {
            Some(rows) => matmul_rows(self.cpu, &head, &input, rows, &mut self.logits),
            None => {
                let products = &mut [Product { matrix: head, out: &mut self.logits }];
                matmul(&self.pool, self.cpu, &input, products);
            }
        }
        &self.logits
    }
}

impl Scratch {
    fn new(config: &Config, tokens: usize, context: usize) -> Self {
        let widest = config.ffn.max(config.width).max(config.q_width());
        let mut scratch = Self {
            x: Vec::new(),
            y: Vec::new(),
            q: Vec::new(),
            heads: Vec::new(),
            k: Vec::new(),
            v: Vec::new(),
            gate: Vec::new(),
            up: Vec::new(),
            scores: vec![0.0; config.heads * context],
            codes: Quantized::with_capacity(tokens * widest),
        };
        scratch.resize(config, tokens);
        scratch
    }

    /// Makes every row buffer `tokens` long; within the capacity of the first call nothing is allocated.
    fn resize(&mut self, config: &Config, tokens: usize) {
        let Self { x, y, q, heads, k, v, gate, up, .. } = self;
        let sizes = [
            (config.width, [Some(x), Some(y)]),
            (config.q_width(), [Some(q), Some(heads)]),
            (config.kv_width(), [Some(k), Some(v)]),
            (config.ffn, [Some(gate), Some(up)]),
        ];
        for (width, rows) in sizes {
            rows.into_iter().flatten().for_each(|row| row.resize(tokens * width, 0.0));
        }
    }
}

/// The parts of a layer, over a chunk's scratch rows.
struct Step<'a> {
    config: &'a Config,
    pool: &'a Pool,
    cpu: Cpu,
    scratch: &'a mut Scratch,
}

impl Step<'_> {
    /// `q, k, v = norm(x) W (+ b)`, heads normed and turned as the family does; without `queries` the first is left out.
    fn project(&mut self, layer: &Layer<'_>, rope: Option<&RopeTable>, queries: bool) {
        let Scratch { x, y, q, k, v, codes, .. } = &mut *self.scratch;
        rmsnorm(self.cpu, x, layer.attn_norm, self.config.eps, y);
        let input = Input::quantized(self.cpu, y, self.config.width, codes);
        let mut products = [
            Product { matrix: layer.k, out: k },
            Product { matrix: layer.v, out: v },
            Product { matrix: layer.q, out: q },
        ];
        let count = if queries { 3 } else { 2 };
        matmul(self.pool, self.cpu, &input, &mut products[..count]);
        if let Some([_, _, bias]) = layer.biases {
            v.chunks_exact_mut(bias.len()).for_each(|row| add(self.cpu, row, bias));
        }
        let [q_bias, k_bias] = layer.biases.map_or([None; 2], |[q, k, _]| [Some(q), Some(k)]);
        let [q_norm, k_norm] = layer.head_norms.map_or([None; 2], |norms| norms.map(Some));
        let kv_width = self.config.kv_width();
        self.finish_heads(Which::Keys, k_bias, k_norm, rope, 0, kv_width);
        if queries {
            self.finish_heads(Which::Queries, q_bias, q_norm, rope, 0, self.config.q_width());
        }
    }

    /// Drops all rows but the last of `tokens` and makes its queries.
    fn keep_last(&mut self, layer: &Layer<'_>, rope: Option<&RopeTable>, tokens: usize) {
        let width = self.config.width;
        for row in [&mut self.scratch.x, &mut self.scratch.y] {
            row.copy_within((tokens - 1) * width.., 0);
        }
        self.scratch.resize(self.config, 1);
        let Scratch { y, q, codes, .. } = &mut *self.scratch;
        let input = Input::quantized(self.cpu, y, width, codes);
        matmul(self.pool, self.cpu, &input, &mut [Product { matrix: layer.q, out: q }]);
        let (bias, norm) = (layer.biases.map(|b| b[0]), layer.head_norms.map(|n| n[0]));
        self.finish_heads(Which::Queries, bias, norm, rope, tokens - 1, self.config.q_width());
    }

    /// What happens to rows of queries or keys after the product: bias, norm of each head, turn; the first row is the
    /// table's position `at`.
    fn finish_heads(
        &mut self,
        which: Which,
        bias: Option<&[f32]>,
        norm: Option<&[f32]>,
        rope: Option<&RopeTable>,
        at: usize,
        width: usize,
    ) {
        let rows = match which {
            Which::Queries => &mut self.scratch.q,
            Which::Keys => &mut self.scratch.k,
        };
        for (i, row) in rows.chunks_exact_mut(width).enumerate() {
            if let Some(bias) = bias {
                add(self.cpu, row, bias);
            }
            if let Some(norm) = norm {
                rmsnorm_in_place(self.cpu, row, norm, self.config.eps);
            }
            if let Some(rope) = rope {
                row.chunks_exact_mut(self.config.head_dim).for_each(|head| rope.turn(at + i, head));
            }
        }
    }

    /// `x += attention(q, cache) Wo` for tokens from position `first` on.
    fn attention(&mut self, layer: &Layer<'_>, plan: &LayerPlan, first: usize, keys: &[u16], values: &[u16]) {
        let Config { heads, kv_heads, head_dim, attention_scale: scale, .. } = *self.config;
        let Scratch { x, y, q, heads: result, scores, codes, .. } = &mut *self.scratch;
        let shape = Heads { heads, kv_heads, head_dim, scale, window: plan.window.unwrap_or(usize::MAX) };
        attend(self.pool, self.cpu, shape, q, first, keys, values, scores, result);
        let input = Input::quantized(self.cpu, result, heads * head_dim, codes);
        matmul(self.pool, self.cpu, &input, &mut [Product { matrix: layer.out, out: y }]);
        if let Some([norm, _]) = layer.post_norms {
            rmsnorm_in_place(self.cpu, y, norm, self.config.eps);
        }
        add(self.cpu, x, y);
    }

    /// `x += (gate(norm(x) Wgate) * (norm(x) Wup)) Wdown`.
    fn feed_forward(&mut self, layer: &Layer<'_>) {
        let Scratch { x, y, gate, up, codes, .. } = &mut *self.scratch;
        rmsnorm(self.cpu, x, layer.ffn_norm, self.config.eps, y);
        let input = Input::quantized(self.cpu, y, self.config.width, codes);
        let products =
            &mut [Product { matrix: layer.gate, out: gate }, Product { matrix: layer.up, out: up }];
        matmul(self.pool, self.cpu, &input, products);
        match self.config.architecture.gate {
            Gate::Silu => silu_mul(self.cpu, gate, up),
            Gate::Gelu => gelu_mul(self.cpu, gate, up),
        }
        let input = Input::quantized(self.cpu, gate, self.config.ffn, codes);
        matmul(self.pool, self.cpu, &input, &mut [Product { matrix: layer.down, out: y }]);
        if let Some([_, norm]) = layer.post_norms {
            rmsnorm_in_place(self.cpu, y, norm, self.config.eps);
        }
        add(self.cpu, x, y);
    }
}

/// Rows that heads are finished of.
enum Which {
    Queries,
    Keys,
}
