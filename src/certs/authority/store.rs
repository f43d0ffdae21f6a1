//! What the cluster keeps: one Secret, and the `caBundle`s of the webhook configurations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::BoxStream;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use kube::runtime::watcher::watch_object;
use kube::{Client, Resource as _};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::debug;

use super::ca::{Service, SigningCa};
use super::decide::{Bundle, Ca};
use super::pem::{read_bundle, read_list, write_bundle, write_list};
use super::{AuthorityError, Settings};

/// Where in the Secret the CAs are.
const KEY: &str = "authorities.pem";

/// Whose the `caBundle` is, for server-side apply: nobody else's field is touched, and no tool reports a difference.
const MANAGER: &str = "softstop-certificates";

/// Until a watch that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Access to them, and to nothing else.
#[derive(Clone)]
pub(super) struct Store {
    service: Service,
    secret: String,
    secrets: Api<Secret>,
    configurations: Vec<Target>,
}

/// A webhook configuration.
#[derive(Clone)]
struct Target {
    name: String,
    resource: ApiResource,
    api: Api<DynamicObject>,
}

/// The Secret as it was read, if it is there.
#[derive(Debug)]
pub(super) struct StoredList {
    object: Option<Secret>,
    pub(super) list: Vec<SigningCa>,
}

/// A webhook configuration as it was read.
#[derive(Debug)]
pub(super) struct Configuration {
    pub(super) name: String,
    version: Option<String>,
    /// Those of its webhooks that ask our Service, by name.
    pub(super) webhooks: Vec<(String, Bundle)>,
    index: usize,
}

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is there.
    Done,
    /// Somebody else wrote first. What is there now must be read before anything is done.
    Conflict,
}

impl Store {
    pub(super) fn new(client: &Client, settings: &Settings) -> Self {
        let target = |kind: &str, name: &str| {
            let resource = ApiResource {
                group: "admissionregistration.k8s.io".to_owned(),
                version: "v1".to_owned(),
                api_version: "admissionregistration.k8s.io/v1".to_owned(),
                kind: kind.to_owned(),
                plural: format!("{}s", kind.to_lowercase()),
            };
            Target {
                name: name.to_owned(),
                api: Api::all_with(client.clone(), &resource),
                resource,
            }
        };
        let mutating = target("MutatingWebhookConfiguration", &settings.configuration);
        let validating = settings.validating_configuration.as_deref();
        let validating = validating.map(|name| target("ValidatingWebhookConfiguration", name));
        Self {
            secrets: Api::namespaced(client.clone(), &settings.service.namespace),
            secret: settings.secret.clone(),
            service: settings.service.clone(),
            configurations: [mutating].into_iter().chain(validating).collect(),
        }
    }

    /// Reads the Secret.
    pub(super) async fn list(&self) -> Result<StoredList, AuthorityError> {
        let object = self
            .secrets
            .get_opt(&self.secret)
            .await
            .map_err(|source| self.failed("read", source))?;
        let data = object.as_ref().and_then(|secret| secret.data.as_ref());
        let pem = data.and_then(|data| data.get(KEY));
        let list = pem.map_or_else(Vec::new, |pem| read_list(&pem.0, &self.service));
        Ok(StoredList { object, list })
    }

    /// Writes the Secret, if it is still as it was read.
    pub(super) async fn write_list(
        &self,
        read: &StoredList,
        list: impl IntoIterator<Item = &SigningCa>,
    ) -> Result<Written, AuthorityError> {
        let pem = ByteString(write_list(list).into_bytes());
        let params = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let result = if let Some(object) = &read.object {
            // With the version that was read.
            let mut object = object.clone();
            object
                .data
                .get_or_insert_default()
                .insert(KEY.to_owned(), pem);
            self.secrets.replace(&self.secret, &params, &object).await
        } else {
            let mut object = Secret {
                data: Some(BTreeMap::from([(KEY.to_owned(), pem)])),
                ..Secret::default()
            };
            // No labels: whoever installed softstop owns those, and could not apply them over ours.
            object.meta_mut().name = Some(self.secret.clone());
            self.secrets.create(&params, &object).await
        };
        written(result).map_err(|source| self.failed("write", source))
    }

    /// Reads the configurations that there are.
    pub(super) async fn configurations(&self) -> Result<Vec<Configuration>, AuthorityError> {
        let mut found = Vec::new();
        for (index, target) in self.configurations.iter().enumerate() {
            let object = target.api.get_opt(&target.name).await;
            let Some(object) = object.map_err(|source| target.failed("read", source))? else {
                continue;
            };
            found.push(Configuration {
                name: target.name.clone(),
                version: object.metadata.resource_version,
                webhooks: self.webhooks(&object.data),
                index,
            });
        }
        Ok(found)
    }

    /// A webhook is ours if it asks our Service: the trust in another's is none of our business, also where two installations
    /// are told the same name.
    fn webhooks(&self, data: &Value) -> Vec<(String, Bundle)> {
        let ours = |webhook: &&Value| {
            let service = &webhook["clientConfig"]["service"];
            service["name"] == *self.service.name && service["namespace"] == *self.service.namespace
        };
        let read = |webhook: &Value| {
            let bundle = webhook["clientConfig"]["caBundle"]
                .as_str()
                .unwrap_or_default();
            let pem = STANDARD.decode(bundle).unwrap_or_default();
            let name = webhook["name"].as_str()?.to_owned();
            Some((name, read_bundle(&pem, &self.service)))
        };
        let webhooks = data["webhooks"].as_array();
        webhooks
            .into_iter()
            .flatten()
            .filter(ours)
            .filter_map(read)
            .collect()
    }

    /// Writes the `caBundle` of our webhooks in a configuration, if it is still as it was read.
    pub(super) async fn write_bundle(
        &self,
        configuration: &Configuration,
        bundle: &[Ca],
    ) -> Result<Written, AuthorityError> {
        let Some(target) = self.configurations.get(configuration.index) else {
            return Ok(Written::Conflict);
        };
        let pem = STANDARD.encode(write_bundle(bundle));
        // All of them: what was applied before and is not any more would be removed.
        let webhooks: Vec<_> = configuration
            .webhooks
            .iter()
            .map(|(name, _)| json!({"name": name, "clientConfig": {"caBundle": pem}}))
            .collect();
        let change = json!({
            "apiVersion": target.resource.api_version,
            "kind": target.resource.kind,
            "metadata": {"name": target.name, "resourceVersion": configuration.version},
            "webhooks": webhooks,
        });
        // By force: whoever blanks the bundle becomes its owner.
        let params = PatchParams::apply(MANAGER).force();
        let result = target
            .api
            .patch(&target.name, &params, &Patch::Apply(change))
            .await;
        written(result).map_err(|source| target.failed("patch", source))
    }

    /// Pokes whenever one of them changes, for ever. Each is watched by its name, which is all that its role allows.
    pub(super) async fn watch(&self, changed: Arc<Notify>) {
        let secret = watch_object(self.secrets.clone(), &self.secret);
        let mut watches: Vec<BoxStream<'_, _>> = vec![secret.map(|next| next.map(drop)).boxed()];
        for target in &self.configurations {
            let watch = watch_object(target.api.clone(), &target.name);
            watches.push(watch.map(|next| next.map(drop)).boxed());
        }
        let followed = watches.into_iter().map(async |mut watch| {
            while let Some(next) = watch.next().await {
                if let Err(error) = next {
                    // Whoever is poked reads for himself, looks every few seconds anyway, and says what is wrong.
                    debug!(%error, "the watch failed");
                    sleep(PAUSE).await;
                }
                changed.notify_one();
            }
        });
        join_all(followed).await;
    }

    fn failed(&self, action: &'static str, source: kube::Error) -> AuthorityError {
        AuthorityError::Api {
            action,
            object: format!("Secret {}/{}", self.service.namespace, self.secret),
            source: Box::new(source),
        }
    }
}

impl Target {
    fn failed(&self, action: &'static str, source: kube::Error) -> AuthorityError {
        AuthorityError::Api {
            action,
            object: format!("{} {}", self.resource.kind, self.name),
            source: Box::new(source),
        }
    }
}

fn written<T>(result: Result<T, kube::Error>) -> Result<Written, kube::Error> {
    match result {
        Ok(_) => Ok(Written::Done),
        // Changed, made, or deleted meanwhile.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Written::Conflict),
        Err(error) => Err(error),
    }
}
