using ThinkSound.Cli;

return await CommandLine.RunAsync(args);
