// Makes a second of sound from words, and tells which libraries did it: the answer is the same however it is published.
//
//   sound BUNDLE OUT.wav
using System.Security.Cryptography;
using ThinkSound;

Console.WriteLine($"version {ThinkSoundRuntime.Version}");
foreach (DeviceInfo device in ThinkSoundRuntime.GetDevices().Where(device => device.IsAvailable)) Console.WriteLine($"device {device.Id}: {device.Detail}");

using ThinkSoundEngine engine = await ThinkSoundEngine.LoadAsync(args[0]);
using ThinkSoundSession session = engine.CreateSession();
AudioClip clip = await session.GenerateAsync(new Conditions { Caption = "rain on a tin roof" },
                                             new GenerateOptions { Duration = TimeSpan.FromSeconds(1), Steps = 2, Seed = 7 });
clip.SaveWav(args[1]);

foreach (string library in File.ReadLines("/proc/self/maps").Select(line => line[(line.IndexOf('/') is var at and >= 0 ? at : line.Length)..])
             .Where(path => path.Contains(".so")).Distinct())
    Console.WriteLine($"mapped {library}");
Console.WriteLine($"samples {clip.Samples}");
Console.WriteLine($"sha256 {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(args[1])))}");
