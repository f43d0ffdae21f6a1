import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;

/** The JDK's own server: with `bare` without a shutdown hook, else it ends what is under way when it is told to stop. */
public class Shop {
    public static void main(String[] words) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(8000), 128);
        server.createContext("/healthz", exchange -> {
            exchange.sendResponseHeaders(200, 3);
            exchange.getResponseBody().write("ok\n".getBytes());
            exchange.close();
        });
        server.createContext("/orders", exchange -> {
            try {
                Thread.sleep(1000);
            } catch (InterruptedException e) {
                throw new java.io.IOException(e);
            }
            byte[] body = ("ok " + exchange.getRequestURI().getQuery().substring(3) + "\n").getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.setExecutor(Executors.newFixedThreadPool(16));
        if (words.length == 0) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(5)));
        }
        server.start();
    }
}
