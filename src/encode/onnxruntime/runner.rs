//! A net and what computes it: a provider if one was asked for and is as good as the CPU, and
//! otherwise the CPU.

use std::time::{Duration, Instant};

use crate::encode::onnx::{Net, Signature};
use crate::encode::trial::{RUNS, differs, noise};
use crate::error::Result;

/// Loads the net on the CPU.
type OnCpu = Box<dyn FnMut() -> Result<Box<dyn Net>> + Send>;

/// A net that is ready to run.
pub struct Runner {
    net: Box<dyn Net>,
    on_cpu: OnCpu,
    /// The provider that computes it, if it is not the CPU's.
    provider: Option<String>,
    /// Why it is not the provider, until that was told.
    trouble: Option<String>,
}

impl Runner {
    /// Loads the net on the CPU.
    ///
    /// # Errors
    /// Those of `on_cpu`.
    pub fn new(
        mut on_cpu: impl FnMut() -> Result<Box<dyn Net>> + Send + 'static,
    ) -> Result<Runner> {
        let (net, on_cpu) = (on_cpu()?, Box::new(on_cpu));
        Ok(Runner { net, on_cpu, provider: None, trouble: None })
    }

    /// The same net computed by the provider called `name`, if it was loaded there and passes its
    /// trial. Else the CPU goes on, and the trouble says why.
    ///
    /// # Errors
    /// The CPU failed at the trial.
    pub fn with_provider(
        mut self,
        name: &str,
        signature: &Signature,
        candidate: Result<Box<dyn Net>>,
    ) -> Result<Runner> {
        let input: Vec<f32> = {
            let mut next = noise();
            (0..signature.shape.iter().product()).map(|_| next()).collect()
        };
        let (wanted, without) = tried(self.net.as_mut(), &input)?;
        let with = candidate.and_then(|mut net| {
            let (found, with) = tried(net.as_mut(), &input)?;
            Ok((net, found, with))
        });
        let wrong = match with {
            Ok((net, found, with)) => {
                let outputs = signature.outputs.iter().zip(found.iter().zip(&wanted));
                let mut wrong = outputs.filter_map(|((output, _), (found, wanted))| {
                    differs(found, wanted).map(|how| format!("output {output:?} {how}"))
                });
                match wrong.next() {
                    None => {
                        let (file, with) = (signature.path.display(), millis(with));
                        let without = millis(without);
                        log::info!("{file}: {with:.1} ms with {name}, {without:.1} ms without");
                        (self.net, self.provider) = (net, Some(name.to_owned()));
                        return Ok(self);
                    }
                    Some(wrong) => format!("{}: {wrong} with {name}", signature.path.display()),
                }
            }
            Err(error) => error.to_string(),
        };
        self.trouble = Some(format!("{wrong}; the CPU computes instead of {name}"));
        Ok(self)
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The outputs, and how long the fastest of some runs took.
fn tried(net: &mut dyn Net, input: &[f32]) -> Result<(Vec<Vec<f32>>, Duration)> {
    let (mut outputs, mut best) = (Vec::new(), Duration::MAX);
    for _ in 0..RUNS {
        outputs.clear();
        let began = Instant::now();
        net.run(input, &mut |_, values| outputs.push(values.to_vec()))?;
        best = best.min(began.elapsed());
    }
    Ok((outputs, best))
}

impl Net for Runner {
    /// A provider that fails is left for good, and the CPU runs instead.
    fn run(&mut self, input: &[f32], take: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
        let Err(error) = self.net.run(input, take) else { return Ok(()) };
        let Some(provider) = self.provider.take() else { return Err(error) };
        self.net = (self.on_cpu)()?;
        self.trouble = Some(format!("{provider} failed: {error}; the CPU computes from now on"));
        self.net.run(input, take)
    }

    fn about(&self) -> String {
        self.net.about()
    }

    fn trouble(&mut self) -> Option<String> {
        self.trouble.take().or_else(|| self.net.trouble())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Doubles its input, and fails after so many runs.
    struct Doubler {
        factor: f32,
        runs: usize,
        name: &'static str,
    }

    impl Net for Doubler {
        fn run(&mut self, input: &[f32], take: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
            let Some(left) = self.runs.checked_sub(1) else {
                return Err(signature().wrong("failed while running"));
            };
            self.runs = left;
            take(0, &input.iter().map(|value| self.factor * value).collect::<Vec<_>>());
            Ok(())
        }

        fn about(&self) -> String {
            self.name.to_owned()
        }
    }

    fn signature() -> Signature {
        let outputs = vec![("twice", vec![1, 1, 2, 2])];
        Signature { path: PathBuf::from("net.onnx"), input: "x", shape: [1, 1, 2, 2], outputs }
    }

    fn net(factor: f32, runs: usize, name: &'static str) -> Box<dyn Net> {
        Box::new(Doubler { factor, runs, name })
    }

    fn runner(candidate: Result<Box<dyn Net>>) -> Runner {
        let cpu = Runner::new(|| Ok(net(2.0, usize::MAX, "CPU"))).unwrap();
        cpu.with_provider("GPU", &signature(), candidate).unwrap()
    }

    fn twice(runner: &mut Runner) -> Vec<f32> {
        let mut out = Vec::new();
        runner.run(&[1.0; 4], &mut |_, values| out = values.to_vec()).unwrap();
        out
    }

    #[test]
    fn a_provider_that_agrees_with_the_cpu_computes() {
        let mut runner = runner(Ok(net(2.01, usize::MAX, "GPU")));
        assert_eq!((runner.about().as_str(), runner.trouble()), ("GPU", None));
        assert_eq!(twice(&mut runner), [2.01; 4]);
    }

    #[test]
    fn one_that_gives_other_numbers_does_not() {
        let mut runner = runner(Ok(net(3.0, usize::MAX, "GPU")));
        assert_eq!(runner.about(), "CPU");
        let trouble = runner.trouble().unwrap();
        assert!(trouble.starts_with("net.onnx: output \"twice\" differs by 50 %"), "{trouble}");
        assert!(trouble.ends_with("the CPU computes instead of GPU"), "{trouble}");
        assert_eq!((twice(&mut runner), runner.trouble()), (vec![2.0; 4], None));
    }

    #[test]
    fn one_that_cannot_be_loaded_or_run_does_not() {
        for candidate in [Err(signature().wrong("no such device")), Ok(net(2.0, 1, "GPU"))] {
            let mut runner = runner(candidate);
            assert_eq!(runner.about(), "CPU");
            assert!(runner.trouble().unwrap().contains("instead of GPU"));
        }
    }

    #[test]
    fn one_that_dies_later_leaves_that_very_input_to_the_cpu() {
        let mut runner = runner(Ok(net(2.0, RUNS + 1, "GPU")));
        assert_eq!((twice(&mut runner), runner.trouble()), (vec![2.0; 4], None));
        assert_eq!(twice(&mut runner), [2.0; 4]);
        let trouble = runner.trouble().unwrap();
        assert!(trouble.contains("GPU failed: net.onnx: failed while running"), "{trouble}");
        assert_eq!((runner.about().as_str(), runner.trouble()), ("CPU", None));
    }
}
