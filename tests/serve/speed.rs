//! How fast it is: figures, printed on request.

use std::collections::VecDeque;

use super::*;

/// `cargo test --release --test serve -- --ignored --nocapture events_per_second`
#[test]
#[ignore = "prints a figure"]
fn events_per_second_that_one_subscriber_takes_without_loss() {
    const EVENTS: u64 = 200_000;
    for (form, filter) in [("without map", "{}"), ("with a 14x14 map", "{\"map\":true}")] {
        let house = House::new();
        let mut client = house.client();
        client.subscribe(filter);
        let mut sent = VecDeque::new();
        let mut delays = Vec::new();
        let start = Instant::now();
        let (mut published, mut received) = (0, 0);
        let mut bytes = 0;
        while received < EVENTS {
            // As many in flight as wait for a slow subscriber at most, so that none is lost.
            while published < EVENTS && published - received < 200 {
                sent.push_back(Instant::now());
                house.publisher.sound(sound(Phase::Update, 1, published));
                published += 1;
            }
            let line = client.line().unwrap();
            assert!(line.starts_with("{\"type\":\"sound\""), "{line}");
            bytes += line.len();
            delays.push(sent.pop_front().unwrap().elapsed());
            received += 1;
        }
        let took = start.elapsed().as_secs_f64();
        let rate = EVENTS as f64 / took;
        println!("{form}: {rate:.0} events a second, {} bytes each", bytes as u64 / EVENTS);
        assert_eq!(house.publisher.lost(), 0);

        let mut alone = Vec::new();
        for seq in 0..2000 {
            let start = Instant::now();
            house.publisher.sound(sound(Phase::Update, 1, seq));
            client.line().unwrap();
            alone.push(start.elapsed());
        }
        alone.sort_unstable();
        println!(
            "{form}: published to read, one at a time: p50 {:?}, p99 {:?}",
            alone[1000], alone[1980]
        );
    }
}
