namespace ThinkSound.Rendering;

/// <summary>What is to be given a sound does not allow it: there is no video in it, or it is too long.</summary>
public sealed class InputException(string message) : ThinkSoundException(message);
