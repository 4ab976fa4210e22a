using LiteKube.Storage.Log;

namespace LiteKube.Storage;

/// <summary>Gives pages that compaction freed back to the file system, when they are a large part of the file; fewer are left for the next writes to use.</summary>
internal sealed class Vacuum(LogWriter log)
{
    private const int MinFreePages = 256;

    /// <summary>Pages moved in one step, about a millisecond.</summary>
    private const int StepPages = 64;

    public bool IsWanted { get; private set; }

    /// <summary>Looks whether there is enough to give back.</summary>
    public void Want()
    {
        var (free, total) = log.Pages();
        IsWanted = free > MinFreePages && free > total / 4;
    }

    public void Step()
    {
        log.Vacuum(StepPages);
        var (free, total) = log.Pages();
        IsWanted = free > MinFreePages && free > total / 16;
        // The file itself shrinks when its log is copied back.
        if (!IsWanted)
            log.Checkpoint();
    }

    public void GiveUp() => IsWanted = false;
}
