/**
 * The secret from a mounted file, read on every use so that a refreshed file takes effect immediately.
 *
 * When authentication fails, the code waits up to {{Wait}} seconds for the file to change: the mount is updated some
 * time after a rotation.
 *
 * Maven: com.fasterxml.jackson.core:jackson-databind
 */

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Predicate;

public final class AppSecret {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path FILE = Path.of("/mnt/secrets/app.json");
  private static final int LONGEST_WAIT = {{Wait}};

  private AppSecret() {}

  /** What needs the secret, such as opening a connection. */
  @FunctionalInterface
  public interface Use<T> {
    T with(Map<String, Object> secret) throws Exception;
  }

  /** The JSON secret. */
  public static Map<String, Object> secret() throws IOException {
    return parsed(Files.readString(FILE));
  }

  /**
   * Calls {@code use}; if it fails with the driver's authentication error, which {@code refused} recognizes, waits for
   * the file to change and calls it once more.
   */
  public static <T> T withSecret(Use<T> use, Predicate<Exception> refused) throws Exception {
    String tried = Files.readString(FILE);
    try {
      return use.with(parsed(tried));
    } catch (Exception error) {
      if (!refused.test(error)) {
        throw error;
      }
    }
    for (int waited = 0; waited < LONGEST_WAIT && Files.readString(FILE).equals(tried); waited++) {
      Thread.sleep(1_000);
    }
    return use.with(secret());
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
