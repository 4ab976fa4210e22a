using LiteKube.ApiServer.FlowControl;

namespace LiteKube.ApiServer.Tests.FlowControl;

public sealed class ShuffleShardingTests
{
    [Fact]
    public void A_hand_holds_different_cards_of_the_deck_and_is_the_same_each_time()
    {
        for (var i = 0; i < 2000; i++)
        {
            var hash = ShuffleSharding.HashOf("schema", $"user-{i}");
            var (hand, again) = (new int[6], new int[6]);
            ShuffleSharding.Deal(hash, 128, hand);
            ShuffleSharding.Deal(hash, 128, again);
            Assert.Equal(hand, again);
            Assert.Equal(6, hand.Distinct().Count());
            Assert.All(hand, card => Assert.InRange(card, 0, 127));
        }
    }

    [Fact]
    public void Every_arrangement_of_a_small_deck_is_dealt_equally_often()
    {
        var seen = new Dictionary<string, int>();
        for (var hash = 0UL; hash < 5 * 4 * 3 * 10; hash++)
        {
            var hand = new int[3];
            ShuffleSharding.Deal(hash, 5, hand);
            var text = string.Join(",", hand);
            seen[text] = seen.GetValueOrDefault(text) + 1;
        }
        Assert.Equal(60, seen.Count);
        Assert.All(seen.Values, count => Assert.Equal(10, count));
    }

    [Theory]
    [InlineData(128, 6, true)]
    [InlineData(128, 10, false)]
    [InlineData(512, 8, false)]
    [InlineData(10_000_000, 2, true)]
    [InlineData(4, 5, false)]
    [InlineData(0, 1, false)]
    public void A_hand_needs_no_more_than_sixty_bits_of_a_hash(int deckSize, int handSize, bool isPossible) =>
        Assert.Equal(isPossible, ShuffleSharding.IsPossible(deckSize, handSize));
}
