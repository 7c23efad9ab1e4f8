using Epp.Aot.ExtProc;
using Epp.Aot.Grpc;
using Epp.Aot.Hosting;
using Epp.Aot.Telemetry;
using Epp.Native.Pool;
using Epp.Native.Scheduling;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

var x = Environment.GetEnvironmentVariable("EPP_X") ?? "";
if (x.Contains('i')) { Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1"); }
if (x.Contains('m')) { Console.WriteLine(ThreadPool.SetMaxThreads(1, 1)); }
var pool = new Pool();
pool.Publish([new Endpoint("default", "a", "127.0.0.1", 18000)]);
var metrics = new EppMetrics();
var options = new ExtProcOptions();
using var logging = new LineLoggerProvider(false, LogLevel.Information, TimeProvider.System, Console.OpenStandardError());
var logger = logging.CreateLogger("x");
var services = new StreamServices(pool, new Director(pool, new Scheduler(), metrics, options, new PickLog(logger)), metrics, options, new BodyBudget(1 << 30), TimeProvider.System, logger);
var ext = new ExtProcService(services, logger);
await using var server = new EppServer(new EppServerOptions(int.Parse(args[0]), int.Parse(args[0]) + 1, int.Parse(args[0]) + 2, null, new GrpcOptions()),
    new() { [ExtProcService.ProcessPath] = ext.ProcessAsync }, [], _ => Task.CompletedTask, TimeProvider.System, logging);
await server.StartAsync();
Console.WriteLine("up");
await Task.Delay(-1);
