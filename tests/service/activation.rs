//! A socket that the service manager has made.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;

use super::*;

/// Hands the daemon its standard input as the only descriptor.
const HAND_OVER: &str = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$";

#[test]
fn the_handed_socket_is_served_and_left_where_it_is() {
    let site = Site::new();
    let path = site.path("handed.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let start = || {
        let handed = Stdio::from(OwnedFd::from(listener.try_clone().unwrap()));
        Daemon(site.command(HAND_OVER).stdin(handed).spawn().unwrap())
    };
    // Who comes before the daemon waits for it.
    let early = UnixStream::connect(&path).unwrap();
    early.set_read_timeout(Some(PATIENCE)).unwrap();
    let daemon = start();
    let mut hello = String::new();
    BufReader::new(&early).read_line(&mut hello).unwrap();
    assert!(hello.starts_with("{\"type\":\"hello\""), "{hello}");
    assert!(site.log().contains("handed.sock: handed over"), "{}", site.log());
    assert!(!site.path("events.sock").exists(), "its own path is not bound");
    site.until("READY=1");
    assert_eq!(daemon.end(), Some(0));

    // Who comes between two daemons is served by the second.
    let between = UnixStream::connect(&path).unwrap();
    between.set_read_timeout(Some(PATIENCE)).unwrap();
    let _daemon = start();
    let mut hello = String::new();
    BufReader::new(&between).read_line(&mut hello).unwrap();
    assert!(hello.starts_with("{\"type\":\"hello\""), "{hello}");
}

#[test]
fn what_is_no_socket_for_subscribers_is_refused() {
    let site = Site::new();
    let two = "exec 3<&0 4<&0 </dev/null; export LISTEN_FDS=2 LISTEN_PID=$$";
    let odd = "export LISTEN_FDS=some LISTEN_PID=$$";
    let listener = UnixListener::bind(site.path("handed.sock")).unwrap();
    for (script, what) in
        [(HAND_OVER, "no local socket"), (two, "more than one"), (odd, "unusable")]
    {
        let handed = match script {
            HAND_OVER => Stdio::from(fs::File::open("/dev/null").unwrap()),
            _ => Stdio::from(OwnedFd::from(listener.try_clone().unwrap())),
        };
        let status = site.command(script).stdin(handed).status().unwrap();
        assert_eq!(status.code(), Some(7), "{}", site.log());
        assert!(site.log().contains(what), "{}", site.log());
    }
}

#[test]
fn a_socket_that_was_handed_to_another_process_is_none() {
    let site = Site::new();
    let daemon = Daemon(site.command("export LISTEN_FDS=1 LISTEN_PID=1").spawn().unwrap());
    site.until("READY=1");
    assert!(site.path("events.sock").exists());
    assert_eq!(daemon.end(), Some(0));
}
