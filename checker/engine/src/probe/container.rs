//! One container under test: made with every restriction that probes have, and always removed.

use std::collections::HashMap;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error as ApiError;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::{
    ContainerCreateBody, ExecConfig, HealthConfig, HostConfig, HostConfigLogConfig,
};
use bollard::query_parameters::{
    CreateContainerOptions, KillContainerOptions, LogsOptions, RemoveContainerOptions,
    StartContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt;

use crate::clean::labels;
use crate::engine::Engine;
use crate::error::{EngineError, says_no_space};
use crate::info::Flavor;

/// Memory that a container under test may use; no swap beyond it.
const MEMORY: i64 = 512 << 20;
/// Processes and threads that it may have.
const PIDS: i64 = 256;
/// Processor time: that of two processors.
const NANO_CPUS: i64 = 2_000_000_000;
/// Bytes of each of its outputs that are read.
const OUTPUT: usize = 256 << 10;
/// Reading an output that is there should take no time at all.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a removal is tried while another container stands in its way, and how long after each other.
const REMOVALS: usize = 50;
const REMOVAL_PAUSE: Duration = Duration::from_millis(100);

/// How to make one.
#[derive(Debug, Default)]
pub(super) struct Spec<'a> {
    pub(super) image: &'a str,
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) args: Option<Vec<String>>,
    pub(super) env: Vec<String>,
    pub(super) read_only: bool,
    /// The container whose network it shares; without one it has no network but its own loopback.
    pub(super) network_of: Option<&'a str>,
}

/// A container that exists; removed when dropped, whatever happens.
#[derive(Debug)]
pub(super) struct Container {
    engine: Engine,
    id: String,
    gone: bool,
}

/// A container could not be made or started for a reason that lies in its image.
#[derive(Debug)]
pub(super) struct NotStarted(pub(super) String);

impl Container {
    pub(super) async fn create(
        engine: &Engine,
        spec: Spec<'_>,
    ) -> Result<Result<Self, NotStarted>, EngineError> {
        let image = spec.image.to_owned();
        let created = engine
            .docker()
            .create_container(
                None::<CreateContainerOptions>,
                body(spec, engine.identity().flavor),
            )
            .await;
        match created {
            Ok(response) => Ok(Ok(Self {
                engine: engine.clone(),
                id: response.id,
                gone: false,
            })),
            Err(ApiError::DockerResponseServerError {
                status_code: 404, ..
            }) => Err(EngineError::NoSuchImage(image)),
            Err(e) => images_fault(engine, "making a container", &e).map(Err),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) async fn start(&self) -> Result<Result<(), NotStarted>, EngineError> {
        match self
            .engine
            .docker()
            .start_container(&self.id, None::<StartContainerOptions>)
            .await
        {
            Ok(()) => Ok(Ok(())),
            Err(e) => images_fault(&self.engine, "starting a container", &e).map(Err),
        }
    }

    /// Waits for its end, and gives the exit code.
    pub(super) async fn wait(&self) -> Result<i64, EngineError> {
        let options = WaitContainerOptions {
            // `next-exit` would wait for ever where the container is over already.
            condition: "not-running".to_owned(),
        };
        let mut stream = self.engine.docker().wait_container(&self.id, Some(options));
        match stream.next().await {
            Some(Ok(response)) => Ok(response.status_code),
            Some(Err(ApiError::DockerContainerWaitError { code, error })) if error.is_empty() => {
                Ok(code)
            }
            Some(Err(e)) => Err(self.engine.fault("waiting for a container", &e)),
            None => Err(self
                .engine
                .lost("waiting for a container", "the answer broke off".into())),
        }
    }

    pub(super) async fn signal(&self, signal: &str) -> Result<(), EngineError> {
        let options = KillContainerOptions {
            signal: signal.to_owned(),
        };
        match self
            .engine
            .docker()
            .kill_container(&self.id, Some(options))
            .await
        {
            // 409: it is over already.
            Ok(())
            | Err(ApiError::DockerResponseServerError {
                status_code: 409, ..
            }) => Ok(()),
            Err(e) => Err(self.engine.fault("sending a signal to a container", &e)),
        }
    }

    /// Starts a program in it, beside what runs there, and waits for its end: its exit code, -1 where the engine does not
    /// know it, and what it wrote. `None` where the container is over.
    pub(super) async fn exec(
        &self,
        words: &[String],
    ) -> Result<Option<(i64, String)>, EngineError> {
        const DOING: &str = "starting a program in a container";
        let docker = self.engine.docker();
        let config = ExecConfig {
            cmd: Some(words.to_vec()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let started = async {
            let made = docker.create_exec(&self.id, config).await?;
            let started = docker
                .start_exec(&made.id, None::<StartExecOptions>)
                .await?;
            Ok((made.id, started))
        };
        let (id, started) = match started.await {
            Ok(started) => started,
            Err(ApiError::DockerResponseServerError {
                status_code: 404 | 409,
                ..
            }) => return Ok(None),
            // Podman's words for it.
            Err(ApiError::DockerResponseServerError { message, .. })
                if message.contains("container state improper") =>
            {
                return Ok(None);
            }
            Err(e) => {
                let NotStarted(reason) = images_fault(&self.engine, DOING, &e)?;
                return Ok(Some((127, reason)));
            }
        };
        let mut output = Vec::new();
        if let StartExecResults::Attached {
            output: mut stream, ..
        } = started
        {
            while let Some(chunk) = stream.next().await {
                let Ok(chunk) = chunk else { break };
                let room = OUTPUT.saturating_sub(output.len());
                let bytes = chunk.into_bytes();
                output.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
        }
        let ended = docker.inspect_exec(&id).await;
        let code = match ended {
            Ok(exec) => exec.exit_code,
            // A container that ends takes what is known of its programs along.
            Err(ApiError::DockerResponseServerError {
                status_code: 404, ..
            }) => Some(-1),
            Err(e) => return Err(self.engine.fault(DOING, &e)),
        };
        let output = String::from_utf8_lossy(&output).into_owned();
        Ok(code.map(|code| (code, output)))
    }

    /// What it has written so far: standard output and standard error, each capped.
    pub(super) async fn output(&self) -> Result<(String, String), EngineError> {
        let (out, err) = self.output_bytes().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((text(&out), text(&err)))
    }

    async fn output_bytes(&self) -> Result<(Vec<u8>, Vec<u8>), EngineError> {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let read = async {
            let mut stream = self
                .engine
                .docker()
                .logs(&self.id, Some(log_options(false)));
            while let Some(chunk) = stream.next().await {
                let chunk =
                    chunk.map_err(|e| self.engine.fault("reading a container's output", &e))?;
                let (to, bytes) = match chunk {
                    LogOutput::StdErr { message } => (&mut err, message),
                    other => (&mut out, other.into_bytes()),
                };
                let room = OUTPUT.saturating_sub(to.len());
                to.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if out.len() >= OUTPUT && err.len() >= OUTPUT {
                    break;
                }
            }
            Ok(())
        };
        // What was read until then is what there is.
        tokio::time::timeout(OUTPUT_TIMEOUT, read)
            .await
            .unwrap_or(Ok(()))?;
        Ok((out, err))
    }

    /// Follows its standard output until `enough` says so, it ends, or the cap is reached.
    pub(super) async fn follow(
        &self,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, EngineError> {
        let mut out = Vec::new();
        let mut stream = self.engine.docker().logs(&self.id, Some(log_options(true)));
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(LogOutput::StdErr { .. }) => {}
                Ok(chunk) => out.extend_from_slice(&chunk.into_bytes()),
                Err(e) => return Err(self.engine.fault("reading a container's output", &e)),
            }
            if enough(&out) || out.len() >= OUTPUT {
                return Ok(out);
            }
        }
        // The stream may end before all was told: Docker 20.10 keeps last words without a newline to itself, and
        // Podman may stop following a container that has only just begun. All of it can be had once it is over.
        self.wait().await?;
        Ok(self.output_bytes().await?.0)
    }

    /// Removes it now, running or not.
    pub(super) async fn remove(mut self) -> Result<(), EngineError> {
        self.gone = true;
        remove(&self.engine, &self.id).await
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if !self.gone {
            let (engine, id) = (self.engine.clone(), std::mem::take(&mut self.id));
            let later = self.engine.clone();
            later.in_background(async move {
                // `mslab clean` finds by its label what cannot be removed now.
                let _ = remove(&engine, &id).await;
            });
        }
    }
}

async fn remove(engine: &Engine, id: &str) -> Result<(), EngineError> {
    if engine.identity().flavor == Flavor::Podman {
        // Podman asks politely first and waits ten seconds, even when forced. What is over cannot be killed.
        let options = KillContainerOptions {
            signal: "SIGKILL".to_owned(),
        };
        let _ = engine.docker().kill_container(id, Some(options)).await;
    }
    for _ in 0..REMOVALS {
        let options = RemoveContainerOptions {
            force: true,
            v: true,
            ..RemoveContainerOptions::default()
        };
        match engine.docker().remove_container(id, Some(options)).await {
            Ok(()) => return Ok(()),
            // Podman keeps a container whose network another one shares; that one is being removed as well.
            Err(ApiError::DockerResponseServerError { message, .. })
                if message.contains("dependent") =>
            {
                tokio::time::sleep(REMOVAL_PAUSE).await;
            }
            // 404: gone; 409: somebody else is removing it.
            Err(ApiError::DockerResponseServerError {
                status_code: 404 | 409,
                ..
            }) => return Ok(()),
            Err(e) => return Err(engine.fault("removing a container", &e)),
        }
    }
    Err(EngineError::Refused {
        doing: "removing a container".into(),
        reason: "other containers depend on it".into(),
    })
}

fn log_options(follow: bool) -> LogsOptions {
    LogsOptions {
        follow,
        stdout: true,
        stderr: !follow,
        tail: "all".to_owned(),
        ..LogsOptions::default()
    }
}

fn body(spec: Spec<'_>, flavor: Flavor) -> ContainerCreateBody {
    let network = match spec.network_of {
        Some(id) => format!("container:{id}"),
        None => "none".to_owned(),
    };
    // Low ports are for everybody in a network namespace of its own, as in every container that Docker starts.
    let sysctls = spec.network_of.is_none().then(|| {
        HashMap::from([(
            "net.ipv4.ip_unprivileged_port_start".to_owned(),
            "0".to_owned(),
        )])
    });
    // Podman makes these writable in a container that is read-only; Docker does not.
    let tmpfs = (spec.read_only && flavor == Flavor::Podman).then(|| {
        let read_only = |path: &str| (path.to_owned(), "ro".to_owned());
        ["/tmp", "/run", "/var/tmp"].map(read_only).into()
    });
    ContainerCreateBody {
        image: Some(spec.image.to_owned()),
        entrypoint: spec.entrypoint,
        cmd: spec.args,
        env: Some(spec.env).filter(|e| !e.is_empty()),
        labels: Some(labels()),
        healthcheck: Some(HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        }),
        host_config: Some(HostConfig {
            network_mode: Some(network),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            readonly_rootfs: Some(spec.read_only),
            tmpfs,
            memory: Some(MEMORY),
            memory_swap: Some(MEMORY),
            pids_limit: Some(PIDS),
            nano_cpus: Some(NANO_CPUS),
            sysctls,
            // The engine's own default may be one whose output cannot be read back.
            log_config: Some(HostConfigLogConfig {
                typ: Some("json-file".to_owned()),
                config: Some(HashMap::from([("max-size".to_owned(), "8m".to_owned())])),
            }),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// Sorts why a container was not made or started: an image that cannot run is a finding, all else is a fault.
fn images_fault(engine: &Engine, doing: &str, error: &ApiError) -> Result<NotStarted, EngineError> {
    match error {
        ApiError::DockerResponseServerError { message, .. }
            if !says_no_space(message) && is_images_fault(message) =>
        {
            Ok(NotStarted(message.clone()))
        }
        e => Err(engine.fault(doing, e)),
    }
}

fn is_images_fault(message: &str) -> bool {
    const SIGNS: [&str; 12] = [
        "exec:",
        "exec format error",
        "executable file",
        "no such file or directory",
        "not a directory",
        "is a directory",
        "permission denied",
        "unable to find user",
        "unable to find group",
        "no matching entries in passwd",
        "no command",
        "chdir",
    ];
    let m = message.to_ascii_lowercase();
    SIGNS.iter().any(|s| m.contains(s))
}

/// Whether the reason is that the program is not in the image.
pub(super) fn is_absent_program(message: &str) -> bool {
    let m = message.to_ascii_lowercase();
    m.contains("executable file") && m.contains("not found")
        || m.contains("no such file or directory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_told_from_one_that_may_not_run() {
        let docker = "failed to create task for container: failed to create shim task: OCI runtime create failed: \
                      runc create failed: unable to start container process: error during container init: exec: \
                      \"sh\": executable file not found in $PATH";
        let podman = "crun: executable file `sh` not found in $PATH: No such file or directory: OCI runtime \
                      attempted to invoke a command that was not found";
        for message in [docker, podman, "exec /bin/sh: no such file or directory"] {
            assert!(
                is_absent_program(message) && is_images_fault(message),
                "{message}"
            );
        }
        let denied = "exec: \"/bin/sh\": permission denied";
        assert!(!is_absent_program(denied) && is_images_fault(denied));
        assert!(!is_images_fault("cgroup: cannot allocate memory"));
    }
}
