namespace Epp.Native.Requests;

/// <summary>Placeholder of the contract; the scanner lands with the requests work.</summary>
public sealed class RequestScanner
{
}
