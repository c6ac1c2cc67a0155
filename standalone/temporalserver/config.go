package temporalserver

import (
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const (
	// historyShards is written into the data at the first start and can never
	// change for it: the server goes on with the number that it finds there.
	historyShards = 4

	clusterName = "active"
	mainStore   = "main"
	listStore   = "visibility"

	// Each of the four services keeps a pool for each store: at most 96
	// connections together, of the 200 that our PostgreSQL offers.
	mainConnections = 16
	listConnections = 8
	connectionLife  = time.Hour
)

// serverOptions is the whole configuration of the server; no file is read.
func serverOptions(timeSkipping bool, db databases, p ports, log logger) []temporal.ServerOption {
	return []temporal.ServerOption{
		temporal.WithConfig(staticConfig(db, p)),
		temporal.ForServices(temporal.DefaultServices),
		// A fixed list instead of gossip: a restart after a kill does not
		// wait for the dead process to be forgotten.
		temporal.WithStaticHosts(map[primitives.ServiceName]static.Hosts{
			primitives.FrontendService: static.SingleLocalHost(address(p.frontend)),
			primitives.HistoryService:  static.SingleLocalHost(address(p.history)),
			primitives.MatchingService: static.SingleLocalHost(address(p.matching)),
			primitives.WorkerService:   static.SingleLocalHost(address(p.worker)),
		}),
		temporal.WithDynamicConfigClient(dynamicConfig(timeSkipping)),
		temporal.WithLogger(log),
		temporal.WithCustomMetricsHandler(metrics.NoopMetricsHandler),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper {
			return authorization.NewNoopClaimMapper()
		}),
	}
}

func staticConfig(db databases, p ports) *config.Config {
	const disabled = "disabled"
	service := func(port int) config.Service {
		return config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback}}
	}
	return &config.Config{
		Global: config.Global{Membership: config.Membership{BroadcastAddress: loopback}},
		Persistence: config.Persistence{
			DefaultStore:     mainStore,
			VisibilityStore:  listStore,
			NumHistoryShards: historyShards,
			DataStores: map[string]config.DataStore{
				mainStore: {SQL: db.config(db.main, mainConnections)},
				listStore: {SQL: db.config(db.visibility, listConnections)},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: address(p.frontend)},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services: map[string]config.Service{
			string(primitives.FrontendService): service(p.frontend),
			string(primitives.HistoryService):  service(p.history),
			string(primitives.MatchingService): service(p.matching),
			string(primitives.WorkerService):   service(p.worker),
		},
		PublicClient: config.PublicClient{HostPort: address(p.frontend)},
		// Closed histories are archived by the product itself.
		Archival: config.Archival{
			History:    config.HistoryArchival{State: disabled},
			Visibility: config.VisibilityArchival{State: disabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: disabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: disabled},
		}},
	}
}

// dynamicConfig holds what differs from the server's defaults.
func dynamicConfig(timeSkipping bool) dynamicconfig.Client {
	return dynamicconfig.StaticClient{
		// Partitions spread a queue over nodes. On one node they only let a
		// task wait where nobody polls.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		// The server would report its version to its makers once a day.
		dynamicconfig.EnableServerVersionCheck.Key():    false,
		dynamicconfig.WorkflowTimeSkippingEnabled.Key(): timeSkipping,
	}
}
