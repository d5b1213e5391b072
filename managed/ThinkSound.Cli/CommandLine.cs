using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Reflection;

namespace ThinkSound.Cli;

/// <summary>The table of commands, and what is the same for all of them: help, errors, Ctrl-C.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args)
    {
        Terminal.UseUtf8();
        var terminal = new Terminal();
        if (!Terminal.HasOutput)
        {
            terminal.WriteLine("thinksound: standard output is closed");
            return ExitCode.Failed;
        }
        using var interruption = new Interruption(terminal);
        var verbose = new Option<bool>("--verbose") { Description = "Say more: memory plan, log of the native library, where an error came from." };
        ParseResult parsed = Create(terminal, verbose).Parse(args, new ParserConfiguration
        {
            ResponseFileTokenReplacer = null, // a caption may begin with "@"
        });
        if (parsed.Errors.Count > 0)
        {
            // An unknown option is taken for an argument where one is still free.
            IEnumerable<string> unknown = parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens)
                .Where(token => token.Value.StartsWith("--", StringComparison.Ordinal)).Select(token => $"unknown option {token.Value}");
            foreach (string error in unknown.Concat(parsed.Errors.Select(error => error.Message)).Distinct()) terminal.WriteLine($"thinksound: {error}");
            terminal.WriteLine($"See: {Path(parsed.CommandResult)} --help");
            return ExitCode.Usage;
        }
        try
        {
            // Its own handling of signals would end the program after two seconds, in the middle of a step.
            var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(invocation, interruption.Token);
        }
        catch (Exception e)
        {
            terminal.EndLive();
            int code = interruption.Token.IsCancellationRequested && e is OperationCanceledException ? ExitCode.Cancelled : ExitCode.Of(e);
            terminal.WriteLine(code == ExitCode.Cancelled ? "cancelled" : $"thinksound: {Describe(e)}");
            if (parsed.GetValue(verbose)) terminal.WriteLine(e.ToString());
            // What native code may still do on other threads must not run into the end of its library.
            if (code == ExitCode.Cancelled) Interruption.ExitNow(code);
            return code;
        }
    }

    private static RootCommand Create(Terminal terminal, Option<bool> verbose)
    {
        var root = new RootCommand("Video, text or sound in, 44.1 kHz stereo sound out.")
        {
            GenerateCommand.Create(terminal, verbose),
            PlotCommand.Create(terminal),
            ReasonCommand.Create(terminal, verbose),
            RefineCommand.Create(terminal, verbose),
            ProjectCommand.Create(terminal, verbose),
            EditCommand.Create(terminal, verbose),
            VerifyCommand.Create(terminal),
            BenchCommand.Create(terminal),
            InfoCommand.Create(terminal),
            DoctorCommand.Create(terminal),
        };
        NumberText.ReadIn(root);
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction help }) option.Action = new HelpWithExitCodes(help);
            if (option is VersionOption) option.Action = new ShowVersion();
        }
        return root;
    }

    /// <summary>The message for people: an exception of a missing library hides it one level down.</summary>
    public static string Describe(Exception e) => e switch
    {
        TypeInitializationException { InnerException: { } inner } => Describe(inner),
        AggregateException { InnerException: { } inner } => Describe(inner),
        ArgumentException { ParamName: { } name } => e.Message.Replace($" (Parameter '{name}')", ""),
        OperationCanceledException => "cancelled",
        OutOfMemoryException => "memory ran out; try a shorter duration, --precision bf16 or a smaller model",
        ThinkSoundException or UsageException or ArgumentException or IOException => e.Message,
        _ => $"{e.Message} ({e.GetType().Name}; --verbose tells where)",
    };

    /// <summary>"thinksound project new".</summary>
    private static string Path(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{Path(parent)} {result.Command.Name}" : "thinksound";

    private sealed class HelpWithExitCodes(HelpAction help) : SynchronousCommandLineAction
    {
        /// <summary>Who asks how a command is called has not called it wrongly.</summary>
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int code = help.Invoke(parseResult);
            if (parseResult.CommandResult.Command.Name == "generate") Console.Out.WriteLine(GenerateCommand.Examples);
            Console.Out.WriteLine(ExitCode.Help);
            return code;
        }
    }

    private sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            Console.Out.WriteLine($"thinksound {Version}");
            return ExitCode.Done;
        }
    }

    /// <summary>"0.1.0+commit".</summary>
    public static string Version { get; } =
        typeof(CommandLine).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
