/**
 * Envelope encryption with the AWS SDK and the JDK's own AES-GCM: a data key for each record, bound to its encryption
 * context.
 *
 * Maven: software.amazon.awssdk:kms, com.fasterxml.jackson.core:jackson-databind
 *
 * A record is JSON text:
 *
 * <pre>
 * v           1, the version of this format
 * algorithm   AES-256-GCM
 * key         ARN of the KMS key
 * data_key    the data key, encrypted by KMS (base64)
 * nonce       12 bytes, new for each record (base64)
 * ciphertext  with its 16-byte tag at the end (base64)
 * context     the encryption context, in plain text: put nothing secret in it
 * </pre>
 */

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.DataKeySpec;
import software.amazon.awssdk.services.kms.model.DecryptResponse;
import software.amazon.awssdk.services.kms.model.GenerateDataKeyResponse;

public final class Envelope {
  private static final int VERSION = 1;
  private static final String ALGORITHM = "AES-256-GCM";
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;
  private static final KmsClient KMS = KmsClient.create();
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final SecureRandom RANDOM = new SecureRandom();

  private Envelope() {}

  /** Encrypts bytes with a new data key of the KMS key (an ARN or alias), and returns the record. */
  public static String seal(String key, byte[] plaintext, Map<String, String> context)
      throws GeneralSecurityException, IOException {
    require(context);
    GenerateDataKeyResponse dataKey =
        KMS.generateDataKey(
            request -> request.keyId(key).keySpec(DataKeySpec.AES_256).encryptionContext(context));
    byte[] nonce = new byte[NONCE_BYTES];
    RANDOM.nextBytes(nonce);
    byte[] bound = bound(dataKey.keyId(), context);
    byte[] ciphertext = applied(Cipher.ENCRYPT_MODE, dataKey.plaintext(), nonce, bound, plaintext);
    return JSON.writeValueAsString(
        Map.of(
            "v", VERSION,
            "algorithm", ALGORITHM,
            "key", dataKey.keyId(),
            "context", context,
            "data_key", dataKey.ciphertextBlob().asByteArray(),
            "nonce", nonce,
            "ciphertext", ciphertext));
  }

  /**
   * Decrypts a record; the caller passes the key (its ARN) and the context that it expects.
   *
   * <p>The record's own key and context are not trusted, so KMS refuses a record of another tenant.
   */
  public static byte[] unseal(String text, String key, Map<String, String> context)
      throws GeneralSecurityException, IOException {
    require(context);
    JsonNode record = JSON.readTree(text);
    if (record.path("v").asInt() != VERSION || !record.path("algorithm").asText().equals(ALGORITHM)) {
      throw new IllegalArgumentException("not a record of this format");
    }
    SdkBytes encryptedKey = SdkBytes.fromByteArray(record.path("data_key").binaryValue());
    DecryptResponse dataKey =
        KMS.decrypt(
            request ->
                // Without the key's id KMS would use any key that the caller may use.
                request.ciphertextBlob(encryptedKey).keyId(key).encryptionContext(context));
    byte[] bound = bound(record.path("key").asText(), context);
    byte[] nonce = record.path("nonce").binaryValue();
    byte[] ciphertext = record.path("ciphertext").binaryValue();
    return applied(Cipher.DECRYPT_MODE, dataKey.plaintext(), nonce, bound, ciphertext);
  }

  private static void require(Map<String, String> context) {
    if (context.isEmpty()) {
      throw new IllegalArgumentException("the encryption context is empty: any record would open with it");
    }
  }

  private static byte[] applied(int mode, SdkBytes dataKey, byte[] nonce, byte[] bound, byte[] input)
      throws GeneralSecurityException {
    // The array inside, not a copy of it, to wipe it.
    byte[] secret = dataKey.asByteArrayUnsafe();
    try {
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(mode, new SecretKeySpec(secret, "AES"), new GCMParameterSpec(TAG_BITS, nonce));
      cipher.updateAAD(bound);
      return cipher.doFinal(input);
    } finally {
      Arrays.fill(secret, (byte) 0);
    }
  }

  /** What the tag authenticates besides the ciphertext: each text after its length, the context sorted by name. */
  private static byte[] bound(String key, Map<String, String> context) {
    Map<byte[], byte[]> sorted = new TreeMap<>(Arrays::compareUnsigned);
    context.forEach((name, value) -> sorted.put(utf8(name), utf8(value)));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    append(bytes, utf8(String.valueOf(VERSION)));
    append(bytes, utf8(ALGORITHM));
    append(bytes, utf8(key));
    sorted.forEach(
        (name, value) -> {
          append(bytes, name);
          append(bytes, value);
        });
    return bytes.toByteArray();
  }

  private static void append(ByteArrayOutputStream bytes, byte[] text) {
    bytes.writeBytes(ByteBuffer.allocate(4).putInt(text.length).array());
    bytes.writeBytes(text);
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
