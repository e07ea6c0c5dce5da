/**
 * The series that Nebula 1.11.0 serves on Linux with message_metrics and lighthouse_metrics, without the prefix and without `info`, which has labels; of a
 * distribution one name stands for each type (`DISTRIBUTION_TYPES`, `TIMING_TYPES`). test/interop/metrics.test.ts asks a real one.
 */
export const NEBULA_NAMES: readonly string[] = [
  "certificate_initiating_version",
  "certificate_max_version",
  "certificate_ttl_seconds",
  "debug_GCStats_LastGC",
  "debug_GCStats_NumGC",
  "debug_GCStats_PauseTotal",
  "firewall_conntrack_count",
  "firewall_incoming_dropped_local_addr",
  "firewall_incoming_dropped_no_rule",
  "firewall_incoming_dropped_remote_addr",
  "firewall_outgoing_dropped_local_addr",
  "firewall_outgoing_dropped_no_rule",
  "firewall_outgoing_dropped_remote_addr",
  "firewall_rules_hash",
  "firewall_rules_version",
  "handshake_manager_initiated",
  "handshake_manager_timed_out",
  "hostinfo_cached_packets_dropped",
  "hostinfo_cached_packets_sent",
  "hostmap_main_hosts",
  "hostmap_main_indexes",
  "hostmap_main_relayIndexes",
  "hostmap_main_remoteIndexes",
  "hostmap_pending_hosts",
  "hostmap_pending_indexes",
  "lighthouse_rx_HostPunchNotification",
  "lighthouse_rx_HostQuery",
  "lighthouse_rx_HostQueryReply",
  "lighthouse_rx_HostUpdateNotification",
  "lighthouse_rx_HostUpdateNotificationAck",
  "lighthouse_rx_other",
  "lighthouse_tx_HostPunchNotification",
  "lighthouse_tx_HostQuery",
  "lighthouse_tx_HostQueryReply",
  "lighthouse_tx_HostUpdateNotification",
  "lighthouse_tx_HostUpdateNotificationAck",
  "lighthouse_tx_other",
  "messages_rx_close_tunnel",
  "messages_rx_handshake_ixpsk0",
  "messages_rx_invalid",
  "messages_rx_lighthouse",
  "messages_rx_other",
  "messages_rx_recv_error",
  "messages_rx_test_request",
  "messages_rx_test_response",
  "messages_tx_close_tunnel",
  "messages_tx_handshake_ixpsk0",
  "messages_tx_holepunch",
  "messages_tx_lighthouse",
  "messages_tx_other",
  "messages_tx_punchy",
  "messages_tx_recv_error",
  "messages_tx_test_request",
  "messages_tx_test_response",
  "network_packets_duplicate",
  "network_packets_lost",
  "network_packets_out_of_window",
  "routines",
  "runtime_MemStats_Alloc",
  "runtime_MemStats_BuckHashSys",
  "runtime_MemStats_DebugGC",
  "runtime_MemStats_EnableGC",
  "runtime_MemStats_Frees",
  "runtime_MemStats_GCCPUFraction",
  "runtime_MemStats_HeapAlloc",
  "runtime_MemStats_HeapIdle",
  "runtime_MemStats_HeapInuse",
  "runtime_MemStats_HeapObjects",
  "runtime_MemStats_HeapReleased",
  "runtime_MemStats_HeapSys",
  "runtime_MemStats_LastGC",
  "runtime_MemStats_Lookups",
  "runtime_MemStats_MCacheInuse",
  "runtime_MemStats_MCacheSys",
  "runtime_MemStats_MSpanInuse",
  "runtime_MemStats_MSpanSys",
  "runtime_MemStats_Mallocs",
  "runtime_MemStats_NextGC",
  "runtime_MemStats_NumGC",
  "runtime_MemStats_PauseTotalNs",
  "runtime_MemStats_StackInuse",
  "runtime_MemStats_StackSys",
  "runtime_MemStats_Sys",
  "runtime_MemStats_TotalAlloc",
  "runtime_NumCgoCall",
  "runtime_NumGoroutine",
  "runtime_NumThread",
  "udp_0_backlog",
  "udp_0_drops",
  "udp_0_fwd_alloc",
  "udp_0_optmem",
  "udp_0_rcvbuf",
  "udp_0_rmem_alloc",
  "udp_0_sndbuf",
  "udp_0_wmem_alloc",
  "udp_0_wmem_queued",
];

export const NEBULA_DISTRIBUTIONS: readonly string[] = [
  "debug_GCStats_Pause",
  "handshakes",
  "runtime_MemStats_PauseNs",
];
export const NEBULA_TIMINGS: readonly string[] = ["debug_ReadGCStats", "runtime_ReadMemStats"];

export const DISTRIBUTION_TYPES: readonly string[] = [
  "count",
  "max",
  "mean",
  "min",
  "perc75",
  "perc95",
  "perc99",
  "perc999",
  "stddev",
  "sum",
  "variance",
];
export const TIMING_TYPES: readonly string[] = [...DISTRIBUTION_TYPES, "rate1", "rate15", "rate5", "rate_mean"];

/** Every series of a dashboard, as it would ask for it. */
export function dashboardQueries(prefix: string): readonly string[] {
  const byType = (names: readonly string[], types: readonly string[]): readonly string[] =>
    names.flatMap((name) => types.map((type) => `${prefix}${name}{type="${type}"}`));
  return [
    ...NEBULA_NAMES.map((name) => `${prefix}${name}`),
    ...byType(NEBULA_DISTRIBUTIONS, DISTRIBUTION_TYPES),
    ...byType(NEBULA_TIMINGS, TIMING_TYPES),
  ];
}

/** Series and their values in Prometheus' text format. */
export function readExposition(text: string): ReadonlyMap<string, number> {
  const rows = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    rows.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}
