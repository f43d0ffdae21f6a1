//! softstop-init with real shells and programs, as PID 1 of real PID namespaces. Needs root, util-linux, dash, bash and
//! busybox; says loudly what it skips.

mod container;
mod shapes;
