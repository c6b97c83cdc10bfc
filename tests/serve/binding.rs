//! Getting the socket and giving it back.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::sync::Barrier;
use std::thread;

use tyto::config::Socket;
use tyto::error::Kind;

use super::*;

/// What starting at a path that cannot be had says: it always names the path.
fn refused(options: Options) -> String {
    let path = options.path.display().to_string();
    let Err(error) = Server::start(options, hello(), Arc::new(SystemClock)) else {
        panic!("{path} was given");
    };
    assert_eq!(error.kind(), Kind::Socket);
    let text = error.to_string();
    assert!(text.starts_with(&path), "{text}");
    text
}

#[test]
fn a_missing_folder_is_named_and_how_to_create_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = refused(options(folder.path().join("run/tyto/events.sock")));
    assert!(text.contains("is not there") && text.contains("mkdir -p"), "{text}");
}

#[test]
fn a_folder_that_is_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("run"), "").unwrap();
    assert!(refused(options(folder.path().join("run/events.sock"))).contains("is not a folder"));
}

#[test]
fn a_folder_where_nothing_can_be_created_is_refused() {
    // Not by its mode, which does not hold for root: procfs lets nobody create anything.
    let text = refused(options("/proc/events.sock".into()));
    assert!(text.contains("cannot be bound") || text.contains("not writable"), "{text}");
}

#[test]
fn a_path_longer_than_the_kernel_takes_is_refused_with_its_length() {
    let path = PathBuf::from(format!("/tmp/{}", "x".repeat(103)));
    assert!(refused(options(path)).contains("108 bytes"));
}

#[test]
fn the_longest_path_that_the_kernel_takes_works() {
    let folder = tempfile::tempdir().unwrap();
    let rest = 107 - folder.path().as_os_str().len() - 1;
    let path = folder.path().join("x".repeat(rest));
    let server = Server::start(options(path.clone()), hello(), Arc::new(SystemClock)).unwrap();
    assert!(matches!(Client::connect(&path).next(), Message::Hello(_)));
    server.stop();
}

#[test]
fn a_file_is_never_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.sock");
    fs::write(&path, "precious").unwrap();
    let text = refused(options(path.clone()));
    assert!(text.contains("a file, not a socket"), "{text}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert!(refused(options(folder.path().join("."))).contains("a folder"));
}

#[test]
fn a_socket_that_is_answered_is_left_to_its_daemon() {
    let house = House::new();
    assert!(refused(options(house.path())).contains("taken by a running daemon"));
    let mut client = house.client();
    house.publisher.sound(sound(Phase::Start, 1, 1));
    assert_eq!(client.sound().seq, 1);
}

#[test]
fn a_socket_whose_daemon_died_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(fs::metadata(&path).unwrap().file_type().is_socket());
    let server = Server::start(options(path.clone()), hello(), Arc::new(SystemClock)).unwrap();
    assert!(matches!(Client::connect(&path).next(), Message::Hello(_)));
    server.stop();
}

#[test]
fn of_many_daemons_that_find_a_dead_socket_at_once_one_gets_it_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.sock");
    for _ in 0..10 {
        drop(UnixListener::bind(&path).unwrap());
        let barrier = Barrier::new(8);
        let servers: Vec<_> = thread::scope(|scope| {
            let start = || {
                barrier.wait();
                Server::start(options(path.clone()), hello(), Arc::new(SystemClock)).ok()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(servers.len(), 1);
        assert!(matches!(Client::connect(&path).next(), Message::Hello(_)));
    }
}

#[test]
fn the_socket_has_the_mode_that_was_asked_for() {
    for mode in [0o660, 0o600, 0o666] {
        let house = House::with(|options| options.mode = mode);
        assert_eq!(fs::metadata(house.path()).unwrap().permissions().mode() & 0o7777, mode);
    }
}

#[test]
fn the_socket_is_given_to_its_group_by_number_or_name() {
    let folder = tempfile::tempdir().unwrap();
    let own = fs::metadata(folder.path()).unwrap().gid();
    let house = House::with(|options| options.group = Some(own.to_string()));
    assert_eq!(fs::metadata(house.path()).unwrap().gid(), own);

    let path = folder.path().join("events.sock");
    let mut wanted = options(path.clone());
    wanted.group = Some("no-such-group".into());
    let text = refused(wanted);
    assert!(text.contains("no-such-group") && text.contains("groupadd"), "{text}");
    assert!(!path.exists());
}

#[test]
fn stopping_removes_the_socket_and_closes_every_connection() {
    let mut house = House::new();
    let mut clients = [house.client(), house.client()];
    house.publisher.sound(sound(Phase::End, 1, 1));
    house.publisher.status(status(State::Stopped, None));
    house.stop();
    assert!(!house.path().exists());
    for client in &mut clients {
        // What was published before is still delivered.
        assert!(matches!(
            client.rest()[..],
            [
                Message::Sound(Sound { seq: 1, .. }),
                Message::Status(Status { state: State::Stopped, .. })
            ]
        ));
    }
    house.publisher.sound(sound(Phase::Start, 1, 2));
}

#[test]
fn stopping_does_not_wait_for_one_that_never_reads() {
    let mut house = House::new();
    let _deaf = house.client();
    for seq in 0..5000 {
        house.publisher.sound(sound(Phase::Update, 1, seq));
    }
    house.stop();
    assert!(!house.path().exists());
}

#[test]
fn stopping_leaves_the_socket_of_another_daemon_alone() {
    let mut house = House::new();
    fs::remove_file(house.path()).unwrap();
    let other = Server::start(options(house.path()), hello(), Arc::new(SystemClock)).unwrap();
    house.stop();
    assert!(matches!(Client::connect(&house.path()).next(), Message::Hello(_)));
    other.stop();
    assert!(!house.path().exists());
}

#[test]
fn other_options_hold_from_now_on_and_the_connected_stay() {
    let house = House::with(|options| options.mode = 0o600);
    let mut before = house.client();
    let other = Options {
        path: "/elsewhere".into(),
        mode: 0o666,
        queue: 7,
        subscribers: 2,
        heartbeat: Duration::from_millis(100),
        ..options(house.path())
    };
    let greeting = Hello { board: "other".into(), ..hello() };
    let keys = vec!["socket.path".to_owned()];
    house.publisher.reconfigure(other, greeting.clone(), keys.clone()).unwrap();
    assert_eq!(fs::metadata(house.path()).unwrap().permissions().mode() & 0o7777, 0o666);
    // The heartbeat comes soon although nobody said anything.
    let Message::Status(status) = before.next() else { panic!("not a status") };
    assert_eq!(status.needs_restart, keys);
    let mut after = Client::connect(&house.path());
    assert_eq!(after.next(), Message::Hello(greeting));
    let mut third = Client::connect(&house.path());
    assert!(matches!(third.rest()[..], [Message::Hello(_), Message::Error(_)]));
}

#[test]
fn options_that_cannot_be_had_change_nothing() {
    let house = House::new();
    let strange = Options { group: Some("no-such-group".into()), ..options(house.path()) };
    for (wrong, kind) in [
        (Options { mode: 0o666, ..strange }, Kind::Socket),
        (Options { mode: 0o666, queue: 0, ..options(house.path()) }, Kind::Config),
    ] {
        let error = house.publisher.reconfigure(wrong, hello(), vec!["x".into()]).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(fs::metadata(house.path()).unwrap().permissions().mode() & 0o7777, 0o660);
        let (_, status) = house.client().ask();
        assert_eq!(status.needs_restart, [""; 0]);
    }
}

#[test]
fn options_out_of_range_are_refused_by_key() {
    assert!(Options::default().check().is_ok());
    for (key, options) in [
        ("socket.mode", Options { mode: 660, ..Options::default() }),
        ("socket.queue", Options { queue: 0, ..Options::default() }),
        ("socket.subscribers", Options { subscribers: 0, ..Options::default() }),
        ("socket.subscribers", Options { subscribers: 1001, ..Options::default() }),
        ("socket.heartbeat_s", Options { heartbeat: Duration::ZERO, ..Options::default() }),
        ("socket.heartbeat_s", Options { heartbeat: Duration::MAX, ..Options::default() }),
    ] {
        let error = options.check().unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert!(error.to_string().starts_with(key), "{error}");
    }
}

#[test]
fn options_come_from_the_section_of_the_configuration() {
    let section: Socket = toml::from_str(
        "path = \"/tmp/t.sock\"\nmode = \"0600\"\ngroup = \"tyto\"\nqueue = 8\nheartbeat_s = 1.5",
    )
    .unwrap();
    let wanted = Options {
        path: "/tmp/t.sock".into(),
        mode: 0o600,
        group: Some("tyto".into()),
        queue: 8,
        heartbeat: Duration::from_millis(1500),
        ..Options::default()
    };
    assert_eq!(Options::from(&section), wanted);
}
