using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using LiteKube.Cri.Containerd.Events;
using LiteKube.Cri.V1;

namespace LiteKube.Cri.Tests;

public sealed class CriInterfaceTests
{
    [ApiFixtureFact]
    public void Every_field_and_enum_value_has_the_interfaces_own_number_and_type()
    {
        var rows = File.ReadLines(Path.Combine(Fixtures.ApiFolder!, "cri-v1.tsv")).Skip(1).Select(line => line.Split('\t')).ToList();
        var fields = rows.Where(r => r[1] == "field").ToDictionary(r => $"{r[2]}.{r[3]}", r => (Number: int.Parse(r[4], null), Label: r[5], Type: r[6]));
        var enums = rows.Where(r => r[1] == "enum").ToDictionary(r => $"{r[2]}.{r[3]}", r => int.Parse(r[4], null));
        var checkedFields = 0;
        foreach (var message in CriReflection.Descriptor.MessageTypes)
        {
            foreach (var field in message.Fields.InDeclarationOrder())
            {
                var expected = fields[$"{message.Name}.{field.Name}"];
                Assert.True((field.FieldNumber, field.IsRepeated && !field.IsMap, TypeOf(field)) == (expected.Number, expected.Label == "repeated", expected.Type), $"{message.Name}.{field.Name} is {field.FieldNumber} {TypeOf(field)}, not {expected}");
                checkedFields++;
            }
            foreach (var value in message.EnumTypes.SelectMany(e => e.Values))
                Assert.Equal(enums[$"{message.Name}.{value.EnumDescriptor.Name}.{value.Name}"], value.Number);
        }
        foreach (var value in CriReflection.Descriptor.EnumTypes.SelectMany(e => e.Values))
            Assert.Equal(enums[$"{value.EnumDescriptor.Name}.{value.Name}"], value.Number);
        Assert.True(checkedFields > 250, $"only {checkedFields} fields were checked");
    }

    [Fact]
    public void The_end_of_a_container_is_told_and_the_end_of_an_exec_in_it_is_not()
    {
        Assert.Equal(new TaskEvent(TaskEventType.Exited, "c", 7), ContainerEventStream.Read(Envelope("/tasks/exit", new TaskExit { ContainerId = "c", Id = "c", ExitStatus = 7 })));
        Assert.Null(ContainerEventStream.Read(Envelope("/tasks/exit", new TaskExit { ContainerId = "c", Id = "exec-1", ExitStatus = 7 })));
        Assert.Equal(new TaskEvent(TaskEventType.OutOfMemory, "c"), ContainerEventStream.Read(Envelope("/tasks/oom", new TaskOOM { ContainerId = "c" })));
        Assert.Null(ContainerEventStream.Read(Envelope("/images/create", new TaskOOM())));
    }

    private static Envelope Envelope(string topic, IMessage payload) => new() { Topic = topic, Event = new Any { TypeUrl = "containerd.events.X", Value = payload.ToByteString() } };

    private static string TypeOf(FieldDescriptor field)
    {
        if (field.IsMap)
            return $"map<{TypeOf(field.MessageType.FindFieldByNumber(1))},{TypeOf(field.MessageType.FindFieldByNumber(2))}>";
        return field.FieldType switch
        {
            FieldType.Message => field.MessageType.Name,
            FieldType.Enum => field.EnumType.Name,
            var plain => plain.ToString().ToLowerInvariant(),
        };
    }
}
