/** Programs of this machine: where they are, and on which core they run. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Servers are often outside of the path of an ordinary user. */
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/** The path of a program, or undefined. */
export function findProgram(name) {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** A Python 3 that has the module, or undefined: the first on the path may be one without Debian's packages. */
export function findPython(module) {
  return [findProgram('python3'), '/usr/bin/python3'].find((python) => {
    if (python === undefined || !existsSync(python)) return false;
    try {
      execFileSync(python, ['-c', `import ${module}`], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  });
}

const taskset = findProgram('taskset');

/** Two cores that this process may use: `{ client, server }`, both undefined where nothing can be pinned. */
export function chooseCores() {
  const [client, server] = taskset === undefined ? [] : allowedCores();
  return server === undefined ? {} : { client, server };
}

/** The command line that runs another on one core only. */
export function pinned(core, command) {
  return core === undefined ? command : [taskset, '-c', String(core), ...command];
}

function allowedCores() {
  if (!existsSync('/proc/self/status')) return [];
  const [, list] = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return (list ?? '').split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
