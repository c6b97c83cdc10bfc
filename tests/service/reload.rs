//! SIGHUP.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// Reloads, and gives what the daemon logged meanwhile.
fn reload(site: &Site, daemon: &Daemon) -> String {
    let before = site.log().len();
    daemon.signal("HUP");
    let between = |wanted: &str| site.until(wanted);
    between("RELOADING=1");
    between("READY=1");
    site.log()[before..].to_owned()
}

fn mode(site: &Site) -> u32 {
    fs::metadata(site.path("events.sock")).unwrap().permissions().mode() & 0o777
}

fn silent(status: &Value) -> u64 {
    status["counters"]["looks_silent"].as_u64().unwrap()
}

#[test]
fn what_can_take_effect_does_so_without_a_restart() {
    let site = Site::new();
    let daemon = site.start();
    site.status_until("the first look", |status| status["counters"]["looks"].as_u64() > Some(0));
    let (hello, status) = site.ask();
    assert_eq!((mode(&site), silent(&status)), (0o660, 0));
    let wide = hello["camera"]["hfov_deg"].as_f64().unwrap();

    site.configure(
        "[perception]\nfloor_dbfs = 0.0\n[socket]\nmode = \"0666\"\n[mount]\nyaw_deg = 30.0\n\
         [camera]\nhfov_deg = 45.0\n[log]\nlevel = \"debug\"\n[track]\nend_after_s = 0.5\n",
    );
    let log = reload(&site, &daemon);
    let keys = "camera.hfov_deg, log.level, mount.yaw_deg, perception.floor_dbfs, socket.mode, \
                track.end_after_s";
    assert!(log.contains(&format!("in force now: {keys}\n")), "{log}");
    assert_eq!(mode(&site), 0o666);
    let (hello, status) = site.ask();
    assert_ne!(wide, 45.0);
    assert_eq!(hello["camera"]["hfov_deg"], 45.0);
    assert_eq!(status["needs_restart"], Value::Null);
    // Nothing is as loud as full scale: perception hears only silence from now on.
    site.status_until("silence", |status| silent(status) > 2);

    // And back again, as from the file that was there at first.
    site.configure("");
    assert!(reload(&site, &daemon).contains("perception.floor_dbfs"));
    assert_eq!(mode(&site), 0o660);
    let looks = |status: &Value| status["counters"]["looks"].as_u64().unwrap();
    let hears = |status: &Value| looks(status) - silent(status);
    let before = hears(&site.status());
    site.status_until("sound", |status| hears(status) > before + 1);
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn a_faulty_file_changes_nothing_and_says_why() {
    let site = Site::new();
    let daemon = site.start();
    for (text, why) in [
        ("[socket]\nmode = \"0666\"\nhartbeat_s = 1\n", ":3: unknown key `socket.hartbeat_s`"),
        ("[socket]\nmode = \"0666\"\n[perception]\nfloor_dbfs = 3.0\n", "`perception.floor_dbfs`"),
        ("[socket]\nmode = \"0666\"\n[board]\nname = \"toaster\"\n", "toaster: no such board"),
        ("[socket]\nmode = \"0666\"\ngroup = \"no-such-group\"\n", "no-such-group"),
        ("nonsense", "tyto.toml:1"),
    ] {
        site.configure(text);
        let log = reload(&site, &daemon);
        let said = log.lines().find(|line| line.contains("the configuration stays as it was"));
        assert!(said.is_some_and(|line| line.contains(why)), "{why} is not in: {log}");
        assert_eq!(mode(&site), 0o660, "{text}");
        assert_eq!(site.status()["needs_restart"], Value::Null);
    }
    fs::remove_file(site.path("tyto.toml")).unwrap();
    assert!(reload(&site, &daemon).contains("cannot be read"));
    site.status_until("running", |status| status["state"] == "running");
}

#[test]
fn what_needs_a_restart_is_named_until_it_is_taken_back() {
    let site = Site::new();
    let daemon = site.start();
    site.configure(
        "[perception]\nhop_s = 0.48\n[microphone]\nchannels = 2\n[log]\nlevel = \"warn\"",
    );
    let log = reload(&site, &daemon);
    let keys = ["microphone.channels", "perception.hop_s"];
    assert!(log.contains("in force now: log.level\n"), "{log}");
    assert!(log.contains(&format!("needs a restart: {}", keys.join(", "))), "{log}");
    assert_eq!(site.status()["needs_restart"], serde_json::json!(keys));

    // The options of the command line hold as before.
    site.configure("[perception]\nhop_s = 0.48\n[socket]\npath = \"/tmp/elsewhere.sock\"\n");
    reload(&site, &daemon);
    assert_eq!(site.status()["needs_restart"], serde_json::json!(["perception.hop_s"]));

    site.configure("");
    let log = reload(&site, &daemon);
    assert!(log.contains("nothing that can take effect has changed"), "{log}");
    assert_eq!(site.status()["needs_restart"], Value::Null);
}

#[test]
fn a_signal_during_the_start_does_no_harm() {
    let site = Site::new();
    let daemon = Daemon(site.command("").spawn().unwrap());
    // From the moment that the daemon has a voice it is safe.
    site.until("STATUS=starting: loading the model pack");
    for _ in 0..5 {
        daemon.signal("HUP");
    }
    site.status_until("running", |status| status["state"] == "running");
    assert_eq!(daemon.end(), Some(0));
}
