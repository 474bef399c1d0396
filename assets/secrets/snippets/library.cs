// The secret through AWS's caching library, at most five minutes old.
//
// dotnet add package AWSSDK.SecretsManager.Caching

#nullable enable

using System;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Amazon.SecretsManager.Extensions.Caching;

public static class AppSecret
{
    private const string SecretName = "{{Secret}}";
    private static readonly SecretsManagerCache Cache =
        new(new SecretCacheConfiguration { CacheItemTTL = 300_000 });

    /// <summary>The JSON secret; <paramref name="fresh"/> fetches it now.</summary>
    public static async Task<JsonObject> SecretAsync(bool fresh = false)
    {
        if (fresh)
        {
            await Cache.RefreshNowAsync(SecretName);
        }
        var text = await Cache.GetSecretString(SecretName);
        return Parsed(
            text ?? throw new InvalidOperationException("the secret is binary: read it with GetSecretBinary"));
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
