/** The texts of OpenStack Swift's configuration for tests: one replica, one device, S3 in front, loopback only. */

export const SWIFT_CONF = `
[swift-hash]
swift_hash_path_suffix = scratch
swift_hash_path_prefix = scratch
[storage-policy:0]
name = one
default = yes
`;

export interface SwiftConfig {
  readonly folder: string;
  readonly user: string;
}

const common = ({ folder, user }: SwiftConfig, port: number): string => `
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
user = ${user}
swift_dir = ${folder}/etc
workers = 0
log_address = /nonexistent
`;

/** @param kind account, container or object */
export function storageConfigText(config: SwiftConfig, kind: string, port: number): string {
  return `${common(config, port)}
devices = ${config.folder}/srv
mount_check = false
disable_fallocate = true
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`;
}

const FILTERS = [
  'catch_errors',
  'listing_formats',
  'bulk',
  's3api',
  'tempauth',
  'copy',
  'slo',
  'dlo',
  'versioned_writes',
  'symlink',
];

const FILTER_SETTINGS: Readonly<Record<string, string>> = {
  s3api:
    'location = us-east-1\ns3_acl = false\ncheck_bucket_owner = false\ndns_compliant_bucket_names = true\nallow_multipart_uploads = true',
  tempauth: 'user_test_tester = testing .admin',
  slo: 'min_segment_size = 1',
  versioned_writes: 'allow_object_versioning = true',
};

export function proxyConfigText(config: SwiftConfig, port: number, unusedPort: number): string {
  const filters = FILTERS.map(
    (name) => `[filter:${name}]\nuse = egg:swift#${name}\n${FILTER_SETTINGS[name] ?? ''}\n`,
  );
  // The cache filter must be there; the memcached that it names need not.
  return `${common(config, port)}
[pipeline:main]
pipeline = ${['catch_errors', 'cache', ...FILTERS.slice(1), 'proxy-server'].join(' ')}
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${unusedPort}
${filters.join('')}`;
}
