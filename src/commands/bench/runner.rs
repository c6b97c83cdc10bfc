//! One engine at work: frame and sound in, event out, each part timed.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tyto::capture::{BLOCK_VALUES, Block, Developer, Frame, RawFrame};
use tyto::clock::{Mono, SimulatedClock};
use tyto::config::{EngineChoice, EngineName};
use tyto::cost::{self, Stopwatch};
use tyto::error::Result;
use tyto::event::{Phase, Sound};
use tyto::pipeline::Perception;

use super::material::Material;
use super::report::{Costs, Ledger, Measured, Part};
use super::sink::Sink;
use crate::commands::play::Stage;

/// What a microphone gives at a time, seconds.
const PERIOD_S: f64 = 0.02;

/// Hops until a patch and a window of patches are full of silence, and some.
const FADE: usize = 20;

/// One engine with everything round it.
pub struct Runner<'a> {
    engine: EngineName,
    stage: &'a Stage,
    load: Duration,
    perception: Perception,
    developer: Developer,
    spare: Frame,
    /// Where the other kind of camera's picture goes.
    beside: Frame,
    raw: RawFrame,
    block: Block,
    /// Hops so far, and samples of each channel.
    hops: u64,
    heard: u64,
    /// The newest event; each look publishes it, as if it had one of its own.
    event: Sound,
    ledger: Ledger,
}

impl<'a> Runner<'a> {
    /// Loads the pack into `engine`.
    ///
    /// # Errors
    /// The engine does not run it.
    pub fn open(stage: &'a Stage, engine: EngineName, material: &Material) -> Result<Runner<'a>> {
        let began = Instant::now();
        // The board's own settings go for its own engine alone.
        let board = &stage.board().engine;
        let (library, onnxruntime) = (board.library.clone(), board.onnxruntime.clone());
        let choice = EngineChoice { library, onnxruntime, ..EngineChoice::of(engine) };
        let choice = if board.name == engine { board.clone() } else { choice };
        let perception = stage.perception_on(&choice, stage.optics(None))?;
        let load = began.elapsed();
        let mut block = Block::empty();
        block.format = material.format;
        Ok(Runner {
            engine,
            stage,
            load,
            perception,
            developer: Developer::new(),
            spare: Frame::default(),
            beside: Frame::default(),
            raw: RawFrame::default(),
            block,
            hops: 0,
            heard: 0,
            event: blank(),
            ledger: Ledger::default(),
        })
    }

    /// Takes `count` looks; they are noted if they are `counted`.
    ///
    /// # Errors
    /// An encoder failed, or an event was lost.
    pub fn look(
        &mut self,
        material: &Material,
        sink: &Sink,
        count: usize,
        counted: bool,
    ) -> Result<()> {
        let mut taken = 0;
        while taken < count {
            let busy = clock_gettime(ClockId::ProcessCPUTime);
            // No look is due before a patch is full.
            let Some(costs) = self.counting(|own| own.hop(material, Some(sink)))? else { continue };
            taken += 1;
            if counted {
                self.ledger.note(&costs);
                let busy = clock_gettime(ClockId::ProcessCPUTime) - busy;
                self.ledger.processor(&costs, busy.tv_sec as f64 * 1e3 + busy.tv_nsec as f64 / 1e6);
            }
        }
        Ok(())
    }

    /// Takes `count` looks at pictures with silence.
    ///
    /// # Errors
    /// The picture cannot be developed.
    pub fn listen_to_silence(&mut self, material: &Material, count: usize) -> Result<()> {
        for n in 0..FADE + count {
            let costs = self.counting(|own| own.hop(material, None))?;
            if let Some(costs) = costs.filter(|_| n >= FADE) {
                self.ledger.note(&costs);
            }
        }
        Ok(())
    }

    /// What was noted.
    pub fn measured(self) -> Measured {
        self.ledger.measured(self.engine.name(), self.load)
    }

    fn counting<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        cost::count(true);
        let result = work(self);
        cost::count(false);
        result
    }

    /// A hop: a picture, the sound until then (silence without a `sink` for what it causes), and
    /// the look if one is due.
    fn hop(&mut self, material: &Material, sink: Option<&Sink>) -> Result<Option<Costs>> {
        let mut costs = Costs::default();
        let turn = usize::try_from(self.hops).unwrap_or_default() % material.shots.len().max(1);
        self.hops += 1;
        let end = Mono((self.stage.hop_s() * 1e9 * self.hops as f64) as u64);
        let Some(shot) = material.shots.get(turn) else { return Ok(None) };

        if sink.is_some() {
            self.raw.clone_from(&shot.jpeg);
            let mut watch = Stopwatch::start();
            self.developer.develop(&mut self.raw, &mut self.beside.picture)?;
            costs.set(Part::Decode, watch.lap());
        }
        self.raw.clone_from(&shot.plain);
        let mut frame = std::mem::take(&mut self.spare);
        frame.stamp = end;

        let mut watch = Stopwatch::start();
        let mut whole = watch;
        self.developer.develop(&mut self.raw, &mut frame.picture)?;
        costs.set(Part::Colour, watch.lap());
        self.spare = self.perception.see(frame)?.unwrap_or_default();
        self.hear(material, end, sink.is_some())?;
        costs.set(Part::Resample, watch.lap());

        let clock = SimulatedClock::new();
        clock.advance_to(end);
        let Some(look) = self.perception.look(&clock)? else { return Ok(None) };
        let (silent, mut stages) = (look.silent, look.stages);
        if let Some(sound) = look.sounds.iter().rfind(|sound| sound.phase != Phase::End) {
            self.event.clone_from(sound);
        }
        if silent || sink.is_none() {
            let mut costs = Costs::default();
            costs.set(Part::Silence, whole.lap());
            return Ok(silent.then_some(costs));
        }
        if let Some(sink) = sink {
            let event = self.event.clone();
            watch.lap();
            sink.publish(event)?;
            costs.set(Part::Publish, watch.lap());
        }
        stages += self.perception.see_ahead()?;
        costs.set(Part::FrontEnd, stages.front_end);
        costs.set(Part::Sound, stages.sound);
        costs.set(Part::Align, stages.align);
        costs.set(Part::Track, stages.track);
        if stages.has_seen() {
            costs.set(Part::Resize, stages.resize);
            costs.set(Part::Picture, stages.picture);
            costs.set(Part::Encoders, stages.sound + stages.picture);
            costs.set(Part::Look, whole.lap());
        }
        Ok(Some(costs))
    }

    /// The sound up to `end`, a period at a time.
    fn hear(&mut self, material: &Material, end: Mono, aloud: bool) -> Result<()> {
        let channels = usize::from(material.format.channels.max(1));
        let rate = f64::from(material.format.rate);
        let most = ((rate * PERIOD_S) as usize).clamp(1, BLOCK_VALUES / channels);
        let wanted = (end.as_secs_f64() * rate) as u64;
        while self.heard < wanted {
            let count = most.min(usize::try_from(wanted - self.heard).unwrap_or(most)) * channels;
            self.block.stamp = Mono((self.heard as f64 / rate * 1e9) as u64);
            self.block.filled = count;
            let from = (self.heard as usize * channels) % material.samples.len().max(1);
            let values = material.samples.iter().cycle().skip(from);
            for (value, sample) in self.block.values.iter_mut().zip(values).take(count) {
                *value = if aloud { *sample } else { 0.0 };
            }
            self.perception.hear(&self.block)?;
            self.heard += (count / channels) as u64;
        }
        Ok(())
    }
}

/// An event before there was one: as long as most, with a map of the usual size.
fn blank() -> Sound {
    Sound {
        phase: Phase::Update,
        track: 1,
        seq: 1,
        time: "1970-01-01T00:00:00.000Z".to_owned(),
        mono_ns: 0,
        latency_ms: 0.0,
        label: "Domestic animals, pets".to_owned(),
        label_score: 0.5,
        confidence: 0.5,
        on_screen: true,
        azimuth_deg: Some(12.5),
        elevation_deg: Some(-2.5),
        direction: Some([0.9754, 0.2163, -0.0436]),
        spread_deg: Some(6.5),
        peak: Some([0.3125, 0.5241]),
        extent: Some([0.2188, 0.4062, 0.4062, 0.7812]),
        level_dbfs: -20.5,
        map: Some(vec![vec![0.0; 32]; 32]),
    }
}
