namespace ThinkSound.Reasoning.Onnx;

/// <summary>A model folder is incomplete, damaged, or of a family that is not supported. The message names the file.</summary>
public sealed class ReasoningModelException(string message, Exception? innerException = null)
    : ThinkSoundException(message, innerException);
