import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Java's standard client as it comes, which offers h2c with its first requests. Prints a line for each answer. */
public class FilesClient {
    private static String base;
    private static String model;

    public static void main(String[] arguments) throws Exception {
        base = arguments[0];
        model = arguments[1];
        // A client for each: only the first requests of a connection make the offer.
        get("/v1/models");
        post("chat", "/v1/chat/completions", "application/json", BodyPublishers.ofString(chat(false)));
        post("chat in chunks", "/v1/chat/completions", "application/json", unknownLength(chat(false)));
        stream();
        String form = form();
        post("file", "/v1/files", "multipart/form-data; boundary=b0", BodyPublishers.ofString(form));
        post("file in chunks", "/v1/files", "multipart/form-data; boundary=b0", unknownLength(form));
        String contents = "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hello\"}]}]}";
        post("gemini", "/v1beta/models/" + model + ":generateContent", "application/json", BodyPublishers.ofString(contents));
        HttpClient kept = client();
        List<String> statuses = new ArrayList<>();
        for (int n = 0; n < 3; n++) {
            statuses.add("" + send(kept, "/v1/chat/completions", "application/json", BodyPublishers.ofString(chat(false))).statusCode());
        }
        System.out.println("kept\t" + String.join(",", statuses) + "\t");
    }

    private static HttpClient client() {
        return HttpClient.newHttpClient();
    }

    private static String chat(boolean stream) {
        return "{\"model\":\"" + model + "\",\"stream\":" + stream + ",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}";
    }

    private static String form() {
        return "--b0\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n"
            + "--b0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"java.txt\"\r\n"
            + "Content-Type: text/plain\r\n\r\n" + "from Java ".repeat(20000) + "\r\n--b0--\r\n";
    }

    private static BodyPublisher unknownLength(String text) {
        return BodyPublishers.fromPublisher(BodyPublishers.ofString(text));
    }

    private static void get(String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + path)).build();
        show("models", client().send(request, BodyHandlers.ofString()));
    }

    private static void post(String name, String path, String type, BodyPublisher body) throws Exception {
        show(name, send(client(), path, type, body));
    }

    private static HttpResponse<String> send(HttpClient client, String path, String type, BodyPublisher body)
            throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + path)).header("Content-Type", type).POST(body).build();
        return client.send(request, BodyHandlers.ofString(StandardCharsets.UTF_8));
    }

    private static void stream() throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + "/v1/chat/completions"))
            .header("Content-Type", "application/json").POST(BodyPublishers.ofString(chat(true))).build();
        HttpResponse<java.util.stream.Stream<String>> answer = client().send(request, BodyHandlers.ofLines());
        String lines = answer.body().filter(line -> !line.isEmpty()).collect(Collectors.joining("|"));
        System.out.println("stream\t" + answer.statusCode() + "\t" + lines);
    }

    private static void show(String name, HttpResponse<String> answer) {
        System.out.println(name + "\t" + answer.statusCode() + "\t" + answer.body().replace("\n", " "));
    }
}
