// A Node server that ends what is under way when it is told to stop.
const http = require("http");

const server = http.createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  const answer = url.pathname === "/orders" ? `ok ${url.searchParams.get("id")}\n` : "ok\n";
  setTimeout(() => response.end(answer), url.pathname === "/orders" ? 1000 : 0);
});
server.listen(8000);
// pm2 sends SIGINT.
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => server.close(() => process.exit(0)));
