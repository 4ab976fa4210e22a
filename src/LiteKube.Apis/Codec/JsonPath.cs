using System.Globalization;
using System.Text;
using LiteKube.Apis.Schema;

namespace LiteKube.Apis.Codec;

/// <summary>
/// Where a decoder stands. Pushing costs two stores; text is made only when something is wrong there.
/// </summary>
internal struct JsonPath
{
    private Step[] _steps = new Step[16];
    private int _count;

    public JsonPath()
    {
    }

    public readonly int Depth => _count;

    public void PushField(TypeSchema owner, FieldSchema field) => Push(new(owner, field, field.Name, -1));

    public void PushKey(string key) => Push(new(null, null, key, -1));

    public void PushIndex(int index) => Push(new(null, null, null, index));

    public void Pop() => _count--;

    /// <summary>"spec.containers[0].foo" for the name <c>foo</c> here.</summary>
    public readonly string With(string name)
    {
        var text = new StringBuilder();
        for (var i = 0; i < _count; i++)
        {
            if (_steps[i].Name is { } step)
                text.Append(i == 0 ? "" : ".").Append(step);
            else
                text.Append(CultureInfo.InvariantCulture, $"[{_steps[i].Index}]");
        }

        return text.Append(_count == 0 ? "" : ".").Append(name).ToString();
    }

    /// <summary>Go's "Go struct field PodSpec.spec.containers" or, outside a struct, "Go value": indices and map keys are no part of it.</summary>
    public readonly string GoContext()
    {
        TypeSchema? owner = null;
        var fields = new List<string>();
        for (var i = 0; i < _count; i++)
        {
            if (_steps[i].Field is not { } field)
                continue;
            owner = _steps[i].Owner;
            fields.Add(field.Name);
        }

        return owner is null ? "Go value" : $"Go struct field {owner.ShortName}.{string.Join('.', fields)}";
    }

    private void Push(Step step)
    {
        if (_count == _steps.Length)
            Array.Resize(ref _steps, _count * 2);
        _steps[_count++] = step;
    }

    private readonly record struct Step(TypeSchema? Owner, FieldSchema? Field, string? Name, int Index);
}
