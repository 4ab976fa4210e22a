using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LiteKube.Apis.Certificates;

/// <summary>What Kubernetes reads of a certificate's subject: the user, the groups, the user's uid.</summary>
/// <param name="CommonName">The last one; "" without any.</param>
/// <param name="Organizations">In their order.</param>
/// <param name="Uid">Of Kubernetes' own object identifier; "" without any.</param>
public sealed record SubjectNames(string CommonName, IReadOnlyList<string> Organizations, string Uid = "")
{
    private const string UidOid = "1.3.6.1.4.1.57683.2";
    private const string CommonNameOid = "2.5.4.3";
    private const string OrganizationOid = "2.5.4.10";

    /// <exception cref="CryptographicException">The name is not encoded as RFC 5280 says, or has two uids.</exception>
    public static SubjectNames Read(X500DistinguishedName name)
    {
        var (commonName, uid) = ("", "");
        var organizations = new List<string>();
        try
        {
            var parts = new AsnReader(name.RawData, AsnEncodingRules.DER).ReadSequence();
            while (parts.HasData)
            {
                // Programs written in Go put all organizations into one part, openssl each into one of its own.
                var values = parts.ReadSetOf(skipSortOrderValidation: true);
                while (values.HasData)
                {
                    var value = values.ReadSequence();
                    switch (value.ReadObjectIdentifier())
                    {
                        case CommonNameOid: commonName = Text(value); break;
                        case OrganizationOid: organizations.Add(Text(value)); break;
                        case UidOid: uid = uid.Length == 0 ? Text(value) : throw new CryptographicException("the subject has several uids"); break;
                    }
                }
            }
        }
        catch (AsnContentException exception)
        {
            throw new CryptographicException("the subject is no distinguished name", exception);
        }
        return new(commonName, organizations, uid);
    }

    private static string Text(AsnReader value) =>
        value.PeekTag() is { TagClass: TagClass.Universal, TagValue: var tag } ? value.ReadCharacterString((UniversalTagNumber)tag) : throw new AsnContentException();
}
