namespace ThinkSound.Rendering;

/// <summary>A result cannot be written: the folder is read-only or missing, the disk is full, or the file exists already.</summary>
public sealed class OutputException(string message, Exception? innerException = null) : ThinkSoundException(message, innerException);
