using LiteKube.Controllers.Jobs;

namespace LiteKube.Controllers.Tests.Jobs;

public sealed class IndexSetTests
{
    [Theory]
    [InlineData("", 10, "")]
    [InlineData("0", 10, "0")]
    [InlineData("0,1", 10, "0,1")]
    [InlineData("0-2", 10, "0-2")]
    [InlineData("1,3-5,7", 10, "1,3-5,7")]
    [InlineData("1,2,3", 10, "1-3")]
    [InlineData("1,3-5,7", 5, "1,3,4")]
    [InlineData("7,x,2-y,-3,1", 10, "1,7")]
    [InlineData("5-2,8", 10, "8")]
    public void A_text_is_read_and_written_in_its_shortest_form(string text, int completions, string expected) => Assert.Equal(expected, IndexSet.Parse(text, completions).ToString());

    [Theory]
    [InlineData("", 3, "0,1,2")]
    [InlineData("0-2", 3, "3,4,5")]
    [InlineData("1,3-5", 3, "0,2,6")]
    [InlineData("0-8", 3, "9")]
    [InlineData("0-9", 3, "")]
    [InlineData("4", 0, "")]
    public void The_first_missing_indexes_are_found(string text, int count, string expected) => Assert.Equal(expected, string.Join(',', IndexSet.Parse(text, 10).FirstMissing(count, 10)));

    [Fact]
    public void Sets_behave_as_sets_of_numbers_do()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var (left, right) = (Numbers(random), Numbers(random));
            var (a, b) = (IndexSet.Of(left), IndexSet.Of(right));
            Assert.True(a.Count == left.Count, $"seed {seed}");
            Assert.True(a.CountShared(b) == left.Intersect(right).Count(), $"seed {seed}");
            Assert.True(a.With(b).ToString() == IndexSet.Of(left.Union(right)).ToString(), $"seed {seed}");
            Assert.True(a.With(right).Count == left.Union(right).Count(), $"seed {seed}");
            Assert.True(IndexSet.Parse(a.ToString(), 40).ToString() == a.ToString(), $"seed {seed}");
            Assert.All(Enumerable.Range(0, 40), i => Assert.True(a.Contains(i) == left.Contains(i), $"seed {seed}, index {i}"));
            Assert.True(a.FirstMissing(40, 40).SequenceEqual(Enumerable.Range(0, 40).Where(i => !left.Contains(i))), $"seed {seed}");
        }
    }

    private static HashSet<int> Numbers(Random random) => [.. Enumerable.Range(0, random.Next(20)).Select(_ => random.Next(40))];
}
