using System.Globalization;
using System.Text;

namespace LiteKube.Benchmarks.Scale;

/// <param name="Pods">That are there when the measured ones have come.</param>
internal readonly record struct CurvePoint(int Pods, double PerSecond, double CpuMilliseconds, double Megabytes);

/// <summary>How the cluster's cost grows with its pods, drawn as SVG: one panel a figure, each from zero.</summary>
internal static class Curve
{
    private const int Width = 720;
    private const int PanelHeight = 150;
    private const int Left = 70;
    private const int Right = 20;
    private const int Top = 34;

    public static string Draw(IReadOnlyList<CurvePoint> points, int nodes, DateTimeOffset when)
    {
        var svg = new StringBuilder();
        var height = 3 * (PanelHeight + Top) + 40;
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{height}\" fill=\"#fff\"/>\n");
        Panel(svg, points, 0, "pods scheduled a second", point => point.PerSecond);
        Panel(svg, points, 1, "server's CPU a pod, from Deployment to Running (ms)", point => point.CpuMilliseconds);
        Panel(svg, points, 2, "server's memory (MB)", point => point.Megabytes);
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"{height - 8}\" fill=\"#555\">pods in the cluster of {nodes:#,0} simulated nodes, {when:yyyy-MM-dd}</text>\n</svg>\n");
        return svg.ToString();
    }

    private static void Panel(StringBuilder svg, IReadOnlyList<CurvePoint> points, int index, string title, Func<CurvePoint, double> value)
    {
        var top = index * (PanelHeight + Top) + Top;
        var (most, largest) = (points.Max(point => point.Pods), Ceiling(points.Max(value)));
        double X(double pods) => Left + pods / most * (Width - Left - Right);
        double Y(double amount) => top + PanelHeight - amount / largest * PanelHeight;

        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left}\" y=\"{top - 10}\" font-weight=\"bold\">{title}</text>\n");
        for (var step = 0; step <= 2; step++)
        {
            var amount = largest * step / 2;
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{Y(amount):0.#}\" y2=\"{Y(amount):0.#}\" stroke=\"#ddd\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 6}\" y=\"{Y(amount) + 4:0.#}\" text-anchor=\"end\" fill=\"#555\">{amount:#,0.##}</text>\n");
        }
        svg.Append("<polyline fill=\"none\" stroke=\"#326ce5\" stroke-width=\"2\" points=\"");
        svg.AppendJoin(' ', points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{X(point.Pods):0.#},{Y(value(point)):0.#}")));
        svg.Append("\"/>\n");
        foreach (var point in points)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<circle cx=\"{X(point.Pods):0.#}\" cy=\"{Y(value(point)):0.#}\" r=\"3\" fill=\"#326ce5\"><title>{point.Pods:#,0} pods: {value(point):#,0.##}</title></circle>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(point.Pods):0.#}\" y=\"{top + PanelHeight + 14}\" text-anchor=\"middle\" fill=\"#555\">{point.Pods:#,0}</text>\n");
        }
    }

    /// <summary>The next of 1, 2, 5, 10, 20, 50, ...</summary>
    private static double Ceiling(double value)
    {
        var unit = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return unit * (value / unit) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
    }
}
