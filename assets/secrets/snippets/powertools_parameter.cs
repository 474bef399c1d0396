// A SecureString parameter through Powertools for AWS Lambda, at most five minutes old.
//
// dotnet add package AWS.Lambda.Powertools.Parameters

#nullable enable

using System;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using AWS.Lambda.Powertools.Parameters;
using AWS.Lambda.Powertools.Parameters.Configuration;

public static class AppSecret
{
    private const string ParameterName = "{{Secret}}";

    /// <summary>The JSON value; <paramref name="fresh"/> fetches it now.</summary>
    public static async Task<JsonObject> SecretAsync(bool fresh = false)
    {
        var provider = ParametersManager.SsmProvider.WithDecryption().WithMaxAge(TimeSpan.FromMinutes(5));
        if (fresh)
        {
            provider = provider.ForceFetch();
        }
        return Parsed(await provider.GetAsync(ParameterName) ?? "");
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
