using System.Text;
using ThinkSound.Bundles;

namespace ThinkSound.Tests.Bundles;

public class BundleDescriptionTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("ts-description").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    private string At(string name) => Path.Combine(_folder, name);

    private void WriteBundle(string name = "m")
    {
        File.WriteAllText(At("bundle.json"), """
            {"format": "thinksound-bundle", "version": 1, "name": "NAME", "license": "CC0-1.0", "origin": "nowhere",
             "components": {"t5": {"config": {"d_model": 8}, "files": ["w.safetensors"], "prefix": "x.", "tokenizer": {"type": "sentencepiece", "file": "s.model"}}}}
            """.Replace("NAME", name));
        WriteWeights("""{"__metadata__": {"a": "b"}, "x.a": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}, "x.b": {"dtype": "F32", "shape": [], "data_offsets": [12, 16]}, "y": {"dtype": "F32", "shape": [9], "data_offsets": [16, 52]}}""", 52);
        File.WriteAllText(At("s.model"), "model");
    }

    private void WriteWeights(string header, int bytes)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(At("w.safetensors"), [.. BitConverter.GetBytes((long)json.Length), .. json, .. new byte[bytes]]);
    }

    [Test]
    public void A_bundle_tells_its_networks_and_their_parameters()
    {
        WriteBundle();
        foreach (string path in (string[])[_folder, At("bundle.json")])
        {
            BundleDescription bundle = BundleDescription.Read(path);
            Assert.That((bundle.Name, bundle.Version, bundle.License, bundle.Origin, bundle.SampleRate), Is.EqualTo(("m", 1, "CC0-1.0", "nowhere", 44100)));
            BundleComponent t5 = bundle.Find("t5")!;
            Assert.That(t5.Files, Is.EqualTo(new[] { At("w.safetensors") }));
            Assert.That(t5.Tokenizer, Is.EqualTo(At("s.model")));
            Assert.That(t5.CountParameters(), Is.EqualTo(new Dictionary<string, long> { ["F16"] = 6, ["F32"] = 1 }), "only what the prefix names");
            Assert.That(bundle.Find("vae"), Is.Null);
        }
    }

    [Test]
    public void Scales_of_8_bit_weights_are_no_parameters()
    {
        WriteBundle();
        WriteWeights("""{"x.a": {"dtype": "I8", "shape": [2, 4], "data_offsets": [0, 8]}, "x.a.scale": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}, "x.b.scale": {"dtype": "F32", "shape": [1], "data_offsets": [16, 20]}}""", 20);
        Assert.That(BundleDescription.Read(_folder).Find("t5")!.CountParameters(), Is.EqualTo(new Dictionary<string, long> { ["I8"] = 8, ["F32"] = 1 }));
    }

    [Test]
    public void A_fingerprint_follows_weights_and_configuration_but_not_the_name()
    {
        WriteBundle();
        string first = BundleDescription.Read(_folder).Fingerprint();
        WriteBundle("renamed");
        Assert.That(BundleDescription.Read(_folder).Fingerprint(), Is.EqualTo(first));
        Assert.That(BundleDescription.Read(_folder).Fingerprint("vae"), Is.Not.EqualTo(first), "of other networks");
        byte[] weights = File.ReadAllBytes(At("w.safetensors"));
        weights[^1] ^= 1;
        File.WriteAllBytes(At("w.safetensors"), weights);
        Assert.That(BundleDescription.Read(_folder).Fingerprint(), Is.Not.EqualTo(first));
        File.Delete(At("s.model"));
        Assert.That(() => BundleDescription.Read(_folder).Fingerprint(), Throws.TypeOf<FileAccessException>().With.Message.Contains("s.model"));
    }

    [TestCase("""{"recogniser": {"config": {"onset_threshold": 0.3}}}""", 0.3)]
    [TestCase("""{"recogniser": {"config": {}}}""", 0.5)]
    [TestCase("""{"t5": {"config": {"onset_threshold": 0.3}}}""", 0.5)]
    public void A_recogniser_says_from_which_probability_on_its_onsets_count(string components, double threshold) =>
        Assert.That(BundleDescription.Parse(Encoding.UTF8.GetBytes($$"""{"components": {{components}}}"""), "test").OnsetThreshold, Is.EqualTo(threshold));

    [TestCase("""{"object_streams": ["sync", "caption"]}""", ConditionStreams.Sync | ConditionStreams.Caption)]
    [TestCase("""{"object_streams": ["clip", "sync", "caption", "cot"]}""", ConditionStreams.All)]
    [TestCase("""{"cfg_scale": 3}""", ConditionStreams.All)]
    public void A_bundle_says_what_its_model_makes_the_sound_of_an_object_from(string defaults, ConditionStreams streams) =>
        Assert.That(BundleDescription.Parse(Encoding.UTF8.GetBytes($$"""{"components": {}, "defaults": {{defaults}}}"""), "test").ObjectStreams, Is.EqualTo(streams));

    [TestCase("""{"object_candidates": 4, "edit_candidates": 2}""", """{"listener": {"config": {}}}""", 4, 2)]
    [TestCase("""{"object_candidates": 64}""", """{"listener": {"config": {}}}""", 64, 1)]
    [TestCase("""{"object_candidates": 4, "edit_candidates": 4}""", "{}", 1, 1)]
    public void A_bundle_says_how_many_candidates_of_objects_and_edits_its_listener_chooses_among(string defaults, string components, int objects, int edits)
    {
        BundleDescription bundle = BundleDescription.Parse(Encoding.UTF8.GetBytes($$"""{"components": {{components}}, "defaults": {{defaults}}}"""), "test");
        Assert.That((bundle.ObjectCandidates, bundle.EditCandidates, bundle.Defaults.Candidates), Is.EqualTo((objects, edits, (int?)null)));
    }

    [TestCase("""{"object_avoid": {"bell": "a fist knocks on a door"}}""", "a fist knocks on a door")]
    [TestCase("""{"object_avoid": {"bell": "rain", "bell": "wind"}}""", "rain")]
    [TestCase("""{"cfg_scale": 3}""", null)]
    public void A_bundle_says_what_the_sound_of_an_object_passes_for(string defaults, string? bell) =>
        Assert.That(BundleDescription.Parse(Encoding.UTF8.GetBytes($$"""{"components": {}, "defaults": {{defaults}}}"""), "test").ObjectAvoid.GetValueOrDefault("bell"), Is.EqualTo(bell));

    [TestCase("")]
    [TestCase("[]")]
    [TestCase("{}")]
    [TestCase("""{"components": []}""")]
    [TestCase("""{"components": {}, "defaults": {"object_streams": ["smell"]}}""")]
    [TestCase("""{"components": {}, "defaults": {"object_streams": []}}""")]
    [TestCase("""{"components": {}, "defaults": {"object_avoid": "a bell"}}""")]
    [TestCase("""{"components": {}, "defaults": {"object_avoid": {"bell": null}}}""")]
    [TestCase("""{"components": {}, "defaults": {"object_candidates": 0}}""")]
    [TestCase("""{"components": {}, "defaults": {"edit_candidates": 65}}""")]
    [TestCase("""{"components": {}, "defaults": {"edit_candidates": 1.5}}""")]
    [TestCase("""{"components": {"t5": 1}}""")]
    [TestCase("""{"components": {"t5": {}}}""")]
    [TestCase("""{"components": {"t5": {"config": {}, "files": 3}}}""")]
    [TestCase("""{"components": {"t5": {"config": {}, "files": [3]}}}""")]
    public void What_is_no_description_is_refused_by_name(string json)
    {
        File.WriteAllText(At("bundle.json"), json);
        Assert.That(() => BundleDescription.Read(_folder), Throws.TypeOf<BundleException>().With.Message.Contains("bundle.json"));
    }

    [Test]
    public void A_missing_bundle_says_what_to_give() =>
        Assert.That(() => BundleDescription.Read(At("none")), Throws.TypeOf<ResourceNotFoundException>().With.Message.Contains("bundle.json"));

    [TestCase("{", 0)]
    [TestCase("[]", 0)]
    [TestCase("""{"a": {"dtype": "F32"}}""", 0)]
    [TestCase("""{"a": {"dtype": "F32", "shape": [9223372036854775807, 4]}}""", 0)]
    public void Damaged_weight_headers_are_refused_by_name(string header, int bytes)
    {
        WriteBundle();
        WriteWeights(header, bytes);
        Assert.That(() => BundleDescription.Read(_folder).Find("t5")!.CountParameters(), Throws.TypeOf<WeightsException>().With.Message.Contains("w.safetensors"));
    }

    [Test]
    public void A_header_that_claims_more_than_the_file_is_refused_before_it_is_read()
    {
        WriteBundle();
        File.WriteAllBytes(At("w.safetensors"), [.. BitConverter.GetBytes(long.MaxValue), 1, 2, 3]);
        Assert.That(() => BundleDescription.Read(_folder).Find("t5")!.CountParameters(), Throws.TypeOf<WeightsException>());
        File.WriteAllBytes(At("w.safetensors"), [1, 2]);
        Assert.That(() => BundleDescription.Read(_folder).Find("t5")!.CountParameters(), Throws.TypeOf<WeightsException>());
    }
}
