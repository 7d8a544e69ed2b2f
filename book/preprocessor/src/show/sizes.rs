//! `{{#sizes KEY …}}`: measured sizes as bars, and as a table for readers without pictures.

use mslab_core::text::escape;
use mslab_core::units::Bytes;
use serde::Deserialize;

use super::{Args, Directive};
use crate::fault::{Fault, Result};
use crate::html;
use crate::page::Page;

pub(super) const SIZES: Directive = Directive {
    name: "sizes",
    usage: "`{{#sizes KEY [KEY …]}}`, with keys of `book/sizes.toml`",
    options: &[],
    words: (1, usize::MAX),
    show,
};

const FILE: &str = "book/sizes.json";

/// `book/sizes.json`, which `make sizes` writes.
#[derive(Debug, Deserialize)]
struct Sizes {
    sizes: Vec<Size>,
}

/// One image. What was measured on stand-ins and what was measured on Docker Hub's images are never mixed.
#[derive(Debug, Deserialize)]
struct Size {
    key: String,
    title: String,
    base: String,
    claim: Option<String>,
    stand_in: Option<Measured>,
    hub: Option<Measured>,
}

#[derive(Debug, Deserialize)]
struct Measured {
    unpacked_bytes: u64,
    compressed_bytes: Option<u64>,
    engine: Engine,
    date: String,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Engine {
    name: String,
    version: String,
    image_store: String,
    platform: String,
}

/// A size with the column that is shown.
struct Shown<'a> {
    size: &'a Size,
    measured: &'a Measured,
}

fn show(page: &mut Page<'_>, args: &Args<'_>) -> Result<String> {
    let text = page.site.text(FILE).map_err(|fault| {
        Fault::new(
            fault.message,
            "`make sizes` measures what `book/sizes.toml` names, and writes it.",
        )
    })?;
    let sizes: Sizes = serde_json::from_str(&text).map_err(|e| {
        Fault::new(
            format!("`{FILE}` cannot be read: {e}"),
            "`make sizes` writes it anew.",
        )
    })?;
    let mut chosen = Vec::new();
    for key in &args.words {
        let Some(size) = sizes.sizes.iter().find(|s| s.key == *key) else {
            let mut fault = Fault::unknown(
                "no measured size",
                key,
                sizes.sizes.iter().map(|s| s.key.as_str()),
            );
            fault
                .help
                .push_str(" A new key of `book/sizes.toml` is measured by `make sizes`.");
            return Err(fault);
        };
        chosen.push(size);
    }
    let (shown, stand_in) = column(&chosen)?;
    let note = note(&shown, stand_in);
    if page.is_html() {
        Ok(as_html(page, &shown, &note))
    } else {
        Ok(format!("{}\n{note}\n", table(&shown)))
    }
}

/// All from one column: real images where all were measured on them, else stand-ins.
fn column<'a>(chosen: &[&'a Size]) -> Result<(Vec<Shown<'a>>, bool)> {
    let columns: [fn(&Size) -> Option<&Measured>; 2] =
        [|s| s.hub.as_ref(), |s| s.stand_in.as_ref()];
    for (n, column) in columns.into_iter().enumerate() {
        let all: Option<Vec<Shown<'a>>> = chosen
            .iter()
            .map(|size| column(size).map(|measured| Shown { size, measured }))
            .collect();
        if let Some(all) = all {
            return Ok((all, n == 1));
        }
    }
    let keys: Vec<&str> = chosen.iter().map(|s| s.key.as_str()).collect();
    Err(Fault::new(
        format!(
            "{} were not measured on the same kind of base images",
            keys.join(" and ")
        ),
        "`make sizes` measures them all on one engine.",
    ))
}

/// Where, when and on what it was measured.
fn note(shown: &[Shown<'_>], stand_in: bool) -> String {
    let mut engines: Vec<String> = Vec::new();
    for s in shown {
        let e = &s.measured.engine;
        let named = format!(
            "{} {} ({}, {})",
            e.name, e.version, e.image_store, e.platform
        );
        if !engines.contains(&named) {
            engines.push(named);
        }
    }
    let mut dates: Vec<&str> = shown.iter().map(|s| s.measured.date.as_str()).collect();
    dates.sort_unstable();
    dates.dedup();
    let bases = if stand_in {
        "On stand-ins for the base images, which are smaller than most of the real ones: compare the steps, not the megabytes."
    } else {
        "On the base images of Docker Hub."
    };
    format!(
        "Measured by mslab as unpacked files, with {}, {}. {bases}",
        engines.join(" and "),
        dates.join(" and ")
    )
}

fn as_html(page: &mut Page<'_>, shown: &[Shown<'_>], note: &str) -> String {
    let id = page.id("sizes");
    let most = shown
        .iter()
        .map(|s| s.measured.unpacked_bytes)
        .max()
        .unwrap_or(1)
        .max(1);
    let mut out = format!(
        "<figure class=\"mslab-sizes\" aria-labelledby=\"{id}\">\n<div class=\"mslab-bars\" aria-hidden=\"true\">\n"
    );
    for s in shown {
        let part = s.measured.unpacked_bytes as f64 * 100.0 / most as f64;
        let claim = s.size.claim.as_deref().map_or_else(String::new, |claim| {
            let claim = html::text(claim);
            format!(" <span class=\"mslab-claim\">older texts say {claim}</span>")
        });
        out.push_str(&format!(
            "<div class=\"mslab-bar-row\"><span class=\"mslab-bar-name\">{}{claim}</span>\
             <span class=\"mslab-track\"><span class=\"mslab-bar\" style=\"width:{part:.1}%\"></span></span>\
             <span class=\"mslab-bar-size\">{}</span></div>\n",
            html::inline(&s.size.title),
            Bytes(s.measured.unpacked_bytes)
        ));
    }
    out.push_str(&format!(
        "</div>\n<details class=\"mslab-numbers\"><summary>The numbers</summary>\n\
         <div class=\"mslab-scroll\" tabindex=\"0\" role=\"group\" aria-label=\"A table of sizes\">\n{}</div></details>\n\
         <figcaption id=\"{id}\">{}</figcaption>\n</figure>\n",
        html::markdown(&table(shown), 6),
        html::prose(note)
    ));
    html::whole(&out)
}

/// The numbers as a Markdown table. A column that nobody fills is left out.
fn table(shown: &[Shown<'_>]) -> String {
    let has_compressed = shown.iter().any(|s| s.measured.compressed_bytes.is_some());
    let has_claim = shown.iter().any(|s| s.size.claim.is_some());
    let mut head = vec!["image", "base", "unpacked"];
    if has_compressed {
        head.push("compressed");
    }
    if has_claim {
        head.push("as older texts say");
    }
    let rule: Vec<&str> = head
        .iter()
        .enumerate()
        .map(|(n, _)| if n < 2 { "---" } else { "---:" })
        .collect();
    let mut out = format!("| {} |\n|{}|\n", head.join(" | "), rule.join("|"));
    for s in shown {
        let mut row = vec![
            s.size.title.clone(),
            escape::markdown_code(&s.size.base),
            Bytes(s.measured.unpacked_bytes).to_string(),
        ];
        if has_compressed {
            row.push(
                s.measured
                    .compressed_bytes
                    .map_or_else(|| "–".into(), |b| Bytes(b).to_string()),
            );
        }
        if has_claim {
            row.push(
                s.size
                    .claim
                    .as_deref()
                    .map_or_else(|| "–".into(), escape::markdown),
            );
        }
        out.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    out
}
