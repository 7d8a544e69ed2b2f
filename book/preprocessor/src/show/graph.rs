//! `{{#graph PATH [target=NAME]}}`: the stage graph of a Dockerfile.

use mslab_core::dockerfile;
use mslab_core::stages::{BuildOptions, Stage, StageGraph, draw};
use mslab_core::text::escape;

use super::{Args, Directive};
use crate::fault::{Fault, Result};
use crate::html;
use crate::page::Page;

pub(super) const GRAPH: Directive = Directive {
    name: "graph",
    usage: "`{{#graph PATH [target=NAME]}}`",
    options: &["target"],
    words: (1, 1),
    show,
};

fn show(page: &mut Page<'_>, args: &Args<'_>) -> Result<String> {
    let file = dockerfile::parse(page.site.source(args.words[0])?);
    let graph = StageGraph::build(&file, &BuildOptions::default());
    let path = file.source.name();
    if graph.stages.is_empty() {
        return Err(Fault::new(
            format!("`{path}` has no stage"),
            "A Dockerfile begins with FROM.",
        ));
    }
    let target = match args.option("target") {
        None => None,
        Some(name) => match graph.find(name) {
            Some(stage) => Some(stage.index),
            None => {
                let labels: Vec<String> = graph.stages.iter().map(Stage::label).collect();
                let known = labels.iter().map(String::as_str);
                return Err(Fault::unknown("no stage", name, known).within(path));
            }
        },
    };
    if !page.is_html() {
        let tree = draw::tree(&graph, &file, target);
        return Ok(format!(
            "The stages of `{path}`:\n\n{}",
            escape::markdown_fence("text", &tree)
        ));
    }
    let id = page.id("graph");
    let svg = readable(&renamed(&draw::svg(&graph, &file, target), &id));
    let shown = graph.stages.get(target.unwrap_or(graph.stages.len() - 1));
    let caption = match (args.option("target"), shown) {
        (Some(_), Some(stage)) => format!(
            " <span class=\"mslab-part\">target <code>{}</code></span>",
            html::text(&stage.label())
        ),
        _ => String::new(),
    };
    Ok(html::whole(&format!(
        "<figure class=\"mslab-picture\">\n<div class=\"mslab-scroll\" tabindex=\"0\" role=\"group\" \
         aria-label=\"Stages of {name}, a picture\">\n{svg}</div>\n\
         <figcaption><span class=\"mslab-name\">{name}</span>{caption}</figcaption>\n</figure>\n",
        name = html::text(path),
    )))
}

/// The picture no narrower than what can be read, which the theme decides: on a phone it is moved sideways.
fn readable(svg: &str) -> String {
    let width = svg
        .split_once(" width=\"")
        .and_then(|(_, rest)| rest.split_once('"'));
    let style = format!(
        "<svg style=\"min-width:min(var(--mslab-picture),{}px)\" ",
        width.map_or("0", |(w, _)| w)
    );
    svg.replacen("<svg ", &style, 1)
}

/// The picture with names that no other picture of the book has: one file may be drawn in two chapters, and all
/// chapters may stand on one page.
fn renamed(svg: &str, id: &str) -> String {
    let own = svg
        .split_once("aria-labelledby=\"")
        .and_then(|(_, rest)| rest.split_once("-title"))
        .map(|(own, _)| own);
    match own {
        Some(own) if !own.is_empty() => svg.replace(own, id),
        _ => svg.to_owned(),
    }
}
