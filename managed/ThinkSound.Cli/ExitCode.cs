namespace ThinkSound.Cli;

/// <summary>What the program answers the shell with.</summary>
internal static class ExitCode
{
    public const int Done = 0, Failed = 1, Usage = 2, BadInput = 3, Environment = 4, Cancelled = 130;

    public const string Help =
        """
        Exit codes:
          0    done
          1    failed; of verify, over tolerance; of a folder, some files failed
          2    usage: unknown option, value out of range, output exists already
          3    bad input: a video, bundle, weight, reasoning or project file is missing, damaged or unfit
          4    environment: a library, device, memory or chat server is missing
          130  cancelled
        """;

    /// <summary>The code that an exception stands for.</summary>
    public static int Of(Exception e) => e switch
    {
        OperationCanceledException => Cancelled,
        UsageException or ArgumentException => Usage,
        Rendering.InputException or Objects.ObjectException or MediaException or Reasoning.Onnx.ReasoningModelException or WeightsException or BundleException or ResourceNotFoundException or
            FileAccessException or FileNotFoundException or DirectoryNotFoundException => BadInput,
        NativeLibraryException or DeviceException or DeviceMemoryException or UnsupportedException or OutOfMemoryException or
            DllNotFoundException => Environment,
        Reasoning.ReasoningException reasoning => reasoning.Failure switch
        {
            Reasoning.ReasoningFailure.BadFile => BadInput,
            Reasoning.ReasoningFailure.NotConfigured or Reasoning.ReasoningFailure.Unreachable or Reasoning.ReasoningFailure.Denied => Environment,
            _ => Failed,
        },
        Projects.ProjectException project => project.Failure switch
        {
            Projects.ProjectFailure.InTheWay or Projects.ProjectFailure.NothingThere => Usage,
            Projects.ProjectFailure.InUse or Projects.ProjectFailure.CannotWrite => Failed,
            _ => BadInput,
        },
        Projects.Editing.EditException { Problem: Projects.Editing.EditProblem.Impossible } => Failed,
        Projects.Editing.EditException => Usage,
        AggregateException { InnerException: { } inner } => Of(inner),
        TypeInitializationException { InnerException: { } inner } => Of(inner), // a library that is missing when first touched
        _ => Failed,
    };
}

/// <summary>The program was called in a way that makes no sense.</summary>
internal sealed class UsageException(string message) : Exception(message);
