using System.Text.Json.Nodes;
using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>Keeps book of one golden file: takes what the networks hand out, compares it with what the file holds under the
/// same name, and says at the end what nobody has claimed.</summary>
internal sealed class GoldenLedger(GoldenFile file, Precision precision)
{
    private readonly Dictionary<string, VerificationResult> _results = new(StringComparer.Ordinal);

    /// <summary>One tensor of case <paramref name="scope"/> ("" where the file has a single one). The reference is
    /// <c>out.scope.name</c> or <c>mid.scope.name</c>, and their twins in double precision.</summary>
    public void Add(string scope, TensorView tensor, Tolerance tolerance) => Add(scope, tensor.Name, tensor.Type, tensor.Shape, tensor.Data, tolerance);

    public void Add(string scope, string name, TensorType type, ReadOnlySpan<long> shape, ReadOnlySpan<byte> data, Tolerance tolerance)
    {
        string path = scope.Length == 0 ? name : $"{scope}.{name}";
        foreach (string prefix in (ReadOnlySpan<string>)["out.", "mid."])
        {
            foreach (string suffix in (ReadOnlySpan<string>)["", ".f64"])
            {
                string key = prefix + path + suffix;
                if (file.Has(key)) Compare(key, type, shape, data, prefix == "mid." ? Tolerance.OfFloor(FloorOf(scope, name)) ?? tolerance : tolerance);
            }
        }
    }

    /// <summary>Compares with one key of the file, whatever the tensor is called.</summary>
    public void Compare(string key, TensorType type, ReadOnlySpan<long> shape, ReadOnlySpan<byte> data, Tolerance tolerance)
    {
        IReadOnlyList<long> wanted = file.ShapeOf(key);
        double[]? ours = Comparison.Leading(Comparison.ToDoubles(type, data), shape, wanted);
        if (ours is null)
        {
            string shapes = $"ours is [{string.Join(", ", shape.ToArray())}], the reference [{string.Join(", ", wanted)}]";
            _results[key] = new(file.Name, key, VerificationOutcome.Failed, double.NaN, double.NaN, 0, shapes);
            return;
        }
        Tensor reference = file.Read(key);
        Comparison.Figures figures = Comparison.Compare(ours, Comparison.ToDoubles(reference.Type, reference.Data.Span));
        tolerance = tolerance.In(precision);
        bool isZero = figures.ReferenceMax < Tolerance.NearlyZero;
        bool passed = isZero ? figures.MaxAbs <= tolerance.MaxAbs : figures.RelativeL2 <= tolerance.RelativeL2;
        Put(key, passed, figures, isZero ? tolerance.MaxAbs : tolerance.RelativeL2, isZero ? "largest difference, the reference is nearly zero" : "relative L2");
    }

    /// <summary>16-bit samples: at most 12 units apart, more than two in under one of twenty (goldens' README).</summary>
    public void CompareSamples(string key, TensorView tensor)
    {
        Tensor reference = file.Read(key);
        double[]? ours = Comparison.Leading(Comparison.ToDoubles(tensor.Type, tensor.Data), tensor.Shape, reference.Shape);
        if (ours is null)
        {
            _results[key] = new(file.Name, key, VerificationOutcome.Failed, double.NaN, double.NaN, 0, "another shape");
            return;
        }
        Comparison.Figures figures = Comparison.Compare(ours, Comparison.ToDoubles(reference.Type, reference.Data.Span));
        Put(key, figures.MaxAbs <= 12 && figures.DifferentBy3 < 0.05, figures, 12, $"units; {figures.DifferentBy3:P2} differ by more than 2");
    }

    public void Put(string key, bool passed, Comparison.Figures figures, double tolerance, string note) =>
        _results[key] = new(file.Name, key, passed ? VerificationOutcome.Passed : VerificationOutcome.Failed, figures.RelativeL2, figures.MaxAbs, tolerance, note);

    /// <summary>Something about the file as a whole, or a case of it.</summary>
    public void Fail(string key, string why) => _results[key] = new(file.Name, key, VerificationOutcome.Failed, double.NaN, double.NaN, 0, why);

    /// <summary>All results, with what was not claimed: outputs fail, intermediates and gradients are skips.</summary>
    public VerificationReport Close(string kind)
    {
        foreach (string key in file.Keys.Where(key => !_results.ContainsKey(key)))
        {
            bool isGradient = key.StartsWith("out.grad", StringComparison.Ordinal);
            if (key.StartsWith("mid.", StringComparison.Ordinal) || isGradient)
            {
                string why = isGradient ? "a gradient: the training twin checks it" : "this implementation has no such intermediate";
                _results[key] = new(file.Name, key, VerificationOutcome.Skipped, double.NaN, double.NaN, 0, why);
            }
            else if (key.StartsWith("out.", StringComparison.Ordinal))
            {
                Fail(key, "an output that no case of this file could be found for");
            }
        }
        if (!_results.Values.Any(result => result.Outcome == VerificationOutcome.Passed) && !_results.Values.Any(result => result.Outcome == VerificationOutcome.Failed))
            Fail("(file)", "nothing in this file could be compared");
        return new VerificationReport(file.Name, kind, [.. _results.Values.OrderBy(result => result.Key, StringComparer.Ordinal)]);
    }

    private JsonNode? FloorOf(string scope, string name)
    {
        JsonNode? floors = file.Json("floors");
        if (scope.Length > 0) floors = (floors as JsonObject)?[scope];
        return (floors as JsonObject)?[name];
    }
}
