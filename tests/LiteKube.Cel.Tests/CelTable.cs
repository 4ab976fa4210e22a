namespace LiteKube.Cel.Tests;

/// <summary>Tables of expressions, a line each; what follows <c>=></c> is what is expected.</summary>
internal static class CelTable
{
    public static TheoryData<string> Lines(string table)
    {
        var data = new TheoryData<string>();
        foreach (var line in table.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            data.Add(line);
        return data;
    }

    public static TheoryData<string, string> Pairs(string table)
    {
        var data = new TheoryData<string, string>();
        foreach (var line in table.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var arrow = line.LastIndexOf(" => ", StringComparison.Ordinal);
            data.Add(line[..arrow].Trim(), line[(arrow + 4)..].Trim());
        }
        return data;
    }

    public static CelProgram Compile(string expression, CelEnvironment? environment = null)
    {
        var compilation = (environment ?? CelEnvironment.Kubernetes).Compile(expression);
        Assert.True(compilation.Program is not null, $"{expression}\n{compilation.IssueText}");
        return compilation.Program;
    }

    public static CelValue Evaluate(string expression, CelActivation? activation = null, CelEnvironment? environment = null) =>
        Compile(expression, environment).Evaluate(activation ?? new CelActivation()).Value;

    public static void AssertTrue(string expression, CelActivation? activation = null, CelEnvironment? environment = null)
    {
        var value = Evaluate(expression, activation, environment);
        Assert.True(value is { Kind: CelKind.Bool, AsBool: true }, $"{expression} is {value}");
    }

    public static void AssertError(string expression, string message, CelActivation? activation = null, CelEnvironment? environment = null)
    {
        var value = Evaluate(expression, activation, environment);
        Assert.True(value.IsError, $"{expression} is {value}");
        Assert.Equal(message, value.AsError.Message);
    }

    public static string IssueText(string expression, CelEnvironment? environment = null)
    {
        var compilation = (environment ?? CelEnvironment.Kubernetes).Compile(expression);
        Assert.Null(compilation.Program);
        return compilation.IssueText;
    }
}
