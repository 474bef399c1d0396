// Envelope encryption with the AWS Encryption SDK: a KMS keyring, key commitment, and the encryption context checked.
//
// dotnet add package AWS.Cryptography.EncryptionSDK
//
// A record is a message of the SDK: its header has the algorithm, encrypted data key, key ARN and encryption context in
// plain text; its body is encrypted in frames. Every implementation of the SDK can read it.

#nullable enable

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Amazon.KeyManagementService;
using AWS.Cryptography.EncryptionSDK;
using AWS.Cryptography.MaterialProviders;

public static class Envelope
{
    private static readonly ESDK Sdk = new(new AwsEncryptionSdkConfig
    {
        CommitmentPolicy = ESDKCommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
        // This code wraps each data key with one key: refuse messages with more.
        MaxEncryptedDataKeys = 1,
    });
    private static readonly MaterialProviders Providers = new(new MaterialProvidersConfig());

    /// <summary>The keyring of a KMS key, given by its ARN: an alias cannot decrypt.</summary>
    public static IKeyring Keyring(string key) =>
        Providers.CreateAwsKmsKeyring(new CreateAwsKmsKeyringInput
        {
            KmsClient = new AmazonKeyManagementServiceClient(),
            KmsKeyId = key,
        });

    /// <summary>Encrypt bytes with a new data key, and return the message.</summary>
    public static byte[] Seal(IKeyring ring, byte[] plaintext, Dictionary<string, string> context)
    {
        Require(context);
        var output = Sdk.Encrypt(new EncryptInput
        {
            Plaintext = new MemoryStream(plaintext),
            Keyring = ring,
            EncryptionContext = context,
        });
        return output.Ciphertext.ToArray();
    }

    /// <summary>
    /// Decrypt a message; the caller passes the context that it expects, and the message must have it.
    /// </summary>
    public static byte[] Unseal(IKeyring ring, byte[] message, Dictionary<string, string> context)
    {
        Require(context);
        var output = Sdk.Decrypt(new DecryptInput
        {
            Ciphertext = new MemoryStream(message),
            Keyring = ring,
            EncryptionContext = context,
        });
        if (context.Any(pair =>
            !output.EncryptionContext.TryGetValue(pair.Key, out var actual) || actual != pair.Value))
        {
            throw new ArgumentException("the message was encrypted for another context");
        }
        return output.Plaintext.ToArray();
    }

    private static void Require(Dictionary<string, string> context)
    {
        if (context.Count == 0)
        {
            throw new ArgumentException("the encryption context is empty: any message would open with it");
        }
    }
}
