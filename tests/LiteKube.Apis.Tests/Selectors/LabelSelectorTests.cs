using System.Text.Json.Nodes;
using CsCheck;
using k8s.Models;
using LiteKube.Apis.Selectors;

namespace LiteKube.Apis.Tests.Selectors;

public class LabelSelectorTests
{
    [Theory]
    [InlineData("", true)]
    [InlineData("app=web", true)]
    [InlineData("app==web", true)]
    [InlineData("app = web , tier", true)]
    [InlineData("app!=web", false)]
    [InlineData("missing!=web", true)]
    [InlineData("app in (web,db)", true)]
    [InlineData("app in (db)", false)]
    [InlineData("app notin (db)", true)]
    [InlineData("missing notin (db)", true)]
    [InlineData("!missing", true)]
    [InlineData("! app", false)]
    [InlineData("weight>4", true)]
    [InlineData("weight<4", false)]
    [InlineData("app>4", false)]
    [InlineData("empty=", true)]
    [InlineData("empty in (,x)", true)]
    [InlineData("in in (in)", false)]
    [InlineData("app=web,weight in (5,6),!x/y.z", true)]
    public void A_selector_matches_by_every_requirement(string selector, bool matches)
    {
        var labels = new Dictionary<string, string> { ["app"] = "web", ["tier"] = "front", ["weight"] = "5", ["empty"] = "" };
        var parsed = LabelSelector.Parse(selector);
        Assert.Equal(matches, parsed.Matches(labels));
        Assert.Equal(matches, parsed.Matches((IDictionary<string, string>)labels));
        Assert.Equal(matches, parsed.Matches(new JsonObject(labels.Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value)))));
        Assert.Equal(matches, LabelSelector.Parse(parsed.ToString()).Matches(labels));
    }

    [Theory]
    [InlineData("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt")]
    [InlineData("a in x", "unable to parse requirement: found 'x' expected: '('")]
    [InlineData("a=b,", "found '', expected: identifier after ','")]
    [InlineData("=b", "found '=', expected: !, identifier, or 'end of string'")]
    [InlineData("a=b c", "found 'c', expected: ',' or 'end of string'")]
    [InlineData("a>b", "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer")]
    [InlineData("a=-b", "unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')")]
    public void What_is_no_selector_is_refused_in_the_words_of_Kubernetes(string selector, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => LabelSelector.Parse(selector)).Message);

    [Fact]
    public void An_objects_selector_selects_nothing_when_absent_and_everything_when_empty()
    {
        Assert.False(LabelSelector.From((V1LabelSelector?)null).Matches((JsonObject?)null));
        Assert.True(LabelSelector.From(new V1LabelSelector()).IsEverything);
        var selector = LabelSelector.From(new V1LabelSelector
        {
            MatchLabels = new Dictionary<string, string> { ["app"] = "web" },
            MatchExpressions = [new() { Key = "tier", OperatorProperty = "DoesNotExist" }],
        });
        Assert.Equal("app=web,!tier", selector.ToString());
        var json = JsonNode.Parse("""{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"tier","operator":"DoesNotExist"}]}""")!.AsObject();
        Assert.Equal(selector.ToString(), LabelSelector.FromJson(json).ToString());
    }

    [Fact]
    public void Any_text_is_parsed_or_refused() =>
        Gen.String[Gen.OneOf('a', '=', '!', '(', ')', ',', ' ', 'i', 'n', '<'), 0, 12].Sample(text =>
        {
            try
            {
                var parsed = LabelSelector.Parse(text);
                Assert.Equal(parsed.ToString(), LabelSelector.Parse(parsed.ToString()).ToString());
            }
            catch (FormatException e)
            {
                Assert.NotEmpty(e.Message);
            }
        });

    [Theory]
    [InlineData("metadata.name=a", "metadata.name=a")]
    [InlineData("a==b,c!=d", "a=b,c!=d")]
    [InlineData("a=x\\,y", "a=x\\,y")]
    [InlineData("a=", "a=")]
    public void A_field_selector_is_read_term_by_term(string text, string printed) =>
        Assert.Equal(printed, FieldSelector.Parse(text).ToString());

    [Theory]
    [InlineData("a", "invalid selector: 'a'; can't understand 'a'")]
    [InlineData("a=b\\x", "invalid field selector: invalid escape sequence: \\x")]
    [InlineData("a=b=c", "invalid field selector: unescaped character in value: 61")]
    public void What_is_no_field_selector_is_refused_in_the_words_of_Kubernetes(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => FieldSelector.Parse(text)).Message);

    [Fact]
    public void A_field_selector_says_which_value_it_requires()
    {
        var selector = FieldSelector.Parse("metadata.name=web,status.phase!=Failed");
        Assert.Equal("web", selector.RequiredValue("metadata.name"));
        Assert.Null(selector.RequiredValue("status.phase"));
        Assert.True(selector.Matches(f => f == "metadata.name" ? "web" : "Running"));
        Assert.False(selector.Matches(f => f == "metadata.name" ? "web" : "Failed"));
    }
}
