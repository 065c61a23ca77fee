import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** Who answers for this coordinate? Java 11 or newer, no library: java Assign.java LON LAT CRS */
public class Assign {
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();

    public static void main(String[] words) throws Exception {
        String query = "lon=" + coded(words[0]) + "&lat=" + coded(words[1]) + "&crs=" + coded(words[2]);
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(System.getenv("WANGGE_URL") + "/api/v1/assign?" + query))
                        .header("Authorization", "Bearer " + System.getenv("WANGGE_TOKEN"))
                        .timeout(Duration.ofSeconds(30))
                        .build();
        HttpResponse<String> answer;
        while (true) {
            answer = CLIENT.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
            if (answer.statusCode() != 429 && answer.statusCode() != 503) break;
            Thread.sleep(1000L * answer.headers().firstValueAsLong("Retry-After").orElse(1));
        }
        // An error is JSON too: title and detail say what to mend.
        byte[] told = (answer.body() + "\n").getBytes(StandardCharsets.UTF_8);
        (answer.statusCode() == 200 ? System.out : System.err).write(told);
        System.out.flush();
        System.exit(answer.statusCode() == 200 ? 0 : 1);
    }

    private static String coded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
