/**
 * A SecureString parameter through Powertools for AWS Lambda, at most five minutes old.
 *
 * Maven: software.amazon.lambda:powertools-parameters-ssm, com.fasterxml.jackson.core:jackson-databind
 */

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.function.Predicate;
import software.amazon.awssdk.services.ssm.SsmClient;
import software.amazon.lambda.powertools.parameters.ssm.SSMProvider;

public final class AppSecret {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PARAMETER = "{{Secret}}";
  private static final SsmClient CLIENT = SsmClient.create();
  private static SSMProvider provider = withEmptyCache();

  private AppSecret() {}

  /** What needs the secret, such as opening a connection. */
  @FunctionalInterface
  public interface Use<T> {
    T with(Map<String, Object> secret) throws Exception;
  }

  /** The JSON value; {@code fresh} fetches it now. */
  public static synchronized Map<String, Object> secret(boolean fresh) {
    if (fresh) {
      provider = withEmptyCache();
    }
    return parsed(provider.withDecryption().withMaxAge(300, ChronoUnit.SECONDS).get(PARAMETER));
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

  private static SSMProvider withEmptyCache() {
    return SSMProvider.builder().withClient(CLIENT).build();
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
