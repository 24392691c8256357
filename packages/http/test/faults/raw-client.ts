import { connect } from 'node:net';

export interface RawAnswer {
  /** What came, as Latin-1. */
  readonly text: string;
  /** How the connection ended; `open` if it did not, and `until` was satisfied instead. */
  readonly end: 'fin' | 'rst' | 'open';
}

const PATIENCE_MS = 10_000;

/** Sends text to a port of 127.0.0.1 and reads until the server ends the connection, or `until` is true of what came. */
export async function speak(
  port: number,
  text: string,
  until: (text: string) => boolean = () => false,
): Promise<RawAnswer> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'));
    let came = '';
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`Cannot wait any longer for the end of the answer: current value is ${came.slice(-500)}`));
    }, PATIENCE_MS);
    const finish = (end: RawAnswer['end']) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text: came, end });
    };
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      came += piece;
      if (until(came)) finish('open');
    });
    socket.on('end', () => finish('fin'));
    socket.on('error', () => finish('rst'));
  });
}

/** The head of a request for a URL or path, without a body. */
export function requestFor(url: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): string {
  const { pathname, search, host } = new URL(url, 'http://localhost');
  const lines = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
