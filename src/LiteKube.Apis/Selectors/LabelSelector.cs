namespace LiteKube.Apis.Selectors;

/// <summary>A parsed label selector: <c>a=b,c!=d,e in (f,g),h notin (i),j,!k</c>.</summary>
public sealed class LabelSelector
{
    public static LabelSelector Everything => throw new NotImplementedException();
    public static LabelSelector Nothing => throw new NotImplementedException();

    /// <exception cref="FormatException">In Kubernetes' words.</exception>
    public static LabelSelector Parse(string text) => throw new NotImplementedException();

    /// <summary>From an object's selector; null selects nothing, an empty one everything.</summary>
    public static LabelSelector From(k8s.Models.V1LabelSelector? selector) => throw new NotImplementedException();

    /// <summary>From a plain map (Service, ReplicationController): every pair must match.</summary>
    public static LabelSelector From(IEnumerable<KeyValuePair<string, string>> matchLabels) => throw new NotImplementedException();

    public bool IsEverything => throw new NotImplementedException();

    public bool Matches(IReadOnlyDictionary<string, string>? labels) => throw new NotImplementedException();

    /// <summary>Same, for the models' property type.</summary>
    public bool Matches(IDictionary<string, string>? labels) => throw new NotImplementedException();
}

/// <summary>A parsed field selector: <c>metadata.name=a,status.phase!=Running</c>.</summary>
public sealed class FieldSelector
{
    public static FieldSelector Everything => throw new NotImplementedException();

    /// <exception cref="FormatException">In Kubernetes' words.</exception>
    public static FieldSelector Parse(string text) => throw new NotImplementedException();

    public bool IsEverything => throw new NotImplementedException();

    /// <summary>(field, value, isEqual) in the order given.</summary>
    public IReadOnlyList<(string Field, string Value, bool IsEqual)> Requirements => throw new NotImplementedException();

    /// <summary>The value that an equality requirement demands of <paramref name="field"/>, or null: lets a list of one name read one key.</summary>
    public string? RequiredValue(string field) => throw new NotImplementedException();
}
