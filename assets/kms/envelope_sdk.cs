// Envelope encryption with the AWS SDK and .NET's own AES-GCM: a data key for each record, bound to its encryption
// context. .NET 8 or newer.
//
// dotnet add package AWSSDK.KeyManagementService
//
// A record is JSON text:
//
//     v           1, the version of this format
//     algorithm   AES-256-GCM
//     key         ARN of the KMS key
//     data_key    the data key, encrypted by KMS (base64)
//     nonce       12 bytes, new for each record (base64)
//     ciphertext  with its 16-byte tag at the end (base64)
//     context     the encryption context, in plain text: put nothing secret in it

#nullable enable

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Threading.Tasks;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;

public static class Envelope
{
    private const int Version = 1;
    private const string Algorithm = "AES-256-GCM";
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private static readonly AmazonKeyManagementServiceClient Kms = new();

    private sealed record Record(
        [property: JsonPropertyName("v")] int Version,
        [property: JsonPropertyName("algorithm")] string Algorithm,
        [property: JsonPropertyName("key")] string Key,
        [property: JsonPropertyName("data_key")] byte[] DataKey,
        [property: JsonPropertyName("nonce")] byte[] Nonce,
        [property: JsonPropertyName("ciphertext")] byte[] Ciphertext,
        [property: JsonPropertyName("context")] Dictionary<string, string> Context);

    /// <summary>
    /// Encrypt bytes with a new data key of the KMS key (an ARN or alias), and return the record.
    /// </summary>
    public static async Task<string> SealAsync(string key, byte[] plaintext, Dictionary<string, string> context)
    {
        Require(context);
        var dataKey = await Kms.GenerateDataKeyAsync(new GenerateDataKeyRequest
        {
            KeyId = key,
            KeySpec = DataKeySpec.AES_256,
            EncryptionContext = context,
        });
        var secret = dataKey.Plaintext.ToArray();
        try
        {
            var nonce = RandomNumberGenerator.GetBytes(NonceBytes);
            var ciphertext = new byte[plaintext.Length + TagBytes];
            using var aes = new AesGcm(secret, TagBytes);
            aes.Encrypt(
                nonce,
                plaintext,
                ciphertext.AsSpan(0, plaintext.Length),
                ciphertext.AsSpan(plaintext.Length),
                Bound(dataKey.KeyId, context));
            var encryptedKey = dataKey.CiphertextBlob.ToArray();
            return JsonSerializer.Serialize(
                new Record(Version, Algorithm, dataKey.KeyId, encryptedKey, nonce, ciphertext, context));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>
    /// Decrypt a record; the caller passes the key (its ARN) and the context that it expects. The record's own key
    /// and context are not trusted, so KMS refuses a record of another tenant.
    /// </summary>
    public static async Task<byte[]> UnsealAsync(string text, string key, Dictionary<string, string> context)
    {
        Require(context);
        var stored = JsonSerializer.Deserialize<Record>(text);
        if (stored is not { Version: Version, Algorithm: Algorithm } || stored.Ciphertext.Length < TagBytes)
        {
            throw new ArgumentException("not a record of this format");
        }
        var dataKey = await Kms.DecryptAsync(new DecryptRequest
        {
            CiphertextBlob = new MemoryStream(stored.DataKey),
            // Without it KMS would use any key that the caller may use.
            KeyId = key,
            EncryptionContext = context,
        });
        var secret = dataKey.Plaintext.ToArray();
        try
        {
            var plaintext = new byte[stored.Ciphertext.Length - TagBytes];
            using var aes = new AesGcm(secret, TagBytes);
            aes.Decrypt(
                stored.Nonce,
                stored.Ciphertext.AsSpan(0, plaintext.Length),
                stored.Ciphertext.AsSpan(plaintext.Length),
                plaintext,
                Bound(stored.Key, context));
            return plaintext;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    private static void Require(Dictionary<string, string> context)
    {
        if (context.Count == 0)
        {
            throw new ArgumentException("the encryption context is empty: any record would open with it");
        }
    }

    /// <summary>
    /// What the tag authenticates besides the ciphertext: each text after its length, the context sorted by name.
    /// </summary>
    private static byte[] Bound(string key, Dictionary<string, string> context)
    {
        var pairs = context.Select(pair => (Name: Utf8(pair.Key), Value: Utf8(pair.Value))).ToList();
        pairs.Sort((one, other) => one.Name.AsSpan().SequenceCompareTo(other.Name));
        var texts = new List<byte[]> { Utf8(Version.ToString()), Utf8(Algorithm), Utf8(key) };
        texts.AddRange(pairs.SelectMany(pair => new[] { pair.Name, pair.Value }));
        using var bound = new MemoryStream();
        var length = new byte[sizeof(int)];
        foreach (var text in texts)
        {
            BinaryPrimitives.WriteInt32BigEndian(length, text.Length);
            bound.Write(length);
            bound.Write(text);
        }
        return bound.ToArray();
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
