import { CONTENDERS } from './contenders/all.ts';
import { allScenarios } from './scenarios/all.ts';

const NAMES = allScenarios().map(({ name }) => name);

/** Of the bench. */
export const USAGE = `usage: npm run bench -- [--scenario NAME,…] [--scale accounts,messages] [--contender NAME,…] [--runs N] …

Fetches the same mail from a Dovecot of its own with each contender in turn (A B C, A B C, …), into a fresh file system
below TMPDIR each time, checks each result by digest, and prints Markdown tables; progress goes to stderr. Without
--scenario and --scale all is measured, which takes about an hour. A machine that does something else meanwhile spoils
the figures.

  --scenario NAME,…   names or parts of names:
                        ${NAMES.slice(0, 5).join(', ')},
                        ${NAMES.slice(5, 10).join(', ')},
                        ${NAMES.slice(10).join(', ')}
  --scale NAME,…      how cost grows: accounts (1 to 1,000), messages (1,000 to 1,000,000 in one maildrop)
  --max N             the largest number of accounts or messages of --scale
  --contender NAME,…  default: all that are installed; known:
                        ${[...CONTENDERS.keys()].join(', ')}
                        (drain and bare are loops of the bench's own that show where the limit is)
  --runs N            rounds; default: 5
  --patience SECONDS  a peer that has taken longer in a scenario has no turn in its later rounds; default: 20
                        (not so mailferry, mpop and the loops: the ratios are made of them);
                        so has a size of --scale
  --messages N        instead of each scenario's own number (crowd: of each account)
  --accounts N        instead of the 200 of crowd
  --file-system KIND  journaled: stores and state on a new ext4 with a journal, in an image file below TMPDIR on a loop
                        device, which needs root, and 2 GiB and more in TMPDIR;
                      as-is: in a fresh folder below TMPDIR, on what it is on;
                      default: journaled where it can be made, else as-is
  --json FILE         keeps raw results in FILE; what is measured later is added to it or takes the place of what it has;
                        figures of another file system are refused
  --from FILE         draws the results of FILE instead of measuring
  --write             puts tables and plots into docs/performance.md and docs/performance-*.svg, beside printing them

npm run bench -- --scenario 4k --contender mailferry,mpop
npm run bench -- --scenario nightly --runs 3 --json bench.json
npm run bench -- --scale messages --max 100000 --json bench.json
npm run bench -- --from bench.json --write

Debian packages: dovecot-core dovecot-pop3d time ${[...CONTENDERS.values()]
  .filter(({ role }) => role === 'peer')
  .map(({ debianPackage }) => debianPackage)
  .join(' ')}; test/services/install.sh --bench installs them.
`;
