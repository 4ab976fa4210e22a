using k8s.Models;

namespace LiteKube.Controllers.Certificates;

/// <summary>How far a CertificateSigningRequest is.</summary>
internal static class SigningRequestState
{
    public const string Approved = "Approved";
    public const string Denied = "Denied";
    public const string Failed = "Failed";

    public static bool Has(this V1CertificateSigningRequest request, string type) =>
        request.Status?.Conditions?.Any(c => c.Type == type && c.Status is not "False" and not "Unknown") == true;

    public static bool IsIssued(this V1CertificateSigningRequest request) => request.Status?.Certificate is { Length: > 0 };
}
