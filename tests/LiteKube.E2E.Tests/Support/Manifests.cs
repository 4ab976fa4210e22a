namespace LiteKube.E2E.Tests.Support;

internal static class Manifests
{
    /// <summary>A web server whose every answer is "VERSION PODNAME", behind a NodePort Service of the same name.</summary>
    public static string WebApp(string ns, string name, int replicas, string version = "v1") => $$"""
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: '{{name}}', namespace: '{{ns}}'}
        spec:
          replicas: {{replicas}}
          selector:
            matchLabels: {app: '{{name}}'}
          template:
            metadata:
              labels: {app: '{{name}}'}
            spec:
              terminationGracePeriodSeconds: 5
              containers:
              - name: web
                image: busybox:e2e
                command: [sh, -c, 'echo "{{version}} $(hostname)" > /www/index.html; exec httpd -f -p 8080 -h /www']
                ports: [{name: http, containerPort: 8080}]
                readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1 }
                lifecycle: {preStop: {exec: {command: [sleep, '2'] } } }
                resources: {requests: {cpu: 10m, memory: 8Mi} }
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: '{{name}}', namespace: '{{ns}}'}
        spec:
          type: NodePort
          selector:
            app: '{{name}}'
          ports: [{port: 80, targetPort: http}]
        """;

    /// <summary>A pod that only waits, to run commands in.</summary>
    public static string Sleeper(string ns, string name) => $$"""
        apiVersion: v1
        kind: Pod
        metadata: {name: '{{name}}', namespace: '{{ns}}'}
        spec:
          terminationGracePeriodSeconds: 0
          containers: [{name: main, image: 'busybox:e2e', command: [sleep, '100000']}]
        """;
}
