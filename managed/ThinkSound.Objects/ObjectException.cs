namespace ThinkSound.Objects;

/// <summary>The object that was pointed at cannot be had: nothing stands out there, it is lost at once, or a segmenter's model does
/// not fit. The message says what to try instead.</summary>
public sealed class ObjectException(string message, Exception? innerException = null) : ThinkSoundException(message, innerException);
