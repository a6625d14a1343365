/** The SQLite ledger under the contract that every ledger passes. */
import { describeLedgerContract } from '../contract/ledger-contract.ts';
import { sqliteFixture } from './sqlite-fixture.ts';

describeLedgerContract('the SQLite ledger', sqliteFixture);
