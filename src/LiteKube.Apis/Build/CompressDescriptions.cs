using System;
using System.IO;
using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// A build task, not part of the program: what KubernetesClient's XML documentation says of the API's stable types
/// and fields, as lines "#Type TAB text" and "field TAB text", compressed. Descriptions.cs reads it.
/// </summary>
public sealed class CompressDescriptions : Task
{
    private const string Models = "k8s.Models.";

    // V1Pod, V2HorizontalPodAutoscaler, Corev1Event; alpha and beta versions are not served.
    private static readonly Regex StableType = new Regex("^([A-Z][a-z]+v|V)[0-9]+[A-Z]");

    [Required]
    public string Source { get; set; }

    [Required]
    public string Output { get; set; }

    public override bool Execute()
    {
        var text = new StringBuilder();
        using (var reader = XmlReader.Create(Source))
        {
            while (reader.ReadToFollowing("member"))
            {
                var name = reader.GetAttribute("name");
                if (name == null || name.Length < 3 || !name.Substring(2).StartsWith(Models, StringComparison.Ordinal)) continue;
                var path = name.Substring(2 + Models.Length).Split('.');
                var isType = name[0] == 'T' && path.Length == 1;
                if (!StableType.IsMatch(path[0]) || !(isType || (name[0] == 'P' && path.Length == 2))) continue;
                if (!reader.ReadToDescendant("summary")) continue;
                var summary = Flow(reader.ReadElementContentAsString());
                if (isType) text.Append('#').Append(path[0]);
                else text.Append(path[1].ToLowerInvariant());
                text.Append('\t').Append(summary).Append('\n');
            }
        }
        if (text.Length == 0)
        {
            Log.LogError("{0} has no descriptions of API types", Source);
            return false;
        }
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        using (var file = File.Create(Output))
        using (var gzip = new GZipStream(file, CompressionLevel.Optimal)) gzip.Write(bytes, 0, bytes.Length);
        return true;
    }

    /// <summary>The text was broken at a width; paragraphs stay apart, by a vertical tab each since lines end entries.</summary>
    private static string Flow(string text)
    {
        var paragraphs = Regex.Split(text.Trim(), "\\n\\s*\\n");
        for (var i = 0; i < paragraphs.Length; i++) paragraphs[i] = Regex.Replace(paragraphs[i], "\\s+", " ").Trim();
        return string.Join("\v\v", paragraphs);
    }
}
