using System.Text;
using LiteKube.ApiServer.Extensions.Aggregation;

namespace LiteKube.ApiServer.Tests.Extensions.Aggregation;

public sealed class HeaderLinesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4096)]
    public async Task Values_of_one_header_are_lines_of_their_own_however_the_head_is_cut_and_other_bytes_are_as_they_were(int pieceBytes)
    {
        using var request = new HttpRequestMessage();
        HeaderLines.Add(request.Headers, [new("X-Remote-User", "u"), new("X-Remote-Group", "a, b"), new("X-Remote-Group", "c"), new("X-Remote-Group", "d")]);
        var head = string.Concat(request.Headers.NonValidated.Select(h => $"{h.Key}: {string.Join(", ", h.Value)}\r\n"));
        var body = "::not the mark:: ::"u8.ToArray();
        using var sent = new MemoryStream();
        await using var stream = HeaderLines.Breaking(sent);

        foreach (var piece in Encoding.ASCII.GetBytes(head).Concat(body).Chunk(pieceBytes)) await stream.WriteAsync(piece);
        await stream.FlushAsync();

        Assert.Equal("X-Remote-User: u\r\nX-Remote-Group: a, b\r\nX-Remote-Group: c\r\nX-Remote-Group: d\r\n::not the mark:: ::", Encoding.ASCII.GetString(sent.ToArray()));
    }
}
