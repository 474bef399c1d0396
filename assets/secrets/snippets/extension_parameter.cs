// A SecureString parameter through the AWS Parameters and Secrets Lambda extension, which caches it for 300 seconds by
// default.
//
// Add the extension's layer for your Region and architecture to the function. Call SecretAsync inside the handler: the
// extension does not answer during initialization.
//
// dotnet add package AWSSDK.SimpleSystemsManagement

#nullable enable

using System;
using System.Net.Http;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Amazon.SimpleSystemsManagement;
using Amazon.SimpleSystemsManagement.Model;

public static class AppSecret
{
    private const string ParameterName = "{{Secret}}";
    private static readonly string Port =
        Environment.GetEnvironmentVariable("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT") ?? "2773";
    private static readonly AmazonSimpleSystemsManagementClient Client = new();
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    /// <summary>
    /// The JSON value; <paramref name="fresh"/> bypasses the extension, whose cache cannot be invalidated.
    /// </summary>
    public static async Task<JsonObject> SecretAsync(bool fresh = false)
    {
        return Parsed(fresh ? await FetchedAsync() : await FromExtensionAsync());
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

    private static async Task<string> FromExtensionAsync()
    {
        var query = $"withDecryption=true&name={Uri.EscapeDataString(ParameterName)}";
        var url = $"http://localhost:{Port}/systemsmanager/parameters/get?{query}";
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Add("X-Aws-Parameters-Secrets-Token", Environment.GetEnvironmentVariable("AWS_SESSION_TOKEN"));
        using var answer = await Http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        var body = Parsed(await answer.Content.ReadAsStringAsync());
        return (string?)body["Parameter"]?["Value"] ?? "";
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
