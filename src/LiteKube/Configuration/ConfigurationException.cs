namespace LiteKube.Configuration;

/// <summary>What the user gave cannot be used; the message is one line with the place and the way out.</summary>
internal sealed class ConfigurationException(string message) : Exception(message);
