/** `corral fetch`: reads the arguments, runs the job, says how it ended. */
import type { Command } from '../command.ts';
import { readArguments } from '../fetch/arguments.ts';
import { HELP } from '../fetch/help.ts';

export const command: Command = {
  async run(args) {
    const options = readArguments(args);
    if (options === undefined) {
      process.stdout.write(HELP);
      return 0;
    }
    const { runJob } = await import('../fetch/run-job.ts'); // with all of HTTP behind it
    return runJob(options);
  },
};
