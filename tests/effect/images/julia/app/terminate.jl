# K8sDeputy's graceful_terminate(): tell the program that wrote the pid file to end, and wait until it is gone.
using Sockets

const DIR = get(ENV, "DEPUTY_IPC_DIR", "/run")
pid = parse(Int, strip(read(joinpath(DIR, "julia-entrypoint.pid"), String)))
client = connect(joinpath(DIR, "graceful-terminator.$pid.socket"))
write(client, "terminate\n")
close(client)
while ccall(:uv_kill, Cint, (Cint, Cint), pid, 0) == 0
    sleep(0.1)
end
