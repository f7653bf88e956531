//! The tour: the lecture's tasks in turn, on data that come with the program, and a report at the end.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use burn::tensor::Device;
use recurrent::classify::{ClassifyConfig, ClassifyRun};
use recurrent::fit::Schedule;
use recurrent::forecast::{ForecastConfig, ForecastRun, Source};
use recurrent::generate::{GenerateConfig, GenerateRun};
use recurrent::translate::{TranslateConfig, TranslateRun};
use recurrent::{Task, replace};
use recurrent_study::Language;

use crate::cli::TourArgs;
use crate::interrupt::INTERRUPTED;
use crate::output::say;
use crate::progress::duration;
use crate::report::{Report, Section};
use crate::tasks::{Shown, Trained, forecast, generate, sentiment, train, translate};
use crate::{device, folder};

/// `train`, and `train tour`.
pub fn run(args: TourArgs) -> Result<ExitCode> {
    let device = device::open(&args.device)?;
    let place = args.out.unwrap_or_else(|| folder::fresh("tour"));
    let start = Instant::now();
    let mut sections = Vec::new();
    for (number, task) in Task::ALL.into_iter().enumerate() {
        say(format!("\n── {} of {}: {task} ──\n", number + 1, Task::ALL.len()));
        match stop(task, &place.join(task.to_string()), &device)? {
            Trained::Shown(section) => sections.push(section),
            Trained::Interrupted => return Ok(ExitCode::from(INTERRUPTED)),
        }
    }
    let took = duration(start.elapsed().as_secs_f64());
    let report = place.join("report.html");
    replace(&report, in_html(sections, &took).as_bytes())?;
    say(format!("\nThe tour took {took}. Its report, with all pictures: {}", report.display()));
    Ok(ExitCode::SUCCESS)
}

/// One stop of the tour: a small recipe, trained and shown.
fn stop(task: Task, folder: &Path, device: &Device) -> Result<Trained> {
    match task {
        Task::Forecast => {
            let source = Source::open("weather")?;
            let plan = ForecastConfig::new("weather", &source, None, None)?;
            through(&ForecastRun::create(plan, &source, folder, false)?, device, forecast::introduce)
        }
        Task::Generate => {
            let mut plan = GenerateConfig::new("fables")?;
            (plan.fit.epochs, plan.fit.schedule) = (5, Schedule::Cosine);
            through(&GenerateRun::create(plan, folder, false)?, device, generate::introduce)
        }
        Task::Translate => {
            let mut plan = TranslateConfig::new("phrases", None)?;
            plan.fit.epochs = 11;
            through(&TranslateRun::create(plan, folder, false)?, device, translate::introduce)
        }
        Task::Sentiment => {
            let plan = ClassifyConfig::new("reviews")?;
            through(&ClassifyRun::create(plan, folder, false)?, device, classify::introduce)
        }
    }
}

fn through<R: Shown>(run: &R, device: &Device, introduce: fn(&R, &Device)) -> Result<Trained> {
    introduce(run, device);
    // Lines that stay: whoever looks away reads afterwards how each stop went.
    train(run, device, false)
}

fn in_html(sections: Vec<Section>, took: &str) -> String {
    let lead = format!(
        "Four uses of recurrent networks, each trained a few minutes ago on this machine from data that come with the \
         program ({took} in all), each beside what costs nothing. Longer runs and larger data do better."
    );
    Report { language: Language::English, title: "A tour of recurrent networks".into(), lead, sections }.to_html()
}
