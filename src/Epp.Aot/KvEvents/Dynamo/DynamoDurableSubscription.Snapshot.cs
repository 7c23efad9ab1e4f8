using System.Globalization;
using System.Text;
using Epp.Native.KvEvents.Dynamo;

namespace Epp.Aot.KvEvents.Dynamo;

/// <summary>The snapshot: an object in a bucket of the object store, which is a stream of its own.</summary>
internal sealed partial class DynamoDurableSubscription
{
    /// <summary>Reads the snapshot until two readings agree, as it may be replaced meanwhile; none is fine.</summary>
    private async Task<string> ReadSnapshotAsync()
    {
        byte[]? before = null;
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var (bytes, failure) = await ReadObjectAsync().ConfigureAwait(false);
            if (bytes is null)
            {
                _hasSnapshot = failure.Length == 0;
                return failure;
            }

            if (before is not null && bytes.AsSpan().SequenceEqual(before))
            {
                lock (_gate)
                {
                    _hasSnapshot = true;
                    return new DynamoSnapshot().Read(bytes, this) < 0 ? Unreadable() : "";
                }
            }

            before = bytes;
            await Task.Delay(TimeSpan.FromMilliseconds(100), _time, _stop.Token).ConfigureAwait(false);
        }

        return "the snapshot changes faster than it can be read";
    }

    /// <summary>A snapshot that cannot be read costs what it holds; the stream is followed all the same.</summary>
    private string Unreadable()
    {
        _series.AddUndecodableMessage();
        KvEventLog.Interrupted(_logger, _bucket, "the snapshot cannot be read; its blocks are learned from later events");
        return "";
    }

    /// <summary>The object's bytes; null without a reason where there is no object.</summary>
    private async Task<(byte[]? Bytes, string Failure)> ReadObjectAsync()
    {
        var subject = $"$O.{_bucket}.M.{Convert.ToBase64String(Encoding.UTF8.GetBytes(JetStreamNames.SnapshotObject)).Replace('+', '-').Replace('/', '_')}";
        var (meta, failure, _) = await ReadMessageAsync($"{{\"last_by_subj\":\"{subject}\"}}").ConfigureAwait(false);
        if (meta is null)
        {
            return (null, failure);
        }

        var chunks = $"$O.{_bucket}.C.{JsonMember.Find(meta, "nuid")}";
        if (!int.TryParse(JsonMember.Find(meta, "size"), CultureInfo.InvariantCulture, out var size) || size > 1 << 30)
        {
            return (null, "the snapshot is larger than 1 GiB or says no size");
        }

        using var bytes = new MemoryStream(int.Min(size, 1 << 20));
        for (var next = 1UL; bytes.Length < size;)
        {
            var (chunk, problem, sequence) = await ReadMessageAsync($"{{\"next_by_subj\":\"{chunks}\",\"seq\":{next}}}").ConfigureAwait(false);
            if (chunk is null)
            {
                return (null, problem.Length > 0 ? problem : "the snapshot lacks a part");
            }

            bytes.Write(chunk);
            next = sequence + 1;
        }

        return (bytes.ToArray(), "");
    }

    private async Task<(byte[]? Data, string Failure, ulong Sequence)> ReadMessageAsync(string query)
    {
        var answer = await _nats.RequestAsync($"$JS.API.STREAM.MSG.GET.OBJ_{_bucket}", Encoding.ASCII.GetBytes(query), Answer, _stop.Token).ConfigureAwait(false);
        if (answer.Payload is null)
        {
            return (null, answer.Failure, 0);
        }

        if (JsonMember.Find(answer.Payload, "error", "code") is { } code)
        {
            return (null, code == NoSuchThing.ToString(CultureInfo.InvariantCulture) ? "" : JsonMember.Find(answer.Payload, "error", "description") ?? code, 0);
        }

        var data = new byte[answer.Payload.Length];
        return Convert.TryFromBase64String(JsonMember.Find(answer.Payload, "message", "data") ?? "", data, out var length)
            && ulong.TryParse(JsonMember.Find(answer.Payload, "message", "seq"), CultureInfo.InvariantCulture, out var sequence)
            ? (data[..length], "", sequence)
            : (null, "JetStream answers without a message", 0);
    }
}
