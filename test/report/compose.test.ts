import { expect, test } from 'vitest';
import type { MailferryEvent } from '../../src/pipeline/events.ts';
import { composeReporters } from '../../src/report/compose.ts';
import type { Reporter } from '../../src/report/reporter.ts';
import { runStarted } from './fake-stream.ts';

test('a reporter that throws is dropped and told of once, the others go on', async () => {
  const heard: MailferryEvent[] = [];
  const defects: unknown[] = [];
  const closed: string[] = [];
  const broken: Reporter = {
    report: () => {
      throw new Error('broken');
    },
    close: async () => {
      closed.push('broken');
      throw new Error('broken again');
    },
  };
  const sound: Reporter = {
    report: (event) => heard.push(event),
    close: async () => {
      closed.push('sound');
    },
  };
  const both = composeReporters([broken, sound], (thrown) => defects.push(thrown));
  both.report(runStarted(1));
  both.report(runStarted(2));
  await both.close();
  expect(heard).toHaveLength(2);
  expect(closed).toEqual(['broken', 'sound']);
  expect(defects.map(String)).toEqual(['Error: broken', 'Error: broken again']);
});
