package org.deepflash.client;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A service of a few lines that answers what a test tells it to, and can delay, drop and fail. */
public final class StubService implements AutoCloseable {

    static final String INFO = "{\"service\":\"deepflash\",\"version\":\"0.1.0\",\"api\":1,\"device\":{\"name\":\"x\"}}";

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, Answer> answers = new LinkedHashMap<>();
    private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
    private final List<String> bodies = Collections.synchronizedList(new ArrayList<>());

    /** Writes the answer to a request. */
    public interface Answer {
        void write(HttpExchange exchange) throws IOException;
    }

    public StubService() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.setExecutor(threads);
        server.start();
        on("GET /api/v1/info", 200, INFO);
    }

    public StubService on(String request, int status, String body) {
        return on(request, exchange -> send(exchange, status, body));
    }

    public StubService on(String request, Answer answer) {
        answers.put(request, answer);
        return this;
    }

    static void send(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private void handle(HttpExchange exchange) throws IOException {
        String request = exchange.getRequestMethod() + " " + exchange.getRequestURI();
        requests.add(request + " " + exchange.getRequestHeaders().getFirst("Authorization"));
        try (InputStream body = exchange.getRequestBody()) {
            bodies.add(new String(body.readAllBytes(), StandardCharsets.ISO_8859_1));
        }
        answers.getOrDefault(request, other -> send(other, 404, "{}")).write(exchange);
    }

    public String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    public List<String> requests() {
        return requests;
    }

    String lastBody() {
        return bodies.get(bodies.size() - 1);
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
