namespace LiteKube.Controllers.Common;

/// <summary>How many objects of each resource a namespace has, of all resources that can be listed, watched and deleted, but for events.</summary>
internal interface IObjectCounts
{
    /// <summary>Called with resource ("deployments.apps") and namespace when an object came or went; must be quick.</summary>
    Action<string, string>? CountChanged { get; set; }

    /// <param name="groupResource">"deployments.apps", "pods".</param>
    int Count(string groupResource, string ns);

    /// <summary>Everything that is there has been counted.</summary>
    Task WaitForSyncAsync(CancellationToken cancellationToken);
}
