namespace LiteKube.Apis.Codec;

/// <summary>Unknown and duplicate fields: each once, in the order met, at most a hundred (as sigs.k8s.io/json keeps them).</summary>
/// <param name="prefix">Put before each path: the errors of a part of an object.</param>
internal sealed class StrictErrors(string prefix = "")
{
    private const int Limit = 100;
    private readonly List<string> _errors = [];
    private HashSet<string>? _seen;

    public IReadOnlyList<string> Errors => _errors;

    public void Unknown(string path) => Add("unknown field " + GoText.Quote(prefix + path));

    public void Duplicate(string path) => Add("duplicate field " + GoText.Quote(prefix + path));

    public void AddRange(IReadOnlyList<string> errors)
    {
        foreach (var error in errors)
            Add(error);
    }

    private void Add(string error)
    {
        if (_errors.Count < Limit && (_seen ??= new(StringComparer.Ordinal)).Add(error))
            _errors.Add(error);
    }
}
