// The secret that ECS put into the environment when the task started, refetched when authentication fails.
//
// Allow the task role to read the secret too: the execution role reads it only when the task starts.
//
// dotnet add package AWSSDK.SecretsManager

#nullable enable

using System;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Amazon.SecretsManager;
using Amazon.SecretsManager.Model;

public static class AppSecret
{
    private static readonly string? SecretName = Environment.GetEnvironmentVariable("APP_SECRET_ID");
    private static readonly AmazonSecretsManagerClient Client = new();
    private static string? kept = Environment.GetEnvironmentVariable("APP_SECRET");

    /// <summary>
    /// The JSON secret; <paramref name="fresh"/> fetches it now and keeps it until the next authentication failure.
    /// </summary>
    public static async Task<JsonObject> SecretAsync(bool fresh = false)
    {
        if (fresh || kept is null)
        {
            kept = await FetchedAsync();
        }
        return Parsed(kept);
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
