using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Authentication;

/// <summary>Answers authentication.k8s.io TokenReview and SelfSubjectReview.</summary>
public sealed class TokenReviews(BearerTokenAuthenticator authenticator)
{
    /// <returns>The review with its status filled; the input is not changed.</returns>
    public async ValueTask<JsonObject> EvaluateAsync(JsonObject review, CancellationToken cancellationToken)
    {
        var token = review.Obj("spec").Str("token");
        if (token.Length == 0)
            throw ApiException.BadRequest("token is required for TokenReview in authentication");
        var audiences = review.Obj("spec").Strings("audiences").ToList();
        var result = await authenticator.AuthenticateTokenAsync(token, audiences.Count == 0 ? authenticator.ApiAudiences : audiences, cancellationToken);
        var status = new JsonObject();
        if (result.User is { } user)
        {
            status["authenticated"] = true;
            status["user"] = UserJson(user);
            status["audiences"] = new JsonArray([.. result.Audiences.Select(a => (JsonNode)a)]);
        }
        else
        {
            status["user"] = new JsonObject();
            status["error"] = result.Error;
        }
        var answer = (JsonObject)review.DeepClone();
        answer["status"] = status;
        return answer;
    }

    public static JsonObject EvaluateSelf(UserInfo user, JsonObject review, DateTimeOffset now)
    {
        var answer = (JsonObject)review.DeepClone();
        // Kubernetes stamps this one although it is never stored.
        answer.GetOrAdd("metadata")["creationTimestamp"] = now.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        answer["status"] = new JsonObject { ["userInfo"] = UserJson(user) };
        return answer;
    }

    /// <summary>authentication.k8s.io UserInfo.</summary>
    public static JsonObject UserJson(UserInfo user)
    {
        var json = new JsonObject { ["username"] = user.Name };
        if (user.Uid.Length > 0) json["uid"] = user.Uid;
        if (user.Groups.Count > 0) json["groups"] = new JsonArray([.. user.Groups.Select(g => (JsonNode)g)]);
        if (user.Extra is { Count: > 0 } extra)
        {
            var values = new JsonObject();
            foreach (var (name, list) in extra.OrderBy(e => e.Key, StringComparer.Ordinal))
                values[name] = new JsonArray([.. list.Select(v => (JsonNode)v)]);
            json["extra"] = values;
        }
        return json;
    }
}
