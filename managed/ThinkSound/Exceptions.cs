namespace ThinkSound;

/// <summary>Something that the library could not do. The message carries the facts, names the file and says the fix.
/// A cancelled run is an <see cref="OperationCanceledException"/>, a bad argument an <see cref="ArgumentException"/>.</summary>
public class ThinkSoundException : Exception
{
    /// <summary>An exception with a sentence for a human.</summary>
    public ThinkSoundException(string message) : base(message) { }

    /// <summary>An exception with a sentence for a human and what led to it.</summary>
    public ThinkSoundException(string message, Exception? innerException) : base(message, innerException) { }
}

/// <summary>The native library is not there, does not load, or does not fit this assembly. The message lists every place
/// that was looked at.</summary>
public sealed class NativeLibraryException(string message, Exception? innerException = null)
    : ThinkSoundException(message, innerException);

/// <summary>A file, a component of the bundle or a device is not there.</summary>
public sealed class ResourceNotFoundException(string message) : ThinkSoundException(message);

/// <summary>The system refused to read or write a file.</summary>
public sealed class FileAccessException(string message) : ThinkSoundException(message);

/// <summary>A weight file is damaged or does not fit its configuration.</summary>
public sealed class WeightsException(string message) : ThinkSoundException(message);

/// <summary>bundle.json, a configuration or a tokenizer file is damaged.</summary>
public sealed class BundleException(string message) : ThinkSoundException(message);

/// <summary>A video or sound cannot be decoded or encoded.</summary>
public sealed class MediaException(string message) : ThinkSoundException(message);

/// <summary>The system, or the engine's <see cref="EngineOptions.MemoryCapBytes"/>, refused memory.</summary>
public sealed class DeviceMemoryException(string message) : ThinkSoundException(message);

/// <summary>The device is missing, lost or failed.</summary>
public sealed class DeviceException(string message) : ThinkSoundException(message);

/// <summary>The request is valid, but this bundle, device or build cannot do it.</summary>
public sealed class UnsupportedException(string message) : ThinkSoundException(message);
