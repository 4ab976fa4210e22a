using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.Aggregation;

/// <summary>Whether an APIService's server can be asked: its service is there, has endpoints, and answers the discovery of its group version.</summary>
internal sealed class AvailabilityCheck(IObjectReader objects, ExtensionClients clients, TimeProvider time)
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";
    private const int Attempts = 5;

    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    public async Task<AvailableCondition> JudgeAsync(GroupVersion groupVersion, ExtensionTarget target, CancellationToken cancellationToken) =>
        JudgeService(target) ?? await AskAsync(groupVersion, target, cancellationToken);

    /// <summary>Null: nothing speaks against asking.</summary>
    public AvailableCondition? JudgeService(ExtensionTarget target)
    {
        var place = $"service/{target.Name} in \"{target.Namespace}\"";
        if (objects.Get(CoreResources.Services, target.Namespace, target.Name).Obj("spec") is not { } spec) return AvailableCondition.Failed("ServiceNotFound", $"{place} is not present");
        // The ports and endpoints of other types are not this cluster's to know.
        if (spec.Str("type") is not ("ClusterIP" or "")) return null;
        if (spec.Items("ports").FirstOrDefault(p => p.Long("port") == target.Port) is not { } port)
            return AvailableCondition.Failed("ServicePortError", string.Create(CultureInfo.InvariantCulture, $"{place} is not listening on port {target.Port}"));
        var slices = objects.List(CoreResources.EndpointSlices, target.Namespace).Where(s => s.Labels().TryGetValue(ServiceNameLabel, out var owner) && owner == target.Name).ToList();
        if (slices.Count == 0) return AvailableCondition.Failed("EndpointsNotFound", $"cannot find endpointslices for {place}");
        var portName = port.Str("name");
        return slices.Any(s => HasEndpoint(s, portName)) ? null : AvailableCondition.Failed("MissingEndpoints", $"endpointslices for {place} have no addresses with port name \"{portName}\"");
    }

    private static bool HasEndpoint(JsonObject slice, string portName) =>
        slice.Items("endpoints").Any(e => e.Obj("conditions").BoolOrNull("ready") != false)
        && slice.Items("ports").Any(p => p.Str("name") == portName && p.LongOrNull("port") is not null);

    private async Task<AvailableCondition> AskAsync(GroupVersion groupVersion, ExtensionTarget target, CancellationToken cancellationToken)
    {
        // One is enough as a rule. Of several endpoints another one may answer when it fails.
        var problem = await AskOnceAsync(groupVersion, target, cancellationToken);
        if (problem is null) return AvailableCondition.Passed;
        var problems = await Task.WhenAll(Enumerable.Range(1, Attempts - 1).Select(_ => AskOnceAsync(groupVersion, target, cancellationToken)));
        return problems.Contains(null) ? AvailableCondition.Passed : AvailableCondition.Failed("FailedDiscoveryCheck", problem);
    }

    /// <returns>Null: it answered.</returns>
    private async Task<string?> AskOnceAsync(GroupVersion groupVersion, ExtensionTarget target, CancellationToken cancellationToken)
    {
        string url;
        try
        {
            var client = clients.For(target);
            var endpoint = client.FindEndpoint();
            url = endpoint + ApiService.PathOf(groupVersion);
            using var request = client.Prepare(HttpMethod.Get, endpoint, ApiService.PathOf(groupVersion), ExtensionFetch.Aggregator);
            using var deadline = new Deadline(AnswerTime, time, cancellationToken);
            try
            {
                using var answer = await client.SendAsync(request, deadline.Token);
                var code = (int)answer.StatusCode;
                return code is >= 200 and < 300 ? null : string.Create(CultureInfo.InvariantCulture, $"failing or missing response from {url}: bad status from {url}: {code}");
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested && ExtensionClient.Problem(exception) is { } problem)
            {
                return $"failing or missing response from {url}: Get \"{url}\": {problem}";
            }
        }
        catch (ApiException exception)
        {
            return exception.Message;
        }
    }
}
