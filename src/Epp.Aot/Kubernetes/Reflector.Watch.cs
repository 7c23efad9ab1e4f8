namespace Epp.Aot.Kubernetes;

/// <summary>The events of one watch.</summary>
internal sealed partial class Reflector<T>
{
    /// <summary>One open watch.</summary>
    private sealed class OneWatch(Reflector<T> owner, bool initial, CancellationTokenSource deadline, TimeSpan afterInitial)
    {
        private readonly Dictionary<string, T>? _pending = initial ? new(StringComparer.Ordinal) : null;
        private readonly long _started = owner._time.GetTimestamp();
        private bool _initial = initial;
        private bool _received;
        private KubeFailure? _outcome;

        public async Task<KubeFailure?> ReadAsync(Stream stream, CancellationToken cancellation)
        {
            if (!_initial)
            {
                owner._state.Connected();
            }

            using var lines = new WatchLines(stream);
            do
            {
                while (lines.TryTake(out var line))
                {
                    if (line.Length > 0 && !Take(line.Span))
                    {
                        owner._sink.Flush();
                        return _outcome;
                    }
                }

                owner._sink.Flush();
            }
            while (await lines.FillAsync(cancellation).ConfigureAwait(false));

            return lines.TooLong && !Malformed($"a line of the watch is longer than {WatchLines.DefaultMaxLineBytes >> 20} MiB")
                ? _outcome
                : AtEnd("the server ended the watch at once");
        }

        /// <summary>The connection broke. Where the watch had worked, the next attempt comes at once.</summary>
        public KubeFailure? Broken(Exception error)
        {
            owner._sink.Flush();
            if (deadline.IsCancellationRequested && _initial)
            {
                owner._listFirst = true;
                return new KubeFailure(KubeFault.Malformed, $"the streamed list did not end within {InitialEventsLimit.TotalSeconds:0} s; listing in chunks instead");
            }

            return AtEnd(KubeClient.Reason(error));
        }

        private KubeFailure? AtEnd(string reason)
        {
            // An end in the first second that brought nothing would otherwise be a tight loop.
            var worked = !_initial && (_received || owner._time.GetElapsedTime(_started) > TimeSpan.FromSeconds(1));
            return worked ? null : new KubeFailure(KubeFault.Unreachable, reason);
        }

        /// <summary>Applies one line; false = the watch is over, with <see cref="_outcome"/>.</summary>
        private bool Take(ReadOnlySpan<byte> line)
        {
            if (!KubeText.TryReadEvent(line, out var kind, out var text))
            {
                return Malformed("a line of the watch is no event");
            }

            return kind switch
            {
                WatchKind.Error => Error(text),
                WatchKind.Bookmark => Bookmark(text),
                _ => Change(kind, text),
            };
        }

        private bool Change(WatchKind kind, ReadOnlySpan<byte> text)
        {
            var (changed, failure) = KubeText.Read(text, owner._type);
            if (failure is not null || changed!.Metadata is not { Name.Length: > 0, ResourceVersion.Length: > 0 } metadata)
            {
                return Malformed(failure?.Message ?? "an object without name or resourceVersion");
            }

            _received = true;
            if (_pending is not null && _initial)
            {
                // The same name may be in several namespaces; no name has a slash.
                var key = metadata.Namespace + "/" + metadata.Name;
                if (kind == WatchKind.Deleted)
                {
                    _pending.Remove(key);
                }
                else
                {
                    _pending[key] = changed;
                }

                return true;
            }

            if (kind == WatchKind.Deleted)
            {
                owner._sink.Delete(changed);
            }
            else
            {
                owner._sink.Upsert(changed);
            }

            owner._version = metadata.ResourceVersion;
            owner._gone = false;
            return true;
        }

        private bool Bookmark(ReadOnlySpan<byte> text)
        {
            var (mark, failure) = KubeText.Read(text, KubeJson.Default.AnyObject);
            if (failure is not null || mark!.Metadata is not { ResourceVersion.Length: > 0 } metadata)
            {
                return Malformed(failure?.Message ?? "a bookmark without resourceVersion");
            }

            if (_initial && metadata.Annotations?.GetValueOrDefault(InitialEventsEnd) == "true")
            {
                _initial = false;
                owner._sink.Replace(_pending!.Values);
                owner._sink.Flush();
                owner._version = metadata.ResourceVersion;
                owner._state.Connected();
                deadline.CancelAfter(afterInitial);
            }
            else if (!_initial)
            {
                owner._version = metadata.ResourceVersion;
            }

            owner._gone = false;
            _received = true;
            return true;
        }

        private bool Error(ReadOnlySpan<byte> text)
        {
            var status = KubeText.Read(text, KubeJson.Default.KubeStatus).Value;
            var failure = KubeText.Failure(status?.Code ?? 500, status?.Message ?? "an ERROR event without a status");
            _outcome = failure.Fault == KubeFault.Gone ? owner.StartOver(failure) : failure;
            return false;
        }

        private bool Malformed(string what)
        {
            owner._version = null;
            _outcome = new KubeFailure(KubeFault.Malformed, what);
            return false;
        }
    }
}
