namespace Epp.Native.Chat;

/// <content>
/// Dynamo 1.6 rewrites conversations that the template would raise over, each rule only where a trial at load time found the template to
/// raise: a leading run of system messages becomes one, later ones become the user's; users in a row become one.
/// </content>
public sealed partial class ChatShaper
{
    private bool NeedsNormalizing(JsonTree t, int messages)
    {
        if (!_rules.HonoursGenerationPrompt || !(_facts.RaisesOnLaterSystem || _facts.RaisesOnUserAfterUser))
        {
            return false;
        }

        var previous = -1;
        for (var message = t.First(messages); message >= 0; message = t.After(messages, message))
        {
            if (previous >= 0 && ((_facts.RaisesOnLaterSystem && HasRole(t, message, "system"u8))
                || (_facts.RaisesOnUserAfterUser && HasRole(t, message, "user"u8) && HasRole(t, previous, "user"u8))))
            {
                return true;
            }

            previous = message;
        }

        return false;
    }

    private static bool HasRole(JsonTree t, int message, ReadOnlySpan<byte> role) => t.Is(t.Find(message, "role"u8), role);

    /// <summary>Writes the rewritten conversation as a request of its own.</summary>
    private void NormalizeSystem(JsonTree t, int messages)
    {
        var o = _converted;
        o.Reset();
        o.Raw("{\"messages\":["u8);
        var message = t.First(messages);
        var isLeading = true;
        while (message >= 0)
        {
            var isSystem = HasRole(t, message, "system"u8);
            isLeading &= isSystem;
            var asUser = HasRole(t, message, "user"u8) || (isSystem && !isLeading && _facts.RaisesOnLaterSystem);
            o.Raw(message == t.First(messages) ? "{\"role\":"u8 : ",{\"role\":"u8);
            if (asUser)
            {
                o.Raw("\"user\""u8);
            }
            else
            {
                o.Text(t, t.Find(message, "role"u8));
            }

            var end = message;
            do
            {
                end = t.After(messages, end);
            }
            while (end >= 0 && Joins(t, end, asUser, isLeading));
            WriteMerged(t, messages, message, end);
            for (var key = t.FirstKey(message); key >= 0; key = t.KeyAfter(message, key))
            {
                if (!t.Is(key, "role"u8) && !t.Is(key, "content"u8))
                {
                    o.Byte((byte)',');
                    o.Text(t, key);
                    o.Byte((byte)':');
                    o.Value(t, t.Value(key));
                }
            }

            o.Byte((byte)'}');
            message = end;
        }

        o.Raw("]}"u8);
    }

    /// <summary>True where a message belongs to the one before it.</summary>
    private bool Joins(JsonTree t, int message, bool asUser, bool isLeading)
    {
        var isSystem = HasRole(t, message, "system"u8);
        return isLeading
            ? isSystem && _facts.RaisesOnLaterSystem
            : asUser && _facts.RaisesOnUserAfterUser && (HasRole(t, message, "user"u8) || (isSystem && _facts.RaisesOnLaterSystem));
    }

    /// <summary>Contents of [first, end) in one: strings joined by a blank line, part lists spliced.</summary>
    private void WriteMerged(JsonTree t, int messages, int first, int end)
    {
        var o = _converted;
        var hasList = false;
        for (var message = first; message != end && message >= 0; message = t.After(messages, message))
        {
            hasList |= t.IsList(t.Find(message, "content"u8));
        }

        if (!hasList && t.IsNothing(t.Find(first, "content"u8)))
        {
            return;
        }

        o.Raw(hasList ? ",\"content\":["u8 : ",\"content\":\""u8);
        var isFirst = true;
        var isOpen = !hasList;
        var seenList = false;
        for (var message = first; message != end && message >= 0; message = t.After(messages, message))
        {
            var content = t.Find(message, "content"u8);
            if (t.IsText(content) && !t.Raw(content).IsEmpty)
            {
                // Strings before the first list are one part, behind it one each.
                if (seenList)
                {
                    CloseText(hasList, ref isOpen);
                }

                OpenText(isFirst, ref isOpen, isNewPart: hasList && !isOpen);
                o.TextInside(t, content);
                isFirst = false;
            }

            seenList |= t.IsList(content);
            for (var part = t.IsList(content) ? t.First(content) : -1; part >= 0; part = t.After(content, part))
            {
                CloseText(hasList, ref isOpen);
                o.Raw(isFirst ? default : ","u8);
                o.Value(t, part);
                isFirst = false;
            }
        }

        CloseText(hasList, ref isOpen);
        o.Raw(hasList ? "]"u8 : "\""u8);
    }

    private void OpenText(bool isFirst, ref bool isOpen, bool isNewPart)
    {
        if (isNewPart)
        {
            _converted.Raw(isFirst ? "{\"type\":\"text\",\"text\":\""u8 : ",{\"type\":\"text\",\"text\":\""u8);
            isOpen = true;
        }
        else if (!isFirst)
        {
            _converted.Raw("\\n\\n"u8);
        }
    }

    private void CloseText(bool hasList, ref bool isOpen)
    {
        if (hasList && isOpen)
        {
            _converted.Raw("\"}"u8);
            isOpen = false;
        }
    }
}
