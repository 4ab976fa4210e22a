namespace LiteKube.Apis.Patching;

/// <summary>A patch that cannot be read (400) or applied (422, <see cref="IsUnprocessable"/>); the message in Kubernetes' words.</summary>
public sealed class PatchException(string message, bool isUnprocessable = false) : Exception(message)
{
    public bool IsUnprocessable { get; } = isUnprocessable;

    /// <summary>A test operation of a JSON patch found another value.</summary>
    public bool IsFailedTest { get; init; }
}
