"""An ASGI application: a POST takes SECONDS, then it is answered."""

import asyncio
import os
from urllib.parse import parse_qs

SECONDS = float(os.environ.get("SECONDS_PER_REQUEST", "1"))


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = (await receive())["type"]
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return
    body = b"ok\n"
    if scope["path"] == "/orders":
        await asyncio.sleep(SECONDS)
        number = parse_qs(scope["query_string"].decode()).get("id", [""])[0]
        body = f"ok {number}\n".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
