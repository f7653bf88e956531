//! Fetching over HTTP and from local files.

#![cfg(feature = "fetch")]

mod convert;
mod http;
mod repository;
mod sandbox;
mod server;
