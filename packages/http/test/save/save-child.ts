/** Saves argv[2] to argv[3], going on with what is there. */
import { run } from 'corral';
import { saveTo } from '../../src/node/save-to.ts';
import { sending } from './undici-send.ts';

const [url = '', path = ''] = process.argv.slice(2);
try {
  await run(() => saveTo(sending(url).send, path, { resume: true }));
  console.log('saved');
} catch (error) {
  console.log(String(error));
  process.exitCode = 1;
}
