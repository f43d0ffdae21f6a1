//! The server: routes, limits, certificates, shutdown, logs, metrics; over loopback where the network matters.

mod certificates;
mod connections;
mod logs;
mod memory;
mod own_certificates;
mod planning;
mod process;
mod routes;
mod shutdown;
mod validate;
