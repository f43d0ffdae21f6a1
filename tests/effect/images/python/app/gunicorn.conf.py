"""Gunicorn writes down the signals it hears, and that it came to its end."""

import signal

from journal import note


def on_starting(server):
    heard = server.signal

    def noted(number, frame):
        note("signal", signal.Signals(number).name)
        heard(number, frame)

    server.signal = noted


def on_exit(_):
    note("cleanup")
