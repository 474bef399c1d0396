// The parameter that ECS put into the environment when the task started, refetched when authentication fails.
//
// Allow the task role to read the parameter too: the execution role reads it only when the task starts.
//
// dotnet add package AWSSDK.SimpleSystemsManagement

#nullable enable

using System;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Amazon.SimpleSystemsManagement;
using Amazon.SimpleSystemsManagement.Model;

public static class AppSecret
{
    private static readonly string? ParameterName = Environment.GetEnvironmentVariable("APP_SECRET_ID");
    private static readonly AmazonSimpleSystemsManagementClient Client = new();
    private static string? kept = Environment.GetEnvironmentVariable("APP_SECRET");

    /// <summary>
    /// The JSON value; <paramref name="fresh"/> fetches it now and keeps it until the next authentication failure.
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
    /// <paramref name="refused"/> recognizes, refetch the value and retry once.
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
        var request = new GetParameterRequest { Name = ParameterName, WithDecryption = true };
        var answer = await Client.GetParameterAsync(request);
        return answer.Parameter.Value;
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
        return parsed as JsonObject ?? throw new InvalidOperationException("the value is not a JSON object");
    }
}
