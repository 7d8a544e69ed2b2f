//! Containers started from an image for a check: what the check asks, and what came of it.

use mslab_core::evidence::{Built, Extra, Observed, Probe};
use mslab_core::image::Image;
use mslab_core::plan::PlannedCheck;

use super::{Bench, Options};
use crate::failure::Result;
use crate::progress::{Event, Listener};

/// Starts what the check asks for, and says what was seen.
pub(super) async fn run(
    bench: &Bench,
    check: &PlannedCheck,
    built: &Built,
    image: Option<&Image>,
    probe: Probe,
    options: &Options,
    listener: &dyn Listener,
) -> Result<Observed<Extra>> {
    listener.on(Event::Probing(check.key.clone()));
    let probe = match image {
        Some(image) => probe.for_image(image),
        None => probe,
    };
    let outcome = bench
        .engine
        .probe(&built.image_id, &probe, &options.cancel)
        .await?;
    Ok(Observed::Seen(Extra::Probe(outcome)))
}
