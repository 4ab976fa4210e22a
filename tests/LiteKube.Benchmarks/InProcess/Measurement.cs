namespace LiteKube.Benchmarks.InProcess;

/// <param name="Bytes">Allocated by the whole process for one operation: the least of the rounds, since what others do only adds.</param>
/// <param name="CpuMicroseconds">Of the whole process for one operation, the least of the rounds.</param>
public sealed record Measurement(string Name, double Bytes, double CpuMicroseconds)
{
    /// <summary>One operation after the other, so that the figure does not depend on who runs beside whom.</summary>
    public static async Task<Measurement> TakeAsync(ApiOperation operation, int warmUp, int count, int rounds)
    {
        var number = 0;
        for (var i = 0; i < warmUp; i++) await operation.Run(number++);
        var (bytes, cpu) = (double.MaxValue, double.MaxValue);
        for (var round = 0; round < rounds; round++)
        {
            var (allocated, spent) = (GC.GetTotalAllocatedBytes(precise: true), Environment.CpuUsage.TotalTime);
            for (var i = 0; i < count; i++) await operation.Run(number++);
            cpu = Math.Min(cpu, (Environment.CpuUsage.TotalTime - spent).TotalMicroseconds / count);
            bytes = Math.Min(bytes, (double)(GC.GetTotalAllocatedBytes(precise: true) - allocated) / count);
        }
        return new(operation.Name, bytes, cpu);
    }
}
