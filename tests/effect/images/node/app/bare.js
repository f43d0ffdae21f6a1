// The same server, without a handler for any signal.
const http = require("http");

http
  .createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    const answer = url.pathname === "/orders" ? `ok ${url.searchParams.get("id")}\n` : "ok\n";
    setTimeout(() => response.end(answer), url.pathname === "/orders" ? 1000 : 0);
  })
  .listen(8000);
