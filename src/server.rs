//! The HTTPS server: routes, limits, shutdown; and the plain-HTTP admin port.
