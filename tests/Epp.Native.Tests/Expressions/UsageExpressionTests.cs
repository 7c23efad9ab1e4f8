using System.Globalization;
using System.Text;
using Epp.Native.Expressions;
using Epp.Native.Requests;
using Epp.Testing;

namespace Epp.Native.Tests.Expressions;

/// <summary>The CEL subset of <c>request-attribute-reporter</c> (plugins §5.10; https://github.com/google/cel-spec).</summary>
[Trait("Category", "Unit")]
public sealed class UsageExpressionTests
{
    private static readonly TokenUsage Usage = new(21, 5, 26, 8);

    private static UsageExpression Compile(string text, bool isCondition = false)
    {
        Assert.True(UsageExpression.TryCompile(text, isCondition, out var expression, out var error), $"{text}: {error}");
        return expression!;
    }

    private static long? Number(string text, TokenUsage usage) => Compile(text).TryGetNumber(in usage, out var number) ? number : null;

    [Theory]
    [InlineData("usage.prompt_tokens + usage.completion_tokens", 26)]
    [InlineData("(has(usage.prompt_tokens) ? usage.prompt_tokens : 0) + (has(usage.completion_tokens) ? usage.completion_tokens : 0)", 26)]
    [InlineData("usage.total_tokens", 26)]
    [InlineData("usage.prompt_tokens_details.cached_tokens", 8)]
    [InlineData("usage . prompt_tokens // of the prompt\n\t- usage.prompt_tokens_details . cached_tokens", 13)]
    [InlineData("1 + 2 * 3", 7)]
    [InlineData("(1 + 2) * 3", 9)]
    [InlineData("10 - 4 - 3", 3)]
    [InlineData("100 / 10 / 5", 2)]
    [InlineData("7 / 2 * 2", 6)]
    [InlineData("-7 / 2", -3)]
    [InlineData("-7 % 3", -1)]
    [InlineData("7.0 / 2 * 2", 7)]
    [InlineData("0x10 + 0XfF", 271)]
    [InlineData(".5 + 1.5e1 + 1E-1", 15)]
    [InlineData("- -5", 5)]
    [InlineData("--5 - -5", 10)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("true ? 1 : 2", 1)]
    [InlineData("false ? 1 : true ? 2 : 3", 2)]
    [InlineData("1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3 && 1 != 2 && 1 == 1.0 ? 4 : 5", 4)]
    [InlineData("!(usage.prompt_tokens > 100) ? 4 : 5", 4)]
    [InlineData("!!true && (true == true) && (false < true) ? 4 : 5", 4)]
    [InlineData("true || false && false ? 4 : 5", 4)]
    [InlineData("int(usage.prompt_tokens) / 2", 10)]
    [InlineData("int(2.9) + int(-2.9)", 0)]
    [InlineData("double(7) / double(2) * 2.0", 7)]
    [InlineData("usage.prompt_tokens % 10", 1)]
    [InlineData("usage.prompt_tokens * 3 + usage.completion_tokens * 15", 138)]
    [InlineData("has(usage.prompt_tokens_details) && has(usage.prompt_tokens_details.cached_tokens) ? 1 : 2", 1)]
    [InlineData("has(usage.reasoning_tokens) ? 1 : 2", 2)]
    [InlineData("true || usage.none ? 4 : 5", 4)]
    [InlineData("usage.none || true ? 4 : 5", 4)]
    [InlineData("usage.none && false ? 4 : 5", 5)]
    [InlineData("usage.prompt_tokens == true ? 4 : 5", 5)]
    public void Number_OfAnExpression(string text, long expected) => Assert.Equal(expected, Number(text, Usage));

    [Theory]
    [InlineData("usage.none")]
    [InlineData("usage.none.more + 1")]
    [InlineData("usage.prompt_tokens_details.audio_tokens")]
    [InlineData("usage.none || false ? 4 : 5")]
    [InlineData("usage.none ? 4 : 5")]
    [InlineData("1 / 0")]
    [InlineData("1 % 0")]
    [InlineData("1.0 / 0.0")]
    [InlineData("usage.completion_tokens / 0")]
    [InlineData("0.0 / 0.0")]
    [InlineData("9223372036854775807 + 1")]
    [InlineData("-9223372036854775808 - 1")]
    [InlineData("-(-9223372036854775808)")]
    [InlineData("-9223372036854775808 / -1")]
    [InlineData("9223372036854775807 * 2")]
    [InlineData("int(1e19)")]
    [InlineData("1e300 * 1e300")]
    [InlineData("usage.prompt_tokens && true ? 1 : 2")]
    public void Number_WithoutAValue_IsNotThere(string text) => Assert.Null(Number(text, Usage));

    [Fact]
    public void Counts_NotReported_AreZeroAndThere_ExceptTheCachedOnes()
    {
        Assert.Equal(0, Number("usage.prompt_tokens + usage.completion_tokens + usage.total_tokens", TokenUsage.None));
        Assert.True(Compile("has(usage.prompt_tokens) && has(usage.completion_tokens) && has(usage.total_tokens)", true).IsTrue(TokenUsage.None));
        Assert.False(Compile("has(usage.prompt_tokens_details) || has(usage.prompt_tokens_details.cached_tokens)", true).IsTrue(TokenUsage.None));
        Assert.Null(Number("usage.prompt_tokens_details.cached_tokens", TokenUsage.None));
        Assert.Equal(0, Number("usage.prompt_tokens_details.cached_tokens", new TokenUsage(1, 1, 2, 0)));
    }

    [Theory]
    [InlineData("usage.completion_tokens > 0", true)]
    [InlineData("usage.prompt_tokens", false)]
    [InlineData("usage.none", false)]
    [InlineData("usage.none > 1 || true", true)]
    public void Condition_ThatIsNoTruthValue_DoesNotHold(string text, bool holds) => Assert.Equal(holds, Compile(text, isCondition: true).IsTrue(in Usage));

    [Theory]
    [InlineData("", false, "character 1: found the end, expected a number, usage.FIELD")]
    [InlineData("usage.prompt_tokens + -", false, "character 24: found the end, expected")]
    [InlineData("usage.prompt_tokens > ", true, "character 23: found the end, expected")]
    [InlineData("usage", false, "character 6: found the end, expected '.' and a field")]
    [InlineData("usage.", false, "character 7: found the end, expected a field")]
    [InlineData("usage.1", false, "character 7: found '1', expected a field")]
    [InlineData("usage['x']", false, "character 6: found '[', expected '.'")]
    [InlineData("usage.prompt_tokens_details + 1", false, "character 1: is a map of counts")]
    [InlineData("'text'", false, "character 1: found '''")]
    [InlineData("size(usage)", false, "character 1: found 'size', expected")]
    [InlineData("1 +\n  model", false, "character 7: found 'model', expected")]
    [InlineData("1 2", false, "character 3: found '2', expected an operator or the end")]
    [InlineData("1 = 1 ? 1 : 2", false, "character 3: found '=', expected an operator")]
    [InlineData("(1", false, "character 3: found the end, expected ')'")]
    [InlineData("1)", false, "character 2: found ')'")]
    [InlineData("true ? 1", false, "character 9: found the end, expected ':'")]
    [InlineData("has(1)", true, "character 5: found '1', expected usage.FIELD")]
    [InlineData("has(usage)", true, "character 10: found ')', expected '.'")]
    [InlineData("1.", false, "character 1: found '1.', expected a number such as")]
    [InlineData("1e999", false, "character 1: found '1e999'")]
    [InlineData("0x", false, "character 1: found '0x', expected a whole number")]
    [InlineData("9223372036854775808", false, "expected a whole number of 64 bits")]
    [InlineData("5u", false, "character 2: found 'u' behind a number")]
    [InlineData("1 + true", false, "character 5: found true or false, expected a number")]
    [InlineData("!1", true, "character 2: found a number, expected true or false")]
    [InlineData("1 && true", true, "character 1: found a number, expected true or false")]
    [InlineData("1 < true", true, "character 5: a number stands beside true or false")]
    [InlineData("true ? 1 : false", false, "character 12: a number stands beside true or false")]
    [InlineData("1 ? 2 : 3", false, "character 1: found a number, expected true or false")]
    [InlineData("int(true)", false, "character 5: found true or false")]
    [InlineData("true", false, "character 1: found true or false, expected a number")]
    [InlineData("1", true, "character 1: found a number, expected true or false")]
    public void Mistake_IsNamedWithItsPlace(string text, bool isCondition, string expected)
    {
        Assert.False(UsageExpression.TryCompile(text, isCondition, out var expression, out var error));
        Assert.Null(expression);
        Assert.StartsWith(expected.StartsWith("character", StringComparison.Ordinal) ? expected : "character 1: ", error, StringComparison.Ordinal);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Limits_OfLengthDepthAndSize_AreNamed()
    {
        Assert.Contains("at most 4096", Error("1" + new string(' ', 4096)), StringComparison.Ordinal);
        Assert.Contains("nested deeper than 64", Error(new string('(', 65) + "1" + new string(')', 65)), StringComparison.Ordinal);
        Assert.Contains("nested deeper than 64", Error(new string('!', 65) + "true ? 1 : 2"), StringComparison.Ordinal);
        Assert.Contains("nested deeper than 64", Error(string.Concat(Enumerable.Repeat("true?1:", 65)) + "2"), StringComparison.Ordinal);
        Assert.Contains("more than 256", Error("1" + string.Concat(Enumerable.Repeat("+1", 128))), StringComparison.Ordinal);
        Assert.Equal(128, Number("1" + string.Concat(Enumerable.Repeat("+1", 127)), Usage));
        Assert.Equal(1, Number(new string('(', 64) + "1" + new string(')', 64), Usage));

        static string Error(string text)
        {
            Assert.False(UsageExpression.TryCompile(text, false, out _, out var error));
            return error!;
        }
    }

    [Theory]
    [InlineData("usage.reasoning_tokens", true)]
    [InlineData("usage.prompt_tokens.more", true)]
    [InlineData("has(usage.reasoning_tokens) ? 1 : 2", false)]
    [InlineData("usage.prompt_tokens_details.cached_tokens", false)]
    public void UnknownField_IsToldUnlessItIsOnlyAskedFor(string text, bool told) => Assert.Equal(told, Compile(text).ReadsUnknownField);

    /// <summary>Random expressions over numbers yield what the same tree yields in decimal arithmetic.</summary>
    [Fact]
    public void Number_OfRandomArithmetic_IsThatOfTheTree()
    {
        const int Seed = 35;
        var random = new Random(Seed);
        for (var round = 0; round < 3000; round++)
        {
            var text = new StringBuilder();
            var value = Tree(random, 4, text);
            Assert.True((long)value == Number(text.ToString(), Usage), $"seed {Seed}, round {round}: {text} is {value}");
        }
    }

    private static decimal Tree(Random random, int depth, StringBuilder text)
    {
        if (depth == 0 || random.Next(5) == 0)
        {
            var (leaf, number) = random.Next(4) switch
            {
                0 => ("usage.prompt_tokens", 21),
                1 => ("double(usage.completion_tokens)", 5),
                _ => (null as string, random.Next(1, 50)),
            };
            text.Append(leaf ?? number.ToString(CultureInfo.InvariantCulture));
            return number;
        }

        text.Append('(');
        var left = Tree(random, depth - 1, text);
        var operation = "+-*"[random.Next(3)];
        text.Append(random.Next(2) == 0 ? $" {operation} " : $"{operation}");
        var right = Tree(random, depth - 1, text);
        text.Append(')');
        return operation switch { '+' => left + right, '-' => left - right, _ => left * right };
    }

    [Fact]
    public void RandomText_NeverThrowsAndEndsInTime()
    {
        const int Seed = 36;
        string[] parts = ["usage", ".", "prompt_tokens", "has", "int", "double", "(", ")", "+", "-", "*", "/", "%", "<", "<=", "==", "!=", "!", "&&", "||", "?", ":", "1", "0x", "1e9", ".5", " ", "//", "\n", "true", "false", "'", "\"", "é", "\0", "9223372036854775808"];
        var random = new Random(Seed);
        for (var round = 0; round < 50_000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(24)).Select(_ => parts[random.Next(parts.Length)]));
            var compiled = UsageExpression.TryCompile(text, round % 2 == 0, out var expression, out var error);
            Assert.True(compiled == (expression is not null) && compiled == (error is null), $"seed {Seed}, round {round}: {text}");
            expression?.TryGetNumber(in Usage, out _);
            expression?.IsTrue(in Usage);
        }

        foreach (var part in parts)
        {
            UsageExpression.TryCompile(string.Concat(Enumerable.Repeat(part, 4096 / part.Length)), false, out _, out _);
        }
    }

    [Fact]
    public void Evaluation_AllocatesNothing()
    {
        var expression = Compile("has(usage.prompt_tokens) && usage.total_tokens > 3 ? usage.prompt_tokens * 3 + usage.completion_tokens : 0");
        expression.TryGetNumber(in Usage, out _);
        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                expression.TryGetNumber(in Usage, out _);
            }
        }));
    }
}
