//! The life of a release: installed, upgraded, mended, rolled back, uninstalled. On an API server of its own, where nothing else is left.

use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use softstop_rig::{Assets, Authority, Chart, Rig};

const NAMESPACE: &str = "softstop-system";

/// Kinds that a release is made of, as kubectl calls them.
const KINDS: &str = "mutatingwebhookconfigurations,validatingwebhookconfigurations,deployments,services,serviceaccounts,\
                     secrets,networkpolicies,poddisruptionbudgets,roles,rolebindings,clusterroles,clusterrolebindings,configmaps";

struct Release {
    rig: Rig,
    chart: Chart,
}

impl Release {
    /// `helm ARGS...` for the release, in its namespace; `CHART` stands for the chart.
    fn helm(&self, args: &[&str]) -> Output {
        let kubeconfig = self.rig.kubeconfig();
        let dir = self.chart.dir().to_str().unwrap();
        let mut all: Vec<&str> = args
            .iter()
            .map(|&arg| if arg == "CHART" { dir } else { arg })
            .collect();
        all.extend([
            "--namespace",
            NAMESPACE,
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
        ]);
        let output = self.chart.helm(all).unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    fn kubectl(&self, args: &[&str]) -> String {
        let output = self.rig.kubectl(args).unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    fn get(&self, what: &str) -> Value {
        serde_json::from_str(&self.kubectl(&["get", what, "--namespace", NAMESPACE, "-o", "json"]))
            .unwrap()
    }

    fn ca_bundle(&self) -> Value {
        self.get("mutatingwebhookconfiguration/softstop")["webhooks"][0]["clientConfig"]["caBundle"]
            .clone()
    }

    /// What softstop does: writes its CA into the one field, as its owner.
    fn write_ca(&self, bundle: &str) {
        let apply = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "softstop"},
            "webhooks": [{"name": "pods.softstop.dev", "clientConfig": {"caBundle": bundle}}]});
        let file = self.rig.dir().join("bundle.json");
        std::fs::write(&file, apply.to_string()).unwrap();
        let manager = "--field-manager=softstop-certificates";
        self.kubectl(&[
            "apply",
            "--server-side",
            manager,
            "--validate=false",
            "-f",
            file.to_str().unwrap(),
        ]);
        let list = r#"{"data": {"authorities.pem": "Q0E="}}"#;
        self.kubectl(&[
            "patch",
            "secret",
            "softstop-ca",
            "--namespace",
            NAMESPACE,
            "--patch",
            list,
            manager,
        ]);
    }

    /// Objects that carry the release's name.
    fn objects(&self) -> Vec<String> {
        let list = self.kubectl(&[
            "get",
            KINDS,
            "-A",
            "-o",
            "name",
            "--selector",
            "app.kubernetes.io/instance=softstop",
        ]);
        list.lines().map(str::to_owned).collect()
    }

    /// The revision at which the object of that path's list was deleted.
    fn deleted_at(&self, list: &str, since: &str) -> u64 {
        let events = self.kubectl(&[
            "get",
            "--raw",
            &format!("{list}?watch=1&resourceVersion={since}&timeoutSeconds=1"),
        ]);
        let deleted = events
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .find(|event| {
                event["type"] == "DELETED" && event["object"]["metadata"]["name"] == "softstop"
            });
        let version = &deleted.unwrap()["object"]["metadata"]["resourceVersion"];
        version.as_str().unwrap().parse().unwrap()
    }
}

#[test]
fn a_release_leaves_foreign_fields_alone_and_nothing_behind() {
    let rig = Rig::start(&Assets::find_or_build().unwrap()).unwrap();
    let release = Release {
        rig,
        chart: Chart::find().unwrap(),
    };
    let bundle = STANDARD.encode(Authority::new("test").unwrap().pem());

    release.helm(&["install", "softstop", "CHART", "--create-namespace"]);
    assert_eq!(
        release.ca_bundle(),
        Value::Null,
        "whoever makes the CA writes it"
    );
    release.write_ca(&bundle);

    // An upgrade of everything that Helm owns keeps what it does not own.
    release.helm(&[
        "upgrade",
        "softstop",
        "CHART",
        "--set",
        "webhook.timeoutSeconds=3,replicas=2,validation.enabled=true",
    ]);
    assert_eq!(release.ca_bundle(), bundle);
    let configuration = release.get("mutatingwebhookconfiguration/softstop");
    assert_eq!(configuration["webhooks"][0]["timeoutSeconds"], 3);
    assert_eq!(
        release.get("secret/softstop-ca")["data"]["authorities.pem"],
        "Q0E="
    );
    assert!(
        release
            .objects()
            .iter()
            .any(|name| name.starts_with("validatingwebhookconfiguration"))
    );

    release.helm(&["rollback", "softstop", "1"]);
    assert_eq!(release.ca_bundle(), bundle);
    assert_eq!(
        release.get("secret/softstop-ca")["data"]["authorities.pem"],
        "Q0E="
    );
    assert_eq!(release.get("deployment/softstop")["spec"]["replicas"], 3);
    assert!(
        !release
            .objects()
            .iter()
            .any(|name| name.starts_with("validatingwebhookconfiguration"))
    );

    // The emergency: the one command, and the way back.
    release.kubectl(&["delete", "mutatingwebhookconfiguration", "softstop"]);
    release.helm(&["upgrade", "softstop", "CHART"]);
    assert_eq!(
        release.get("mutatingwebhookconfiguration/softstop")["webhooks"][0]["name"],
        "pods.softstop.dev"
    );

    let since =
        release.get("mutatingwebhookconfiguration/softstop")["metadata"]["resourceVersion"].clone();
    release.helm(&["uninstall", "softstop"]);
    assert_eq!(release.objects(), [""; 0]);
    let since = since.as_str().unwrap();
    let configuration = release.deleted_at(
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        since,
    );
    for behind in [
        "api/v1/namespaces/softstop-system/services",
        "apis/apps/v1/namespaces/softstop-system/deployments",
    ] {
        assert!(
            configuration < release.deleted_at(&format!("/{behind}"), since),
            "{behind}"
        );
    }
    // Every policy would go with it.
    release.kubectl(&["get", "crd", "shutdownpolicies.softstop.dev"]);
    // And the same name may come again.
    release.helm(&["install", "softstop", "CHART"]);
}
