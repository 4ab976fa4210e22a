using System.Text.Json.Nodes;
using LiteKube.Apis.Schema;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>Jobs select their pods by a label with their own uid, unless manualSelector says otherwise.</summary>
internal sealed class JobStrategy(ResourceInfo resource) : DefaultStrategy(resource)
{
    private static readonly FieldPath Template = FieldPath.Of("spec").Child("template");

    public override void PrepareForCreate(JsonObject value, StrategyContext context)
    {
        base.PrepareForCreate(value, context);
        var spec = value.GetOrAdd("spec");
        if (spec.Bool("manualSelector"))
            return;
        var (uid, name) = (value.MetaUid(), value.MetaName());
        var labels = spec.GetOrAdd("template").GetOrAdd("metadata").GetOrAdd("labels");
        foreach (var (key, text) in ((string, string)[])[("batch.kubernetes.io/controller-uid", uid), ("batch.kubernetes.io/job-name", name), ("controller-uid", uid), ("job-name", name)])
            labels[key] = text;
        spec.GetOrAdd("selector").GetOrAdd("matchLabels")["batch.kubernetes.io/controller-uid"] = uid;
    }

    public override void Validate(JsonObject value, FieldErrors errors, StrategyContext context)
    {
        JobValidation.Job(errors, value);
        JobValidation.WholeSpec(errors, value.Obj("spec") ?? []);
        Warn(context, value);
    }

    public override void ValidateUpdate(JsonObject value, JsonObject old, FieldErrors errors, StrategyContext context)
    {
        if (context.Subresource == "status")
        {
            JobStatusValidation.Validate(errors, value, old);
            return;
        }
        JobUpdateValidation.Validate(errors, value, old);
        if (!value.Obj("spec", "template").SameAs(old.Obj("spec", "template")))
            Warn(context, value);
    }

    private static void Warn(StrategyContext context, JsonObject value)
    {
        var spec = value.Obj("spec");
        if (spec.Str("completionMode") == "Indexed" && spec.Long("completions") > 100_000 && spec.Long("parallelism") > 10_000)
            context.Warnings.Add("In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail");
        if (spec.Obj("template") is { } template)
            PodWarnings.OfSpec(context.Warnings, template.Meta(), template.Obj("spec") ?? [], Template.Child("spec"), Template.Child("metadata"));
    }
}
