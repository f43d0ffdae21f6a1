//! The decision table, row by row: without softstop-init, and with it.

mod injected;

use serde_json::{Value, json};
use softstop_programs::signal::Signal;

use crate::testing::{World, apply, injection, plan_with};
use crate::{Image, Verdict};

/// The verdict and its reason, for the first container.
fn verdict(pod: &Value, world: &World) -> (Verdict, &'static str) {
    let plan = plan_with(pod, world);
    let container = plan.containers.first().expect("a container");
    (container.verdict, container.reason)
}

fn pod(container: Value) -> Value {
    let mut container = container;
    container["name"] = json!("main");
    container["image"] = json!("example/app@sha256:00");
    json!({ "spec": { "containers": [container] } })
}

fn shell(script: &str) -> Value {
    pod(json!({ "command": ["sh", "-c", script] }))
}

fn argv(words: &[&str]) -> Value {
    pod(json!({ "command": words }))
}

use Verdict::{Direct, Exec, Hook, Init, Leave};

#[test]
#[allow(clippy::too_many_lines, reason = "one flat table")]
fn rows_of_the_table() {
    let rows: &[(Value, Verdict, Verdict, &str)] = &[
        // The argv is not proven.
        (pod(json!({})), Leave, Hook, "argv-unknown"),
        (pod(json!({ "args": ["run"] })), Leave, Hook, "argv-unknown"),
        // Must not be PID 1, or is restarted by a loop.
        (argv(&["julia", "app.jl"]), Leave, Init, "not-pid1"),
        (shell("julia app.jl; sleep 1"), Leave, Init, "not-pid1"),
        (
            shell("while true; do python job.py; done"),
            Leave,
            Init,
            "loop",
        ),
        // What keeps the signal, or cannot be read.
        (
            argv(&["flock", "/lock", "gunicorn", "app"]),
            Leave,
            Hook,
            "launcher-swallows",
        ),
        (argv(&["npm", "start"]), Leave, Hook, "launcher-swallows"),
        (argv(&["bash", "/start.sh"]), Leave, Hook, "script-file"),
        (argv(&["/start.sh"]), Leave, Hook, "unknown-program"),
        (shell("gunicorn app | tee log"), Leave, Hook, "pipeline"),
        (
            argv(&["tini", "--", "sh", "-c", "gunicorn app | tee log"]),
            Leave,
            Hook,
            "pipeline",
        ),
        (
            argv(&["zsh", "-c", "gunicorn app"]),
            Leave,
            Hook,
            "unsupported-shell",
        ),
        (
            shell("gunicorn app & P=$!; trap 'kill $P; wait $P' TERM; wait $P"),
            Leave,
            Hook,
            "trap",
        ),
        // No shell, or exec already.
        (argv(&["gunicorn", "app"]), Direct, Direct, "drains-on-term"),
        (
            argv(&["tini", "--", "gunicorn", "app"]),
            Direct,
            Direct,
            "drains-on-term",
        ),
        (
            shell("migrate && exec gunicorn app"),
            Direct,
            Direct,
            "drains-on-term",
        ),
        (
            argv(&["nginx", "-g", "daemon off;"]),
            Leave,
            Hook,
            "other-signal",
        ),
        (argv(&["daphne", "app:app"]), Direct, Direct, "no-drain"),
        (argv(&["sleep", "infinity"]), Leave, Leave, "no-handler"),
        (
            shell("service nginx start; exec tail -f /dev/null"),
            Leave,
            Hook,
            "idle-after-daemons",
        ),
        (argv(&["python", "job.py"]), Direct, Direct, "application"),
        (argv(&["/app/server"]), Leave, Hook, "unknown-program"),
        // exec is proven.
        (shell("gunicorn app"), Exec, Exec, "exec-proven"),
        (
            argv(&["tini", "--", "sh", "-c", "gunicorn app"]),
            Exec,
            Exec,
            "exec-proven",
        ),
        (shell("nginx -g 'daemon off;'"), Leave, Hook, "other-signal"),
        (shell("daphne app:app"), Exec, Exec, "exec-proven"),
        (shell("sleep infinity"), Leave, Leave, "no-handler"),
        (
            shell("service nginx start; tail -f /dev/null"),
            Leave,
            Hook,
            "idle-after-daemons",
        ),
        (
            shell("java -XX:OnOutOfMemoryError='kill -9 %p' -jar a.jar"),
            Leave,
            Init,
            "pid1-hazard",
        ),
        (shell("python job.py"), Exec, Exec, "exec-proven"),
        (shell("/app/server --port 80"), Exec, Exec, "exec-proven"),
        // Nothing to do.
        (shell("  # nothing"), Leave, Leave, "empty-script"),
        (shell("echo done"), Leave, Leave, "only-builtins"),
        (argv(&["sh"]), Leave, Leave, "no-script"),
        (
            argv(&["/.softstop/softstop-init", "--", "app"]),
            Direct,
            Direct,
            "init-present",
        ),
    ];
    for (pod, without, with, reason) in rows {
        let text = pod["spec"]["containers"][0].to_string();
        assert_eq!(
            verdict(pod, &World::default()),
            (*without, *reason),
            "without: {text}"
        );
        assert_eq!(
            verdict(
                pod,
                &World {
                    capabilities: injection(),
                    ..World::default()
                }
            ),
            (*with, *reason),
            "with: {text}"
        );
    }
}

#[test]
fn the_stop_signal_of_the_image_decides_where_it_is_known() {
    let mut world = World::default();
    let image = |stop_signal| Image {
        stop_signal,
        ..Image::default()
    };
    world
        .facts
        .insert("example/app@sha256:00", image(Some(Signal::QUIT)));
    assert_eq!(
        verdict(&argv(&["nginx"]), &world),
        (Direct, "drains-on-stopsignal")
    );
    assert_eq!(verdict(&shell("nginx"), &world), (Exec, "exec-proven"));
    // What drains on SIGTERM does not get it from an image that says SIGQUIT.
    assert_eq!(
        verdict(&argv(&["gunicorn", "app"]), &world),
        (Leave, "other-signal")
    );
    world.facts.insert("example/app@sha256:00", image(None));
    assert_eq!(verdict(&argv(&["nginx"]), &world), (Leave, "other-signal"));
}

#[test]
fn facts_by_digest_prove_the_argv_and_a_tag_does_not() {
    let image = Image {
        entrypoint: ["/bin/sh", "-c", "echo $HOME; gunicorn app"]
            .map(String::from)
            .to_vec(),
        ..Image::default()
    };
    let mut world = World::default();
    world.facts.insert("example/app@sha256:00", image.clone());
    let by_digest = pod(json!({}));
    assert_eq!(verdict(&by_digest, &world), (Exec, "exec-proven"));
    let patched = apply(&by_digest, &plan_with(&by_digest, &world));
    let command = json!(["/bin/sh", "-c", "echo $$HOME; exec gunicorn app"]);
    assert_eq!(patched["spec"]["containers"][0]["command"], command);

    world.facts.insert("example/app:1", image);
    let mut by_tag = by_digest;
    by_tag["spec"]["containers"][0]["image"] = json!("example/app:1");
    assert_eq!(verdict(&by_tag, &world), (Leave, "argv-unproven"));
}

#[test]
fn an_edit_of_args_leaves_the_images_entrypoint_alone() {
    let mut world = World::default();
    let image = Image {
        entrypoint: ["sh", "-c"].map(String::from).to_vec(),
        ..Image::default()
    };
    world.facts.insert("example/app@sha256:00", image);
    let pod = pod(json!({ "args": ["gunicorn app --bind $$HOST"] }));
    let patched = apply(&pod, &plan_with(&pod, &world));
    let container = &patched["spec"]["containers"][0];
    assert_eq!(
        container["args"],
        json!(["exec gunicorn app --bind $$HOST"])
    );
    assert_eq!(container.get("command"), None);
}

#[test]
fn pods_and_containers_that_are_left_alone() {
    let celery = || shell("celery -A x worker");
    let mut mirror = celery();
    mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "x" });
    let mut windows = celery();
    windows["spec"]["os"] = json!({ "name": "windows" });
    let mut host_process = celery();
    host_process["spec"]["securityContext"] = json!({ "windowsOptions": { "hostProcess": true } });
    let mut off = celery();
    off["metadata"]["annotations"] = json!({ "entrypoint.softstop.dev/main": "off" });
    let mut proxy = celery();
    proxy["spec"]["containers"][0]["name"] = json!("istio-proxy");
    for (pod, reason) in [
        (mirror, "mirror-pod"),
        (windows, "windows"),
        (host_process, "host-process"),
        (off, "off"),
        (proxy, "injected-by-others"),
        (
            argv(&["/tekton/bin/entrypoint", "--", "x"]),
            "injected-by-others",
        ),
    ] {
        assert_eq!(verdict(&pod, &World::default()), (Leave, reason));
    }
}

#[test]
fn forced_values_apply_where_their_preconditions_hold() {
    let forced = |value: &str, mut pod: Value| {
        pod["metadata"]["annotations"] = json!({ "softstop.dev/entrypoint": value });
        pod
    };
    let world = World {
        capabilities: injection(),
        ..World::default()
    };
    assert_eq!(
        verdict(&forced("init", argv(&["gunicorn"])), &world),
        (Init, "forced")
    );
    assert_eq!(
        verdict(&forced("init", pod(json!({}))), &world),
        (Leave, "forced")
    );
    assert_eq!(
        verdict(&forced("hook", argv(&["gunicorn"])), &world),
        (Hook, "forced")
    );
    let mut taken = forced("hook", argv(&["gunicorn"]));
    taken["spec"]["containers"][0]["lifecycle"] =
        json!({ "preStop": { "exec": { "command": ["/x"] } } });
    assert_eq!(verdict(&taken, &world), (Leave, "forced"));
    assert_eq!(
        verdict(&forced("exec", shell("gunicorn | tee x")), &world),
        (Leave, "pipeline")
    );
    assert_eq!(
        verdict(&forced("hook", argv(&["gunicorn"])), &World::default()),
        (Leave, "forced")
    );
}
