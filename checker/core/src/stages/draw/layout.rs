//! Where each box stands: columns from left to right by what needs what, rows by what lies near.

use std::collections::HashMap;

use super::{End, View};

/// How many helper points for long lines are worth their while.
const MOST_BENDS: usize = 4_000;

/// A box, or a point through which a long line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Spot<'a> {
    Stage(usize),
    Image(&'a str),
    Bend { line: usize },
}

/// The drawing as columns of spots.
pub(super) struct Layout<'a> {
    pub(super) columns: Vec<Vec<Spot<'a>>>,
    /// For each of the view's lines: the spots that it goes through, its two ends included.
    pub(super) routes: Vec<Vec<(usize, Spot<'a>)>>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(view: &View<'a>) -> Self {
        let places = columns_of(view);
        let width = places.values().max().map_or(0, |c| c + 1);
        let mut columns = vec![Vec::new(); width];
        let mut spots: Vec<_> = places
            .iter()
            .map(|(spot, column)| (*column, *spot))
            .collect();
        spots.sort_by_key(|(column, spot)| {
            let order = match spot {
                Spot::Stage(stage) => (0, *stage, ""),
                Spot::Image(name) => (1, 0, *name),
                Spot::Bend { line } => (2, *line, ""),
            };
            (*column, order)
        });
        for (column, spot) in spots {
            columns[column].push(spot);
        }
        let routes = routes(view, &places, &mut columns);
        let mut layout = Self { columns, routes };
        let spots: usize = layout.columns.iter().map(Vec::len).sum();
        // What no eye can follow need not be untangled to the last.
        for _ in 0..if spots > 1_000 { 1 } else { 6 } {
            layout.order(true);
            layout.order(false);
        }
        layout
    }

    /// Sorts each column by the middle of its neighbours in the column before (or after) it.
    fn order(&mut self, forward: bool) {
        let mut sums: HashMap<(usize, Spot<'a>), (f64, f64)> = HashMap::new();
        let mut rows: HashMap<(usize, Spot<'a>), usize> = HashMap::new();
        let count = self.columns.len();
        let mut neighbours: HashMap<(usize, Spot<'a>), Vec<(usize, Spot<'a>)>> = HashMap::new();
        for route in &self.routes {
            for pair in route.windows(2) {
                let (near, far) = if forward {
                    (pair[0], pair[1])
                } else {
                    (pair[1], pair[0])
                };
                neighbours.entry(far).or_default().push(near);
            }
        }
        let order: Vec<usize> = if forward {
            (0..count).collect()
        } else {
            (0..count).rev().collect()
        };
        for at in order {
            for spot in &self.columns[at] {
                for near in neighbours.get(&(at, *spot)).into_iter().flatten() {
                    if let Some(row) = rows.get(near) {
                        let height = self.columns[near.0].len().max(1);
                        let sum = sums.entry((at, *spot)).or_default();
                        // Relative height, so that columns of different length compare.
                        sum.0 += (*row as f64 + 0.5) / height as f64;
                        sum.1 += 1.0;
                    }
                }
            }
            let height = self.columns[at].len().max(1) as f64;
            let mut keyed: Vec<_> = self.columns[at]
                .iter()
                .enumerate()
                .map(|(row, spot)| {
                    let own = (row as f64 + 0.5) / height;
                    let key = sums.get(&(at, *spot)).map_or(own, |(sum, n)| sum / n);
                    (key, *spot)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            self.columns[at] = keyed.into_iter().map(|(_, spot)| spot).collect();
            for (row, spot) in self.columns[at].iter().enumerate() {
                rows.insert((at, *spot), row);
            }
        }
    }
}

/// A column for each box. A stage stands right of the earlier stages that it needs; an image left of its first user.
fn columns_of<'a>(view: &View<'a>) -> HashMap<Spot<'a>, usize> {
    let count = view.graph.stages.len();
    let mut needs: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut uses_image = vec![false; count];
    for link in &view.lines {
        match link.from {
            // A line from a later stage is an error in the file; it is drawn backwards.
            End::Stage(from) if from < link.to => needs[link.to].push(from),
            End::Stage(_) => {}
            End::Image(_) => uses_image[link.to] = true,
        }
    }
    let mut column = vec![0; count];
    for stage in 0..count {
        let least = usize::from(uses_image[stage]);
        column[stage] = needs[stage]
            .iter()
            .map(|from| column[*from] + 1)
            .max()
            .unwrap_or(0)
            .max(least);
    }
    let mut places: HashMap<_, _> = column
        .iter()
        .enumerate()
        .map(|(stage, column)| (Spot::Stage(stage), *column))
        .collect();
    for link in &view.lines {
        if let End::Image(name) = link.from {
            let left = column[link.to].saturating_sub(1);
            let place = places.entry(Spot::Image(name)).or_insert(left);
            *place = left.min(*place);
        }
    }
    places
}

fn routes<'a>(
    view: &View<'a>,
    places: &HashMap<Spot<'a>, usize>,
    columns: &mut [Vec<Spot<'a>>],
) -> Vec<Vec<(usize, Spot<'a>)>> {
    let ends = |from: End<'a>, to: usize| {
        let from = match from {
            End::Stage(stage) => Spot::Stage(stage),
            End::Image(name) => Spot::Image(name),
        };
        let to = Spot::Stage(to);
        ((places[&from], from), (places[&to], to))
    };
    let all: Vec<_> = view.lines.iter().map(|l| ends(l.from, l.to)).collect();
    let bends: usize = all
        .iter()
        .map(|((a, _), (b, _))| b.saturating_sub(a + 1))
        .sum();
    all.into_iter()
        .enumerate()
        .map(|(line, (start, end))| {
            let mut route = vec![start];
            if bends <= MOST_BENDS {
                let between = columns.iter_mut().enumerate().take(end.0);
                for (column, spots) in between.skip(start.0 + 1) {
                    let bend = Spot::Bend { line };
                    spots.push(bend);
                    route.push((column, bend));
                }
            }
            route.push(end);
            route
        })
        .collect()
}
