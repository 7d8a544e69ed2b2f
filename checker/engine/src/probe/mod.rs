//! Starting an image, and seeing what it does: with no network, no capabilities, no new privileges, and limits.

mod container;
mod health;
mod http;
pub(crate) mod prober;

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;
use mslab_core::evidence::{Probe, ProbeOutcome};
use sha2::{Digest, Sha256};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::build::millis;
use crate::clean::OWN_PREFIX;
use crate::engine::Engine;
use crate::error::EngineError;
use container::{Container, NotStarted, Spec, is_absent_program};
use prober::Address;

/// How long a container without a port must have run before it is asked to stop.
const A_MOMENT: Duration = Duration::from_millis(700);
/// How long a container with a port may take until it answers, before it is asked to stop.
const COMING_UP: Duration = Duration::from_secs(30);
/// How long a server that has had its time may take to answer on 127.0.0.1.
const BESIDE: Duration = Duration::from_secs(5);
/// How long the last words of a container may be on their way to the engine's log, on a machine that is busy.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// A container that is over says so at once.
const ALREADY_OVER: Duration = Duration::from_secs(2);
/// A shell that does not end at `exit 0` is one all the same.
const SHELL_TIMEOUT: Duration = Duration::from_secs(5);

impl Engine {
    /// Starts containers from an image and tells what was seen. Nothing of them is left behind.
    ///
    /// # Errors
    /// There is no such image, the engine failed, or `cancel` was used.
    pub async fn probe(
        &self,
        image: &str,
        probe: &Probe,
        cancel: &CancellationToken,
    ) -> Result<ProbeOutcome, EngineError> {
        let work = async {
            match probe {
                Probe::Run {
                    args,
                    env,
                    within_ms,
                    read_only,
                } => {
                    let spec = Spec {
                        image,
                        args: args.clone(),
                        env: env.clone(),
                        read_only: *read_only,
                        ..Spec::default()
                    };
                    self.probe_run(spec, Duration::from_millis(*within_ms))
                        .await
                }
                Probe::Http {
                    port,
                    path,
                    within_ms,
                    read_only,
                    for_others,
                } => {
                    let spec = Spec {
                        image,
                        read_only: *read_only,
                        ..Spec::default()
                    };
                    let within = Duration::from_millis(*within_ms);
                    self.probe_http(spec, *port, path, within, *for_others)
                        .await
                }
                Probe::Shell(ways) => self.probe_shell(image, ways).await,
                Probe::Health { within_ms } => {
                    self.probe_health(image, Duration::from_millis(*within_ms))
                        .await
                }
                Probe::Stop { port, within_ms } => {
                    self.probe_stop(image, *port, Duration::from_millis(*within_ms))
                        .await
                }
            }
        };
        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            outcome = work => Some(outcome),
        };
        match outcome {
            Some(outcome) => outcome,
            None => {
                // What the dropped work left is being removed; the caller should find nothing.
                self.settle().await;
                Err(EngineError::Cancelled)
            }
        }
    }

    async fn probe_run(
        &self,
        spec: Spec<'_>,
        within: Duration,
    ) -> Result<ProbeOutcome, EngineError> {
        let container = match self.started(spec).await? {
            Ok(container) => container,
            Err(NotStarted(reason)) => return Ok(ProbeOutcome::NotStarted(reason)),
        };
        let outcome = match timeout(within, container.wait()).await {
            Ok(code) => exited(&container, code?).await?,
            Err(_) => {
                container.signal("SIGKILL").await?;
                ProbeOutcome::TimedOut {
                    output: all_output(&container).await?,
                }
            }
        };
        container.remove().await?;
        Ok(outcome)
    }

    async fn probe_http(
        &self,
        spec: Spec<'_>,
        port: u16,
        path: &str,
        within: Duration,
        for_others: bool,
    ) -> Result<ProbeOutcome, EngineError> {
        let address = if for_others {
            Address::Another
        } else {
            Address::Own
        };
        let client_image = self.client_image(address).await?;
        let server = match Container::create(self, spec).await? {
            Ok(server) => server,
            Err(NotStarted(reason)) => return Ok(ProbeOutcome::NotStarted(reason)),
        };
        let client = self.client(&client_image, &server, port, path).await?;
        if let Err(NotStarted(reason)) = server.start().await? {
            remove_both(server, client).await?;
            return Ok(ProbeOutcome::NotStarted(reason));
        }
        let outcome = match ask(&server, &client, within).await? {
            ProbeOutcome::NoAnswer {
                exit_code: None,
                output,
            } if for_others && self.answers_itself(&server, port, path).await? => {
                ProbeOutcome::OnlyToItself { output }
            }
            outcome => outcome,
        };
        remove_both(server, client).await?;
        Ok(outcome)
    }

    /// Whether a server that nobody else can ask answers on 127.0.0.1.
    async fn answers_itself(
        &self,
        server: &Container,
        port: u16,
        path: &str,
    ) -> Result<bool, EngineError> {
        let image = self.client_image(Address::Own).await?;
        let client = self.client(&image, server, port, path).await?;
        let answer = ask(server, &client, BESIDE).await?;
        client.remove().await?;
        Ok(matches!(answer, ProbeOutcome::Answered { .. }))
    }

    async fn probe_shell(
        &self,
        image: &str,
        ways: &[&'static [&'static str]],
    ) -> Result<ProbeOutcome, EngineError> {
        let tries = ways.iter().map(|command| async move {
            let words: Vec<String> = command.iter().map(|w| (*w).to_owned()).collect();
            let spec = Spec {
                image,
                entrypoint: Some(words[..1].to_vec()),
                args: Some(words[1..].to_vec()),
                ..Spec::default()
            };
            Ok::<_, EngineError>((command, self.probe_run(spec, SHELL_TIMEOUT).await?))
        });
        let mut other = None;
        for tried in join_all(tries).await {
            match tried? {
                (_, ProbeOutcome::NotStarted(reason)) if is_absent_program(&reason) => {}
                // 127 and 126 are what a container ends with where the runtime reports a missing program late.
                (_, ProbeOutcome::Exited { code: 127, .. }) => {}
                (_, ProbeOutcome::NotStarted(reason)) => other = Some(reason),
                (command, _) => return Ok(ProbeOutcome::ShellStarted(command.join(" "))),
            }
        }
        Ok(match other {
            None => ProbeOutcome::ShellRefused,
            Some(reason) => ProbeOutcome::NotStarted(reason),
        })
    }

    async fn probe_stop(
        &self,
        image: &str,
        port: Option<u16>,
        grace: Duration,
    ) -> Result<ProbeOutcome, EngineError> {
        let client_image = match port {
            Some(_) => Some(self.client_image(Address::Own).await?),
            None => None,
        };
        let spec = Spec {
            image,
            ..Spec::default()
        };
        let server = match self.started(spec).await? {
            Ok(server) => server,
            Err(NotStarted(reason)) => return Ok(ProbeOutcome::NotStarted(reason)),
        };
        let early = match (port, client_image) {
            (Some(port), Some(client_image)) => {
                let client = self.client(&client_image, &server, port, "/").await?;
                let answer = ask(&server, &client, COMING_UP).await?;
                client.remove().await?;
                Some(answer).filter(|a| !matches!(a, ProbeOutcome::Answered { .. }))
            }
            _ => match timeout(A_MOMENT, server.wait()).await {
                Ok(code) => Some(exited(&server, code?).await?),
                Err(_) => None,
            },
        };
        let outcome = match early {
            Some(outcome) => outcome,
            None => stop(&server, grace).await?,
        };
        server.remove().await?;
        Ok(outcome)
    }

    async fn started(&self, spec: Spec<'_>) -> Result<Result<Container, NotStarted>, EngineError> {
        let container = match Container::create(self, spec).await? {
            Ok(container) => container,
            Err(reason) => return Ok(Err(reason)),
        };
        match container.start().await? {
            Ok(()) => Ok(Ok(container)),
            Err(reason) => {
                container.remove().await?;
                Ok(Err(reason))
            }
        }
    }

    /// A container, not yet started, that asks `server` for `path`.
    async fn client(
        &self,
        image: &str,
        server: &Container,
        port: u16,
        path: &str,
    ) -> Result<Container, EngineError> {
        let spec = Spec {
            image,
            args: Some(vec![port.to_string(), http::request(path)]),
            network_of: Some(server.id()),
            read_only: true,
            ..Spec::default()
        };
        Container::create(self, spec)
            .await?
            .map_err(|NotStarted(reason)| EngineError::Refused {
                doing: "making the container that asks over HTTP".into(),
                reason,
            })
    }

    /// The image with the web client that asks at `address`, made where it is not there yet.
    async fn client_image(&self, address: Address) -> Result<String, EngineError> {
        let platform = &self.identity().platform;
        let architecture = platform.rsplit('/').next().unwrap_or_default();
        let Some(program) = prober::elf(architecture, address) else {
            return Err(EngineError::TooOld {
                engine: self.identity().label(),
                feature: "web probes".into(),
                needs: "an engine on linux/amd64 or linux/arm64".into(),
            });
        };
        let digest = Sha256::digest(&program);
        let short: String = digest.iter().take(6).map(|b| format!("{b:02x}")).collect();
        let name = format!("{OWN_PREFIX}prober:{architecture}-{short}");
        if !self.image_exists(&name).await? {
            let tar = client_tar(&program)
                .map_err(|e| EngineError::local("cannot pack the web client", e))?;
            let changes = ["ENTRYPOINT [\"/prober\"]".to_owned()];
            self.import(
                &name,
                futures_util::stream::iter([Ok(tar.into())]).boxed(),
                &changes,
            )
            .await?;
        }
        Ok(name)
    }
}

fn client_tar(program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(program.len() as u64);
    header.set_mode(0o755);
    tar.append_data(&mut header, "prober", program)?;
    tar.into_inner()
}

/// Starts the client beside a running server, and waits for the answer, the server's end or the time limit.
async fn ask(
    server: &Container,
    client: &Container,
    within: Duration,
) -> Result<ProbeOutcome, EngineError> {
    let started = Instant::now();
    let joined = client.start().await;
    if !matches!(joined, Ok(Ok(()))) {
        // A container that is over has no network to join; engines say so in many ways.
        if let Ok(code) = timeout(ALREADY_OVER, server.wait()).await {
            return Ok(ProbeOutcome::NoAnswer {
                exit_code: Some(code?),
                output: as_one(last_words(server).await?),
            });
        }
        joined?.map_err(|NotStarted(reason)| EngineError::Refused {
            doing: "starting the container that asks over HTTP".into(),
            reason,
        })?;
    }
    let left = within.saturating_sub(started.elapsed());
    let (exit_code, note) = tokio::select! {
        answer = client.follow(http::is_complete) => match http::parse(&answer?) {
            Some(answer) => {
                return Ok(ProbeOutcome::Answered {
                    status: answer.status,
                    headers: answer.headers,
                    body: String::from_utf8_lossy(&answer.body).into_owned(),
                    after_ms: millis(started.elapsed()),
                });
            }
            None => (None, "mslab: what listens on the port does not speak HTTP\n"),
        },
        code = server.wait() => (Some(code?), ""),
        () = sleep(left) => (None, ""),
    };
    let output = match exit_code {
        Some(_) => as_one(last_words(server).await?),
        None => all_output(server).await?,
    };
    Ok(ProbeOutcome::NoAnswer {
        exit_code,
        output: output + note,
    })
}

async fn stop(server: &Container, grace: Duration) -> Result<ProbeOutcome, EngineError> {
    let asked = Instant::now();
    server.signal("SIGTERM").await?;
    match timeout(grace, server.wait()).await {
        Ok(code) => Ok(ProbeOutcome::Stopped {
            code: code?,
            after_ms: millis(asked.elapsed()),
        }),
        Err(_) => Ok(ProbeOutcome::Killed),
    }
}

async fn exited(container: &Container, code: i64) -> Result<ProbeOutcome, EngineError> {
    let (stdout, stderr) = last_words(container).await?;
    Ok(ProbeOutcome::Exited {
        code,
        stdout,
        stderr,
    })
}

async fn all_output(container: &Container) -> Result<String, EngineError> {
    container.output().await.map(as_one)
}

/// The output of a container that is over: where there is none, it is looked for a second time.
async fn last_words(container: &Container) -> Result<(String, String), EngineError> {
    let words = container.output().await?;
    if words != Default::default() {
        return Ok(words);
    }
    sleep(LAST_WORDS).await;
    container.output().await
}

fn as_one((stdout, stderr): (String, String)) -> String {
    stdout + &stderr
}

async fn remove_both(server: Container, client: Container) -> Result<(), EngineError> {
    let (client, server) = tokio::join!(client.remove(), server.remove());
    client.and(server)
}
