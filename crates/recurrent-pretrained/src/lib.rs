//! The trained networks that come with Recurrent: one folder each, with a card and the files of its run. This crate embeds
//! these files and does nothing else; `recurrent::zoo` (feature `zoo`) loads them.
//!
//! ```
//! let model = recurrent_pretrained::MODELS.iter().find(|model| model.name == "sentiment-en").unwrap();
//! assert!(model.card.contains("task = \"classify\""));
//! assert!(model.files.iter().any(|file| file.name == "config.toml"));
//! ```

/// The files of one model.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ModelFiles {
    /// The name of the model and of its folder.
    pub name: &'static str,
    /// The contents of its `card.toml`.
    pub card: &'static str,
    /// The files of its run.
    pub files: &'static [ModelFile],
}

/// A file of a run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ModelFile {
    /// Its name in the run's folder; with the ending `.gz` if it is compressed.
    pub name: &'static str,
    /// Its contents; weights are in half precision.
    pub bytes: &'static [u8],
}

macro_rules! model {
    ($name:literal: $($file:literal),+) => {
        ModelFiles {
            name: $name,
            card: include_str!(concat!("../models/", $name, "/card.toml")),
            files: &[$(ModelFile {
                name: $file,
                bytes: include_bytes!(concat!("../models/", $name, "/", $file)),
            }),+],
        }
    };
}

/// Every model.
pub static MODELS: [ModelFiles; 5] = [
    model!("sentiment-en": "config.toml", "labels.json", "tokenizer.json.gz", "evidence.json.gz", "weights.safetensors"),
    model!("english-russian": "config.toml", "tokenizers.json.gz", "search.toml", "weights.safetensors"),
    model!("fables": "config.toml", "tokenizer.json", "weights.safetensors"),
    model!("spoken-digits": "config.toml", "tokenizer.json", "normalization.json", "weights.safetensors"),
    model!("chorales": "config.toml", "music.json", "weights.safetensors"),
];
