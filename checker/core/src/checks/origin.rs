//! Which line of the learner's Dockerfile brought a layer, or a path, into the image.

use crate::diagnostic::{Finding, Place};
use crate::dockerfile::{Command, Instruction};
use crate::evidence::SourceEvidence;
use crate::image::Image;
use crate::provenance::attribute;
use crate::source::Span;
use crate::stages::Stage;
use crate::units::Bytes;

use super::View;
use super::started::shorten;

/// An image's layers beside the lines that made them.
pub(super) struct Origins<'a> {
    view: View<'a>,
    image: &'a Image,
    source: Option<&'a SourceEvidence>,
    lineage: Vec<&'a Stage>,
    /// For each layer the index of its instruction.
    lines: Vec<Option<usize>>,
    /// How many of the lowest layers are the base's.
    base: usize,
}

/// What brought a layer.
#[derive(Clone, Copy)]
pub(super) enum Brought<'a> {
    /// The base image: the `FROM` that names it.
    Base(&'a Instruction),
    /// An instruction of the target or of a stage that it starts from.
    Line(&'a Instruction),
    /// Not known: there is no Dockerfile, or the image was not made from it.
    Unknown,
}

impl<'a> Origins<'a> {
    /// The origins of the view's own image, or of another image that the same build made.
    pub(super) fn new(view: &View<'a>, image: &'a Image) -> Self {
        let source = view.source().ok();
        let lineage = view.lineage().unwrap_or_default();
        let origins = match (source, view.target()) {
            (Some(source), Ok(target)) => {
                attribute(image, &source.dockerfile, &source.graph, target.index)
            }
            _ => Vec::new(),
        };
        let lines = origins
            .iter()
            .map(|o| o.instruction.filter(|_| !o.base))
            .collect();
        let known = view
            .images()
            .ok()
            .and_then(|all| all.first())
            .and_then(|p| p.base_layers.seen().ok().copied());
        let guessed = || origins.iter().take_while(|o| o.base).count();
        Self {
            view: *view,
            image,
            source,
            lineage,
            base: known.unwrap_or_else(guessed).min(image.layers.len()),
            lines,
        }
    }

    /// How many of the lowest layers are the base image's.
    pub(super) fn base_layers(&self) -> usize {
        self.base
    }

    /// The `FROM` that the target's lineage begins with.
    pub(super) fn base_from(&self) -> Option<&'a Instruction> {
        let first = self.lineage.first()?;
        self.source?.dockerfile.instructions.get(first.from)
    }

    /// What brought the layer.
    pub(super) fn of_layer(&self, layer: usize) -> Brought<'a> {
        if layer < self.base {
            return self.base_from().map_or(Brought::Unknown, Brought::Base);
        }
        let line = self.lines.get(layer).copied().flatten();
        match (line, self.source) {
            (Some(i), Some(source)) => match source.dockerfile.instructions.get(i) {
                Some(instruction) => Brought::Line(instruction),
                None => Brought::Unknown,
            },
            _ => Brought::Unknown,
        }
    }

    /// The words that brought the layer; of a `COPY` with several sources the one that brought `path`.
    pub(super) fn span(&self, layer: usize, path: Option<&str>) -> Option<Span> {
        match self.of_layer(layer) {
            Brought::Unknown => None,
            Brought::Base(from) => Some(base_words(from)),
            Brought::Line(line) => Some(line_words(line, path)),
        }
    }

    /// A layer's origin for people: `RUN npm ci` with its line, `the base image node:24-alpine`, or the builder's own
    /// record.
    pub(super) fn describe(&self, layer: usize) -> String {
        match self.of_layer(layer) {
            Brought::Base(from) => match &from.command {
                Command::From { image, .. } => format!("the base image {}", image.text),
                _ => "the base image".to_owned(),
            },
            Brought::Line(line) => {
                let number = self
                    .source
                    .map_or(0, |s| s.dockerfile.source.position(line.span.start).line);
                let text = format!("{} {}", line.keyword_word.text, line.rest.text);
                let flags = line.flags.iter().find(|f| f.name.text == "from");
                let from = flags.and_then(|f| f.value.as_ref());
                let text = match from {
                    Some(from) => text.replacen(
                        &line.keyword_word.text,
                        &format!("{} --from={}", line.keyword_word.text, from.text),
                        1,
                    ),
                    None => text,
                };
                let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
                format!("line {number}: {}", shorten(&one_line, 60))
            }
            Brought::Unknown => {
                let record = self
                    .image
                    .layers
                    .get(layer)
                    .and_then(|l| l.history)
                    .and_then(|h| self.image.history.get(h));
                match record {
                    Some(h) if !h.created_by.is_empty() => {
                        shorten(h.created_by.trim_end_matches(" # buildkit"), 60)
                    }
                    _ => format!("layer {}", layer + 1),
                }
            }
        }
    }

    /// A finding about a path of the image: it points at the words that brought the path, where they are known, and
    /// at the path itself.
    pub(super) fn finding_at(&self, message: impl Into<String>, path: &str) -> Finding {
        let path = path.trim_start_matches('/');
        let layer = self.image.tree.get(path).map(|e| e.layer);
        let shown = format!("/{path}");
        let finding = Finding::new(message);
        let span = layer.and_then(|l| self.span(l, Some(path)));
        let in_image = Place::path(shown, layer);
        match span {
            Some(span) => finding
                .at(self.view.place(span))
                .related(in_image, "found here"),
            None => finding.at(in_image),
        }
    }

    /// The costliest origins, each with its bytes: what one line of a finding's details says.
    pub(super) fn costs(&self, from_layer: usize, limit: usize) -> Vec<String> {
        let mut costs: Vec<(String, u64)> = Vec::new();
        for (i, layer) in self.image.layers.iter().enumerate().skip(from_layer) {
            let name = self.describe(i);
            match costs.iter_mut().find(|(n, _)| *n == name) {
                Some((_, bytes)) => *bytes += layer.unpacked_bytes,
                None => costs.push((name, layer.unpacked_bytes)),
            }
        }
        costs.retain(|(_, bytes)| *bytes > 0);
        costs.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        costs.truncate(limit);
        costs
            .into_iter()
            .map(|(name, bytes)| format!("{} from {name}", Bytes(bytes)))
            .collect()
    }

    /// The words of the costliest layer from `from_layer` on.
    pub(super) fn costliest(&self, from_layer: usize) -> Option<Span> {
        let layers = self.image.layers.iter().enumerate().skip(from_layer);
        let (layer, _) = layers.max_by_key(|(_, l)| l.unpacked_bytes)?;
        self.span(layer, None)
    }
}

/// The base's name in a `FROM`.
pub(super) fn base_words(from: &Instruction) -> Span {
    match &from.command {
        Command::From { image, .. } => image.span,
        _ => from.span,
    }
}

fn line_words(line: &Instruction, path: Option<&str>) -> Span {
    let (Command::Copy(copy) | Command::Add(copy)) = &line.command else {
        return line.span;
    };
    let Some(path) = path else { return line.span };
    let name = |p: &str| {
        p.trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or(p)
            .to_owned()
    };
    if copy.sources.len() > 1 {
        let source = copy.sources.iter().find(|s| {
            let source = name(&s.text);
            path.split('/').any(|part| part == source)
        });
        if let Some(source) = source {
            return source.span;
        }
    }
    line.span
}
