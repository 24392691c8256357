/** `corral fetch`: reads the arguments, runs the job, says how it ended. */
import type { Command } from '../command.ts';
import { readArguments } from '../fetch/arguments.ts';
import { HELP } from '../fetch/help.ts';
import { runJob } from '../fetch/run-job.ts';

export const command: Command = {
  async run(args) {
    const options = readArguments(args);
    if (options !== undefined) return runJob(options);
    process.stdout.write(HELP);
    return 0;
  },
};
