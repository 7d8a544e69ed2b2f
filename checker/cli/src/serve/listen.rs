//! What a check does, told to the pages.

use mslab_core::text::escape;
use mslab_core::units::Bytes;
use mslab_engine::{BuildEvent, Lines};
use mslab_serve::Teller;
use mslab_serve::api::{self, News};

use crate::progress::{Event, Listener};

/// Passes on what happens.
pub(super) struct Told<'a>(pub(super) &'a Teller);

impl Listener for Told<'_> {
    fn on(&self, event: Event) {
        let news = match event {
            Event::Building(what, file) => News::Building { what, file },
            Event::Build(BuildEvent::Log { step, bytes }) => return self.0.log(step, &bytes),
            Event::Build(event) => match build(event) {
                Some(news) => news,
                None => return,
            },
            Event::Reading(bytes) => doing(format!("reading the image, {} so far", Bytes(bytes))),
            Event::Probing(key) => doing(format!("starting the image for `{key}`")),
            Event::Verdict(key, max_points, glance) => News::Verdict {
                key,
                status: glance.status,
                message: escape::line(&glance.message),
                points: glance.points,
                max_points,
            },
            Event::Pulling(_) | Event::Pull(_) | Event::Done => return,
        };
        self.0.news(news);
    }

    fn wants_verdicts(&self) -> bool {
        true
    }
}

fn doing(what: String) -> News {
    News::Doing { what }
}

fn build(event: BuildEvent) -> Option<News> {
    Some(match event {
        BuildEvent::Planned { steps } => News::Planned { steps },
        BuildEvent::Started {
            step,
            name,
            lines,
            internal,
        } => News::StepStarted {
            step,
            name: escape::line(&name),
            lines: lines.map(both),
            internal,
        },
        BuildEvent::Done {
            step,
            name,
            lines,
            internal,
            cached,
            duration_ms,
            error,
        } => News::StepDone {
            step,
            name: escape::line(&name),
            lines: lines.map(both),
            internal,
            cached,
            duration_ms,
            error: error.map(|e| escape::block(&e)),
        },
        BuildEvent::Warning { message, lines, .. } => News::Warning {
            message: escape::line(&message),
            lines: lines.map(both),
        },
        // Many a second; the step itself is told of.
        BuildEvent::Transfer { .. } | BuildEvent::Log { .. } => return None,
    })
}

fn both(lines: Lines) -> api::Lines {
    api::Lines {
        first: lines.first,
        last: lines.last,
    }
}
