//! softstop as its users install it, on a node of its own.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use softstop_availability::{NAMESPACE, SCENARIOS, apply, latency, upgrade};
use softstop_rig::Node;

use crate::fixture::{PATIENCE, image, namespace, pod, root, start};

/// What takes a few seconds each. `cargo xtask availability` makes everything happen, and more often.
const SHORT: [&str; 4] = ["rollouts", "apiserver", "down", "killed"];

#[test]
fn installed_it_changes_pods_and_stands_in_nobodys_way() {
    let mut node = start();
    node.import_archive(&image("localhost")).unwrap();

    // Without Helm.
    let installed = apply(&node).unwrap();
    println!(
        "kubectl apply: the first pod changed after {:?}",
        installed.took
    );
    assert_ne!(left(&node), "");
    let manifests = root().join("deploy/softstop.yaml");
    node.kubectl_ok(["delete", "mutatingwebhookconfiguration", "softstop"])
        .unwrap();
    node.kubectl_ok([
        "delete",
        "--ignore-not-found",
        "-f",
        &manifests.display().to_string(),
    ])
    .unwrap();
    assert_eq!(left(&node), "");

    as_the_readme_says(&node);

    let page = latency(&node, 20).unwrap().page();
    assert!(page.contains("20 dry-run creations"), "{page}");

    for scenario in SCENARIOS
        .iter()
        .filter(|scenario| SHORT.contains(&scenario.name))
    {
        let outcome = scenario.run(&mut node, 1).unwrap();
        let broken = outcome.broken(scenario.promise);
        assert_eq!(broken, None, "{}: {outcome:?}", scenario.name);
    }

    without_the_image_of_softstop_init(&node);

    helm(&node, &["uninstall", "softstop", "--wait"]);
    // The pods serve on for a while.
    let deadline = Instant::now() + PATIENCE;
    while !left(&node).is_empty() {
        assert!(Instant::now() < deadline, "left: {}", left(&node));
        thread::sleep(Duration::from_millis(500));
    }
    // Deleting the definition would delete every policy.
    node.kubectl_ok(["get", "crd", "shutdownpolicies.softstop.dev"])
        .unwrap();
}

/// The README's commands, as they stand there, give a changed pod; `helm test` is one of them.
fn as_the_readme_says(node: &Node) {
    // In place of the registry: the nodes have the image.
    node.import_archive(&image("registry.example")).unwrap();
    namespace(node, "shop");
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let commands = commands(&readme, "helm install softstop");
    for command in &commands {
        if command.starts_with("cargo xtask image") {
            continue;
        }
        let mut shell = node.command("sh").unwrap();
        let output = shell
            .args(["-ec", command])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
    }
    assert!(commands.iter().any(|command| command.contains("helm test")));

    let pod = pod("shop", "web", &["sh", "-c", "gunicorn shop.wsgi"], 30);
    let file = node.dir().join("web.json");
    fs::write(&file, pod.to_string()).unwrap();
    let create = || {
        let file = file.display().to_string();
        let args = ["create", "--dry-run=server", "-o", "json", "-f", &file];
        let output = node.kubectl(args).unwrap();
        let warnings = String::from_utf8(output.stderr).unwrap();
        let pod: Value = serde_json::from_slice(&output.stdout).expect(&warnings);
        let script = pod["spec"]["containers"][0]["command"][2].clone();
        (script, warnings)
    };
    // What softstop hears of a namespace, it hears a moment later.
    let until = |what: &str, holds: &dyn Fn(&Value, &str) -> bool| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (script, warnings) = create();
            if holds(&script, &warnings) {
                return;
            }
            assert!(Instant::now() < deadline, "not {what}: {script} {warnings}");
            thread::sleep(Duration::from_millis(200));
        }
    };
    until("audited", &|script, warnings| {
        script == "gunicorn shop.wsgi" && warnings.contains("softstop (audit")
    });
    let enforce = [
        "label",
        "namespace",
        "shop",
        "softstop.dev/mode=enforce",
        "--overwrite",
    ];
    node.kubectl_ok(enforce).unwrap();
    until("changed", &|script, _| script == "exec gunicorn shop.wsgi");
}

/// The commands of the block that has this one, without comments.
fn commands(page: &str, one: &str) -> Vec<String> {
    let block = page
        .split("```")
        .find(|block| block.contains(one))
        .expect("a block of commands");
    let joined = block.replace("\\\n", " ");
    let commands = joined.lines().filter_map(|line| line.strip_prefix("$ "));
    let commands = commands.map(|line| line.split(" # ").next().unwrap_or_default().trim());
    commands.map(str::to_owned).collect()
}

/// Where the image of softstop-init cannot be pulled, pods wait that asked for it, and no others.
fn without_the_image_of_softstop_init(node: &Node) {
    upgrade(
        node,
        &[
            "injection.enabled=true",
            r#"injection.image="localhost/none:1""#,
        ],
    )
    .unwrap();
    namespace(node, "injected");
    let other = pod("injected", "other", &["sh", "-c", "httpd -f; true"], 30);
    let mut asks = other.clone();
    asks["metadata"] = json!({"name": "asks", "namespace": "injected",
        "annotations": {"softstop.dev/mode": "enforce", "softstop.dev/entrypoint": "init"}});
    node.apply(&asks).unwrap();
    node.apply(&other).unwrap();
    node.wait_ready("injected", "other", PATIENCE).unwrap();
    let reason = |pod: &Value| {
        pod["status"]["initContainerStatuses"][0]["state"]["waiting"]["reason"].clone()
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let pod = node.get("pod", "injected", "asks").unwrap().unwrap();
        if matches!(
            reason(&pod).as_str(),
            Some("ErrImagePull" | "ImagePullBackOff")
        ) {
            break;
        }
        assert!(Instant::now() < deadline, "{pod}");
        thread::sleep(Duration::from_millis(200));
    }
}

fn helm(node: &Node, args: &[&str]) {
    let mut command = node.command("helm").unwrap();
    let output = command
        .args(args)
        .args(["--namespace", NAMESPACE])
        .output()
        .unwrap();
    assert!(output.status.success(), "helm {args:?}: {output:?}");
}

/// What of the release is there, as `KIND/NAME` lines.
fn left(node: &Node) -> String {
    let kinds = "all,secrets,configmaps,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,networkpolicies,\
                 poddisruptionbudgets,mutatingwebhookconfigurations,validatingwebhookconfigurations";
    let release = "app.kubernetes.io/instance=softstop";
    node.kubectl_ok([
        "get",
        kinds,
        "--all-namespaces",
        "-l",
        release,
        "-o",
        "name",
    ])
    .unwrap()
}
