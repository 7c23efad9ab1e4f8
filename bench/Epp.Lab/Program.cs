using Epp.Lab;
using Epp.Lab.Demo;
using Epp.Lab.Gateway;
using Epp.Lab.Load;
using Epp.Lab.Streams;
using Epp.Lab.Workers;

return await Cli.RunAsync(args, new Dictionary<string, Command>(StringComparer.Ordinal)
{
    ["worker"] = new("simulated vLLM workers on consecutive ports", WorkerCommand.Options, WorkerCommand.RunAsync),
    ["gateway"] = new("HTTP gateway that asks an EPP over ext_proc as Envoy does", GatewayCommand.Options, GatewayCommand.RunAsync),
    ["random-epp"] = new("smallest ext_proc peer: picks an endpoint at random, passes everything through", RandomEpp.Options, RandomEpp.RunAsync),
    ["load"] = new("multi-turn conversations against a gateway", LoadCommand.Options, LoadCommand.RunAsync),
    ["demo"] = new("workers, EPP and gateway; round-robin against the EPP, one table", DemoCommand.Options, DemoCommand.RunAsync),
    ["hits"] = new("compares the EPP's predicted prefix hits with what simulated workers hold and report", HitsCommand.Options, HitsCommand.RunAsync),
    ["streams"] = new("holds many ext_proc streams open, each with a body in flight (P13)", StreamsCommand.Options, StreamsCommand.RunAsync),
}).ConfigureAwait(false);
