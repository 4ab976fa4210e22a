using System.Runtime.InteropServices;

namespace LiteKube.Network.Netlink;

/// <summary>The kernel refused an operation: which one, with the errno and the kernel's own explanation where it gave one.</summary>
public sealed class NetlinkException(string operation, int errno, string? detail = null)
    : Exception($"{operation}: {Marshal.GetPInvokeErrorMessage(errno)}{(detail is null ? "" : $" ({detail})")}{Hint(errno)}")
{
    public string Operation { get; } = operation;
    public int Errno { get; } = errno;

    public const int Eperm = 1;
    public const int Enoent = 2;
    public const int Esrch = 3;
    public const int Eexist = 17;
    public const int Enodev = 19;
    public const int Eaddrnotavail = 99;

    private static string Hint(int errno) => errno == Eperm ? "; run as root with CAP_NET_ADMIN" : "";
}
