//! What the service manager is told.

use super::*;

#[test]
fn the_manager_is_told_of_the_start_the_state_and_the_end() {
    let site = Site::new();
    let daemon = Daemon(site.command("").spawn().unwrap());
    let before = site.until("READY=1");
    assert!(before.iter().any(|message| message.starts_with("STATUS=starting")), "{before:?}");
    // Ready means that a subscriber finds its socket.
    assert_eq!(site.ask().0["type"], "hello");
    site.until("STATUS=running");
    daemon.signal("TERM");
    site.until("STOPPING=1");
    assert_eq!(daemon.wait(), Some(0));
}

#[test]
fn the_watchdog_is_fed_while_everything_moves() {
    let site = Site::new();
    let mut command = site.command("");
    let daemon = Daemon(command.env("WATCHDOG_USEC", "4000000").spawn().unwrap());
    site.until("READY=1");
    for _ in 0..3 {
        site.until("WATCHDOG=1");
    }
    // A process that stands still does not feed it.
    daemon.signal("STOP");
    site.ear.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    let mut bytes = [0; 4096];
    while site.ear.recv(&mut bytes).is_ok() {}
    daemon.signal("CONT");
    site.ear.set_read_timeout(Some(PATIENCE)).unwrap();
    site.until("WATCHDOG=1");
}

#[test]
fn a_watchdog_that_is_another_process_s_is_not_fed() {
    let site = Site::new();
    let mut command = site.command("");
    command.env("WATCHDOG_USEC", "1000000").env("WATCHDOG_PID", "1");
    let daemon = Daemon(command.spawn().unwrap());
    site.until("STATUS=running");
    site.status_until("ten looks", |status| status["counters"]["looks"].as_u64() >= Some(10));
    daemon.signal("TERM");
    let before = site.until("STOPPING=1");
    assert!(!before.iter().any(|message| message.contains("WATCHDOG")), "{before:?}");
}
