//! `smaller-than`: the image is so much smaller than another.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::diagnostic::Finding;
use crate::evidence::{Extra, Need, Unseen};
use crate::units::Bytes;

use super::doc::ExampleEvidence;
use super::origin::Origins;
use super::{Check, Doc, Example, Judged, Verdict, View};

/// The image is at least some percent smaller than the starter's or another build's.
pub(super) struct SmallerThan;

/// Parameters of [`SmallerThan`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Params {
    /// What to compare with: `starter`, the image of the lab's own starter, or the key of another build.
    pub than: String,
    /// By how many percent of that image's size it must be smaller: 1 to 99.
    #[serde(deserialize_with = "percent")]
    #[schemars(range(min = 1, max = 99))]
    pub percent: u64,
}

fn percent<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    let n = u64::deserialize(d)?;
    if (1..=99).contains(&n) {
        Ok(n)
    } else {
        let message = format!("`percent` is {n}, and must be between 1 and 99");
        Err(serde::de::Error::custom(message))
    }
}

const STARTER: &str = "starter";

impl Check for SmallerThan {
    type Params = Params;
    const ID: &'static str = "smaller-than";
    const TITLE: &'static str = "The image is much smaller than another";
    const DOC: Doc = Doc {
        what: "The image is at least `percent` percent smaller than the one it is compared with: with \
            `than = \"starter\"` the image that the lab's starter builds, otherwise the image of another build of \
            the lab. Sizes are unpacked, over all layers.",
        why: "What was left out is the measure of a multi-stage build. \
            A comparison shows it, whatever the base image costs.",
        bad: Example {
            params: "than = \"starter\"\npercent = 50",
            image: "layer ADD rootfs.tar.gz / # buildkit\n\
                file /usr/local/bin/node 0755 elf-dynamic size=110000000\n\
                layer COPY /app /app # buildkit\n\
                file /app/node_modules/typescript/lib/tsc.js 0644 zeros size=60000000\n\
                file /app/dist/server.js 0644 zeros size=2000",
            evidence: STARTER_OF_200_MB,
            ..Example::text(
                "FROM node:24-alpine AS builder\n\
                WORKDIR /app\n\
                COPY . .\n\
                RUN npm ci && npm run build\n\
                \n\
                FROM node:24-alpine\n\
                COPY --from=builder /app /app\n",
            )
        },
        good: Example {
            params: "than = \"starter\"\npercent = 40",
            image: "layer ADD rootfs.tar.gz / # buildkit\n\
                file /usr/local/bin/node 0755 elf-dynamic size=110000000\n\
                layer COPY /app/dist /app/dist # buildkit\n\
                file /app/dist/server.js 0644 zeros size=2000",
            evidence: STARTER_OF_200_MB,
            ..Example::text(
                "FROM node:24-alpine AS builder\n\
                WORKDIR /app\n\
                COPY . .\n\
                RUN npm ci && npm run build\n\
                \n\
                FROM node:24-alpine\n\
                COPY --from=builder /app/dist /app/dist\n",
            )
        },
    };

    fn summary(params: &Params) -> String {
        let than = name(&params.than);
        format!("at least {} % smaller than {than}", params.percent)
    }

    fn needs(params: &Params) -> Vec<Need> {
        let other = if params.than == STARTER {
            Need::StarterImage
        } else {
            Need::OtherImage(params.than.clone())
        };
        vec![Need::Image, other]
    }

    fn judge(params: &Params, view: &View<'_>) -> Judged {
        let image = view.image()?;
        let other = if params.than == STARTER {
            match view.extra()? {
                Extra::StarterSize(bytes) => *bytes,
                _ => return Err(Unseen::Failed("the starter's size was not measured".into())),
            }
        } else {
            view.other_image(&params.than)?.unpacked_bytes()
        };
        let mine = image.unpacked_bytes();
        let than = name(&params.than);
        let compared = compare(mine, other);
        let wide = |n: u64| u128::from(n);
        if wide(mine) * 100 <= wide(other) * wide(100 - params.percent) {
            return Ok(Verdict::passed(format!(
                "{}, {compared} {than}",
                Bytes(mine)
            )));
        }
        let most = wide(other) * wide(100 - params.percent) / 100;
        let most = Bytes(u64::try_from(most).unwrap_or(u64::MAX));
        let origins = Origins::new(view, image);
        let finding = Finding::new(format!("the image is {}, {compared} {than}", Bytes(mine)))
            .expected(
                format!("at least {} % smaller: at most {most}", params.percent),
                format!("{} against {} of {than}", Bytes(mine), Bytes(other)),
            )
            .details(origins.costs(0, 5))
            .help("Leave behind whatever is only needed to build.");
        Ok(match origins.costliest(origins.base_layers()) {
            Some(span) => finding.at(view.place(span)).into(),
            None => finding.into(),
        })
    }
}

const STARTER_OF_200_MB: ExampleEvidence = ExampleEvidence {
    extra: Some(|| Extra::StarterSize(200_000_000)),
    build: None,
    context: &[],
    other_image: "",
};

fn name(than: &str) -> String {
    if than == STARTER {
        "the starter's image".to_owned()
    } else {
        format!("the image of `{than}`")
    }
}

/// `45 % smaller than`, rounded down, so that it never claims more than there is.
fn compare(mine: u64, other: u64) -> String {
    if mine == other {
        return "exactly as large as".to_owned();
    }
    let percent = |part: u64| u128::from(part) * 100 / u128::from(other.max(1));
    if mine < other {
        format!("{} % smaller than", percent(other - mine))
    } else {
        format!("{} % larger than", percent(mine - other))
    }
}

#[cfg(test)]
mod tests {
    use super::super::AnyCheck;
    use super::super::case::Case;
    use super::*;

    fn of(size: u64) -> Case {
        Case::of_image(&format!("layer x\nfile /f 0644 zeros size={size}"))
    }

    #[test]
    fn the_wanted_percentage_itself_is_enough() {
        let w = |size| {
            of(size)
                .params("than = \"starter\"\npercent = 50")
                .extra(Extra::StarterSize(1001))
        };
        assert_eq!(
            w(500).passes::<SmallerThan>(),
            "500 B, 50 % smaller than the starter's image"
        );
        let finding = w(501).fails::<SmallerThan>();
        assert_eq!(
            finding.message,
            "the image is 501 B, 49 % smaller than the starter's image"
        );
        assert_eq!(
            finding.expected.unwrap(),
            "at least 50 % smaller: at most 500 B"
        );
    }

    #[test]
    fn a_larger_image_says_so() {
        let finding = of(300)
            .params("than = \"starter\"\npercent = 10")
            .extra(Extra::StarterSize(100))
            .fails::<SmallerThan>();
        assert!(
            finding.message.contains("200 % larger than"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn another_build_can_be_the_measure() {
        let w = of(10).params("than = \"dev\"\npercent = 80");
        assert!(matches!(w.unseen::<SmallerThan>(), Unseen::Failed(_)));
        let w = w.other("dev", "layer x\nfile /f 0644 zeros size=50");
        assert_eq!(
            w.passes::<SmallerThan>(),
            "10 B, 80 % smaller than the image of `dev`"
        );
    }

    #[test]
    fn what_was_not_measured_is_no_pass() {
        let w = of(10).params("than = \"starter\"\npercent = 80");
        assert!(matches!(w.unseen::<SmallerThan>(), Unseen::Skipped(_)));
    }

    #[test]
    fn a_percentage_is_one() {
        for (bad, said) in [
            ("percent = 0", "`percent` is 0"),
            ("percent = 100", "`percent` is 100"),
        ] {
            let table = format!("than = \"starter\"\n{bad}").parse().unwrap();
            let error = SmallerThan.bind(&table).err().unwrap();
            assert!(error.message.contains(said), "{}", error.message);
        }
    }
}
