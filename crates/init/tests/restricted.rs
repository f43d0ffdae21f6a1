//! The hook where little is there or allowed: no `/proc`, no permission, an empty image.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::container::{Container, available, drainer, softstop_init};
use crate::hook::{assert_silent_success, start};

const GRACE: Duration = Duration::from_secs(5);

fn open_to_all(container: &Container) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(container.directory.path(), mode).expect("mode");
}

/// Without `/proc`, or with one that hides others, there is nothing to see: say so and be gone, after the delay.
#[test]
fn without_proc_it_says_so_and_does_no_harm() {
    if !available(&["setpriv"]) {
        return;
    }
    let mut container = start(&["dash", "-c", "app; true"], 1);
    let drain = format!("{} drain", softstop_init().display());
    let hidden = format!("umount /proc || mount -t tmpfs none /proc; exec {drain}");
    let output = container
        .exec(&["unshare", "--mount", "dash", "-c", &hidden])
        .output()
        .expect("hook");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "softstop-init: drain: nothing was signalled: /proc cannot be read\n"
    );
    // PID 1 of another container (a pod that shares its processes), or of another user.
    let other_container = container
        .exec(&[
            "unshare",
            "--mount",
            softstop_init().to_str().expect("path"),
            "drain",
        ])
        .output();
    fs::copy(softstop_init(), container.directory.path().join("init")).expect("copy");
    open_to_all(&container);
    let other_user = [
        "setpriv",
        "--reuid",
        "65534",
        "--clear-groups",
        "{DIR}/init",
        "drain",
        "--signal",
        "INT",
    ];
    for output in [other_container, container.exec(&other_user).output()] {
        let output = output.expect("hook");
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            String::from_utf8_lossy(&output.stderr),
            "softstop-init: drain: nothing was signalled: PID 1 is not this container's\n"
        );
    }
    assert!(!container.log().contains("signal"), "{}", container.log());
    container.signal(9);
    container.wait(GRACE);
}

/// `/proc` mounted so that each user only sees its own processes.
#[test]
fn with_a_proc_that_hides_others_it_says_so() {
    if !available(&["setpriv"]) {
        return;
    }
    let mut container = start(&["dash", "-c", "app; true"], 1);
    fs::copy(softstop_init(), container.directory.path().join("init")).expect("copy");
    open_to_all(&container);
    let hidden = "mount -o remount,hidepid=2 /proc && \
                  exec setpriv --reuid 65534 --regid 65534 --clear-groups {DIR}/init drain";
    let output = container.exec(&["dash", "-c", hidden]).output();
    let output = output.expect("hook");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "softstop-init: drain: nothing was signalled: /proc cannot be read\n"
    );
    assert!(!container.log().contains("signal"), "{}", container.log());
    container.signal(9);
    container.wait(GRACE);
}

/// A program that runs as another user, and a hook without the capability to signal that.
#[test]
fn without_permission_it_says_so() {
    if !available(&["setpriv"]) {
        return;
    }
    softstop_init();
    let script = "cp app program; chmod 666 log; chmod 755 . program; \
                  setpriv --reuid 65534 --clear-groups {DIR}/program; true";
    let init = softstop_init().to_str().expect("path");
    let restricted = ["setpriv", "--bounding-set", "-kill,-sys_ptrace"];
    let mut container = Container::start(&[&restricted as &[_], &["dash", "-c", script]].concat());
    container.wait_for("start", 1);
    let hook = [&restricted as &[_], &[init, "drain"]].concat();
    let output = container.exec(&hook).output().expect("hook");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    let line = "softstop-init: drain: may not signal process ";
    assert!(
        text.starts_with(line) && text.lines().count() == 1,
        "{text}"
    );
    assert!(!container.log().contains("signal"), "{}", container.log());
    container.signal(9);
    container.wait(GRACE);
}

/// An image with nothing in it but the program: no shell, no libraries, a read-only root.
#[test]
fn in_an_empty_image() {
    if !available(&["chroot"]) {
        return;
    }
    let program = softstop_init().display();
    let drainer = drainer().display();
    let image = format!(
        "mkdir -p root/proc root/log && cp {program} root/init && cp $(command -v busybox) root/sh && \
         ldd {drainer} $(command -v busybox) | grep -o '/[^ :]*' | xargs -I% cp --parents % root && cp {drainer} root/app && \
         mount --bind root root && mount -t proc none root/proc && mount -t tmpfs none root/log && \
         touch root/log/log && mount -o remount,bind,ro root && touch log && \
         export DRAINER_LOG=/log/log && "
    );
    let shell = "exec chroot root /sh -c '/app exit=4; exit $?'";
    let own = "exec chroot root /init -- /app exit=4";
    for (start, hook) in [(shell, true), (own, false)] {
        let mut container = Container::start(&["dash", "-c", &format!("{image}{start}")]);
        let seen = || {
            let log = container.exec(&["cat", "{DIR}/root/log/log"]).output();
            String::from_utf8(log.expect("cat").stdout).expect("log")
        };
        let deadline = Instant::now() + GRACE;
        while !seen().contains("start") {
            assert!(Instant::now() < deadline, "{}", container.output());
            sleep(Duration::from_millis(20));
        }
        if hook {
            let hook = ["chroot", "{DIR}/root", "/init", "drain"];
            let output = container.exec(&hook).output().expect("hook");
            assert_silent_success(&output);
        }
        let end = container.stop(GRACE);
        assert_eq!(end.code(), Some(4), "{}", container.output());
    }
}
