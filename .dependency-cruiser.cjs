/**
 * Holds the layering of the house: cli -> job, report, demo -> pipeline -> sink, ledger, pop3 -> message, errors.
 * Each rule gives its reason; a rule that is in the way is changed here, with a new reason, never worked around.
 */
const layer = (name, comment, from, to) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycle',
      comment: 'A cycle has no bottom to test from and no order to read in.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      comment: 'An import that cannot be resolved fails at run time, after the build was green.',
      severity: 'error',
      from: {},
      // An optional package need not be installed.
      to: { couldNotResolve: true, pathNot: '^kerberos$' },
    },
    {
      name: 'no-dev-package',
      comment: 'The packed tarball has no development packages: the import would fail at the user.',
      severity: 'error',
      from: { path: '^src' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    layer(
      'message-is-the-ground',
      'Octets know nothing of who fetched or keeps them.',
      '^src/(message|errors)',
      '^src/(cli|job|report|demo|pipeline|sink|ledger|pop3)',
    ),
    layer(
      'pop3-knows-only-the-wire',
      'The engine is a POP3 client and nothing else, so that it can be tested and read alone.',
      '^src/pop3',
      '^src/(cli|job|report|demo|pipeline|sink|ledger|message)',
    ),
    layer(
      'sink-knows-only-messages',
      'A sink takes octets and gives receipts; where they came from and what is done next is not its business.',
      '^src/sink',
      '^src/(cli|job|report|demo|pipeline|ledger|pop3)',
    ),
    layer(
      'ledger-knows-only-facts',
      'The ledger records; it neither fetches nor stores mail.',
      '^src/ledger',
      '^src/(cli|job|report|demo|pipeline|pop3)',
    ),
    layer(
      'ledger-sees-the-sink-contract-only',
      'Receipts are part of what is recorded; how they were made is not.',
      '^src/ledger',
      '^src/sink/(?!sink\\.ts)',
    ),
    layer(
      'pipeline-sees-contracts',
      'Any sink and any ledger must be able to take part: the pipeline sees what they promise, never what they are.',
      '^src/pipeline',
      '^src/(sink/(?!sink\\.ts)|ledger/(?!ledger\\.ts|states\\.ts))',
    ),
    layer(
      'pipeline-is-below-the-job',
      'The pipeline runs live objects; files, schemas, screens and commands are above it.',
      '^src/pipeline',
      '^src/(cli|job|report|demo)',
    ),
    layer(
      'job-is-not-a-screen',
      'A definition must load the same under any command.',
      '^src/job',
      '^src/(cli|report|demo)',
    ),
    layer(
      'only-assemble-knows-implementations',
      'Two files (assemble.ts, and assemble-s3.ts for it) wire contracts to implementations; the rest of src/job works on plain data.',
      '^src/job/(?!assemble(-s3)?\\.ts)',
      '^src/(pipeline|ledger/(?!ledger\\.ts)|sink/(?!sink\\.ts))',
    ),
    layer(
      'report-only-listens',
      'A reporter is told events; it decides and changes nothing.',
      '^src/report',
      '^src/(cli|job|demo|sink/(?!sink\\.ts)|ledger|pop3)',
    ),
    layer(
      'demo-shares-no-parsing',
      'The demo server must not share a mistake with the client that it tests.',
      '^src/demo',
      '^src/(cli|job|report|pipeline|sink|ledger|pop3|message)',
    ),
    ...Object.entries({
      commander: '^src/cli/program\\.ts$',
      'p-queue': '^src/pipeline/account-pool\\.ts$',
      'cli-progress': '^src/report/bars\\.ts$',
      oauth4webapi: '^src/job/oauth/token-endpoint\\.ts$',
      libsql: '^src/ledger/sqlite\\.ts$',
      yaml: '^src/job/read-document\\.ts$',
      zod: '^src/job/schema\\.ts$',
      'csv-parse': '^src/job/accounts-csv\\.ts$',
      '@aws-sdk/client-s3': '^src/sink/s3/client\\.ts$',
      kerberos: '^src/pop3/sasl/kerberos\\.ts$',
      selfsigned: '^src/demo/certificate\\.ts$',
    }).map(([pkg, only]) => ({
      name: `one-file-imports-${pkg}`,
      comment: 'A package that one file imports can be replaced in an afternoon.',
      severity: 'error',
      from: { path: '^src', pathNot: only },
      to: { path: `(node_modules/${pkg}/|^${pkg}$)` },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs'],
    },
  },
};
