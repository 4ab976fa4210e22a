using System.Buffers.Binary;
using System.Security.Cryptography;
using k8s.Models;
using LiteKube.Client.Json;

namespace LiteKube.Controllers.Common;

/// <summary>
/// Names a pod template by its content, for ReplicaSets, ControllerRevisions and the labels of their pods. Clients take the
/// value as opaque; only its alphabet (no vowels, so no words) and stability matter.
/// </summary>
internal static class TemplateHash
{
    private const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";

    /// <param name="collisionCount">status.collisionCount, raised when another template had the same name.</param>
    public static string Compute(V1PodTemplateSpec template, int? collisionCount)
    {
        var plain = template;
        if (template.Metadata?.Labels?.ContainsKey(PodTemplates.HashLabel) == true)
        {
            plain = KubeJson.Clone(template);
            plain.Metadata.Labels.Remove(PodTemplates.HashLabel);
        }
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(KubeJson.Serialize(plain));
        if (collisionCount is { } count)
        {
            Span<byte> salt = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(salt, count);
            hash.AppendData(salt);
        }
        Span<byte> digest = stackalloc byte[32];
        hash.GetHashAndReset(digest);
        return string.Create(10, BinaryPrimitives.ReadUInt64LittleEndian(digest), static (text, value) =>
        {
            for (var i = 0; i < text.Length; i++)
            {
                text[i] = Alphabet[(int)(value % (ulong)Alphabet.Length)];
                value /= (ulong)Alphabet.Length;
            }
        });
    }
}
