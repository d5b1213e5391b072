using ThinkSound.Interop;

namespace ThinkSound.Tests.Interop;

public sealed class StatusTests
{
    private static readonly Dictionary<ts_status, Type> Table = new()
    {
        [ts_status.TS_INVALID_ARGUMENT] = typeof(ArgumentException),
        [ts_status.TS_BUFFER_TOO_SMALL] = typeof(ThinkSoundException),
        [ts_status.TS_NOT_FOUND] = typeof(ResourceNotFoundException),
        [ts_status.TS_IO_ERROR] = typeof(FileAccessException),
        [ts_status.TS_BAD_WEIGHTS] = typeof(WeightsException),
        [ts_status.TS_BAD_BUNDLE] = typeof(BundleException),
        [ts_status.TS_BAD_MEDIA] = typeof(MediaException),
        [ts_status.TS_OUT_OF_MEMORY] = typeof(DeviceMemoryException),
        [ts_status.TS_DEVICE_ERROR] = typeof(DeviceException),
        [ts_status.TS_CANCELLED] = typeof(OperationCanceledException),
        [ts_status.TS_UNSUPPORTED] = typeof(UnsupportedException),
        [ts_status.TS_INTERNAL] = typeof(ThinkSoundException),
    };

    [Test]
    public void Every_status_has_its_exception_with_the_librarys_sentence()
    {
        Assert.That(Table.Keys.Append(ts_status.TS_OK), Is.EquivalentTo(Enum.GetValues<ts_status>()));
        using (Assert.EnterMultipleScope())
        {
            foreach (var (status, type) in Table)
            {
                Exception exception = Status.ToException(status, "the file is short");
                Assert.That(exception, Is.TypeOf(type), status.ToString());
                Assert.That(exception.Message, Does.Contain("the file is short"));
            }
        }
    }

    [Test]
    public void An_empty_sentence_is_replaced_by_the_name_of_the_status() =>
        Assert.That(Status.ToException(ts_status.TS_BAD_WEIGHTS, "").Message, Is.EqualTo("TS_BAD_WEIGHTS"));

    [Test]
    public void An_internal_fault_asks_to_be_reported() =>
        Assert.That(Status.ToException(ts_status.TS_INTERNAL, "impossible").Message, Does.Contain("report"));

    [Test]
    public void A_cancelled_run_carries_its_token()
    {
        using var source = new CancellationTokenSource();
        var exception = (OperationCanceledException)Status.ToException(ts_status.TS_CANCELLED, "", source.Token);
        Assert.That(exception.CancellationToken, Is.EqualTo(source.Token));
    }

    [TestCase(typeof(Precision), typeof(ts_precision))]
    [TestCase(typeof(BundleComponents), typeof(ts_components), Description = "plus None, which C has no name for")]
    [TestCase(typeof(Sampler), typeof(ts_sampler))]
    [TestCase(typeof(LengthRule), typeof(ts_length_rule))]
    [TestCase(typeof(GenerateStage), typeof(ts_stage))]
    [TestCase(typeof(JobState), typeof(ts_job_state))]
    [TestCase(typeof(TextEncoder), typeof(ts_text_encoder))]
    [TestCase(typeof(ThinkSound.Networks.TensorType), typeof(ts_dtype))]
    public void Public_constants_have_the_values_of_the_header(Type managed, Type native)
    {
        static long[] Values(Type type) => [.. Enum.GetValuesAsUnderlyingType(type).Cast<object>().Select(Convert.ToInt64)];
        Assert.That(Values(managed).Where(v => v != 0 || managed != typeof(BundleComponents)), Is.EquivalentTo(Values(native)));
    }

    [Test]
    public void A_fixed_buffer_without_its_NUL_is_read_to_its_end()
    {
        unsafe
        {
            byte* buffer = stackalloc byte[4] { (byte)'c', (byte)'p', (byte)'u', (byte)'!' };
            Assert.That(Utf8.Read(buffer, 4), Is.EqualTo("cpu!"));
            buffer[3] = 0;
            Assert.That(Utf8.Read(buffer, 4), Is.EqualTo("cpu"));
            buffer[0] = 0;
            Assert.That(Utf8.Read(buffer, 4), Is.Empty);
            Assert.That(Utf8.Read(null), Is.Empty);
        }
    }
}
