//! How events reach fast and slow subscribers.

use std::net::Shutdown;
use std::thread;

use super::*;

#[test]
fn the_first_line_is_hello_with_everything_in_it() {
    let house = House::new();
    let mut client = Client::connect(&house.path());
    assert_eq!(client.next(), Message::Hello(hello()));
}

#[test]
fn every_subscriber_gets_every_event_without_maps() {
    let house = House::new();
    let mut clients = [house.client(), house.client(), house.client()];
    assert_eq!(house.publisher.subscribers(), 3);
    for seq in 0..100 {
        house.publisher.sound(sound(Phase::Update, 1, seq));
    }
    for client in &mut clients {
        for seq in 0..100 {
            let got = client.sound();
            // All that changes on the way is the time that it took.
            assert!(got.latency_ms >= 182.4);
            let wanted =
                Sound { map: None, latency_ms: got.latency_ms, ..sound(Phase::Update, 1, seq) };
            assert_eq!(got, wanted);
        }
    }
}

#[test]
fn one_that_never_reads_loses_its_own_oldest_and_nobody_else_notices() {
    const EVENTS: u64 = 20_000;
    let house = House::new();
    let mut deaf = house.client();
    let mut healthy = house.client();
    for seq in 0..EVENTS {
        house.publisher.sound(sound(Phase::Update, 1, seq));
        // In step, so that what the healthy one gets depends on the deaf one alone.
        assert_eq!(healthy.sound().seq, seq);
    }
    let (before, status) = healthy.ask();
    assert_eq!(before, []);
    let lost = house.publisher.lost();
    assert!(lost > 0);
    assert_eq!(status.counters.events_lost, lost);
    assert_eq!(status.counters.subscribers, 2);

    let (mut got, mut told, mut next) = (0, 0, 0);
    while next < EVENTS {
        match deaf.next() {
            Message::Lost(lost) => {
                told += lost.events;
                next += lost.events;
            }
            Message::Sound(sound) => {
                assert_eq!(sound.seq, next, "exactly those that it was told of are missing");
                got += 1;
                next += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, lost);
    assert_eq!(got + told, EVENTS);

    // It has caught up and is a subscriber like any other.
    house.publisher.sound(sound(Phase::Update, 1, EVENTS));
    assert_eq!(deaf.sound().seq, EVENTS);
    assert_eq!(healthy.sound().seq, EVENTS);
}

#[test]
fn however_fast_events_come_what_was_lost_and_what_came_add_up() {
    const EVENTS: u64 = 30_000;
    let house = House::with(|options| options.queue = 16);
    let publish = |seq| house.publisher.sound(sound(Phase::Update, 1, seq));
    let read = |mut client: Client| {
        let (mut got, mut next) = (0, 0);
        while next <= EVENTS {
            match client.next() {
                Message::Lost(lost) => next += lost.events,
                Message::Sound(sound) => {
                    assert_eq!(
                        sound.seq, next,
                        "neither more nor fewer are missing than it was told"
                    );
                    got += 1;
                    next += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        got
    };
    thread::scope(|scope| {
        let readers = [house.client(), house.client()].map(|client| scope.spawn(|| read(client)));
        (0..EVENTS).for_each(publish);
        // If the last ones found no room, the next one tells of it.
        let mut seq = EVENTS;
        while !readers.iter().all(thread::ScopedJoinHandle::is_finished) {
            publish(seq);
            seq += 1;
            thread::sleep(Duration::from_millis(2));
        }
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}

#[test]
fn a_client_that_closes_its_own_side_goes_on_listening() {
    let house = House::new();
    let mut client = house.client();
    client.subscribe("{\"labels\":[\"dog\"]}");
    // Without a newline, as `printf … | socat` sends it.
    client.say("{\"query\":\"status\"}");
    client.stream().shutdown(Shutdown::Write).unwrap();
    assert!(matches!(client.next(), Message::Status(_)));
    for seq in 0..10 {
        house.publisher.sound(sound(Phase::Update, 1, seq));
        assert_eq!(client.sound().seq, seq);
    }
}

#[test]
fn a_thousand_that_come_and_go_leave_nothing_behind() {
    let house = House::new();
    let mut staying = house.client();
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    // Other tests of this process open and close theirs meanwhile: see whether a thousand
    // connections leave a trace that is anywhere near a thousand.
    let before = descriptors();
    for round in 0..1000 {
        let client = Client::connect(&house.path());
        if round % 2 == 0 {
            client.say("{\"query\":\"status\"}\n{\"subs");
        }
        house.publisher.sound(sound(Phase::Update, 1, round));
        drop(client);
        assert_eq!(staying.sound().seq, round);
    }
    until("the end of all but one", || house.publisher.subscribers() == 1);
    assert!(descriptors() < before + 500, "{before} before, {} after", descriptors());
}

#[test]
fn one_subscriber_too_many_is_told_and_turned_away() {
    let house = House::with(|options| options.subscribers = 2);
    let first = house.client();
    let _second = house.client();
    let mut third = house.client();
    assert!(
        matches!(&third.rest()[..], [Message::Error(refusal)] if refusal.message.contains('2'))
    );
    drop(first);
    until("a free place", || house.publisher.subscribers() == 1);
    let mut fourth = house.client();
    house.publisher.sound(sound(Phase::Start, 1, 1));
    assert_eq!(fourth.sound().seq, 1);
}

#[test]
fn a_change_of_state_is_sent_and_counters_alone_are_not() {
    let house = House::new();
    let mut client = house.client();
    house.publisher.status(status(State::Running, None));
    house.publisher.status(Status { uptime_s: 9.0, ..status(State::Running, None) });
    house.publisher.status(status(State::Degraded, Some("camera: no frame")));
    let mut seen = Vec::new();
    while seen.last() != Some(&State::Degraded) {
        match client.next() {
            Message::Status(status) => seen.push(status.state),
            other => panic!("{other:?}"),
        }
    }
    // Two that wait together are one.
    assert!(seen == [State::Running, State::Degraded] || seen == [State::Degraded], "{seen:?}");
}

#[test]
fn silence_is_broken_by_heartbeats() {
    let house = House::with(|options| options.heartbeat = Duration::from_millis(100));
    let mut client = house.client();
    let start = Instant::now();
    for _ in 0..3 {
        assert!(matches!(client.next(), Message::Status(Status { state: State::Starting, .. })));
    }
    assert!(start.elapsed() >= Duration::from_millis(290));
}
