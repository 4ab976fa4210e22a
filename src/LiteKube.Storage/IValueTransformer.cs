namespace LiteKube.Storage;

/// <summary>
/// What stands between values in memory and their bytes on disk: encryption, for the store's owner to provide. Keys and
/// revisions stay as they are.
/// </summary>
public interface IValueTransformer
{
    /// <summary>The form that <see cref="ToDisk"/> gives a value of this key now, compared by Equals; null: as it is.</summary>
    object? FormOf(string key);

    /// <summary>The bytes for the disk. Called by the one thread that writes; it does not fail.</summary>
    byte[] ToDisk(string key, byte[] value, out object? form);

    /// <summary>The value again. Called by any thread.</summary>
    /// <exception cref="ValueTransformException">The bytes cannot be read; the message says what is missing.</exception>
    byte[] FromDisk(string key, byte[] stored, out object? form);
}

/// <summary>Bytes on disk that the transformer cannot turn into a value.</summary>
public sealed class ValueTransformException(string message, Exception? innerException = null) : Exception(message, innerException);
