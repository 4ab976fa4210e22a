namespace LiteKube.ApiServer.Bootstrap;

internal static partial class BootstrapPolicyText
{
    public const string Controllers = """
        controller attachdetach-controller
          list,watch core persistentvolumes,persistentvolumeclaims
          READ core nodes
          patch,update core nodes/status
          list,watch core pods
          EVENTS
          get,create,delete,list,watch storage.k8s.io volumeattachments
          READ storage.k8s.io csidrivers,csinodes
        controller clusterrole-aggregation-controller
          escalate,get,list,watch,update,patch rbac.authorization.k8s.io clusterroles
        controller cronjob-controller
          get,list,watch,update batch cronjobs
          get,list,watch,create,update,delete,patch batch jobs
          update batch cronjobs/status,cronjobs/finalizers
          list,watch,delete core pods
          EVENTS
        controller daemon-set-controller
          READ extensions,apps daemonsets
          update extensions,apps daemonsets/status,daemonsets/finalizers
          list,watch core nodes
          list,watch,create,delete,patch core pods
          create core pods/binding
          get,list,watch,create,delete,update,patch apps controllerrevisions
          EVENTS
        controller deployment-controller
          get,list,watch,update extensions,apps deployments
          update extensions,apps deployments/status,deployments/finalizers
          get,list,watch,create,update,patch,delete apps,extensions replicasets
          get,list,watch,update core pods
          EVENTS
        controller disruption-controller
          READ extensions,apps deployments,replicasets
          READ core replicationcontrollers
          READ policy poddisruptionbudgets
          READ apps statefulsets
          update policy poddisruptionbudgets/status
          patch,update core pods/status
          get * */scale
          EVENTS
        controller endpoint-controller
          READ core services,pods
          get,list,watch,create,update,delete core endpoints
          create core endpoints/restricted
          EVENTS
        controller endpointslice-controller
          READ core services,pods,nodes
          update core services/finalizers
          get,list,watch,create,update,delete discovery.k8s.io endpointslices
          EVENTS
        controller endpointslicemirroring-controller
          READ core services,endpoints
          update core services/finalizers,endpoints/finalizers
          get,list,watch,create,update,delete discovery.k8s.io endpointslices
          EVENTS
        controller expand-controller
          get,list,watch,update,patch core persistentvolumes
          update,patch core persistentvolumeclaims/status
          READ core persistentvolumeclaims
          EVENTS
        controller ephemeral-volume-controller
          READ core pods
          update core pods/finalizers
          get,list,watch,create core persistentvolumeclaims
          EVENTS
        controller resource-claim-controller
          READ core pods
          update core pods/finalizers
          get,list,watch,create,delete resource.k8s.io resourceclaims
          update,patch resource.k8s.io resourceclaims,resourceclaims/status
          update,patch core pods/status
          EVENTS
        controller device-taint-eviction-controller
          get,list,watch,delete core pods
          update,patch core pods/status
          READ resource.k8s.io resourceclaims,resourceslices,deviceclasses,devicetaintrules
          EVENTS
        controller generic-garbage-collector
          get,list,watch,patch,update,delete * *
          EVENTS
        controller horizontal-pod-autoscaler
          READ autoscaling horizontalpodautoscalers
          update autoscaling horizontalpodautoscalers/status
          get,update * */scale
          list,watch core pods
          list metrics.k8s.io pods
          get,list custom.metrics.k8s.io,external.metrics.k8s.io *
          EVENTS
        controller job-controller
          get,list,watch,update,patch batch jobs
          update batch jobs/status,jobs/finalizers
          list,watch,create,delete,patch core pods
          EVENTS
        controller namespace-controller
          get,list,watch,delete core namespaces
          update core namespaces/finalize,namespaces/status
          get,list,delete,deletecollection * *
        controller node-controller
          get,list,watch,update,delete,patch core nodes
          patch,update core nodes/status,pods/status
          get,list,watch,delete core pods
          EVENTS
        controller persistent-volume-binder
          get,list,watch,update,create,delete core persistentvolumes
          update core persistentvolumes/status,persistentvolumeclaims/status
          get,list,watch,update core persistentvolumeclaims
          get,list,watch,create,delete core pods
          READ storage.k8s.io storageclasses
          list,watch core nodes
          watch core events
          EVENTS
        controller pod-garbage-collector
          list,watch,delete core pods
          READ core nodes
          patch core pods/status
        controller replicaset-controller
          get,list,watch,update apps,extensions replicasets
          update apps,extensions replicasets/status,replicasets/finalizers
          list,watch,patch,create,delete core pods
          EVENTS
        controller replication-controller
          get,list,watch,update core replicationcontrollers
          update core replicationcontrollers/status,replicationcontrollers/finalizers
          list,watch,patch,create,delete core pods
          EVENTS
        controller resourcequota-controller
          list,watch * *
          update core resourcequotas/status
          EVENTS
        controller route-controller
          list,watch core nodes
          patch core nodes/status
          EVENTS
        controller service-account-controller
          create core serviceaccounts
          EVENTS
        controller service-controller
          READ core services
          patch,update core services/status
          list,watch core nodes
          EVENTS
        controller service-cidrs-controller
          get,list,watch,patch,update networking.k8s.io servicecidrs
          patch,update networking.k8s.io servicecidrs/finalizers,servicecidrs/status
          READ networking.k8s.io ipaddresses
          EVENTS
        controller statefulset-controller
          list,watch core pods
          READ apps statefulsets
          update apps statefulsets/status,statefulsets/finalizers
          get,create,delete,update,patch core pods
          get,create,delete,update,patch,list,watch apps controllerrevisions
          get,create,list,watch,update,delete core persistentvolumeclaims
          update core pods/finalizers
          EVENTS
        controller ttl-controller
          update,patch,list,watch core nodes
          EVENTS
        controller certificate-controller
          get,list,watch,delete certificates.k8s.io certificatesigningrequests
          update certificates.k8s.io certificatesigningrequests/status,certificatesigningrequests/approval
          approve certificates.k8s.io signers @kubernetes.io/kube-apiserver-client-kubelet
          sign certificates.k8s.io signers @kubernetes.io/legacy-unknown,kubernetes.io/kube-apiserver-client,kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving
          create authorization.k8s.io subjectaccessreviews
          EVENTS
        controller pvc-protection-controller
          get,list,watch,update core persistentvolumeclaims
          READ core pods
          EVENTS
        controller pv-protection-controller
          get,list,watch,update core persistentvolumes
          EVENTS
        controller volumeattributesclass-protection-controller
          READ core persistentvolumeclaims,persistentvolumes
          get,list,watch,update storage.k8s.io volumeattributesclasses
          EVENTS
        controller ttl-after-finished-controller
          get,list,watch,delete batch jobs
          EVENTS
        controller root-ca-cert-publisher
          create,update core configmaps
          EVENTS
        controller validatingadmissionpolicy-status-controller
          READ admissionregistration.k8s.io validatingadmissionpolicies
          get,patch,update admissionregistration.k8s.io validatingadmissionpolicies/status
          EVENTS
        controller legacy-service-account-token-cleaner
          get core configmaps @kube-apiserver-legacy-service-account-token-tracking
          patch,delete core secrets
        controller selinux-warning-controller
          EVENTS
          READ core persistentvolumes,persistentvolumeclaims,pods
          READ storage.k8s.io csidrivers
        """;
}
