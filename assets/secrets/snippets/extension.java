/**
 * The secret through the AWS Parameters and Secrets Lambda extension, which caches it for 300 seconds by default.
 *
 * Add the extension's layer for your Region and architecture to the function. Call {@code secret} inside the handler:
 * the extension does not answer during initialization.
 *
 * Maven: software.amazon.awssdk:secretsmanager, com.fasterxml.jackson.core:jackson-databind
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
import java.time.Duration;
import java.util.Map;
import java.util.function.Predicate;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

public final class AppSecret {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SECRET = "{{Secret}}";
  private static final String PORT =
      System.getenv().getOrDefault("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", "2773");
  private static final SecretsManagerClient CLIENT = SecretsManagerClient.create();
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private AppSecret() {}

  /** What needs the secret, such as opening a connection. */
  @FunctionalInterface
  public interface Use<T> {
    T with(Map<String, Object> secret) throws Exception;
  }

  /** The JSON secret; {@code fresh} bypasses the extension, whose cache cannot be invalidated. */
  public static Map<String, Object> secret(boolean fresh) throws IOException, InterruptedException {
    String text =
        fresh
            ? CLIENT.getSecretValue(request -> request.secretId(SECRET)).secretString()
            : fromExtension();
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

  private static String fromExtension() throws IOException, InterruptedException {
    String query = "secretId=" + URLEncoder.encode(SECRET, StandardCharsets.UTF_8);
    String url = "http://localhost:" + PORT + "/secretsmanager/get?" + query;
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url))
            .header("X-Aws-Parameters-Secrets-Token", System.getenv("AWS_SESSION_TOKEN"))
            .timeout(Duration.ofSeconds(2))
            .build();
    HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IOException("the extension answered with status " + answer.statusCode());
    }
    return (String) parsed(answer.body()).get("SecretString");
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
