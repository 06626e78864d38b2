//! `upward vectors`: generate, check, list, show.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use md5::{Digest as _, Md5};
use upward_model::generate::{Generated, generate};
use upward_model::vector::{FORMAT, Tier, VectorFile};

use crate::catalogue::CATALOGUE;
use crate::cli::{Failure, TierName, protocol};
use crate::results::{RESULTS_FORMAT, Results};
use crate::vectors::{self, Retired, Selection, to_text};

/// The file that names these vectors, and no others: the first digits of a digest of all.
const GENERATION: &str = "generation";

/// The file of retired ids.
const RETIRED: &str = "retired.json";

/// The conformance vectors.
#[derive(Args, Clone, Debug)]
pub(super) struct Vectors {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Clone, Debug)]
enum Verb {
    /// Generates the vectors from the model, and the schemas of vectors and results.
    Generate {
        /// Where the files go.
        #[arg(long, default_value = "vectors")]
        directory: PathBuf,
    },
    /// Compares the committed vectors with what the model generates.
    Check {
        /// Where the committed files are.
        #[arg(long, default_value = "vectors")]
        directory: PathBuf,
    },
    /// Lists vectors.
    List {
        /// Only those of this protocol.
        #[arg(short, long)]
        protocol: Option<String>,
        /// Only those whose id matches this pattern.
        #[arg(short, long)]
        filter: Vec<String>,
        /// Only those up to this tier.
        #[arg(long, value_enum)]
        tier: Option<TierName>,
    },
    /// Shows one vector: what the attacker does, who is caught by it, and the dialogue.
    Show {
        /// Its id.
        id: String,
        /// The record itself.
        #[arg(long)]
        json: bool,
    },
}

impl Vectors {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        match &self.verb {
            Verb::Generate { directory } => write_all(directory),
            Verb::Check { directory } => check(directory),
            Verb::List { protocol, filter, tier } => list(protocol.as_deref(), filter, *tier),
            Verb::Show { id, json } => show(id, *json),
        }
    }
}

/// Every generated file, by its path below the folder. Protocols have nothing to do with each
/// other: each is generated on a thread of its own.
fn files() -> Vec<(String, String, Option<Generated>)> {
    let protocols = CATALOGUE.iter().map(|entry| entry.protocol);
    let mut files: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            protocols.map(|protocol| scope.spawn(|| generate(protocol))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .map(|generated| {
                let name = format!("{}.json", generated.file.protocol);
                (name, to_text(&generated.file), Some(generated))
            })
            .collect()
    });
    let schemas = [
        (format!("vectors-{FORMAT}"), schemars::schema_for!(VectorFile)),
        (format!("results-{RESULTS_FORMAT}"), schemars::schema_for!(Results)),
    ];
    // The digest in `upward --version`, which identifies this set of vectors.
    let digest = files.iter().fold(Md5::new(), |digest, (_, text, _)| digest.chain_update(text));
    let digest: String =
        digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    files.push((GENERATION.to_owned(), digest, None));
    for (name, schema) in schemas {
        let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        text.push('\n');
        files.push((format!("schema/{name}.json"), text, None));
    }
    files
}

fn write_all(directory: &Path) -> Result<u8, Failure> {
    let mut retired = retired_in(directory)?;
    for (name, text, generated) in files() {
        let path = directory.join(&name);
        if let Some(newer) = generated.as_ref().map(|generated| &generated.file)
            && let Ok(older) = vectors::load(&path)
        {
            retired.retire(&older, newer);
        }
        write(&path, &text)?;
        match generated {
            Some(generated) => outln!("{}", statistics(&generated)),
            None => outln!("{name}"),
        }
    }
    write(&directory.join(RETIRED), &retired.to_text())?;
    Ok(0)
}

/// The ids that a folder keeps as retired; none where there is no such file.
fn retired_in(directory: &Path) -> Result<Retired, Failure> {
    let path = directory.join(RETIRED);
    match std::fs::read_to_string(&path) {
        Ok(text) => Retired::parse(&text)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display()))),
        Err(_) => Ok(Retired::default()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::unwritten(path, &error);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

fn statistics(generated: &Generated) -> String {
    let Generated { file, coverage, standings } = generated;
    let up_to = |tier| file.vectors.iter().filter(|vector| vector.tier <= tier).count();
    let mut text = format!(
        "{}: {} smoke, {} standard, {} full; {} flaws shown",
        file.protocol,
        up_to(Tier::Smoke),
        up_to(Tier::Standard),
        up_to(Tier::Full),
        file.notes.len(),
    );
    for (policy, coverage) in coverage {
        let _ = write!(
            text,
            "\n  {policy}: {} of {} states and {} of {} possible transitions of the common client",
            coverage.states.0, coverage.states.1, coverage.taken, coverage.possible
        );
    }
    let _ = write!(text, "\n  {standings}");
    text
}

fn check(directory: &Path) -> Result<u8, Failure> {
    let mut stale = Vec::new();
    let mut revived = false;
    let retired = retired_in(directory)?;
    for (name, text, generated) in files() {
        let ids = generated.iter().flat_map(|generated| retired.revived(&generated.file));
        let before = stale.len();
        stale.extend(ids.map(|id| format!("{id} (retired: its id is never used again)")));
        revived |= stale.len() > before;
        let path = directory.join(&name);
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&*text) {
            stale.push(path.display().to_string());
        }
    }
    if stale.is_empty() {
        outln!("the committed vectors are what the model generates");
        return Ok(0);
    }
    outln!("not what the model generates: {}", stale.join(", "));
    outln!("run `upward vectors generate`, and review the change");
    if revived {
        outln!("an id that was never committed may be taken out of retired.json by hand");
    }
    Ok(1)
}

fn list(name: Option<&str>, filter: &[String], tier: Option<TierName>) -> Result<u8, Failure> {
    let names: Vec<&str> = match name {
        Some(name) => vec![protocol(name)?.name],
        None => CATALOGUE.iter().map(|entry| entry.protocol.name).collect(),
    };
    let selection =
        Selection { patterns: filter.to_vec(), tier: tier.map(Tier::from), policy: None };
    for name in names {
        let file = vectors::committed(name).map_err(|error| Failure::new(error.to_string()))?;
        let chosen = selection.of(file.vectors).map_err(|e| Failure::new(e.to_string()))?;
        for vector in chosen {
            outln!("{:<55} {}", vector.id, vector.summary);
        }
    }
    Ok(0)
}

fn show(id: &str, json: bool) -> Result<u8, Failure> {
    let vector = crate::cli::vector(id)?;
    if json {
        let text = serde_json::to_string_pretty(&vector);
        outln!("{}", text.map_err(|error| Failure::new(error.to_string()))?);
        return Ok(0);
    }
    outln!("{}", vector.id);
    outln!("  {}", vector.summary);
    outln!("  class     {} (policy {})", vector.class, vector.policy);
    let sound: Vec<&str> = vector.sound.iter().map(|outcome| outcome.name()).collect();
    outln!("  sound     {}", sound.join(", "));
    outln!("  at stake  {}", vector.properties.join(", "));
    outln!("  shows     {}", vector.kills.join(", "));
    outln!("  source    {}", vector.requirements.join("; "));
    outln!("  dialogue with a sound client");
    for line in &vector.transcript {
        outln!("    {line}");
    }
    Ok(0)
}
