using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace LiteKube.Apis.Certificates;

/// <summary>The PKCS #10 request inside a CertificateSigningRequest, its signature checked.</summary>
public sealed class SigningRequest
{
    private const string Label = "CERTIFICATE REQUEST";

    private SigningRequest(CertificateRequest request, SubjectNames names, AlternativeNames alternatives) =>
        (Subject, PublicKey, Names, Alternatives) = (request.SubjectName, request.PublicKey, names, alternatives);

    public X500DistinguishedName Subject { get; }
    public PublicKey PublicKey { get; }
    public SubjectNames Names { get; }
    public AlternativeNames Alternatives { get; }

    /// <summary>Null when <paramref name="pem"/> is no request whose signature is good; <paramref name="error"/> then says why.</summary>
    /// <param name="pem">spec.request, not encoded.</param>
    public static SigningRequest? TryParse(ReadOnlySpan<byte> pem, out string error)
    {
        // A request is ASCII; other bytes around the block do no harm.
        var text = Encoding.Latin1.GetString(pem);
        if (!PemEncoding.TryFind(text, out var fields) || !text.AsSpan(fields.Label.Start.Value, Label.Length + 1).TrimEnd('-').SequenceEqual(Label))
        {
            error = $"PEM block type must be {Label}";
            return null;
        }
        var encoded = new byte[fields.DecodedDataLength];
        if (!Convert.TryFromBase64Chars(text.AsSpan(fields.Base64Data.Start.Value, fields.Base64Data.End.Value - fields.Base64Data.Start.Value), encoded, out var length) || length != encoded.Length)
        {
            error = $"PEM block type must be {Label}";
            return null;
        }
        try
        {
            var request = CertificateRequest.LoadSigningRequest(encoded, HashAlgorithmName.SHA256, out _, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
            var alternatives = request.CertificateExtensions.FirstOrDefault(e => e.Oid?.Value == AlternativeNames.Oid) is { } extension ? AlternativeNames.Read(extension.RawData) : AlternativeNames.None;
            error = "";
            return new(request, SubjectNames.Read(request.SubjectName), alternatives);
        }
        catch (Exception exception) when (exception is CryptographicException or AsnContentException or NotSupportedException)
        {
            error = $"the certificate request cannot be read or its signature is wrong: {exception.Message}";
            return null;
        }
    }
}

/// <summary>The names of a subjectAltName extension (RFC 5280, 4.2.1.6) that Kubernetes knows; others are dropped as Go's x509 drops them.</summary>
public sealed record AlternativeNames(IReadOnlyList<string> Dns, IReadOnlyList<string> Emails, IReadOnlyList<IPAddress> Addresses, IReadOnlyList<string> Uris)
{
    public const string Oid = "2.5.29.17";
    public static readonly AlternativeNames None = new([], [], [], []);

    private const int EmailTag = 1;
    private const int DnsTag = 2;
    private const int UriTag = 6;
    private const int AddressTag = 7;

    public bool IsEmpty => Dns.Count + Emails.Count + Addresses.Count + Uris.Count == 0;

    /// <exception cref="AsnContentException">It is no list of names.</exception>
    internal static AlternativeNames Read(ReadOnlyMemory<byte> extension)
    {
        var (dns, emails, addresses, uris) = (new List<string>(), new List<string>(), new List<IPAddress>(), new List<string>());
        var names = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
        while (names.HasData)
        {
            var tag = names.PeekTag();
            switch (tag.TagClass == TagClass.ContextSpecific ? tag.TagValue : -1)
            {
                case DnsTag: dns.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, tag)); break;
                case EmailTag: emails.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, tag)); break;
                case UriTag: uris.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, tag)); break;
                case AddressTag: addresses.Add(Address(names.ReadOctetString(tag))); break;
                default: names.ReadEncodedValue(); break;
            }
        }
        return new(dns, emails, addresses, uris);
    }

    /// <summary>The extension, in the order in which Go's x509 writes it.</summary>
    /// <param name="isCritical">A certificate without a subject is known by these names alone.</param>
    public X509Extension ToExtension(bool isCritical)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var name in Dns) writer.WriteCharacterString(UniversalTagNumber.IA5String, name, new Asn1Tag(TagClass.ContextSpecific, DnsTag));
            foreach (var name in Emails) writer.WriteCharacterString(UniversalTagNumber.IA5String, name, new Asn1Tag(TagClass.ContextSpecific, EmailTag));
            foreach (var address in Addresses) writer.WriteOctetString(address.GetAddressBytes(), new Asn1Tag(TagClass.ContextSpecific, AddressTag));
            foreach (var name in Uris) writer.WriteCharacterString(UniversalTagNumber.IA5String, name, new Asn1Tag(TagClass.ContextSpecific, UriTag));
        }
        return new X509Extension(Oid, writer.Encode(), isCritical);
    }

    private static IPAddress Address(byte[] bytes) => bytes.Length is 4 or 16 ? new(bytes) : throw new AsnContentException();
}
