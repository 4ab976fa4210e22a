namespace LiteKube.Apis.Patching;

/// <summary>A patch that cannot be read (400), is too long (413) or cannot be applied (422); the message in Kubernetes' words.</summary>
public sealed class PatchException(string message, bool isUnprocessable = false, bool isTooLarge = false) : Exception(message)
{
    public bool IsUnprocessable { get; } = isUnprocessable;
    public bool IsTooLarge { get; } = isTooLarge;

    /// <summary>A test operation of a JSON patch found another value.</summary>
    public bool IsFailedTest { get; init; }
}
