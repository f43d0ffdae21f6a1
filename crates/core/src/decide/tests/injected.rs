//! With softstop-init in the pod, and with hooks that are asked for.

use super::*;

#[test]
fn what_was_injected_is_recognised() {
    let world = World {
        capabilities: injection(),
        ..World::default()
    };
    for pod in [
        argv(&["/start.sh"]),
        shell("while true; do python job.py; done"),
        pod(json!({ "ports": [{ "containerPort": 80 }] })),
        argv(&["nginx"]),
    ] {
        let once = apply(&pod, &plan_with(&pod, &world));
        let again = plan_with(&once, &world);
        assert!(again.changes.is_empty(), "{:#?}", again.changes);
        // Another webhook adds a container: it gets the mount, and nothing comes twice.
        let mut more = once;
        let containers = more["spec"]["containers"]
            .as_array_mut()
            .expect("containers");
        containers.push(json!({ "name": "late", "image": "x", "command": ["/late.sh"] }));
        let more = apply(&more, &plan_with(&more, &world));
        assert_eq!(
            more["spec"]["initContainers"].as_array().map(Vec::len),
            Some(1)
        );
        assert_eq!(more["spec"]["volumes"].as_array().map(Vec::len), Some(1));
        assert!(more["spec"]["containers"][1]["lifecycle"]["preStop"]["exec"].is_object());
    }
}

#[test]
fn a_shared_pid_namespace_has_no_hook() {
    let world = World {
        capabilities: injection(),
        ..World::default()
    };
    let mut pod = shell("gunicorn app | tee log");
    pod["spec"]["shareProcessNamespace"] = json!(true);
    assert_eq!(verdict(&pod, &world), (Init, "pipeline"));
}

#[test]
fn what_stands_in_the_place_of_softstop_init_stays() {
    let world = World {
        capabilities: injection(),
        ..World::default()
    };
    let mut pod = argv(&["/start.sh"]);
    pod["spec"]["volumes"] = json!([{ "name": "softstop-init", "configMap": { "name": "x" } }]);
    let plan = plan_with(&pod, &world);
    assert_eq!(plan.containers[0].verdict, Leave);
    assert!(plan.changes.is_empty());
}

#[test]
fn a_hook_needs_the_grace_that_the_pod_will_have() {
    let world = World {
        capabilities: injection(),
        ..World::default()
    };
    let mut pod = argv(&["/app/server"]);
    pod["spec"]["terminationGracePeriodSeconds"] = json!(0);
    assert_eq!(verdict(&pod, &world), (Init, "unknown-program"));
    pod["metadata"]["annotations"]["softstop.dev/grace-period"] = json!("60");
    assert_eq!(verdict(&pod, &world), (Hook, "unknown-program"));
}

#[test]
fn the_program_behind_softstop_init_is_known() {
    let world = World {
        capabilities: injection(),
        ..World::default()
    };
    let mut pod = shell("julia app.jl | daphne app:app");
    pod["spec"]["shareProcessNamespace"] = json!(true);
    pod["metadata"]["annotations"]["softstop.dev/drain-time"] = json!("100");
    let patched = apply(&pod, &plan_with(&pod, &world));
    assert_eq!(verdict(&patched, &world), (Direct, "init-present"));
    // Daphne has no drain: its time is in the delay, and counts once.
    assert_eq!(patched["spec"]["terminationGracePeriodSeconds"], 105);
    assert!(plan_with(&patched, &world).changes.is_empty());
}

#[test]
fn a_grace_of_zero_keeps_out_the_hook_that_a_namespace_asks_for() {
    let mut world = World::default();
    let hook = r#"["/bin/drain"]"#.to_owned();
    world
        .namespace
        .annotations
        .insert("softstop.dev/pre-stop".into(), hook);
    let mut pod = argv(&["gunicorn", "app:app"]);
    pod["spec"]["terminationGracePeriodSeconds"] = json!(0);
    assert!(plan_with(&pod, &world).changes.is_empty());
    pod["spec"]["terminationGracePeriodSeconds"] = json!(2);
    assert!(!plan_with(&pod, &world).changes.is_empty());
}

#[test]
fn a_hook_that_is_asked_for_is_not_longer_than_it_is() {
    let mut pod = argv(&["daphne", "app:app"]);
    pod["metadata"]["annotations"]["softstop.dev/pre-stop"] = json!(r#"["sleep", "40"]"#);
    let patched = apply(&pod, &plan_with(&pod, &World::default()));
    // 40 s of the hook and the margin; no drain time that nothing waits for.
    assert_eq!(patched["spec"]["terminationGracePeriodSeconds"], 45);
}

#[test]
fn softstop_init_gives_the_program_its_variables_at_once() {
    let world = World {
        capabilities: injection(),
        ..World::default()
    };
    let mut pod = shell("uwsgi --master && tail -f /dev/null");
    pod["spec"]["shareProcessNamespace"] = json!(true);
    let patched = apply(&pod, &plan_with(&pod, &world));
    assert_eq!(
        patched.pointer("/spec/containers/0/env/0/name"),
        Some(&json!("UWSGI_HOOK_MASTER_START"))
    );
    assert!(plan_with(&patched, &world).changes.is_empty());
}

/// It knows most programs itself, and leaves alone what no signal drains: it is told where the plan knows better.
#[test]
fn softstop_init_is_told_a_signal_where_one_is_right_for_all() {
    let world = World {
        capabilities: injection(),
        ..World::default()
    };
    let with = |mut pod: Value, key: &str, value: &str| {
        pod["metadata"]["annotations"][key] = json!(value);
        pod
    };
    let bash = |script| argv(&["bash", "-c", script]);
    let piped = |program: &str| shell(&format!("{program} | tee log"));
    for (pod, signal) in [
        // Its requests are done when the longer delay is over; uWSGI gets its variables.
        (piped("daphne app:app"), Some("SIGTERM")),
        (piped("uwsgi --master"), Some("SIGTERM")),
        (piped("nginx"), Some("SIGQUIT")),
        (piped("gunicorn app:app"), None),
        (argv(&["/start.sh"]), None),
        (pod(json!({ "ports": [{ "containerPort": 80 }] })), None),
        (
            with(pod(json!({})), "softstop.dev/stop-signal", "TERM"),
            Some("SIGTERM"),
        ),
        (
            with(piped("daphne app:app"), "softstop.dev/stop-signal", "INT"),
            Some("SIGINT"),
        ),
        // nginx drains on SIGQUIT, PHP-FPM, which answers it, on no signal.
        (shell("php-fpm & nginx & wait"), None),
        (shell("nginx; php-fpm -F | tee log"), None),
        (shell("php-fpm -D; nginx -g 'daemon off;'"), None),
        // PID 1 itself is told.
        (
            shell("php-fpm -D; exec nginx -g 'daemon off;'"),
            Some("SIGQUIT"),
        ),
        (bash("php-fpm -D; nginx -g 'daemon off;'"), Some("SIGQUIT")),
    ] {
        let patched = apply(&pod, &plan_with(&pod, &world));
        let command = &patched["spec"]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"];
        let words: Vec<_> = command
            .as_array()
            .unwrap_or_else(|| panic!("no hook: {pod:#}"))
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let told = words
            .windows(2)
            .find(|pair| pair[0] == "--signal")
            .map(|pair| pair[1]);
        assert_eq!(told, signal, "{pod:#} {words:?}");
    }
    let mut pod = piped("daphne app:app");
    pod["spec"]["shareProcessNamespace"] = json!(true);
    let patched = apply(&pod, &plan_with(&pod, &world));
    let command = &patched["spec"]["containers"][0]["command"];
    assert_eq!(
        (&command[1], &command[2]),
        (&json!("--signal"), &json!("SIGTERM"))
    );
}

/// Where only the setting names the program, a script may stand in front of it: the hook looks.
#[test]
fn a_program_that_only_the_setting_names_may_be_behind_a_script() {
    let world = World {
        capabilities: injection(),
        ..World::default()
    };
    let named = |mut pod: Value, runtime: &str| {
        pod["metadata"]["annotations"]["softstop.dev/runtime"] = json!(runtime);
        pod
    };
    let image = || pod(json!({ "ports": [{ "containerPort": 80 }] }));
    for (pod, expected, signal, variable) in [
        (
            named(argv(&["/start.sh"]), "gunicorn"),
            (Hook, "named-program"),
            None,
            false,
        ),
        (
            named(argv(&["/start.sh"]), "nginx"),
            (Hook, "named-program"),
            Some("SIGQUIT"),
            false,
        ),
        (
            named(argv(&["/start.sh"]), "uwsgi"),
            (Hook, "named-program"),
            Some("SIGTERM"),
            true,
        ),
        (
            named(argv(&["bash", "/start.sh"]), "uwsgi"),
            (Hook, "script-file"),
            Some("SIGTERM"),
            true,
        ),
        (
            named(image(), "uwsgi"),
            (Hook, "argv-unknown"),
            Some("SIGTERM"),
            true,
        ),
        (
            named(image(), "daphne"),
            (Hook, "argv-unknown"),
            Some("SIGTERM"),
            false,
        ),
        // Its own name says what it is.
        (
            named(argv(&["gunicorn", "app"]), "gunicorn"),
            (Direct, "drains-on-term"),
            None,
            false,
        ),
        (
            named(argv(&["python", "serve.py"]), "gunicorn"),
            (Direct, "drains-on-term"),
            None,
            false,
        ),
    ] {
        assert_eq!(verdict(&pod, &world), expected, "{pod:#}");
        let patched = apply(&pod, &plan_with(&pod, &world)).to_string();
        let said = patched
            .split_once(r#""--signal",""#)
            .and_then(|(_, rest)| rest.split('"').next());
        assert_eq!(said, signal, "{patched}");
        assert_eq!(
            patched.contains("UWSGI_HOOK_MASTER_START"),
            variable,
            "{patched}"
        );
    }
    // Without softstop-init, what the setting says is all there is.
    let pod = named(argv(&["/start.sh"]), "gunicorn");
    assert_eq!(verdict(&pod, &World::default()), (Direct, "drains-on-term"));
}
