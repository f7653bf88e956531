//! `train demo`: asks the pretrained models, trains each task on a small scale, on embedded data, and writes a report.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use recurrent::replace;
use recurrent_study::Language;

use crate::device::{self, DeviceArgs};
use crate::folder;
use crate::interrupt::INTERRUPTED;
use crate::output::print;
use crate::progress::duration;
use crate::report::{Report, Section};
use crate::tasks::{TASKS, Trained};
use crate::zoo;

#[derive(Debug, Default, Args)]
pub struct DemoArgs {
    /// The folder of the demo's runs and its report [default: a new one under runs/]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// `train`, and `train demo`.
pub fn run(args: DemoArgs) -> Result<ExitCode> {
    let device = device::open(&args.device)?;
    let root = args.out.unwrap_or_else(|| folder::new("demo"));
    let start = Instant::now();
    print("── Pretrained models ──\n");
    let mut sections = vec![zoo::answers(&device)?];
    for (number, task) in TASKS.iter().enumerate() {
        print(format!("\n── {} of {}: {} ──\n", number + 1, TASKS.len(), task.name()));
        match task.demo(&root.join(task.name()), &device)? {
            Trained::Evaluated(section) => sections.push(section),
            Trained::Interrupted => return Ok(ExitCode::from(INTERRUPTED)),
        }
    }
    let time = duration(start.elapsed().as_secs_f64());
    let report = root.join("report.html");
    replace(&report, html(sections, &time).as_bytes())?;
    print(format!("\nThe demo took {time}. Its report, with all plots: {}", report.display()));
    Ok(ExitCode::SUCCESS)
}

fn html(sections: Vec<Section>, time: &str) -> String {
    let lead = format!(
        "Applications of recurrent networks: pretrained ones, and others that were trained on this machine in {time}, on data \
         sets that are embedded in the program, and compared with baselines. Longer training and more data give better \
         results."
    );
    Report { language: Language::English, title: "A demo of recurrent networks".into(), lead, sections }.to_html()
}
