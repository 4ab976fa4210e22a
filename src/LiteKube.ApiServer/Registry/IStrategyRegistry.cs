using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry;

public interface IStrategyRegistry
{
    IStrategy For(ResourceInfo resource);
}
