using Microsoft.Extensions.Logging;

namespace LiteKube.Network.Dns;

/// <summary>Decides who answers a query: the cluster's own zone at once, or an upstream resolver.</summary>
internal sealed class DnsResponder(ClusterZone zone, Forwarder forwarder, ILogger logger)
{
    private const int MaxCnameDepth = 8;

    /// <returns>null when upstream must be asked.</returns>
    public DnsAnswer? AnswerNow(DnsQuery query, DnsResponseCode code)
    {
        if (code != DnsResponseCode.NoError)
            return new DnsAnswer(code);
        if (query.Class != 1)
            return new DnsAnswer(DnsResponseCode.Refused);
        if (query.Type is DnsType.Axfr or DnsType.Ixfr)
            return new DnsAnswer(DnsResponseCode.Refused);
        var answer = zone.Resolve(query.Name, query.Type);
        return answer is null || NextInChain(answer, query.Type) is not null ? null : answer;
    }

    /// <summary>The name that a CNAME at the answer's end leads to, when the question was for what stands there.</summary>
    private static DnsName? NextInChain(DnsAnswer answer, DnsType type) =>
        type is not (DnsType.Cname or DnsType.Any) && answer.Answers is [.., NameRecord { Type: DnsType.Cname } last] ? last.Target : null;

    /// <summary>Answers when an upstream resolver, or a chain of aliases, must be waited for. Never throws.</summary>
    public async Task AnswerLaterAsync(DnsQuery query, bool tcp, Func<byte[], Task> send, CancellationToken cancellationToken)
    {
        var limit = tcp ? ushort.MaxValue : query.UdpLimit;
        try
        {
            if (zone.Resolve(query.Name, query.Type) is { } own)
            {
                await send((await FollowAsync(query, own, tcp, cancellationToken)).Write(query, limit));
                return;
            }
            var (response, age) = await forwarder.AskAsync(query, tcp, cancellationToken);
            await send(response?.For(query, age, limit) ?? new DnsAnswer(DnsResponseCode.ServerFailure).Write(query, limit));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // A TCP client that left, or the end of the process.
        }
        catch (Exception e)
        {
            DnsLog.QueryFailed(logger, query.Name.ToString(), e);
        }
    }

    /// <summary>ExternalName: follows the alias inside the cluster or upstream, so that a client that does not recurse gets addresses.</summary>
    private async Task<DnsAnswer> FollowAsync(DnsQuery query, DnsAnswer start, bool tcp, CancellationToken cancellationToken)
    {
        var answers = start.Answers.ToList();
        var answer = start;
        for (var depth = 0; depth < MaxCnameDepth && NextInChain(answer, query.Type) is { } target; depth++)
        {
            if (answers.OfType<NameRecord>().Any(r => r.Owner.Equals(target)))
                break;
            if (zone.Resolve(target, query.Type) is { } own)
            {
                answers.AddRange(own.Answers);
                answer = own;
                continue;
            }
            byte[] question = [.. target.Wire, (byte)((int)query.Type >> 8), (byte)query.Type, 0, 1];
            var (response, _) = await forwarder.AskAsync(query with { Name = target, QuestionBytes = question }, tcp, cancellationToken);
            if (response is null)
                return new DnsAnswer(DnsResponseCode.ServerFailure);
            return new DnsAnswer(response.Code) { Answers = [.. answers, .. response.AnswerRecords()] };
        }
        return answer with { Answers = answers };
    }
}
