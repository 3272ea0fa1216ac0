//! The reports of a run: console, files, annotations.

mod browser;
mod console;
mod files;
mod flaky;
mod hostile;
mod junit;
mod size;
mod stored;
