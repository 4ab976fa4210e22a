namespace LiteKube.Client;

/// <summary>A part of the program that the host starts in order, waits for, and reports on.</summary>
public interface IComponent
{
    /// <summary>As `litekube status` prints it: "scheduler", "kubelet", "service-proxy".</summary>
    string Name { get; }

    /// <summary>Returns once the component runs; background work goes on until <see cref="StopAsync"/>. Readiness may come later: <see cref="Health"/>.</summary>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Stops background work; pods and anything else outside the process stay as they are.</summary>
    Task StopAsync(CancellationToken cancellationToken);

    ComponentHealth Health { get; }
}

/// <param name="Message">When not ready: the cause and, where there is one, the way out.</param>
public sealed record ComponentHealth(bool IsReady, string? Message = null)
{
    public static readonly ComponentHealth Ready = new(true);
    public static ComponentHealth NotReady(string message) => new(false, message);
}
