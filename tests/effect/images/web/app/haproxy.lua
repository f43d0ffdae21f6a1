core.register_service("order", "http", function(applet)
    core.msleep(1000)
    local body = "ok " .. (applet.qs:match("id=(%d+)") or "") .. "\n"
    applet:set_status(200)
    applet:add_header("content-length", tostring(#body))
    applet:start_response()
    applet:send(body)
end)
