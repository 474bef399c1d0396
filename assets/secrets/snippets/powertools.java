/**
 * The secret through Powertools for AWS Lambda, at most five minutes old.
 *
 * Maven: software.amazon.lambda:powertools-parameters-secrets, com.fasterxml.jackson.core:jackson-databind
 */

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.function.Predicate;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.lambda.powertools.parameters.secrets.SecretsProvider;

public final class AppSecret {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String SECRET = "{{Secret}}";
  private static final SecretsManagerClient CLIENT = SecretsManagerClient.create();
  private static SecretsProvider provider = withEmptyCache();

  private AppSecret() {}

  /** What needs the secret, such as opening a connection. */
  @FunctionalInterface
  public interface Use<T> {
    T with(Map<String, Object> secret) throws Exception;
  }

  /** The JSON secret; {@code fresh} fetches it now. */
  public static synchronized Map<String, Object> secret(boolean fresh) {
    if (fresh) {
      provider = withEmptyCache();
    }
    return parsed(provider.withMaxAge(300, ChronoUnit.SECONDS).get(SECRET));
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

  private static SecretsProvider withEmptyCache() {
    return SecretsProvider.builder().withClient(CLIENT).build();
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
