/**
 * The secret through AWS's caching library, at most five minutes old.
 *
 * Maven: com.amazonaws.secretsmanager:aws-secretsmanager-caching-java:2.0.0 or newer,
 * com.fasterxml.jackson.core:jackson-databind
 */

import com.amazonaws.secretsmanager.caching.SecretCache;
import com.amazonaws.secretsmanager.caching.SecretCacheConfiguration;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

public final class AppSecret {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SECRET = "{{Secret}}";
  private static final SecretCache CACHE =
      new SecretCache(new SecretCacheConfiguration().withCacheItemTTL(TimeUnit.MINUTES.toMillis(5)));

  private AppSecret() {}

  /** What needs the secret, such as opening a connection. */
  @FunctionalInterface
  public interface Use<T> {
    T with(Map<String, Object> secret) throws Exception;
  }

  /** The JSON secret; {@code fresh} fetches it now. */
  public static Map<String, Object> secret(boolean fresh) throws InterruptedException {
    if (fresh) {
      CACHE.refreshNow(SECRET);
    }
    String text = CACHE.getSecretString(SECRET);
    if (text == null) {
      throw new IllegalStateException("the secret is binary: read it with getSecretBinary");
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
