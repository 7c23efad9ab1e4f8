using System.Globalization;
using Epp.Aot.Configuration;
using Epp.Native.Prefix;

namespace Epp.Aot.Models;

/// <content>Which models' ids are relied on: both the self-test and the traffic must agree with the engine.</content>
internal sealed partial class LocalModels
{
    /// <summary>Requests in a row that must differ before traffic speaks against a model: what differs once may be another request's.</summary>
    public const int DifferencesInARow = 3;

    private static readonly TimeSpan Distrust = TimeSpan.FromMinutes(10);

    /// <summary>Stops, or lets go on, the tokenizing of a model by what the self-test found.</summary>
    public void SetTrusted(string name, bool trusted)
    {
        foreach (var slot in _slots)
        {
            if (slot.Config.Name == name || _slots.Length == 1)
            {
                slot.PassedSelfTest = trusted;
            }
        }
    }

    /// <summary>Takes what a request and its engine's events say; one caller at a time.</summary>
    public void Observe(in ParityOutcome outcome)
    {
        if (Find(outcome.Model) is not { } slot)
        {
            return;
        }

        var traffic = slot.Traffic;
        if (outcome.Verdict == ParityVerdict.Equal)
        {
            traffic.Differences = 0;
            return;
        }

        traffic.Differences++;
        var turnsOff = traffic.Differences >= DifferencesInARow && traffic.Agrees;
        if (traffic.IsSaid && !turnsOff)
        {
            return;
        }

        var difference = string.Create(
            CultureInfo.InvariantCulture, $"id {outcome.Position} is {outcome.Ours}, {outcome.Endpoint.Name} stored {outcome.Theirs}");
        if (!traffic.IsSaid)
        {
            traffic.IsSaid = true;
            LocalModelLog.Differs(_logger, slot.Config.Name, difference);
        }

        if (turnsOff)
        {
            traffic.Agrees = false;
            traffic.Since = _time.GetTimestamp();
            LocalModelLog.Disagrees(_logger, slot.Config.Name, difference);
        }
    }

    /// <summary>Relies on models again ten minutes after traffic spoke against them; the next difference turns them off.</summary>
    public void TryAgain()
    {
        foreach (var slot in _slots)
        {
            var traffic = slot.Traffic;
            if (!traffic.Agrees && _time.GetElapsedTime(traffic.Since) >= Distrust)
            {
                traffic.Differences = DifferencesInARow - 1;
                traffic.Agrees = true;
                LocalModelLog.TriedAgain(_logger, slot.Config.Name);
            }
        }
    }

    /// <summary>What traffic says of a model as it was loaded. Written by the comparison alone.</summary>
    private sealed class TrafficTrust
    {
        private volatile bool _agrees = true;

        public bool Agrees
        {
            get => _agrees;
            set => _agrees = value;
        }

        /// <summary>Requests that differed since the last one that was equal.</summary>
        public int Differences { get; set; }

        public bool IsSaid { get; set; }

        public long Since { get; set; }
    }

    private sealed class Slot(LocalModelConfig config, byte[] name)
    {
        private volatile LocalModel? _model;
        private volatile bool _passedSelfTest = true;
        private volatile TrafficTrust _traffic = new();

        public LocalModelConfig Config => config;

        public byte[] Name => name;

        public long Stamp { get; set; }

        public LocalModel? Model
        {
            get => _model;
            set => _model = value;
        }

        public bool PassedSelfTest
        {
            set => _passedSelfTest = value;
        }

        public TrafficTrust Traffic
        {
            get => _traffic;
            set => _traffic = value;
        }

        public bool IsTrusted => _passedSelfTest && _traffic.Agrees;
    }
}
