namespace ThinkSound.Projects;

/// <summary>Sound of a project: what is there, by its content, and room for more. Any thread; readers and writers one at a time
/// each. Sound is read and written in blocks, so that length costs no memory.</summary>
public interface IStemStore
{
    /// <summary>Opens sound that is there.</summary>
    /// <exception cref="ProjectException">Its file is missing or damaged.</exception>
    StemReader Open(StemAudio audio);

    /// <summary>Begins new sound. It is kept with the operation that is being rendered; given up, it leaves nothing.</summary>
    /// <param name="start">Sample of the project at which it begins.</param>
    /// <exception cref="ProjectException">The folder cannot be written.</exception>
    StemWriter Create(long start = 0);

    /// <summary>Keeps bytes.</summary>
    /// <exception cref="ProjectException">The folder cannot be written, or the disk is full.</exception>
    StoredBlob Put(ReadOnlySpan<byte> bytes);

    /// <summary>Reads bytes that are there.</summary>
    /// <exception cref="ProjectException">Their file is missing or damaged.</exception>
    byte[] Get(StoredBlob blob);
}
