//! Builds a folder's Dockerfile, as `docker build --tag TAG DIR` does, where there is no docker command with BuildKit:
//! `cargo run -p mslab-engine --example build -- DIR TAG [DOCKERFILE]`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use mslab_engine::context::{self, Sent};
use mslab_engine::{
    BuildEnd, BuildEvent, BuildRequest, CancellationToken, DiscoverOptions, Engine,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(tag)) = (args.next().map(PathBuf::from), args.next()) else {
        eprintln!("usage: build DIR TAG [DOCKERFILE]");
        return Ok(ExitCode::from(2));
    };
    let name = args.next().unwrap_or_else(|| "Dockerfile".to_owned());
    let dockerfile = std::fs::read(dir.join(&name))?;
    let context = Sent::of(&dir, &name)?.context;
    let mut request = BuildRequest::new(context::pack(&context, "Dockerfile", &dockerfile)?);
    request.tag = Some(tag);
    let engine = Engine::discover(&DiscoverOptions::from_env(None)).await?;
    let end = engine
        .build(&request, &tell, &CancellationToken::new())
        .await?;
    Ok(match end {
        BuildEnd::Built(done) => {
            println!("{}", done.image_id);
            ExitCode::SUCCESS
        }
        BuildEnd::Failed(failure) => {
            eprintln!("error: {}", failure.message);
            ExitCode::FAILURE
        }
    })
}

fn tell(event: BuildEvent) {
    match event {
        BuildEvent::Started {
            name,
            internal: false,
            ..
        } => eprintln!("=> {name}"),
        BuildEvent::Log { bytes, .. } => {
            // What cannot be shown is no reason to stop.
            let _ = std::io::stderr().write_all(&bytes);
        }
        _ => {}
    }
}
