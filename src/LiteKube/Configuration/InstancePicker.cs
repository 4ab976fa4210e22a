using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using LiteKube.Commands;

namespace LiteKube.Configuration;

/// <summary>
/// Chooses, once, what an instance beside the default one must have for itself (ports, networks, bridge) and was not
/// given, and keeps it in DATA/instance.yaml. The default instance uses the documented numbers and fails loudly when
/// they are taken.
/// </summary>
internal static class InstancePicker
{
    private const int Candidates = 120;

    public static InstanceConfig PickMissing(InstanceConfig config)
    {
        if (config.IsDefaultInstance || File.Exists(config.InstanceFile))
            return config;

        if (NetworkInterface.GetAllNetworkInterfaces().Any(i => i.Name == config.Bridge))
            throw new ConfigurationException($"the network bridge {config.Bridge} is left from an earlier cluster in {config.DataDir}; remove that first: sudo litekube reset --data-dir {config.DataDir}");

        // Two instances that start for the first time at once must not see the same numbers as free.
        using var lockFile = OpenLock();
        var first = int.Parse(config.Suffix[..4], NumberStyles.HexNumber, CultureInfo.InvariantCulture) % Candidates;
        for (var i = 0; i < Candidates; i++)
        {
            var picked = Candidate((first + i) % Candidates, config.Bridge);
            var candidate = config.WithPicked(picked);
            if (!IsFree(candidate, portsGiven: (config.Value(Settings.ApiPort) is not null, config.Value(Settings.KubeletPort) is not null)))
                continue;
            Write(config.InstanceFile, picked);
            return candidate;
        }
        throw new ConfigurationException("found no free ports and networks for another instance; name them with --api-port, --kubelet-port, --pod-cidr, --service-cidr and --bridge");
    }

    /// <exception cref="CommandException">One of the instance's own ports is taken.</exception>
    public static void RequirePorts(InstanceConfig config)
    {
        foreach (var (setting, port) in ((Setting, int)[])[(Settings.ApiPort, config.ApiPort), (Settings.KubeletPort, config.KubeletPort)])
        {
            if (!CanListen(port))
                throw new CommandException($"port {port} is taken by another program (ss -ltnp 'sport = {port}' names it); stop that, or choose another port with {setting.Option}");
        }
    }

    private static FileStream OpenLock()
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return new FileStream("/run/litekube-instances.lock", new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, Options = FileOptions.DeleteOnClose });
            }
            catch (IOException) when (attempt < 100)
            {
                using var pause = new ManualResetEventSlim();
                pause.Wait(TimeSpan.FromMilliseconds(20));
            }
            catch (UnauthorizedAccessException)
            {
                throw new ConfigurationException("starting an instance needs root; run it with sudo");
            }
        }
    }

    private static Dictionary<string, string> Candidate(int n, string bridge) => new(StringComparer.Ordinal)
    {
        [Settings.ApiPort.Key] = (16600 + n).ToString(CultureInfo.InvariantCulture),
        [Settings.KubeletPort.Key] = (16800 + n).ToString(CultureInfo.InvariantCulture),
        [Settings.PodCidr.Key] = $"10.{130 + n}.0.0/16",
        [Settings.ServiceCidr.Key] = $"10.129.{n}.0/24",
        [Settings.Bridge.Key] = bridge,
    };

    /// <summary>A given port that is taken is the server's to report: another candidate would not change it.</summary>
    private static bool IsFree(InstanceConfig config, (bool Api, bool Kubelet) portsGiven)
    {
        var routes = File.ReadLines("/proc/net/route").Skip(1).Select(ParseRoute).Where(r => r.PrefixLength > 0);
        if (routes.Any(route => Overlap(route, config.PodCidr) || Overlap(route, config.ServiceCidr)))
            return false;
        return (portsGiven.Api || CanListen(config.ApiPort)) && (portsGiven.Kubelet || CanListen(config.KubeletPort));
    }

    private static IPNetwork ParseRoute(string line)
    {
        var fields = line.Split('\t');
        static uint Reverse(string hex) => System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(uint.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        var mask = Reverse(fields[7]);
        var bytes = new byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, Reverse(fields[1]) & mask);
        return new IPNetwork(new IPAddress(bytes), System.Numerics.BitOperations.PopCount(mask));
    }

    private static bool Overlap(IPNetwork a, IPNetwork b) => a.Contains(b.BaseAddress) || b.Contains(a.BaseAddress);

    private static bool CanListen(int port)
    {
        try
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void Write(string path, Dictionary<string, string> picked)
    {
        var text = new StringBuilder("# Chosen when this instance first started; its pods and certificates depend on it.\n");
        foreach (var (key, value) in picked)
            text.Append(CultureInfo.InvariantCulture, $"{key}: {value}\n");
        var temporary = path + ".new";
        File.WriteAllText(temporary, text.ToString());
        File.Move(temporary, path, overwrite: true);
    }
}
