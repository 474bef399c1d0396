// The secret through the AWS Secrets Manager Agent on this host, which caches it for its `ttl_seconds`.

#nullable enable

using System;
using System.IO;
using System.Net.Http;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;

public static class AppSecret
{
    private const string SecretName = "{{Secret}}";
    private static readonly string Address =
        Environment.GetEnvironmentVariable("SECRETS_MANAGER_AGENT") ?? "http://localhost:2773";
    // The token protects against forged requests (SSRF); the agent's installation writes it.
    private static readonly string TokenFile =
        Environment.GetEnvironmentVariable("SECRETS_MANAGER_AGENT_TOKEN") ?? "{{TokenFile}}";
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>The JSON secret; <paramref name="fresh"/> makes the agent fetch it now.</summary>
    public static async Task<JsonObject> SecretAsync(bool fresh = false)
    {
        var query = $"secretId={Uri.EscapeDataString(SecretName)}" + (fresh ? "&refreshNow=true" : "");
        var token = (await File.ReadAllTextAsync(TokenFile)).Trim();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Address}/secretsmanager/get?{query}");
        request.Headers.Add("X-Aws-Parameters-Secrets-Token", token);
        using var answer = await Http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        var body = Parsed(await answer.Content.ReadAsStringAsync());
        var text = (string?)body["SecretString"]
            ?? throw new InvalidOperationException("the secret is binary: decode SecretBinary");
        return Parsed(text);
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
