//! The graph as an SVG picture that reads on light and dark pages, and aloud.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::layout::{Layout, Spot};
use super::{Kind, View, visible};
use crate::dockerfile::Dockerfile;
use crate::stages::StageGraph;

const STAGE_HEIGHT: f64 = 54.0;
const IMAGE_HEIGHT: f64 = 30.0;
const BEND_HEIGHT: f64 = 14.0;
const ROW_GAP: f64 = 20.0;
const COLUMN_GAP: f64 = 76.0;
const MARGIN: f64 = 20.0;
const LEGEND: f64 = 34.0;
/// Widths of one character of the two sizes of text.
const LARGE: f64 = 8.6;
const SMALL: f64 = 6.7;
/// Longest text in a box, in characters.
const LONGEST: usize = 34;

/// Draws the graph. Colours come from the page: `currentColor`, and `--mslab-accent` for the target.
#[must_use]
pub fn svg(graph: &StageGraph, dockerfile: &Dockerfile, target: Option<usize>) -> String {
    let view = View::new(graph, dockerfile, target);
    let layout = Layout::new(&view);
    let boxes = Boxes::new(&view, &layout);
    let id = identity(&view);
    let (width, height) = (boxes.width.max(360.0), boxes.height + LEGEND);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"mslab-graph\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" fill=\"none\" stroke=\"none\" \
         font-family=\"ui-sans-serif, system-ui, sans-serif\">\n\
         <title id=\"{id}-title\">Stages of {}</title>\n<desc id=\"{id}-desc\">{}</desc>\n",
        escaped(dockerfile.source.name()),
        escaped(&view.sentence()),
    );
    out.push_str(STYLE);
    for (line, link) in view.lines.iter().enumerate() {
        let route: Vec<_> = layout.routes[line]
            .iter()
            .filter_map(|(column, spot)| boxes.places.get(&(*column, *spot)))
            .collect();
        edge(&mut out, &view, link, &route);
    }
    for (column, spots) in layout.columns.iter().enumerate() {
        for spot in spots {
            let Some(place) = boxes.places.get(&(column, *spot)) else {
                continue;
            };
            match spot {
                Spot::Stage(stage) => stage_box(&mut out, &view, *stage, place),
                Spot::Image(name) => image_box(&mut out, &view, name, place),
                Spot::Bend { .. } => {}
            }
        }
    }
    legend(&mut out, &view, boxes.height + 4.0);
    out.push_str("</svg>\n");
    out
}

const STYLE: &str = "<style>\
.mslab-graph{color:var(--mslab-ink,currentColor);max-width:100%;height:auto}\
.mslab-graph text{fill:currentColor}\
.mslab-graph .name{font-size:15px;font-weight:600}\
.mslab-graph .note{font-size:11.5px;opacity:.78}\
.mslab-graph .box{fill:currentColor;fill-opacity:.06;stroke:currentColor;stroke-opacity:.55;stroke-width:1.25}\
.mslab-graph .image .box{fill-opacity:0;stroke-dasharray:2 3}\
.mslab-graph .target .box{fill:var(--mslab-accent,#2f81f7);fill-opacity:.13;stroke:var(--mslab-accent,#2f81f7);stroke-opacity:1;stroke-width:2.5}\
.mslab-graph .line{stroke:currentColor;stroke-opacity:.6;stroke-width:1.4}\
.mslab-graph .tip{fill:currentColor;fill-opacity:.7}\
.mslab-graph .from{stroke-width:2.6}\
.mslab-graph .mount{stroke-dasharray:5 4}\
.mslab-graph .idle{opacity:.5}\
.mslab-graph .idle .box{stroke-dasharray:5 4}\
</style>\n";

/// A box's place: left, top, width, height.
struct Place {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Place {
    fn middle(&self) -> f64 {
        self.y + self.height / 2.0
    }
}

struct Boxes<'a> {
    places: HashMap<(usize, Spot<'a>), Place>,
    width: f64,
    height: f64,
}

impl<'a> Boxes<'a> {
    fn new(view: &View<'_>, layout: &Layout<'a>) -> Self {
        let size = |spot: &Spot<'_>| match spot {
            Spot::Stage(stage) => {
                let name = length(&view.title(*stage)) * LARGE;
                // Its parts are shortened already; all of it is shown.
                let notes = note(view, *stage).chars().count() as f64;
                (name.max(notes * SMALL) + 28.0, STAGE_HEIGHT)
            }
            Spot::Image(name) => (length(name) * SMALL + 24.0, IMAGE_HEIGHT),
            Spot::Bend { .. } => (0.0, BEND_HEIGHT),
        };
        let heights: Vec<f64> = layout
            .columns
            .iter()
            .map(|spots| spots.iter().map(|s| size(s).1 + ROW_GAP).sum::<f64>() - ROW_GAP)
            .collect();
        let tallest = heights.iter().copied().fold(0.0, f64::max);
        let mut places = HashMap::new();
        let mut x = MARGIN;
        for (column, spots) in layout.columns.iter().enumerate() {
            let width = spots.iter().map(|s| size(s).0).fold(0.0, f64::max);
            let mut y = MARGIN + (tallest - heights[column]) / 2.0;
            for spot in spots {
                let (own, height) = size(spot);
                let (left, own) = match spot {
                    Spot::Image(_) => (x + width - own, own),
                    _ => (x, width),
                };
                places.insert(
                    (column, *spot),
                    Place {
                        x: left,
                        y,
                        width: own,
                        height,
                    },
                );
                y += height + ROW_GAP;
            }
            x += width + COLUMN_GAP;
        }
        Self {
            places,
            width: x - COLUMN_GAP.min(x) + MARGIN,
            height: tallest + 2.0 * MARGIN,
        }
    }
}

fn note(view: &View<'_>, stage: usize) -> String {
    let data = &view.graph.stages[stage];
    let mut text = format!(
        "FROM {} · line {}",
        shortened(&view.base(stage)),
        view.line(data)
    );
    if let Some(platform) = &data.platform {
        text.push_str(" · ");
        text.push_str(&visible(platform));
    }
    text
}

fn stage_box(out: &mut String, view: &View<'_>, stage: usize, place: &Place) {
    let (class, state) = if view.target == Some(stage) {
        ("stage target", ", the target")
    } else if view.needed(stage) {
        ("stage", "")
    } else {
        ("stage idle", ", not needed by the target")
    };
    let title = view.title(stage);
    let middle = place.x + place.width / 2.0;
    let _ = writeln!(
        out,
        "<g class=\"{class}\"><title>{}{state}: FROM {}</title>\
         <rect class=\"box\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"9\"/>\
         <text class=\"name\" text-anchor=\"middle\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>\
         <text class=\"note\" text-anchor=\"middle\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text></g>",
        escaped(&title),
        escaped(&view.base(stage)),
        place.x,
        place.y,
        place.width,
        place.height,
        place.y + 23.0,
        escaped(&shortened(&title)),
        place.y + 41.0,
        escaped(&note(view, stage)),
    );
}

fn image_box(out: &mut String, view: &View<'_>, name: &str, place: &Place) {
    let needed = view.images.get(name).copied().unwrap_or(false);
    let class = if needed { "image" } else { "image idle" };
    let _ = writeln!(
        out,
        "<g class=\"{class}\"><title>image {}</title>\
         <rect class=\"box\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{:.1}\"/>\
         <text class=\"note\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        escaped(name),
        place.x,
        place.y,
        place.width,
        place.height,
        place.height / 2.0,
        place.x + place.width / 2.0,
        place.middle() + 4.0,
        escaped(&shortened(name)),
    );
}

fn edge(out: &mut String, view: &View<'_>, link: &super::Link<'_>, route: &[&Place]) {
    let [first, .., last] = route else { return };
    let kind = link.via.first().copied().unwrap_or(Kind::Copy);
    let class = match kind {
        Kind::From => "line from",
        Kind::Copy => "line",
        Kind::Mount => "line mount",
    };
    let idle = if view.needed(link.to) {
        ""
    } else {
        " class=\"idle\""
    };
    let words: Vec<_> = link.via.iter().map(|k| k.word()).collect();
    let mut path = String::new();
    let (mut x, mut y) = (first.x + first.width, first.middle());
    let _ = write!(path, "M{x:.1} {y:.1}");
    for (i, place) in route.iter().enumerate().skip(1) {
        let end = i + 1 == route.len();
        let (to_x, to_y) = (place.x - if end { 7.0 } else { 0.0 }, place.middle());
        let pull = ((to_x - x) / 2.0).max(24.0);
        let _ = write!(
            path,
            " C{:.1} {y:.1} {:.1} {to_y:.1} {to_x:.1} {to_y:.1}",
            x + pull,
            to_x - pull
        );
        (x, y) = (to_x, to_y);
        if !end {
            x += place.width;
            let _ = write!(path, " L{x:.1} {y:.1}");
        }
    }
    let (tip_x, tip_y) = (last.x - 1.5, last.middle());
    let _ = writeln!(
        out,
        "<g{idle}><title>{} uses {} ({})</title><path class=\"{class}\" d=\"{path}\"/>\
         <path class=\"tip\" d=\"M{tip_x:.1} {tip_y:.1} l-8 -4.5 l0 9 z\"/></g>",
        escaped(&view.title(link.to)),
        escaped(&match link.from {
            super::End::Stage(stage) => view.title(stage),
            super::End::Image(name) => visible(name),
        }),
        words.join(", "),
    );
}

/// What the kinds of line mean, as far as they occur.
fn legend(out: &mut String, view: &View<'_>, y: f64) {
    let kinds = [
        (Kind::From, "line from", "FROM"),
        (Kind::Copy, "line", "COPY --from"),
        (Kind::Mount, "line mount", "RUN --mount"),
    ];
    let mut x = MARGIN;
    for (kind, class, word) in kinds {
        if !view.lines.iter().any(|l| l.via.first() == Some(&kind)) {
            continue;
        }
        let _ = writeln!(
            out,
            "<path class=\"{class}\" d=\"M{x:.1} {y:.1} l30 0\"/>\
             <text class=\"note\" x=\"{:.1}\" y=\"{:.1}\">{word}</text>",
            x + 37.0,
            y + 4.0
        );
        x += 37.0 + length(word) * SMALL + 22.0;
    }
    if view.reachable.len() < view.graph.stages.len() {
        let _ = writeln!(
            out,
            "<text class=\"note\" x=\"{x:.1}\" y=\"{:.1}\">faint: not needed by the target</text>",
            y + 4.0
        );
    }
}

fn length(text: &str) -> f64 {
    text.chars().count().min(LONGEST) as f64
}

fn shortened(text: &str) -> String {
    let text = visible(text);
    if text.chars().count() <= LONGEST {
        return text;
    }
    // The end of an image's name, its tag, tells more than the middle.
    let tail: String = text.chars().skip(text.chars().count() - 12).collect();
    let head: String = text.chars().take(LONGEST - 13).collect();
    format!("{head}…{tail}")
}

/// Text inside XML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

/// A name for this drawing's parts that differs between drawings on one page and is the same in every run.
fn identity(view: &View<'_>) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let name = view.dockerfile.source.name().bytes();
    for byte in name.chain(view.dockerfile.source.bytes().iter().copied()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    let target = view.target.unwrap_or_default();
    format!("mslab-{:08x}-{target}", hash & 0xffff_ffff)
}
