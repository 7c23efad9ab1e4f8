using Epp.Native.Templates;
using Epp.Native.Tokens;

namespace Epp.Native.Chat;

/// <summary>
/// Memory and result of one encoding at a time; reused, so that nothing is allocated in steady state. Each thread has its own. It belongs to
/// one model.
/// </summary>
public sealed class PromptScratch
{
    // A longer prompt's memory is given back when the next one is short.
    private const int KeptBytes = 1 << 20;

    private int[] _ends = new int[8];
    private TokenBeginning[] _beginnings = new TokenBeginning[8];

    internal PromptScratch(ChatModel model, TokenPrefixCache? prefixes)
    {
        Encoder = model.Tokenizer.CreateEncoder(prefixes);
    }

    /// <summary>Why there are no ids.</summary>
    public ShapeRefusal Refusal { get; internal set; }

    /// <summary>The refusal in words.</summary>
    public string RefusalDetail { get; internal set; } = "";

    /// <summary>Whether <see cref="RefusalDetail"/> repeats what a template says when it raises; costs memory on each such request.</summary>
    public bool Explains
    {
        get => Rendering.Explains;
        set => Rendering.Explains = value;
    }

    /// <summary>The text that was encoded, of the only or last prompt; empty where the client sent ids.</summary>
    public ReadOnlySpan<byte> Prompt => PromptBytes.AsSpan(0, PromptLength);

    /// <summary>How many prompts the request has.</summary>
    public int PromptCount { get; private set; }

    /// <summary>The ids of a prompt.</summary>
    public ReadOnlySpan<uint> Ids(int prompt)
    {
        var start = prompt == 0 ? 0 : _ends[prompt - 1];
        return Buffer.Ids[start.._ends[prompt]];
    }

    /// <summary>What is kept of a prompt's beginning.</summary>
    public TokenBeginning Beginning(int prompt) => _beginnings[prompt];

    internal ChatShaper Shaper { get; } = new();

    internal TemplateScratch Rendering { get; } = new() { Explains = false };

    internal TokenEncoder Encoder { get; }

    internal TokenBuffer Buffer { get; } = new();

    internal TokenBuffer Single { get; } = new();

    internal JsonOutput Context { get; } = new();

    internal byte[] PromptBytes { get; set; } = new byte[4096];

    internal int PromptLength { get; set; }

    internal byte[] FinalText { get; set; } = new byte[256];

    /// <summary>Forgets the result. Before it is put aside: idle scratch must not hold what the cache of beginnings has dropped.</summary>
    public void Release()
    {
        Forget();
        Encoder.Release();
    }

    internal void Reset()
    {
        Refusal = ShapeRefusal.None;
        RefusalDetail = "";
        PromptLength = 0;
        Forget();
    }

    internal bool Refuse(ShapeRefusal refusal, string detail)
    {
        Refusal = refusal;
        RefusalDetail = detail;
        Forget();
        return false;
    }

    internal void AddPrompt(ReadOnlySpan<uint> ids, TokenBeginning beginning = default)
    {
        Buffer.Add(ids);
        if (PromptCount == _ends.Length)
        {
            Array.Resize(ref _ends, PromptCount * 2);
            Array.Resize(ref _beginnings, PromptCount * 2);
        }

        (_ends[PromptCount], _beginnings[PromptCount]) = (Buffer.Count, beginning);
        PromptCount++;
    }

    internal void AddPrompt(ReadOnlySpan<uint> prefix, ReadOnlySpan<uint> ids, ReadOnlySpan<uint> suffix)
    {
        Buffer.Add(prefix);
        Buffer.Add(ids);
        AddPrompt(suffix);
    }

    /// <summary>Keeps the text to encode.</summary>
    internal ReadOnlySpan<byte> SetPrompt(ReadOnlySpan<byte> text)
    {
        if (PromptBytes.Length < text.Length || (PromptBytes.Length > KeptBytes && text.Length <= KeptBytes))
        {
            PromptBytes = new byte[text.Length <= KeptBytes ? Math.Max(4096, Math.Min(text.Length * 2, KeptBytes)) : text.Length];
        }

        text.CopyTo(PromptBytes);
        PromptLength = text.Length;
        return Prompt;
    }

    private void Forget()
    {
        Array.Clear(_beginnings, 0, PromptCount);
        PromptCount = 0;
        Buffer.Clear();
    }
}
