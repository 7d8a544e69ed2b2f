//! What a check does, told to the pages.

use std::sync::{Mutex, PoisonError};

use mslab_core::text::escape;
use mslab_core::units::Bytes;
use mslab_engine::{BuildEvent, Lines};
use mslab_serve::Teller;
use mslab_serve::api::{self, News};

use crate::progress::{Event, Listener};

/// Passes on what happens.
pub(super) struct Told<'a> {
    tell: &'a Teller,
    /// How far the reading of an image was the last time.
    reading: Mutex<Option<String>>,
}

impl<'a> Told<'a> {
    pub(super) fn new(tell: &'a Teller) -> Self {
        Self {
            tell,
            reading: Mutex::default(),
        }
    }

    /// What is new about the reading of an image.
    fn reading(&self, bytes: u64) -> Option<News> {
        let what = match bytes {
            0 => "reading the image".to_owned(),
            bytes => format!("reading the image, {} so far", Bytes(bytes)),
        };
        let mut last = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = last.as_ref() != Some(&what);
        *last = Some(what.clone());
        is_new.then(|| doing(what))
    }
}

impl Listener for Told<'_> {
    fn on(&self, event: Event) {
        let news = match event {
            Event::Building(what, file) => News::Building { what, file },
            Event::Build(BuildEvent::Log { step, bytes }) => return self.tell.log(step, &bytes),
            Event::Build(event) => match build(event) {
                Some(news) => news,
                None => return,
            },
            Event::Reading(bytes) => match self.reading(bytes) {
                Some(news) => news,
                None => return,
            },
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
        self.tell.news(news);
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
