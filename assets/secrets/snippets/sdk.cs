// The secret with the AWS SDK alone, at most five minutes old.
//
// dotnet add package AWSSDK.SecretsManager

#nullable enable

using System;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using Amazon.SecretsManager;
using Amazon.SecretsManager.Model;

public static class AppSecret
{
    private const string SecretName = "{{Secret}}";
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);
    private static readonly AmazonSecretsManagerClient Client = new();
    private static readonly SemaphoreSlim Lock = new(1);
    private static string? kept;
    private static DateTime fetchedAt;

    /// <summary>The JSON secret; <paramref name="fresh"/> fetches it now.</summary>
    public static async Task<JsonObject> SecretAsync(bool fresh = false)
    {
        await Lock.WaitAsync();
        try
        {
            var now = DateTime.UtcNow;
            if (fresh || kept is null || now - fetchedAt >= Lifetime)
            {
                kept = await FetchedAsync();
                fetchedAt = now;
            }
            return Parsed(kept);
        }
        finally
        {
            Lock.Release();
        }
    }

    /// <summary>
    /// Call <paramref name="use"/>; if it fails with the driver's authentication error, which
    /// <paramref name="refused"/> recognizes, refetch the secret and retry once.
    /// </summary>
    public static async Task<T> WithSecretAsync<T>(Func<JsonObject, Task<T>> use, Func<Exception, bool> refused)
    {
        try
        {
            return await use(await SecretAsync());
        }
        catch (Exception error) when (refused(error))
        {
            return await use(await SecretAsync(fresh: true));
        }
    }

    private static async Task<string> FetchedAsync()
    {
        var request = new GetSecretValueRequest { SecretId = SecretName };
        var answer = await Client.GetSecretValueAsync(request);
        return answer.SecretString
            ?? throw new InvalidOperationException("the secret is binary: decode SecretBinary");
    }

    private static JsonObject Parsed(string text)
    {
        JsonNode? parsed = null;
        try
        {
            parsed = JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            // Not passed on: its message can quote the text.
        }
        return parsed as JsonObject ?? throw new InvalidOperationException("the secret is not a JSON object");
    }
}
