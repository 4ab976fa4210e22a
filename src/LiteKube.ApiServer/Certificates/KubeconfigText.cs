using System.Text;

namespace LiteKube.ApiServer.Certificates;

/// <summary>A kubeconfig file (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/) with its certificates inside.</summary>
public static class KubeconfigText
{
    public static string Write(string server, string clusterName, string userName, string authorityPem, string certificatePem, string keyPem) => $"""
        apiVersion: v1
        kind: Config
        clusters:
        - name: {clusterName}
          cluster:
            server: {server}
            certificate-authority-data: {Base64(authorityPem)}
        users:
        - name: {userName}
          user:
            client-certificate-data: {Base64(certificatePem)}
            client-key-data: {Base64(keyPem)}
        contexts:
        - name: {clusterName}
          context:
            cluster: {clusterName}
            user: {userName}
        current-context: {clusterName}

        """;

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
