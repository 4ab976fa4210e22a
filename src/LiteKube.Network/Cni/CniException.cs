namespace LiteKube.Network.Cni;

/// <summary>A failure as the CNI specification prints it ("Error" in SPEC.md).</summary>
internal sealed class CniException(int code, string message, string? details = null, Exception? inner = null) : Exception(message, inner)
{
    public const int IncompatibleVersion = 1;
    public const int InvalidEnvironment = 4;
    public const int IoFailure = 5;
    public const int DecodingFailure = 6;
    public const int InvalidConfig = 7;
    public const int KernelFailure = 100;
    public const int NoAddressLeft = 101;
    public const int CheckFailed = 102;

    public int Code { get; } = code;
    public string? Details { get; } = details;
}
