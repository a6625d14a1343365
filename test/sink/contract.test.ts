import { describeSinkContract } from '../contract/sink-contract.ts';
import { maildirHarness, mboxHarness, memoryHarness } from './harnesses.ts';

describeSinkContract('MaildirSink', (folder) => maildirHarness(folder));
describeSinkContract('MboxSink', (folder) => mboxHarness(folder));
describeSinkContract('MemorySink', () => memoryHarness());
