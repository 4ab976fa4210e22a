namespace LiteKube.ApiServer.Bootstrap;

/// <summary>
/// The roles and bindings that every cluster has (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings).
/// A line that starts a role: <c>clusterrole NAME [label=value] [aggregate=label]</c> or <c>role NAMESPACE/NAME</c>; indented
/// below it, a rule a line: verbs, groups, resources, and names after <c>@</c>; or <c>get /path,/path</c>. <c>core</c> is
/// the group "", <c>READ WRITE ALL EVENTS</c> abbreviate what is frequent. A line <c>bind ROLE to SUBJECT...</c> is a
/// ClusterRoleBinding of the role's name; <c>controller NAME</c> is a ClusterRole system:controller:NAME bound to that
/// ServiceAccount in kube-system.
/// </summary>
internal static partial class BootstrapPolicyText
{
    public const string Roles = """
        clusterrole cluster-admin
          * * *
          * *
        clusterrole system:discovery
          get /livez,/readyz,/healthz,/version,/version/,/openapi,/openapi/*,/api,/api/*,/apis,/apis/*
        clusterrole system:monitoring
          get /metrics,/metrics/slis,/livez,/readyz,/healthz,/livez/*,/readyz/*,/healthz/*
        clusterrole system:basic-user
          create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews
          create authentication.k8s.io selfsubjectreviews
        clusterrole system:public-info-viewer
          get /livez,/readyz,/healthz,/version,/version/
        clusterrole system:service-account-issuer-discovery
          get /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/
        clusterrole admin aggregate=aggregate-to-admin
        clusterrole edit aggregate-to-admin aggregate=aggregate-to-edit
        clusterrole view aggregate-to-edit aggregate=aggregate-to-view
        clusterrole system:aggregate-to-admin aggregate-to-admin
          create authorization.k8s.io localsubjectaccessreviews
          ALL rbac.authorization.k8s.io roles,rolebindings
        clusterrole system:aggregate-to-edit aggregate-to-edit
          READ core pods/attach,pods/proxy,pods/exec,pods/portforward,secrets,services/proxy
          impersonate core serviceaccounts
          WRITE core pods,pods/attach,pods/proxy,pods/exec,pods/portforward
          create core pods/eviction
          WRITE core replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/proxy,persistentvolumeclaims,configmaps,secrets,events
          create core serviceaccounts/token
          WRITE apps statefulsets,statefulsets/scale,daemonsets,deployments,deployments/scale,deployments/rollback,replicasets,replicasets/scale
          WRITE autoscaling horizontalpodautoscalers
          WRITE batch jobs,cronjobs
          WRITE extensions daemonsets,deployments,deployments/scale,deployments/rollback,ingresses,replicasets,replicasets/scale,replicationcontrollers/scale,networkpolicies
          WRITE policy poddisruptionbudgets
          WRITE networking.k8s.io networkpolicies,ingresses
          WRITE resource.k8s.io resourceclaims,resourceclaimtemplates
          create,delete,deletecollection,get,list,patch,update,watch coordination.k8s.io leases
        clusterrole system:aggregate-to-view aggregate-to-view
          READ core pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,services/status,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,configmaps
          READ core limitranges,resourcequotas,bindings,events,pods/status,resourcequotas/status,namespaces/status,replicationcontrollers/status,pods/log
          READ core namespaces
          READ discovery.k8s.io endpointslices
          READ apps controllerrevisions,statefulsets,statefulsets/status,statefulsets/scale,daemonsets,daemonsets/status,deployments,deployments/status,deployments/scale,replicasets,replicasets/status,replicasets/scale
          READ autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status
          READ batch jobs,cronjobs,cronjobs/status,jobs/status
          READ extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status,ingresses,ingresses/status,replicasets,replicasets/scale,replicasets/status,replicationcontrollers/scale,networkpolicies
          READ policy poddisruptionbudgets,poddisruptionbudgets/status
          READ networking.k8s.io networkpolicies,ingresses,ingresses/status
          READ resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates
        clusterrole system:heapster
          READ core events,pods,nodes,namespaces
          READ extensions deployments
        clusterrole system:node
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io subjectaccessreviews,localsubjectaccessreviews
          READ core services
          create,get,list,watch core nodes
          update,patch core nodes/status
          update,patch core nodes
          create,update,patch core,events.k8s.io events
          READ core pods
          create,delete core pods
          update,patch core pods/status
          create core pods/eviction
          READ core secrets,configmaps
          get core persistentvolumeclaims,persistentvolumes
          get core endpoints
          create,get,list,watch certificates.k8s.io certificatesigningrequests
          get,create,update,patch,delete coordination.k8s.io leases
          get storage.k8s.io volumeattachments
          get,update,patch core persistentvolumeclaims/status
          create core serviceaccounts/token
          READ storage.k8s.io csidrivers
          get,create,update,patch,delete storage.k8s.io csinodes
          READ node.k8s.io runtimeclasses
          get resource.k8s.io resourceclaims
          get,list,watch,create,update,patch,delete,deletecollection resource.k8s.io resourceslices
          READ certificates.k8s.io clustertrustbundles
        clusterrole system:node-problem-detector
          get core nodes
          patch core nodes/status
          EVENTS
        clusterrole system:kubelet-api-admin
          READ core nodes
          proxy core nodes
          * core nodes/proxy,nodes/metrics,nodes/stats,nodes/log,nodes/spec,nodes/checkpoint,nodes/configz,nodes/healthz,nodes/pods
        clusterrole system:node-bootstrapper
          create,get,list,watch certificates.k8s.io certificatesigningrequests
        clusterrole system:auth-delegator
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io subjectaccessreviews
        clusterrole system:kube-aggregator
          READ core services,endpoints
        clusterrole system:kube-controller-manager
          EVENTS
          create coordination.k8s.io leases
          get,update coordination.k8s.io leases @kube-controller-manager
          create core secrets,serviceaccounts
          delete core secrets
          get core namespaces,secrets,serviceaccounts,configmaps
          update core secrets,serviceaccounts
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io subjectaccessreviews
          list,watch * *
          create core serviceaccounts/token
        clusterrole system:kube-dns
          list,watch core endpoints,services
        clusterrole system:persistent-volume-provisioner
          get,list,watch,create,delete core persistentvolumes
          get,list,watch,update core persistentvolumeclaims
          READ storage.k8s.io storageclasses
          watch core events
          EVENTS
        clusterrole system:certificates.k8s.io:certificatesigningrequests:nodeclient
          create certificates.k8s.io certificatesigningrequests/nodeclient
        clusterrole system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
          create certificates.k8s.io certificatesigningrequests/selfnodeclient
        clusterrole system:certificates.k8s.io:legacy-unknown-approver
          approve certificates.k8s.io signers @kubernetes.io/legacy-unknown
        clusterrole system:certificates.k8s.io:kubelet-serving-approver
          approve certificates.k8s.io signers @kubernetes.io/kubelet-serving
        clusterrole system:certificates.k8s.io:kube-apiserver-client-approver
          approve certificates.k8s.io signers @kubernetes.io/kube-apiserver-client
        clusterrole system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
          approve certificates.k8s.io signers @kubernetes.io/kube-apiserver-client-kubelet
        clusterrole system:volume-scheduler
          get,list,watch,update,patch core persistentvolumes
          READ storage.k8s.io storageclasses
          get,list,watch,update,patch core persistentvolumeclaims
        clusterrole system:node-proxier
          list,watch core services,endpoints
          get,list,watch core nodes
          EVENTS
          list,watch discovery.k8s.io endpointslices
          list,watch networking.k8s.io servicecidrs
        clusterrole system:kube-scheduler
          EVENTS
          create coordination.k8s.io leases
          get,update coordination.k8s.io leases @kube-scheduler
          create coordination.k8s.io leasecandidates
          READ core nodes
          get,list,watch,delete core pods
          create core pods/binding,bindings
          patch,update core pods/status
          READ core services,replicationcontrollers
          READ apps,extensions replicasets
          READ apps statefulsets
          READ policy poddisruptionbudgets
          READ core persistentvolumeclaims,persistentvolumes
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io subjectaccessreviews
          READ storage.k8s.io csinodes,csidrivers,csistoragecapacities,volumeattachments
          READ core namespaces
          READ resource.k8s.io deviceclasses,resourceslices
          READ resource.k8s.io resourceclaims
          update,patch resource.k8s.io resourceclaims,resourceclaims/status
        role kube-system/extension-apiserver-authentication-reader
          READ core configmaps @extension-apiserver-authentication
        role kube-system/system:controller:bootstrap-signer
          READ core secrets
        role kube-system/system:controller:cloud-provider
          create,get,list,watch core configmaps
        role kube-system/system:controller:token-cleaner
          get,list,watch,delete core secrets
          EVENTS
        role kube-system/system::leader-locking-kube-controller-manager
          watch core configmaps
          get,update core configmaps @kube-controller-manager
        role kube-system/system::leader-locking-kube-scheduler
          watch core configmaps
          get,update core configmaps @kube-scheduler
        role kube-public/system:controller:bootstrap-signer
          READ core configmaps
          update core configmaps @cluster-info
          EVENTS
        """;

    public const string Bindings = """
        bind cluster-admin to Group:system:masters
        bind system:monitoring to Group:system:monitoring
        bind system:discovery to Group:system:authenticated
        bind system:basic-user to Group:system:authenticated
        bind system:public-info-viewer to Group:system:authenticated Group:system:unauthenticated
        bind system:node-proxier to User:system:kube-proxy
        bind system:kube-controller-manager to User:system:kube-controller-manager
        bind system:kube-dns to ServiceAccount:kube-system/kube-dns
        bind system:kube-scheduler to User:system:kube-scheduler
        bind system:volume-scheduler to User:system:kube-scheduler
        bind system:service-account-issuer-discovery to Group:system:serviceaccounts
        bind system:node to
        bind kube-system/system::extension-apiserver-authentication-reader=extension-apiserver-authentication-reader to User:system:kube-controller-manager User:system:kube-scheduler
        bind kube-system/system::leader-locking-kube-controller-manager to User:system:kube-controller-manager ServiceAccount:kube-system/kube-controller-manager
        bind kube-system/system::leader-locking-kube-scheduler to User:system:kube-scheduler ServiceAccount:kube-system/kube-scheduler
        bind kube-system/system:controller:bootstrap-signer to ServiceAccount:kube-system/bootstrap-signer
        bind kube-system/system:controller:cloud-provider to ServiceAccount:kube-system/cloud-provider
        bind kube-system/system:controller:token-cleaner to ServiceAccount:kube-system/token-cleaner
        bind kube-public/system:controller:bootstrap-signer to ServiceAccount:kube-system/bootstrap-signer
        """;
}
