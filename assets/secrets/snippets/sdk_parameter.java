/**
 * A SecureString parameter with the AWS SDK alone, at most five minutes old.
 *
 * Maven: software.amazon.awssdk:ssm, com.fasterxml.jackson.core:jackson-databind
 */

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.Predicate;
import software.amazon.awssdk.services.ssm.SsmClient;

public final class AppSecret {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PARAMETER = "{{Secret}}";
  private static final Duration LIFETIME = Duration.ofMinutes(5);
  private static final SsmClient CLIENT = SsmClient.create();
  private static String kept;
  private static Instant fetchedAt;

  private AppSecret() {}

  /** What needs the secret, such as opening a connection. */
  @FunctionalInterface
  public interface Use<T> {
    T with(Map<String, Object> secret) throws Exception;
  }

  /** The JSON value; {@code fresh} fetches it now. */
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
   * the value and calls it once more.
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
    return CLIENT.getParameter(request -> request.name(PARAMETER).withDecryption(true)).parameter().value();
  }

  private static Map<String, Object> parsed(String text) {
    try {
      return JSON.readValue(text, new TypeReference<Map<String, Object>>() {});
    } catch (JsonProcessingException error) {
      // Not as the cause: its message quotes the text.
      throw new IllegalStateException("the value is not a JSON object");
    }
  }
}
