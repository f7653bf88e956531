//! Pretrained models, embedded in the program: they answer at once, without a network and without training.
//!
//! ```
//! # fn main() -> recurrent::Result<()> {
//! let answers = recurrent::zoo::sentiment_en()?.classify(&["I hate this awful phone", "What a wonderful day!"])?;
//! assert_eq!([&*answers[0].label, &*answers[1].label], ["negative", "positive"]);
//! # Ok(())
//! # }
//! ```
//!
//! A model is a trained run: [`Pretrained::unpack`] makes its folder, which every [`Predictor`] loads. Its [`Card`] says what
//! it was trained on, how well it does beside the baselines, and what it is not made for.

mod card;
mod unpack;

use std::sync::LazyLock;

use burn::tensor::Device;
use recurrent_pretrained::{MODELS, ModelFiles};

pub use self::card::{Card, Score};
pub use self::unpack::Unpacked;
use crate::classify::Classifier;
use crate::compose::Composer;
use crate::generate::Generator;
use crate::transcribe::Recognizer;
use crate::translate::Translator;
use crate::{Error, Predictor, Result, TaskConfig};

/// A classifier of English sentences: `positive` or `negative`. On the [default device](Device::default).
///
/// # Errors
/// If no folder for temporary files can be written.
pub fn sentiment_en() -> Result<Classifier> {
    Pretrained::find("sentiment-en")?.load(&Device::default())
}

/// A translator of everyday English sentences to Russian. On the [default device](Device::default).
///
/// # Errors
/// As [`sentiment_en`].
pub fn english_russian() -> Result<Translator> {
    Pretrained::find("english-russian")?.load(&Device::default())
}

/// A language model of short fables, by characters. On the [default device](Device::default).
///
/// # Errors
/// As [`sentiment_en`].
pub fn fables() -> Result<Generator> {
    Pretrained::find("fables")?.load(&Device::default())
}

/// A recognizer of digits and commands, as the synthesizer of [`audio::synth`](crate::audio::synth) speaks them. On the
/// [default device](Device::default).
///
/// # Errors
/// As [`sentiment_en`].
pub fn spoken_digits() -> Result<Recognizer> {
    Pretrained::find("spoken-digits")?.load(&Device::default())
}

/// A composer of hymns in four parts, by the rules of [`music::ChoralesByRule`](crate::music::ChoralesByRule). On the
/// [default device](Device::default).
///
/// # Errors
/// As [`sentiment_en`].
pub fn chorales() -> Result<Composer> {
    Pretrained::find("chorales")?.load(&Device::default())
}

/// A model of the zoo.
#[derive(Debug)]
pub struct Pretrained {
    files: &'static ModelFiles,
    card: Card,
}

/// All models.
pub fn pretrained() -> &'static [Pretrained] {
    static ALL: LazyLock<Vec<Pretrained>> = LazyLock::new(|| {
        let model = |files: &'static ModelFiles| Pretrained { files, card: Card::parse(files.card) };
        MODELS.iter().map(model).collect()
    });
    &ALL
}

impl Pretrained {
    /// The model of this name.
    ///
    /// # Errors
    /// If there is none. The error lists the names.
    pub fn find(name: &str) -> Result<&'static Self> {
        pretrained().iter().find(|model| model.name() == name).ok_or_else(|| {
            let names: Vec<&str> = pretrained().iter().map(Self::name).collect();
            let found = format!("`{name}`");
            Error::Input { what: "zoo".into(), expected: format!("one of {}", names.join(", ")), found }
        })
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.files.name
    }

    /// What it is.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Loads it.
    ///
    /// # Errors
    /// If it is a model of another task than the predictor's, or no folder for temporary files can be written.
    pub fn load<P: Predictor>(&self, device: &Device) -> Result<P> {
        let (name, task) = (self.name(), P::Config::TASK);
        if self.card.task != task {
            let found = format!("one of `{}`", self.card.task);
            return Err(Error::Input { what: format!("zoo:{name}"), expected: format!("a model of `{task}`"), found });
        }
        let folder = self.unpack()?;
        P::load(&folder, device)
    }

    /// Writes the folder of its run among the temporary files. It is removed when the returned value is dropped.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn unpack(&self) -> Result<Unpacked> {
        Unpacked::new(self.files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_its_card_and_is_small() {
        let mut all = 0;
        for model in pretrained() {
            let card = model.card();
            assert_eq!(card.name, model.name());
            assert!(!card.license.is_empty() && !card.limits.is_empty() && !card.scores.is_empty(), "{}", card.name);
            let num_bytes: usize = model.files.files.iter().map(|file| file.bytes.len()).sum();
            assert_eq!(card.num_bytes, num_bytes, "{}", card.name);
            all += num_bytes;
        }
        assert!(all < 12 << 20, "{all} bytes");
    }

    #[test]
    fn unknown_model_lists_the_names() {
        let error = Pretrained::find("sentiment").unwrap_err();
        let expected = "zoo: expected one of sentiment-en, english-russian, fables, spoken-digits, chorales, \
                        found `sentiment`";
        assert!(error.to_string() == expected && error.is_bad_input(), "{error}");
    }

    #[test]
    fn model_of_another_task_is_refused() {
        let fables = Pretrained::find("fables").unwrap();
        let error = fables.load::<Classifier>(&Device::flex()).unwrap_err();
        assert_eq!(error.to_string(), "zoo:fables: expected a model of `classify`, found one of `generate`");
    }

    #[test]
    fn folder_is_gone_with_its_value() {
        let unpacked = Pretrained::find("fables").unwrap().unpack().unwrap();
        let folder = unpacked.as_ref().to_path_buf();
        assert!(folder.join("config.toml").exists());
        drop(unpacked);
        assert!(!folder.exists());
    }
}
