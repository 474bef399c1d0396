/**
 * The secret with the AWS SDK alone, at most five minutes old.
 *
 * Maven: software.amazon.awssdk:secretsmanager, com.fasterxml.jackson.core:jackson-databind
 */

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.Predicate;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

public final class AppSecret {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SECRET = "{{Secret}}";
  private static final Duration LIFETIME = Duration.ofMinutes(5);
  private static final SecretsManagerClient CLIENT = SecretsManagerClient.create();
  private static String kept;
  private static Instant fetchedAt;

  private AppSecret() {}

  /** What needs the secret, such as opening a connection. */
  @FunctionalInterface
  public interface Use<T> {
    T with(Map<String, Object> secret) throws Exception;
  }

  /** The JSON secret; {@code fresh} fetches it now. */
  public static synchronized Map<String, Object> secret(boolean fresh) {
    Instant now = Instant.now();
    if (fresh || kept == null || !now.isBefore(fetchedAt.plus(LIFETIME))) {
      kept = fetched();
      fetchedAt = now;
    }
    return parsed(kept);
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

  private static String fetched() {
    String text = CLIENT.getSecretValue(request -> request.secretId(SECRET)).secretString();
    if (text == null) {
      throw new IllegalStateException("the secret is binary: decode secretBinary");
    }
    return text;
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
