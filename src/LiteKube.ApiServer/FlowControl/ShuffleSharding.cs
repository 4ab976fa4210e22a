using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>
/// Deals each flow a hand of queues: a flow that fills its own rarely fills all of another's
/// (KEP-1040, https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#queuing).
/// </summary>
internal static class ShuffleSharding
{
    /// <summary>Of the 64 bits of a hash; the rest keeps the last card of a hand nearly even.</summary>
    public const int MaxHashBits = 60;

    private const int MaxDeckSize = 1 << 26;

    public static int RequiredEntropyBits(int deckSize, int handSize) => (int)Math.Ceiling(Math.Log2(deckSize) * handSize);

    public static bool IsPossible(int deckSize, int handSize) =>
        deckSize is > 0 and <= MaxDeckSize && handSize > 0 && handSize <= deckSize && RequiredEntropyBits(deckSize, handSize) <= MaxHashBits;

    /// <summary>The entropy of a flow: the first eight bytes of the SHA-256 of its schema's name, a zero, and its distinguisher.</summary>
    public static ulong HashOf(string schema, string distinguisher)
    {
        Span<byte> sum = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{schema}\0{distinguisher}"), sum);
        return BinaryPrimitives.ReadUInt64LittleEndian(sum);
    }

    /// <summary>As many different cards of a deck as fit into <paramref name="hand"/>, each equally likely.</summary>
    public static void Deal(ulong hash, int deckSize, Span<int> hand)
    {
        for (var i = 0; i < hand.Length; i++)
        {
            var left = (ulong)(deckSize - i);
            hand[i] = (int)(hash % left);
            hash /= left;
        }
        // Each remainder counts among the cards that are still in the deck: from the last on, so that those before are
        // still remainders.
        for (var i = hand.Length - 1; i >= 0; i--)
        {
            for (var j = i - 1; j >= 0; j--)
            {
                if (hand[i] >= hand[j]) hand[i]++;
            }
        }
    }
}
