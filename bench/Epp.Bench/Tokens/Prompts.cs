using System.Text;

namespace Epp.Bench.Tokens;

/// <summary>What a prompt is made of.</summary>
public enum PromptKind
{
    /// <summary>The repository's own documents.</summary>
    English,

    /// <summary>The repository's own sources.</summary>
    Code,

    /// <summary>Chinese prose made of a few hundred different words.</summary>
    Chinese,
}

/// <summary>Texts to tokenize, made of what the repository holds, always the same.</summary>
internal static class Prompts
{
    private const string Words = "路由器 把 请求 送到 持有 前缀 的 工作 节点 缓存 命中 率 越高 延迟 越低 我们 测量 每 秒 的 令牌 数 并且 与 参考 实现 比较 模型 服务 需要 稳定 快速 可靠 系统 在 高 负载 下 仍然 保持 一致 文本 被 切分 成 片段 然后 合并";

    public static string Root { get; } = FindRoot();

    /// <summary>At least so many bytes, cut at a line.</summary>
    public static byte[] Make(PromptKind kind, int bytes)
    {
        var text = new StringBuilder();
        var size = 0;
        while (size < bytes)
        {
            foreach (var part in Parts(kind))
            {
                text.Append(part);
                size += Encoding.UTF8.GetByteCount(part);
                if (size >= bytes)
                {
                    break;
                }
            }
        }

        var all = Encoding.UTF8.GetBytes(text.ToString());
        var end = all.AsSpan(0, bytes).LastIndexOf((byte)'\n') + 1;
        return all[..(end > 0 ? end : all.Length)];
    }

    private static IEnumerable<string> Parts(PromptKind kind)
    {
        if (kind == PromptKind.Chinese)
        {
            return Chinese();
        }

        var (folder, pattern) = kind == PromptKind.English ? ("docs", "*.md") : ("src", "*.cs");
        return Directory.GetFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Where(static f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("UnicodeData", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(File.ReadAllText);
    }

    private static IEnumerable<string> Chinese()
    {
        var words = Words.Split(' ');
        var random = new Random(20261120);
        for (var line = 0; line < 2000; line++)
        {
            var sentence = new StringBuilder();
            for (var n = random.Next(6, 20); n > 0; n--)
            {
                sentence.Append(words[random.Next(words.Length)]);
                sentence.Append(random.Next(8) == 0 ? "，" : "");
            }

            yield return sentence.Append("。\n").ToString();
        }
    }

    private static string FindRoot()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "Epp.slnx")))
            {
                return at;
            }
        }

        throw new InvalidOperationException("the benchmarks run inside a checkout");
    }
}
