using ThinkSound.Bundles;

namespace ThinkSound.Tests.Bundles;

public class FileFingerprintTests
{
    [Test]
    public void A_copy_of_a_small_file_is_the_same_file_and_a_changed_byte_is_not()
    {
        string folder = Directory.CreateTempSubdirectory("ts-fingerprint").FullName;
        try
        {
            string a = Path.Combine(folder, "a"), b = Path.Combine(folder, "b");
            File.WriteAllText(a, "some content");
            File.Copy(a, b);
            File.SetLastWriteTimeUtc(b, DateTime.UtcNow.AddDays(-3));
            Assert.That(FileFingerprint.Of(b), Is.EqualTo(FileFingerprint.Of(a)).And.Length.EqualTo(64));
            File.WriteAllText(b, "some c0ntent");
            Assert.That(FileFingerprint.Of(b), Is.Not.EqualTo(FileFingerprint.Of(a)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void A_large_file_is_told_by_its_length_its_time_and_its_samples()
    {
        string path = Path.GetTempFileName();
        try
        {
            using (FileStream file = File.OpenWrite(path)) file.SetLength((64L << 20) + 12345); // sparse
            DateTime time = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
            string Print()
            {
                File.SetLastWriteTimeUtc(path, time);
                return FileFingerprint.Of(path);
            }

            string first = Print();
            Assert.That(Print(), Is.EqualTo(first));
            foreach (long at in (long[])[0, (64L << 20) + 12344])
            {
                Flip(at);
                Assert.That(Print(), Is.Not.EqualTo(first), $"byte {at}");
                Flip(at);
            }
            Assert.That(Print(), Is.EqualTo(first));
            time = time.AddSeconds(1);
            Assert.That(Print(), Is.Not.EqualTo(first), "another time");
        }
        finally
        {
            File.Delete(path);
        }

        void Flip(long at)
        {
            using FileStream file = File.Open(path, FileMode.Open);
            file.Position = at;
            int value = file.ReadByte();
            file.Position = at;
            file.WriteByte((byte)(value ^ 1));
        }
    }
}
