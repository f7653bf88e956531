//! Translators to PyTorch and from it.

mod export;
mod import;
mod layout;
mod weights;

pub(super) use export::files;
pub use import::import_translator;
