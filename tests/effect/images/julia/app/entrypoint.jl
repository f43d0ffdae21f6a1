# A loop of jobs that is stopped as K8sDeputy's graceful_terminator() is: by a line on a socket beside the pid file.
using Sockets

const SECONDS = parse(Float64, get(ENV, "SECONDS_PER_JOB", "1.5"))
const DIR = get(ENV, "DEPUTY_IPC_DIR", "/run")
const POD = ENV["POD"]

note(words...) = open("/log/$POD", "a") do log
    write(log, join((round(Int, 1000 * time()), words...), " ") * "\n")
end

stopping = false
socket = joinpath(DIR, "graceful-terminator.$(getpid()).socket")
rm(socket, force=true)
server = listen(socket)
write(joinpath(DIR, "julia-entrypoint.pid"), "$(getpid())\n")

@async while isopen(server)
    client = accept(server)
    if readline(client) == "terminate"
        note("signal", "terminate")
        global stopping = true
    end
    close(client)
end

job = 0
while !stopping
    note("start", "$POD-$job")
    sleep(SECONDS)
    note("end", "$POD-$job")
    global job += 1
end
note("cleanup")
exit(0)
