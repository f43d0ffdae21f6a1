"""A WSGI application: a POST takes SECONDS, then it is answered."""

import os
import time
from urllib.parse import parse_qs

SECONDS = float(os.environ.get("SECONDS_PER_REQUEST", "1"))


def app(environ, start_response):
    body = b"ok\n"
    if environ["PATH_INFO"] == "/orders":
        time.sleep(SECONDS)
        number = parse_qs(environ["QUERY_STRING"]).get("id", [""])[0]
        body = f"ok {number}\n".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
