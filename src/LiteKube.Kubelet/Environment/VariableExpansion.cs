using System.Text;

namespace LiteKube.Kubelet.Environment;

/// <summary>
/// Replaces <c>$(NAME)</c> as the kubelet does: an unknown name stays as written, <c>$$</c> stands for one dollar sign
/// (https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/).
/// </summary>
internal static class VariableExpansion
{
    /// <param name="find">The value of a name, or null when there is none.</param>
    public static string Expand(string text, Func<string, string?> find)
    {
        if (!text.Contains('$', StringComparison.Ordinal))
            return text;

        var result = new StringBuilder(text.Length);
        var i = 0;
        while (i < text.Length)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                result.Append(text[i++]);
                continue;
            }

            var next = text[i + 1];
            if (next == '$')
            {
                result.Append('$');
                i += 2;
            }
            else if (next == '(' && text.IndexOf(')', i + 2) is var end and >= 0)
            {
                var name = text[(i + 2)..end];
                result.Append(find(name) ?? $"$({name})");
                i = end + 1;
            }
            else
            {
                result.Append('$').Append(next);
                i += 2;
            }
        }
        return result.ToString();
    }
}
