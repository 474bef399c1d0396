/**
 * The parameter that ECS put into the environment when the task started, refetched when authentication fails.
 *
 * Allow the task role to read the parameter too: the execution role reads it only when the task starts.
 *
 * Maven: software.amazon.awssdk:ssm, com.fasterxml.jackson.core:jackson-databind
 */

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import java.util.function.Predicate;
import software.amazon.awssdk.services.ssm.SsmClient;

public final class AppSecret {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PARAMETER = System.getenv("APP_SECRET_ID");
  private static final SsmClient CLIENT = SsmClient.create();
  private static String kept = System.getenv("APP_SECRET");

  private AppSecret() {}

  /** What needs the secret, such as opening a connection. */
  @FunctionalInterface
  public interface Use<T> {
    T with(Map<String, Object> secret) throws Exception;
  }

  /** The JSON value; {@code fresh} fetches it now and keeps it until the next authentication failure. */
  public static synchronized Map<String, Object> secret(boolean fresh) {
    if (fresh || kept == null) {
      kept = fetched();
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
