//! The server: routes, limits, certificates, shutdown, logs, metrics; over loopback where the network matters.

mod certificates;
mod connections;
mod harness;
mod planning;
mod routes;
mod shutdown;
