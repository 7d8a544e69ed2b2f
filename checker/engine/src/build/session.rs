//! The session that BuildKit asks for the context, the secrets and credentials while it builds.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bollard_buildkit_proto::health::health_check_response::ServingStatus;
use bollard_buildkit_proto::health::health_server::{Health, HealthServer};
use bollard_buildkit_proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard_buildkit_proto::moby::filesync::v1::auth_server::{Auth, AuthServer};
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse,
    GetTokenAuthorityRequest, GetTokenAuthorityResponse, VerifyTokenAuthorityRequest,
    VerifyTokenAuthorityResponse,
};
use bollard_buildkit_proto::moby::upload::v1::BytesMessage;
use bollard_buildkit_proto::moby::upload::v1::upload_server::{Upload, UploadServer};
use futures_util::{Stream, StreamExt};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, Response, Status, Streaming};

use crate::build::unique;
use crate::context::Archive;
use crate::dial::Host;

/// What the session can answer, announced when it is opened.
const METHODS: [&str; 4] = [
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.upload.v1.Upload/Pull",
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.filesync.v1.Auth/FetchToken",
];
/// An engine that does not hang up by then is hung up on.
const GOODBYE: Duration = Duration::from_secs(5);

/// An open session; dropping it ends it.
pub(super) struct Session {
    /// Its name on the engine.
    pub(super) id: String,
    /// The address under which the engine finds the context.
    pub(super) context_url: String,
    _end: DropGuard,
}

impl Session {
    pub(super) async fn open(
        host: &Host,
        context: Archive,
        secrets: BTreeMap<String, Vec<u8>>,
    ) -> io::Result<Self> {
        let id = unique();
        let upload = unique();
        let mut headers = vec![
            ("X-Docker-Expose-Session-Uuid", id.as_str()),
            ("X-Docker-Expose-Session-Name", "mslab"),
        ];
        headers.extend(METHODS.map(|m| ("X-Docker-Expose-Session-Grpc-Method", m)));
        let pipe = host.hijack("/session", &headers).await?;
        let end = CancellationToken::new();
        let ended = end.clone();
        let upload_path = format!("/{upload}");
        tokio::spawn(async move {
            // One connection, and then none for as long as the session lives.
            let incoming = futures_util::stream::iter([Ok::<_, io::Error>(pipe)])
                .chain(futures_util::stream::pending());
            let server = tonic::transport::Server::builder()
                .add_service(HealthServer::new(Healthy))
                .add_service(SecretsServer::new(SecretStore(secrets)))
                .add_service(
                    UploadServer::new(ContextUpload {
                        path: upload_path,
                        archive: Arc::new(context),
                    })
                    .max_encoding_message_size(16 << 20),
                )
                .add_service(AuthServer::new(Anonymous))
                // Shutting down, rather than aborting, lets the engine close its side: an aborted session leaks
                // a descriptor in the engine.
                .serve_with_incoming_shutdown(incoming, ended.clone().cancelled_owned());
            let overdue = async {
                ended.cancelled().await;
                tokio::time::sleep(GOODBYE).await;
            };
            tokio::select! {
                _ = server => {}
                () = overdue => {}
            }
        });
        Ok(Self {
            id,
            context_url: format!("http://buildkit-session/{upload}"),
            _end: end.drop_guard(),
        })
    }
}

type Reply<T> = Result<Response<T>, Status>;
type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

struct SecretStore(BTreeMap<String, Vec<u8>>);

#[tonic::async_trait]
impl Secrets for SecretStore {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Reply<GetSecretResponse> {
        let id = request.into_inner().id;
        match self.0.get(&id) {
            Some(data) => Ok(Response::new(GetSecretResponse { data: data.clone() })),
            None => Err(Status::not_found(format!("secret {id} not found"))),
        }
    }
}

struct ContextUpload {
    path: String,
    archive: Arc<Archive>,
}

#[tonic::async_trait]
impl Upload for ContextUpload {
    type PullStream = BoxStream<BytesMessage>;

    async fn pull(&self, request: Request<Streaming<BytesMessage>>) -> Reply<Self::PullStream> {
        let asked = request
            .metadata()
            .get("urlpath")
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        if asked != self.path {
            return Err(Status::invalid_argument(format!(
                "nothing to upload at {asked:?}"
            )));
        }
        let chunks = self
            .archive
            .stream()
            .await
            .map_err(|e| Status::internal(e.to_string()))?;
        let messages = chunks.map(|chunk| match chunk {
            Ok(bytes) => Ok(BytesMessage {
                data: bytes.to_vec(),
            }),
            Err(e) => Err(Status::internal(e.to_string())),
        });
        Ok(Response::new(Box::pin(messages)))
    }
}

/// Registries are asked without a login: the labs' base images are public.
struct Anonymous;

#[tonic::async_trait]
impl Auth for Anonymous {
    async fn credentials(&self, _: Request<CredentialsRequest>) -> Reply<CredentialsResponse> {
        Ok(Response::new(CredentialsResponse::default()))
    }

    async fn fetch_token(&self, _: Request<FetchTokenRequest>) -> Reply<FetchTokenResponse> {
        // The engine fetches a token itself then.
        Err(Status::unavailable("mslab fetches no tokens"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Reply<GetTokenAuthorityResponse> {
        Err(Status::unavailable("mslab has no token authority"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Reply<VerifyTokenAuthorityResponse> {
        Err(Status::unavailable("mslab has no token authority"))
    }
}

struct Healthy;

#[tonic::async_trait]
impl Health for Healthy {
    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Reply<HealthCheckResponse> {
        Ok(Response::new(HealthCheckResponse {
            status: ServingStatus::Serving.into(),
        }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Reply<HealthListResponse> {
        Err(Status::unimplemented(
            "mslab answers health checks one by one",
        ))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Reply<Self::WatchStream> {
        Err(Status::unimplemented(
            "mslab answers health checks one by one",
        ))
    }
}
