// The secret from a mounted file, read on every use so that a refreshed file takes effect immediately.
//
// When authentication fails, the code waits up to {{Wait}} seconds for the file to change: the mount is updated some
// time after a rotation.

#nullable enable

using System;
using System.IO;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Tasks;

public static class AppSecret
{
    private const string MountedFile = "/mnt/secrets/app.json";
    private const int LongestWait = {{Wait}};

    /// <summary>The JSON secret.</summary>
    public static async Task<JsonObject> SecretAsync() => Parsed(await File.ReadAllTextAsync(MountedFile));

    /// <summary>
    /// Call <paramref name="use"/>; if it fails with the driver's authentication error, which
    /// <paramref name="refused"/> recognizes, wait for the file to change and retry once.
    /// </summary>
    public static async Task<T> WithSecretAsync<T>(Func<JsonObject, Task<T>> use, Func<Exception, bool> refused)
    {
        var tried = await File.ReadAllTextAsync(MountedFile);
        try
        {
            return await use(Parsed(tried));
        }
        catch (Exception error) when (refused(error))
        {
            for (var waited = 0; waited < LongestWait && await File.ReadAllTextAsync(MountedFile) == tried; waited++)
            {
                await Task.Delay(TimeSpan.FromSeconds(1));
            }
            return await use(await SecretAsync());
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
