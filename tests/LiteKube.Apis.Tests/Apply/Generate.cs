using CsCheck;

namespace LiteKube.Apis.Tests.Apply;

internal static class Generate
{
    public static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
