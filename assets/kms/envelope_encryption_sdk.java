/**
 * Envelope encryption with the AWS Encryption SDK: a KMS keyring, key commitment, and the encryption context checked.
 *
 * Maven: com.amazonaws:aws-encryption-sdk-java:3.0.0 or newer,
 * software.amazon.cryptography:aws-cryptographic-material-providers, software.amazon.awssdk:kms
 *
 * A record is a message of the SDK: its header has the algorithm, encrypted data key, key ARN and encryption context in
 * plain text; its body is encrypted in frames. Every implementation of the SDK can read it.
 */

import com.amazonaws.encryptionsdk.AwsCrypto;
import com.amazonaws.encryptionsdk.CommitmentPolicy;
import com.amazonaws.encryptionsdk.CryptoInputStream;
import com.amazonaws.encryptionsdk.CryptoResult;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.cryptography.materialproviders.IKeyring;
import software.amazon.cryptography.materialproviders.MaterialProviders;
import software.amazon.cryptography.materialproviders.model.CreateAwsKmsKeyringInput;
import software.amazon.cryptography.materialproviders.model.MaterialProvidersConfig;

public final class Envelope {
  private static final AwsCrypto CRYPTO =
      AwsCrypto.builder()
          .withCommitmentPolicy(CommitmentPolicy.RequireEncryptRequireDecrypt)
          // This code wraps each data key with one key: refuse messages with more.
          .withMaxEncryptedDataKeys(1)
          .build();
  private static final MaterialProviders PROVIDERS =
      MaterialProviders.builder()
          .MaterialProvidersConfig(MaterialProvidersConfig.builder().build())
          .build();

  private Envelope() {}

  /** The keyring of a KMS key, given by its ARN: an alias cannot decrypt. */
  public static IKeyring keyring(String key) {
    return PROVIDERS.CreateAwsKmsKeyring(
        CreateAwsKmsKeyringInput.builder().kmsKeyId(key).kmsClient(KmsClient.create()).build());
  }

  /** Encrypts bytes with a new data key, and returns the message. */
  public static byte[] seal(IKeyring ring, byte[] plaintext, Map<String, String> context) {
    require(context);
    return CRYPTO.encryptData(ring, plaintext, context).getResult();
  }

  /** Decrypts a message; the caller passes the context that it expects, and the message must have it. */
  public static byte[] unseal(IKeyring ring, byte[] message, Map<String, String> context) {
    require(context);
    CryptoResult<byte[], ?> result = CRYPTO.decryptData(ring, message, context);
    compare(result.getEncryptionContext(), context);
    return result.getResult();
  }

  /** Encrypts a file of any size, a frame at a time. */
  public static void sealFile(IKeyring ring, Path source, Path target, Map<String, String> context)
      throws IOException {
    require(context);
    try (InputStream file = Files.newInputStream(source);
        CryptoInputStream<?> frames = CRYPTO.createEncryptingStream(ring, file, context)) {
      write(frames, target);
    }
  }

  /** Decrypts a file of any size, a frame at a time; the target appears only when all of it has been verified. */
  public static void unsealFile(IKeyring ring, Path source, Path target, Map<String, String> context)
      throws IOException {
    require(context);
    try (InputStream file = Files.newInputStream(source);
        CryptoInputStream<?> frames = CRYPTO.createDecryptingStream(ring, file, context)) {
      compare(frames.getCryptoResult().getEncryptionContext(), context);
      write(frames, target);
    }
  }

  private static void require(Map<String, String> context) {
    if (context.isEmpty()) {
      throw new IllegalArgumentException("the encryption context is empty: any message would open with it");
    }
  }

  private static void compare(Map<String, String> actual, Map<String, String> context) {
    if (!actual.entrySet().containsAll(context.entrySet())) {
      throw new IllegalArgumentException("the message was encrypted for another context");
    }
  }

  private static void write(InputStream frames, Path target) throws IOException {
    // The signature and a missing end show only at the end: until then nothing may use what is written.
    Path partial = Files.createTempFile(target.toAbsolutePath().getParent(), "partial", null);
    try {
      try (OutputStream file = Files.newOutputStream(partial)) {
        frames.transferTo(file);
      }
      Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(partial);
    }
  }
}
