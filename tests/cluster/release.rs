//! The life of a release: installed, upgraded, mended, rolled back, uninstalled. On an API server of its own, where nothing else is left.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use softstop_rig::{Assets, Chart, DEADLINE, Process, Rig};

use crate::fixture::program;

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

    /// Runs softstop with the flags and the rights that the chart gives it, until the API server has its CA.
    fn run_replica(&self) {
        let container =
            self.get("deployment/softstop")["spec"]["template"]["spec"]["containers"][0].clone();
        let args = container["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|arg| arg.as_str().unwrap());
        let args = args.filter(|arg| !arg.contains("0.0.0.0"));
        let mut command = Command::new(program());
        command
            .args(args)
            .args(["--listen=127.0.0.1:0", "--admin-addr=127.0.0.1:0"]);
        command.env("KUBECONFIG", self.account());
        let log = self.rig.dir().join("replica.log");
        let mut replica = Process::start("softstop webhook", command, &log).unwrap();
        let deadline = Instant::now() + DEADLINE;
        while self.ca_bundle().is_null() {
            replica.check_alive().unwrap();
            assert!(Instant::now() < deadline, "no CA: {}", replica.log_tail());
            thread::sleep(Duration::from_millis(50));
        }
        let log = replica.log_tail();
        assert!(!log.contains("forbidden"), "{log}");
    }

    /// A kubeconfig for the release's service account.
    fn account(&self) -> PathBuf {
        let token = self.kubectl(&["create", "token", "softstop", "--namespace", NAMESPACE]);
        let path = self.rig.dir().join("account.kubeconfig");
        let ca = self.rig.dir().join("client-ca.crt");
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "rig",
            "clusters": [{"name": "rig", "cluster": {"server": self.rig.url(), "certificate-authority": ca}}],
            "users": [{"name": "softstop", "user": {"token": token.trim()}}],
            "contexts": [{"name": "rig", "context": {"cluster": "rig", "user": "softstop"}}]});
        fs::write(&path, config.to_string()).unwrap();
        path
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
    release.helm(&["install", "softstop", "CHART", "--create-namespace"]);
    assert_eq!(
        release.ca_bundle(),
        Value::Null,
        "whoever makes the CA writes it"
    );
    release.run_replica();
    let bundle = release.ca_bundle();
    let list = release.get("secret/softstop-ca")["data"].clone();
    assert!(list.is_object(), "{list}");

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
    assert_eq!(release.get("secret/softstop-ca")["data"], list);
    assert!(
        release
            .objects()
            .iter()
            .any(|name| name.starts_with("validatingwebhookconfiguration"))
    );

    release.helm(&["rollback", "softstop", "1"]);
    assert_eq!(release.ca_bundle(), bundle);
    assert_eq!(release.get("secret/softstop-ca")["data"], list);
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
