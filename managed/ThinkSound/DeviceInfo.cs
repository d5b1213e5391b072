namespace ThinkSound;

/// <summary>A device known to the native library, available or not.</summary>
/// <param name="Id">"cpu", "cpu:plain", "cuda:0": what <see cref="EngineOptions.Device"/> takes.</param>
/// <param name="Name">Processor or card as the system names it.</param>
/// <param name="IsAvailable">An engine can be created on it.</param>
/// <param name="Detail">Backend and instruction sets; or, when it is not available, why and what to do.</param>
/// <param name="MemoryBytes">Installed memory of the device; 0 if unknown.</param>
/// <param name="Threads">Worker threads that <see cref="EngineOptions.Threads"/> = 0 stands for; 0 if it is no CPU.</param>
/// <param name="HasBFloat16">Products of bf16 are faster than f32 here.</param>
public sealed record DeviceInfo(string Id, string Name, bool IsAvailable, string Detail, ulong MemoryBytes, int Threads,
                                bool HasBFloat16);
