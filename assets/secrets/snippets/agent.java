/**
 * The secret through the AWS Secrets Manager Agent on this host, which caches it for its {@code ttl_seconds}.
 *
 * Maven: com.fasterxml.jackson.core:jackson-databind
 */

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.Predicate;

public final class AppSecret {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SECRET = "{{Secret}}";
  private static final String ADDRESS =
      System.getenv().getOrDefault("SECRETS_MANAGER_AGENT", "http://localhost:2773");
  // The token protects against forged requests (SSRF); the agent's installation writes it.
  private static final Path TOKEN =
      Path.of(System.getenv().getOrDefault("SECRETS_MANAGER_AGENT_TOKEN", "{{TokenFile}}"));
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private AppSecret() {}

  /** What needs the secret, such as opening a connection. */
  @FunctionalInterface
  public interface Use<T> {
    T with(Map<String, Object> secret) throws Exception;
  }

  /** The JSON secret; {@code fresh} makes the agent fetch it now. */
  public static Map<String, Object> secret(boolean fresh) throws IOException, InterruptedException {
    String query = "secretId=" + URLEncoder.encode(SECRET, StandardCharsets.UTF_8);
    String url = ADDRESS + "/secretsmanager/get?" + query + (fresh ? "&refreshNow=true" : "");
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url))
            .header("X-Aws-Parameters-Secrets-Token", Files.readString(TOKEN).strip())
            .timeout(Duration.ofSeconds(5))
            .build();
    HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IOException("the agent answered with status " + answer.statusCode());
    }
    String text = (String) parsed(answer.body()).get("SecretString");
    if (text == null) {
      throw new IllegalStateException("the secret is binary: decode secretBinary");
    }
    return parsed(text);
  }

  /**
   * Calls {@code use}; if it fails with the driver's authentication error, which {@code refused} recognizes, refetches
   * the secret and calls it once more.
   */
  public static <T> T withSecret(Use<T> use, Predicate<Exception> refused) throws Exception {
    try {
      return use.with(secret(false));
    } catch (Exception error) {
      if (!refused.test(error)) {
        throw error;
      }
    }
    return use.with(secret(true));
  }

  private static Map<String, Object> parsed(String text) {
    try {
      return JSON.readValue(text, new TypeReference<Map<String, Object>>() {});
    } catch (JsonProcessingException error) {
      // Not as the cause: its message quotes the text.
      throw new IllegalStateException("the secret is not a JSON object");
    }
  }
}
