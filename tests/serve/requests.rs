//! What subscribers say.

use std::io::ErrorKind;
use std::thread;

use super::*;

fn refusal(message: Message) -> String {
    match message {
        Message::Error(refusal) => refusal.message,
        other => panic!("not an error: {other:?}"),
    }
}

#[test]
fn the_status_is_answered_at_once_and_is_up_to_date() {
    let house = House::new();
    let mut client = house.client();
    let (_, first) = client.ask();
    assert_eq!(first.state, State::Starting);
    house.publisher.status(status(State::Running, None));
    assert!(matches!(client.next(), Message::Status(Status { state: State::Running, .. })));
    let (_, second) = client.ask();
    assert_eq!(second.state, State::Running);
    assert_eq!((second.counters.looks, second.counters.subscribers), (7, 1));
    assert!(second.uptime_s >= 1.5);
    assert_ne!(second.time, status(State::Running, None).time);
}

#[test]
fn the_status_tells_of_the_process_and_of_every_subscriber_s_losses() {
    let house = House::with(|options| options.queue = 16);
    let deaf = house.client();
    let mut healthy = house.client();
    for seq in 0..5000 {
        house.publisher.sound(sound(Phase::Update, 1, seq));
        assert_eq!(healthy.sound().seq, seq);
    }
    let (_, status) = healthy.ask();
    let host = status.host.unwrap();
    assert!(host.resident_bytes > 1 << 20 && host.descriptors > 3, "{host:?}");
    let [slow, quick] = status.readers[..] else { panic!("{:?}", status.readers) };
    assert_eq!(quick, Reader { id: 2, events: 5000, lost: 0, waiting: 0 });
    assert_eq!((slow.id, slow.events + slow.lost), (1, 5000 - 16));
    assert_eq!(slow.lost, status.counters.events_lost);
    assert!(slow.waiting >= 16 && slow.lost > 0, "{slow:?}");

    drop(deaf);
    until("the end of the deaf one", || house.publisher.subscribers() == 1);
    let (_, status) = healthy.ask();
    assert_eq!(status.readers.iter().map(|reader| reader.id).collect::<Vec<_>>(), [2]);
}

#[test]
fn the_service_shows_that_it_lives_when_nobody_says_anything() {
    let house = House::new();
    let before = house.publisher.turns();
    until("three turns", || house.publisher.turns() >= before + 3);
    // Neither does it spin.
    let (before, start) = (house.publisher.turns(), Instant::now());
    thread::sleep(Duration::from_millis(1500));
    let turns = house.publisher.turns() - before;
    assert!(turns <= start.elapsed().as_secs() + 2, "{turns} turns");
}

#[test]
fn garbage_is_answered_with_what_is_understood_and_changes_nothing() {
    let house = House::new();
    let mut client = house.client();
    client.subscribe("{\"min_confidence\":0.7}");
    for garbage in [
        &b"hello\n"[..],
        b"\n",
        b"\xff\xfe\x00\n",
        b"{\"subscribe\":{\"min_confidence\":7}}\n",
        b"{\"subscribe\":{\"volume\":11}}\n",
    ] {
        client.say(garbage);
        let text = refusal(client.next());
        assert!(text.contains("\"subscribe\"") && text.contains("\"query\""), "{text}");
    }
    house.publisher.sound(Sound { confidence: 0.6, ..sound(Phase::Start, 1, 1) });
    house.publisher.sound(Sound { confidence: 0.8, ..sound(Phase::Start, 2, 2) });
    assert_eq!(client.sound().seq, 2, "the filter is still the one before the garbage");
}

#[test]
fn ten_megabytes_without_a_newline_are_one_error_and_the_connection_stays() {
    let house = House::new();
    let mut other = house.client();
    let mut client = house.client();
    for _ in 0..10 {
        client.say(vec![b'x'; 1_000_000]);
    }
    assert!(refusal(client.next()).contains("65536"));
    client.say("\n");
    let (before, _) = client.ask();
    assert_eq!(before, [], "only one error");
    house.publisher.sound(sound(Phase::Start, 1, 1));
    assert_eq!(client.sound().seq, 1);
    assert_eq!(other.sound().seq, 1);
}

#[test]
fn one_that_floods_and_never_reads_its_answers_is_read_no_further_and_starves_nobody() {
    let house = House::new();
    let flooding = house.client();
    flooding.stream().set_nonblocking(true).unwrap();
    let questions = "{\"query\":\"status\"}\n".repeat(1000);
    let mut sent = 0;
    let mut other = house.client();
    for seq in 0..200 {
        loop {
            match flooding.stream().write(questions.as_bytes()) {
                Ok(count) => sent += count,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    break;
                }
            }
            assert!(sent < 50_000_000, "its questions pile up in the daemon");
        }
        house.publisher.sound(sound(Phase::Update, 1, seq));
        assert_eq!(other.sound().seq, seq);
    }
}

#[test]
fn every_question_of_a_patient_flood_is_answered_in_order() {
    let house = House::new();
    let mut client = house.client();
    let questions = client.stream().try_clone().unwrap();
    let writer = std::thread::spawn(move || {
        (&questions).write_all("{\"query\":\"status\"}\nwhat?\n".repeat(5000).as_bytes()).unwrap();
    });
    for _ in 0..5000 {
        assert!(matches!(client.next(), Message::Status(_)));
        assert!(matches!(client.next(), Message::Error(_)));
    }
    writer.join().unwrap();
}

#[test]
fn each_subscriber_gets_what_its_own_filter_lets_pass() {
    let house = House::new();
    let mut all = house.client();
    let mut cats = house.client();
    cats.subscribe("{\"labels\":[\"cAT\"]}");
    let mut ahead = house.client();
    ahead.subscribe("{\"azimuth_deg\":[-10,10]}");
    let mut sure = house.client();
    sure.subscribe("{\"min_confidence\":0.7}");

    let mut seq = 0;
    for label in ["Dog", "Cat"] {
        for azimuth_deg in [Some(20.0), Some(5.0), None] {
            for confidence in [0.5, 0.9] {
                seq += 1;
                let (label, on_screen) = (label.into(), azimuth_deg.is_some());
                let event = sound(Phase::Start, seq, seq);
                house.publisher.sound(Sound { label, on_screen, azimuth_deg, confidence, ..event });
            }
        }
    }
    house.publisher.status(status(State::Running, None));
    let passed = |client: &mut Client| -> Vec<u64> {
        std::iter::from_fn(|| match client.next() {
            Message::Sound(sound) => Some(sound.seq),
            _ => None,
        })
        .collect()
    };
    assert_eq!(passed(&mut all), (1..=12).collect::<Vec<_>>());
    assert_eq!(passed(&mut cats), (7..=12).collect::<Vec<_>>());
    assert_eq!(passed(&mut ahead), [3, 4, 9, 10]);
    assert_eq!(passed(&mut sure), [2, 4, 6, 8, 10, 12]);
}

#[test]
fn maps_go_to_those_who_asked_and_to_nobody_else() {
    let house = House::new();
    let mut plain = house.client();
    let mut mapped = house.client();
    mapped.subscribe("{\"map\":true}");
    for seq in 0..3 {
        house.publisher.sound(sound(Phase::Update, 1, seq));
        assert_eq!(plain.sound().map, None);
        assert_eq!(mapped.sound().map, sound(Phase::Update, 1, seq).map);
    }
    mapped.subscribe("{}");
    house.publisher.sound(sound(Phase::Update, 1, 3));
    assert_eq!(mapped.sound().map, None, "a subscription takes the place of the one before");
}

#[test]
fn a_rate_cap_thins_updates_and_delivers_the_last_one_late() {
    let house = House::new();
    let mut client = house.client();
    client.subscribe("{\"max_rate_hz\":5}");
    let start = Instant::now();
    house.publisher.sound(sound(Phase::Start, 1, 0));
    for seq in 1..=50 {
        house.publisher.sound(sound(Phase::Update, 1, seq));
    }
    let mut seen = vec![client.sound().seq];
    while seen.last() != Some(&50) {
        seen.push(client.sound().seq);
    }
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(195), "{took:?}");
    // Start, and one update for each fifth of a second that the machine took over this.
    assert!(seen.len() as f64 <= 2.0 + took.as_secs_f64() * 5.0, "{seen:?} in {took:?}");
    house.publisher.sound(sound(Phase::End, 1, 51));
    assert_eq!(client.sound().seq, 51);
}
