/** The text of a ceph.conf for tests: one monitor, one OSD that keeps all in memory, one gateway, loopback only. */

export interface CephConfig {
  readonly folder: string;
  readonly clusterId: string;
  /** Where S3 is spoken. */
  readonly port: number;
  /** The monitor's, messenger 2 and 1. */
  readonly monitorPorts: readonly [number, number];
  /** The OSD takes four of these. */
  readonly osdPorts: { readonly first: number; readonly last: number };
}

export function cephConfigText({ folder, clusterId, port, monitorPorts, osdPorts }: CephConfig): string {
  const [v2, v1] = monitorPorts;
  // Authentication stays on: with "none" the gateway never reaches the monitor. Without tcp_nodelay a request takes 43 ms.
  return `
[global]
fsid = ${clusterId}
mon_host = [v2:127.0.0.1:${v2}/0,v1:127.0.0.1:${v1}/0]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
keyring = ${folder}/keyring
auth_allow_insecure_global_id_reclaim = false
run_dir = ${folder}/run
admin_socket = ${folder}/run/$name.$pid.asok
log_file = ${folder}/$name.log
crash_dir = ${folder}/run
pid_file =
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 2
osd_pool_default_pgp_num = 2
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_heartbeat_addr = 127.0.0.1
mon_allow_pool_size_one = true
mon_data_avail_crit = 1
mon_data_avail_warn = 1
mon_max_pg_per_osd = 1000
ms_bind_port_min = ${osdPorts.first}
ms_bind_port_max = ${osdPorts.last}
[mon.a]
mon_data = ${folder}/mon
paxos_propose_interval = 0.05
[osd.0]
osd_data = ${folder}/osd
osd_objectstore = memstore
memstore_device_bytes = 2147483648
osd_class_load_list = *
osd_class_default_list = *
osd_max_object_name_len = 2048
[client.rgw]
rgw_data = ${folder}/rgw
rgw_frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw_enable_usage_log = false
rgw_thread_pool_size = 64
`;
}
