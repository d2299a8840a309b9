//! Pintail: an offline agent for small Linux boards.
//!
//! A sentence goes in, pins move: text → agent state → prompt → tokens → model → logits → grammar
//! mask → call → safety check → tool or board → result → transition → reply. A folder per station,
//! in that order; a station uses those above it in the list, never those below.
//!
//! | station | owns |
//! | --- | --- |
//! | [`gguf`] | model files: metadata and tensors, checked, in the map |
//! | [`tokenizer`] | text to token ids and back |
//! | [`kernels`] | arithmetic on quantised rows; the only place that knows CPU features |
//! | [`quantize`] | model files in fewer bits |
//! | [`convert`] | Hugging Face folders as model files |
//! | [`model`] | the forward pass and the KV cache |
//! | [`grammar`] | GBNF and JSON Schema to an automaton, and its token masks |
//! | [`decode`] | sampling under a grammar |
//! | [`board`] | devices and their lines, simulated or real |
//! | [`sandbox`] | the cage that user tools run in |
//! | [`tool`] | calls, built-in tools, the user's own tools |
//! | [`agent`] | agent files, checked; the pure statechart |
//! | [`link`] | mentions of devices, areas, kinds and numbers in a request; misspelt words; orders for another time; what is asked amid talk; other languages |
//! | [`prompt`] | turns rendered to prompt and grammar (chat templates for other models), answers read back as calls |
//! | [`safety`] | the one way to the board |
//! | [`turn`] | one turn, whole: a request read, checked, acted on, answered |
//! | [`corpus`] | worlds and sentences for training and calibration |
//! | [`eval`] | scoring of recorded and of drawn requests; what the matcher alone finds |
//! | [`repl`] | the interactive session |
//! | [`cli`] | the commands |

pub mod agent;
pub mod board;
pub mod cli;
pub mod convert;
pub mod corpus;
pub mod decode;
pub mod eval;
pub mod gguf;
pub mod grammar;
pub mod kernels;
pub mod link;
pub mod model;
pub mod prompt;
pub mod quantize;
pub mod repl;
pub mod safety;
pub mod sandbox;
pub mod tokenizer;
pub mod tool;
pub mod turn;
