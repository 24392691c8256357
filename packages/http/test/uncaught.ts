/** Why errors that nobody catches are not looked at here, or false. */
export const uncaughtFails: string | false =
  'Bun' in globalThis && 'to the runner of Bun an uncaught error is a failure';

/** The messages of the next errors that nobody catches: `count` of them, thrown by what `body` sets off. */
export async function uncaught(count: number, body: () => void): Promise<string[]> {
  const { process } = globalThis;
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const messages: string[] = [];
  const all = new Promise<void>((resolve) => {
    process.on('uncaughtException', (error) => {
      messages.push(error.message);
      if (messages.length === count) resolve();
    });
  });
  try {
    body();
    await all;
    return messages;
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
}
