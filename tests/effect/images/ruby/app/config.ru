# A Rack application: a POST takes a second, then it is answered.
run lambda { |env|
  body = "ok\n"
  if env["PATH_INFO"] == "/orders"
    sleep(1)
    body = "ok #{env["QUERY_STRING"][/id=(\d+)/, 1]}\n"
  end
  [200, { "content-type" => "text/plain", "content-length" => body.bytesize.to_s }, [body]]
}
