//! Where a grammar comes from: a GBNF file, a JSON Schema file, a grammar's name.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};

use crate::gguf::{Bytes, Gguf};
use crate::grammar::{Grammar, GrammarBuilder, GrammarError, RuleId, gbnf, schema, shipped};
use crate::tokenizer::Tokenizer;

/// The grammar to look at.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Source {
    /// A GBNF grammar (FILE.gbnf, or the name of one that comes with pintail) or a JSON Schema (FILE.json)
    #[arg(value_name = "FILE", required_unless_present_any = ["schema", "grammar"], conflicts_with_all = ["schema", "grammar"])]
    file: Option<PathBuf>,
    /// A file with a JSON Schema, whatever its name
    #[arg(long, value_name = "FILE", conflicts_with = "grammar")]
    schema: Option<PathBuf>,
    /// A file with a GBNF grammar, whatever its name
    #[arg(long, value_name = "FILE")]
    grammar: Option<PathBuf>,
    /// The GGUF file whose vocabulary has the tokens that a GBNF grammar names (`<text>`)
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    layout: Layout,
}

/// How the texts of a JSON Schema are laid out.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Layout {
    /// JSON Schema: properties in any order, not in the schema's
    #[arg(long)]
    any_order: bool,
    /// JSON Schema: up to N blanks, tabs and line ends between the parts of a text; none without
    #[arg(long, value_name = "N", default_value_t = 0)]
    whitespace: u32,
}

impl Layout {
    /// As the compiler takes it.
    pub fn options(self) -> schema::Options {
        schema::Options {
            any_order: self.any_order,
            whitespace: self.whitespace,
            ..schema::Options::default()
        }
    }

    /// Whether texts are compact JSON.
    pub fn is_compact(self) -> bool {
        self.whitespace == 0
    }

    /// Refuses what a GBNF grammar does not know.
    pub fn forbid(self) -> anyhow::Result<()> {
        if self.any_order || self.whitespace > 0 {
            bail!(
                "--any-order and --whitespace are for JSON Schemas: a GBNF grammar says itself what it allows"
            );
        }
        Ok(())
    }
}

/// The language that a grammar is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Gbnf,
    Schema,
}

impl Language {
    pub fn name(self) -> &'static str {
        match self {
            Language::Gbnf => "GBNF",
            Language::Schema => "JSON Schema",
        }
    }
}

/// A grammar that was read and not built yet.
pub struct Parts {
    /// The file, or `(inside pintail) NAME.gbnf`.
    pub file: String,
    pub language: Language,
    pub builder: GrammarBuilder,
    pub root: RuleId,
    pub warnings: Vec<String>,
    layout: Layout,
    /// What `<text>` names tokens of.
    pub tokenizer: Option<Tokenizer>,
    started: Instant,
}

/// A grammar ready to run.
pub struct Built {
    pub file: String,
    pub language: Language,
    pub grammar: Grammar,
    pub warnings: Vec<String>,
    pub layout: Layout,
    pub tokenizer: Option<Tokenizer>,
    /// From the text to the grammar.
    pub took: Duration,
}

impl Source {
    /// Reads the grammar.
    pub fn parts(&self) -> anyhow::Result<Parts> {
        let (path, language) = match (&self.file, &self.schema, &self.grammar) {
            (_, Some(path), _) => (path, Language::Schema),
            (_, _, Some(path)) => (path, Language::Gbnf),
            (Some(path), ..) => (path, language(path)?),
            _ => bail!("no grammar was named"),
        };
        let layout = self.layout;
        if language == Language::Gbnf {
            layout.forbid().with_context(|| path.display().to_string())?;
        }
        let tokenizer = self.model.as_deref().map(tokenizer).transpose()?;
        let (file, text) = match language {
            Language::Gbnf => gbnf_text(path)?,
            Language::Schema => (path.display().to_string(), read_text(path)?),
        };
        let started = Instant::now();
        let (builder, root, warnings) = match language {
            Language::Gbnf => read_gbnf(&text, tokenizer.as_ref()),
            Language::Schema => read_schema(&text, layout.options()),
        }
        .with_context(|| file.clone())?;
        Ok(Parts { file, language, builder, root, warnings, layout, tokenizer, started })
    }

    /// Reads and builds the grammar; warnings go to standard error.
    pub fn build(&self) -> anyhow::Result<Built> {
        let built = self.parts()?.build()?;
        built.warn();
        Ok(built)
    }
}

impl Parts {
    pub fn build(self) -> anyhow::Result<Built> {
        let Parts { file, language, builder, root, warnings, layout, tokenizer, started } = self;
        let grammar = builder.build(root).with_context(|| file.clone())?;
        Ok(Built { file, language, grammar, warnings, layout, tokenizer, took: started.elapsed() })
    }
}

impl Built {
    /// Says on standard error what is not enforced or looks like a mistake.
    pub fn warn(&self) {
        for warning in &self.warnings {
            eprintln!("warning: {}: {}", self.file, crate::repl::escaped(warning));
        }
    }
}

/// The language by a file's ending; a name without one is a grammar's.
fn language(path: &Path) -> anyhow::Result<Language> {
    match path.extension().map(|ending| ending.to_ascii_lowercase()) {
        Some(ending) if ending == "gbnf" => Ok(Language::Gbnf),
        Some(ending) if ending == "json" => Ok(Language::Schema),
        None => Ok(Language::Gbnf),
        Some(_) => {
            bail!("{}: neither .gbnf nor .json: say --grammar or --schema before it", path.display())
        }
    }
}

fn read_gbnf(
    text: &str,
    tokenizer: Option<&Tokenizer>,
) -> Result<(GrammarBuilder, RuleId, Vec<String>), GrammarError> {
    let parts = gbnf::parts(text, &|name| tokenizer.and_then(|tokenizer| tokenizer.token_id(name)))?;
    let warnings = parts.builder.unused(parts.root).into_iter();
    let warnings = warnings.map(|name| format!("rule `{name}` is not used by `root`")).collect();
    Ok((parts.builder, parts.root, warnings))
}

fn read_schema(
    text: &str,
    options: schema::Options,
) -> Result<(GrammarBuilder, RuleId, Vec<String>), GrammarError> {
    let schema = serde_json::from_str(text).map_err(|error| GrammarError::Json(error.to_string()))?;
    let mut builder = GrammarBuilder::new();
    let (root, warnings) = schema::add(&mut builder, &schema, options)?;
    Ok((builder, root, warnings))
}

/// The text of a GBNF file, or of the grammar of that name: in the user's and the system's data directories, or
/// inside the program.
pub fn gbnf_text(path: &Path) -> anyhow::Result<(String, String)> {
    let name = path.to_str().filter(|name| !name.is_empty() && !name.contains(['/', '.']));
    match name {
        Some(name) if !path.exists() => named(name),
        _ => Ok((path.display().to_string(), read_text(path)?)),
    }
}

fn named(name: &str) -> anyhow::Result<(String, String)> {
    let user = std::env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    let system = ["/usr/local/share", "/usr/share"].map(PathBuf::from);
    for folder in user.into_iter().chain(system) {
        let file = folder.join("pintail/grammars").join(format!("{name}.gbnf"));
        if file.exists() {
            return Ok((file.display().to_string(), read_text(&file)?));
        }
    }
    let inside = shipped().find(|(known, _)| *known == name);
    let (_, text) = inside.ok_or_else(|| {
        let names: Vec<&str> = shipped().map(|(name, _)| name).collect();
        anyhow!(
            "{name}: there is no such file, and no grammar of that name comes with pintail (there are: {})",
            names.join(", ")
        )
    })?;
    Ok((format!("(inside pintail) {name}.gbnf"), text.to_owned()))
}

/// The text of a file; what is not UTF-8 is named with its place.
pub fn read_text(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    String::from_utf8(bytes).map_err(|error| {
        anyhow!("{}: not UTF-8 at byte {}", path.display(), error.utf8_error().valid_up_to())
    })
}

/// A file to be read.
pub fn open(path: &Path) -> anyhow::Result<File> {
    match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("{}: there is no such file", path.display())
        }
        file => file.with_context(|| path.display().to_string()),
    }
}

/// The tokenizer of a GGUF file.
pub fn tokenizer(path: &Path) -> anyhow::Result<Tokenizer> {
    let place = || path.display().to_string();
    let file = Gguf::parse(Bytes::map(path)?).with_context(place)?;
    Tokenizer::from_gguf(&file).with_context(place)
}
