// What a token costs, by how many came before it: with the key/value cache in its buffers, and by reading everything again.
//
//   dotnet run -c Release --project bench/managed/ThinkSound.Reasoning.Onnx.Bench [LAYERS HIDDEN THREADS]     default 8 256 1
//
// The model has random weights and the shape of a small SmolVLM. A row is the best of its steps, as cores may be shared. The graph
// itself joins past and present, so with a cache a token still moves the whole cache once: that is the part that rises.

using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.AI;
using ThinkSound.Reasoning.Onnx;
using ThinkSound.Reasoning.Onnx.Families;
using ThinkSound.Reasoning.Onnx.Graphs;
using ThinkSound.Reasoning.Onnx.Tests.Models;

int[] sizes = args.Length == 3 ? [.. args.Select(int.Parse)] : [8, 256, 1];
const int steps = 16, longest = 2048;
var tiny = new TinyModel("smolvlm", KeepsLogits: true) { Layers = sizes[0], Hidden = sizes[1], Heads = 8, KeyHeads = 4, Context = 2 * longest };
string folder = Directory.CreateTempSubdirectory("ts-onnx-bench").FullName;
try
{
    tiny.Write(folder);
    using OnnxMultimodalModel model = await OnnxMultimodalModel.LoadAsync(folder, new OnnxModelOptions { Threads = sizes[2] });
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tiny.Layers} layers of {tiny.Hidden}, {tiny.KeyHeads} key heads, {sizes[2]} threads\n"));
    Console.WriteLine("   tokens   cached, ms   cache, MB   allocated, B   read again, ms");
    for (int length = 32; length <= longest; length *= 2)
    {
        Prompt prompt = Of(model, length);
        using var decoding = new Decoding(model.Graphs, prompt, length + steps + 1);
        decoding.ReadPrompt(default);
        long before = 0;
        double cached = Best(steps, i =>
        {
            if (i == 1) before = GC.GetAllocatedBytesForCurrentThread(); // the first step may compile
            decoding.ReadToken(i, default);
        });
        long allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / (steps - 1);
        double again = Best(3, _ =>
        {
            using var whole = new Decoding(model.Graphs, prompt, length + 1);
            whole.ReadPrompt(default);
        });
        double megabytes = model.Graphs.Cache.Sum(tensor => (double)tensor.Heads * tensor.HeadDim * sizeof(float)) * length / 1e6;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{length,9}{cached,13:f2}{megabytes,12:f2}{allocated,15}{again,17:f1}"));
    }
}
finally { Directory.Delete(folder, recursive: true); }

static Prompt Of(OnnxMultimodalModel model, int length)
{
    Prompt prompt = model.Prepare([new ChatMessage(ChatRole.User, string.Concat(Enumerable.Repeat("zq", length)))]);
    return new Prompt(prompt.Tokens[..length], [], new Positions(prompt.Positions.Ids[..length], 1, length));
}

static double Best(int count, Action<int> run) => Enumerable.Range(0, count).Min(i =>
{
    long start = Stopwatch.GetTimestamp();
    run(i);
    return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
});
