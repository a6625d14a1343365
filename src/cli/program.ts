/**
 * All commands and flags on one page. Each command's work is in its own file and is loaded when it is called, so that
 * `--version` and `--help` cost nothing.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT_HELP, type ExitCode } from './exit-code.ts';
import type { CliIo } from './io.ts';
import {
  type DemoOptions,
  LOG_LEVELS,
  type LoginCommandOptions,
  type ProbeOptions,
  type RetryOptions,
  type RunOptions,
  type StatusOptions,
  type VerifyOptions,
} from './options.ts';
import { parseShare, parseSince } from './parse-scope.ts';

/** @param settle is given the exit code of the command that ran. */
export function createProgram(version: string, io: CliIo, settle: (code: ExitCode) => void): Command {
  const program = new Command('mailferry')
    .description('Moves and archives POP3 mailboxes to Maildir, mbox and S3, byte for byte, with proof.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showHelpAfterError('(--help shows the usage)')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    })
    .addHelpText(
      'after',
      `
Examples:
  mailferry demo                          see it work, against a server of its own
  mailferry probe pops://pop.example.net  look at a server
  mailferry plan jobs/nightly.yaml        what a run would fetch
  mailferry run jobs/nightly.yaml         archive
  mailferry verify jobs/nightly.yaml      read the archives back and compare
  mailferry status jobs/nightly.yaml      what is archived, what failed

${EXIT_HELP}`,
    )
    .exitOverride();

  retrying(program.command('run'))
    .description('archive: fetch what is new and store it in every sink')
    .argument('<job...>', 'job definitions (YAML or JSON)')
    .addOption(
      new Option(
        '--refetch <what>',
        'read every sink back first, and fetch again what is missing or changed there and still on the server',
      ).choices(['missing']),
    )
    .addHelpText(
      'after',
      examples(
        'mailferry run job.yaml',
        'mailferry run --quiet job.yaml                  for cron: silent when all is well',
        "mailferry run --account 'a*' --json job.yaml    some accounts, one JSON object a line",
        'mailferry run --trace wire.log job.yaml         the conversation, without its secrets',
        'mailferry run --retry quarantined job.yaml      also what failed too often; "status" says why',
      ),
    )
    .action(async (files: string[], options: RunOptions) => {
      const { run } = await import('./commands/run.ts');
      settle(await run(files, options, io, version));
    });

  retrying(program.command('plan'))
    .description('what run would do, fetch and delete: lists and asks headers, fetches and changes nothing')
    .argument('<job...>', 'job definitions (YAML or JSON)')
    .addHelpText(
      'after',
      examples(
        'mailferry plan job.yaml',
        'mailferry plan --verbose job.yaml   each message, and why it stays or goes',
        'mailferry plan --retry quarantined job.yaml   as with run --retry quarantined',
      ),
    )
    .action(async (files: string[], options: RetryOptions) => {
      const { plan } = await import('./commands/plan.ts');
      settle(await plan(files, options, io));
    });

  common(program.command('verify'))
    .description('read every sink back and compare with the receipts; asks no server, changes nothing')
    .argument('<job...>', 'job definitions (YAML or JSON)')
    .addOption(accountOption())
    .addOption(
      new Option(
        '--sample <percent>',
        'read only this share of the messages, another one each time',
      ).argParser((text: string) => orRefuse(parseShare(text), 'a percentage such as 10%')),
    )
    .addOption(
      new Option('--since <when>', 'read only what was proved since: 7d, or 2026-01-31').argParser(
        (text: string) =>
          orRefuse(parseSince(text, Date.now()), 'a duration such as 7d, or a date such as 2026-01-31'),
      ),
    )
    .addHelpText(
      'after',
      examples(
        'mailferry verify job.yaml                       everything, in every sink',
        'mailferry verify --quiet --sample 5% job.yaml   for cron: silent when all is kept',
        'mailferry verify --since 7d --json job.yaml     one JSON object a line',
        'mailferry run --refetch missing job.yaml        afterwards: fetch again what is lost',
      ),
    )
    .action(async (files: string[], options: VerifyOptions) => {
      const { verify } = await import('./commands/verify.ts');
      settle(await verify(files, options, io));
    });

  common(program.command('status'))
    .description('accounts, counts, last runs, and what is in trouble, from the ledger; works beside a run')
    .argument('[job...]', 'job definitions; without one, every ledger below .mailferry in this folder')
    .addOption(accountOption())
    .addHelpText(
      'after',
      examples(
        'mailferry status job.yaml',
        'mailferry status --json job.yaml | jq .accounts',
        'mailferry status --json job.yaml | jq .quarantined   each with its reason and what arrived',
      ),
    )
    .action(async (files: string[], options: StatusOptions) => {
      const { status } = await import('./commands/status.ts');
      settle(await status(files, options, io));
    });

  session(program.command('probe'))
    .description('look at a server: greeting, TLS, capabilities, login ways, counts; changes nothing')
    .argument('<job-or-url>', 'a job definition, or pop://host:port or pops://host:port')
    .addOption(
      new Option('--security <kind>', 'with a URL: how to secure the line').choices([
        'tls',
        'starttls',
        'plaintext',
      ]),
    )
    .addHelpText(
      'after',
      examples(
        'mailferry probe pops://pop.example.net               without login',
        'mailferry probe --security starttls pop://pop.example.net:110',
        'mailferry probe --account alice job.yaml             with login, and what it counts',
      ),
    )
    .action(async (target: string, options: ProbeOptions) => {
      const { probe } = await import('./commands/probe.ts');
      settle(await probe(target, options, io));
    });

  program
    .command('login')
    .description('let the job into mailboxes by OAuth: a person enters a code in any browser, once')
    .argument('<job>', 'a job definition whose accounts have `password: { oauth: { deviceCode: true, … } }`')
    .option('--json', 'one JSON object per step on stdout, nothing else there')
    .addOption(accountOption())
    .exitOverride()
    .addHelpText('after', examples('mailferry login job.yaml', 'mailferry login --account alice job.yaml'))
    .action(async (file: string, options: LoginCommandOptions) => {
      const { login } = await import('./commands/login.ts');
      settle(await login(file, options, io));
    });

  common(program.command('demo'))
    .description(
      'archive from an embedded POP3 server with sample mail, twice: the second run finds nothing new',
    )
    .option('--folder <path>', 'where the archive goes; kept there (default: a temporary folder)')
    .option('--serve', 'only serve: keep the embedded server running until interrupted')
    .addHelpText(
      'after',
      examples('mailferry demo', 'mailferry demo --folder ./demo', 'mailferry demo --serve'),
    )
    .action(async (options: DemoOptions) => {
      const { demo } = await import('./commands/demo.ts');
      settle(await demo(options, io, version));
    });

  return program;
}

/** Flags that every command has. */
function common(command: Command): Command {
  return command
    .option('--json', 'one JSON object per event or result on stdout, nothing else there')
    .option('-q, --quiet', 'only failures and warnings')
    .option('-v, --verbose', 'more detail; the same as --log-level debug')
    .addOption(new Option('--log-level <level>', 'what the log shows').choices([...LOG_LEVELS]))
    .exitOverride();
}

/** Flags of commands that talk to servers. */
function session(command: Command): Command {
  return common(command)
    .addOption(accountOption())
    .option(
      '--trace <file>',
      'write the conversation to a file: commands and answers, secrets and message text removed',
    )
    .option(
      '--keylog <file>',
      'write the secrets of TLS sessions to a file, for Wireshark (also by SSLKEYLOGFILE); see docs/wire.md',
    );
}

/** Flags of commands that fetch, or say what would be fetched. */
function retrying(command: Command): Command {
  return session(command).addOption(
    new Option(
      '--retry <what>',
      'fetch again also what is set aside because it failed in too many runs (limits.attempts)',
    ).choices(['quarantined']),
  );
}

function accountOption(): Option {
  return new Option(
    '-a, --account <glob>',
    'only accounts whose id matches; * and ? match anything; may be repeated',
  ).argParser((glob: string, before: readonly string[] | undefined) => {
    if (glob === '') {
      throw new InvalidArgumentError('it is empty');
    }
    return [...(before ?? []), glob];
  });
}

function orRefuse<Value>(value: Value | undefined, expected: string): Value {
  if (value === undefined) {
    throw new InvalidArgumentError(`expected ${expected}`);
  }
  return value;
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n\n${EXIT_HELP}`;
}
