"""A Flask API: a POST takes SECONDS and is done once the client has read `ok`."""

import os
import time

from flask import Flask, request

app = Flask(__name__)
SECONDS = float(os.environ.get("SECONDS_PER_REQUEST", "1"))


@app.get("/healthz")
def healthy():
    return "ok\n"


@app.post("/orders")
def order():
    number = request.args.get("id", "")
    time.sleep(SECONDS)
    return f"ok {number}\n"
