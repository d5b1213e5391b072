namespace ThinkSound.Reasoning.Hosting;

/// <summary>A provider in a host: what it is asked before or after, and how it is made.</summary>
public sealed class ReasoningProvider
{
    /// <summary>Preference of the user's own words, before all others.</summary>
    public const int Words = 0;
    /// <summary>Preference of chat models.</summary>
    public const int Chat = 100;
    /// <summary>Preference of what comes with the project and needs nothing else: the last to be asked.</summary>
    public const int Recogniser = 1000;

    internal ReasoningProvider(int preference, Func<IServiceProvider, IReasoner?> create) => (Preference, Create) = (preference, create);

    internal int Preference { get; }
    internal Func<IServiceProvider, IReasoner?> Create { get; }
}
